from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.bot.guardrail import Severity
from pytest_kraken_golive.bot.queue import IOQueue, QueueClosedError, QueueLimits
from pytest_kraken_golive.clock import Clock, SystemClock, VirtualClock

LIMITS = QueueLimits(max_concurrency=3, burst=6, rate_limit_warning_s=0.75, timeout_warning_s=10.0)


class Notes:
    def __init__(self) -> None:
        self.waits: list[tuple[str, float, int]] = []
        self.timeouts: list[tuple[str, float, str, int, Severity]] = []

    def rate_limit(self, queue: str, waited_s: float, streak: int) -> None:
        self.waits.append((queue, waited_s, streak))

    def timeout(self, queue: str, duration_s: float, exception: str, streak: int, severity: Severity) -> None:
        self.timeouts.append((queue, duration_s, exception, streak, severity))


def queue(clock: Clock, notes: Notes | None = None, limits: QueueLimits = LIMITS) -> IOQueue:
    return IOQueue("kraken_spot", limits, clock=clock, guardrails=notes or Notes())


def largest_burst(starts: list[float], window_s: float = 0.1) -> int:
    return max(sum(1 for at in starts if start <= at < start + window_s) for start in starts)


def fails(error: BaseException) -> Callable[[], None]:
    def task() -> None:
        raise error

    return task


def test_a_task_gives_back_its_result() -> None:
    assert queue(VirtualClock()).run(lambda: 42) == 42


def test_all_slots_are_busy_at_once_and_no_more() -> None:
    tested = queue(SystemClock())
    lock = threading.Lock()
    now = Counter[str]()
    together = threading.Barrier(3, timeout=60)

    def task() -> None:
        with lock:
            now["running"] += 1
            now["most"] = max(now["most"], now["running"])
        together.wait()
        with lock:
            now["running"] -= 1

    with ThreadPoolExecutor(9) as pool:
        for future in [pool.submit(tested.run, task) for _ in range(9)]:
            future.result()
    assert now["most"] == 3
    assert tested.observed_concurrency_max == 3
    assert tested.tasks_total == 9


def test_bursts_reach_their_limit_and_never_exceed_it() -> None:
    tested = queue(SystemClock())
    lock = threading.Lock()
    starts: list[float] = []

    def task() -> None:
        with lock:
            starts.append(SystemClock().monotonic())

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(tested.run, task) for _ in range(30)]:
            future.result()
    assert largest_burst(starts) == 6
    assert tested.observed_burst_max == 6


@given(
    durations=st.lists(st.floats(0, 0.5), min_size=1, max_size=40),
    burst=st.integers(1, 7),
    arrivals=st.lists(st.floats(0, 1), min_size=40, max_size=40),
)
def test_whenever_calls_arrive_within_their_task_the_burst_holds(
    durations: list[float], burst: int, arrivals: list[float]
) -> None:
    clock = VirtualClock()
    limits = QueueLimits(max_concurrency=3, burst=burst, rate_limit_warning_s=60, timeout_warning_s=60)
    tested = queue(clock, limits=limits)
    seen: list[float] = []

    def task(duration_s: float, part: float) -> Callable[[], None]:
        def call() -> None:
            seen.append(clock.monotonic() + duration_s * part)
            clock.advance(duration_s)

        return call

    for duration_s, part in zip(durations, arrivals, strict=False):
        tested.run(task(duration_s, part))
    # The window is a hair shorter than the queue's, because sums of floats are.
    assert largest_burst(seen, 0.1 - 1e-9) <= burst


def test_tasks_start_in_the_order_in_which_they_came() -> None:
    tested = queue(SystemClock(), limits=QueueLimits(1, 100, 60, 60))
    started: list[int] = []
    gate = threading.Event()
    waiting = [threading.Thread(target=tested.run, args=(gate.wait,))]
    waiting[0].start()
    for number in range(5):
        thread = threading.Thread(target=tested.run, args=(lambda number=number: started.append(number),))
        came_before = len(tested._line)
        thread.start()
        waiting.append(thread)
        while len(tested._line) == came_before:
            pass
    gate.set()
    for thread in waiting:
        thread.join()
    assert started == [0, 1, 2, 3, 4]


def test_long_waits_are_noted_with_their_streak() -> None:
    clock, notes = VirtualClock(), Notes()
    tested = IOQueue("kraken_spot", QueueLimits(1, 1, 0.75, 10), clock=clock, guardrails=notes, burst_window_s=0.9)
    for _ in range(3):
        tested.run(lambda: None)
    assert [(name, round(waited_s, 3), streak) for name, waited_s, streak in notes.waits] == [
        ("kraken_spot", 0.9, 1),
        ("kraken_spot", 0.9, 2),
    ]
    clock.advance(5)
    tested.run(lambda: None)
    tested.run(lambda: None)
    assert [streak for _, _, streak in notes.waits] == [1, 2, 1]


def test_short_waits_are_not_noted() -> None:
    notes = Notes()
    tested = queue(VirtualClock(), notes)
    for _ in range(20):
        tested.run(lambda: None)
    assert notes.waits == []


def test_timeouts_are_noted_passed_on_and_grow_to_errors() -> None:
    clock, notes = VirtualClock(), Notes()
    tested = queue(clock, notes)

    def late(seconds: float) -> None:
        clock.advance(seconds)
        raise TimeoutError("no answer")

    for seconds in (2.0, 12.0):
        with pytest.raises(TimeoutError, match="no answer"):
            tested.run(partial(late, seconds))
    tested.run(lambda: None)
    with pytest.raises(TimeoutError):
        tested.run(lambda: late(10.0))
    assert [(round(note[1], 3), *note[2:]) for note in notes.timeouts] == [
        (2.0, "TimeoutError", 1, "WARNING"),
        (12.0, "TimeoutError", 2, "ERROR"),
        (10.0, "TimeoutError", 1, "ERROR"),
    ]


def test_other_failures_give_their_slot_back_and_are_no_timeouts() -> None:
    notes = Notes()
    tested = queue(VirtualClock(), notes, QueueLimits(1, 100, 60, 60))
    for error in (ValueError("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            tested.run(fails(error))
    assert tested.run(lambda: "still open") == "still open"
    assert notes.timeouts == []


def test_a_closed_queue_turns_away_who_waits_and_who_comes() -> None:
    tested = queue(SystemClock(), limits=QueueLimits(1, 100, 60, 60))
    inside, gate = threading.Event(), threading.Event()
    refused: list[bool] = []

    def held() -> None:
        inside.set()
        gate.wait()

    def comes_late() -> None:
        with pytest.raises(QueueClosedError, match="kraken_spot"):
            tested.run(lambda: None)
        refused.append(True)

    holder = threading.Thread(target=tested.run, args=(held,))
    holder.start()
    inside.wait()
    waiter = threading.Thread(target=comes_late)
    waiter.start()
    tested.close()
    waiter.join()
    comes_late()
    gate.set()
    holder.join()
    assert refused == [True, True]


@settings(max_examples=20)
@given(st.sampled_from(["max_concurrency", "burst"]), st.integers(max_value=0))
def test_limits_below_one_are_refused_by_name(name: str, value: int) -> None:
    values = {"max_concurrency": 3, "burst": 6, name: value}
    with pytest.raises(ValueError, match=f"{name}: expected 1 or more, found {value}"):
        QueueLimits(**values, rate_limit_warning_s=1, timeout_warning_s=1)
