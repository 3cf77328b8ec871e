"""The project's own bot: what goes wrong with it is said with its name, and it never outlives the run."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["rehearsal_project"]

LINES = ("environment-exchange", "paper-run", "summary-status")

WELL_BEHAVED = """
import sys
from pytest_kraken_golive.bot.main import main

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
sys.exit(main(["--mode", arguments["--mode"], "--entrypoint", arguments["--entrypoint"],
               "--config", "config/runtime.yaml", "--report", "reports/run.json"]))
"""
"""As a bot of one's own does it: it takes no report's name, and leaves its report where it likes."""


def with_bot(
    project: Project, script: str, *, words: str = "'{report}'", timeout_s: float = 20.0, more: str = ""
) -> None:
    """The stock deployment with a bot of one's own, `scripts/own_bot.py`."""
    project.deployment(*LINES)
    project.write("scripts/own_bot.py", script)
    policy = f"paper: {{run_s: 0.5, timeout_s: {timeout_s}, stop_grace_s: 1.0}}\n"
    policy += more or f"commands:\n  bot: [scripts/own_bot.py, {words}]\n"
    project.write("config/golive.yaml", policy)


def judge(project: Project) -> GateRun:
    before = project.state("config")
    run = project.gate()
    assert project.state("config") == before
    assert "Traceback" not in run.said
    assert run.outcomes["environment-exchange"] == "passed"
    return run


BAD = {
    "exits-1": ("import sys\nprint('no licence, no trade')\nsys.exit(1)\n", ("exit status 1", "no licence, no trade")),
    "no-report": ("", ("exit status 0", "no whole report")),
    "half-a-report": (
        "import sys\nfrom pathlib import Path\npath = Path(sys.argv[1])\npath.parent.mkdir(exist_ok=True)\n"
        'path.write_text(\'{"run_id": "1", \')\n',
        ("no whole report",),
    ),
    "hangs": (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\ntime.sleep(120)\n",
        ("no report after 2 s", "paper.timeout_s"),
    ),
}


@pytest.mark.parametrize(("script", "words"), BAD.values(), ids=BAD)
def test_a_bot_that_leaves_no_report(project: Project, script: str, words: tuple[str, ...]) -> None:
    with_bot(project, script, timeout_s=2 if "sleep" in script else 20)
    run = judge(project)
    run.require("NO-GO", 10, "paper-run: ")
    for word in (*words, "own_bot.py", "Next:"):
        assert word in run.message("paper-run"), run.message("paper-run")
    assert run.outcomes["paper-run"] in {"not_proven", "failed"}
    assert run.outcomes["summary-status"] in {"not_proven", "failed"}
    assert run.verdict["scope"]["bot"]["kind"] == "own bot"


def test_yesterdays_report_is_no_report(project: Project) -> None:
    with_bot(project, "", words="", more="commands:\n  bot: {run: [scripts/own_bot.py], report: config/old.json}\n")
    old = project.write("config/old.json", json.dumps({"finished_at": "2026-11-19T12:00:00Z", "status": "success"}))
    os.utime(old, (time.time() - 86_400,) * 2)
    run = judge(project)
    run.require("NO-GO", 10, "paper-run: ")
    assert "own_bot.py" in run.message("paper-run")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("[no-such-program-anywhere]", ("no-such-program-anywhere", "config/golive.yaml")),
        ("[scripts/gone.py, '{report}']", ("scripts/gone.py", "config/golive.yaml")),
        ("[scripts/own_bot.py, '{nothing}']", ("{nothing}", "{report}")),
    ],
    ids=["program", "script", "placeholder"],
)
def test_a_command_that_cannot_be_started(project: Project, command: str, words: tuple[str, ...]) -> None:
    with_bot(project, "", more=f"commands:\n  bot: {command}\n")
    run = judge(project)
    run.require("NO-GO", 10, "paper-run: ")
    for word in (*words, "Next:"):
        assert word in run.message("paper-run"), run.message("paper-run")


def test_a_port_that_is_taken(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        project.deployment(*LINES)
        project.write("config/golive.yaml", "paper: {run_s: 0.5, timeout_s: 20}\n")
        project.edit("config/runtime.yaml", "    port: 0", f"    port: {port}")
        run = judge(project)
    run.require("NO-GO", 10, "paper-run: ")
    assert str(port) in run.message("paper-run"), run.message("paper-run")
    assert "Next:" in run.message("paper-run")


def test_a_bot_of_ones_own_that_leaves_its_report_where_it_likes(project: Project) -> None:
    """A program that takes no report's name, with a pattern that says where it leaves it."""
    command = "[scripts/own_bot.py, --mode, '{mode}', --entrypoint, '{entrypoint}']"
    with_bot(project, WELL_BEHAVED, more=f"commands:\n  bot: {{run: {command}, report: 'reports/*.json'}}\n")
    run = judge(project)
    run.require("GO", 0, "all 3 lines are proven")
    bot = run.verdict["scope"]["bot"]
    assert bot["kind"] == "own bot"
    assert bot["exit_status"] == 0
    assert any("own_bot.py" in word for word in bot["command"])
    assert not (project.root / "reports" / "run.json").exists()  # it ran in the copy


def test_the_bot_runs_once_for_all_workers(project: Project) -> None:
    count = "import os\nfrom pathlib import Path\nPath(__file__).with_name(f'ran-{os.getpid()}').touch()\n"
    command = "[scripts/own_bot.py, --mode, '{mode}', --entrypoint, '{entrypoint}']"
    with_bot(project, count + WELL_BEHAVED, more=f"commands:\n  bot: {{run: {command}, report: 'reports/*.json'}}\n")
    run = project.gate("-n", "2")
    run.require("GO", 0)
    assert len(list((project.root / "scripts").glob("ran-*"))) == 1
