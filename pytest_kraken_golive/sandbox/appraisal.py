"""What an order would meet in the book: what it costs at most, whether it would trade, whether it would be filled."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from .books import Book, BookSide
from .orders import ZERO, Order


def against(order: Order) -> BookSide:
    """The side of the book that an order takes from."""
    return "asks" if order.side == "buy" else "bids"


def reaches(order: Order, book: Book, ticks: int) -> bool:
    """Whether an order's limit lets it trade at a price."""
    if order.price is None:
        return True
    limit = book.ticks(order.price)
    return ticks <= limit if order.side == "buy" else ticks >= limit


def would_take(order: Order, book: Book) -> bool:
    """Whether a limit order would be filled at once, at least in part, or meet one of its own account."""
    best = book.best(against(order))
    return best is not None and reaches(order, book, best)


def reachable(order: Order, book: Book) -> Iterator[tuple[Decimal, Decimal]]:
    """Price and volume of what an order can trade with now, best first, hidden parts of icebergs included."""
    for offer in book.offers(against(order)):
        if not reaches(order, book, offer.ticks):
            return
        resting = offer.order
        if resting is None:
            yield book.price(offer.ticks), offer.volume
        elif resting.account is not order.account:
            yield book.price(offer.ticks), resting.remaining
        elif order.self_trade != "cancel-oldest":
            return  # it would end the order


def fillable(order: Order, book: Book) -> bool:
    """Whether an order would be filled whole at once."""
    left = order.remaining
    for _, volume in reachable(order, book):
        left -= volume
        if left <= 0:
            return True
    return False


def affordable(budget: Decimal, order: Order, book: Book) -> Decimal:
    """Base volume that a budget buys in the book; what it cannot buy there counts at the last price looked at."""
    total, left = ZERO, budget
    price = book.price(book.signals()["last"])
    for price, volume in reachable(order, book):
        total += min(volume, left / price)
        left -= price * volume
        if left <= 0:
            break
    else:
        total += left / price
    return total.quantize(book.pair.lot_quantum, ROUND_DOWN)


def needed(order: Order, book: Book) -> Decimal:
    """What an order holds: of a buy quote units, of a sell base units, each with a taker's fee where it is due in them.

    A limit order holds its limit, a waiting one its trigger's price, and a market order what the book asks for now.
    Rounded up to the pair's precision.
    """
    pair = order.pair
    if order.side == "sell":
        if not order.fee_in_base:
            return order.remaining
        return (order.remaining * (1 + order.taker_rate)).quantize(pair.fee_quantum, ROUND_UP)
    rate = ZERO if order.fee_in_base else order.taker_rate
    price = order.price
    if price is None and order.trigger is not None and order.is_waiting:
        price = book.price(order.trigger.level)
    if price is not None:
        return (order.remaining * price * (1 + rate)).quantize(pair.cost_quantum, ROUND_UP)
    total, left = ZERO, order.remaining
    for price, volume in reachable(order, book):
        cost = (price * min(volume, left)).quantize(pair.cost_quantum, ROUND_UP)
        total += cost + (cost * rate).quantize(pair.cost_quantum, ROUND_UP)
        left -= volume
        if left <= 0:
            break
    return total
