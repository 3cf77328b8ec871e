"""Each stage has a deployment, an exchange and programs of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

CHECKS = """
from pathlib import Path

@check("ready")
def ready(deployment, kraken_sandbox, evidence) -> None:
    text = deployment.env_path.read_text(encoding="utf-8")
    evidence.record(".env", sorted(line.partition("=")[0] for line in text.splitlines()))
    assert f"KRAKEN_BASE_URL={kraken_sandbox.bot_url}" in text
    assert "KRAKEN_USE_SANDBOX=false" in text

@check("on_paper")
def on_paper(deployment, evidence) -> None:
    text = deployment.env_path.read_text(encoding="utf-8")
    evidence.record(".env", text)
    assert "KRAKEN_USE_SANDBOX=true" in text
    assert "KRAKEN_API_SECRET" not in text

@check("deploys")
def deploys(live_commands, evidence) -> None:
    run = live_commands.run("deploy")
    evidence.record("deploy", run.output)
    assert run.exit_status == 0, run
    assert live_commands.run("deploy") == run, "it ran twice"
    assert Path(run.output.split()[0]).samefile(live_commands.root / "config" / "runtime.yaml")

@check("has_no_such_program")
def has_no_such_program(live_commands, evidence) -> None:
    live_commands.run("stop")
"""

DEPLOY = """
import subprocess, sys
service = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
with open({pids!r}, "a", encoding="utf-8") as pids:
    print(service.pid, file=pids)
print(sys.argv[1])
"""


@pytest.fixture
def staged(project: Project) -> Project:
    project.deployment("keychain-key")
    project.conftest(CHECKS)
    project.write("deploy.py", DEPLOY.format(pids=str(project.root / "pids")))
    project.write("config/golive.yaml", 'commands:\n  deploy: [deploy.py, "{config}"]\n  stop: [there-is-none]\n')
    return project


def production(project: Project, *lines: str) -> None:
    path = project.runbook(*lines, name="production")
    path.write_text("---\nstage: production\n---\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_both_stages_in_one_run_and_nothing_that_a_deploy_left_lives_on(
    staged: Project, workers: tuple[str, ...]
) -> None:
    staged.runbook("p on_paper", name="other")
    production(staged, "a ready", "b deploys")
    run = staged.gate(*workers)
    run.require("GO", 0, "all 4 lines are proven")
    assert "KRAKEN_API_SECRET" in run.lines["a"]["evidence"][0]["value"]
    (pid,) = (staged.root / "pids").read_text(encoding="utf-8").split()
    until = time.monotonic() + 60
    while psutil.pid_exists(int(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(pid))
    assert not list(staged.temporary.glob("kraken-golive*"))


def test_a_command_that_cannot_be_started_is_not_proven(staged: Project) -> None:
    production(staged, "c has_no_such_program")
    run = staged.gate("config/runbooks/production.md")
    assert run.outcomes["c"] == "not_proven"
    assert "there is no program 'there-is-none'" in run.message("c")
    assert "Next: correct commands.stop in config/golive.yaml" in run.message("c")
