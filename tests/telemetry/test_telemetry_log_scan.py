from __future__ import annotations

import gzip
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.telemetry import log_blocks, log_scan
from pytest_kraken_golive.telemetry.log_scan import LogScan, scan
from pytest_kraken_golive.telemetry.log_shapes import HARMLESS, Severity, level_of

INFO = b"2026-11-20T09:31:05+0000 INFO ORDER queue=kraken_spot waited=0.912s"
WARNING = INFO.replace(b"INFO", b"WARNING")
ERROR = INFO.replace(b"INFO", b"ERROR")
JSON_INFO = b'{"timestamp": "2026-11-20T09:31:05+0000", "event": "io", "severity": "INFO", "payload": {"n": 1}}'
JSON_ERROR = JSON_INFO.replace(b"INFO", b"ERROR")


def scanned(tmp_path: Path, data: bytes, *, patterns: tuple[bytes, ...] = (), inside: bool = True) -> LogScan:
    path = tmp_path / "service.log"
    path.write_bytes(data)
    return scan([(path, "service.log")], patterns=patterns, inside=inside)


def lines(*texts: bytes) -> bytes:
    return b"".join(text + b"\n" for text in texts)


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        (INFO, "info"),
        (b"2026-11-20 09:31:05,123 DEBUG bot: tick", "debug"),
        (b"INFO:root:started", "info"),
        (b"[2026-11-20 09:31:05] [info] started", "info"),
        (b"ts=2026-11-20T09:31:05Z level=info msg=started", "info"),
        (b'ts=1 level="warn" msg=slow', "warning"),
        (b"Nov 20 09:31:05 host bot[12]: ERROR no answer", "error"),
        (b"Error: no answer", "error"),
        (b"2026-11-20 FATAL gone", "critical"),
        (b"info: started", "info"),
        (JSON_INFO, "info"),
        (b'{"level":"error","msg":"INFO"}', "error"),
        (b'  {"msg": "a \\"level\\": \\"info\\"", "level": "Warning"}', "warning"),
        (b"for more info see the manual", None),
        (b"Traceback (most recent call last):", None),
        (b"2026-11-20 NOTICEABLE thing", None),
        (b"2026-11-20 ERROR_COUNT=0", None),
        (b"one two three four five six seven eight INFO nine", None),
        (b'{"level": 30, "msg": "INFO"}', None),
        (b'{"payload": {"level": "info"}}', None),
        (b'{"level": "info", "msg": "torn', None),
    ],
)
def test_the_severity_of_a_line(line: bytes, severity: str | None) -> None:
    assert level_of(line).severity == severity


WORDS = st.sampled_from(
    [b"2026-11-20T09:31:05", b"09:31", b"INFO", b"DEBUG", b"WARNING", b"ERROR", b"error", b"info", b"[info]",
     b"level=info", b"level=error", b"a=1", b"ERROR:", b"bot:", b"INFOS", b"\xe4\xff", b"\x00", b"{", b"}",
     b'"level":', b'"INFO"', b"x" * 30]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=9).flatmap(
    lambda words: st.sampled_from([b" ", b"  ", b"\t"]).map(lambda space: space.join(words))
)
PAIR = st.sampled_from(
    [b'"timestamp": "2026"', b'"event":"x"', b'"severity": "INFO"', b'"level":"error"', b'"level": 30', b'"n": -1.5e3',
     b'"p": {"level": "info"}', b'"s": "a\\"b"', b'"severity": "nonsense"', b'"severity": "debug"']
)  # fmt: skip
JSON = st.lists(PAIR, max_size=4).map(lambda pairs: b"{" + b", ".join(pairs) + b"}")
LINES = st.lists(TEXT | JSON | st.sampled_from([INFO, WARNING, JSON_INFO, JSON_ERROR, b""]), max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(texts=LINES, ends=st.sampled_from([b"\n", b"\r\n"]), size=st.sampled_from([64, 200, 1 << 17]))
@example(texts=[b"", b"x", b"", INFO], ends=b"\n", size=64)
@example(texts=[b"bot: a=1 [info] b", b'{"p": {"level": [info] "info"}, "level":"error"}'], ends=b"\n", size=64)
@example(texts=[b"bot: x [info] b", b'{"p": y [info]'], ends=b"\n", size=64)
def test_no_line_is_judged_otherwise_than_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[bytes], ends: bytes, size: int
) -> None:
    monkeypatch.setattr(log_blocks, "BLOCK_BYTES", size)
    monkeypatch.setattr(log_scan, "_RUN", 3)
    found = scanned(tmp_path, b"".join(text + ends for text in texts), inside=False)
    levels = [level_of(text).severity for text in texts if text.strip()]
    assert found.unmarked == levels.count(None)
    for severity in set(Severity) - HARMLESS:
        assert found.grave[severity] == levels.count(severity)
    assert found.lines == len(texts)
    wanted = [number for number, text in enumerate(texts, 1) if text.strip() and level_of(text).severity is None]
    assert [line.number for line in found.unmarked_lines] == wanted[:10]


