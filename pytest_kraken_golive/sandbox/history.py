"""The market's past: candles, trades and quotes of the invented market, and the trades that clients made in it."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from .books import Book, trade_id_at
from .orders import ZERO

if TYPE_CHECKING:
    from .matching import Engine

_SAMPLES = 4
_KEPT_CANDLES = 20_000
_KEPT_TRADES = 10_000
_DAY_S = 86_400
_HOUR_S = 3_600


@dataclass(frozen=True, slots=True)
class Candle:
    """An interval of the market; prices in ticks."""

    start_s: int
    """Unix second at which it begins."""
    first: int
    """Price at its begin."""
    high: int
    """Highest price."""
    low: int
    """Lowest price."""
    last: int
    """Price at its end."""
    average: int
    """Volume-weighted average."""
    volume: Decimal
    """Volume in base units."""
    count: int
    """Number of trades."""


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """A trade as everybody sees it."""

    trade_id: int
    """Rises with time."""
    at: float
    """Unix time in seconds."""
    price: Decimal
    """Price in quote units."""
    volume: Decimal
    """Volume in base units."""
    side: str
    """The taker's: `buy` or `sell`."""
    ordertype: str
    """The taker's: `market` or `limit`."""


class History:
    """The past of all pairs. Candles show the invented market; clients' trades are too small to be seen in them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._candles: OrderedDict[tuple[str, int, int], Candle] = OrderedDict()
        self._trades: dict[tuple[str, int], PublicTrade] = {}

    def candle(self, book: Book, length_s: int, start_s: int, now: float) -> Candle:
        """The candle that begins at `start_s`; if it is not over, as far as it has come."""
        key = (book.pair.id, length_s, start_s)
        found = self._candles.get(key)
        if found is not None:
            return found
        end_s = start_s + length_s
        made = self._draw(book, length_s, start_s, min(float(end_s), now))
        if now >= end_s:
            self._candles[key] = made
            if len(self._candles) > _KEPT_CANDLES:
                self._candles.popitem(last=False)
        return made

    def forget(self, pair_id: str) -> None:
        """Drop what is kept of a pair whose price was set."""
        self._trades.clear()
        for key in [key for key in self._candles if key[0] == pair_id]:
            del self._candles[key]

    def _draw(self, book: Book, length_s: int, start_s: int, until: float) -> Candle:
        step_of = self._engine.step_of
        mids = []
        for index in range(_SAMPLES + 1):
            at = start_s + length_s * index / _SAMPLES
            mids.append(book.prices.mid(step_of(min(at, until))))
            if at >= until:
                break
        draw = random.Random(f"{self._engine.seed}/{book.pair.id}/{length_s}/{start_s}")  # noqa: S311 - reproducible
        part = max(0.0, until - start_s) / length_s
        count = int(draw.uniform(0.5, 1.5) * length_s * part) + 1
        lots = int(draw.uniform(0.5, 1.5) * 2_000 * length_s * part * 1e8 / float(book.price(mids[0]))) + 1
        volume = (Decimal(lots) / 10**8).quantize(Decimal("1e-8"))
        average = round(sum(mids) / len(mids))
        return Candle(start_s, mids[0], max(mids), min(mids), mids[-1], average, volume, count)

    def candles(self, book: Book, length_s: int, since_s: int, most: int, now: float) -> list[Candle]:
        """The candles that begin after `since_s`, oldest first; the latest `most`, the forming one always."""
        latest = int(now // length_s) * length_s
        earliest = max(latest - (most - 1) * length_s, (since_s // length_s + 1) * length_s if since_s else 0)
        starts = range(min(earliest, latest), latest + 1, length_s)
        return [self.candle(book, length_s, start, now) for start in starts]

    def _invented_trade(self, book: Book, step: int) -> PublicTrade:
        key = (book.pair.id, step)
        found = self._trades.get(key)
        if found is None:
            if len(self._trades) > _KEPT_TRADES:
                self._trades.clear()
            found = self._trades[key] = self._drawn_trade(book, step)
        return found

    def _drawn_trade(self, book: Book, step: int) -> PublicTrade:
        draw = random.Random(f"{self._engine.seed}/{book.pair.id}/{step}/trade")  # noqa: S311 - reproducible
        ticks, buys = book.invented_trade(step)
        price = book.price(ticks)
        volume = max(Decimal(1).scaleb(-8), round(Decimal(draw.uniform(10.0, 4_000.0)) / price, 8))
        # At the very begin of the step, so that no stop fires at a price that nobody has seen traded.
        at = self._engine.time_of(step)
        ordertype = "market" if draw.random() < 0.5 else "limit"  # noqa: PLR2004 - a fair coin
        return PublicTrade(trade_id_at(at), at, price, volume, "buy" if buys else "sell", ordertype)

    def _client_trades(self, book: Book, after_id: int) -> Iterator[PublicTrade]:
        seen = set()
        for fill in reversed(book.recent):
            if fill.trade_id <= after_id:
                return
            if fill.trade_id in seen:
                continue  # the other side of a trade between two clients
            seen.add(fill.trade_id)
            order = fill.order
            side, ordertype = order.side, "market" if order.price is None else "limit"
            if fill.maker:
                side, ordertype = ("sell" if side == "buy" else "buy"), "market"
            yield PublicTrade(fill.trade_id, fill.at, fill.price, fill.volume, side, ordertype)

    def trades(self, book: Book, after_id: int | None, most: int, now: float) -> list[PublicTrade]:
        """Trades by number: the first `most` after one (a moment's microsecond will do), or else the latest."""
        last_step = self._engine.step_of(now)
        if after_id is None:
            steps = range(last_step - most, last_step + 1)
            after_id = trade_id_at(self._engine.time_of(steps.start))
            part = slice(-most, None)
        else:
            first = self._engine.step_of(after_id / 1_000_000)
            steps = range(first, min(last_step, first + most + 1) + 1)
            part = slice(most)
        # Beyond the last step looked at, clients' trades would leave a gap behind them.
        beyond = self._engine.time_of(steps.stop)
        found = [self._invented_trade(book, step) for step in steps]
        found += self._client_trades(book, after_id)
        wanted = (trade for trade in found if trade.trade_id > after_id and trade.at <= now and trade.at < beyond)
        return sorted(wanted, key=lambda trade: trade.trade_id)[part]

    def last_trade(self, book: Book, now: float) -> PublicTrade:
        """The latest trade."""
        return self.trades(book, None, 2, now)[-1]

    def day(self, book: Book, now: float) -> tuple[list[Candle], list[Candle]]:
        """The hourly candles of today (UTC) and of the last 24 hours, forming one included."""
        last_day = self.candles(book, _HOUR_S, 0, 25, now)
        midnight = int(now // _DAY_S) * _DAY_S
        return [candle for candle in last_day if candle.start_s >= midnight], last_day


def volume_weighted(candles: list[Candle]) -> tuple[Decimal, Decimal]:
    """Sum of the volumes, and the average price in ticks weighted by them."""
    volume = sum((candle.volume for candle in candles), ZERO)
    return volume, sum((candle.average * candle.volume for candle in candles), ZERO) / volume
