"""Assertions assert, the environment is the user's own, and time passes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.gate import guards
from pytest_kraken_golive.gate.guards import ClockGuard, EnvironmentSnapshot, refuse_silent_assertions

TRY = """
from types import SimpleNamespace
from pytest_kraken_golive.gate.guards import refuse_silent_assertions
refuse_silent_assertions(SimpleNamespace(known_args_namespace=None))
"""


@pytest.mark.parametrize(("arguments", "variables"), [(["-O"], {}), (["-OO"], {}), ([], {"PYTHONOPTIMIZE": "1"})])
def test_python_without_assertions_is_refused(arguments: list[str], variables: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, *arguments, "-c", TRY],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "UsageError: --golive with python -O or PYTHONOPTIMIZE" in done.stderr
    assert "Next: " in done.stderr


def test_plain_assertions_are_refused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_silent_assertions(request.config)
    monkeypatch.setattr(request.config.known_args_namespace, "assertmode", "plain")
    with pytest.raises(pytest.UsageError, match=r"--assert=plain.*Next: "):
        refuse_silent_assertions(request.config)


def test_an_environment_that_stays_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = EnvironmentSnapshot.take()
    snapshot.require_unchanged()
    for name in ("PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "COLUMNS", "LINES"):
        monkeypatch.setenv(name, "changed by the runner")
    snapshot.require_unchanged()
    monkeypatch.setenv("GOLIVE_TEST_TRANSIENT", "x")
    monkeypatch.delenv("GOLIVE_TEST_TRANSIENT")
    snapshot.require_unchanged()


def test_what_is_set_changed_or_removed_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLIVE_TEST_CHANGED", "hunter2-before")
    monkeypatch.setenv("GOLIVE_TEST_REMOVED", "hunter2-removed")
    monkeypatch.delenv("GOLIVE_TEST_SET", raising=False)
    snapshot = EnvironmentSnapshot.take()
    assert "hunter2" not in str(snapshot.digests)
    monkeypatch.setenv("GOLIVE_TEST_CHANGED", "hunter2-after")
    monkeypatch.delenv("GOLIVE_TEST_REMOVED")
    monkeypatch.setenv("GOLIVE_TEST_SET", "")
    with pytest.raises(Fault) as caught:
        snapshot.require_unchanged()
    message = str(caught.value)
    assert "GOLIVE_TEST_CHANGED, GOLIVE_TEST_REMOVED, GOLIVE_TEST_SET changed" in message
    assert "hunter2" not in message
    assert "Next: " in message


def test_a_snapshot_of_another_process_compares_by_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    received = EnvironmentSnapshot(EnvironmentSnapshot.take().digests)
    received.require_unchanged()
    monkeypatch.setenv("GOLIVE_TEST_SET", "x")
    with pytest.raises(Fault, match="GOLIVE_TEST_SET"):
        received.require_unchanged()


def test_a_snapshot_does_not_show_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLIVE_TEST_API_SECRET", "hunter2-hunter2")
    assert "hunter2" not in repr(EnvironmentSnapshot.take())


@pytest.mark.skipif(os.name == "nt", reason="names and values are text there")
def test_values_that_are_no_text_are_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLIVE_TEST_BYTES", os.fsdecode(b"\xff\xfe"))
    snapshot = EnvironmentSnapshot.take()
    snapshot.require_unchanged()
    monkeypatch.setenv("GOLIVE_TEST_BYTES", os.fsdecode(b"\xff\xfd"))
    with pytest.raises(Fault, match="GOLIVE_TEST_BYTES"):
        snapshot.require_unchanged()


def test_a_clock_that_runs_is_accepted() -> None:
    guard = ClockGuard()
    guard.require_running()
    guard.require_running()


@pytest.mark.parametrize("name", ["time", "time_ns", "monotonic_ns"])
def test_a_replaced_clock_is_noticed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    guard = ClockGuard()
    moment = getattr(time, name)()
    monkeypatch.setattr(time, name, lambda: moment)
    with pytest.raises(Fault, match=r"clock: .* Next: "):
        guard.require_running()


@pytest.mark.parametrize("jump_s", [-3600, -6, 6, 86_400])
def test_a_jump_of_the_wall_clock_is_noticed(jump_s: int) -> None:
    guard = ClockGuard()
    guard._wall_ns -= jump_s * 1_000_000_000
    with pytest.raises(Fault, match=re.escape(f"jumped by {jump_s:+d}.0 s")):
        guard.require_running()


def test_what_ntp_does_is_no_jump() -> None:
    guard = ClockGuard()
    guard._wall_ns -= int(guards.CLOCK_DRIFT_LIMIT_S * 1e9 / 2)
    guard.require_running()
