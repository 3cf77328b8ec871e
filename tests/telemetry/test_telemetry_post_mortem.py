from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.telemetry.post_mortem import keep_copy, newest_copy, read_copy


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir()
    (folder / "metrics_trading.json").write_text("{}\n")
    (folder / "events.jsonl").write_bytes(b'{"ts":1}\n{"ts":2}\n{"ts":')
    (folder / "events.jsonl.torn-9").write_bytes(b"to")
    return folder


def test_a_copy_holds_whole_lines_and_is_checked(runtime: Path, tmp_path: Path) -> None:
    clock = VirtualClock()
    keep_copy(runtime, tmp_path / "kept", clock)
    clock.advance(1)
    (runtime / "metrics_trading.json").write_text("{1}\n")
    made = keep_copy(runtime, tmp_path / "kept", clock)
    found = newest_copy(tmp_path / "kept")
    assert found == made
    assert (found.folder / "events.jsonl").read_bytes() == b'{"ts":1}\n{"ts":2}\n'
    assert (found.folder / "metrics_trading.json").read_text() == "{1}\n"
    assert (found.folder / "events.jsonl.torn-9").read_bytes() == b"to"
    assert json.loads((found.folder / "manifest.json").read_text())["left_out_bytes"] == 6
    (runtime / "events.jsonl").unlink()
    assert newest_copy(tmp_path / "kept") == found, "it does not hang on the original"


@pytest.mark.parametrize("name", ["metrics_trading.json", "events.jsonl", "manifest.json"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b'{"taken_at": "2026-01-01", "files": {}}'])
def test_a_copy_that_was_changed_is_a_fault(runtime: Path, tmp_path: Path, name: str, content: bytes | None) -> None:
    made = keep_copy(runtime, tmp_path / "kept")
    (made.folder / name).unlink()
    if content is not None:
        (made.folder / name).write_bytes(content)
    with pytest.raises(Fault):
        read_copy(made.folder)


def test_what_a_killed_copy_left_counts_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "kept" / ".20261120T000000.000000Z.7.part").mkdir(parents=True)
    with pytest.raises(NotProven, match="expected a dated copy"):
        newest_copy(tmp_path / "kept")


def test_a_copy_inside_of_runtime_is_refused(runtime: Path) -> None:
    with pytest.raises(Fault, match="outside of"):
        keep_copy(runtime, runtime / "kept")


@pytest.mark.parametrize("name", ["metrics_trading.json", "events.jsonl"])
def test_without_one_of_the_files_there_is_no_copy(runtime: Path, tmp_path: Path, name: str) -> None:
    (runtime / name).unlink()
    with pytest.raises(NotProven, match=name):
        keep_copy(runtime, tmp_path / "kept")
    assert list((tmp_path / "kept").iterdir()) == []
