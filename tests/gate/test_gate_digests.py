"""A verdict is about what was judged: what changes while the gate runs is named, and makes it a NO-GO."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.gate.digests import judged_files
from pytest_kraken_golive.gate.plan import Plan, PlannedLine
from pytest_kraken_golive.policy import Policy

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

EDITS = """
from pathlib import Path

@check("edits")
def edits(evidence: Evidence, *, file: str) -> None:
    evidence.record("test", file)
    path = Path(__file__).parent / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b"\\n# edited\\n")
"""


@pytest.mark.parametrize(
    ("file", "arguments"),
    [
        ("config/runbooks/x.md", ()),
        ("config/golive.yaml", ()),
        ("config/core.yaml", ("-n", "2")),
        ("config/new.yaml", ()),
        ("conftest.py", ()),
        ("lib/words.py", ()),
        ("lib/most.json", ("-n", "1")),
    ],
)
def test_a_file_that_changes_during_the_run_is_named(project: Project, file: str, arguments: tuple[str, ...]) -> None:
    project.conftest(
        EDITS + "\n\n@check('asks')\ndef asks(evidence: Evidence) -> None:\n    import lib.words\n"
        "    evidence.record('test', lib.words.MOST)\n"
    )
    project.write(
        "lib/words.py", "import json, pathlib\nMOST = pathlib.Path(__file__).with_name('most.json').read_text()\n"
    )
    project.write("lib/most.json", "1")
    project.write("config/golive.yaml", "paper: {run_s: 1.0}\n")
    project.write("config/core.yaml", "environments: {}\n")
    project.ini("pythonpath = .")
    project.runbook("a holds value=yes", f"b edits file={file}", "c asks")
    run = project.gate(*arguments)
    run.require("NO-GO", 10, file)
    assert str(project.root) not in run.last  # named as the user knows it


def test_a_runbook_elsewhere_is_watched_too(project: Project) -> None:
    project.conftest(EDITS)
    project.runbook("a holds value=yes")
    (project.root / "docs").mkdir()
    project.root.joinpath("config/runbooks/x.md").rename(project.root / "docs/y.md")
    project.write("docs/y.md", "- Edits. <!-- golive: {id: b, check: edits, file: docs/y.md} -->\n")
    project.gate("--golive-runbook", "docs/y.md").require("NO-GO", 10, "docs/y.md")


def test_a_run_changes_nothing_that_it_judges(project: Project) -> None:
    """Not even byte code beside a conftest below config/: the first run must not stumble over itself."""
    project.small(a="yes")
    project.write("config/runbooks/conftest.py", "import pytest\n")
    project.write("config/__init__.py", "")
    project.write("config/places.py", "PLACE = 1\n")
    project.conftest(
        "@check('imports')\ndef imports(evidence: Evidence) -> None:\n"
        "    from config.places import PLACE\n    evidence.record('test', PLACE)\n"
    )
    project.runbook("a holds value=yes", "b imports")
    project.ini("pythonpath = .")
    project.gate().require("GO", 0)


def test_digests_are_on_record(project: Project) -> None:
    project.small(a="yes")
    project.write("config/core.yaml", "environments: {}\n")
    run = project.gate()
    run.require("GO", 0)
    digests = run.verdict["scope"]["digests"]
    assert set(digests) >= {"config/runbooks/x.md", "config/core.yaml", "conftest.py"}
    assert digests["config/runbooks/x.md"] == run.verdict["runbooks"][0]["sha256"]


def test_the_tests_that_a_line_names_are_watched_with_their_conftests(tmp_path: Path) -> None:
    for file in ("conftest.py", "tests/a/conftest.py", "tests/a/b/test_x.py", "tests/other/conftest.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", encoding="utf-8")
    planned = PlannedLine(**dict.fromkeys(field.name for field in fields(PlannedLine)))  # type: ignore[arg-type]
    plan = Plan(lines={"x": replace(planned, params={"node": "tests/a/b/test_x.py::test_y"})})
    watched = {path.relative_to(tmp_path).as_posix() for path in judged_files(tmp_path, None, plan, Policy())}
    assert watched == {".env", "conftest.py", "tests/a/conftest.py", "tests/a/b/test_x.py"}


def test_a_folder_of_reports_is_no_configuration_unless_it_is_the_configurations_own(tmp_path: Path) -> None:
    names = ("config/core.yaml", "config/reports/verdict.json", "config/reports/allure-results/a.json")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    config = tmp_path / "config"
    assert {path for path in judged_files(tmp_path, None, Plan(), Policy()) if path.is_relative_to(config)} == {
        config / "core.yaml"
    }
    (config / "verdict.json").write_text("{}")
    assert config / "core.yaml" in judged_files(tmp_path, None, Plan(), Policy())


def test_the_projects_own_programs_are_watched(tmp_path: Path) -> None:
    for file in ("bot/main.py", "bin/stop", "runtime/state.json"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", encoding="utf-8")
    commands = {
        "bot": {"run": ["python", "bot/main.py", "runtime/state.json", "--report", "{report}"]},
        "stop": {"run": ["bin/stop", "no/such.py"]},
    }
    policy = Policy.model_validate({"commands": commands})
    watched = {path.relative_to(tmp_path).as_posix() for path in judged_files(tmp_path, None, Plan(), policy)}
    assert watched == {".env", "conftest.py", "bot/main.py", "bin/stop"}
