"""EditOrder: cancels an open order and places a changed one in its place (Kraken: edit order)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .admission import check_mode, check_prices, check_volume
from .endpoints_trading import charge, named_orders
from .limits import engine_charge
from .order_form import check_deadline, check_trailing, display_volume, named_pair, order_flags, read_userref
from .orders import Order
from .price_terms import PriceTerm, price_term
from .refusals import INVALID_ORDER, UNKNOWN_ORDER, Refusal, invalid
from .reports import order_line
from .terms import price_count, shown_prices, stated_terms, working_terms
from .wire import flag, number, places

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session


@dataclass(frozen=True, slots=True)
class _Edit:
    """An order, and the one that is to take its place."""

    old: Order
    new: Order
    stated: list[PriceTerm]


def edit_order(exchange: Exchange, session: Session) -> object:
    """EditOrder: cancels an order and places a new one with changed terms for what is not filled of it.

    Client ids, fired stops, conditional closes and volumes at or below what is filled are refused as `EOrder:Invalid
    order` (Kraken: edit order). The reference of the old order is dropped unless given anew.
    """
    params, account = session.params, session.account
    reference = params.get("txid", "")
    if not reference:
        raise invalid("txid")
    pair = named_pair(exchange, params)
    found = [order for order in named_orders(account, reference) if order.pair is pair]
    age_s = session.monotonic_s - found[0].touched_monotonic_s if len(found) == 1 else None
    charge(exchange, session, pair, engine_charge("edit", age_s))
    if not found:
        raise Refusal(UNKNOWN_ORDER)
    if len(found) > 1:
        raise invalid("txid")
    edit = _edited(exchange, session, found[0])
    validate, _ = flag(params, "validate"), flag(params, "cancel_response")
    check_deadline(params, session)
    _check_edit(exchange, edit)
    if not validate:
        exchange.desk.replace(edit.old, edit.new, session.now)
    return _edit_answer(edit, placed=not validate)


def _edited(exchange: Exchange, session: Session, old: Order) -> _Edit:
    params, pair = session.params, old.pair
    fired = old.trigger is not None and old.trigger.fired
    if old.cl_ord_id is not None or fired or old.close is not None or old.budget is not None:
        raise Refusal(INVALID_ORDER)
    volume = (number(params, "volume") if "volume" in params else old.volume) - old.executed
    if volume <= 0:
        raise Refusal(INVALID_ORDER)
    flags = order_flags(params) if "oflags" in params else None
    display = old.display
    if params.get("displayvol", "0") not in {"", "0"}:
        if old.ordertype != "iceberg":
            raise invalid("displayvol")
        display = display_volume(params, "displayvol", volume)
    prices, stated = _new_prices(session, old)
    book, signal = exchange.engine.books[pair.id], "last" if old.trigger is None else old.trigger.signal
    price, trigger = working_terms(old.ordertype, old.side, prices, signal, book)
    new = Order(
        txid=exchange.desk.ids.next("O"),
        account=old.account,
        pair=pair,
        side=old.side,
        ordertype=old.ordertype,
        volume=volume,
        price=price,
        opened_at=session.now,
        touched_monotonic_s=session.monotonic_s,
        trigger=trigger,
        display=None if display is None else min(display, volume),
        post_only=old.post_only if flags is None else "post" in flags,
        fee_in_base=old.fee_in_base if flags is None else "fcib" in flags,
        timeinforce=old.timeinforce,
        starts_at=old.starts_at if old.status == "pending" else 0.0,
        expires_at=old.expires_at,
        self_trade=old.self_trade,
        userref=read_userref(params),
        door=session.door,
        status=old.status,
        taker_rate=exchange.desk.taker_rate(session.account, session.now),
    )
    if (flags and "viqc" in flags) or (new.post_only and new.ordertype not in {"limit", "iceberg"}):
        raise invalid("oflags")
    return _Edit(old, new, stated)


def _new_prices(session: Session, old: Order) -> tuple[tuple[PriceTerm | None, PriceTerm | None], list[PriceTerm]]:
    """The prices of the new order, and those of them that the request states."""
    kept = stated_terms(old)
    stated: list[PriceTerm] = []
    prices: list[PriceTerm | None] = []
    for index, name in enumerate(("price", "price2")):
        if name in session.params and index < price_count(old.ordertype):
            stated.append(price_term(session.params, name))
            prices.append(stated[-1])
        else:
            prices.append(kept[index])
    check_trailing(old.ordertype, prices[0], prices[1])
    return (prices[0], prices[1]), stated


def _check_edit(exchange: Exchange, edit: _Edit) -> None:
    """Refuse the new order before the old one is given up."""
    check_mode(exchange, edit.new)
    check_prices(exchange, edit.new, edit.stated)
    check_volume(exchange, edit.new)
    exchange.desk.check_funds(edit.new, freed=edit.old.held)
    exchange.desk.check_posting(edit.new)


def _edit_answer(edit: _Edit, *, placed: bool) -> dict[str, Any]:
    price, price2 = shown_prices(edit.new)
    answer = {
        "status": "ok",
        "originaltxid": edit.old.txid,
        "volume": places(edit.new.volume, edit.new.pair.lot_decimals),
        "price": price,
        "price2": price2,
        "orders_cancelled": int(placed),
        "descr": {"order": order_line(edit.new)},
    }
    return {"txid": edit.new.txid, **answer} if placed else answer
