"""The I/O queue: how many calls are under way at once, and how many start in quick succession.

Both limits hold as the exchange sees them, not only as the bot sends them. A call arrives at some moment between its
start and its end here, so a burst slot that is given back one window after the call's *end* cannot be taken again
within one window of the call's *arrival*: whatever the network does to single calls, at most `burst` arrive within any
window.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pytest_kraken_golive.bot.guardrail import GuardrailSink, Severity
from pytest_kraken_golive.clock import Clock

T = TypeVar("T")

BURST_WINDOW_S = 0.1
"""Length of the window in which `burst` calls may start."""


class QueueClosedError(Exception):
    """The queue no longer takes tasks: the run is over."""


@dataclass(frozen=True)
class QueueLimits:
    """What a queue keeps to."""

    max_concurrency: int
    """Tasks under way at once; at least 1."""
    burst: int
    """Tasks that may start within one burst window; at least 1."""
    rate_limit_warning_s: float
    """A task that waited longer than this for its turn is logged."""
    timeout_warning_s: float
    """A timed-out task that took this long or longer is logged as an error, else as a warning."""

    def __post_init__(self) -> None:
        """Refuse limits under which nothing could run.

        Raises:
            ValueError: a limit is below 1; the message names it.
        """
        for name in ("max_concurrency", "burst"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name}: expected 1 or more, found {value}")


class IOQueue:
    """Lets tasks through first come, first served, within its limits.

    A task runs on the thread that brings it. The queue measures itself: `observed_concurrency_max` is the largest
    number of tasks under way at once, `observed_burst_max` the largest number that started within a half-open window
    `[t, t + burst_window_s)`.

    Args:
        name: the queue's name in `io_queue.exchanges`.
        limits: what it keeps to.
        clock: measures and waits.
        guardrails: told about long waits and time-outs.
        burst_window_s: length of the burst window.
        timeouts: exceptions that mean that a task timed out.
    """

    def __init__(
        self,
        name: str,
        limits: QueueLimits,
        *,
        clock: Clock,
        guardrails: GuardrailSink,
        burst_window_s: float = BURST_WINDOW_S,
        timeouts: tuple[type[BaseException], ...] = (TimeoutError,),
    ) -> None:
        self.name = name
        self.limits = limits
        self.observed_concurrency_max = 0
        self.observed_burst_max = 0
        self.tasks_total = 0
        self._clock = clock
        self._guardrails = guardrails
        self._window_s = burst_window_s
        self._timeouts = timeouts
        self._changed = threading.Condition()
        self._line: deque[object] = deque()
        self._in_flight = 0
        self._cooling: deque[float] = deque()
        """Moments at which the burst slots of finished tasks come back, earliest first."""
        self._starts: deque[float] = deque()
        self._wait_streak = 0
        self._timeout_streak = 0
        self._closed = False

    def run(self, task: Callable[[], T]) -> T:
        """Wait for a turn, run the task, and give back what it gives.

        Raises:
            QueueClosedError: the queue was closed before the task's turn.
            Exception: whatever the task raises; a time-out is logged on the way.
        """
        self._enter()
        started = self._clock.monotonic()
        try:
            result = task()
        except self._timeouts as error:
            self._leave()
            self._note_timeout(self._clock.monotonic() - started, type(error).__name__)
            raise
        except BaseException:
            self._leave()
            raise
        self._leave()
        with self._changed:
            self._timeout_streak = 0
        return result

    def close(self) -> None:
        """Turn away all tasks that have not started; those under way finish."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _enter(self) -> None:
        came = self._clock.monotonic()
        ticket = object()
        with self._changed:
            self._line.append(ticket)
            try:
                self._wait_for_turn(ticket)
                self._note_start()
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()
            waited_s = self._clock.monotonic() - came
            too_long = waited_s > self.limits.rate_limit_warning_s
            self._wait_streak = self._wait_streak + 1 if too_long else 0
            streak = self._wait_streak
        if too_long:
            self._guardrails.rate_limit(self.name, waited_s, streak)

    def _wait_for_turn(self, ticket: object) -> None:
        """Return when the ticket is first in line and both limits allow a start; the lock is held on return."""
        while True:
            if self._closed:
                raise QueueClosedError(f"the I/O queue {self.name} is closed")
            if self._line[0] is ticket and self._in_flight < self.limits.max_concurrency:
                cooling_s = self._until_slot_s()
                if cooling_s == 0:
                    return
                if cooling_s is not None:
                    # First in line and only time is in the way: no other event can let this task start earlier.
                    self._sleep_unlocked(cooling_s)
                    continue
            self._changed.wait()

    def _until_slot_s(self) -> float | None:
        """Seconds until a burst slot is free; 0 now; None when a task under way has to finish first."""
        now = self._clock.monotonic()
        while self._cooling and self._cooling[0] <= now:
            self._cooling.popleft()
        if self._in_flight + len(self._cooling) < self.limits.burst:
            return 0
        return self._cooling[0] - now if self._cooling else None

    def _sleep_unlocked(self, seconds: float) -> None:
        self._changed.release()
        try:
            self._clock.sleep(seconds)
        finally:
            self._changed.acquire()

    def _note_start(self) -> None:
        now = self._clock.monotonic()
        self._in_flight += 1
        self.tasks_total += 1
        self.observed_concurrency_max = max(self.observed_concurrency_max, self._in_flight)
        while self._starts and self._starts[0] <= now - self._window_s:
            self._starts.popleft()
        self._starts.append(now)
        self.observed_burst_max = max(self.observed_burst_max, len(self._starts))

    def _leave(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._cooling.append(self._clock.monotonic() + self._window_s)
            self._changed.notify_all()

    def _note_timeout(self, duration_s: float, exception: str) -> None:
        with self._changed:
            self._timeout_streak += 1
            streak = self._timeout_streak
        severity: Severity = "ERROR" if duration_s >= self.limits.timeout_warning_s else "WARNING"
        self._guardrails.timeout(self.name, duration_s, exception, streak, severity)
