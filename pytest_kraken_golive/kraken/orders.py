"""An order as it is meant, before it is sent."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Literal

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit"]
TimeInForce = Literal["GTC", "IOC", "FOK"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_FREE_TEXT: Final = re.compile(r"[!-~]{1,18}")
# Kraken: Add order: the deadline lies 2 to 60 seconds ahead.
_NEAREST_DEADLINE_S: Final = 2.0
_FURTHEST_DEADLINE_S: Final = 60.0
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "side": ("buy", "sell"),
    "ordertype": ("market", "limit"),
    "time_in_force": ("GTC", "IOC", "FOK"),
}


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """A market or limit order. Its fields are checked when it is made; what is wrong raises ValueError or TypeError."""

    pair: str
    """Altname or id: `XBTUSD`, `XXBTZUSD`."""
    side: Side
    """`buy` or `sell`."""
    ordertype: OrderType
    """`market` or `limit`."""
    volume: Decimal
    """Amount of the base asset, above zero."""
    price: Decimal | None = None
    """Limit price in the quote asset; limit orders need it, market orders have none."""
    post_only: bool = False
    """True: only as maker (limit orders)."""
    time_in_force: TimeInForce | None = None
    """None leaves the exchange's default, GTC."""
    cl_ord_id: str | None = None
    """Client id: a UUID (36 or 32 digits) or up to 18 printable ASCII characters; None: a new UUID4 at placing."""
    deadline_s: float = 10.0
    """Seconds from sending, 2 to 60, after which the exchange must no longer accept it."""
    reference_price: Decimal | None = None
    """What a market order is expected to cost per unit, in the quote asset: read by the interlock's cap, never sent."""

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known and not (name == "time_in_force" and value is None):
                raise ValueError(f"{name}: expected one of {', '.join(known)}, found {value!r}.")
        if not isinstance(self.pair, str) or not self.pair.strip():
            raise ValueError(f"pair: expected a name like XBTUSD, found {self.pair!r}.")
        _positive("volume", self.volume)
        for name, price in (("price", self.price), ("reference_price", self.reference_price)):
            if price is not None:
                _positive(name, price)
        self._check_combination()

    def _check_combination(self) -> None:
        limit = self.ordertype == "limit"
        if limit != (self.price is not None):
            raise ValueError(f"price: a limit order has one and a market order has none, found {self.price!r}.")
        if self.post_only and (not limit or self.time_in_force in {"IOC", "FOK"}):
            raise ValueError("post_only: only a limit order that may rest can be post-only.")
        if not _NEAREST_DEADLINE_S <= self.deadline_s <= _FURTHEST_DEADLINE_S:
            raise ValueError(f"deadline_s: expected 2 to 60 seconds, found {self.deadline_s!r}.")
        if self.cl_ord_id is not None and not (_UUID.fullmatch(self.cl_ord_id) or _FREE_TEXT.fullmatch(self.cl_ord_id)):
            raise ValueError(
                f"cl_ord_id: expected a UUID or at most 18 printable ASCII characters, found {self.cl_ord_id!r}."
            )

    def fields(self, cl_ord_id: str, deadline_at_s: float, *, validate: bool) -> dict[str, str]:
        """The order as AddOrder's parameters.

        Args:
            cl_ord_id: the client id that it goes by.
            deadline_at_s: Unix time (s) of its deadline.
            validate: True: the exchange only checks it.
        """
        named: dict[str, str | None] = {
            "ordertype": self.ordertype,
            "type": self.side,
            "volume": format(self.volume, "f"),
            "pair": self.pair,
            "price": None if self.price is None else format(self.price, "f"),
            "oflags": "post" if self.post_only else None,
            "timeinforce": self.time_in_force,
            "cl_ord_id": cl_ord_id,
            "deadline": rfc3339(deadline_at_s),
            "validate": "true" if validate else None,
        }
        return {name: value for name, value in named.items() if value is not None}


def new_cl_ord_id() -> str:
    """A client id that nobody else has: a UUID4, the form that every part of the exchange takes."""
    return str(uuid.uuid4())


def rfc3339(at_s: float) -> str:
    """Unix time (s) as Kraken's deadlines write it: `2026-11-20T09:31:05.250Z`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _positive(name: str, value: object) -> None:
    if not isinstance(value, Decimal):
        raise TypeError(f"{name}: expected a Decimal, found {type(value).__name__} {value!r}.")
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{name}: expected a number above zero, found {value}.")
