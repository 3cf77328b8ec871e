"""The Kraken Spot client: one synchronous client per key, typed, paced, and careful with orders."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import NoReturn, Self

import httpx
from pydantic import SecretStr

from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.kraken.changes import Changes
from pytest_kraken_golive.kraken.credentials import Credentials, hidden
from pytest_kraken_golive.kraken.dispatch import Dispatch
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE, Endpoint, resolve_endpoint
from pytest_kraken_golive.kraken.errors import RequestRefused
from pytest_kraken_golive.kraken.interlock import Arming, Interlock
from pytest_kraken_golive.kraken.limits import BucketLimit, BucketName, Pacer, RateLimits, pacer_of
from pytest_kraken_golive.kraken.lockout import lockout_of
from pytest_kraken_golive.kraken.market_calls import MarketCalls
from pytest_kraken_golive.kraken.market_data import AssetPair
from pytest_kraken_golive.kraken.nonce import NonceSource, nonces_of
from pytest_kraken_golive.kraken.observation import CallRecord
from pytest_kraken_golive.kraken.orders import new_cl_ord_id
from pytest_kraken_golive.kraken.placing import Placing
from pytest_kraken_golive.kraken.retry import RetryPolicy
from pytest_kraken_golive.kraken.search import Search
from pytest_kraken_golive.kraken.trading_calls import TradingCalls
from pytest_kraken_golive.kraken.wire import Wire


class KrakenClient(MarketCalls, TradingCalls):
    """Talks to one exchange with one key. Safe for threads: calls of a key leave one after the other.

    Reads and cancellations are tried again where that is safe; an order is sent once (see `place_order`).

    Args:
        api_key: the public half of the key.
        api_secret: the secret, Base64.
        base_url: see `endpoint.resolve_endpoint` for this and the next three.
        use_sandbox: True, False, or None for `KRAKEN_USE_SANDBOX`.
        environ: variables to read, for the endpoint and the limits; by default those of the process.
        sandbox_hosts: host names besides loopback that are sandboxes.
        transport: sends requests; by default `KeptConnections`, which ignore proxy variables. Closed with the client.
        clock: time for deadlines, limits and back-off.
        limits: sizes of the four buckets, a pacer shared with other clients, `Unlimited()`, or None for `KRAKEN_RL_*`.
        nonces: the key's nonces; clients that share a key must share them. By default rising nanoseconds. On the
            machine's clock these, the buckets and a lockout are shared by all processes of the user that use the key;
            with a clock of one's own they are the client's.
        timeout_s: seconds for each of connecting, sending and each part of the answer (all parts: a minute).
        arming: permission for real orders in production mode.
        retry: attempts and waits of calls that may be repeated.
        on_call: called after every HTTP attempt.
        order_ids: gives client ids to orders that bring none.

    Raises:
        EndpointError: see `resolve_endpoint`.
        SharedStateError: what processes share about a key cannot be kept in the user's runtime directory.
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
        self._pacer: Pacer = (
            pacer_of(chosen, api_key, self.endpoint.url, self._clock) if isinstance(chosen, RateLimits) else chosen
        )
        self._pairs: dict[str, AssetPair] = {}
        self._dispatch = Dispatch(
            Wire(self.endpoint.url, transport, _usable_timeout(timeout_s)),
            credentials,
            clock=self._clock,
            pacer=self._pacer,
            nonces=nonces_of(api_key, self._clock) if nonces is None else nonces,
            lockout=lockout_of(api_key, self.endpoint.url, self._clock),
            retry=RetryPolicy() if retry is None else retry,
            on_call=on_call,
        )
        search = Search(self, self._clock)
        self._interlock = Interlock(self.endpoint.mode, arming, self)
        self._placing = Placing(self._dispatch, search, self._clock, order_ids, self.altname_of)
        self._changes = Changes(self._dispatch, search, self, self._clock)

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

    def quote_of(self, pair: str) -> str | None:
        """The quote asset of a pair as the exchange names it; None where it does not know the pair."""
        found = self._pair(pair)
        return None if found is None else found.quote

    def altname_of(self, pair: str) -> str | None:
        """The exchange's short name of a pair, which orders show; None where it does not know the pair."""
        found = self._pair(pair)
        return None if found is None else found.altname

    def _pair(self, pair: str) -> AssetPair | None:
        """What the exchange says about a pair, asked for once."""
        if pair not in self._pairs:
            try:
                found = self.asset_pairs(pair)
            except RequestRefused:  # the exchange does not know the pair
                return None
            if len(found) != 1:
                return None
            self._pairs[pair] = next(iter(found.values()))
        return self._pairs[pair]


def _own_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that steer a client, without the rest of the environment and its secrets."""
    named = (BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE)
    return {name: value for name, value in environ.items() if name in named or name.startswith("KRAKEN_RL_")}


def _usable_timeout(timeout_s: float) -> float:
    if isinstance(timeout_s, bool) or not 0 < timeout_s < float("inf"):
        raise ValueError(f"timeout_s: expected a positive finite number of seconds, found {timeout_s!r}.")
    return timeout_s
