from __future__ import annotations

import gzip
import itertools
import json
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.guardrail_line import Record, Unparsed, read_line
from pytest_kraken_golive.deployment.guardrail_log import GuardrailLog, read_log
from pytest_kraken_golive.deployment.log_lines import MAX_LINE_BYTES
from pytest_kraken_golive.deployment.run_window import run_window

RATE_LIMIT = "2026-11-20T09:31:05+0000 WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2"
SHOWN = "logs/guardrails"


def at(second: int, rest: str) -> str:
    return f"2026-11-20T09:31:{second:02d}+0000 {rest}\n"


def mark(second: int, what: str, run_id: str = "run-1") -> str:
    return at(second, f"INFO GUARDRAIL_{what} run_id={run_id} tags=desktop,paper,kraken")


RUN = mark(10, "START") + at(11, "WARNING RATE_LIMIT queue=q waited=1.0s streak=1") + mark(12, "STOP")


@pytest.fixture
def log(tmp_path: Path) -> GuardrailLog:
    return GuardrailLog(tmp_path, SHOWN)


def parsed(text: str) -> Record:
    record = read_line(text, "f.log", 7)
    assert isinstance(record, Record), record
    return record


def unparsed(lines: Iterable[Record | Unparsed]) -> list[Unparsed]:
    return [line for line in lines if isinstance(line, Unparsed)]


def test_a_text_line() -> None:
    record = parsed(RATE_LIMIT)
    assert record.timestamp == datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)
    assert (record.severity, record.event, record.kind, record.place) == (
        "WARNING",
        "RATE_LIMIT",
        "rate_limit",
        "f.log:7",
    )
    assert record.fields == {"queue": "kraken_spot", "waited": "0.912s", "streak": "2"}


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("HTTP_RATE_LIMITED", "rate_limit"),
        ("RATE_LIMIT_WAIT", "rate_limit"),
        ("TOO_MANY_REQUESTS", "rate_limit"),
        ("NETWORK_ERROR", "network"),
        ("CONNECTION_LOST", "network"),
        ("RATE_LIMIT_SETTINGS", "other"),
        ("HEARTBEAT", "other"),
        ("ERRORS_TOTAL", "other"),
    ],
)
def test_trouble_under_names_of_a_bot_s_own_is_known(event: str, kind: str) -> None:
    assert parsed(at(1, f"INFO {event} queue=kraken_spot")).kind == kind


def test_text_with_spaces_in_a_value() -> None:
    record = parsed("2026-11-20T09:31:05Z ERROR TIMEOUT queue=q duration=11.0s exception=Read timed out streak=1")
    assert (record.kind, record.fields["exception"], record.fields["streak"]) == ("timeout", "Read timed out", "1")


def test_marks_name_run_and_tags() -> None:
    record = parsed(mark(1, "START").rstrip())
    assert (record.kind, record.run_id, record.tags) == ("start", "run-1", ("desktop", "kraken", "paper"))


def test_a_json_line() -> None:
    data = {
        "timestamp": "2026-11-20T10:31:05+01:00", "event": "io_rate_limit_wait", "severity": "warning",
        "source": "io", "environment": "kraken_paper", "payload": {"queue": "kraken_spot", "waited": 0.9},
    }  # fmt: skip
    record = parsed(json.dumps(data))
    assert record.timestamp == datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)
    assert (record.severity, record.kind) == ("WARNING", "rate_limit")
    assert record.fields == {
        "source": "io", "environment": "kraken_paper", "queue": "kraken_spot", "waited": 0.9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Traceback (most recent call last):", "expected time, severity, event"),
        (RATE_LIMIT.replace("WARNING", "NOTICE"), "expected a known severity, found 'NOTICE'"),
        (RATE_LIMIT.replace("+0000", ""), "it has no time zone"),
        (RATE_LIMIT.replace("2026-11", "2026-13"), "month must be in 1..12"),
        (RATE_LIMIT[:60] + RATE_LIMIT, "a second line begins inside of this one"),
        (RATE_LIMIT[:40] + RATE_LIMIT, "expected "),
        (RATE_LIMIT + " streak=3", "the key streak stands twice"),
        (RATE_LIMIT.replace("queue=", "of a queue "), "expected key=value pairs"),
        ('{"timestamp": "2026-11-20T09:31:05Z", "event": "io_timeout"}', "expected severity as text"),
        (
            '{"timestamp": "2026-11-20T09:31:05Z", "event": "e", "severity": "INFO", "payload": 3}',
            "payload as a mapping",
        ),
        ('{"severity": "INFO", "severity": "ERROR"}', "a key stands twice"),
        ('{"severity": NaN}', "JSON has no NaN"),
        ('{"timestamp": "2026', "Unterminated string"),
        ("{" * 100_000, "Expecting property name"),
        ('{"a":' * 100_000, "recursion"),
        ("\x00" * 50, "expected time, severity, event"),
    ],
)
def test_a_line_that_cannot_be_understood_says_why(text: str, reason: str) -> None:
    line = read_line(text, "f.log", 7)
    assert isinstance(line, Unparsed)
    assert reason in line.reason
    assert len(line.text) < 1000
    assert line.text.isprintable()


