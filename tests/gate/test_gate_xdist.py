"""With workers the verdict is the same, and a worker that dies is never forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

DEADLY = """
import os

@check("dies")
def dies(evidence: Evidence) -> None:
    evidence.record("test", 1)
    os.kill(os.getpid(), 9)

@pytest.fixture
def dying() -> None:
    os.kill(os.getpid(), 9)

@check("dies_in_setup")
def dies_in_setup(dying: None, evidence: Evidence) -> None:
    evidence.record("test", 1)
"""


def test_same_lines_outcomes_verdict_and_exit_status(project: Project) -> None:
    project.small(a="yes", b="yes", c="no", d="yes")
    runs = [project.gate(*words) for words in (("-n", "0"), ("-n", "2", "--dist=each"), ("-p", "no:xdist"))]
    for run in runs:
        run.require("NO-GO", 10, "c: expected yes, found no")
        assert run.outcomes == {"a": "passed", "b": "passed", "c": "failed", "d": "passed"}
        assert run.lines["c"]["evidence"] == [{"source": "test", "value": "no"}]
    (alone, *others) = [{name: line | {"duration_s": 0} for name, line in run.lines.items()} for run in runs]
    assert all(other == alone for other in others)
    project.small(a="yes", b="yes")
    project.gate("-n", "2").require("GO", 0, "all 2 lines are proven")


@pytest.mark.parametrize(
    ("deadly", "arguments"),
    [
        ("dies", ("--max-worker-restart=0",)),
        ("dies", ("--clean-alluredir", "--alluredir=reports/allure-results")),
        ("dies_in_setup", ()),
    ],
    ids=["no-restart", "call", "setup"],
)
def test_a_line_that_kills_its_worker(project: Project, deadly: str, arguments: tuple[str, ...]) -> None:
    project.conftest(DEADLY)
    project.runbook("a holds value=yes", f"b {deadly}", "c holds value=yes", "d holds value=no", "e holds value=yes")
    run = project.gate("-n", "2", *arguments)
    run.require("NO-GO", 10)
    assert run.outcomes["b"] in {"failed", "error"}
    others = {name: outcome for name, outcome in run.outcomes.items() if name != "b"}
    expected = {"a": "passed", "c": "passed", "d": "failed", "e": "passed"}
    if "--max-worker-restart=0" in arguments:  # then xdist ends the run, and what did not run says so
        assert all(others[name] in {expected[name], "not_run"} for name in expected)
    else:
        assert others == expected


LOOKS = """
import os
import psutil

@check("looks")
def looks(evidence: Evidence) -> None:
    around = psutil.Process(os.getppid()).children(recursive=True)
    evidence.record("hosts", sum("pytest_kraken_golive.rehearsal.host" in one.cmdline() for one in around))
"""


def test_workers_share_a_rehearsal_only_where_something_may_ask_for_it(project: Project) -> None:
    """Of other tests nobody knows before they are collected what they ask for."""
    project.conftest(LOOKS)
    project.runbook("a looks")
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    for paths, hosts in (((), 0), (("config/runbooks/x.md::a",), 0), (("config/runbooks/x.md", "tests"), 1)):
        run = project.gate("-n", "1", *paths)
        run.require("GO", 0)
        assert run.lines["a"]["evidence"] == [{"source": "hosts", "value": hosts}], paths
