"""The endpoints that place and cancel orders (Kraken: trading).

Checks run in the order in which the running exchange was seen to refuse: the engine's counter, syntax, pair, deadline,
what `admission` checks, and last whether a post-only order would take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .accounts import Account, cl_ord_id_key
from .admission import admit, examine
from .limits import batch_charge, engine_charge
from .market import Pair
from .order_form import Draft, check_deadline, named_pair, read_order
from .orders import USER_REQUESTED, Order
from .refusals import ORDER_RATE_LIMIT, UNKNOWN_ORDER, Refusal, invalid
from .reports import order_line
from .terms import close_in_words
from .wire import Params, flag, integer, iso_time, names

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

BATCH = (2, 15)
"""Least and most orders of a batch (Kraken: add order batch)."""
CANCELS = 50
"""Most references that a batch of cancels names (Kraken: cancel order batch)."""
DEAD_MAN_MAX_S = 86_400
"""A dead man's switch runs for less than a day (Kraken: cancel all orders after)."""
_ITEM = re.compile(r"orders\[([0-9]{1,4})\]\[([^\[\]]+)\](.*)", re.DOTALL)
_LISTED = re.compile(r"(orders|cl_ord_ids)\[[0-9]*\](\[(txid|userref|cl_ord_id)\])?")
_USERREF = re.compile(r"-?[0-9]{1,10}")


def add_order(exchange: Exchange, session: Session) -> object:
    """AddOrder: `descr`, and `txid` unless only validated."""
    params = session.params
    charge(exchange, session, exchange.market.find_pair(params.get("pair")), engine_charge("add"))
    draft = read_order(exchange, session, params)
    validate = flag(params, "validate")
    check_deadline(params, session)
    examine(exchange, draft.order, draft.stated)
    admit(exchange, draft.order)
    descr = _in_words(draft.order)
    if validate:
        _validated(exchange, session)
        return {"descr": descr}
    exchange.desk.place(draft.order, session.now)
    return {"descr": descr, "txid": [draft.order.txid]}


def _in_words(order: Order) -> dict[str, str]:
    """What an answer says of an order, and of the one that is to follow it."""
    if order.close is None:
        return {"order": order_line(order)}
    return {"order": order_line(order), "close": close_in_words(order)}


def add_order_batch(exchange: Exchange, session: Session) -> object:
    """AddOrderBatch: for each order its `descr` and `txid`, or the `error` with which it alone was refused.

    An order that breaks the pair's rules refuses the whole batch; one that its account cannot have is refused alone.
    """
    params = session.params
    items = _items(params)
    charge(exchange, session, exchange.market.find_pair(params.get("pair")), batch_charge(len(items)))
    if not BATCH[0] <= len(items) <= BATCH[1]:
        raise invalid("orders")
    validate = flag(params, "validate")
    common: Params = {name: params[name] for name in ("pair", "asset_class") if name in params}
    named_pair(exchange, common)
    drafts = [read_order(exchange, session, item | common) for item in items]
    check_deadline(params, session)
    for draft in drafts:
        examine(exchange, draft.order, draft.stated)
    return {"orders": [_add_one(exchange, session, draft, validate=validate) for draft in drafts]}


def _items(params: Params) -> list[Params]:
    """The orders of a batch, by their numbers; nested names lose their first part."""
    found: dict[int, Params] = {}
    for name, value in params.items():
        match = _ITEM.fullmatch(name)
        if match is not None:
            found.setdefault(int(match[1]), {})[match[2] + match[3]] = value
    return [found[number] for number in sorted(found)]


def _add_one(exchange: Exchange, session: Session, draft: Draft, *, validate: bool) -> dict[str, Any]:
    """What a batch answers for one of its orders."""
    order, close = draft.order, close_in_words(draft.order)
    shown: dict[str, Any] = {"descr": {"order": order_line(order)}} | ({"close": close} if close else {})
    try:
        admit(exchange, order)
        if validate:
            _validated(exchange, session)
            return shown
        exchange.desk.place(order, session.now)
    except Refusal as refusal:
        exchange.doors[session.door].errors[refusal.error] += 1
        return {"error": refusal.error}
    return {"txid": order.txid, **shown}


def _validated(exchange: Exchange, session: Session) -> None:
    account = session.account
    exchange.doors[session.door].key(account.fingerprint, account.name).validated += 1


