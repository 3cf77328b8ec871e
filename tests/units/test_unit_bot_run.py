"""One run of the bot: started once, watched until it has reported, and never left hanging."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pytest_kraken_golive.rehearsal.bot_run import BotOrder, BotRun, as_json

PATIENCE_S = 20.0
Made = Callable[..., BotRun]

WHOLE = '{"status": "success", "finished_at": "2026-11-20T12:00:00Z"}'
REPORT = f"import sys\nopen(sys.argv[1], 'w').write({WHOLE!r})\n"
UNTIL_LET_GO = "import sys\nsys.stdin.read()\n"


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Made]:
    """A bot made of a script, which is given the report's path."""
    runs: list[BotRun] = []
    (tmp_path / "reports").mkdir()

    def make(
        script: str,
        *,
        timeout_s: float = PATIENCE_S,
        report: str | None = None,
        words: list[str] | None = None,
        warm_up_s: float = 0.0,
    ) -> BotRun:
        (tmp_path / "bot.py").write_text(script, encoding="utf-8")
        path = str(tmp_path / "reports" / "paper.json")
        order = BotOrder(
            words=words or [sys.executable, "bot.py", "{report}"],
            places={"report": path},
            rootdir=str(tmp_path),
            cwd=str(tmp_path),
            environ={},
            report=report or path,
            output=str(tmp_path / "output"),
            timeout_s=timeout_s,
            stop_grace_s=PATIENCE_S,
            warm_up_s=warm_up_s,
        )
        runs.append(BotRun(order))
        return runs[-1]

    yield make
    for run in runs:
        run.kill()
        run.finish()


def test_a_bot_that_reports_and_waits_is_kept_until_it_is_let_go(bot: Made) -> None:
    run = bot(REPORT + UNTIL_LET_GO)
    assert run.state().pid is None
    run.start()
    state = run.wait(PATIENCE_S)
    assert (state.problem, state.exit_status, state.settled) == (None, None, True)
    assert state.report is not None
    assert Path(state.report).read_text("utf-8") == WHOLE
    assert state.started_at is not None
    end = run.finish()
    assert (end.exit_status, end.ended_by, end.problem, end.report) == (
        *(0, "its standard input was closed", None, state.report),
    )
    assert end.ended_at is not None
    assert end.ended_at >= state.started_at
    assert run.finish() == end


def test_a_bot_that_reports_and_ends(bot: Made) -> None:
    run = bot(REPORT + "print('done')\nraise SystemExit(4)\n")
    run.start()
    run.wait(PATIENCE_S)
    state = run.finish()
    assert (state.exit_status, state.problem, state.output.strip()) == (4, None, "done")
    assert state.ended_by in {"itself", "its standard input was closed"}


