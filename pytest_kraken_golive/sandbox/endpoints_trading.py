"""The endpoints that place and cancel orders.

Checks run in the order in which the running exchange was seen to refuse: the engine's counter, syntax, pair, mode,
price and minimums, funds, number of open orders, and last whether a post-only order would take.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

from .accounts import cl_ord_id_key
from .market import Pair
from .orders import USER_REQUESTED, ZERO, Order, SelfTrade
from .refusals import (
    CL_ORD_ID_TAKEN,
    COST_MINIMUM,
    DEADLINE_ELAPSED,
    INVALID_PRICE,
    ORDER_MINIMUM,
    ORDER_MINIMUM_LIVE,
    ORDER_RATE_LIMIT,
    ORDERS_LIMIT,
    TICK_SIZE,
    UNKNOWN_ORDER,
    UNKNOWN_PAIR,
    Refusal,
    disabled,
    invalid,
    market_mode,
)
from .reports import order_line
from .wire import Params, choice, flag, integer, iso_time, names, number

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

_DOCUMENTED_TYPES = {
    "iceberg",
    "stop-loss",
    "take-profit",
    "stop-loss-limit",
    "take-profit-limit",
    "trailing-stop",
    "trailing-stop-limit",
    "settle-position",
}
_FLAGS = {"post", "fcib", "fciq", "nompp", "viqc"}
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")
_FREE_TEXT = re.compile(r"[!-~]{1,18}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_RELATIVE = re.compile(r"[+#-][0-9.]+%?|[0-9.]+%")
DEADLINE_S = (2.0, 60.0)
"""How far ahead a deadline lies at least and at most when the order arrives (Kraken: add order)."""
DEAD_MAN_MAX_S = 86_400
"""A dead man's switch runs for less than a day (Kraken: cancel all orders after)."""


def add_order(exchange: Exchange, session: Session) -> object:
    """AddOrder: `descr`, and `txid` unless only validated."""
    params, account = session.params, session.account
    _charge(exchange, session, exchange.market.find_pair(params.get("pair")))
    order = _read_order(exchange, session)
    validate = flag(params, "validate")
    _check_deadline(params, session)
    pair = order.pair
    _check_mode(exchange, order)
    if order.cl_ord_id is not None and cl_ord_id_key(order.cl_ord_id) in account.open_client_ids:
        raise Refusal(CL_ORD_ID_TAKEN)
    _check_size(exchange, order)
    exchange.engine.check_funds(order)
    if exchange.is_limited(account):
        open_here = sum(1 for other in account.open.values() if other.pair is pair)
        if open_here >= account.engine(pair.id).max_open_orders:
            raise Refusal(ORDERS_LIMIT)
    descr = {"order": order_line(order)}
    if validate:
        exchange.doors[session.door].key(account.fingerprint, account.name).validated += 1
        return {"descr": descr}
    exchange.engine.place(order, session.now)
    return {"descr": descr, "txid": [order.txid]}


def _charge(exchange: Exchange, session: Session, pair: Pair | None) -> None:
    """The fixed part of an order's charge, due even if the order is then refused; no pair, no counter."""
    if pair is None or not exchange.is_limited(session.account):
        return
    if not session.account.engine(pair.id).take("add", session.monotonic_s):
        raise Refusal(ORDER_RATE_LIMIT)


def _read_order(exchange: Exchange, session: Session) -> Order:
    params = session.params
    _refuse_what_is_not_here(params)
    ordertype = choice(params, "ordertype", ("market", "limit"), "")
    side = choice(params, "type", ("buy", "sell"), "")
    volume = number(params, "volume")
    flags = set(names(params, "oflags")) - {""}
    if not flags <= _FLAGS or {"fcib", "fciq"} <= flags or ("post" in flags and ordertype != "limit"):
        raise invalid("oflags")
    timeinforce = choice(params, "timeinforce", ("GTC", "IOC"), "GTC")
    if timeinforce == "IOC" and "post" in flags:
        raise invalid("timeinforce")
    userref, cl_ord_id = _references(params)
    self_trade = choice(params, "stptype", get_args(SelfTrade), "cancel-newest")
    price = _price(params) if ordertype == "limit" else None
    if not params.get("pair"):
        raise invalid("pair")
    pair = exchange.market.find_pair(params["pair"])
    if pair is None:
        raise Refusal(UNKNOWN_PAIR)
    return Order(
        txid=exchange.engine.ids.next("O"),
        account=session.account,
        pair=pair,
        side=side,  # type: ignore[arg-type]  # one of the two by `choice`
        ordertype=ordertype,  # type: ignore[arg-type]  # likewise
        volume=volume,
        price=price,
        opened_at=session.now,
        opened_monotonic_s=session.monotonic_s,
        post_only="post" in flags,
        timeinforce=timeinforce,  # type: ignore[arg-type]  # likewise
        self_trade=self_trade,  # type: ignore[arg-type]  # likewise
        oflags=",".join([*(["post"] if "post" in flags else []), "fcib" if "fcib" in flags else "fciq"]),
        userref=userref,
        cl_ord_id=cl_ord_id,
        door=session.door,
        taker_rate=exchange.engine.taker_rate(session.account, session.now),
    )


def _refuse_what_is_not_here(params: Params) -> None:
    """Refuse, by name, what Kraken documents and this exchange does not offer."""
    if params.get("ordertype") in _DOCUMENTED_TYPES:
        raise disabled(params["ordertype"])
    if params.get("timeinforce") in {"GTD", "FOK"}:
        raise disabled(params["timeinforce"])
    if params.get("leverage", "none") not in {"none", "", "0", "1"} or flag(params, "reduce_only"):
        raise disabled("margin")
    if "viqc" in names(params, "oflags"):
        raise disabled("viqc")
    for name in ("starttm", "expiretm"):
        if params.get(name, "0") not in {"0", ""}:
            raise disabled(name)
    if any(name.startswith("close[") for name in params):
        raise disabled("close")
    if params.get("displayvol"):
        raise disabled("iceberg")


