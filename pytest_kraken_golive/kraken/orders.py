"""An order, and a change to one, as they are meant, before they are sent. Source: Kraken: Add, Amend, Edit order."""

from __future__ import annotations

import os
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from pytest_kraken_golive.kraken.order_prices import (
    LIMITS,
    TRAILING,
    TRIGGERED,
    ConditionalClose,
    OrderType,
    Price,
    Relative,
    demand_positive,
    demand_prices,
    price_text,
)

Side = Literal["buy", "sell"]
TimeInForce = Literal["GTC", "IOC", "FOK", "GTD"]
Trigger = Literal["last", "index"]
SelfTrade = Literal["cancel-newest", "cancel-oldest", "cancel-both"]

_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "side": get_args(Side),
    "ordertype": get_args(OrderType),
    "time_in_force": get_args(TimeInForce),
    "trigger": get_args(Trigger),
    "self_trade": get_args(SelfTrade),
}
_OPTIONAL: Final = frozenset({"time_in_force", "trigger", "self_trade"})
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_FREE_TEXT: Final = re.compile(r"[!-~]{1,18}")
# Kraken: Add order: the deadline lies 2 to 60 seconds ahead, an expiry 5 seconds to a month.
_DEADLINE_S: Final = (2.0, 60.0)
_EXPIRY_S: Final = (5, 30 * 86_400)
_LEAST_SHOWN: Final = 15
"""An iceberg shows at least this part of its volume (Kraken: Add order, displayvol)."""


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """An order. Its fields are checked when it is made; what is wrong raises ValueError or TypeError.

    There is no margin here, on purpose: no leverage, no reduce-only.
    """

    pair: str
    """Altname or id: `XBTUSD`, `XXBTZUSD`."""
    side: Side
    """`buy` or `sell`."""
    ordertype: OrderType
    """`market`, `limit`, `stop-loss`, ..."""
    volume: Decimal
    """Amount of the base asset, above zero."""
    price: Price | None = None
    """The limit of a limit order, else what triggers the order; a trailing distance is `Relative` with `+`."""
    price2: Price | None = None
    """The limit of an order that is triggered first (`...-limit`)."""
    trigger: Trigger | None = None
    """Which price triggers; None leaves the exchange's default, `last`."""
    display_volume: Decimal | None = None
    """What an iceberg shows: at least a fifteenth of the volume."""
    post_only: bool = False
    """True: only as maker (limit orders)."""
    time_in_force: TimeInForce | None = None
    """None leaves the exchange's default, GTC."""
    expires_in_s: int | None = None
    """GTD: seconds from arrival to expiry, 5 to 30 days."""
    self_trade: SelfTrade | None = None
    """What happens when it meets an own order; None leaves the exchange's default, `cancel-newest`."""
    cl_ord_id: str | None = None
    """Client id: a UUID (36 or 32 digits) or up to 18 printable ASCII characters; None: a new UUID4 at placing."""
    close: ConditionalClose | None = None
    """The order that follows each of its fills."""
    deadline_s: float = 10.0
    """Seconds from sending, 2 to 60, after which the exchange must no longer accept it."""

    def __post_init__(self) -> None:
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known and not (value is None and name in _OPTIONAL):
                raise ValueError(f"{name}: expected one of {', '.join(known)}, found {value!r}.")
        _pair(self.pair)
        demand_positive("volume", self.volume)
        _within("deadline_s", self.deadline_s, _DEADLINE_S)
        if self.cl_ord_id is not None:
            _client_id(self.cl_ord_id)
        demand_prices(self.ordertype, self.price, self.price2)
        if self.trigger is not None and self.ordertype not in TRIGGERED | TRAILING:
            raise ValueError(f"trigger: a {self.ordertype} order is not triggered, expected None.")
        if self.close is not None and not isinstance(self.close, ConditionalClose):
            raise TypeError(f"close: expected a ConditionalClose, found {type(self.close).__name__}.")
        self._check_resting()

    def _check_resting(self) -> None:
        if self.post_only and (self.ordertype not in LIMITS or self.time_in_force in {"IOC", "FOK"}):
            raise ValueError("post_only: only a limit order that may rest can be post-only.")
        if (self.time_in_force == "GTD") != (self.expires_in_s is not None):
            raise ValueError("expires_in_s: a GTD order has one and no other has, expected both or neither.")
        if self.expires_in_s is not None:
            _within("expires_in_s", self.expires_in_s, _EXPIRY_S)
        shown = self.display_volume
        if (self.ordertype == "iceberg") != (shown is not None):
            raise ValueError("display_volume: an iceberg order has one and no other has, expected both or neither.")
        if shown is not None:
            demand_positive("display_volume", shown)
            if not self.volume <= shown * _LEAST_SHOWN or shown > self.volume:
                raise ValueError(f"display_volume: expected a fifteenth of the volume to all of it, found {shown}.")

    def terms(self) -> dict[str, str]:
        """What is to be traded, as AddOrder's parameters without pair, names, deadline and conditional close."""
        terms: dict[str, str] = {"ordertype": self.ordertype, "type": self.side, "volume": format(self.volume, "f")}
        for name, price in (("displayvol", self.display_volume), ("price", self.price), ("price2", self.price2)):
            if price is not None:
                terms[name] = price_text(price)
        if self.post_only:
            terms["oflags"] = "post"
        if self.expires_in_s is not None:
            terms["expiretm"] = f"+{self.expires_in_s}"
        for name, word in (
            ("trigger", self.trigger),
            ("timeinforce", self.time_in_force),
            ("stptype", self.self_trade),
        ):
            if word is not None:
                terms[name] = word
        return terms

    def fields(self, cl_ord_id: str, deadline_at_s: float, *, validate: bool) -> dict[str, str]:
        """The order as AddOrder's parameters.

        Args:
            cl_ord_id: the client id that it goes by.
            deadline_at_s: Unix time (s) of its deadline.
            validate: True: the exchange only checks it.
        """
        fields = self.terms()
        if self.close is not None:
            fields |= {f"close[{name}]": value for name, value in self.close.terms().items()}
        fields["pair"], fields["cl_ord_id"], fields["deadline"] = self.pair, cl_ord_id, rfc3339(deadline_at_s)
        if validate:
            fields["validate"] = "true"
        return fields

    def entry(self, cl_ord_id: str) -> dict[str, Any]:
        """The order as one of AddOrderBatch's: JSON data, in which the conditional close is nested."""
        closing = {} if self.close is None else {"close": self.close.terms()}
        return {**self.terms(), **closing, "cl_ord_id": cl_ord_id}


