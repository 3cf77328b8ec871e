"""How a run comes to its end: by the clock, by a signal, or because whoever started it is gone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType

_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")
"""SIGBREAK exists on Windows only: CTRL_BREAK is what a parent can send there."""


_SLICE_S = 0.1


class Ending:
    """Says that the run is to end, and why; the first reason stays."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the run is to end early; None while it is not."""
        return self._reason

    def ask(self, reason: str) -> None:
        """Ask for the end."""
        with self._lock:
            self._reason = self._reason or reason
        self._asked.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the end is asked for; False if the time is over first."""
        if timeout_s is not None:
            return self._asked.wait(timeout_s)
        while not self._asked.wait(_SLICE_S):  # on Windows a wait without end would not let signals through
            pass
        return True

    def watch_stdin(self) -> None:
        """Ask for the end when standard input reaches its end: its writer closed it or died."""
        threading.Thread(target=self._read_to_the_end, name="stdin", daemon=True).start()

    def _read_to_the_end(self) -> None:
        # os.read, because a thread that waits in sys.stdin.read holds a lock that makes the interpreter's exit fail.
        try:
            while os.read(0, 4096):
                pass
        except OSError:  # closed from the start, as for a service without standard input
            pass
        self.ask("standard input was closed")


@contextmanager
def signals_ask(ending: Ending) -> Iterator[None]:
    """Within the block a termination signal asks for the end; a second one ends the process as if nobody listened.

    Outside the main thread, where Python delivers no signals, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    # The handler interrupts this very thread, which may hold the locks of `Ending`; a SimpleQueue takes entries all
    # the same, and another thread passes them on.
    came: SimpleQueue[int | None] = SimpleQueue()

    def note(number: int, frame: FrameType | None) -> None:
        came.put(number)
        signal.signal(number, signal.SIG_DFL)

    def pass_on() -> None:
        while (number := came.get()) is not None:
            ending.ask(f"signal {signal.Signals(number).name}")

    threading.Thread(target=pass_on, name="signals", daemon=True).start()
    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, note) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        came.put(None)
