from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kills import kill_once
from pydantic import SecretStr

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runtime" / "events.jsonl"


def opened(path: Path, clock: VirtualClock | None = None, *secrets: str) -> StructuredLogger:
    return StructuredLogger(path, Redactor(secrets), clock or VirtualClock())


def events(path: Path) -> list[Event]:
    return list(read_events(path, "events.jsonl"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(payloads=st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=3), max_size=5))
def test_what_is_appended_is_read_back(path: Path, payloads: list[dict[str, object]]) -> None:
    path.unlink(missing_ok=True)
    with opened(path) as log:
        told = [log.append(EventType.STARTUP, **payload) for payload in payloads]
    assert [(event.ts, event.type, event.payload) for event in events(path)] == [
        (event.ts, event.type, event.payload) for event in told
    ]


def test_a_torn_end_is_moved_aside_and_reported_wherever_it_is_torn(path: Path) -> None:
    with opened(path) as log:
        log.append(EventType.STARTUP, note="first")
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole + whole[:length])
        opened(path).close()
        first, report = events(path)
        aside = path.with_name(report.payload["kept_in"])
        assert (first.type, report.type) == ("startup", "log_recovered")
        assert (report.payload["torn_bytes"], aside.read_bytes()) == (length, whole[:length])


def test_a_torn_end_that_was_not_reported_when_the_program_died_again_is_reported(path: Path) -> None:
    with opened(path) as log:
        log.append(EventType.STARTUP)
    path.with_name("events.jsonl.torn-61.unreported").write_bytes(b'{"ts":')
    opened(path).close()
    assert [event.type for event in events(path)] == ["startup", "log_recovered"]
    opened(path).close()
    assert len(events(path)) == 2, "once"


def test_zeros_of_a_power_cut_are_moved_aside(path: Path) -> None:
    with opened(path) as log:
        log.append(EventType.STARTUP)
    with path.open("ab") as file:
        file.write(bytes(4096) + b"\n\0\0")
    opened(path).close()
    assert events(path)[1].payload["torn_bytes"] == 4099


def test_a_file_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a,b,c\n1,2,3\n")
    with pytest.raises(Fault, match="something else"):
        opened(path)
    assert path.read_text() == "a,b,c\n1,2,3\n"


def test_a_second_writer_is_refused_and_told_who_has_it(path: Path) -> None:
    with opened(path), pytest.raises(Fault, match=f"process {os.getpid()} is writing it"):
        opened(path)
    opened(path).close()


def test_another_process_is_refused_and_the_lock_goes_with_its_holder(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pytest_kraken_golive.redact import Redactor\n"
        "from pytest_kraken_golive.telemetry.event_log import StructuredLogger\n"
        "log = StructuredLogger(Path(sys.argv[1]), Redactor()); print('open', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().startswith(b"open")
        with pytest.raises(Fault, match=f"process {holder.pid} is writing it"):
            opened(path)
        holder.kill()
        holder.wait()
        opened(path).close()


def test_threads_write_whole_lines_in_the_order_of_time(path: Path) -> None:
    with StructuredLogger(path, Redactor()) as log:
        threads = [
            threading.Thread(target=lambda: [log.append(EventType.FF_DECISION, n=n) for n in range(50)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(events(path)) == 400


def test_a_clock_that_goes_back_is_said_once_and_time_stands_still(path: Path) -> None:
    clock = VirtualClock()
    with opened(path, clock) as log:
        log.append(EventType.STARTUP)
        clock.advance(-30)
        log.append(EventType.FF_DECISION)
        log.append(EventType.FF_DECISION)
        clock.advance(31)
        log.append(EventType.FF_DECISION)
    found = events(path)
    assert [event.type for event in found] == ["startup", "clock_went_back", *["ff_decision"] * 3]
    assert found[1].payload == {"by_s": 30.0}
    assert [event.ts - found[0].ts for event in found] == [0, 0, 0, 0, 1]


def test_time_does_not_go_back_over_a_restart(path: Path) -> None:
    with opened(path) as log:
        log.append(EventType.STARTUP)
    with opened(path, VirtualClock(start=5.0)) as log:
        log.append(EventType.STARTUP)
    assert [event.type for event in events(path)] == ["startup", "clock_went_back", "startup"]


def test_secrets_do_not_get_in(path: Path) -> None:
    with opened(path, None, "kQ4zsecretsecret") as log:
        with pytest.raises(TypeError, match=r"startup\.login\.0: expected data for a log, found a secret"):
            log.append(EventType.STARTUP, login=[SecretStr("hidden-hidden")])
        log.append(EventType.STARTUP, kQ4zsecretsecret="key=kQ4zsecretsecret&x")
    text = path.read_text()
    assert "secretsecret" not in text
    assert json.loads(text)["payload"] == {"***": "key=***&x"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), b"bytes", {1: 2}, object()])
def test_what_json_does_not_have_is_refused(path: Path, value: object) -> None:
    with opened(path) as log:
        with pytest.raises((TypeError, ValueError)):
            log.append(EventType.STARTUP, value=value)
        log.append(EventType.STARTUP, value=Decimal("1E+3"))
    assert [event.payload for event in events(path)] == [{"value": "1000"}]


def test_an_event_that_is_too_long_leaves_nothing_behind(path: Path) -> None:
    with opened(path) as log, pytest.raises(ValueError, match="at most 65536 bytes"):
        log.append(EventType.STARTUP, value="x" * 70_000)
    assert events(path) == []


def test_a_closed_log_takes_nothing(path: Path) -> None:
    log = opened(path)
    log.close()
    log.close()
    with pytest.raises(Fault, match="closed"):
        log.append(EventType.STARTUP)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"ts":2,"type":"x","payload":{}}\n{"ts":1,"type":"x","payload":{}}\n', r":2 ts: .* order of time"),
        ('{"ts":1,"type":"x","payload":{}}\n{"ts":1,"ty', r":2: .*torn off"),
        ('{"ts":NaN,"type":"x","payload":{}}\n', ":1: .*JSON has no NaN"),
        ('{"ts":1,"ts":1,"type":"x","payload":{}}\n', ":1: .*stands twice"),
        ('{"ts":true,"type":"x","payload":{}}\n', ":1: .*epoch seconds"),
        ('{"ts":1,"type":"","payload":{}}\n', ":1: .*type as a text"),
        ('{"ts":1,"type":"x"}\n', ":1: .*payload"),
        ("[1]\n", ":1: .*an object"),
        ("\n", ":1: "),
    ],
)
def test_a_log_that_is_not_well_formed_is_a_fault_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(text)
    with pytest.raises(Fault, match=message):
        events(path)


def test_a_line_that_is_just_being_written_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"ts":1,"type":"x","payload":{}}\n{"ts":1,"ty')
    assert len(list(read_events(path, "log", live=True))) == 1


def test_no_log_is_not_proven(tmp_path: Path) -> None:
    with pytest.raises(NotProven, match=r"Next: let the bot run"):
        events(tmp_path / "events.jsonl")


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    draw = random.Random()
    assert sum(kill_once(tmp_path, draw) for _ in range(3)) > 0
