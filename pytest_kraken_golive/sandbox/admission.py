"""What an order must pass before the engine takes it.

Checks run in the order in which the running exchange was seen to refuse: mode, price and minimums, then what depends
on the account: its client ids, funds and number of open orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from .accounts import cl_ord_id_key
from .market import Pair
from .orders import ZERO, Order
from .price_terms import PriceTerm
from .refusals import (
    CL_ORD_ID_TAKEN,
    COST_MINIMUM,
    INVALID_PRICE,
    ORDER_MINIMUM,
    ORDER_MINIMUM_LIVE,
    ORDERS_LIMIT,
    TICK_SIZE,
    Refusal,
    invalid,
    market_mode,
)

if TYPE_CHECKING:
    from .exchange import Exchange

LEAST_SHOWN = 15
"""An iceberg shows at least one part in so many of what remains (Kraken: add order, amend order)."""


def examine(exchange: Exchange, order: Order, stated: Iterable[PriceTerm]) -> None:
    """Refuse an order that the market's mode or the pair's rules do not let through, whoever sends it."""
    check_mode(exchange, order)
    check_prices(exchange, order, stated)
    check_volume(exchange, order)


def admit(exchange: Exchange, order: Order) -> None:
    """Refuse an order that its account may not have: client id taken, funds short, too many open."""
    account = order.account
    if order.cl_ord_id is not None and cl_ord_id_key(order.cl_ord_id) in account.open_client_ids:
        raise Refusal(CL_ORD_ID_TAKEN)
    exchange.desk.check_funds(order)
    name = order.pair.id
    if exchange.is_limited(account) and account.open_in_pair[name] >= account.engine(name).max_open_orders:
        raise Refusal(ORDERS_LIMIT)


def check_mode(exchange: Exchange, order: Order) -> None:
    """What the modes of the exchange and of the pair let through."""
    for mode in (exchange.status, exchange.pair_status[order.pair.id]):
        if mode == "online":
            continue
        if mode in {"cancel_only", "reduce_only"} or (mode == "post_only" and not order.post_only):
            raise market_mode(mode)
        if mode == "limit_only" and order.price is None:
            raise market_mode(mode)


def check_prices(exchange: Exchange, order: Order, stated: Iterable[PriceTerm]) -> None:
    """Sign, decimals and tick of stated prices, and the sign of what offsets come to."""
    for term in stated:
        if term.amount <= 0 and not (term.is_relative and term is _limit_offset(order)):
            raise Refusal(INVALID_PRICE)
        if not term.is_relative:
            _check_price(exchange, order.pair, term.amount)
    if (order.price is not None and order.price <= 0) or (order.trigger is not None and order.trigger.level <= 0):
        raise Refusal(INVALID_PRICE)
    if order.price is not None:
        order.price = order.price.quantize(order.pair.tick)


def _limit_offset(order: Order) -> PriceTerm | None:
    """The one offset that may be zero: a trailing stop's limit at its trigger."""
    return None if order.trigger is None else order.trigger.limit_offset


def _check_price(exchange: Exchange, pair: Pair, price: Decimal) -> None:
    if price != round(price, pair.price_decimals):
        detail = f"{pair.slash} price can only be specified up to {pair.price_decimals} decimals."
        raise Refusal(f"{INVALID_PRICE}:{detail}" if exchange.settings.wording == "live" else INVALID_PRICE)
    if price % pair.tick:
        raise Refusal(TICK_SIZE)


def check_volume(exchange: Exchange, order: Order) -> None:
    """Decimals and minimums of the volume, or of the quote units that are to be spent."""
    pair, budget = order.pair, order.budget
    if order.volume != round(order.volume, pair.lot_decimals):
        raise invalid("volume")
    if budget is not None and budget != round(budget, pair.cost_decimals):
        raise invalid("volume")
    if order.display is not None and (
        order.display != round(order.display, pair.lot_decimals) or order.display * LEAST_SHOWN < order.remaining
    ):
        raise invalid("displayvol")
    if order.volume < pair.ordermin:
        raise Refusal(ORDER_MINIMUM_LIVE if exchange.settings.wording == "live" else ORDER_MINIMUM)
    cost = order.volume * _expected_price(exchange, order) if budget is None else budget
    if cost < pair.costmin:
        raise Refusal(COST_MINIMUM)


def _expected_price(exchange: Exchange, order: Order) -> Decimal:
    """The limit, else the trigger, else the best price there is."""
    if order.price is not None:
        return order.price
    book = exchange.engine.books[order.pair.id]
    if order.trigger is not None:
        return book.price(order.trigger.level)
    best = book.best("asks" if order.side == "buy" else "bids")
    return ZERO if best is None else book.price(best)
