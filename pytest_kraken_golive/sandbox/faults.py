"""Trouble on order: which requests are hit, and by what. The n-th matching request is hit, whatever the time."""

from __future__ import annotations

from .settings import FaultSettings


class Fault:
    """An installed fault and how often it has been served."""

    __slots__ = ("matched", "order", "served")

    def __init__(self, order: FaultSettings) -> None:
        self.order = order
        self.matched = 0
        self.served = 0

    @property
    def spent(self) -> bool:
        """Whether it will hit no more."""
        return self.order.times is not None and self.served >= self.order.times

    def hits(self, door: str, endpoint: str) -> bool:
        """Whether it hits this request; counts it."""
        order = self.order
        if self.spent or order.door not in {"*", door} or order.endpoint not in {"*", endpoint}:
            return False
        self.matched += 1
        if self.matched <= order.skip:
            return False
        self.served += 1
        return True


class Faults:
    """All installed faults; the first that matches hits, and only that one."""

    def __init__(self, orders: list[FaultSettings]) -> None:
        self._faults = [Fault(order) for order in orders]

    def install(self, order: FaultSettings) -> None:
        """Add a fault behind those that are installed."""
        self._faults.append(Fault(order))

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()

    def pick(self, door: str, endpoint: str) -> FaultSettings | None:
        """The fault that hits this request, or None."""
        for fault in self._faults:
            if fault.hits(door, endpoint):
                return fault.order
        return None

    def listing(self) -> list[dict[str, object]]:
        """What is installed, as JSON data."""
        return [{**fault.order.model_dump(mode="json"), "served": fault.served} for fault in self._faults]


def cloudflare_page(status: int) -> bytes:
    """An HTML page as the edge shows it when it gets no good answer from behind."""
    names = {502: "Bad gateway", 504: "Gateway time-out", 520: "Web server is returning an unknown error"}
    name = names.get(status, "Error")
    return (
        f"<!DOCTYPE html>\n<html><head><title>api.kraken.com | {status}: {name}</title></head>\n"
        f"<body><h1>{name} <span>Error code {status}</span></h1><p>cloudflare (played by a sandbox)</p></body></html>\n"
    ).encode()