def test_a_clean_log_is_clean_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert scanned(tmp_path, lines(*[INFO] * 5000, b"", *[JSON_INFO] * 5000)).clean()
    assert not scanned(tmp_path, b"").clean()


@pytest.mark.parametrize("around", [INFO, JSON_INFO])
@pytest.mark.parametrize("at", [0, 1, 2500, 4999])
def test_one_line_among_thousands_is_found(tmp_path: Path, around: bytes, at: int) -> None:
    texts = [around] * 5000
    texts[at] = b"Traceback (most recent call last):"
    found = scanned(tmp_path, lines(*texts))
    assert (found.unmarked, str(found.unmarked_lines[0])) == (
        1,
        f"service.log:{at + 1}: Traceback (most recent call last):",
    )
    texts[at] = ERROR
    found = scanned(tmp_path, lines(*texts))
    assert (found.grave[Severity.ERROR], found.grave_lines[Severity.ERROR][0].number) == (1, at + 1)
    assert found.clean(Severity.CRITICAL)
    assert not found.clean()


@pytest.mark.parametrize(
    ("whole", "grave"),
    [
        (INFO, ERROR),
        (INFO, ERROR.replace(b"11-20", b"11-21")),
        (JSON_INFO, JSON_ERROR),
        (b"INFO:root:a b c", b"ERROR:root:d"),
        (b"09:31 [info] a", b"09:31 [error] b"),
    ],
)
def test_a_grave_line_that_begins_in_a_torn_one_is_found(tmp_path: Path, whole: bytes, grave: bytes) -> None:
    merged = whole[:-3] + grave
    found = scanned(tmp_path, lines(*[whole] * 100, merged, *[whole] * 100))
    assert found.merged + found.unmarked + found.grave[Severity.ERROR] == 1, found
    assert not found.clean()


def test_a_day_that_changes_is_no_matter(tmp_path: Path) -> None:
    days = [INFO.replace(b"11-20", f"11-{day}".encode()) for day in range(10, 30)]
    assert scanned(tmp_path, lines(*[day for day in days for _ in range(50)])).clean()


def test_a_torn_last_line_is_reported_and_read(tmp_path: Path) -> None:
    found = scanned(tmp_path, lines(INFO) + ERROR)
    assert [str(line)[:14] for line in found.torn] == ["service.log:2:"]
    assert found.grave[Severity.ERROR] == 1
    assert not scanned(tmp_path, lines(INFO) + INFO).clean()


def test_gzip_is_read_and_a_damaged_one_is_said_to_be(tmp_path: Path) -> None:
    packed = gzip.compress(lines(*[INFO] * 20_000, ERROR))
    assert scanned(tmp_path, packed).grave[Severity.ERROR] == 1
    found = scanned(tmp_path, packed[:-40])
    assert "breaks off" in found.damage[0]
    assert not found.clean()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    text = lines(*[INFO] * 3000, ERROR).decode()
    found = scanned(tmp_path, (text + "2026 INFO müßig\n").encode(encoding))
    assert (found.lines, found.grave[Severity.ERROR], found.unmarked, found.nul_bytes) == (3002, 1, 0, 0)


