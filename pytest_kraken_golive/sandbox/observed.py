"""What the exchange saw, booked by door: the gate's evidence of what a bot really did.

Keys appear only as fingerprints.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from .orders import Amend, Fill, Order
from .transcript import Transcript


@dataclass(slots=True)
class KeyBook:
    """What one key did through one door."""

    name: str
    """Name of its account."""
    signed_calls: int = 0
    """Calls whose signature was right."""
    nonces_accepted: int = 0
    """Of these, the ones whose nonce was good."""
    orders: int = 0
    """Orders that were accepted."""
    validated: int = 0
    """Orders that were checked with `validate` and not placed."""
    fills: int = 0
    """Fills of its orders, however much later."""


@dataclass(slots=True)
class DoorBook:
    """Everything that came through one door."""

    total: int = 0
    public: int = 0
    private: int = 0
    signed_ok: int = 0
    signed_wrong: int = 0
    in_service: int = 0
    concurrency_max: int = 0
    first_arrival_s: float | None = None
    last_arrival_s: float | None = None
    arrivals: array[float] = field(default_factory=lambda: array("d"))
    """Monotonic times in seconds."""
    by_endpoint: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    keys: dict[str, KeyBook] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Single calls, where a journal is kept; see `journal.Journal`."""
    orders: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    transcript: Transcript | None = None
    """What is taken down word for word, while somebody asks for it."""

    def arrive(self, unix_s: float, monotonic_s: float) -> None:
        """A request came in and is in service."""
        self.total += 1
        self.arrivals.append(monotonic_s)
        self.last_arrival_s = unix_s
        if self.first_arrival_s is None:
            self.first_arrival_s = unix_s
        self.in_service += 1
        self.concurrency_max = max(self.concurrency_max, self.in_service)

    def leave(self) -> None:
        """A request is answered."""
        self.in_service -= 1

    def key(self, fingerprint: str, name: str) -> KeyBook:
        """The book of a key."""
        found = self.keys.get(fingerprint)
        if found is None:
            found = self.keys[fingerprint] = KeyBook(name)
        return found

    def burst_max(self, window_s: float) -> int:
        """Largest number of arrivals in any window `[t, t + window_s)`."""
        times = sorted(self.arrivals)
        most = first = 0
        for index, at in enumerate(times):
            while at - times[first] >= window_s:
                first += 1
            most = max(most, index - first + 1)
        return most

    def shown(self, door: str, window_s: float) -> dict[str, Any]:
        """The book as JSON data; see `Exchange.observed`."""
        return {
            "door": door,
            "window_s": window_s,
            "requests": {
                "total": self.total,
                "public": self.public,
                "private": self.private,
                "signed_ok": self.signed_ok,
            },
            "signed_wrong": self.signed_wrong,
            "by_endpoint": dict(self.by_endpoint),
            "errors": dict(self.errors),
            "faults": dict(self.faults),
            "in_service": self.in_service,
            "concurrency_max": self.concurrency_max,
            "burst_max": self.burst_max(window_s),
            "first_arrival_s": self.first_arrival_s,
            "last_arrival_s": self.last_arrival_s,
            "keys": {fingerprint: asdict(book) for fingerprint, book in self.keys.items()},
            "calls": list(self.calls),
            "orders": [shown_order(order) for order in self.orders],
            "fills": [shown_fill(fill) for fill in self.fills],
        }


def shown_order(order: Order) -> dict[str, Any]:
    """An order as the books show it; money as text in full precision."""
    return {
        "txid": order.txid,
        "cl_ord_id": order.cl_ord_id,
        "userref": order.userref or None,  # 0 is what an order has that was given none
        "pair": order.pair.id,
        "type": order.side,
        "ordertype": order.ordertype,
        "volume": str(order.volume),
        "price": None if order.price is None else str(order.price),
        "executed": str(order.executed),
        "amends": [_shown_amend(amend) for amend in order.amends],
        "status": order.status,
        "reason": order.reason,
        "opened_s": order.opened_at,
        "closed_s": order.closed_at,
        "door": order.door,
        "key": order.account.fingerprint,
    }


def _shown_amend(amend: Amend) -> dict[str, Any]:
    return {
        "type": amend.kind,
        "volume": str(amend.volume),
        "price": None if amend.price is None else str(amend.price),
        "time_s": amend.at,
    }


def shown_fill(fill: Fill) -> dict[str, Any]:
    """A fill as the books show it; money as text in full precision."""
    order = fill.order
    return {
        "txid": fill.txid,
        "order": order.txid,
        "cl_ord_id": order.cl_ord_id,
        "pair": order.pair.id,
        "type": order.side,
        "price": str(fill.price),
        "volume": str(fill.volume),
        "cost": str(fill.cost),
        "fee": str(fill.fee),
        "maker": fill.maker,
        "time_s": fill.at,
        "door": order.door,
        "key": order.account.fingerprint,
    }
