"""What `ordertype`, `price` and `price2` make of an order: its limit, and what it waits for (Kraken: add order)."""

from __future__ import annotations

from decimal import Decimal

from .books import Book
from .orders import LIMITED, TRAILING, TRIGGERED, Order, OrderType, Side, Signal, Trigger
from .price_terms import PriceTerm
from .triggers import limit_of, renew
from .wire import places

_WITH_TWO = LIMITED & TRIGGERED
_WORDS = {name: name.removesuffix("-limit").replace("-", " ") for name in TRIGGERED}


def price_count(ordertype: str) -> int:
    """How many prices an order type takes: 0, 1 (`price`) or 2 (`price2` too)."""
    return 2 if ordertype in _WITH_TWO else 0 if ordertype == "market" else 1


def working_terms(
    ordertype: OrderType, side: Side, prices: tuple[PriceTerm | None, PriceTerm | None], signal: Signal, book: Book
) -> tuple[Decimal | None, Trigger | None]:
    """An order's limit price in quote units, and its trigger.

    Offsets count from the last trade, of a trigger from its own signal, and the limit of a trailing stop from its
    trigger. A `#` points to where the order would not be filled or fired at once.

    Args:
        ordertype: what kind of order it is.
        side: buy or sell.
        prices: as in `price` and `price2`; `price_count` of them are there.
        signal: whose price a trigger looks at.
        book: the pair's.
    """
    first, second = prices
    pair = book.pair
    if ordertype not in TRIGGERED:
        if first is None or not first.is_relative:
            return (None if first is None else first.amount), None
        return first.at(book.price(book.signals()["last"]), pair, hash_adds=side == "sell"), None
    signals = book.signals()
    assert first is not None  # every such type has a price
    stops = not ordertype.startswith("take-profit")
    falling = (side == "sell") is stops
    if ordertype in TRAILING:
        trigger = Trigger(signal, falling, 0, trail=first, limit_offset=second)
        renew(trigger, signals[signal], pair)
        return limit_of(trigger, pair, side), trigger
    trigger = Trigger(signal, falling, book.ticks(first.at(book.price(signals[signal]), pair, hash_adds=not falling)))
    limit = None if second is None else second.at(book.price(signals["last"]), pair, hash_adds=side == "buy")
    return limit, trigger


def stated_terms(order: Order) -> tuple[PriceTerm | None, PriceTerm | None]:
    """`price` and `price2` with which an order could be stated anew."""
    limit = None if order.price is None else PriceTerm("", order.price)
    trigger = order.trigger
    if trigger is None:
        return limit, None
    if trigger.trail is not None:
        return trigger.trail, trigger.limit_offset
    return PriceTerm("", order.pair.tick * trigger.level), limit


def shown_prices(order: Order) -> tuple[str, str]:
    """`price` and `price2` as a report describes them."""
    pair, trigger = order.pair, order.trigger
    limit = "0" if order.price is None else places(order.price, pair.price_decimals)
    if trigger is None:
        return limit, "0"
    if trigger.trail is not None:
        return trigger.trail.shown(pair), "0" if trigger.limit_offset is None else trigger.limit_offset.shown(pair)
    return places(pair.tick * trigger.level, pair.price_decimals), limit


def in_words(ordertype: str, prices: tuple[str, str]) -> str:
    """An order's terms in words: `limit 50.0`, `stop loss 55.0 -> limit 54.0`."""
    if ordertype == "market":
        return "market"
    # An iceberg is described as the limit order that it is.
    if ordertype not in TRIGGERED:
        return f"limit {prices[0]}"
    words = f"{_WORDS[ordertype]} {prices[0]}"
    return f"{words} -> limit {prices[1]}" if ordertype in _WITH_TWO else words


def close_in_words(order: Order) -> str:
    """The order that follows, in words: `close position @ stop loss 22000.0 -> limit 21000.0`; empty without one."""
    if order.close is None:
        return ""
    decimals = order.pair.price_decimals
    shown = [
        "" if term is None else term.shown(order.pair) if term.is_relative else places(term.amount, decimals)
        for term in (order.close.price, order.close.price2)
    ]
    return f"close position @ {in_words(order.close.ordertype, (shown[0], shown[1]))}"
