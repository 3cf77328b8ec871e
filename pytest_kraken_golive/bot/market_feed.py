"""Market data: ticker, book, candles and trades of all pairs, read together in rounds.

A round's calls start at once, so that its data belong to one moment; how many really leave together is for the I/O
queue to say. That is also the load under which the queue shows that it keeps its limits.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from queue import SimpleQueue
from typing import Literal

from pytest_kraken_golive.bot.queue import BURST_WINDOW_S, QueueClosedError
from pytest_kraken_golive.bot.session import Session
from pytest_kraken_golive.bot.strategy import MarketView
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.errors import KrakenError

Topic = Literal["status", "ticker", "depth", "ohlc", "trades"]
Job = tuple[Topic, str]

_LEVELS = 10
_TRADES = 20
_CANDLES_S = 600
_PAUSE_S = BURST_WINDOW_S + 0.01
"""Between two rounds: long enough for every burst slot to come back, so that a round really starts at once."""

_MOST_READERS = 32
_LONGEST_ROUND_S = 1.0


@dataclass
class _Known:
    """The newest data of one pair; None until they have come."""

    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_depth: Decimal | None = None
    ask_depth: Decimal | None = None
    last_trade: Decimal | None = None
    last_close: Decimal | None = None


class Board:
    """The newest market data of all pairs; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}

    def put(self, symbol: str, **values: Decimal) -> None:
        """Keep newer values, by the field names of `MarketView`."""
        with self._lock:
            known = self._known.setdefault(symbol, _Known())
            for name, value in values.items():
                setattr(known, name, value)

    def view(self, symbol: str) -> MarketView | None:
        """What is known about the pair; None as long as anything of it is missing."""
        with self._lock:
            known = self._known.get(symbol)
            if known is None:
                return None
            bid, ask, bid_depth, ask_depth = known.bid, known.ask, known.bid_depth, known.ask_depth
            last_trade, last_close = known.last_trade, known.last_close
        if bid is None or ask is None or bid_depth is None or ask_depth is None:
            return None
        if last_trade is None or last_close is None:
            return None
        return MarketView(bid, ask, bid_depth, ask_depth, last_trade, last_close)


class MarketFeed:
    """Reads the market of a session's pairs with enough threads to fill its queue.

    Args:
        session: whose client and queue are used.
        symbols: pairs that are read.
        board: where the data go.
        clock: tells which candles are new.
    """

    def __init__(self, session: Session, symbols: Sequence[str], board: Board, clock: Clock) -> None:
        self.errors: list[str] = []
        self._session = session
        self._board = board
        self._clock = clock
        self._ended = threading.Event()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._left = threading.Semaphore(0)
        limits = session.queue.limits
        self._round = _round(symbols, limits.burst)
        readers = min(_MOST_READERS, max(2 * limits.max_concurrency, limits.burst))
        self._threads = [threading.Thread(target=self._lead, name="market-rounds", daemon=True)]
        self._threads += [
            threading.Thread(target=self._follow, name=f"market-{number}", daemon=True) for number in range(readers)
        ]

    def start(self) -> None:
        """Start reading."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask the threads to end after the call that each has under way."""
        self._ended.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the threads; False if some still run after that time."""
        until_s = self._clock.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until_s - self._clock.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _lead(self) -> None:
        """Hand out rounds, each when the one before is read, and as large as the client's limits let it be."""
        wanted = itertools.cycle(self._round)
        handed = 0
        while not self._ended.is_set():
            room = self._session.room_for_market_data(all_of_it=handed < len(self._round))
            jobs = list(itertools.islice(wanted, min(room, len(self._round))))
            handed += len(jobs)
            for job in jobs:
                self._jobs.put(job)
            for _ in jobs:
                # A call that hangs must not keep the others from being repeated; its end counts for a later round.
                self._left.acquire(timeout=_LONGEST_ROUND_S)
            self._ended.wait(_PAUSE_S)
        for _ in self._threads:
            self._jobs.put(None)

    def _follow(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if not self._ended.is_set():
                    self._read(*job)
            except QueueClosedError:
                pass  # the run is over, and with it the need for data
            except KrakenError as error:
                self._session.trouble(error)
            except Exception as error:  # a fault of ours, which a thread has nobody else to tell
                self.errors.append(f"market data: {type(error).__name__}: {error}")
            finally:
                self._left.release()

    def _read(self, topic: Topic, symbol: str) -> None:
        client, board = self._session.client, self._board
        if topic == "status":
            self._session.watch.on_status(client.system_status().status == "online")
        elif topic == "ticker":
            ticker = client.ticker(symbol)
            board.put(symbol, bid=ticker.bid.price, ask=ticker.ask.price)
        elif topic == "depth":
            depth = client.depth(symbol, _LEVELS)
            board.put(
                symbol,
                bid_depth=sum((level.volume for level in depth.bids), Decimal()),
                ask_depth=sum((level.volume for level in depth.asks), Decimal()),
            )
        elif topic == "trades":
            if trades := client.trades(symbol, count=_TRADES).trades:
                board.put(symbol, last_trade=trades[-1].price)
        # The last candle is still forming; the one before it is the newest that is final.
        elif candles := client.ohlc(symbol, since=int(self._clock.time()) - _CANDLES_S).candles:
            board.put(symbol, last_close=candles[-2:][0].close)


def _round(symbols: Sequence[str], at_least: int) -> list[Job]:
    """The jobs of a round: everything once, and so often that they can fill a burst."""
    topics: tuple[Topic, ...] = ("ticker", "depth", "trades", "ohlc")
    once: list[Job] = [("status", ""), *((topic, symbol) for symbol in symbols for topic in topics)]
    return list(itertools.islice(itertools.cycle(once), max(len(once), at_least)))
