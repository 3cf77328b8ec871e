"""The interlock: in production an order leaves only validated, or armed and within the cap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from pytest_kraken_golive.kraken.endpoint import Mode
from pytest_kraken_golive.kraken.errors import LiveOrderRefused
from pytest_kraken_golive.kraken.orders import NewOrder

_USD: Final = frozenset({"ZUSD", "USD"})
# Twice Kraken's widest number: the product of price and volume must not be rounded down to the cap.
_DIGITS: Final = 60


@dataclass(frozen=True)
class Arming:
    """Somebody's decision that real orders may leave, and how large each of them may be."""

    max_notional_usd: Decimal
    """Largest price times volume of one order, in USD."""

    def __post_init__(self) -> None:
        cap = self.max_notional_usd
        if not isinstance(cap, Decimal):
            raise TypeError(f"max_notional_usd: expected a Decimal, found {type(cap).__name__}.")
        if not cap.is_finite() or cap <= 0:
            raise ValueError(f"max_notional_usd: expected a number above zero, found {cap}.")


def demand_permission(
    order: NewOrder, *, mode: Mode, validate: bool, arming: Arming | None, quote_of: Callable[[str], str | None]
) -> None:
    """Let an order pass, or refuse it before anything of it is sent.

    Args:
        order: what is about to leave.
        mode: sandbox orders always pass.
        validate: orders that are only checked always pass.
        arming: the permission, if there is one.
        quote_of: the quote asset of a pair as the exchange names it; None where it does not know the pair.

    Raises:
        LiveOrderRefused: production, not validated, and not armed, or its notional in USD is unknown or above the cap.
    """
    if mode == "sandbox" or validate:
        return
    if arming is None:
        raise _refused(order, "the client is not armed", "use validate=True, or arm the client with a cap on purpose")
    price = order.price if order.price is not None else order.reference_price
    if price is None:
        raise _refused(order, "a market order has no known price to hold against the cap", "use a limit order")
    quote = quote_of(order.pair)
    if quote not in _USD:
        raise _refused(
            order,
            f"its notional in USD is not known (quote asset: {quote or 'unknown'})",
            "use a pair that is quoted in USD",
        )
    with localcontext(prec=_DIGITS):
        notional_usd = price * order.volume
    if notional_usd > arming.max_notional_usd:
        raise _refused(
            order,
            f"its notional of {notional_usd} USD is above the cap of {arming.max_notional_usd} USD",
            "make it smaller, or raise the cap on purpose",
        )


def _refused(order: NewOrder, why: str, step: str) -> LiveOrderRefused:
    return LiveOrderRefused(
        f"AddOrder: live order refused before sending ({order.side} {order.volume} {order.pair}, {order.ordertype}): "
        f"{why}. Next: {step}.",
        endpoint="AddOrder",
    )