@dataclass(frozen=True, kw_only=True)
class Amendment:
    """A change that keeps the order and, where possible, its place in the queue (Kraken: Amend order)."""

    txid: str | None = None
    """The order's id; either this or its client id."""
    cl_ord_id: str | None = None
    """The order's client id."""
    volume: Decimal | None = None
    """New whole volume, filled part included; None leaves it."""
    display_volume: Decimal | None = None
    """New shown volume of an iceberg."""
    limit_price: Price | None = None
    """New limit."""
    trigger_price: Price | None = None
    """New trigger."""
    post_only: bool | None = None
    """True: refuse a new limit that would take."""
    deadline_s: float = 10.0
    """Seconds from sending, 2 to 60, after which the exchange must no longer accept it."""

    def __post_init__(self) -> None:
        _one_name(self.txid, self.cl_ord_id)
        _within("deadline_s", self.deadline_s, _DEADLINE_S)
        _some_change(self.volume, self.display_volume, self.limit_price, self.trigger_price)

    def fields(self, deadline_at_s: float) -> dict[str, str]:
        """AmendOrder's parameters; `deadline_at_s` is Unix time (s)."""
        named: dict[str, Price | str | None] = {
            "txid": self.txid,
            "cl_ord_id": self.cl_ord_id,
            "order_qty": self.volume,
            "display_qty": self.display_volume,
            "limit_price": self.limit_price,
            "trigger_price": self.trigger_price,
            "post_only": None if self.post_only is None else str(self.post_only).lower(),
            "deadline": rfc3339(deadline_at_s),
        }
        return _given(named)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change that cancels an order and places another: new id, last in the queue (Kraken: Edit order).

    The exchange refuses it for orders with a client id, which all orders of this client have: amend those.
    """

    txid: str
    """The order's id."""
    pair: str
    """Its pair."""
    volume: Decimal | None = None
    """New volume; None leaves it."""
    price: Price | None = None
    """New price."""
    price2: Price | None = None
    """New secondary price."""
    post_only: bool = False
    """True: only as maker."""
    deadline_s: float = 10.0
    """Seconds from sending, 2 to 60, after which the exchange must no longer accept it."""

    def __post_init__(self) -> None:
        _one_name(self.txid, None)
        _pair(self.pair)
        _within("deadline_s", self.deadline_s, _DEADLINE_S)
        _some_change(self.volume, None, self.price, self.price2)

    def fields(self, deadline_at_s: float, *, validate: bool) -> dict[str, str]:
        """EditOrder's parameters; `deadline_at_s` is Unix time (s)."""
        named: dict[str, Price | str | None] = {
            "txid": self.txid,
            "pair": self.pair,
            "volume": self.volume,
            "price": self.price,
            "price2": self.price2,
            "oflags": "post" if self.post_only else None,
            "deadline": rfc3339(deadline_at_s),
            "validate": "true" if validate else None,
        }
        return _given(named)


