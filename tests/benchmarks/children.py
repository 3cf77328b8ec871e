"""Programs that a benchmark starts and asks."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Callable

import psutil

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""What this program was given, asked before anybody is placed: a child asks in vain, it inherits its parent's place."""


def on_core(number: int) -> None:
    """Stay on one of the machine's cores, counted from 0; where there are fewer, on the last."""
    if CORES:
        os.sched_setaffinity(0, {CORES[min(number, len(CORES) - 1)]})


class Program:
    """A child that is asked with lines and answers with lines."""

    def __init__(self, words: list[str], variables: dict[str, str], place: Callable[[], None]) -> None:
        self._process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
            preexec_fn=place if os.name == "posix" else None,  # noqa: PLW1509 - there are no threads here
        )

    def cpu_s(self) -> float:
        """CPU time so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def line(self) -> str:
        assert self._process.stdout is not None
        text = self._process.stdout.readline()
        if not text:
            assert self._process.stderr is not None
            raise RuntimeError(self._process.stderr.read()[-400:])
        return text

    def ask(self, count: int) -> list[int]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        times: list[int] = json.loads(self.line())
        return times

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=10)
