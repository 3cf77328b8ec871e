"""A line tells all faults that its check found in one look, and each thing that it saw once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.contract import Evidence, Faults, Found, Where, refuse

if TYPE_CHECKING:
    from golive_project import GateRun, Project

pytest_plugins = ["golive_project"]

CHECKS = """
from pytest_kraken_golive.contract import Found, Where

KEYS = {"c": 5, "d": 7, "e": 0, "f": 1}


@check("limits_hold")
def limits_hold(evidence: Evidence, *, keys: list[str]) -> None:
    found = [Found(KEYS[key], Where("limits.yaml", list(KEYS).index(key) + 1, f"a.b.{key}")) for key in keys]
    evidence.saw(found[0])
    evidence.require(*((one, 0) for one in found))
"""

SECOND = "limits.yaml:2 a.b.d: expected 0, found 7."


@pytest.fixture(params=[(), ("-n", "2")], ids=["alone", "spread"])
def run(request: pytest.FixtureRequest, project: Project) -> GateRun:
    project.conftest(CHECKS)
    project.runbook("several limits_hold keys=[c,d,e]")
    return project.gate(*request.param)


def test_every_fault_is_told_on_the_screen_on_the_page_and_in_the_verdict(run: GateRun, project: Project) -> None:
    run.require("NO-GO", 10, "limits.yaml:1 a.b.c: expected 0, found 5")
    line = run.lines["several"]
    assert line["message"].startswith("limits.yaml:1 a.b.c: expected 0, found 5. Next: ")
    assert [one.partition(" Next: ")[0] for one in line["also"]] == [SECOND]
    assert " ".join(run.out.split()).count(SECOND) == 1
    page = (project.root / "reports/signoff.html").read_text(encoding="utf-8")
    assert page.count(SECOND) == 2  # in the head, and its place among the lines
    (result,) = (project.root / "reports/allure-results").glob("*-result.json")
    assert SECOND in result.read_text(encoding="utf-8")


def test_the_page_has_one_card_for_one_fault(run: GateRun, project: Project) -> None:
    page = (project.root / "reports/signoff.html").read_text(encoding="utf-8")
    assert run.exit_status == 10
    assert page.count("limits.yaml:1 a.b.c: expected 0, found 5.") == 2  # in the head, and its place among the lines
    assert page.count('id="blocking"') == 1


def test_what_was_recorded_twice_is_kept_once(run: GateRun) -> None:
    assert [seen["key"] for seen in run.lines["several"]["evidence"]] == ["a.b.c", "a.b.d", "a.b.e"]


def test_what_looks_alike_is_not_the_same() -> None:
    evidence = Evidence()
    for value in (1, True, 1.0, "1", 1):
        evidence.record("here", value)
    assert [type(record.value) for record in evidence.records] == [int, bool, float, str]


def test_a_line_with_a_fault_that_nobody_else_tells_follows_from_none(project: Project) -> None:
    project.conftest(CHECKS)
    project.runbook(
        "several limits_hold keys=[c,d]",
        "second limits_hold keys=[d]",
        "both limits_hold keys=[d,c]",
        "more limits_hold keys=[d,f]",
    )
    lines = project.gate().lines
    follows = {line_id: (line["follows_from"] or {}).get("id") for line_id, line in lines.items()}
    assert follows == {"several": None, "second": "several", "both": "several", "more": None}


def test_two_wrong_thresholds_are_told_at_once(project: Project) -> None:
    project.deployment("paper-thresholds")
    run = project.gate()
    run.require("GO", 0)
    project.edit("config/runtime.yaml", "rate_limit_max: 0", "rate_limit_max: 7")
    project.edit("config/runtime.yaml", "network_errors_max: 0", "network_errors_max: 5")
    line = project.gate().lines["paper-thresholds"]
    assert "rate_limit_max: expected 0, found 7." in line["message"]
    assert ["network_errors_max: expected 0, found 5." in one for one in line["also"]] == [True]


def test_refuse_without_faults_does_nothing() -> None:
    refuse([])
    with pytest.raises(Faults, match="one\nother"):
        refuse(["one", "other", "one"])
    with pytest.raises(AssertionError, match="expected 2, found 1"):
        Evidence().require((Found(1, Where("a.yaml")), 2))