def test_a_bot_is_started_once_however_many_ask(bot: Made, tmp_path: Path) -> None:
    run = bot("import os, pathlib\npathlib.Path(f'{os.getpid()}.started').touch()\n" + REPORT + UNTIL_LET_GO)
    threads = [threading.Thread(target=run.start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.wait(PATIENCE_S)
    run.start()
    run.finish()
    run.start()
    assert len(list(tmp_path.glob("*.started"))) == 1


@pytest.mark.parametrize(
    ("script", "status"),
    [
        pytest.param("raise SystemExit(1)", 1, id="exits-1"),
        pytest.param("pass", 0, id="no-report"),
        pytest.param("raise RuntimeError('no key')", 1, id="crashes"),
        pytest.param("import sys\nopen(sys.argv[1], 'w').write('{\"status\": \"succ')", 0, id="half-a-report"),
        pytest.param("import sys\nopen(sys.argv[1], 'w').write('')", 0, id="empty-report"),
        pytest.param("import sys\nopen(sys.argv[1], 'w').write('[]')", 0, id="no-object"),
        pytest.param("import sys\nopen(sys.argv[1], 'wb').write(bytes([255, 254, 0]))", 0, id="no-text"),
        pytest.param("import sys\nopen(sys.argv[1], 'w').write('[' * 100000)", 0, id="too-deep"),
        pytest.param("import os, sys\nos.mkdir(sys.argv[1])", 0, id="a-folder"),
    ],
)
def test_a_bot_without_a_whole_report_is_a_problem_that_names_it(
    bot: Made, tmp_path: Path, script: str, status: int
) -> None:
    run = bot(script)
    run.start()
    state = run.wait(PATIENCE_S)
    assert (state.report, state.exit_status, state.settled) == (None, status, True)
    assert state.problem is not None
    assert f"exit status {status}" in state.problem
    assert str(tmp_path / "reports" / "paper.json") in state.problem
    assert state.ended_by == "itself"
    if "no key" in script:
        assert "RuntimeError: no key" in state.output


def test_a_bot_that_hangs_is_ended_and_told_with_its_real_command(bot: Made, tmp_path: Path) -> None:
    run = bot("print('on', flush=True)\n" + UNTIL_LET_GO, timeout_s=0.4)
    run.start()
    state = run.wait(PATIENCE_S)
    assert state.problem is not None
    assert state.problem.startswith("the bot: no report after 0.4 s (paper.timeout_s), so it was ended. ")
    assert shlex.join([str(tmp_path / "bot.py"), str(tmp_path / "reports" / "paper.json")]) in state.problem
    assert "It said: …on Next: " in state.problem
    assert state.ended_by == "it was killed: no report after 0.4 s"
    assert state.exit_status is not None
    assert run.finish().problem == state.problem


UNKNOWN = '{"finished_at": "2026-11-20T12:00:00Z", "paper_exchange_metrics": {"summary": {"status": "unknown"}}}'


@pytest.mark.parametrize(
    ("content", "warm_up_s"),
    [
        pytest.param('{"status": "success"}', 0.0, id="not-finished"),
        pytest.param(UNKNOWN, 3600.0, id="unknown-in-warm-up"),
    ],
)
def test_a_report_that_is_not_final_is_not_taken_from_a_running_bot(bot: Made, content: str, warm_up_s: float) -> None:
    run = bot(REPORT.replace(WHOLE, content) + UNTIL_LET_GO, timeout_s=0.4, warm_up_s=warm_up_s)
    run.start()
    state = run.wait(PATIENCE_S)
    assert state.report is None
    assert state.problem is not None
    assert "paper.json" in state.problem
    assert "no report after 0.4 s" in state.problem


@pytest.mark.parametrize("end", ["", UNTIL_LET_GO], ids=["ended", "still-there"])
def test_a_report_that_came_too_late_is_none_whenever_somebody_asks(bot: Made, end: str) -> None:
    written = REPORT.replace("sys.argv[1]", "sys.argv[1] + '.new'")
    late = "import os, time\nnew = sys.argv[1] + '.new'\nlater = time.time() + 90\nos.utime(new, (later, later))\n"
    run = bot(written + late + "os.replace(new, sys.argv[1])\n" + end, timeout_s=60.0 if not end else 0.5)
    run.start()
    state = run.wait(PATIENCE_S)
    assert state.report is None
    assert state.problem is not None
    assert "s too late: paper.json" in state.problem


def test_a_report_that_stays_unknown_is_taken_after_the_warm_up(bot: Made) -> None:
    run = bot(REPORT.replace(WHOLE, UNKNOWN) + UNTIL_LET_GO, warm_up_s=0.05)
    run.start()
    assert run.wait(PATIENCE_S).report is not None


def test_an_ended_bots_report_is_taken_whatever_it_says(bot: Made) -> None:
    run = bot(REPORT.replace(WHOLE, UNKNOWN), warm_up_s=3600.0)
    run.start()
    assert run.wait(PATIENCE_S).report is not None


def test_yesterdays_report_is_none(bot: Made, tmp_path: Path) -> None:
    old = tmp_path / "reports" / "paper.json"
    old.write_text(WHOLE, encoding="utf-8")
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    run = bot("pass")
    run.start()
    state = run.wait(PATIENCE_S)
    assert state.report is None
    assert state.problem is not None


def test_a_report_is_found_by_pattern_and_the_newest_whole_one_counts(bot: Made, tmp_path: Path) -> None:
    old = tmp_path / "reports" / "run-0.json"
    old.write_text(WHOLE, encoding="utf-8")
    os.utime(old, (1, 1))
    script = f"open('reports/run-1.json', 'w').write({WHOLE!r})\nopen('reports/run-2.json', 'w').write('{{')\n"
    run = bot(script + UNTIL_LET_GO, report="reports/run-*.json", words=[sys.executable, "bot.py"])
    run.start()
    state = run.wait(PATIENCE_S)
    assert state.report == str(tmp_path / "reports" / "run-1.json")


def test_a_bot_that_cannot_be_started_is_a_problem_and_not_tried_again(bot: Made) -> None:
    run = bot("pass", words=["no-such-program-anywhere"])
    first, second = run.start(), run.start()
    assert first == second
    assert first.settled
    assert first.problem is not None
    assert "no-such-program-anywhere" in first.problem
    assert run.finish() == first


@pytest.mark.parametrize("word", ["{report.x}", "{report[x]}", "{raport}"])
def test_a_command_that_cannot_be_filled_in_is_a_problem(bot: Made, word: str) -> None:
    state = bot("pass", words=[sys.executable, word]).start()
    assert state.problem is not None
    assert word in state.problem


def test_waiting_for_a_bot_that_was_not_started_ends(bot: Made) -> None:
    assert not bot("pass").wait(0.05).settled


def test_the_state_travels_as_json(bot: Made) -> None:
    run = bot(REPORT + UNTIL_LET_GO)
    run.start()
    state = as_json(run.wait(PATIENCE_S))
    assert json.loads(json.dumps(state)) == state