@pytest.mark.parametrize(
    "tail", ["a" * 60_000, "a=" + " " * 60_000 + "=", "a=" + " b" * 30_000, " " * 60_000, "a=1 " * 15_000]
)
def test_a_long_line_takes_no_longer_than_its_length_asks(tail: str) -> None:
    for start in (tail, RATE_LIMIT + " " + tail, f"2026-11-20T09:31:05+0000 INFO {tail}"):
        for _ in range(20):  # hours, if the time grew with the square of the length
            assert read_line(start, "f.log", 1) is not None


@given(st.binary(max_size=200))
def test_every_line_comes_out_whatever_the_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("logs") / "x.log"
    path.write_bytes(b"x" + data.replace(b"\x1f\x8b", b""))
    *ended, torn = path.read_bytes().split(b"\n")
    expected = [line for line in ended if line.decode("utf-8", "backslashreplace").strip()] + [torn] * bool(torn)
    assert len(list(read_log(path, "x.log"))) == len(expected)


def test_undecodable_bytes_are_reported_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(RATE_LIMIT.encode() + b"\n" + "Übergröße\n".encode("latin-1") + RATE_LIMIT.encode() + b"\r\n\n")
    first, second, third = read_log(path, "x.log")
    assert isinstance(first, Record)
    assert isinstance(third, Record)
    assert isinstance(second, Unparsed)
    assert (second.place, second.torn) == ("x.log:2", False)
    assert "no UTF-8" in second.reason
    assert second.text == "\\xdcbergr\\xf6\\xdfe"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marked_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.log").write_bytes(RUN.encode(encoding))
    assert [type(line) for line in GuardrailLog(tmp_path, SHOWN)] == [Record] * 3
    assert run_window(GuardrailLog(tmp_path, SHOWN), "run-1").start.line == 1


def test_broken_utf16_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_bytes(RUN.encode("utf-16") + b"\x00\xd8a\x00\n\x00")
    assert [line.reason for line in unparsed(read_log(path, "x.log"))] == ["it holds bytes that are no UTF-16"]


