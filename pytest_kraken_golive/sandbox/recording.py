"""Recorded prices: candles or trades as Kraken gives them, read into a course that a pair's mid can follow.

JSON is the answer of OHLC or Trades. CSV is a file of Kraken's downloadable history: `time,open,high,low,close,
volume,trades` or `time,price,volume`, without a header, its pair in the file's name (`XBTUSD_60.csv`, `XBTUSD.csv`).
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import Any

_CANDLE_CELLS = {".json": 8, ".csv": 7}
_TRADE_CELLS = {".json": (6, 7), ".csv": (3,)}
_FILE_NAME = re.compile(r"([A-Za-z0-9.]+?)(_[0-9]+)?")
_LONE_CANDLE_S = 60.0
_SECONDS_BELOW = 10**11
"""Year 5138; whatever is larger counts something smaller than seconds."""
_MOST = Decimal(10**15)

Point = tuple[float, Decimal]
"""Unix time in seconds, and price."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The course of one pair's price; between its points the price goes in a straight line."""

    pair: str
    """Name of the pair, in any form that the exchange takes."""
    source: str
    """File it came from, for messages."""
    times_s: tuple[float, ...]
    """Seconds since the first point; never falling."""
    prices: tuple[Decimal, ...]
    """Price at each point, above 0."""

    @property
    def lowest(self) -> Decimal:
        """Lowest price."""
        return min(self.prices)

    def course(self) -> Course:
        """The recording as the market follows it."""
        return Course(self.times_s, tuple(map(float, self.prices)))


class Course:
    """A price for every moment, from points in time."""

    __slots__ = ("_prices", "_times_s")

    def __init__(self, times_s: Sequence[float], prices: Sequence[float]) -> None:
        self._times_s = times_s
        self._prices = prices

    def at(self, seconds: float) -> float:
        """The price so many seconds after the first point; before the first and after the last it stands still."""
        after = bisect_right(self._times_s, seconds)
        if after in {0, len(self._times_s)}:
            return self._prices[max(0, after - 1)]
        (begin, end), (left, right) = self._times_s[after - 1 : after + 1], self._prices[after - 1 : after + 1]
        return left + (right - left) * ((seconds - begin) / (end - begin))

    def bounds(self, first_s: float, last_s: float) -> tuple[float, float]:
        """Lowest and highest price of a span of time, or a little beyond them."""
        low = max(0, bisect_right(self._times_s, first_s) - 1)
        reached = self._prices[low : bisect_left(self._times_s, last_s) + 1] or self._prices[-1:]
        return min(reached), max(reached)


def pair_and_path(text: str) -> tuple[Path, str | None]:
    """The file and, if it is named, the pair of `[PAIR=]FILE`."""
    pair, sign, path = text.partition("=")
    return (Path(path), pair) if sign and re.fullmatch(r"[A-Za-z0-9./]+", pair) else (Path(text), None)


def read_recording(path: Path, pair: str | None = None) -> Recording:
    """Read a file of candles or trades.

    Args:
        path: `.json` or `.csv` file.
        pair: whose prices they are; by default the one that the file names.

    Raises:
        ValueError: the file is missing, unreadable or not such a file; the message names file, row, what was expected
            and found, and what to do.
    """
    kind = path.suffix.lower()
    if kind not in _CANDLE_CELLS:
        raise _wrong(path, "expected a file that ends in .json or .csv")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong(path, "it is not UTF-8 text") from None
    except OSError as error:
        raise _wrong(path, f"it cannot be read ({error.strerror})") from None
    named, rows = _json_rows(path, text) if kind == ".json" else _csv_rows(path, text)
    points = list(_points(path, kind, rows))
    start_s = points[0][0]
    times_s = tuple(at - start_s for at, _ in points)
    return Recording(pair or named, str(path), times_s, tuple(price for _, price in points))


def _wrong(path: Path, what: str) -> ValueError:
    return ValueError(
        f"prices {path}: {what}. Next: give an answer of OHLC or Trades as .json, or Kraken's history CSV"
    )


