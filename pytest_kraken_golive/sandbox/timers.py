"""What happens at a time of its own: starts and expiries of orders, dead man's switches."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple


class Timer(NamedTuple):
    """A call that is due."""

    at: float
    """Unix time in seconds."""
    number: int
    """Order of setting, among those of one time."""
    call: Callable[[float], None]
    """Takes the Unix time at which it happens. Finds out itself whether there is still something to do."""


class Timers:
    """Calls in the order of their times."""

    def __init__(self) -> None:
        self._heap: list[Timer] = []
        self._number = 0

    def set(self, at: float, call: Callable[[float], None]) -> None:
        """Let something happen at a Unix time."""
        self._number += 1
        heapq.heappush(self._heap, Timer(at, self._number, call))

    def pop(self, now: float) -> Timer | None:
        """Take out the earliest timer that is due."""
        return heapq.heappop(self._heap) if self._heap and self._heap[0].at <= now else None
