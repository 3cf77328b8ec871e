"""The Kraken Spot client: one synchronous client per key, typed, paced, and careful with orders."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar

import httpx
from pydantic import SecretStr

from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.kraken import calls, market_data, models
from pytest_kraken_golive.kraken.credentials import Credentials, hidden
from pytest_kraken_golive.kraken.dispatch import Dispatch
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE, Endpoint, resolve_endpoint
from pytest_kraken_golive.kraken.errors import KrakenError, MalformedAnswerError, OrderOutcomeUnknown, RequestRefused
from pytest_kraken_golive.kraken.interlock import Arming, demand_permission
from pytest_kraken_golive.kraken.limits import BucketLimit, BucketName, Pacer, RateLimits, TokenPacer
from pytest_kraken_golive.kraken.market_data import (
    Asset,
    AssetPair,
    Candles,
    Depth,
    PublicTrades,
    ServerTime,
    SystemStatus,
    Ticker,
)
from pytest_kraken_golive.kraken.models import (
    AddOrderResult,
    ApiKeyInfo,
    CancelResult,
    ClosedOrders,
    ExtendedBalance,
    OrderInfo,
    PlacedOrder,
    TradesHistory,
    TradeVolume,
    WebSocketsToken,
)
from pytest_kraken_golive.kraken.nonce import NonceSource, RisingNonces
from pytest_kraken_golive.kraken.observation import CallRecord
from pytest_kraken_golive.kraken.orders import NewOrder, new_cl_ord_id
from pytest_kraken_golive.kraken.retry import RetryPolicy
from pytest_kraken_golive.kraken.wire import Wire

T = TypeVar("T")


class KrakenClient:
    """Talks to one exchange with one key. Safe for threads: calls of a key leave one after the other.

    Reads and cancellations are tried again where that is safe; an order is sent once (see `place_order`).

    Args:
        api_key: the public half of the key.
        api_secret: the secret, Base64.
        base_url: see `endpoint.resolve_endpoint` for this and the next three.
        use_sandbox: True, False, or None for `KRAKEN_USE_SANDBOX`.
        environ: variables to read, for the endpoint and the limits; by default those of the process.
        sandbox_hosts: host names besides loopback that are sandboxes.
        transport: sends requests; by default a kept `httpx.HTTPTransport` that ignores proxy variables. Closed with
            the client.
        clock: time for deadlines, limits and back-off.
        limits: sizes of the four buckets, a pacer shared with other clients, `Unlimited()`, or None for `KRAKEN_RL_*`.
        nonces: the key's nonces; clients that share a key must share them. By default rising nanoseconds.
        timeout_s: seconds for each of connecting, sending and each part of the answer.
        arming: permission for real orders in production mode.
        retry: attempts and waits of calls that may be repeated.
        on_call: called after every HTTP attempt.
        order_ids: gives client ids to orders that bring none.

    Raises:
        EndpointError: see `resolve_endpoint`.
        ValueError: the key, the secret, a limit or the time-out is not usable. No message shows key or secret.
    """

    def __init__(
        self,
        api_key: str | SecretStr,
        api_secret: str | SecretStr,
        *,
        base_url: str | None = None,
        use_sandbox: bool | None = None,
        environ: Mapping[str, str] | None = None,
        sandbox_hosts: Sequence[str] = (),
        transport: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
        limits: RateLimits | Pacer | None = None,
        nonces: NonceSource | None = None,
        timeout_s: float = 10.0,
        arming: Arming | None = None,
        retry: RetryPolicy | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
        order_ids: Callable[[], str] = new_cl_ord_id,
    ) -> None:
        # Rebound at once: a test report prints the arguments of the frames that an exception passes through.
        api_key, api_secret = hidden(api_key), hidden(api_secret)
        environ = _own_variables(os.environ if environ is None else environ)
        self._clock: Clock = SystemClock() if clock is None else clock
        self.endpoint: Endpoint = resolve_endpoint(
            base_url=base_url, use_sandbox=use_sandbox, environ=environ, sandbox_hosts=sandbox_hosts
        )
        credentials = Credentials(api_key, api_secret)
        chosen = RateLimits.from_environ(environ) if limits is None else limits
        self._pacer: Pacer = TokenPacer(chosen, self._clock) if isinstance(chosen, RateLimits) else chosen
        self._arming = arming
        self._order_ids = order_ids
        self._quotes: dict[str, str] = {}
        self._dispatch = Dispatch(
            Wire(self.endpoint.url, transport, _usable_timeout(timeout_s)),
            credentials,
            clock=self._clock,
            pacer=self._pacer,
            nonces=RisingNonces(self._clock) if nonces is None else nonces,
            retry=RetryPolicy() if retry is None else retry,
            on_call=on_call,
        )

    @property
    def base_url(self) -> str:
        """Scheme, host and port that every call goes to."""
        return self.endpoint.url

    @property
    def limits(self) -> Mapping[BucketName, BucketLimit]:
        """The buckets in force, by name; empty where none are."""
        return self._pacer.limits()

    @property
    def waited_s(self) -> float:
        """Seconds that calls have waited for tokens of the client's own buckets, so far."""
        return self._dispatch.waited_s

    @property
    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Endpoint and text of the exchange's latest warnings, oldest first."""
        return self._dispatch.warnings()

    def __repr__(self) -> str:
        endpoint: Endpoint | None = getattr(self, "endpoint", None)  # None while the constructor fails
        return f"KrakenClient({endpoint.url}, {endpoint.mode})" if endpoint else "KrakenClient(not connected)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a KrakenClient cannot be pickled: it holds a secret and connections")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; every later call raises ClientClosedError."""
        self._dispatch.close()

    # ---- market data ----

    def server_time(self) -> ServerTime:
        """The exchange's clock."""
        return self._call(calls.TIME, market_data.read_time)

    def system_status(self) -> SystemStatus:
        """Whether the exchange trades."""
        return self._call(calls.SYSTEM_STATUS, market_data.read_status)

    def assets(self, *names: str) -> dict[str, Asset]:
        """Assets by id; all of them without names."""
        return self._call(calls.ASSETS, market_data.read_assets, asset=_list(names))

    def asset_pairs(self, *names: str) -> dict[str, AssetPair]:
        """Pairs by id; all of them (some 1,500) without names."""
        return self._call(calls.ASSET_PAIRS, market_data.read_pairs, pair=_list(names))

    def ticker(self, pair: str) -> Ticker:
        """Prices and volumes of one pair."""
        return self._call(calls.TICKER, market_data.read_ticker, pair=pair)

    def tickers(self, *names: str) -> dict[str, Ticker]:
        """Prices and volumes by pair id; of all pairs without names."""
        return self._call(calls.TICKER, market_data.read_tickers, pair=_list(names))

    def depth(self, pair: str, count: int | None = None) -> Depth:
        """The order book of one pair, `count` (1 to 500) levels a side; the exchange's default is 100."""
        return self._call(calls.DEPTH, market_data.read_depth, pair=pair, count=_text(count))

    def ohlc(self, pair: str, interval_min: int | None = None, since: int | None = None) -> Candles:
        """Candles of one pair: at most 720 closed ones and the forming one.

        Args:
            pair: altname or id.
            interval_min: minutes: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600; the exchange's default is 1.
            since: Unix time (s) after which candles are wanted.
        """
        return self._call(
            calls.OHLC, market_data.read_candles, pair=pair, interval=_text(interval_min), since=_text(since)
        )

    def trades(self, pair: str, since: str | None = None, count: int | None = None) -> PublicTrades:
        """Trades of one pair, at most `count` (1 to 1000); `since` is the `last` of an earlier answer."""
        return self._call(calls.TRADES, market_data.read_trades, pair=pair, since=since, count=_text(count))

    # ---- account ----

    def api_key_info(self) -> ApiKeyInfo:
        """What the exchange says about this key: permissions, nonce window, limits of use."""
        return self._call(calls.GET_API_KEY_INFO, models.read_key_info)

    def get_account_balance(self) -> dict[str, Decimal]:
        """Balances by asset id. Checks the credentials and sends no order."""
        return self._call(calls.BALANCE, models.read_balance)

    def balance_ex(self) -> dict[str, ExtendedBalance]:
        """Balances with what open orders hold, by asset id."""
        return self._call(calls.BALANCE_EX, models.read_balance_ex)

    def trade_volume(self, *pairs: str) -> TradeVolume:
        """30-day volume, and the fees in force for the named pairs."""
        return self._call(calls.TRADE_VOLUME, models.read_volume, pair=_list(pairs))

    def open_orders(self, *, trades: bool = False, cl_ord_id: str | None = None) -> dict[str, OrderInfo]:
        """Open orders by order id."""
        found = self._call(calls.OPEN_ORDERS, models.read_open, trades=_flag(trades), cl_ord_id=cl_ord_id)
        return found.open

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
            trades=_flag(trades),
            cl_ord_id=cl_ord_id,
            start=_text(start),
            end=_text(end),
            ofs=_text(offset),
        )

    def query_orders(self, *txids: str, trades: bool = False) -> dict[str, OrderInfo]:
        """Orders by order id, open or closed; at most 50 ids."""
        return self._call(calls.QUERY_ORDERS, models.read_orders, txid=_list(txids), trades=_flag(trades))

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
            trades=_flag(trades),
            start=_text(start),
            end=_text(end),
            ofs=_text(offset),
        )

    def get_websockets_token(self) -> WebSocketsToken:
        """A token for the private sockets, to be used within 15 minutes."""
        return self._call(calls.GET_WEBSOCKETS_TOKEN, models.read_token)

    # ---- trading ----

    def place_order(self, order: NewOrder, *, validate: bool = False) -> PlacedOrder:
        """Send an order, once, with a client id and a deadline.

        Only an invalid nonce, which the exchange refuses before it looks at the order, leads to a second attempt.
        In production mode a real order needs `arming` (see `interlock`).

        Args:
            order: the order.
            validate: True: the exchange checks the order and places nothing; tried again like a read.

        Raises:
            LiveOrderRefused: the interlock kept it back; nothing was sent.
            OrderOutcomeUnknown: it may stand; look it up by its client id before sending anything.
            KrakenError: any other class: the order was not placed.
        """
        if not isinstance(validate, bool):
            raise TypeError(f"validate: expected True or False, found {validate!r}.")
        demand_permission(
            order, mode=self.endpoint.mode, validate=validate, arming=self._arming, quote_of=self._quote_of
        )
        cl_ord_id = self._order_ids() if order.cl_ord_id is None else order.cl_ord_id
        deadline_at_s = self._clock.time() + order.deadline_s

        def fields() -> dict[str, str]:
            nonlocal deadline_at_s
            deadline_at_s = self._clock.time() + order.deadline_s
            return order.fields(cl_ord_id, deadline_at_s, validate=validate)

        def read(endpoint: str, result: Any) -> PlacedOrder:
            return _placed(endpoint, models.read_placed(endpoint, result), cl_ord_id, validate)

        call = calls.VALIDATE_ORDER if validate else calls.ADD_ORDER
        try:
            return self._dispatch.call(call, fields, read)
        except KrakenError as error:
            if not error.may_have_acted or (validate and not isinstance(error, _PlacedUnasked)):
                raise
            raise OrderOutcomeUnknown(call.name, cl_ord_id, deadline_at_s, error) from error

    def cancel_order(self, txid: str | None = None, *, cl_ord_id: str | None = None) -> CancelResult:
        """Cancel an order by its order id or its client id. `EOrder:Unknown order`: it is not open (any more)."""
        if (txid is None) == (cl_ord_id is None):
            raise ValueError("cancel_order: expected either txid or cl_ord_id, found both or neither.")
        return self._call(calls.CANCEL_ORDER, models.read_cancelled, txid=txid, cl_ord_id=cl_ord_id)

    def cancel_all(self) -> CancelResult:
        """Cancel every open order of the account. After a lost answer the count is that of the repetition."""
        return self._call(calls.CANCEL_ALL, models.read_cancelled)

    def _quote_of(self, pair: str) -> str | None:
        if pair not in self._quotes:
            try:
                found = self.asset_pairs(pair)
            except RequestRefused:  # the exchange does not know the pair
                return None
            if len(found) != 1:
                return None
            self._quotes[pair] = next(iter(found.values())).quote
        return self._quotes[pair]

    def _call(self, call: calls.Call, read: Callable[[str, Any], T], **parameters: str | None) -> T:
        fields = {name: value for name, value in parameters.items() if value is not None}
        return self._dispatch.call(call, lambda: fields, read)


