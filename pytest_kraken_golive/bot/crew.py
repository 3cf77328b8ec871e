"""Who works in a run: a trader per entrypoint, a market feed per queue, a session per account."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import httpx

from pytest_kraken_golive.bot.guardrail import GuardrailLog
from pytest_kraken_golive.bot.market_feed import Board, MarketFeed
from pytest_kraken_golive.bot.metrics import ExchangeMetrics
from pytest_kraken_golive.bot.plan import EntrypointPlan, Findings
from pytest_kraken_golive.bot.queue import IOQueue
from pytest_kraken_golive.bot.session import Session
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.bot.strategy import PairRules
from pytest_kraken_golive.bot.trader import Trader
from pytest_kraken_golive.bot.validation import pair_rules, validate_account
from pytest_kraken_golive.bot.watch import ExchangeWatch
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.endpoint import Endpoint
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.nonce import NonceSource, nonces_of

_END_S = 10.0
"""Longest time that traders and feeds may take to end."""

_LOOK_S = 2.0
"""Longest time that a reader of the metrics waits for a look at the exchange."""

_SIGHT_S = 0.5
"""A look that is not older is not repeated."""


class Crew:
    """Everybody who works in a run. Leaving the block ends and closes them all.

    Args:
        deployment: the configuration and its secret store.
        settings: say where the exchange is, and set the client's limits.
        metrics: what they count.
        log: where the guardrails write.
        clock: time.
        run_id: from which the prefix of client order ids is made.
    """

    def __init__(
        self,
        deployment: Deployment,
        settings: LiveSettings,
        *,
        metrics: ExchangeMetrics,
        log: GuardrailLog,
        clock: Clock,
        run_id: str,
    ) -> None:
        self._deployment = deployment
        self._settings = settings
        self._metrics = metrics
        self._log = log
        self._clock = clock
        self._prefix = f"kg{run_id[:8]}"
        self._queues: dict[str, IOQueue] = {}
        self._watches: dict[str, ExchangeWatch] = {}
        self._nonces: dict[str, NonceSource] = {}
        self._sessions: dict[tuple[str, str], Session] = {}
        self._rules: dict[tuple[str, str], dict[str, PairRules]] = {}
        self._feeds: dict[tuple[str, str], tuple[MarketFeed, Board]] = {}
        self._traders: list[Trader] = []
        self._late: list[str] = []
        self._resting = False
        self._looking = threading.Lock()
        self._looked_s: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for queue in self._queues.values():
            queue.close()
        for session in self._sessions.values():
            session.close()

    def enlist(self, plan: EntrypointPlan, findings: Findings) -> None:
        """Connect an entrypoint and have the exchange confirm its key, rights and pairs.

        It takes part in the run if nothing was found to be wrong.
        """
        before = len(findings.errors)
        session = self._session(plan, findings)
        if session is None:
            return
        key = _key(plan)
        if key not in self._rules and validate_account(session, findings):
            self._rules[key] = pair_rules(session, findings)
        if len(findings.errors) > before or key not in self._rules:
            return
        board = self._board(key, session)
        prefix = f"{self._prefix}{len(self._traders):02d}"
        trader = Trader(plan, session, self._rules[key], board, prefix=prefix, guardrails=self._log, clock=self._clock)
        self._traders.append(trader)

    def accepted(self, plan: EntrypointPlan) -> bool:
        """Whether the exchange accepted the entrypoint's key."""
        return _key(plan) in self._rules

    def start(self) -> None:
        """Let the market data flow and the traders get ready."""
        for feed, _ in self._feeds.values():
            feed.start()
        for trader in self._traders:
            trader.start()

    def trade(self) -> None:
        """Let the traders place orders."""
        for trader in self._traders:
            trader.trade()

    def stop(self) -> None:
        """End the market data, have every trader leave nothing behind, and wait for them."""
        for feed, _ in self._feeds.values():
            feed.stop()
        for trader in self._traders:
            trader.stop()
        until_s = self._clock.monotonic() + _END_S
        for trader in self._traders:
            if not trader.join(max(0.0, until_s - self._clock.monotonic())):
                self._late.append(f"{trader.plan.name}: did not settle its orders within {_END_S:.0f} s")
        for feed, _ in self._feeds.values():
            if not feed.join(max(0.0, until_s - self._clock.monotonic())):
                self._late.append(f"market data did not end within {_END_S:.0f} s")

    def rest(self) -> None:
        """The run is over and its metrics are still read: from now on each reading looks at the exchange."""
        self._resting = True

    def look_again(self) -> None:
        """While the crew rests, have the health gauge say how the exchange is now and not how it was."""
        if not self._resting:
            return
        with self._looking:
            now_s = self._clock.monotonic()
            if self._looked_s is not None and now_s - self._looked_s < _SIGHT_S:
                return
            lookers = [threading.Thread(target=_look, args=(each,), daemon=True) for each in self._sessions.values()]
            for looker in lookers:
                looker.start()
            for looker, session in zip(lookers, self._sessions.values(), strict=True):
                looker.join(_LOOK_S)
                if looker.is_alive():
                    session.watch.on_silence()
            self._looked_s = self._clock.monotonic()

    def names(self) -> list[str]:
        """The entrypoints that took part."""
        return [trader.plan.name for trader in self._traders]

    def order_prefixes(self) -> dict[str, str]:
        """With what the client order ids of each entrypoint begin: an exchange's books show by it who traded."""
        return {trader.plan.name: trader.prefix for trader in self._traders}

    def decisions(self) -> int:
        """Decisions that all strategies took."""
        return sum(trader.decisions for trader in self._traders)

    def expects_a_fill(self) -> bool:
        """Whether an entrypoint still waits for its first fill, as on a slow machine."""
        return any(trader.expects_a_fill for trader in self._traders)

    def order_counts(self) -> dict[str, int]:
        """What became of all orders of the run."""
        counts: dict[str, int] = {}
        for trader in self._traders:
            for name, count in trader.orders.counts().items():
                counts[name] = counts.get(name, 0) + count
        return counts

    def errors(self) -> list[str]:
        """What could not be done or settled."""
        feeds = [error for feed, _ in self._feeds.values() for error in feed.errors]
        return [*(error for trader in self._traders for error in trader.errors), *dict.fromkeys(feeds), *self._late]

    def notes(self) -> list[str]:
        """What calls failed with, and who placed no order, and why."""
        idle = [
            f"the entrypoint {trader.plan.name} placed no order: {trader.last_reason}"
            for trader in self._traders
            if not trader.orders.sent
        ]
        return [*(text for session in self._sessions.values() for text in session.troubles()), *idle]

    def queue_figures(self) -> dict[str, dict[str, int]]:
        """`io_queue` of the report: each queue's limits and what it observed."""
        return {
            name: {
                "max_concurrency": queue.limits.max_concurrency,
                "burst": queue.limits.burst,
                "observed_concurrency_max": queue.observed_concurrency_max,
                "observed_burst_max": queue.observed_burst_max,
            }
            for name, queue in sorted(self._queues.items())
        }

    def _session(self, plan: EntrypointPlan, findings: Findings) -> Session | None:
        """The session of the entrypoint's key and queue; made when it is first asked for."""
        key = _key(plan)
        if key in self._sessions:
            return self._sessions[key]
        credentials = findings.read(lambda: self._deployment.secrets.credentials(plan.account.keychain_key))
        endpoint = findings.read(lambda: _sandbox(self._settings))
        if credentials is None or endpoint is None:
            return None
        label = plan.account.exchange
        watch = self._watches.setdefault(label, ExchangeWatch(label, self._metrics))
        try:
            session = Session(
                plan.account,
                credentials,
                endpoint=endpoint,
                settings=self._settings,
                queue=self._queue(plan),
                nonces=self._nonces.setdefault(plan.account.keychain_key, nonces_of(credentials.api_key, self._clock)),
                watch=watch,
                clock=self._clock,
            )
        except (Fault, ValueError, KrakenError) as error:
            findings.errors.append(str(error))
            return None
        self._sessions[key] = session
        return session

    def _queue(self, plan: EntrypointPlan) -> IOQueue:
        if plan.queue not in self._queues:
            self._queues[plan.queue] = IOQueue(
                plan.queue,
                plan.queue_limits,
                clock=self._clock,
                guardrails=self._log,
                timeouts=(TimeoutError, httpx.TimeoutException),
            )
        return self._queues[plan.queue]

    def _board(self, key: tuple[str, str], session: Session) -> Board:
        if key not in self._feeds:
            board = Board()
            self._feeds[key] = MarketFeed(session, session.account.symbols, board, self._clock), board
        return self._feeds[key][1]


def _key(plan: EntrypointPlan) -> tuple[str, str]:
    """Entrypoints with one environment and one queue share a session."""
    return plan.account.environment, plan.queue


def _sandbox(settings: LiveSettings) -> Endpoint:
    """Where the exchange is; a paper run never talks to production.

    Raises:
        Fault: the variables do not lead to a sandbox.
    """
    endpoint = settings.endpoint
    if endpoint.mode != "sandbox":
        raise Fault(
            f"{endpoint.reason}: expected a sandbox for --mode paper, found {endpoint.mode}. "
            "Next: set KRAKEN_USE_SANDBOX=true and KRAKEN_BASE_URL to the sandbox's URL."
        )
    return endpoint


def _look(session: Session) -> None:
    try:
        session.watch.on_status(session.client.system_status().status == "online")
        session.client.get_account_balance()
    except KrakenError as error:
        # Counted by the watch; a look that fails after all its attempts is a sick exchange, however few they were.
        session.trouble(error)
        session.watch.on_silence()