def charge(exchange: Exchange, session: Session, pair: Pair | None, amount: float) -> None:
    """Charge the engine's counter, due even if the request is then refused; no pair, no counter.

    Raises:
        Refusal: the counter is full.
    """
    if pair is None or not exchange.is_limited(session.account):
        return
    if not session.account.engine(pair.id).take(amount, session.monotonic_s):
        raise Refusal(ORDER_RATE_LIMIT)


# --- cancels ----------------------------------------------------------------------------------------------------------


def named_orders(account: Account, reference: str) -> list[Order]:
    """Open orders of a txid, or of a `userref` in its place."""
    if reference in account.open:
        return [account.open[reference]]
    return account.open_with_userref(int(reference)) if _USERREF.fullmatch(reference) else []


def named_by_client(account: Account, cl_ord_id: str) -> list[Order]:
    """The open order of a client's id."""
    found = account.open_client_ids.get(cl_ord_id_key(cl_ord_id))
    return [] if found is None else [found]


def one_reference(params: Params) -> tuple[str | None, str | None]:
    """`txid` or `cl_ord_id`, of which a request has exactly one."""
    txid, cl_ord_id = params.get("txid"), params.get("cl_ord_id")
    if (txid is None) == (cl_ord_id is None) or "" in {txid, cl_ord_id}:
        raise invalid("txid" if cl_ord_id is None else "cl_ord_id")
    return txid, cl_ord_id


def cancel_order(exchange: Exchange, session: Session) -> object:
    """CancelOrder by `txid`, by `userref` in its place, or by `cl_ord_id`: how many orders it ended."""
    account = session.account
    txid, cl_ord_id = one_reference(session.params)
    targets = named_orders(account, txid) if txid is not None else named_by_client(account, cl_ord_id or "")
    if not targets:
        raise Refusal(UNKNOWN_ORDER)
    done = 0
    for order in targets:
        amount = engine_charge("cancel", session.monotonic_s - order.touched_monotonic_s)
        try:
            charge(exchange, session, order.pair, amount)
        except Refusal:
            if not done:
                raise
            break
        exchange.desk.cancel(order, USER_REQUESTED, session.now)
        done += 1
    return {"count": done}


def cancel_order_batch(exchange: Exchange, session: Session) -> object:
    """CancelOrderBatch by txids and userrefs in `orders` and client ids in `cl_ord_ids`: how many orders it ended.

    It is accepted even beyond the engine's threshold (Kraken: trading rate limits).
    """
    account = session.account
    references, client_ids = _listed(session.params, "orders"), _listed(session.params, "cl_ord_ids")
    if not 0 < len(references) + len(client_ids) <= CANCELS:
        raise invalid("orders")
    targets: dict[str, Order] = {}
    for found in (
        *(named_orders(account, text) for text in references),
        *(named_by_client(account, text) for text in client_ids),
    ):
        targets |= {order.txid: order for order in found}
    if not targets:
        raise Refusal(UNKNOWN_ORDER)
    for order in targets.values():
        if exchange.is_limited(account):
            amount = engine_charge("cancel", session.monotonic_s - order.touched_monotonic_s)
            account.engine(order.pair.id).add(amount, session.monotonic_s)
        exchange.desk.cancel(order, USER_REQUESTED, session.now)
    return {"count": len(targets)}


def _listed(params: Params, name: str) -> list[str]:
    """The distinct entries of a list: with commas, or as `name[0]`, `name[1]`, or as `name[0][cl_ord_id]`."""
    entries: Iterable[str] = names(params, name)
    numbered = [value for key, value in params.items() if _LISTED.fullmatch(key) and key.startswith(f"{name}[")]
    found = dict.fromkeys([*entries, *numbered])
    if "" in found:
        raise invalid(name)
    return list(found)


def cancel_all(exchange: Exchange, session: Session) -> object:
    """CancelAll: how many orders it ended."""
    return {"count": exchange.desk.cancel_all(session.account, session.now)}


def cancel_all_orders_after(exchange: Exchange, session: Session) -> object:
    """CancelAllOrdersAfter: arms the dead man's switch for `timeout` seconds, or turns it off with 0. Fires once."""
    if "timeout" not in session.params:
        raise invalid("timeout")
    timeout_s = integer(session.params, "timeout", 0, 0, DEAD_MAN_MAX_S - 1)
    exchange.desk.cancel_all_at(session.account, session.now + timeout_s if timeout_s else None)
    return {
        "currentTime": iso_time(session.now),
        "triggerTime": iso_time(session.now + timeout_s) if timeout_s else "0",
    }
