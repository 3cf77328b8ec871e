"""The private endpoints: who handles each, what right it takes and what it costs (Kraken: API key permissions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import endpoints_account, endpoints_amend, endpoints_edit, endpoints_history, endpoints_trading
from .accounts import Account
from .wire import Params

if TYPE_CHECKING:
    from .exchange import Exchange


@dataclass(slots=True)
class Session:
    """An authenticated private call on its way to its endpoint."""

    account: Account
    """Whose key signed it."""
    params: Params
    """Its parameters, nonce included."""
    door: str
    """Door through which it came."""
    now: float
    """Unix time of handling in seconds."""
    arrived_at: float
    """Unix time of arrival in seconds."""
    monotonic_s: float
    """Monotonic time of handling in seconds."""


@dataclass(frozen=True, slots=True)
class PrivateEndpoint:
    """An endpoint behind a signature."""

    handle: Callable[[Exchange, Session], object]
    """Gives the result, or raises a refusal."""
    permissions: tuple[frozenset[str], ...]
    """Each entry is one sufficient set; none at all: any valid key."""
    cost: int = 1
    """What it adds to the REST counter, or `HISTORY`."""


def _one_of(*names: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset([name]) for name in names)


_MODIFY_AND_CLOSE = (frozenset({"modify-trades", "close-trades"}),)
"""Cancelling and placing in one takes both rights (Kraken: edit order, add order batch)."""

HISTORY = -1
"""Stands for the configured cost of history calls."""

PRIVATE_ENDPOINTS: dict[str, PrivateEndpoint] = {
    "GetApiKeyInfo": PrivateEndpoint(endpoints_account.api_key_info, ()),
    "Balance": PrivateEndpoint(endpoints_account.balance, _one_of("query-funds")),
    "BalanceEx": PrivateEndpoint(endpoints_account.balance_ex, _one_of("query-funds")),
    "CreditLines": PrivateEndpoint(endpoints_account.credit_lines, _one_of("query-funds")),
    # The OpenAPI and the guide name different rights here; either will do.
    "TradeBalance": PrivateEndpoint(endpoints_account.trade_balance, _one_of("query-open-trades", "query-funds")),
    "TradeVolume": PrivateEndpoint(endpoints_account.trade_volume, _one_of("query-funds")),
    "OpenOrders": PrivateEndpoint(endpoints_history.open_orders, _one_of("query-open-trades")),
    "ClosedOrders": PrivateEndpoint(endpoints_history.closed_orders, _one_of("query-closed-trades")),
    "QueryOrders": PrivateEndpoint(endpoints_history.query_orders, _one_of("query-open-trades", "query-closed-trades")),
    "OrderAmends": PrivateEndpoint(endpoints_history.order_amends, _one_of("query-open-trades", "query-closed-trades")),
    "TradesHistory": PrivateEndpoint(endpoints_history.trades_history, _one_of("query-closed-trades"), HISTORY),
    "QueryTrades": PrivateEndpoint(endpoints_history.query_trades, _one_of("query-closed-trades")),
    "OpenPositions": PrivateEndpoint(endpoints_history.open_positions, _one_of("query-open-trades")),
    "Ledgers": PrivateEndpoint(endpoints_history.ledgers, _one_of("query-ledger"), HISTORY),
    "QueryLedgers": PrivateEndpoint(endpoints_history.query_ledgers, _one_of("query-ledger"), HISTORY),
    # What the engine's counter charges is free at the REST counter (Kraken: trading rate limits).
    "AddOrder": PrivateEndpoint(endpoints_trading.add_order, _one_of("modify-trades"), 0),
    "AddOrderBatch": PrivateEndpoint(endpoints_trading.add_order_batch, _MODIFY_AND_CLOSE, 0),
    "AmendOrder": PrivateEndpoint(endpoints_amend.amend_order, _one_of("modify-trades", "close-trades"), 0),
    "EditOrder": PrivateEndpoint(endpoints_edit.edit_order, _MODIFY_AND_CLOSE, 0),
    "CancelOrder": PrivateEndpoint(endpoints_trading.cancel_order, _one_of("modify-trades", "close-trades"), 0),
    "CancelOrderBatch": PrivateEndpoint(
        endpoints_trading.cancel_order_batch, _one_of("modify-trades", "close-trades"), 0
    ),
    "CancelAll": PrivateEndpoint(endpoints_trading.cancel_all, _one_of("modify-trades", "close-trades")),
    "CancelAllOrdersAfter": PrivateEndpoint(
        endpoints_trading.cancel_all_orders_after, _one_of("modify-trades", "close-trades")
    ),
    "GetWebSocketsToken": PrivateEndpoint(endpoints_account.websockets_token, _one_of("create-ws-token")),
}
"""What is there. Every other documented endpoint answers `EGeneral:Unknown method` until it exists."""

MONEY_OUT = frozenset(
    {
        *("Withdraw", "WithdrawMethods", "WithdrawAddresses", "WithdrawInfo", "WithdrawStatus", "WithdrawCancel"),
        *("WalletTransfer", "AccountTransfer"),
    }
)
"""Documented, not there, and booked by name all the same: who asked for it is worth knowing (Kraken: Funding)."""
