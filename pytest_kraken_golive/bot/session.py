"""The bot's line to one account: a client whose every call takes its turn in the I/O queue and is watched."""

from __future__ import annotations

import threading
from collections import Counter

from pytest_kraken_golive.bot.plan import AccountPlan
from pytest_kraken_golive.bot.queue import IOQueue
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.bot.transport import QueuedTransport
from pytest_kraken_golive.bot.watch import ExchangeWatch
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.endpoint import Endpoint
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.kept import KeptConnections
from pytest_kraken_golive.kraken.limits import GLOBAL, MARKET_DATA, pacer_of
from pytest_kraken_golive.kraken.nonce import NonceSource
from pytest_kraken_golive.kraken.retry import RetryPolicy

_TIMEOUT_S = 5.0
_RETRY = RetryPolicy(attempts=3, first_wait_s=0.25, longest_wait_s=2.0)
"""A run lasts seconds: what does not pass soon is to be said, not waited for."""

_KEPT_FOR_TRADING = 0.5
"""Part of the buckets that market data leave alone, so that orders never wait behind them."""

_ROUNDING = 1e-6


class Session:
    """One account, its client, and what was met on the way; safe to share between threads.

    Args:
        account: whose key it is.
        credentials: the key.
        endpoint: where the exchange is; has to be a sandbox.
        settings: give the client's own limits.
        queue: through which every call goes.
        nonces: the key's nonces, shared by all who use it.
        watch: told about every call.
        clock: paces and stamps.

    Raises:
        Fault: a limit is not usable; names the variable.
        ValueError: the key is not usable.
        KrakenError: what processes share about the key cannot be had.
    """

    def __init__(
        self,
        account: AccountPlan,
        credentials: Credentials,
        *,
        endpoint: Endpoint,
        settings: LiveSettings,
        queue: IOQueue,
        nonces: NonceSource,
        watch: ExchangeWatch,
        clock: Clock,
    ) -> None:
        self.account = account
        self.queue = queue
        self.watch = watch
        self._pacer = pacer_of(settings.limits, credentials.api_key, endpoint.url, clock)
        self._lock = threading.Lock()
        self._troubles: Counter[str] = Counter()
        self.client = KrakenClient(
            credentials.api_key,
            credentials.api_secret,
            environ=settings.variables,
            sandbox_hosts=settings.sandbox_hosts,
            transport=QueuedTransport(queue, KeptConnections(endpoint.url)),
            clock=clock,
            limits=self._pacer,
            nonces=nonces,
            timeout_s=_TIMEOUT_S,
            retry=_RETRY,
            on_call=watch.on_call,
        )

    def room_for_market_data(self, *, all_of_it: bool = False) -> int:
        """How many calls market data may make now without taking what is kept for trading.

        Args:
            all_of_it: take that as well: without a first picture of the market there is no trading.
        """
        tokens, limits = self._pacer.tokens(), self._pacer.limits()
        kept = 0.0 if all_of_it else _KEPT_FOR_TRADING
        return min(_room(tokens[name], limits[name].capacity, kept) for name in (GLOBAL, MARKET_DATA))

    def trouble(self, error: KrakenError) -> None:
        """Keep what a call failed with, for the report."""
        with self._lock:
            self._troubles[f"{self.account.exchange}: {error}"] += 1

    def troubles(self) -> list[str]:
        """What calls failed with, each message once, with how often it came."""
        with self._lock:
            return [text if count == 1 else f"{text} ({count} times)" for text, count in self._troubles.items()]

    def close(self) -> None:
        """Close the client and its connections."""
        self.client.close()


def _room(tokens: float, capacity: float, kept: float) -> int:
    """Whole tokens above the kept part; a full bucket always has room for one call, however small it is."""
    if tokens >= capacity - _ROUNDING:
        return max(1, int(tokens - capacity * kept))
    return max(0, int(tokens - capacity * kept + _ROUNDING))
