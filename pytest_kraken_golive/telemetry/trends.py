"""Success and latency per exchange over time, from `events.jsonl`.

With the `duckdb` package (extra `dashboard`) a file of a gigabyte takes two or three seconds on two cores; without it
the file is streamed line by line, which gives the same figures and takes ten times as long or more. Lines that are no
events are counted; a strict reading, with doubled keys and the order of time, is what `read_events` is for.
"""

from __future__ import annotations

import importlib.util
import json
import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..contract import Fault, NotProven
from .events import MAX_LINE_BYTES, EventType, parse_event
from .percentiles import nearest_rank
from .trading_metrics import JUDGED, rate

Engine = Literal["duckdb", "stream"]

Stretch = tuple[str, float]
"""An exchange, and the epoch second at which a bucket starts."""

INSTALL = "pip install 'pytest-kraken-golive[dashboard]'"
"""What makes it fast."""

_SQL = """
WITH tokens AS (
    SELECT CAST(type AS VARCHAR) AS type, CAST(payload.exchange AS VARCHAR) AS exchange,
        payload IS NOT NULL AS is_event, TRY_CAST(CAST(ts AS VARCHAR) AS DOUBLE) AS ts,
        TRY_CAST(CAST(payload.latency_s AS VARCHAR) AS DOUBLE) AS latency_s
    FROM read_ndjson($path, ignore_errors = true,
        columns = {ts: 'JSON', type: 'JSON', payload: 'STRUCT(exchange JSON, latency_s JSON)'})
)
SELECT type, exchange, CASE WHEN is_event AND ts >= 0 AND ts < 'infinity'
        THEN CASE WHEN ts >= $since THEN floor(ts / $bucket_s) * $bucket_s ELSE -1 END END AS start,
    count(*), list(latency_s) FILTER (latency_s >= 0 AND latency_s < 'infinity')
FROM tokens GROUP BY ALL
"""
"""Texts and numbers stay what they are in the file, tokens of JSON: a number in quotes is none. To ask DuckDB for their
kinds (`json_type`) would parse each of them once more. What the tokens say is read in Python, once for each group.
There is no start where there is no event with a time, and -1 before `since`."""


@dataclass(frozen=True)
class Bucket:
    """One exchange in one stretch of time."""

    exchange: str
    """Its name."""
    start: float
    """Epoch seconds."""
    attempts: int
    """To place an order."""
    accepted: int
    """Of these, by the exchange."""
    ended: int
    """Orders that were filled, rejected, timed out or failed."""
    filled: int
    """Of these, filled."""
    p50_s: float | None
    """Latency of accepted orders, nearest rank; None without any."""
    p95_s: float | None
    """The same."""

    @property
    def accept_rate(self) -> float | None:
        """Accepted of attempts, 0 to 1; None without attempts."""
        return rate(self.accepted, self.attempts)

    @property
    def success_rate(self) -> float | None:
        """Filled of ended, 0 to 1; None where none ended."""
        return rate(self.filled, self.ended)


@dataclass
class Sums:
    """What is counted of one exchange in one stretch of time; those of two stretches can be added."""

    attempts: int = 0
    accepted: int = 0
    ended: int = 0
    filled: int = 0
    latencies: array[float] = field(default_factory=lambda: array("d"))
    """Seconds, of accepted orders, in any order."""

    def add(self, other: Sums) -> None:
        """Count another stretch in."""
        self.attempts += other.attempts
        self.accepted += other.accepted
        self.ended += other.ended
        self.filled += other.filled
        self.latencies += other.latencies


@dataclass(frozen=True)
class Trends:
    """All buckets that hold something, by exchange and time."""

    buckets: tuple[Bucket, ...]
    """In order; a stretch without events has none."""
    unread_lines: int
    """Lines that are no event, torn ones included, and events of orders that lack what is counted."""
    engine: Engine
    """What read the file."""


def best_engine() -> Engine:
    """`duckdb` if it is installed, else `stream`."""
    return "duckdb" if importlib.util.find_spec("duckdb") else "stream"


def trends(path: Path, shown: str, *, bucket_s: float, since: float = 0.0, engine: Engine | None = None) -> Trends:
    """The trends of a file.

    Args:
        path: the file of events.
        shown: how messages call it.
        bucket_s: width of a bucket in seconds.
        since: epoch seconds; what is older is left out.
        engine: by default the fastest that is there.

    Raises:
        NotProven: the file is absent or holds no order; or `duckdb` is asked for and not installed.
        Fault: it cannot be read.
        ValueError: `bucket_s` is not positive and finite.
    """
    if not 0 < bucket_s < math.inf:
        raise ValueError(f"bucket_s: expected a positive number of seconds, found {bucket_s!r}")
    if not path.is_file():
        raise NotProven(f"{shown}: expected the event log, found no file. Next: let the bot run.")
    chosen = engine or best_engine()
    sums, unread = count(path, shown, bucket_s=bucket_s, since=since, engine=chosen)
    return as_trends(sums, unread, shown, chosen)


