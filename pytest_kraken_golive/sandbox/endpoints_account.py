"""The private endpoints that tell about a key, its money, its orders and its trades (Kraken: account data)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from . import fees
from .accounts import Account, cl_ord_id_key
from .market import answer_key
from .orders import ZERO, Fill, Order
from .refusals import INVALID_ORDER, PERMISSION_DENIED, UNKNOWN_ORDER, Refusal, invalid
from .reports import shown_order, shown_trade
from .wire import Params, choice, flag, integer, names, places

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

PAGE = 50
"""Entries of a page (Kraken: closed orders, trades history)."""
_MAX_IDS = 50
_TRADE_TYPES = ("all", "any position", "closed position", "closing position", "no position")
_TOKEN_LIFE_S = 900
_UNIX_TIME = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


def api_key_info(_exchange: Exchange, session: Session) -> object:
    """GetApiKeyInfo: the key that asks, with its rights and its last nonce."""
    account = session.account
    return {
        "apiKeyName": account.name,
        "apiKey": account.api_key,
        "nonce": str(account.nonces.last),
        "nonceWindow": account.nonces.window,
        "permissions": account.permissions,
        "iban": _iban(account),
        "validUntil": str(account.valid_until_s),
        "queryFrom": "0",
        "queryTo": "0",
        "createdTime": str(account.created_s),
        "modifiedTime": str(account.modified_s),
        "ipAllowlist": account.ip_allowlist,
        "lastUsed": None if account.last_used_s is None else str(account.last_used_s),
    }


def _iban(account: Account) -> str:
    """An invented account number of Kraken's shape, the same for the same account name."""
    letters = base64.b32encode(hashlib.sha256(account.name.encode()).digest()).decode()
    return "AA88 N84G " + " ".join(letters[index : index + 4] for index in (0, 4))


def _floor(amount: Decimal, decimals: int) -> str:
    """An amount at an asset's precision. Never rounded up: nobody is shown more than there is."""
    return f"{amount.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN):f}"


def _shown_balances(exchange: Exchange, account: Account) -> list[tuple[str, Decimal, int]]:
    return [(name, amount, exchange.market.assets[name].decimals) for name, amount in account.balances.items()]


def balance(exchange: Exchange, session: Session) -> object:
    """Balance: asset id to amount."""
    return {name: _floor(amount, decimals) for name, amount, decimals in _shown_balances(exchange, session.account)}


def balance_ex(exchange: Exchange, session: Session) -> object:
    """BalanceEx: balance and what orders hold of it."""
    holds = session.account.holds
    return {
        name: {
            "balance": _floor(amount, decimals),
            "credit": _floor(ZERO, decimals),
            "credit_used": _floor(ZERO, decimals),
            "hold_trade": _floor(holds.get(name, ZERO), decimals),
        }
        for name, amount, decimals in _shown_balances(exchange, session.account)
    }


def trade_balance(exchange: Exchange, session: Session) -> object:
    """TradeBalance: everything in one asset at current mids; without margin most of it is zero, and `ml` is absent."""
    asset = exchange.market.asset(session.params.get("asset", "ZUSD"))
    engine = exchange.engine
    usd = sum((engine.usd_rate(name) * amount for name, amount in session.account.balances.items()), ZERO)
    equity, nothing = places(usd / engine.usd_rate(asset.id), 4), places(ZERO, 4)
    return {
        "eb": equity,
        "tb": equity,
        "m": nothing,
        "n": nothing,
        "c": nothing,
        "v": nothing,
        "e": equity,
        "mf": equity,
        "uv": nothing,
    }


def trade_volume(exchange: Exchange, session: Session) -> object:
    """TradeVolume: 30-day volume, and the fee of each pair that is named."""
    volume = session.account.volume_30d_usd(session.now)
    result: dict[str, Any] = {"currency": "ZUSD", "volume": places(volume, 4)}
    wanted = _volume_pairs(session.params)
    if wanted:
        keys = [answer_key(name, exchange.market.pair(name)) for name in wanted]
        result["fees"] = {key: fees.fee_answer(volume, maker=False) for key in keys}
        result["fees_maker"] = {key: fees.fee_answer(volume, maker=True) for key in keys}
    return result


def _volume_pairs(params: Params) -> list[str]:
    """Pairs as a list of names, or since June 2026 as a list of `{asset, aclass}`."""
    listed = [value for name, value in params.items() if re.fullmatch(r"pair\[[0-9]+\]\[asset\]", name)]
    return listed or [name for name in names(params, "pair") if name]


# --- orders -----------------------------------------------------------------------------------------------------------