def test_a_torn_last_line_is_never_taken_at_its_word(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text(RUN + RATE_LIMIT, newline="\n")  # complete by luck: streak=2 may have been streak=27
    last = list(read_log(path, "x.log"))[-1]
    assert isinstance(last, Unparsed)
    assert (last.torn, last.line, last.reason) == (True, 4, "the file breaks off in this line")


@pytest.mark.parametrize("keep", [12, -9, -30])
def test_a_damaged_gzip_file_is_reported_after_what_could_be_read(tmp_path: Path, keep: int) -> None:
    (tmp_path / "x.log.1.gz").write_bytes(gzip.compress(RUN.encode())[:keep])
    *_, last = read_log(tmp_path / "x.log.1.gz", "x.log.1.gz")
    assert isinstance(last, Unparsed)
    assert last.torn


def test_an_endless_line_is_cut_and_the_next_one_is_read(tmp_path: Path) -> None:
    for size in (MAX_LINE_BYTES - 1, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES, 3 * MAX_LINE_BYTES + 1):
        path = tmp_path / "x.log"
        path.write_bytes(b"a" * size + b"\n" + RATE_LIMIT.encode() + b"\n")
        first, second = read_log(path, "x.log")
        assert isinstance(first, Unparsed)
        assert len(first.text) < 300
        assert (isinstance(second, Record), second.line, first.torn) == (True, 2, False)


def test_rotated_files_are_read_from_the_oldest(tmp_path: Path, log: GuardrailLog) -> None:
    names = ["g-2026-11-18.log", "g.log-20261118", "g.log.20261119.gz", "g.log.10.gz", "g.log.2.gz", "g.log.1", "g.log"]
    for name in names:
        data = RATE_LIMIT.encode() + b"\n"
        (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (tmp_path / "events.jsonl").write_text("")
    (tmp_path / "README.txt").write_text("not a log")
    (tmp_path / "old.log").mkdir()
    assert [path.name for path in log.files] == ["events.jsonl", *names]
    assert [line.file for line in log] == [f"{SHOWN}/{name}" for name in names]


def test_no_folder_and_no_file_are_not_proven(tmp_path: Path, log: GuardrailLog) -> None:
    with pytest.raises(
        NotProven, match=r"logs/guardrails: expected a guardrail log .* found none .* Next: run the bot"
    ):
        list(log)
    with pytest.raises(NotProven, match=r"x: expected a folder of guardrail logs"):
        list(GuardrailLog(tmp_path / "none", "x"))


def test_a_large_file_is_read_in_constant_memory(tmp_path: Path) -> None:
    small, large = tmp_path / "small.log", tmp_path / "large.log"
    small.write_text((RATE_LIMIT + "\n") * 500)
    large.write_text((RATE_LIMIT + "\n") * 20_000)

    def peak(path: Path) -> int:
        tracemalloc.start()
        try:
            for _ in read_log(path, "x"):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(small)  # what is imported and cached on the way is not the reader's
    assert peak(large) < peak(small) + 100_000
    assert large.stat().st_size > 1_500_000


def test_the_window_of_a_run(tmp_path: Path, log: GuardrailLog) -> None:
    before = at(10, "ERROR TIMEOUT queue=before streak=1")  # in the same second, but above the mark
    after = at(12, "ERROR TIMEOUT queue=after streak=1")
    (tmp_path / "g.log").write_text(before + "garbage before\n" + RUN + "garbage after\n" + after)
    (tmp_path / "other.jsonl").write_text(
        '{"timestamp": "2026-11-20T09:31:11Z", "event": "io_timeout", "severity": "ERROR", "payload": {}}\n'
        '{"timestamp": "2026-11-20T09:33:00Z", "event": "io_timeout", "severity": "ERROR", "payload": {}}\n'
    )
    window = run_window(log, "run-1")
    assert (window.start.place, window.stop.place) == (f"{SHOWN}/g.log:3", f"{SHOWN}/g.log:5")
    assert window.start.tags == ("desktop", "kraken", "paper")
    kinds = [line.kind if isinstance(line, Record) else line.text for line in window]
    assert kinds == ["start", "rate_limit", "stop", "timeout"]


def test_what_stands_between_the_marks_is_of_the_run_whatever_its_time(tmp_path: Path, log: GuardrailLog) -> None:
    late = at(50, "WARNING RATE_LIMIT queue=q waited=1s streak=1").replace("2026", "2020")
    lines = [late, mark(1, "START"), late, mark(9, "STOP"), late]
    (tmp_path / "guardrails.log").write_text("\n".join([*lines, ""]), encoding="utf-8")
    window = run_window(log, "run-1")
    records = [line for line in log if isinstance(line, Record)]
    assert [window.between_marks(record) for record in records] == [False, False, True, False, False]


def test_lines_that_may_belong_to_the_window_are_in_it(tmp_path: Path, log: GuardrailLog) -> None:
    (tmp_path / "g.log").write_text(mark(10, "START") + "inside\n" + mark(12, "STOP"))
    (tmp_path / "h.log").write_text(at(1, "INFO X a=1") + "perhaps\n" + at(59, "INFO X a=1"))
    (tmp_path / "i.log").write_text(at(1, "INFO X a=1") + "surely not\n" + at(9, "INFO X a=1"))
    (tmp_path / "j.log").write_text("no times at all")
    assert [line.text for line in unparsed(run_window(log, "run-1"))] == ["inside", "perhaps", "no times at all"]


@given(st.data())
def test_passing_over_lines_changes_nothing(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("logs")
    line = st.builds(
        at, st.integers(8, 14), st.sampled_from(["INFO X a=1", "ERROR TIMEOUT e=Read timed out", "WARNING"])
    )
    filler = st.lists(
        line
        | st.sampled_from(
            [
                "?\n",
                "\n",
                "\ufeff\n",
                at(9, "INFO X a=é"),
                at(9, "INFO X a=1 a=1"),
                "2026-02-30T09:31:09+0000 INFO X\n",
                at(99, "INFO X"),
                at(9, "INFO X a=1 "),
            ]
        ),
        max_size=6,
    )
    parts = [data.draw(filler) for _ in range(4)]
    text = [*parts[0], mark(10, "START"), *parts[1], mark(12, "STOP"), *parts[2]]
    (folder / "g.log").write_text("".join(text), "utf-8", newline="\n")
    (folder / "h.log").write_text("".join(parts[3]), "utf-8", newline="\n")
    log = GuardrailLog(folder, SHOWN)
    window = run_window(log, "run-1")
    quick = [line.place for line in window]
    read = log.read
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "read", lambda holding="", outside=None: read(holding))
        assert quick == [line.place for line in window]


def test_a_torn_rotated_file_is_bounded_by_the_next_one(tmp_path: Path, log: GuardrailLog) -> None:
    (tmp_path / "g.log.1").write_text(at(1, "INFO X a=1") + "torn")
    (tmp_path / "g.log").write_text(at(2, "INFO X a=1") + RUN)
    assert unparsed(run_window(log, "run-1")) == []


def test_a_run_may_span_a_rotation(tmp_path: Path, log: GuardrailLog) -> None:
    lines = RUN.splitlines(keepends=True)
    (tmp_path / "g.log.1.gz").write_bytes(gzip.compress("".join(lines[:2]).encode()))
    (tmp_path / "g.log").write_text(lines[2])
    assert [line.line for line in run_window(log, "run-1")] == [1, 2, 1]


def test_a_long_row_of_such_lines_is_counted(tmp_path: Path, log: GuardrailLog) -> None:
    (tmp_path / "g.log").write_text(mark(10, "START") + "what\n" * 1000 + mark(12, "STOP"))
    lines = unparsed(run_window(log, "run-1"))
    assert len(lines) == 21
    assert (lines[-1].line, "980 more lines up to this one" in lines[-1].reason) == (1001, True)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            mark(1, "START", "run-2") + mark(2, "STOP", "run-2"),
            NotProven,
            "expected a line GUARDRAIL_START run_id=run-1",
        ),
        (mark(1, "START"), NotProven, "expected a line GUARDRAIL_STOP run_id=run-1, found none in 1 files"),
        (mark(1, "STOP"), NotProven, "expected a line GUARDRAIL_START run_id=run-1"),
        (RUN + RUN, Fault, f"{SHOWN}/g.log:4: expected one line GUARDRAIL_START run_id=run-1, found another one"),
        (mark(5, "STOP") + mark(1, "START"), Fault, f"{SHOWN}/g.log:1: expected GUARDRAIL_STOP of run run-1 after"),
        (mark(5, "START") + mark(1, "STOP"), Fault, f"{SHOWN}/g.log:2: expected GUARDRAIL_STOP of run run-1 after"),
        (mark(1, "START", "run-11") + mark(1, "STOP", "run-1"), NotProven, "GUARDRAIL_START run_id=run-1"),
        (RUN[:-1], NotProven, "GUARDRAIL_STOP"),
    ],
)
def test_a_log_without_this_run_s_marks_is_not_clean(
    tmp_path: Path, log: GuardrailLog, text: str, error: type[Exception], message: str
) -> None:
    (tmp_path / "g.log").write_text(text)
    with pytest.raises(error) as caught:
        run_window(log, "run-1")
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


def test_run_ids_that_json_writes_in_another_way_are_found(tmp_path: Path, log: GuardrailLog) -> None:
    for number, (run_id, event) in enumerate(itertools.product(('a"b', "ä", "a/b"), ("START", "STOP"))):
        data = {
            "timestamp": f"2026-11-20T09:31:{number:02d}Z",
            "event": f"guardrail_{event.lower()}",
            "severity": "INFO",
        }
        text = json.dumps({**data, "payload": {"run_id": run_id}}).replace("/", "\\/")
        with (tmp_path / "g.jsonl").open("a") as file:
            file.write(text + "\n")
    for run_id in ('a"b', "ä", "a/b"):
        assert run_window(log, run_id).stop.run_id == run_id
