"""The page that a run leaves: it says NO-GO from the first moment, and the verdict's own words at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.reporting.signoff_page import render

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

SLOW = """
import time
from pathlib import Path

@check("waits")
def waits(evidence, request) -> None:
    (request.config.rootpath / "waiting").touch()
    time.sleep(60)
"""


def page(project: Project, folder: str = "reports") -> str:
    return (project.root / folder / "signoff.html").read_text("utf-8")


def test_the_page_is_the_verdict_in_words(project: Project) -> None:
    project.small(a="yes", b="no")
    run = project.gate("-n", "1")
    assert page(project) == render(run.verdict)
    assert "expected yes, found no" in page(project)
    assert "../config/runbooks/" in page(project)
    again = project.gate("--golive-report-dir", "out/deep")
    assert again.exit_status == 10
    assert "../../config/runbooks/" in page(project, "out/deep")


def test_a_run_that_is_killed_leaves_no_go_where_a_go_stood(project: Project) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    assert "✔</span> GO" in page(project)
    project.conftest(SLOW)
    project.runbook("a waits")
    process = project.start()
    until = time.monotonic() + 60
    while not (project.root / "waiting").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    assert "the run did not reach its end" in page(project)
    process.kill()
    process.wait(timeout=30)
    assert "✘</span> NO-GO" in page(project)
    assert "✔</span> GO" not in page(project)


def test_a_run_that_cannot_start_says_so(project: Project) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    project.runbook("a no_such_check")
    assert project.gate().exit_status == 4
    assert "✘</span> NO-GO" in page(project)
    assert "no_such_check" in page(project)


@pytest.mark.parametrize("secret", ['"outcome": "passed"', '<h2 id="waivers">'])
def test_a_secret_in_the_form_of_a_report_is_no_go_by_exit_status_too(
    project: Project, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("SOME_PASSWORD", secret)
    project.small(a="yes")
    run = project.gate()
    assert (run.exit_status, run.verdict["verdict"]) == (10, "NO-GO")
    assert run.last.startswith("✘ NO-GO (scope unknown): a secret stands in ")
    assert "own form" in page(project)


def test_github_is_told_before_the_last_word(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = project.root / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.root))
    project.small(a="yes", b="no")
    run = project.gate()
    run.require("NO-GO", 10, "expected yes, found no")
    assert "## ✘ NO-GO (rehearsal, sandbox)" in summary.read_text("utf-8")
    command = next(row for row in run.out.splitlines() if row.startswith("::error "))
    assert command.startswith("::error file=config/runbooks/x.md,line=")
    assert "expected yes, found no" in command


FORGING = """
FORGED = "x\\n::error file=a.py::forged\\n  ::warning::forged\\n##[error]forged\\r::notice::forged"


@check("forges")
def forges(evidence) -> None:
    print(FORGED)
    evidence.record("test", FORGED)
    raise AssertionError(FORGED)
"""


def commands(out: str) -> list[str]:
    """What GitHub's runner would take for commands, in the order of its log."""
    found, word = [], None
    for row in out.splitlines():
        line = row.lstrip()
        if word is not None:
            word = None if line == f"::{word}::" else word
        elif line.startswith("::stop-commands::"):
            word = line.removeprefix("::stop-commands::")
        elif line.startswith("::") or "##[" in line:
            found.append(line)
    assert word is None, "nobody could give a command any more"
    return found


@pytest.mark.parametrize(
    "arguments", [("-rA", "-vv", "-s"), ("-n", "1", "-p", "no:terminal"), ("--golive-runbook=no",)]
)
def test_no_text_is_a_command_to_github(
    project: Project, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.conftest(FORGING)
    project.runbook("a forges", "b holds value=::error::forged")
    run = project.gate(*arguments)
    assert run.exit_status in {4, 10}
    given = commands(run.out)
    assert len(given) == (2 if run.exit_status == 10 else 0), run.out
    assert all(one.startswith("::error file=config/runbooks/x.md,line=") for one in given)


def test_nobody_is_told_elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.root / "summary.md"))
    project.small(a="yes")
    assert "::notice" not in project.gate().out
    assert not (project.root / "summary.md").exists()
