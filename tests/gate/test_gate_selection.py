"""A selection is never a GO, whatever it was selected with, and pytest's own bad news are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

FIRST = "config/runbooks/x.md::first"
SECOND = "config/runbooks/x.md::second"


@pytest.mark.parametrize(
    ("arguments", "left_out"),
    [
        (("-k", "first"), 1),
        (("-k", "first", "-n", "2"), 1),
        (("-m", "golive", "--deselect", FIRST), 1),
        ((FIRST,), 1),
        (("--collect-only", "-q"), 2),
        (("--collect-only", "-n", "2"), 2),
        (("--setup-only",), 2),
        (("--setup-plan",), 2),
    ],
    ids=str,
)
def test_a_selection_of_what_passes_is_incomplete(project: Project, arguments: tuple[str, ...], left_out: int) -> None:
    project.small(first="yes", second="yes")
    run = project.gate(*arguments)
    run.require("INCOMPLETE", 11, f"{left_out} of 2 lines did not run")
    assert list(run.outcomes.values()).count("not_run") == left_out


@pytest.mark.parametrize(
    "arguments",
    [("-k", "second"), ("-x",), (SECOND,), ("--deselect", FIRST)],
    ids=" ".join,
)
def test_a_selection_of_what_fails_is_no_go(project: Project, arguments: tuple[str, ...]) -> None:
    project.small(first="yes", second="no", third="yes")
    run = project.gate(*arguments)
    run.require("NO-GO", 10, "second: expected yes, found no")


@pytest.mark.parametrize(
    ("arguments", "status"), [(("-k", "nothing-like-it"), 5), (("-m", "not golive"), 5), (("-k", "and or"), 4)]
)
def test_pytests_own_exit_status_is_kept(project: Project, arguments: tuple[str, ...], status: int) -> None:
    project.small(a="yes")
    run = project.gate(*arguments)
    assert run.exit_status == status
    assert run.verdict["verdict"] != "GO"


@pytest.mark.parametrize("arguments", [("-x", "-n", "2"), ("--stepwise",)], ids=" ".join)
def test_stopping_where_pytest_calls_it_an_interruption(project: Project, arguments: tuple[str, ...]) -> None:
    project.small(a="no", b="yes")
    run = project.gate(*arguments)
    assert run.exit_status in {2, 10}
    assert run.verdict["verdict"] == "NO-GO"
    assert run.last.startswith("✘ NO-GO (rehearsal, sandbox): ")


def test_last_failed_is_a_selection(project: Project) -> None:
    project.small(a="yes", b="no")
    project.gate("--lf").require("NO-GO", 10, "b: expected yes, found no")
    project.small(a="yes", b="yes")
    run = project.gate("--lf")
    run.require("INCOMPLETE", 11, "1 of 2 lines did not run, the first is a")
    assert run.outcomes == {"a": "not_run", "b": "passed"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("-q", "-q", "-p", "no:cacheprovider", "--no-header", "--no-summary", "-s", "--tb=no"),
        ("-v", "-rA", "--import-mode=importlib", "-m", "golive", "--ff"),
        ("-p", "no:logging", "-p", "no:junitxml", "-p", "no:allure_pytest", "-p", "no:xdist", "-p", "no:warnings"),
        ("-W", "error", "--strict-markers", "--strict-config", "config"),
        ("--golive-runbook", "config/runbooks/x.md"),
    ],
    ids=" ".join,
)
def test_what_selects_nothing_changes_nothing(project: Project, arguments: tuple[str, ...]) -> None:
    project.small(a="yes", b="yes")
    project.gate(*arguments).require("GO", 0, "all 2 lines are proven")


def test_all_plugins_that_are_installed(project: Project) -> None:
    """The plugins that the other runs leave out: random order, hypothesis, anyio, benchmark."""
    project.write("pytest.ini", "[pytest]\n")
    project.small(a="yes", b="yes")
    project.gate().require("GO", 0, "all 2 lines are proven")


@pytest.mark.parametrize(("value", "decision", "status"), [("yes", "GO", 0), ("no", "NO-GO", 10)])
def test_without_pytests_terminal(project: Project, value: str, decision: str, status: int) -> None:
    project.small(a=value)
    project.gate("-p", "no:terminal").require(decision, status)


def test_a_terminal_that_knows_no_signs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    project.small(a="yes")
    for arguments in ((), ("-p", "no:terminal")):
        run = project.gate(*arguments)
        assert (run.exit_status, run.verdict["verdict"]) == (0, "GO")
        assert "GO (rehearsal, sandbox): all 1 lines are proven" in run.last


def test_other_tests_of_the_run_count_too(project: Project) -> None:
    project.small(a="yes")
    project.write("tests/test_other.py", "def test_other():\n    assert False\n")
    run = project.gate("config/runbooks/x.md", "tests")
    run.require("NO-GO", 10, "tests/test_other.py::test_other")
    assert run.outcomes == {"a": "passed"}
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    project.gate("config/runbooks/x.md", "tests").require("GO", 0)


@pytest.mark.parametrize("arguments", [(), ("--continue-on-collection-errors",)], ids=" ".join)
def test_a_test_file_that_cannot_be_collected(project: Project, arguments: tuple[str, ...]) -> None:
    project.small(a="yes")
    project.write("tests/test_other.py", "import no_such_module_anywhere\n")
    run = project.gate("config/runbooks/x.md", "tests", *arguments)
    assert run.exit_status in {2, 10}
    assert run.verdict["verdict"] == "NO-GO"
    assert "tests/test_other.py" in run.last


def test_paths_in_the_ini_file_do_not_hide_the_runbook(project: Project) -> None:
    project.small(a="yes")
    project.write("tests/test_other.py", "def test_other():\n    pass\n")
    project.ini("testpaths = tests")
    project.gate().require("GO", 0)
    project.ini(addopts="tests")
    run = project.gate()
    run.require("INCOMPLETE", 11)
    assert "addopts" in run.said  # nothing of the runbook was collected: the reader must learn why


def test_from_a_folder_below(project: Project) -> None:
    project.small(a="yes")
    (project.root / "src").mkdir()
    run = project.gate(cwd=project.root / "src")
    assert (run.exit_status, run.verdict["verdict"]) == (0, "GO")
    assert run.outcomes == {"a": "passed"}


def test_golive_by_ini_file(project: Project) -> None:
    project.small(a="yes")
    project.ini("golive_runbooks = config/runbooks/x.md", addopts="--golive")
    project.pytest().require("GO", 0)


def test_an_outer_worker_makes_no_gate_a_worker(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that is started by a test that runs under xdist inherits the worker's variables."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "2")
    project.write("reports/verdict.json", '{"verdict": "GO"}')
    project.small(a="no")
    project.gate().require("NO-GO", 10)
