"""Orders and trades as the exchange's answers show them (Kraken: open orders, trades history; recorded answers)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .ledger import LedgerEntry
from .market import Asset, Pair
from .orders import Amend, Fill, Order
from .terms import close_in_words, in_words, shown_prices
from .wire import places


def order_line(order: Order) -> str:
    """The order in words: `buy 0.10000000 XBTUSD @ limit 50.0`."""
    volume = places(order.volume if order.budget is None else order.budget, 8)
    return f"{order.side} {volume} {order.pair.altname} @ {in_words(order.ordertype, shown_prices(order))}"


def shown_order(order: Order, *, with_trades: bool) -> dict[str, Any]:
    """An order in OpenOrders, ClosedOrders or QueryOrders."""
    pair, trigger = order.pair, order.trigger
    zero = places(Decimal(0), pair.cost_decimals)
    price, price2 = shown_prices(order)
    fired = trigger is not None and trigger.fired
    trails = trigger is not None and trigger.trail is not None
    shown: dict[str, Any] = {
        "refid": order.refid,
        "userref": order.userref,
        "status": order.status,
        "opentm": order.opened_at,
        "starttm": order.starts_at or 0,
        "expiretm": order.expires_at or 0,
        "descr": {
            "pair": pair.altname,
            "type": order.side,
            "ordertype": order.ordertype,
            "price": price,
            "price2": price2,
            "leverage": "none",
            "order": order_line(order),
            "close": close_in_words(order),
        },
        "vol": places(order.volume if order.budget is None else order.budget, pair.lot_decimals),
        "vol_exec": places(order.executed if order.budget is None else order.cost, pair.lot_decimals),
        "cost": places(order.cost, pair.cost_decimals),
        "fee": places(order.fee, pair.cost_decimals),
        "price": places(_average(order), pair.price_decimals) if order.executed else zero,
        "stopprice": places(pair.tick * trigger.level, pair.cost_decimals) if trigger and trails else zero,
        "limitprice": places(order.price, pair.cost_decimals) if fired and order.price is not None else zero,
        "misc": _misc(order),
        "oflags": _oflags(order),
        "reason": order.reason,
    }
    if trigger is not None and trigger.signal == "index":
        shown["trigger"] = trigger.signal
    if order.display is not None:
        shown["displayvol"] = places(order.display, pair.lot_decimals)
    if order.cl_ord_id is not None:
        shown["cl_ord_id"] = order.cl_ord_id
    if order.closed_at is not None:
        shown["closetm"] = order.closed_at
    if with_trades and order.fills:
        shown["trades"] = [fill.txid for fill in order.fills]
    return shown


def _misc(order: Order) -> str:
    """What else happened to an order: a stop was reached, a profit price was touched, its terms were amended."""
    found = []
    if order.trigger is not None and order.trigger.fired:
        found.append("touched" if order.ordertype.startswith("take-profit") else "stopped")
    if order.amends:
        found.append("amended")
    return ",".join(found)


def _oflags(order: Order) -> str:
    flags = ["post"] * order.post_only + ["fcib" if order.fee_in_base else "fciq"]
    return ",".join([*flags, *["viqc"] * (order.budget is not None)])


def _average(order: Order) -> Decimal:
    return sum((fill.price * fill.volume for fill in order.fills), Decimal(0)) / order.executed


def shown_trade(fill: Fill, *, with_ledgers: bool = False) -> dict[str, Any]:
    """A trade in TradesHistory or QueryTrades."""
    order, pair = fill.order, fill.order.pair
    ledgers = {"ledgers": order.account.ledger.ids(fill.entries)} if with_ledgers else {}
    return ledgers | {
        "ordertxid": order.txid,
        "postxid": position_id(order),
        "pair": pair.id,
        "time": fill.at,
        "type": order.side,
        "ordertype": order.ordertype,
        "price": market_price(fill.price, pair),
        "cost": places(fill.cost, pair.cost_decimals),
        "fee": places(fill.fee, pair.cost_decimals),
        "vol": places(fill.volume, pair.lot_decimals),
        "margin": places(Decimal(0), pair.cost_decimals),
        "leverage": "0",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.maker,
    }


def shown_entry(entry: LedgerEntry, asset: Asset) -> dict[str, Any]:
    """A ledger entry in Ledgers or QueryLedgers."""
    return {
        "refid": entry.refid,
        "time": entry.at,
        "type": entry.type,
        "subtype": "",
        "aclass": "currency",
        "asset": entry.asset,
        "amount": places(entry.amount, asset.decimals),
        "fee": places(entry.fee, asset.decimals),
        "balance": places(entry.balance, asset.decimals),
    }


def shown_amend(amend: Amend, pair: Pair) -> dict[str, Any]:
    """A state of an order in OrderAmends."""
    shown: dict[str, Any] = {
        "amend_id": amend.amend_id,
        "amend_type": amend.kind,
        "order_qty": places(amend.volume, pair.lot_decimals),
        "remaining_qty": places(amend.remaining, pair.lot_decimals),
    }
    if amend.price is not None:
        shown["limit_price"] = places(amend.price, pair.price_decimals)
    if amend.trigger is not None:
        shown["trigger_price"] = places(amend.trigger, pair.price_decimals)
    if amend.display is not None:
        shown["display_qty"] = places(amend.display, pair.lot_decimals)
    return shown | {"timestamp": int(amend.at * 1e9)}


def position_id(order: Order) -> str:
    """Id of the position that an order's trades belong to; spot orders have one each."""
    return "T" + order.txid[1:]


def market_price(price: Decimal, pair: Pair) -> str:
    """A price as market data and trades print it: `83930.30000`."""
    return places(price, pair.quote_decimals)


def market_volume(volume: Decimal) -> str:
    """A volume as books print it: three decimals, or eight where three would not be exact."""
    return places(volume, 3) if volume == round(volume, 3) else places(volume, 8)
