"""What must hold while lines run: assertions assert, the environment is the user's own, and time passes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_kraken_golive.contract import Fault

_time_ns, _monotonic_ns = time.time_ns, time.monotonic_ns
_genuine = {name: getattr(time, name) for name in ("time", "time_ns", "monotonic", "monotonic_ns")}
"""The clocks as they were before any test could replace them."""

CLOCK_DRIFT_LIMIT_S = 5.0
"""How far wall clock and monotonic clock may drift apart within a run before the wall clock is not believed."""
FROZEN_AFTER_NS = 50_000_000
"""A wall clock that shows one and the same nanosecond for so long stands still."""

VOLATILE = frozenset({"COLUMNS", "LINES"})
"""Variables that xdist sets for its workers, beside those that begin with `PYTEST_`."""


def refuse_silent_assertions(config: pytest.Config) -> None:
    """Stop a run in which assertions would not assert.

    Raises:
        pytest.UsageError: `python -O`, PYTHONOPTIMIZE or `--assert=plain`.
    """
    if sys.flags.optimize:
        raise pytest.UsageError(
            "--golive with python -O or PYTHONOPTIMIZE: assertions would not be executed. Next: run without it."
        )
    if getattr(config.known_args_namespace, "assertmode", "rewrite") == "plain":
        raise pytest.UsageError("--golive with --assert=plain: messages would be lost. Next: leave --assert out.")


@dataclass(frozen=True)
class EnvironmentSnapshot:
    """Digests of the process environment; the values, which may be secret, never leave the process."""

    digests: dict[str, str]
    """Variable name to SHA-256 of its value."""
    raw: dict[object, object] | None = field(default=None, repr=False)
    """A copy for the quick comparison, which runs for every line; only in the process that took it, and in no repr."""

    @classmethod
    def take(cls) -> EnvironmentSnapshot:
        """The environment as it is now."""
        return cls(_digests(os.environ), {key: value for key, value in _raw().items() if not _raw_is_volatile(key)})

    def require_unchanged(self) -> None:
        """Check that nothing was set, changed or removed since.

        Raises:
            Fault: names the variables, not their values.
        """
        now = _raw()
        if (
            self.raw is not None
            and self.raw.items() <= now.items()
            and all(map(_raw_is_volatile, now.keys() - self.raw))
        ):
            return
        digests = _digests(os.environ)
        if digests == self.digests:
            return
        names = sorted(
            name for name in digests.keys() | self.digests.keys() if digests.get(name) != self.digests.get(name)
        )
        raise Fault(
            f"environment: {', '.join(names)} changed since pytest started (a conftest, a fixture or monkeypatch). "
            "The line would judge another environment than the bot's. Next: set it outside of pytest, or take it out."
        )


def _is_volatile(name: str) -> bool:
    return name in VOLATILE or name.startswith("PYTEST_")


def _digests(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: hashlib.sha256(value.encode(errors="surrogateescape")).hexdigest()
        for name, value in environ.items()
        if not _is_volatile(name)
    }


def _raw() -> Mapping[object, object]:
    """The environment as the interpreter holds it: comparing that is cheap."""
    environ: Any = os.environ
    data: Mapping[object, object] = getattr(environ, "_data", environ)
    return data


def _raw_is_volatile(key: object) -> bool:
    return _is_volatile(os.fsdecode(key) if isinstance(key, bytes) else str(key))


class ClockGuard:
    """Notices a wall clock that was frozen or moved by a test library."""

    def __init__(self) -> None:
        self._wall_ns, self._mono_ns = _time_ns(), _monotonic_ns()

    def require_running(self) -> None:
        """Check that wall clock and monotonic clock agree, and that the wall clock runs.

        Raises:
            Fault: says how far it is off.
        """
        if any(getattr(time, name) is not genuine for name, genuine in _genuine.items()):
            raise Fault(
                "clock: functions of the time module were replaced (freezegun or alike). "
                "Next: judge with the real clock."
            )
        wall_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        drift_s = ((wall_ns - self._wall_ns) - (mono_ns - self._mono_ns)) / 1e9
        if abs(drift_s) > CLOCK_DRIFT_LIMIT_S:
            raise Fault(
                f"clock: the wall clock jumped by {drift_s:+.1f} s against the monotonic clock during this run. "
                "Next: take out what moves the clock, or let NTP settle, and run everything again."
            )
        while time.time_ns() == wall_ns:
            if time.monotonic_ns() - mono_ns > FROZEN_AFTER_NS:
                raise Fault("clock: the wall clock stands still. Next: take out what freezes it.")
