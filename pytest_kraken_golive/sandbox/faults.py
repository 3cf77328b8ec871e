"""Trouble on order: which requests are hit, and by what.

Every choice comes from the seed and from how many requests matched so far, whatever the time, so that the same
requests in the same order meet the same trouble.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from .settings import FaultSettings


class Hit(NamedTuple):
    """A fault on its way to one request."""

    order: FaultSettings
    """What was ordered."""
    wait_s: float
    """Seconds before the request is handled."""


class Fault:
    """An installed fault and how often it has been served."""

    __slots__ = ("_draw", "matched", "order", "served")

    def __init__(self, order: FaultSettings, seed: str) -> None:
        self.order = order
        self.matched = 0
        self.served = 0
        self._draw = random.Random(seed)  # noqa: S311 - trouble is to be reproducible

    @property
    def spent(self) -> bool:
        """Whether it will hit no more."""
        return self.order.times is not None and self.served >= self.order.times

    def strike(self, door: str, endpoint: str) -> Hit | None:
        """What it does to this request, or None; counts it."""
        order = self.order
        if self.spent or order.door not in {"*", door} or order.endpoint not in {"*", endpoint}:
            return None
        self.matched += 1
        if self.matched <= order.skip or self._draw.random() >= order.probability:
            return None
        self.served += 1
        return Hit(order, order.latency_s + self._spread_s())

    def _spread_s(self) -> float:
        scale_s = self.order.spread_s
        match self.order.spread:
            case "uniform":
                return self._draw.uniform(0.0, scale_s)
            case "exponential":
                return self._draw.expovariate(1.0) * scale_s
            case "lognormal":
                return self._draw.lognormvariate(0.0, 1.0) * scale_s
        return 0.0


class Faults:
    """All installed faults; the first that strikes is the only one."""

    def __init__(self, orders: list[FaultSettings], seed: int) -> None:
        self._seed = seed
        self._installed = 0
        self._faults: list[Fault] = []
        for order in orders:
            self.install(order)

    def install(self, order: FaultSettings) -> None:
        """Add a fault behind those that are installed."""
        self._faults.append(Fault(order, f"{self._seed}/fault/{self._installed}"))
        self._installed += 1

    def clear(self) -> None:
        """Remove all faults; those installed from now on draw as after a fresh start."""
        self._faults.clear()
        self._installed = 0

    def pick(self, door: str, endpoint: str) -> Hit | None:
        """What hits this request, or None."""
        for fault in self._faults:
            hit = fault.strike(door, endpoint)
            if hit is not None:
                return hit
        return None

    def listing(self) -> list[dict[str, object]]:
        """What is installed, as JSON data."""
        return [
            {**fault.order.model_dump(mode="json"), "matched": fault.matched, "served": fault.served}
            for fault in self._faults
        ]


_EDGE_SAYS = {
    429: "Too many requests",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service temporarily unavailable",
    504: "Gateway time-out",
    520: "Web server is returning an unknown error",
    521: "Web server is down",
    522: "Connection timed out",
    523: "Origin is unreachable",
    524: "A timeout occurred",
}


def cloudflare_page(status: int) -> bytes:
    """An HTML page as the edge shows it when it gets no good answer from behind."""
    name = _EDGE_SAYS.get(status, "Error")
    return (
        f"<!DOCTYPE html>\n<html><head><title>api.kraken.com | {status}: {name}</title></head>\n"
        f"<body><h1>{name} <span>Error code {status}</span></h1><p>cloudflare (played by a sandbox)</p></body></html>\n"
    ).encode()
