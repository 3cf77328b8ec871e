"""The endpoints that the client calls: path, what a call does, and which buckets it draws on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from pytest_kraken_golive.kraken.limits import GLOBAL, MARKET_DATA, ORDER, ORDER_STATUS, BucketName

Effect = Literal["reads", "cancels", "places"]
"""What a repetition does: nothing, nothing more (cancelling twice cancels once), or a second order."""


@dataclass(frozen=True)
class Call:
    """One endpoint."""

    name: str
    """Kraken's name: `AddOrder`."""
    private: bool
    """True: a signed POST; False: a GET without a key."""
    effect: Effect
    """What a repetition of it does."""
    buckets: tuple[BucketName, ...]
    """The buckets that give a token each."""
    as_json: bool = False
    """True: the parameters are nested, and travel as JSON instead of a form."""

    @property
    def path(self) -> str:
        """The path below the host, as it is signed."""
        return f"/0/{'private' if self.private else 'public'}/{self.name}"


def _public(name: str) -> Call:
    return Call(name, False, "reads", (GLOBAL, MARKET_DATA))


def _account(name: str) -> Call:
    return Call(name, True, "reads", (GLOBAL,))


def _orders(name: str) -> Call:
    return Call(name, True, "reads", (GLOBAL, ORDER_STATUS))


def _trading(name: str, effect: Effect, *, as_json: bool = False) -> Call:
    return Call(name, True, effect, (GLOBAL, ORDER), as_json)


TIME: Final = _public("Time")
SYSTEM_STATUS: Final = _public("SystemStatus")
ASSETS: Final = _public("Assets")
ASSET_PAIRS: Final = _public("AssetPairs")
TICKER: Final = _public("Ticker")
DEPTH: Final = _public("Depth")
OHLC: Final = _public("OHLC")
TRADES: Final = _public("Trades")
SPREAD: Final = _public("Spread")
GET_API_KEY_INFO: Final = _account("GetApiKeyInfo")
BALANCE: Final = _account("Balance")
BALANCE_EX: Final = _account("BalanceEx")
TRADE_VOLUME: Final = _account("TradeVolume")
TRADE_BALANCE: Final = _account("TradeBalance")
LEDGERS: Final = _account("Ledgers")
QUERY_LEDGERS: Final = _account("QueryLedgers")
GET_WEBSOCKETS_TOKEN: Final = _account("GetWebSocketsToken")
OPEN_ORDERS: Final = _orders("OpenOrders")
CLOSED_ORDERS: Final = _orders("ClosedOrders")
QUERY_ORDERS: Final = _orders("QueryOrders")
ORDER_AMENDS: Final = _orders("OrderAmends")
TRADES_HISTORY: Final = _orders("TradesHistory")
QUERY_TRADES: Final = _orders("QueryTrades")
OPEN_POSITIONS: Final = _orders("OpenPositions")
ADD_ORDER: Final = _trading("AddOrder", "places")
ADD_ORDER_BATCH: Final = _trading("AddOrderBatch", "places", as_json=True)
EDIT_ORDER: Final = _trading("EditOrder", "places")
AMEND_ORDER: Final = _trading("AmendOrder", "places")
# Nothing can come to stand by a validated order, so it may be repeated like a read.
VALIDATE_ORDER: Final = _trading("AddOrder", "reads")
VALIDATE_BATCH: Final = _trading("AddOrderBatch", "reads", as_json=True)
VALIDATE_EDIT: Final = _trading("EditOrder", "reads")
CANCEL_ORDER: Final = _trading("CancelOrder", "cancels")
CANCEL_ORDER_BATCH: Final = _trading("CancelOrderBatch", "cancels", as_json=True)
CANCEL_ALL: Final = _trading("CancelAll", "cancels")
CANCEL_ALL_ORDERS_AFTER: Final = _trading("CancelAllOrdersAfter", "cancels")
