"""Time as a dependency: what waits, paces or stamps takes a clock, so that tests run it in virtual time."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time. Both readings advance together."""

    def time(self) -> float:
        """Seconds since the Unix epoch, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds; zero or less returns at once."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Seconds since the Unix epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Really wait."""
        if seconds > 0:
            time.sleep(seconds)


class VirtualClock:
    """A clock that moves only when it is told to; sleeping moves it. Safe to share between threads."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self._start = start
        self._elapsed = 0.0
        self._lock = threading.Lock()

    def time(self) -> float:
        """Virtual seconds since the Unix epoch."""
        return self._start + self._elapsed

    def monotonic(self) -> float:
        """Virtual seconds since this clock was made."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Move the clock forward without waiting."""
        if seconds > 0:
            self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by that many seconds."""
        with self._lock:
            self._elapsed += seconds