def _json_rows(path: Path, text: str) -> tuple[str, list[Any]]:
    try:
        # Numbers stay text: a price never becomes a binary fraction on its way.
        answer = json.loads(text, parse_float=str, parse_int=str)
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"it is not JSON ({error})") from None
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict):
        raise _wrong(path, "expected an object with `result`")
    pairs = {name: rows for name, rows in result.items() if name != "last"}
    if len(pairs) != 1:
        raise _wrong(path, f"expected one pair in `result`, found {', '.join(pairs) or 'none'}")
    ((name, rows),) = pairs.items()
    if not isinstance(rows, list):
        raise _wrong(path, f"expected a list of rows under {name}")
    return name, rows


def _csv_rows(path: Path, text: str) -> tuple[str, list[Any]]:
    try:
        rows = [row for row in csv.reader(text.splitlines(), strict=True) if row]
    except csv.Error as error:
        raise _wrong(path, f"it is not CSV ({error})") from None
    named = _FILE_NAME.fullmatch(path.stem)
    return (path.stem if named is None else named[1].upper()), rows


def _points(path: Path, kind: str, rows: list[Any]) -> Iterator[Point]:
    if not rows:
        raise _wrong(path, "it has no rows")
    cells = len(rows[0]) if isinstance(rows[0], list) else 0
    if cells != _CANDLE_CELLS[kind] and cells not in _TRADE_CELLS[kind]:
        wanted = f"{_CANDLE_CELLS[kind]} (candles) or {' or '.join(map(str, _TRADE_CELLS[kind]))} (trades)"
        raise _wrong(path, f"row 1: expected {wanted} cells, found {cells or rows[0]!r}")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, list) or len(row) != cells:
            raise _wrong(path, f"row {number}: expected {cells} cells as in row 1, found {row!r}")
    if cells == _CANDLE_CELLS[kind]:
        return _candle_points(path, rows)
    return _trade_points(path, rows, price_first=kind == ".json")


def _seconds(path: Path, number: int, cell: object) -> float:
    value = _number(path, number, "time", cell)
    if value >= _SECONDS_BELOW:
        raise _wrong(path, f"row {number}: time: expected Unix seconds, found {cell!r}; milliseconds?")
    return float(value)


def _number(path: Path, number: int, name: str, cell: object) -> Decimal:
    try:
        value = Decimal(str(cell))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise _wrong(path, f"row {number}: {name}: expected a number, found {cell!r}")
    if not 0 < value < _MOST:
        raise _wrong(path, f"row {number}: {name}: expected a number above 0 and below {_MOST:.0e}, found {cell!r}")
    return value


def _trade_points(path: Path, rows: list[list[Any]], *, price_first: bool) -> Iterator[Point]:
    before = 0.0
    for number, row in enumerate(rows, 1):
        price, at = (row[0], row[2]) if price_first else (row[1], row[0])
        seconds = _seconds(path, number, at)
        if seconds < before:
            raise _wrong(path, f"row {number}: expected a time not before that of the last row, found {at}")
        before = seconds
        yield seconds, _number(path, number, "price", price)


def _candle_points(path: Path, rows: list[list[Any]]) -> Iterator[Point]:
    """Four points a candle: it opens, touches one end, then the other, and closes; the end near the close last."""
    starts = [_seconds(path, number, row[0]) for number, row in enumerate(rows, 1)]
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    for number, gap in enumerate(gaps, 2):
        if gap <= 0:
            raise _wrong(path, f"row {number}: expected a time after that of the last row, found {rows[number - 1][0]}")
    length_s = min(gaps, default=_LONE_CANDLE_S)
    for number, (start_s, row) in enumerate(zip(starts, rows, strict=True), 1):
        names = ("open", "high", "low", "close")
        first, high, low, last = (_number(path, number, name, row[place]) for place, name in enumerate(names, 1))
        if not low <= min(first, last) <= max(first, last) <= high:
            raise _wrong(path, f"row {number}: expected low <= open, close <= high, found {row[1:5]}")
        ends = (low, high) if last >= first else (high, low)
        yield from zip(
            (start_s, start_s + length_s / 4, start_s + length_s * 3 / 4, start_s + length_s),
            (first, *ends, last),
            strict=True,
        )
