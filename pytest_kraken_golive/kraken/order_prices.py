"""Prices as orders state them, and which of them each type of order has. Source: Kraken: Add order."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, get_args

OrderType = Literal[
    "market",
    "limit",
    "iceberg",
    "stop-loss",
    "take-profit",
    "stop-loss-limit",
    "take-profit-limit",
    "trailing-stop",
    "trailing-stop-limit",
]
ClosingType = Literal[
    "limit",
    "stop-loss",
    "take-profit",
    "stop-loss-limit",
    "take-profit-limit",
    "trailing-stop",
    "trailing-stop-limit",
]

LIMITS: Final = frozenset({"limit", "iceberg"})
"""Types with a limit alone."""
TRIGGERED: Final = frozenset({"stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit"})
"""Types that wait for a price."""
TRAILING: Final = frozenset({"trailing-stop", "trailing-stop-limit"})
"""Types whose trigger follows the market."""
_TWO_PRICES: Final = frozenset({"stop-loss-limit", "take-profit-limit", "trailing-stop-limit"})
_CLOSING: Final = get_args(ClosingType)


@dataclass(frozen=True)
class Relative:
    """A price that is reckoned from the last one (or from the trigger): `+5%`, `-20.5`, `#10`."""

    sign: Literal["+", "-", "#"]
    """Above, below, or away in the direction that suits the order."""
    amount: Decimal
    """The distance, in the quote asset or in percent."""
    percent: bool = False
    """True: `amount` is percent."""

    def __post_init__(self) -> None:
        if self.sign not in {"+", "-", "#"}:
            raise ValueError(f"sign: expected +, - or #, found {self.sign!r}.")
        demand_positive("amount", self.amount)

    def __str__(self) -> str:
        return f"{self.sign}{self.amount:f}{'%' if self.percent else ''}"


Price = Decimal | Relative


@dataclass(frozen=True, kw_only=True)
class ConditionalClose:
    """The order that follows each fill of another: the other side, the filled volume (Kraken: conditional close).

    It is the exchange's own order, without a client id; its prices are checked when it is made, like an order's.
    """

    ordertype: ClosingType
    """`limit`, `stop-loss`, ..."""
    price: Price
    """As an order's."""
    price2: Price | None = None
    """As an order's."""

    def __post_init__(self) -> None:
        if self.ordertype not in _CLOSING:
            raise ValueError(f"close.ordertype: expected one of {', '.join(_CLOSING)}, found {self.ordertype!r}.")
        demand_prices(self.ordertype, self.price, self.price2, "close.")

    def terms(self) -> dict[str, str]:
        """The parameters within `close`."""
        terms: dict[str, str] = {"ordertype": self.ordertype, "price": price_text(self.price)}
        return terms if self.price2 is None else {**terms, "price2": price_text(self.price2)}


def price_text(value: Price) -> str:
    """A price as a parameter."""
    return str(value) if isinstance(value, Relative) else format(value, "f")


def demand_prices(kind: OrderType, price: Price | None, price2: Price | None, where: str = "") -> None:
    """Refuse prices that do not belong to a type of order.

    Args:
        kind: the type.
        price: its first price.
        price2: its second one.
        where: stands before the fields' names in the message.

    Raises:
        ValueError: one is missing, or there is one too many, or it is of the wrong form.
        TypeError: one is not a Decimal.
    """
    for name, value, wanted in (("price", price, kind != "market"), ("price2", price2, kind in _TWO_PRICES)):
        if wanted != (value is not None):
            raise ValueError(f"{where}{name}: a {kind} order has {'one' if wanted else 'none'}, found {value!r}.")
        if value is not None and not isinstance(value, Relative):
            demand_positive(f"{where}{name}", value)
    if kind in TRAILING and not (isinstance(price, Relative) and price.sign == "+"):
        raise ValueError(f"{where}price: a {kind} order has a distance like +5%, found {price!r}.")
    if kind == "trailing-stop-limit" and not isinstance(price2, Relative):
        raise ValueError(f"{where}price2: a {kind} order has a distance like -1%, found {price2!r}.")


def demand_positive(name: str, value: object) -> None:
    """Refuse what is not a finite Decimal above zero, with TypeError or ValueError."""
    if not isinstance(value, Decimal):
        raise TypeError(f"{name}: expected a Decimal, found {type(value).__name__} {value!r}.")
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{name}: expected a number above zero, found {value}.")
