"""Orders and trades as the exchange's answers show them (Kraken: open orders, trades history; recorded answers)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .market import Pair
from .orders import Fill, Order
from .wire import places


def order_line(order: Order) -> str:
    """The order in words: `buy 0.10000000 XBTUSD @ limit 50.0`."""
    head = f"{order.side} {places(order.volume, 8)} {order.pair.altname} @ {order.ordertype}"
    return head if order.price is None else f"{head} {places(order.price, order.pair.price_decimals)}"


def shown_order(order: Order, *, with_trades: bool) -> dict[str, Any]:
    """An order in OpenOrders, ClosedOrders or QueryOrders."""
    pair = order.pair
    zero = places(Decimal(0), pair.cost_decimals)
    shown: dict[str, Any] = {
        "refid": None,
        "userref": order.userref,
        "status": order.status,
        "opentm": order.opened_at,
        "starttm": 0,
        "expiretm": 0,
        "descr": {
            "pair": pair.altname,
            "type": order.side,
            "ordertype": order.ordertype,
            "price": "0" if order.price is None else places(order.price, pair.price_decimals),
            "price2": "0",
            "leverage": "none",
            "order": order_line(order),
            "close": "",
        },
        "vol": places(order.volume, pair.lot_decimals),
        "vol_exec": places(order.executed, pair.lot_decimals),
        "cost": places(order.cost, pair.cost_decimals),
        "fee": places(order.fee, pair.cost_decimals),
        "price": places(_average(order), pair.price_decimals) if order.executed else zero,
        "stopprice": zero,
        "limitprice": zero,
        "misc": "",
        "oflags": order.oflags,
        "reason": order.reason,
    }
    if order.cl_ord_id is not None:
        shown["cl_ord_id"] = order.cl_ord_id
    if order.closed_at is not None:
        shown["closetm"] = order.closed_at
    if with_trades and order.fills:
        shown["trades"] = [fill.txid for fill in order.fills]
    return shown


def _average(order: Order) -> Decimal:
    return sum((fill.price * fill.volume for fill in order.fills), Decimal(0)) / order.executed


def shown_trade(fill: Fill) -> dict[str, Any]:
    """A trade in TradesHistory or QueryTrades."""
    order, pair = fill.order, fill.order.pair
    return {
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


def position_id(order: Order) -> str:
    """Id of the position that an order's trades belong to; spot orders have one each."""
    return "T" + order.txid[1:]


def market_price(price: Decimal, pair: Pair) -> str:
    """A price as market data and trades print it: `83930.30000`."""
    return places(price, pair.quote_decimals)


def market_volume(volume: Decimal) -> str:
    """A volume as books print it: three decimals, or eight where three would not be exact."""
    return places(volume, 3) if volume == round(volume, 3) else places(volume, 8)