def _price(params: Params) -> Decimal:
    text = params.get("price", "")
    if _RELATIVE.fullmatch(text) is not None and not text.startswith("-"):
        raise disabled("relative price")
    if not text:
        raise invalid("price")
    try:
        return number(params, "price")
    except Refusal:
        raise Refusal(f"{INVALID_PRICE}:Invalid price argument") from None


def _references(params: Params) -> tuple[int | None, str | None]:
    """`userref` and `cl_ord_id`, of which an order has at most one."""
    cl_ord_id = params.get("cl_ord_id")
    if cl_ord_id is None:
        return integer(params, "userref", 0, -(2**31), 2**31 - 1), None
    if "userref" in params or not (_UUID.fullmatch(cl_ord_id) or _FREE_TEXT.fullmatch(cl_ord_id)):
        raise invalid("cl_ord_id")
    return None, cl_ord_id


def _check_deadline(params: Params, session: Session) -> None:
    """A deadline lies in its window when the order arrives, and ahead when it is handled."""
    text = params.get("deadline")
    if text is None:
        return
    if _TIMESTAMP.fullmatch(text) is None:
        raise invalid("deadline")
    try:
        # Python knows six digits of a second; Kraken's examples have up to nine.
        deadline = datetime.fromisoformat(re.sub(r"(\.[0-9]{1,6})[0-9]*", r"\1", text.upper())).timestamp()
    except (ValueError, OverflowError):
        raise invalid("deadline") from None
    if deadline <= session.now:
        raise Refusal(DEADLINE_ELAPSED)
    least, most = DEADLINE_S
    if not least <= deadline - session.arrived_at <= most:
        raise invalid("deadline")


def _check_mode(exchange: Exchange, order: Order) -> None:
    """What the modes of the exchange and of the pair let through."""
    for mode in (exchange.status, exchange.pair_status[order.pair.id]):
        if mode in {"cancel_only", "reduce_only"} or (mode == "post_only" and not order.post_only):
            raise market_mode(mode)
        if mode == "limit_only" and order.ordertype == "market":
            raise market_mode(mode)


def _check_size(exchange: Exchange, order: Order) -> None:
    """Decimals, tick and minimums of the pair."""
    pair, live = order.pair, exchange.settings.wording == "live"
    price = order.price
    if price is not None:
        if price <= 0:
            raise Refusal(INVALID_PRICE)
        if price != round(price, pair.price_decimals):
            detail = f"{pair.slash} price can only be specified up to {pair.price_decimals} decimals."
            raise Refusal(f"{INVALID_PRICE}:{detail}" if live else INVALID_PRICE)
        if price % pair.tick:
            raise Refusal(TICK_SIZE)
        order.price = price.quantize(pair.tick)
    if order.volume != round(order.volume, pair.lot_decimals):
        raise invalid("volume")
    if order.volume < pair.ordermin:
        raise Refusal(ORDER_MINIMUM_LIVE if live else ORDER_MINIMUM)
    if price is None:
        book = exchange.engine.books[pair.id]
        ticks = book.best("asks" if order.side == "buy" else "bids")
        price = ZERO if ticks is None else book.price(ticks)
    if price * order.volume < pair.costmin:
        raise Refusal(COST_MINIMUM)


def cancel_order(exchange: Exchange, session: Session) -> object:
    """CancelOrder by `txid`, by `userref` in its place, or by `cl_ord_id`: how many orders it ended."""
    params, account = session.params, session.account
    txid, cl_ord_id = params.get("txid"), params.get("cl_ord_id")
    if (txid is None) == (cl_ord_id is None) or "" in {txid, cl_ord_id}:
        raise invalid("txid" if cl_ord_id is None else "cl_ord_id")
    if cl_ord_id is not None:
        found = account.open_client_ids.get(cl_ord_id_key(cl_ord_id))
        targets = [] if found is None else [found]
    elif txid in account.open:
        targets = [account.open[txid]]
    else:
        targets = [order for order in account.open.values() if order.userref and str(order.userref) == txid]
    if not targets:
        raise Refusal(UNKNOWN_ORDER)
    done = 0
    for order in targets:
        age_s = session.monotonic_s - order.opened_monotonic_s
        engine = account.engine(order.pair.id)
        if exchange.is_limited(account) and not engine.take("cancel", session.monotonic_s, age_s):
            if not done:
                raise Refusal(ORDER_RATE_LIMIT)
            break
        exchange.engine.cancel(order, USER_REQUESTED, session.now)
        done += 1
    return {"count": done}


def cancel_all(exchange: Exchange, session: Session) -> object:
    """CancelAll: how many orders it ended."""
    return {"count": exchange.engine.cancel_all(session.account, session.now)}


def cancel_all_orders_after(exchange: Exchange, session: Session) -> object:
    """CancelAllOrdersAfter: arms the dead man's switch for `timeout` seconds, or turns it off with 0. Fires once."""
    if "timeout" not in session.params:
        raise invalid("timeout")
    timeout_s = integer(session.params, "timeout", 0, 0, DEAD_MAN_MAX_S - 1)
    session.account.cancel_all_at = session.now + timeout_s if timeout_s else None
    return {
        "currentTime": iso_time(session.now),
        "triggerTime": iso_time(session.now + timeout_s) if timeout_s else "0",
    }
