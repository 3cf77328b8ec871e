"""How far a run is, and how long it will still take, judged by the run before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_kraken_golive.reporting.progress import MEASURED, Ahead, Progress, last_durations

KEYS, RUN, SPEED = ("x.md", "Keys"), ("x.md", "Run"), ("x.md", "Speed")
LINES = {
    "a": Ahead(KEYS, "files"),
    "b": Ahead(KEYS, "files"),
    "bot": Ahead(RUN, "run:paper"),
    "report": Ahead(RUN, "run:paper"),
    "latency": Ahead(SPEED, MEASURED),
}
TOOK = {"a": 1.0, "b": 2.0, "bot": 30.0, "report": 10.0, "latency": 5.0}


def run(took: dict[str, float], processes: int = 1, *selected: str) -> Progress:
    made = Progress(LINES, took, processes)
    made.select(*(selected or LINES))
    return made


def test_a_section_is_told_when_its_last_line_ends_in_whatever_order() -> None:
    progress = run(TOOK)
    assert [progress.end(one) for one in ("bot", "b", "a", "latency", "report")] == [False, False, True, True, True]


def test_what_is_done_and_what_is_left() -> None:
    progress = run(TOOK)
    progress.begin("a")
    assert progress.text("a") == "Keys  0/2 · 0 of 5 lines · about 48 s left · now a"
    progress.end("a")
    progress.begin("bot")
    assert progress.text("a") == "Keys  1/2 · 1 of 5 lines · about 47 s left · now bot"
    for one in LINES:
        progress.end(one)
    assert progress.text("latency") == "Speed  1/1 · 5 of 5 lines"


@pytest.mark.parametrize(("processes", "left_s"), [(1, 48.0), (2, 45.0), (8, 45.0)])
def test_lines_that_need_one_process_take_their_time_however_many_there_are(processes: int, left_s: float) -> None:
    assert run(TOOK, processes).left_s() == left_s


def test_nothing_is_guessed_where_most_lines_are_new() -> None:
    assert run({}).left_s() is None
    assert run({"a": 1.0}).left_s() is None
    assert run({"a": 1.0, "b": 1.0, "bot": 1.0}).left_s() == 3.0
    progress = run({})
    progress.begin("bot")
    assert progress.text("bot") == "Run  0/2 · 0 of 5 lines · now bot"


def test_breaks_are_counted_beside_lines() -> None:
    progress = run({})
    progress.end("a")
    progress.begin("a")
    assert progress.text("a") == "Keys  1/2 · 1 of 5 lines · now a"
    progress.tried("a")
    assert progress.text("a") == "Keys  1/2 · 1 of 5 lines · 1 break tried"


def test_only_what_was_selected_counts() -> None:
    progress = run(TOOK, 1, "a", "bot")
    progress.select("no line")
    assert progress.end("a")
    assert progress.text("a") == "Keys  1/1 · 1 of 2 lines · about 30 s left"


def test_durations_are_those_of_lines_that_ran(tmp_path: Path) -> None:
    lines = [
        {"id": "a", "duration_s": 1.5, "outcome": "failed"},
        {"id": "b", "duration_s": 0.0, "outcome": "not_run"},
    ]
    file = tmp_path / "verdict.json"
    file.write_text(json.dumps({"runbooks": [{"lines": lines}]}), encoding="utf-8")
    assert last_durations(file) == {"a": 1.5}


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"runbooks": [{"lines": [{"id": 1}]}]}', '{"runbooks": 1}'])
def test_a_verdict_that_tells_nothing_is_no_fault(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "verdict.json"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    assert last_durations(file) == {}
