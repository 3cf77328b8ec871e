"""The private endpoints that list orders, trades and ledger entries (Kraken: account data).

Lists come latest first in pages of fifty; `start` is exclusive, `end` inclusive, each a Unix time or an id.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .accounts import Account
from .market import Market
from .orders import Fill, Order
from .refusals import INVALID_ORDER, PERMISSION_DENIED, UNKNOWN_ORDER, Refusal, invalid
from .reports import shown_amend, shown_entry, shown_order, shown_trade
from .wire import Params, choice, flag, integer, names

if TYPE_CHECKING:
    from .exchange import Exchange
    from .ledger import LedgerEntry
    from .routes import Session

PAGE = 50
"""Entries of a page (Kraken: closed orders, trades history, ledgers)."""
_MAX_IDS = 50
_MAX_LEDGER_IDS = 20
_MOST_OFFSET = 2**31
_TRADE_TYPES = ("all", "any position", "closed position", "closing position", "no position")
_LEDGER_TYPES = (
    "all",
    "trade",
    "deposit",
    "withdrawal",
    "transfer",
    "margin",
    "adjustment",
    "rollover",
    "credit",
    "settled",
    "staking",
    "dividend",
    "sale",
    "nft_rebate",
)
_UNIX_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")

_Dated = TypeVar("_Dated", Fill, "LedgerEntry")


def _at(entry: Fill | LedgerEntry) -> float:
    return entry.at


def _check_common(params: Params, *flags: str) -> None:
    """Values of parameters that change nothing here: there are no rebased assets and no trades of positions.

    A taker's trades are listed one for each maker's price whatever `consolidate_taker` says.
    """
    choice(params, "rebase_multiplier", ("rebased", "base"), "rebased")
    for name in flags:
        flag(params, name)


# --- orders -----------------------------------------------------------------------------------------------------------


def _userref(params: Params) -> int | None:
    return integer(params, "userref", 0, -(2**31), 2**31 - 1) if "userref" in params else None


def open_orders(_exchange: Exchange, session: Session) -> object:
    """OpenOrders."""
    params, account = session.params, session.account
    _check_common(params)
    with_trades = flag(params, "trades")
    if "cl_ord_id" in params:
        found: Iterable[Order] = [order for order in account.with_client_id(params["cl_ord_id"]) if order.is_open]
    else:
        found = account.open.values()
    userref = _userref(params)
    kept = [order for order in found if userref is None or order.userref == userref]
    return {"open": {order.txid: shown_order(order, with_trades=with_trades) for order in kept}}


def closed_orders(_exchange: Exchange, session: Session) -> object:
    """ClosedOrders."""
    params, account = session.params, session.account
    _check_common(params, "consolidate_taker")
    with_trades = flag(params, "trades")
    by = choice(params, "closetime", ("open", "close", "both"), "both")
    start, end = _bounds(params, account)
    offset = integer(params, "ofs", 0, 0, _MOST_OFFSET)
    userref = _userref(params)

    def wanted(order: Order) -> bool:
        if order.closed_at is None or (userref is not None and order.userref != userref):
            return False
        by_open = by != "close" and start < order.opened_at <= end
        return by_open or (by != "open" and start < order.closed_at <= end)

    known = account.with_client_id(params["cl_ord_id"]) if "cl_ord_id" in params else account.closed
    closed = [order for order in known if wanted(order)]
    closed.reverse()
    closed.sort(key=lambda order: order.closed_at or 0.0, reverse=True)
    page = closed[offset : offset + PAGE]
    shown = {order.txid: shown_order(order, with_trades=with_trades) for order in page}
    return {"closed": shown} | _count(params, len(closed))


def _count(params: Params, number: int) -> dict[str, int]:
    """The number of all entries, unless it is not asked for."""
    return {} if flag(params, "without_count") else {"count": number}


def _bounds(params: Params, account: Account) -> tuple[float, float]:
    """The time range of a listing in Unix seconds."""
    return _bound(params, "start", account, float("-inf")), _bound(params, "end", account, float("inf"))


def _bound(params: Params, name: str, account: Account, default: float) -> float:
    """An end of a time range: a Unix time, or the time of the order, trade or ledger entry of that id."""
    text = params.get(name)
    if text is None:
        return default
    if _UNIX_TIME.fullmatch(text) is not None:
        return float(text)
    if text in account.orders:
        return account.orders[text].opened_at
    found = account.fills.get(text) or account.ledger.entries.get(text)
    if found is None:
        raise invalid(name)
    return found.at


def _ids(params: Params, name: str = "txid", most: int = _MAX_IDS) -> list[str]:
    wanted = names(params, name)
    if not wanted or "" in wanted or len(wanted) > most:
        raise invalid(name)
    return wanted


def _own_order(account: Account, txid: str) -> Order:
    """An order that the key may see in the state that it is in."""
    order = account.orders.get(txid)
    if order is None:
        raise Refusal(UNKNOWN_ORDER)
    right = "query-open-trades" if order.is_open else "query-closed-trades"
    if right not in account.permissions:
        raise Refusal(PERMISSION_DENIED)
    return order


def query_orders(_exchange: Exchange, session: Session) -> object:
    """QueryOrders: up to 50 orders by txid."""
    params = session.params
    _check_common(params, "consolidate_taker")
    with_trades, userref = flag(params, "trades"), _userref(params)
    found = [_own_order(session.account, txid) for txid in _ids(params)]
    kept = [order for order in found if userref is None or order.userref == userref]
    return {order.txid: shown_order(order, with_trades=with_trades) for order in kept}


def order_amends(_exchange: Exchange, session: Session) -> object:
    """OrderAmends: the states that an order was in, oldest first; empty if it was never amended."""
    _check_common(session.params)
    txid = session.params.get("order_id", "")
    if not txid:
        raise invalid("order_id")
    order = _own_order(session.account, txid)
    return {"amends": [shown_amend(amend, order.pair) for amend in order.amends], "count": len(order.amends)}


# --- trades -----------------------------------------------------------------------------------------------------------


def _page(entries: Sequence[_Dated], params: Params, account: Account) -> tuple[list[_Dated], int]:
    """A page of what lies in the time range, latest first, and how many there are in all. Entries are in time order."""
    start, end = _bounds(params, account)
    low, high = bisect_right(entries, start, key=_at), bisect_right(entries, end, key=_at)
    offset = integer(params, "ofs", 0, 0, _MOST_OFFSET)
    count = max(0, high - low)
    newest_first = range(high - 1 - offset, max(low, high - offset - PAGE) - 1, -1)
    return [entries[index] for index in newest_first], count


def trades_history(_exchange: Exchange, session: Session) -> object:
    """TradesHistory."""
    params, account = session.params, session.account
    _check_common(params, "consolidate_taker", "trades")
    kind = choice(params, "type", _TRADE_TYPES, "all")
    with_ledgers = flag(params, "ledgers")
    # There is no margin here, so no trade belongs to a position.
    fills = list(account.fills.values()) if kind in {"all", "no position"} else []
    page, count = _page(fills, params, account)
    shown = {fill.txid: shown_trade(fill, with_ledgers=with_ledgers) for fill in page}
    return {"trades": shown} | _count(params, count)


def query_trades(_exchange: Exchange, session: Session) -> object:
    """QueryTrades: trades by txid; an unknown one is refused as `EOrder:Invalid order`, as seen."""
    _check_common(session.params, "trades")
    fills = session.account.fills
    wanted = _ids(session.params)
    if any(txid not in fills for txid in wanted):
        raise Refusal(INVALID_ORDER)
    return {txid: shown_trade(fills[txid]) for txid in wanted}


def open_positions(_exchange: Exchange, session: Session) -> object:
    """OpenPositions: none, since there is no margin; an empty list where they are wanted by market (seen by ccxt)."""
    _check_common(session.params, "docalcs")
    if "consolidation" in session.params:
        choice(session.params, "consolidation", ("market",), "market")
        return []
    return {}


# --- ledger -----------------------------------------------------------------------------------------------------------


def ledgers(exchange: Exchange, session: Session) -> object:
    """Ledgers."""
    params, account = session.params, session.account
    _check_common(params)
    wanted = _wanted(exchange.market, params)
    entries = [entry for entry in account.ledger.entries.values() if wanted(entry)]
    page, count = _page(entries, params, account)
    return {"ledger": _shown_entries(exchange.market, page)} | _count(params, count)


def _wanted(market: Market, params: Params) -> Callable[[LedgerEntry], bool]:
    """What `asset`, `aclass` and `type` leave over."""
    kind = choice(params, "type", _LEDGER_TYPES, "all")
    listed = [name for name in names(params, "asset") if name]
    assets = None if not listed or listed == ["all"] else {market.asset(name).id for name in listed}
    currency = choice(params, "aclass", ("currency", "tokenized_asset"), "currency") == "currency"
    return lambda entry: currency and (assets is None or entry.asset in assets) and (kind in {"all", entry.type})


def _shown_entries(market: Market, entries: Iterable[LedgerEntry]) -> dict[str, Any]:
    return {entry.id: shown_entry(entry, market.assets[entry.asset]) for entry in entries}


def query_ledgers(exchange: Exchange, session: Session) -> object:
    """QueryLedgers: up to 20 ledger entries by id."""
    _check_common(session.params, "trades")
    entries = session.account.ledger.entries
    wanted = _ids(session.params, "id", _MAX_LEDGER_IDS)
    if any(name not in entries for name in wanted):
        raise invalid("id")
    return _shown_entries(exchange.market, [entries[name] for name in wanted])
