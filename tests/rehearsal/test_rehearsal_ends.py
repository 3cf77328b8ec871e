"""A rehearsal ends with the run that owns it, however that ends: no process, no folder, and NO-GO on file."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["rehearsal_project"]

HANGING = """
import time
from pathlib import Path

HERE = Path(__file__).parent

@check("hangs")
def hangs(paper_bot, evidence: Evidence) -> None:
    evidence.record("test", 1)
    paper_bot.run()
    (HERE / "hanging").write_text("")
    time.sleep(120)
"""

IDLE_BOT = """
import sys, time
from pathlib import Path
report = Path(sys.argv[1])
report.parent.mkdir(parents=True, exist_ok=True)
report.write_text('{"finished_at": "2026-11-20T12:00:00Z"}')
time.sleep(120)
"""
"""It reports at once and never ends by itself, not even when its standard input is closed."""

PATIENCE_S = 30


def start_and_hang(project: Project, *arguments: str) -> psutil.Popen:
    """A run that hangs in a line, its rehearsal up and its bot running."""
    project.conftest(HANGING)
    project.runbook("a holds value=yes", "b hangs", "c hangs")
    project.write("bot.py", IDLE_BOT)
    project.write("config/golive.yaml", "commands:\n  bot: [bot.py, '{report}']\n")
    run = project.start(*arguments)
    until = time.monotonic() + PATIENCE_S
    while not (project.root / "hanging").exists():
        assert run.poll() is None, project.root.joinpath("out.txt").read_text(encoding="utf-8")
        assert time.monotonic() < until, project.root.joinpath("out.txt").read_text(encoding="utf-8")
        time.sleep(0.02)
    processes = project.processes()
    assert any("rehearsal.host" in one for one in processes), processes
    assert any("bot.py" in one for one in processes), processes
    assert project.verdict()["verdict"] == "NO-GO"  # from the first moment
    return run


def require_no_go_and_nothing_left(project: Project) -> None:
    project.require_nothing_left(within_s=30)
    assert project.verdict()["verdict"] == "NO-GO"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal that stands for Ctrl-C in another process")
@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_ctrl_c(project: Project, arguments: tuple[str, ...]) -> None:
    run = start_and_hang(project, *arguments)
    os.kill(run.pid, signal.SIGINT)
    assert run.wait(timeout=PATIENCE_S) == 2
    require_no_go_and_nothing_left(project)
    out = project.root.joinpath("out.txt").read_text(encoding="utf-8")
    assert "INTERNALERROR" not in out
    assert "NO-GO (rehearsal, sandbox): " in out.strip().splitlines()[-1]
    assert "interrupted" in project.verdict()["reason"]
    lines = {line["id"]: line["outcome"] for line in project.verdict()["runbooks"][0]["lines"]}
    assert lines["b"] != "passed"
    assert lines["c"] == "not_run"


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_killed(project: Project, arguments: tuple[str, ...]) -> None:
    run = start_and_hang(project, *arguments)
    run.kill()
    run.wait(timeout=PATIENCE_S)
    require_no_go_and_nothing_left(project)


def test_terminated(project: Project) -> None:
    run = start_and_hang(project)
    run.terminate()
    assert run.wait(timeout=PATIENCE_S) != 0
    require_no_go_and_nothing_left(project)


def test_a_host_that_is_killed(project: Project) -> None:
    """The exchange goes away in the middle of a run: the lines that need it say so, the bot does not live on."""
    project.conftest(
        "import os\nimport psutil\n\n@check('kills_host')\n"
        "def kills_host(paper_bot, evidence: Evidence) -> None:\n    evidence.record('test', 1)\n"
        "    paper_bot.run()\n    for one in psutil.Process().children():\n        one.kill()\n        one.wait(10)\n\n"
        "@check('asks')\ndef asks(kraken_sandbox, evidence: Evidence) -> None:\n"
        "    evidence.record('test', kraken_sandbox.books())\n"
    )
    project.runbook("a holds value=yes", "b kills_host", "c asks", "d holds value=yes")
    project.write("bot.py", IDLE_BOT)
    project.write("config/golive.yaml", "commands:\n  bot: [bot.py, '{report}']\n")
    run = project.gate()
    run.require("NO-GO", 10, "c: ")
    assert (run.outcomes["a"], run.outcomes["d"]) == ("passed", "passed")


def test_a_bot_with_children_leaves_none(project: Project) -> None:
    project.conftest(
        "@check('ends')\ndef ends(paper_bot, evidence: Evidence) -> None:\n"
        "    evidence.record('test', paper_bot.run().pid)\n    paper_bot.finish()\n"
    )
    project.write("child.py", "import time\ntime.sleep(120)\n")
    project.write(
        "bot.py",
        "import subprocess, sys\nfrom pathlib import Path\n"
        "subprocess.Popen([sys.executable, str(Path(__file__).with_name('child.py'))])\n" + IDLE_BOT,
    )
    project.write("config/golive.yaml", "commands:\n  bot: [bot.py, '{report}']\npaper: {stop_grace_s: 0.3}\n")
    project.runbook("a ends")
    project.gate().require("GO", 0)  # that nothing is left is what the project looks at after every run
