"""Trades one entrypoint's pairs: asks the strategy, places what it decides, watches it, and cleans up at the end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from pytest_kraken_golive.bot.guardrail import GuardrailLog
from pytest_kraken_golive.bot.ledger import OwnOrder, OwnOrders
from pytest_kraken_golive.bot.market_feed import Board
from pytest_kraken_golive.bot.plan import EntrypointPlan
from pytest_kraken_golive.bot.session import Session
from pytest_kraken_golive.bot.strategy import STRATEGIES, Book, Decision, MarketView, PairRules
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.catalogue import UNKNOWN_ORDER, is_about
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError, OrderNotPlaced, OrderOutcomeUnknown
from pytest_kraken_golive.kraken.orders import NewOrder

_TICK_S = 0.1
_WATCH_S = 1.0
_ATTEMPTS = 3
"""Refusals of one kind of order for one pair after which it is left alone."""

_DEADLINE_S = 3.0
"""Short, so that an order whose answer is lost is settled within the run's end (Kraken: 2 to 60 s)."""


class Trader:
    """One entrypoint at work, on a thread of its own.

    Args:
        plan: the entrypoint.
        session: its account.
        rules: the exchange's rules for its pairs.
        board: the market.
        prefix: with which its client order ids begin; at most 14 lower-case letters and digits.
        guardrails: told when the risk profile holds the strategy back.
        clock: stamps and waits.
    """

    def __init__(
        self,
        plan: EntrypointPlan,
        session: Session,
        rules: Mapping[str, PairRules],
        board: Board,
        *,
        prefix: str,
        guardrails: GuardrailLog,
        clock: Clock,
    ) -> None:
        self.plan = plan
        self.orders = OwnOrders()
        self.decisions = 0
        self.errors: list[str] = []
        self.last_reason = "it was never asked"
        self._session = session
        self._rules = rules
        self._board = board
        self.prefix = prefix
        self._ids: Iterator[str] = (f"{prefix}{number:04d}" for number in itertools.count(1))
        self._guardrails = guardrails
        self._clock = clock
        self._decide = STRATEGIES[plan.strategy]
        self._available: dict[str, Decimal] = {}
        self._refusals: dict[tuple[str, str], int] = {}
        self._held_back: set[tuple[str, str]] = set()
        self._open_for_trading = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"trader-{plan.name}", daemon=True)

    def start(self) -> None:
        """Get ready, and wait for `trade`."""
        self._thread.start()

    def trade(self) -> None:
        """The warm-up is over: orders may be placed."""
        self._open_for_trading.set()

    def stop(self) -> None:
        """Ask for the end: no new order, and what rests is cancelled."""
        self._ended.set()
        self._open_for_trading.set()

    @property
    def expects_a_fill(self) -> bool:
        """Whether its first fill may still come: nothing was filled yet, and nothing was refused."""
        return not self._refusals and not self.orders.counts()["orders_filled"]

    def join(self, timeout_s: float) -> bool:
        """Wait until everything is settled; False if it is not after that time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        """Read the balance, trade until the end is asked for, then leave nothing behind."""
        with self._noted("stopped trading"):
            self._prepare()
            self._open_for_trading.wait()
            self._trade_on()
        if self.orders.sent:
            with self._noted("could not clean up"):
                self._clean_up()

    def _prepare(self) -> None:
        balances = self._session.client.balance_ex()
        self._available = {asset: balance.available for asset, balance in balances.items()}

    def _trade_on(self) -> None:
        watched_s = self._clock.monotonic()
        while not self._ended.wait(_TICK_S):
            views = {symbol: self._board.view(symbol) for symbol in self.plan.account.symbols}
            known = {symbol: view for symbol, view in views.items() if view is not None}
            if not known:
                self.last_reason = f"no market data of {', '.join(views)}"
            for symbol, view in known.items():
                self._tick(symbol, view, {name: seen.mid for name, seen in known.items()})
            if self._clock.monotonic() - watched_s >= _WATCH_S:
                watched_s = self._clock.monotonic()
                self._watch()

    def _tick(self, symbol: str, view: MarketView, mids: Mapping[str, Decimal]) -> None:
        rules = self._rules[symbol]
        decision = self._decide(view, rules, self._book(symbol, rules, mids), self.plan.limits)
        self.decisions += 1
        self.last_reason = decision.reason
        if decision.rule is not None and (symbol, decision.rule) not in self._held_back:
            self._held_back.add((symbol, decision.rule))
            self._guardrails.compliance(decision.rule, "WARNING")
        if decision.kind != "hold":
            self._place(symbol, decision, view)

    def _place(self, symbol: str, decision: Decision, view: MarketView) -> None:
        order = NewOrder(
            pair=symbol,
            side=decision.side,
            ordertype=decision.kind if decision.kind != "hold" else "limit",
            volume=decision.volume,
            price=decision.price,
            post_only=decision.kind == "limit",
            cl_ord_id=next(self._ids),
            deadline_s=_DEADLINE_S,
        )
        own = OwnOrder(str(order.cl_ord_id), symbol, order.ordertype, order.side, decision.volume, view.mid)
        try:
            # What became of a lost one is found out at the end: the strategy does not wait for it.
            own.txid = self._session.client.place_order(order, find_out=False).txid
        except OrderOutcomeUnknown as error:
            own.unknown = error
            self._session.trouble(error)
        except KrakenError as error:
            # Refused, so it does not stand; the market may suit it better at the next tick.
            self._session.trouble(error)
            self._refusals[symbol, order.ordertype] = self._refusals.get((symbol, order.ordertype), 0) + 1
            return
        self.orders.add(own)

    def _book(self, symbol: str, rules: PairRules, mids: Mapping[str, Decimal]) -> Book:
        """What the strategy may know of itself; one pair takes, all of them rest an order."""
        return Book(
            equity=self._worth(rules.quote, mids),
            available=self._available,
            committed=self.orders.committed(),
            loss=self.orders.loss(mids),
            positions=len(self.orders.standing()),
            rests=self._done(symbol, "limit"),
            took=symbol != self.plan.account.symbols[0] or self._done(symbol, "market"),
        )

    def _done(self, symbol: str, kind: str) -> bool:
        return self.orders.has(symbol, kind) or self._refusals.get((symbol, kind), 0) >= _ATTEMPTS

    def _worth(self, quote: str, mids: Mapping[str, Decimal]) -> Decimal:
        """The starting balance's worth in the quote currency, as far as the traded pairs say it."""
        worth = self._available.get(quote, Decimal(0))
        for symbol, mid in mids.items():
            rules = self._rules[symbol]
            if rules.quote == quote:
                worth += self._available.get(rules.base, Decimal(0)) * mid
        return worth

    def _watch(self) -> None:
        """Read how the own orders are doing."""
        txids = self.orders.txids()
        if not txids:
            return
        try:
            for txid, info in self._session.client.query_orders(*txids).items():
                self.orders.update(txid, info)
        except KrakenError as error:
            self._session.trouble(error)

    def _clean_up(self) -> None:
        """Cancel what rests and find out about every order; what could not be settled is an error of the run."""
        for own in self.orders.unknown():
            with self._noted(f"could not look up order {own.cl_ord_id}"):
                self._settle(own)
        for txid in self._resting():
            self._cancel(txid)
        self._watch()
        for own in self.orders.unsettled():
            self.errors.append(f"{self.plan.name}: order {own.cl_ord_id} on {own.symbol} may still be open")

    def _resting(self) -> list[str]:
        """Ids of the own orders in the book; where the book cannot be read, of all that are not known to be gone."""
        try:
            resting = self._session.client.open_orders()
        except KrakenError as error:
            self._session.trouble(error)
            return self.orders.txids()
        return [txid for txid, info in resting.items() if (info.cl_ord_id or "").startswith(self.prefix)]

    def _cancel(self, txid: str) -> None:
        try:
            self._session.client.cancel_order(txid)
        except ExchangeError as error:
            # Filled or cancelled between the look and the call.
            if not any(is_about(text, UNKNOWN_ORDER) for text in error.errors):
                self._session.trouble(error)
        except KrakenError as error:
            self._session.trouble(error)

    @contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Keep what ends a part of the work as an error of the run; a thread has nobody else to tell it to."""
        try:
            yield
        except KrakenError as error:
            self._session.trouble(error)
            self.errors.append(f"{self.plan.name}: {what}: {error}")
        except Exception as error:
            self.errors.append(f"{self.plan.name}: {what}: {type(error).__name__}: {error}")

    def _settle(self, own: OwnOrder) -> None:
        """Find an order whose answer was lost."""
        if own.unknown is None:
            return
        try:
            own.txid = self._session.client.find_out(own.unknown).txid
        except OrderNotPlaced:
            own.status = "not_placed"