@dataclass
class Sent:
    """An order that leaves: all that is needed to find it."""

    cl_ord_id: str
    """Its client id."""
    fresh_id: bool
    """True: the id was made for this order, so that no other order can have it."""
    sent_at_s: float
    """Unix time (s), by our clock, before which it had not left."""
    sent_monotonic_s: float
    """The same moment in monotonic seconds: somebody may set the clock."""
    deadline_at_s: float
    """Unix time (s) after which the exchange no longer accepts it; stamped anew for each attempt."""


def new_cl_ord_id() -> str:
    """A client id that nobody else has: a UUID4, the form that every part of the exchange takes."""
    # As uuid.uuid4() writes it, at half its price.
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def same_client_id(one: str | None, other: str) -> bool:
    """Whether two client ids are one: a UUID is kept as 128 bits, so hyphens and case do not count.

    Source: Kraken: clordid.
    """
    if one is None:
        return False
    if _UUID.fullmatch(one) and _UUID.fullmatch(other):
        return uuid.UUID(one) == uuid.UUID(other)
    return one == other


def rfc3339(at_s: float) -> str:
    """Unix time (s) as Kraken's deadlines write it: `2026-11-20T09:31:05.250Z`."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _given(named: dict[str, Price | str | None]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else price_text(value)
        for name, value in named.items()
        if value is not None
    }


def _within(name: str, value: float, bounds: tuple[float, float]) -> None:
    if isinstance(value, bool) or not bounds[0] <= value <= bounds[1]:
        raise ValueError(f"{name}: expected {bounds[0]:g} to {bounds[1]:g} seconds, found {value!r}.")


def _pair(pair: object) -> None:
    if not isinstance(pair, str) or not pair.strip():
        raise ValueError(f"pair: expected a name like XBTUSD, found {pair!r}.")


def _client_id(text: str) -> None:
    if not (_UUID.fullmatch(text) or _FREE_TEXT.fullmatch(text)):
        raise ValueError(f"cl_ord_id: expected a UUID or at most 18 printable ASCII characters, found {text!r}.")


def _one_name(txid: str | None, cl_ord_id: str | None) -> None:
    if bool(txid) == bool(cl_ord_id):
        raise ValueError("expected either txid or cl_ord_id, found both or neither.")


def _some_change(*values: Price | None) -> None:
    if all(value is None for value in values):
        raise ValueError("expected something to change, found nothing.")
    for value in values:
        if value is not None and not isinstance(value, Relative):
            demand_positive("a new volume or price", value)