def _by_reference(params: Params) -> Callable[[Order], bool]:
    """What `userref` and `cl_ord_id` leave over."""
    userref = integer(params, "userref", 0, -(2**31), 2**31 - 1) if "userref" in params else None
    wanted = cl_ord_id_key(params["cl_ord_id"]) if "cl_ord_id" in params else None

    def keeps(order: Order) -> bool:
        if userref is not None and order.userref != userref:
            return False
        return wanted is None or (order.cl_ord_id is not None and cl_ord_id_key(order.cl_ord_id) == wanted)

    return keeps


def open_orders(_exchange: Exchange, session: Session) -> object:
    """OpenOrders."""
    with_trades, keeps = flag(session.params, "trades"), _by_reference(session.params)
    orders = session.account.open
    return {
        "open": {txid: shown_order(order, with_trades=with_trades) for txid, order in orders.items() if keeps(order)}
    }


def closed_orders(_exchange: Exchange, session: Session) -> object:
    """ClosedOrders: latest first, 50 a page; `start` is exclusive, `end` inclusive, each a Unix time or a txid."""
    params, account = session.params, session.account
    with_trades, keeps = flag(params, "trades"), _by_reference(params)
    by = choice(params, "closetime", ("open", "close", "both"), "both")
    start, end = _bound(params, "start", account), _bound(params, "end", account)
    offset = integer(params, "ofs", 0, 0, 2**31)

    def in_range(order: Order) -> bool:
        times = [] if by == "close" else [order.opened_at]
        if by != "open" and order.closed_at is not None:
            times.append(order.closed_at)
        return any(start < at <= end for at in times)

    closed = [order for order in account.orders.values() if not order.is_open and keeps(order) and in_range(order)]
    closed.reverse()
    closed.sort(key=lambda order: order.closed_at or 0.0, reverse=True)
    page = closed[offset : offset + PAGE]
    result: dict[str, Any] = {"closed": {order.txid: shown_order(order, with_trades=with_trades) for order in page}}
    if not flag(params, "without_count"):
        result["count"] = len(closed)
    return result


def _bound(params: Params, name: str, account: Account) -> float:
    """An end of a time range: a Unix time, or the time of the order or trade of that id."""
    text = params.get(name)
    if text is None:
        return float("-inf") if name == "start" else float("inf")
    if _UNIX_TIME.fullmatch(text) is not None:
        return float(text)
    if text in account.orders:
        return account.orders[text].opened_at
    for fill in account.fills:
        if fill.txid == text:
            return fill.at
    raise invalid(name)


def _ids(params: Params) -> list[str]:
    wanted = names(params, "txid")
    if not wanted or "" in wanted or len(wanted) > _MAX_IDS:
        raise invalid("txid")
    return wanted


def query_orders(_exchange: Exchange, session: Session) -> object:
    """QueryOrders: up to 50 orders by txid; the key needs the right for the state that each is in."""
    params, account = session.params, session.account
    with_trades = flag(params, "trades")
    keeps = _by_reference({name: value for name, value in params.items() if name == "userref"})
    found: dict[str, Any] = {}
    for txid in _ids(params):
        order = account.orders.get(txid)
        if order is None:
            raise Refusal(UNKNOWN_ORDER)
        right = "query-open-trades" if order.is_open else "query-closed-trades"
        if right not in account.permissions:
            raise Refusal(PERMISSION_DENIED)
        if keeps(order):
            found[txid] = shown_order(order, with_trades=with_trades)
    return found


def trades_history(_exchange: Exchange, session: Session) -> object:
    """TradesHistory: latest first, 50 a page; `start` is exclusive, `end` inclusive, each a Unix time or a txid."""
    params, account = session.params, session.account
    kind = choice(params, "type", _TRADE_TYPES, "all")
    start, end = _bound(params, "start", account), _bound(params, "end", account)
    offset = integer(params, "ofs", 0, 0, 2**31)
    # There is no margin here, so no trade belongs to a position.
    trades: list[Fill] = account.fills if kind in {"all", "no position"} else []
    matching = [fill for fill in reversed(trades) if start < fill.at <= end]
    page = {fill.txid: shown_trade(fill) for fill in matching[offset : offset + PAGE]}
    return {"trades": page, "count": len(matching)}


def query_trades(_exchange: Exchange, session: Session) -> object:
    """QueryTrades: trades by txid; an unknown one is refused as `EOrder:Invalid order`, as seen."""
    wanted = _ids(session.params)
    fills = {fill.txid: fill for fill in session.account.fills}
    if any(txid not in fills for txid in wanted):
        raise Refusal(INVALID_ORDER)
    return {txid: shown_trade(fills[txid]) for txid in wanted}


def websockets_token(exchange: Exchange, session: Session) -> object:
    """GetWebSocketsToken: a token of Kraken's shape; there is no WebSocket to use it on."""
    text = f"{exchange.settings.seed}/{session.account.fingerprint}/{session.account.nonces.last}"
    token = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").replace("/", "w")
    return {"token": token, "expires": _TOKEN_LIFE_S}
