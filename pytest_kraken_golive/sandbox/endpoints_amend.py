"""AmendOrder: changes an open order in place (Kraken: amend order, spot atomic amends)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .admission import check_mode, check_prices, check_volume
from .endpoints_trading import charge, named_by_client, one_reference
from .limits import engine_charge
from .order_form import check_deadline, display_volume
from .orders import LIMITED, Order
from .price_terms import PriceTerm, price_term
from .refusals import INVALID_ORDER, POST_ONLY, UNKNOWN_ORDER, Refusal, invalid
from .triggers import limit_of, renew
from .wire import Params, flag, number

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

_AMENDABLE = ("order_qty", "display_qty", "limit_price", "trigger_price")


def amend_order(exchange: Exchange, session: Session) -> object:
    """AmendOrder: changes an order in place and gives the amend's id.

    The order keeps its ids, its fills, and its place in the queue unless its price changes or its volume grows. A
    volume at or below what is filled cancels the rest.
    """
    params, account = session.params, session.account
    txid, cl_ord_id = one_reference(params)
    if not any(name in params for name in _AMENDABLE):
        raise invalid("order_qty")
    found = [account.open[txid]] if txid in account.open else named_by_client(account, cl_ord_id or "")
    if not found:
        raise Refusal(UNKNOWN_ORDER)
    (order,) = found
    charge(exchange, session, order.pair, engine_charge("amend", session.monotonic_s - order.touched_monotonic_s))
    if params.get("pair") and exchange.market.find_pair(params["pair"]) is not order.pair:
        raise invalid("pair")
    terms, stated = _amended(exchange, params, order)
    check_deadline(params, session)
    check_mode(exchange, terms)
    check_prices(exchange, terms, stated)
    if terms.volume > order.executed:
        check_volume(exchange, terms)
        exchange.desk.check_funds(terms, freed=order.held)
        # In whichever way new post-only orders are refused: the order as it stands is not given up.
        if terms.post_only and not terms.is_waiting and exchange.desk.crosses(terms):
            raise Refusal(POST_ONLY)
    order.touched_monotonic_s = session.monotonic_s
    return {"amend_id": exchange.desk.amend(order, terms, session.now)}


def _amended(exchange: Exchange, params: Params, order: Order) -> tuple[Order, list[PriceTerm]]:
    """The order as it is to be, for checks only, and the prices that the request states."""
    if order.budget is not None:
        raise Refusal(INVALID_ORDER)
    volume = number(params, "order_qty") if "order_qty" in params else order.volume
    display = order.display
    if "display_qty" in params:
        if order.ordertype != "iceberg":
            raise invalid("display_qty")
        display = display_volume(params, "display_qty", volume - order.executed)
    elif display is not None:
        display = min(display, volume)
    post_only = flag(params, "post_only") or order.post_only
    trigger = None if order.trigger is None else replace(order.trigger)
    terms = replace(order, volume=volume, display=display, post_only=post_only, trigger=trigger)
    stated = []
    if "trigger_price" in params:
        stated.append(_new_trigger(exchange, params, terms))
    if "limit_price" in params:
        stated.append(_new_limit(exchange, params, terms))
    return terms, stated


def _new_trigger(exchange: Exchange, params: Params, terms: Order) -> PriceTerm:
    trigger = terms.trigger
    if trigger is None or trigger.fired:
        raise invalid("trigger_price")
    term = price_term(params, "trigger_price")
    book = exchange.engine.books[terms.pair.id]
    reference = book.signals()[trigger.signal]
    if trigger.trail is not None:
        if term.sign != "+":
            raise invalid("trigger_price")
        trigger.trail = term
        renew(trigger, reference, terms.pair)
        terms.price = limit_of(trigger, terms.pair, terms.side)
    else:
        level = term.at(book.price(reference), terms.pair, hash_adds=not trigger.falling)
        trigger.level = book.ticks(level)
    return term


def _new_limit(exchange: Exchange, params: Params, terms: Order) -> PriceTerm:
    if terms.ordertype not in LIMITED:
        raise invalid("limit_price")
    term = price_term(params, "limit_price")
    trigger = terms.trigger
    if trigger is not None and trigger.limit_offset is not None and not trigger.fired:
        if not term.is_relative:
            raise invalid("limit_price")
        trigger.limit_offset = term
        terms.price = limit_of(trigger, terms.pair, terms.side)
        return term
    book = exchange.engine.books[terms.pair.id]
    adds = (terms.side == "buy") is (trigger is not None)
    terms.price = term.at(book.price(book.signals()["last"]), terms.pair, hash_adds=adds)
    return term
