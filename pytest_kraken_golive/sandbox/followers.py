"""The orders that follow fills of others (Kraken: conditional close)."""

from __future__ import annotations

from decimal import Decimal

from .books import Book
from .orders import CloseTerms, Order, Side
from .terms import working_terms


def follower(parent: Order, volume: Decimal, book: Book, txid: str) -> Order:
    """The order that closes what a fill opened: the other side, the same volume, at the terms that were asked for.

    Offsets in its prices count from the market of this moment. Its times and fee rate are still its parent's.

    Args:
        parent: the order that was filled; has terms for its followers.
        volume: of the fill, in base units.
        book: the pair's.
        txid: id of the new order.
    """
    terms = _close(parent)
    side: Side = "sell" if parent.side == "buy" else "buy"
    price, trigger = working_terms(terms.ordertype, side, (terms.price, terms.price2), "last", book)
    return Order(
        txid=txid,
        account=parent.account,
        pair=parent.pair,
        side=side,
        ordertype=terms.ordertype,
        volume=volume,
        price=price,
        opened_at=parent.opened_at,
        touched_monotonic_s=parent.touched_monotonic_s,
        trigger=trigger,
        userref=parent.userref if parent.cl_ord_id is None else 0,
        refid=parent.txid,
        door=parent.door,
        taker_rate=parent.taker_rate,
    )


def _close(order: Order) -> CloseTerms:
    assert order.close is not None  # only such orders have followers
    return order.close