class _PlacedUnasked(MalformedAnswerError):
    """An order id came back for an order that was only to be checked."""


def _placed(endpoint: str, result: AddOrderResult, cl_ord_id: str, validate: bool) -> PlacedOrder:
    ids = result.txid or ()
    if validate and ids:
        raise _PlacedUnasked(endpoint, "expected a check without an order, found an order id although validate=true")
    if not validate and (len(ids) != 1 or not ids[0]):
        raise MalformedAnswerError(endpoint, f"expected one order id in result.txid, found {len(ids)}")
    return PlacedOrder(
        cl_ord_id=cl_ord_id, txid=ids[0] if ids else None, order=result.descr.order, validated_only=validate
    )


def _own_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that steer a client, without the rest of the environment and its secrets."""
    named = (BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE)
    return {name: value for name, value in environ.items() if name in named or name.startswith("KRAKEN_RL_")}


def _usable_timeout(timeout_s: float) -> float:
    if isinstance(timeout_s, bool) or not 0 < timeout_s < float("inf"):
        raise ValueError(f"timeout_s: expected a positive finite number of seconds, found {timeout_s!r}.")
    return timeout_s


def _list(names: Sequence[str]) -> str | None:
    return ",".join(names) if names else None


def _text(value: float | str | None) -> str | None:
    return None if value is None else str(value)


def _flag(value: bool) -> str | None:
    return "true" if value else None