def test_utf_16_without_a_mark_and_holes_are_not_clean(tmp_path: Path) -> None:
    assert scanned(tmp_path, lines(INFO).decode().encode("utf-16-le")).nul_bytes > 0
    assert not scanned(tmp_path, lines(INFO, INFO + b"\0\0\0", INFO)).clean()


def test_latin_1_is_harmless(tmp_path: Path) -> None:
    found = scanned(tmp_path, lines(INFO + b" m\xfc\xdfig", b"m\xfc\xdfig"))
    assert [line.text for line in found.unmarked_lines] == [r"m\xfc\xdfig"]


def test_an_old_line_end_ends_a_line(tmp_path: Path) -> None:
    found = scanned(tmp_path, INFO + b"\r" + ERROR + b"\r\n" + INFO + b"\n")
    assert (found.lines, found.grave[Severity.ERROR]) == (3, 1)


def test_long_lines_are_counted_and_what_follows_is_read(tmp_path: Path) -> None:
    found = scanned(tmp_path, lines(INFO, INFO + b"x" * 1_000_000, ERROR, b"y" * 300_000) + b"z" * 300_000)
    assert (found.long_lines, found.grave[Severity.ERROR], found.unmarked) == (3, 1, 2)
    assert len(found.torn) == 1


def test_patterns_are_found_anywhere(tmp_path: Path) -> None:
    found = scanned(tmp_path, lines(INFO, INFO + b" EOrder:Rate", INFO), patterns=(b"EOrder:Rate", b"EGeneral"))
    assert dict(found.pattern_hits) == {b"EOrder:Rate": 1}
    assert [line.number for line in found.pattern_lines[b"EOrder:Rate"]] == [2]
    assert not found.clean()


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "service.log"
    path.write_bytes(lines(*[INFO, ERROR, b"Traceback"] * 3_000, *[INFO] * 100_000))
    tracemalloc.start()
    found = scan([(path, "service.log")])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.unmarked == found.grave[Severity.ERROR] == 3_000
    assert peak < path.stat().st_size / 2


DEPLOY = datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)
BEFORE, AFTER = ERROR.replace(b"09:31:05", b"09:31:04"), ERROR


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        ([BEFORE, AFTER, BEFORE], [2, 3]),
        ([*[BEFORE] * 4000, AFTER, b"2026-11-20 ERROR no time"], [4001, 4002]),
        ([BEFORE, b"Traceback", AFTER], [3]),
        ([BEFORE, BEFORE], []),
        ([b"ERROR no time at all"], [1]),
        ([b"2026-11-19 21:31:04 ERROR of no zone", b"2026-11-19 21:31:06 ERROR of no zone"], [2]),
        ([b"2026-11-20T10:31:04+01:00 ERROR", b"2026-11-20T10:31:05.5+01:00 ERROR"], [2]),
        ([b"2026-99-99T10:31:04Z ERROR", AFTER], [2]),
        ([JSON_ERROR.replace(b"31:05", b"31:04"), JSON_ERROR], [2]),
    ],
)
def test_only_what_was_written_since_the_deploy_counts(tmp_path: Path, texts: list[bytes], numbers: list[int]) -> None:
    path = tmp_path / "service.log"
    path.write_bytes(lines(*texts))
    found = scan([(path, "service.log")], since=DEPLOY)
    assert [line.number for line in found.grave_lines.get(Severity.ERROR, [])] == numbers
    assert found.unmarked == 0
    assert found.clean() is False, "nothing since the deploy is not clean either"


def test_no_log_is_not_proven(tmp_path: Path) -> None:
    with pytest.raises(NotProven, match=r"service\.log: expected a log"):
        scan([(tmp_path / "none.log", "service.log")])
