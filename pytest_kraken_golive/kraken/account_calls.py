"""The endpoints that tell about key, money, orders and fills, and change nothing. Source: Kraken: account data."""

from __future__ import annotations

from decimal import Decimal

from pytest_kraken_golive.kraken import account_models, calls, models
from pytest_kraken_golive.kraken.account_models import (
    ApiKeyInfo,
    ExtendedBalance,
    LedgerEntry,
    Ledgers,
    Position,
    TradeBalance,
    TradeVolume,
    WebSocketsToken,
)
from pytest_kraken_golive.kraken.caller import Caller, flag, listed, text
from pytest_kraken_golive.kraken.models import ClosedOrders, OrderAmends, OrderInfo, TradeInfo, TradesHistory


class AccountCalls(Caller):
    """What the owner of the key may ask."""

    def api_key_info(self) -> ApiKeyInfo:
        """What the exchange says about this key: permissions, nonce window, limits of use."""
        return self._call(calls.GET_API_KEY_INFO, account_models.read_key_info)

    def get_account_balance(self) -> dict[str, Decimal]:
        """Balances by asset id. Checks the credentials and sends no order."""
        return self._call(calls.BALANCE, account_models.read_balance)

    def balance_ex(self) -> dict[str, ExtendedBalance]:
        """Balances with what open orders hold, by asset id."""
        return self._call(calls.BALANCE_EX, account_models.read_balance_ex)

    def trade_balance(self, asset: str | None = None) -> TradeBalance:
        """Everything in one asset; the exchange's default is ZUSD."""
        return self._call(calls.TRADE_BALANCE, account_models.read_trade_balance, asset=asset)

    def trade_volume(self, *pairs: str) -> TradeVolume:
        """30-day volume, and the fees in force for the named pairs."""
        return self._call(calls.TRADE_VOLUME, account_models.read_volume, pair=listed(pairs))

    def ledgers(
        self,
        *assets: str,
        kind: str | None = None,
        start: float | str | None = None,
        end: float | str | None = None,
        offset: int | None = None,
    ) -> Ledgers:
        """A page of at most 50 bookings.

        Args:
            assets: only those of these assets.
            kind: only those of this type: `trade`, `deposit`, ...
            start: Unix time (s) or ledger id, exclusive.
            end: Unix time (s) or ledger id, inclusive.
            offset: how many to skip, for the pages after the first.
        """
        return self._call(
            calls.LEDGERS,
            account_models.read_ledgers,
            asset=listed(assets),
            type=kind,
            start=text(start),
            end=text(end),
            ofs=text(offset),
        )

    def query_ledgers(self, *ids: str) -> dict[str, LedgerEntry]:
        """Bookings by ledger id; at most 20 ids."""
        return self._call(calls.QUERY_LEDGERS, account_models.read_bookings, id=listed(ids))

    def open_orders(self, *, trades: bool = False, cl_ord_id: str | None = None) -> dict[str, OrderInfo]:
        """Open orders by order id."""
        return self._call(calls.OPEN_ORDERS, models.read_open, trades=flag(trades), cl_ord_id=cl_ord_id).open

    def closed_orders(
        self,
        *,
        trades: bool = False,
        cl_ord_id: str | None = None,
        start: float | str | None = None,
        end: float | str | None = None,
        offset: int | None = None,
    ) -> ClosedOrders:
        """A page of at most 50 closed orders.

        Args:
            trades: True: with the ids of their fills.
            cl_ord_id: only those with this client id.
            start: Unix time (s) or order id, exclusive.
            end: Unix time (s) or order id, inclusive.
            offset: how many to skip, for the pages after the first.
        """
        return self._call(
            calls.CLOSED_ORDERS,
            models.read_closed,
            trades=flag(trades),
            cl_ord_id=cl_ord_id,
            start=text(start),
            end=text(end),
            ofs=text(offset),
        )

    def query_orders(self, *txids: str, trades: bool = False) -> dict[str, OrderInfo]:
        """Orders by order id, open or closed; at most 50 ids."""
        return self._call(calls.QUERY_ORDERS, models.read_orders, txid=listed(txids), trades=flag(trades))

    def order_amends(self, txid: str) -> OrderAmends:
        """The changes of an order, open or closed, oldest first."""
        return self._call(calls.ORDER_AMENDS, models.read_amends, order_id=txid)

    def trades_history(
        self,
        *,
        trades: bool = False,
        start: float | str | None = None,
        end: float | str | None = None,
        offset: int | None = None,
    ) -> TradesHistory:
        """A page of at most 50 fills; arguments as of `closed_orders`."""
        return self._call(
            calls.TRADES_HISTORY,
            models.read_history,
            trades=flag(trades),
            start=text(start),
            end=text(end),
            ofs=text(offset),
        )

    def query_trades(self, *txids: str) -> dict[str, TradeInfo]:
        """Fills by trade id; at most 20 ids."""
        return self._call(calls.QUERY_TRADES, models.read_trades, txid=listed(txids))

    def open_positions(self) -> dict[str, Position]:
        """Margin positions by id."""
        return self._call(calls.OPEN_POSITIONS, account_models.read_positions)

    def get_websockets_token(self) -> WebSocketsToken:
        """A token for the private sockets, to be used within 15 minutes."""
        return self._call(calls.GET_WEBSOCKETS_TOKEN, account_models.read_token)
