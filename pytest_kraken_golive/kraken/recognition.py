"""Whether an order on the exchange's books is the one that was meant, as far as its line says.

The line: `buy 0.10000000 XBTUSD @ stop loss 50.0 -> limit 49.0`. What it leaves out (flags, times, the signal of a
trigger) is not compared, nor a distance that the exchange has turned into a price. Source: Kraken: open orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from pytest_kraken_golive.kraken.models import PlacedOrder
from pytest_kraken_golive.kraken.order_prices import OrderType, Price
from pytest_kraken_golive.kraken.orders import NewOrder

_AT: Final = "@"
_THEN: Final = ["->", "limit"]


def is_meant(order: NewOrder, placed: PlacedOrder, altname_of: Callable[[str], str | None]) -> bool:
    """Whether an order that stands is this one.

    Args:
        order: what was meant.
        placed: what stands.
        altname_of: the exchange's short name of a pair, None where it does not know it; asked where names differ.

    Raises:
        KrakenError: the exchange did not tell the pair's name.
    """
    head, _, terms = placed.order.partition(f" {_AT} ")
    side, volume, pair, *_ = [*head.split(), "", "", ""]
    if side != order.side or not _equal(volume, order.volume):
        return False
    if not _fits(terms.split(), order.ordertype, order.price, order.price2) or not _closes_alike(order, placed):
        return False
    return order.pair == pair or altname_of(order.pair) == pair


def _closes_alike(order: NewOrder, placed: PlacedOrder) -> bool:
    closing = placed.close or ""
    if order.close is None or not closing:
        return order.close is None and not closing
    terms = closing.partition(f"{_AT} ")[2].split()
    return _fits(terms, order.close.ordertype, order.close.price, order.close.price2)


def _fits(words: Sequence[str], kind: OrderType, price: Price | None, price2: Price | None) -> bool:
    """Whether an order's terms in words are of this type and at these prices."""
    # An iceberg is described as the limit order that it is.
    name = "limit" if kind == "iceberg" else kind.removesuffix("-limit").replace("-", " ")
    count = len(name.split())
    if list(words[:count]) != name.split():
        return False
    first, then, second = [*words[count : count + 1], ""][0], list(words[count + 1 : count + 3]), words[count + 3 :]
    if (then == _THEN) != (price2 is not None):
        return False
    return _agrees(first, price) and _agrees([*second, ""][0], price2)


def _agrees(text: str, price: Price | None) -> bool:
    return not isinstance(price, Decimal) or _equal(text, price)


def _equal(text: str, wanted: Decimal) -> bool:
    try:
        return Decimal(text) == wanted
    except InvalidOperation:
        return False