def count(path: Path, shown: str, *, bucket_s: float, since: float, engine: Engine) -> tuple[dict[Stretch, Sums], int]:
    """What a file holds, by exchange and start of the bucket, and how many lines are none that could be read.

    Arguments and errors as with `trends`, but a file without orders is no error.
    """
    return (_by_duckdb if engine == "duckdb" else _by_stream)(path, shown, bucket_s, since)


def as_trends(sums: Mapping[Stretch, Sums], unread: int, shown: str, engine: Engine) -> Trends:
    """The trends of what was counted.

    Raises:
        NotProven: that is nothing.
    """
    if not sums:
        raise NotProven(
            f"{shown}: expected events of orders, found none ({unread} lines are no events that could be read). "
            "Next: let the bot trade, or ask for an earlier time."
        )
    return Trends(tuple(_bucket(*stretch, one) for stretch, one in sorted(sums.items())), unread, engine)


def _by_duckdb(path: Path, shown: str, bucket_s: float, since: float) -> tuple[dict[Stretch, Sums], int]:
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise NotProven(f"{shown}: expected the package duckdb, found none. Next: {INSTALL}.") from error
    offline: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    values = {"path": _literal(path), "bucket_s": bucket_s, "since": since}
    try:
        with duckdb.connect(config=offline) as connection:
            found = connection.execute(_SQL, values).fetchall()
    except duckdb.Error as error:
        raise Fault(
            f"{shown}: expected lines of JSON, found what cannot be read: {error}. Next: look at it."
        ) from error
    sums: defaultdict[Stretch, Sums] = defaultdict(Sums)
    unread = 0
    for type_token, exchange_token, start, lines, latencies in found:
        type, exchange = _name(type_token), _name(exchange_token)
        accepted, ended = type == EventType.ORDER_SUBMITTED, type in JUDGED
        if start is None or not type:
            unread += lines
            continue
        if not accepted and not ended:
            continue
        told = len(latencies or ()) if accepted else lines
        told = told if exchange else 0
        unread += lines - told
        if told and start >= 0:
            attempts = told if accepted or type == EventType.ORDER_REJECTED else 0
            filled = told if type == EventType.ORDER_FILL else 0
            one = Sums(attempts, told * accepted, told * ended, filled, array("d", latencies if accepted else ()))
            sums[exchange, start].add(one)  # one name may be written in several ways
    return dict(sums), unread


def _name(token: str | None) -> str:
    """The text that a token of JSON stands for; empty if it is none."""
    return json.loads(token) if token is not None and token.startswith('"') else ""


def _literal(path: Path) -> str:
    """The path for DuckDB, which takes `*`, `?` and `[` for patterns."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def _by_stream(path: Path, shown: str, bucket_s: float, since: float) -> tuple[dict[Stretch, Sums], int]:
    sums: defaultdict[Stretch, Sums] = defaultdict(Sums)
    unread = 0
    for data in _lines(path):
        try:
            event = parse_event(data, shown)
            accepted, ended = event.type == EventType.ORDER_SUBMITTED, event.type in JUDGED
            if not accepted and not ended:
                continue
            exchange = event.text("exchange")
            latency = event.seconds("latency_s") if accepted else 0.0
        except (Fault, NotProven):
            unread += 1
            continue
        if event.ts < since:
            continue
        one = sums[exchange, float(math.floor(event.ts / bucket_s) * bucket_s)]
        one.attempts += accepted or event.type == EventType.ORDER_REJECTED
        one.accepted += accepted
        one.ended += ended
        one.filled += event.type == EventType.ORDER_FILL
        if accepted:
            one.latencies.append(latency)
    return dict(sums), unread


def _lines(path: Path) -> Iterator[bytes]:
    """Lines that are not blank; a longer one than any event comes in pieces, each of which is no event."""
    with path.open("rb") as file:
        while data := file.readline(MAX_LINE_BYTES):
            if not data.isspace():
                yield data


def _bucket(exchange: str, start: float, sums: Sums) -> Bucket:
    ordered = sorted(sums.latencies)
    p50, p95 = (ordered[nearest_rank(len(ordered), percent) - 1] if ordered else None for percent in (50, 95))
    return Bucket(exchange, start, sums.attempts, sums.accepted, sums.ended, sums.filled, p50, p95)
