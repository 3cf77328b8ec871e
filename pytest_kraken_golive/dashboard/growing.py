"""Trends of an event log that grows: each byte is read once, however often the page is drawn."""

from __future__ import annotations

import functools
import math
import os
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..clock import Clock, SystemClock
from ..contract import Fault, NotProven
from ..telemetry.trends import Engine, Stretch, Sums, Trends, as_trends, best_engine, count

FINEST_S = 60.0
"""Width of the stretches that are kept; wider ones are put together from them."""

CHUNK_BYTES = 32 * 1024 * 1024
"""What is read at once."""

_SMALL_BYTES = 256 * 1024
"""So little is parsed faster than DuckDB starts."""

_MARK_BYTES = 4096
"""How much of what was read last is compared, to see that the file has only grown."""

_WIDTHS_S = (FINEST_S, 300.0, 900.0, 3600.0, 6 * 3600.0, 86_400.0, 7 * 86_400.0)
_MOST_POINTS = 60


@dataclass(frozen=True)
class Reading:
    """How far a file has been read."""

    done: int
    """Bytes."""
    size: int
    """Bytes of the file, its last line included if that is not whole yet."""

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.done / self.size if self.size else 1.0


class GrowingTrends:
    """What the event log says so far. Several threads may use it.

    A file that is replaced, cut or written anew is read from its beginning. A last line without its end waits.

    Args:
        path: the file; it need not exist yet.
        shown: how messages call it.
        engine: by default the fastest that is there.
        chunk_bytes: what is read at once; a longer line is none.
    """

    def __init__(self, path: Path, shown: str, *, engine: Engine | None = None, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._path = path
        self._shown = shown
        self._engine: Engine = engine or best_engine()
        self._chunk_bytes = chunk_bytes
        self._lock = threading.Lock()
        self._forget(None)

    def read_on(self, budget_s: float, clock: Clock | None = None) -> Reading:
        """Read what is new, one chunk at least, and for about so many seconds at most.

        Raises:
            NotProven: there is no such file.
            Fault: it cannot be read.
        """
        clock = clock or SystemClock()
        until = clock.monotonic() + budget_s
        with self._lock:
            try:
                with self._path.open("rb") as file:
                    self._look_again(file)
                    while self._read_chunk(file) and clock.monotonic() < until:
                        pass
                    return Reading(self._done, file.seek(0, 2))
            except FileNotFoundError as error:
                self._forget(None)
                raise NotProven(
                    f"{self._shown}: expected the event log, found no file. Next: let the bot run."
                ) from error
            except OSError as error:
                reason = error.strerror or str(error)
                raise Fault(
                    f"{self._shown}: expected a file that can be read, found: {reason}. Next: see why."
                ) from error

    def trends(self, since: float = 0.0) -> Trends:
        """The trends of what has been read, in stretches wide enough to be few.

        Args:
            since: epoch seconds; what is older is left out.

        Raises:
            NotProven: no order in that time.
        """
        with self._lock:
            chosen = {stretch: one for stretch, one in self._sums.items() if stretch[1] + FINEST_S > since}
            width = _width([start for _, start in chosen])
            wide: dict[Stretch, Sums] = {}
            for (exchange, start), one in chosen.items():
                wide.setdefault((exchange, math.floor(start / width) * width), Sums()).add(one)
            return as_trends(wide, self._unread, self._shown, self._engine)

    def _forget(self, identity: tuple[int, int] | None) -> None:
        self._identity = identity
        self._done = 0
        self._mark = b""
        self._in_long_line = False
        self._sums: dict[Stretch, Sums] = {}
        self._unread = 0

    def _look_again(self, file: BinaryIO) -> None:
        """Begin anew unless this is the file that was read, and what was read still stands in it."""
        about = _identity(file)
        file.seek(self._done - len(self._mark))
        if about != self._identity or file.read(len(self._mark)) != self._mark:
            self._forget(about)

    def _read_chunk(self, file: BinaryIO) -> bool:
        """Count the next whole lines; False if there are none yet."""
        file.seek(self._done)
        data = file.read(self._chunk_bytes)
        end = data.rfind(b"\n") + 1
        if not end:
            if len(data) < self._chunk_bytes:
                return False
            end, self._in_long_line = len(data), True  # its end comes later; all of it is one line that is no event
        elif self._in_long_line:
            end, self._in_long_line = data.find(b"\n") + 1, False
            self._unread += 1
        else:
            self._count(data[:end])
        self._done += end
        self._mark = data[max(0, end - _MARK_BYTES) : end]
        return True

    def _count(self, lines: bytes) -> None:
        engine: Engine = "stream" if len(lines) <= _SMALL_BYTES else self._engine
        with tempfile.TemporaryDirectory(prefix="events-") as folder:
            part = Path(folder) / "events.jsonl"  # DuckDB reads files, and only from their beginning
            part.write_bytes(lines)
            try:
                sums, unread = count(part, self._shown, bucket_s=FINEST_S, since=0.0, engine=engine)
            except Fault:  # a line that DuckDB gives up at; the slow way steps over it
                sums, unread = count(part, self._shown, bucket_s=FINEST_S, since=0.0, engine="stream")
        self._unread += unread
        for stretch, one in sums.items():
            self._sums.setdefault(stretch, Sums()).add(one)


@functools.lru_cache(maxsize=4)
def growing(path: Path, shown: str) -> GrowingTrends:
    """The one that all visitors of the page share."""
    return GrowingTrends(path, shown)


def _identity(file: BinaryIO) -> tuple[int, int]:
    about = os.fstat(file.fileno())
    return about.st_dev, about.st_ino


def _width(starts: list[float]) -> float:
    """The narrowest that leaves few enough points."""
    span = max(starts, default=0.0) - min(starts, default=0.0)
    return next((width for width in _WIDTHS_S if span / width < _MOST_POINTS), _WIDTHS_S[-1])
