"""The matching engine's time: lets the invented market move, and orders meet it.

Time is settled when somebody looks: before a request is handled, everything that had to happen since the last one
happens in its order (orders that the market reached, starts and expiries, dead man's switches that ran out).
"""

from __future__ import annotations

import math
from decimal import Decimal

from ..clock import Clock
from .books import Book
from .desk import Desk
from .market import Market, Pair
from .prices import MOST_SPREAD, Prices
from .recording import Recording
from .settings import SandboxSettings
from .settlement import Witness


class Engine:
    """Books of all pairs, and the desk that serves their orders."""

    def __init__(self, settings: SandboxSettings, market: Market, witness: Witness, clock: Clock) -> None:
        self.step_s = settings.step_s
        self.seed = settings.seed
        self.step = self.step_of(clock.time())
        starts = {market.pair(name).id: price for name, price in settings.prices.items()}
        self.books: dict[str, Book] = {}
        for pair in market.pairs.values():
            prices = Prices(pair, settings.seed, starts.get(pair.id, pair.reference), settings.volatility)
            self.books[pair.id] = Book(pair, prices, self.step)
            if pair.id in starts:
                prices.set_mid(self.step, starts[pair.id], hold=settings.volatility == 0)
        self.desk = Desk(settings, self.books, witness, clock)
        self.offline = False
        """Whether the engine is down; what was due meanwhile happens when it returns."""

    def step_of(self, at: float) -> int:
        """The market's step at a Unix time."""
        return math.floor(at / self.step_s)

    def time_of(self, step: int) -> float:
        """Unix time at which a step begins."""
        return step * self.step_s

    def advance(self, now: float) -> None:
        """Let happen what had to happen until a Unix time."""
        while not self.offline and (timer := self.desk.timers.pop(now)) is not None:
            # What was due while the engine was down happens when it returns.
            missed = self.step_of(timer.at) < self.step
            self._advance_market(self.step_of(timer.at))
            timer.call(now if missed else timer.at)
        self._advance_market(self.step_of(now))

    def _advance_market(self, target: int) -> None:
        """Let the market reach orders, step by step over all pairs, and go to the target step."""
        if target <= self.step:
            return
        pending = {name: self._next_reached(book, self.step + 1, target) for name, book in self.books.items()}
        while hits := [(step, name) for name, step in pending.items() if step is not None]:
            step, name = min(hits)
            book = self.books[name]
            self._go_to(step)
            self.desk.settle(book, self.time_of(step))
            pending[name] = self._next_reached(book, step + 1, target)
        self._go_to(target)

    def _go_to(self, step: int) -> None:
        self.step = step
        for book in self.books.values():
            # A book that is there already keeps what was taken from it in this step.
            if book.step != step:
                book.move_to(step)

    @staticmethod
    def _next_reached(book: Book, low: int, high: int) -> int | None:
        """The first step at which the market may take a resting order or concern a waiting one."""
        if book.halted:
            return None
        falling, rising = book.triggers.bounds()
        # Trades and mids lie within the spread, and the search looks at its far side.
        buys = [book.best_resting("bids"), None if falling is None else falling + MOST_SPREAD]
        sells = [book.best_resting("asks"), None if rising is None else rising - MOST_SPREAD]
        buy_at = max((ticks for ticks in buys if ticks is not None), default=None)
        sell_at = min((ticks for ticks in sells if ticks is not None), default=None)
        if buy_at is None and sell_at is None:
            return None
        return book.prices.first_step(low, high, buy_at, sell_at)

    def set_price(self, pair: Pair, mid: Decimal, *, hold: bool) -> None:
        """Set the mid of a pair at the current step; `settle_prices` lets orders meet it."""
        book = self.books[pair.id]
        book.prices.set_mid(self.step, mid, hold=hold)
        book.move_to(self.step)

    def replay(self, pair: Pair, recording: Recording) -> None:
        """Let the mid of a pair follow a recording from the current step on."""
        book = self.books[pair.id]
        book.prices.follow(self.step, recording, self.step_s)
        book.move_to(self.step)

    def settle_prices(self, pair: Pair, now: float) -> None:
        """Let happen what the market now calls for: starts that waited, trades, triggers."""
        book = self.books[pair.id]
        if book.halted:
            return
        self.desk.start_delayed(book, now)
        self.desk.settle(book, now)
