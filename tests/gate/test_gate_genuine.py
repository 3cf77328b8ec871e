"""A conftest that patches the package makes no GO: what a line says then, nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.gate.genuine import patched

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

PATCHES = {
    "helper": (
        "from pytest_kraken_golive.checks import profiles\nprofiles.refuse = lambda faults: None\n",
        "pytest_kraken_golive.checks.profiles.refuse",
    ),
    "check": (
        "from pytest_kraken_golive.checks import profiles\n"
        "def fine(runtime_config, evidence, *, profile: str, rate_limit_max: float, network_errors_max: float,"
        " health_min: float):\n    evidence.record('nothing', 1)\n"
        "profiles.paper_thresholds.function = fine\n",
        "pytest_kraken_golive.checks.profiles.paper_thresholds",
    ),
    "method": (
        "from pytest_kraken_golive.contract import Evidence\nEvidence.require = lambda self, *pairs, do=None: None\n",
        "pytest_kraken_golive.contract.Evidence.require",
    ),
    "mock": (
        "from unittest import mock\nfrom pytest_kraken_golive.checks import profiles\nprofiles.refuse = mock.Mock()\n",
        "pytest_kraken_golive.checks.profiles.refuse is not the package's own: it was replaced by a mock",
    ),
    "class": (
        "from pytest_kraken_golive.checks import profiles\nclass Words(str): pass\nprofiles.Words = Words\n",
        "pytest_kraken_golive.checks.profiles.Words",
    ),
    "gate": (
        "from pytest_kraken_golive.gate import outcome\nold = outcome.judge_phase\n"
        "outcome.judge_phase = lambda when, error: old(when, None)\n",
        "pytest_kraken_golive.gate.outcome.judge_phase",
    ),
}


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["alone", "spread"])
@pytest.mark.parametrize("name", PATCHES)
def test_what_is_patched_at_import_is_no_go(project: Project, name: str, spread: tuple[str, ...]) -> None:
    project.deployment("paper-thresholds")
    text, place = PATCHES[name]
    project.conftest(text)
    run = project.gate(*spread)
    run.require("NO-GO", 10)
    said = [run.verdict["reason"], *run.verdict["troubles"], run.message("paper-thresholds")]
    assert any(place in one for one in said), said
    assert name == "mock" or any("conftest.py" in one for one in said), said


def test_what_is_patched_while_lines_run_fails_the_line(project: Project) -> None:
    project.deployment("paper-thresholds")
    project.conftest(
        "from pytest_kraken_golive.checks import profiles\n\n"
        "@pytest.fixture(autouse=True)\ndef patch(monkeypatch):\n"
        "    monkeypatch.setattr(profiles, 'refuse', lambda faults: None)\n"
    )
    run = project.gate()
    run.require("NO-GO", 10, "pytest_kraken_golive.checks.profiles.refuse is not the package's own")
    assert run.outcomes == {"paper-thresholds": "failed"}


def test_a_check_that_takes_the_place_of_another_is_no_patch(project: Project) -> None:
    project.deployment("paper-thresholds")
    project.conftest(
        "@check('paper_thresholds', replaces='paper_thresholds')\n"
        "def own(evidence, *, profile: str, rate_limit_max: int, network_errors_max: int, health_min: float) -> None:\n"
        "    evidence.record('nothing', 1)\n"
    )
    run = project.gate()
    run.require("GO", 0)
    assert run.verdict["scope"]["replaced_checks"] == ["paper_thresholds"]


def test_the_package_as_it_is_has_nothing_foreign() -> None:
    assert patched() == []
