"""How a line comes out: passed only if everything that must have happened was seen to happen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

CHECKS = """
import sys
import unittest

from pytest_kraken_golive.contract import Fault


@check("skips")
def skips(evidence: Evidence) -> None:
    evidence.record("test", 1)
    pytest.skip("not today")


@check("imports_or_skips")
def imports_or_skips(evidence: Evidence) -> None:
    evidence.record("test", 1)
    pytest.importorskip("no_such_module_anywhere")


@check("unittest_skips")
def unittest_skips(evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise unittest.SkipTest("unittest's way")


@check("subtest_skips")
def subtest_skips(subtests: pytest.Subtests, evidence: Evidence) -> None:
    evidence.record("test", 1)
    with subtests.test("first"):
        pytest.skip("only a part of it")


@check("subtest_fails")
def subtest_fails(subtests: pytest.Subtests, evidence: Evidence) -> None:
    evidence.record("test", 1)
    with subtests.test("first"):
        assert 1 == 2, "a part of it"


@check("lacks")
def lacks(evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise NotProven("report.json: absent. Next: let the bot run.")


@check("faulty")
def faulty(evidence: Evidence) -> None:
    raise Fault("core.yaml:3 a.b: expected 1, found 2. Next: correct it.")


@check("mute")
def mute(evidence: Evidence) -> None:
    for number in ():
        assert number


@check("returns_true")
def returns_true(evidence: Evidence) -> None:
    evidence.record("test", 1)
    return True


@check("returns_false")
def returns_false(evidence: Evidence) -> None:
    evidence.record("test", 1)
    return 1 == 2


@check("leaves")
def leaves(evidence: Evidence) -> None:
    evidence.record("test", 1)
    sys.exit(0)


@check("breaks_down")
def breaks_down(evidence: Evidence) -> None:
    evidence.record("test", 1)
    {}["no such key"]


@check("fails_by_call")
def fails_by_call(evidence: Evidence) -> None:
    evidence.record("test", 1)
    pytest.fail("said so")


@pytest.mark.xfail(reason="known")
@check("expected_to_fail")
def expected_to_fail(evidence: Evidence) -> None:
    evidence.record("test", 1)
    assert 1 == 2, "it does"


@pytest.mark.xfail(reason="known", strict=True)
@check("strictly_expected_to_fail")
def strictly_expected_to_fail(evidence: Evidence) -> None:
    evidence.record("test", 1)
    assert 1 == 2, "it does"


@pytest.mark.xfail(reason="known", strict=False)
@check("expected_to_fail_but_passes")
def expected_to_fail_but_passes(evidence: Evidence) -> None:
    evidence.record("test", 1)


@pytest.mark.xfail(reason="known", strict=True)
@check("strictly_expected_to_fail_but_passes")
def strictly_expected_to_fail_but_passes(evidence: Evidence) -> None:
    evidence.record("test", 1)


@pytest.mark.xfail(run=False)
@check("not_even_run")
def not_even_run(evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("xfails_by_call")
def xfails_by_call(evidence: Evidence) -> None:
    evidence.record("test", 1)
    pytest.xfail("known")


@pytest.mark.skip(reason="by mark")
@check("skipped_by_mark")
def skipped_by_mark(evidence: Evidence) -> None:
    evidence.record("test", 1)


@pytest.mark.skipif("True", reason="by condition")
@check("skipped_by_condition")
def skipped_by_condition(evidence: Evidence) -> None:
    evidence.record("test", 1)


@pytest.fixture
def lacking() -> None:
    raise NotProven("fixture: what it reads is absent")


@pytest.fixture
def skipping() -> None:
    pytest.skip("fixture skips")


@pytest.fixture
def wrong() -> None:
    raise Fault("runtime.yaml:7 x: expected a number, found 'y'. Next: correct it.")


@pytest.fixture
def torn() -> None:
    raise RuntimeError("fixture broke down")


@pytest.fixture
def fails_at_teardown() -> None:
    yield
    raise RuntimeError("teardown broke down")


@pytest.fixture
def skips_at_teardown() -> None:
    yield
    pytest.skip("skipped at teardown")


@pytest.fixture
def records_at_teardown(evidence: Evidence) -> None:
    yield
    evidence.record("test", "too late")


@check("fixture_lacks")
def fixture_lacks(lacking: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("fixture_skips")
def fixture_skips(skipping: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("fixture_wrong")
def fixture_wrong(wrong: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("fixture_torn")
def fixture_torn(torn: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("no_such_fixture")
def no_such_fixture(nowhere_defined: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("teardown_fails")
def teardown_fails(fails_at_teardown: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("teardown_skips")
def teardown_skips(skips_at_teardown: None, evidence: Evidence) -> None:
    evidence.record("test", 1)


@check("evidence_too_late")
def evidence_too_late(records_at_teardown: None) -> None:
    pass


@check("fails_twice")
def fails_twice(fails_at_teardown: None, evidence: Evidence) -> None:
    evidence.record("test", 1)
    raise NotProven("the call lacked something")
"""

EXPECTED = {
    "a": ("passed", ""),
    "no": ("failed", "expected yes, found no"),
    "skips": ("not_proven", "not today"),
    "imports_or_skips": ("not_proven", "no_such_module_anywhere"),
    "unittest_skips": ("not_proven", "unittest's way"),
    "subtest_skips": ("not_proven", "only a part of it"),
    "subtest_fails": ("failed", "a part of it"),
    "lacks": ("not_proven", "report.json: absent. Next: let the bot run."),
    "faulty": ("failed", "core.yaml:3 a.b: expected 1, found 2. Next: correct it."),
    "mute": ("not_proven", "without a record of evidence"),
    "returns_true": ("error", "returned True"),
    "returns_false": ("error", "returned False"),
    "leaves": ("error", "SystemExit"),
    "breaks_down": ("error", "no such key"),
    "fails_by_call": ("failed", "said so"),
    "expected_to_fail": ("failed", ""),
    "strictly_expected_to_fail": ("failed", ""),
    "expected_to_fail_but_passes": ("failed", "expected to fail"),
    "strictly_expected_to_fail_but_passes": ("failed", ""),
    "not_even_run": ("failed", ""),
    "xfails_by_call": ("failed", "known"),
    "skipped_by_mark": ("not_proven", "by mark"),
    "skipped_by_condition": ("not_proven", "by condition"),
    "fixture_lacks": ("not_proven", "fixture: what it reads is absent"),
    "fixture_skips": ("not_proven", "fixture skips"),
    "fixture_wrong": ("failed", "runtime.yaml:7 x: expected a number"),
    "fixture_torn": ("error", "fixture broke down"),
    "no_such_fixture": ("error", "fixture 'nowhere_defined' not found"),
    "teardown_fails": ("error", "teardown broke down"),
    "teardown_skips": ("not_proven", "skipped at teardown"),
    "evidence_too_late": ("not_proven", "without a record of evidence"),
    "fails_twice": ("error", "teardown broke down"),
    "unbound-nobody-checks-this": ("unbound", "<!-- golive: {id: nobody-checks-this, check: nobody_checks_this} -->"),
    "z": ("passed", ""),
}
"""Line id to outcome and a part of its message."""


@pytest.mark.parametrize("arguments", [("-n", "0"), ("-n", "2"), ("-p", "no:xdist", "-p", "no:allure_pytest")])
def test_every_way_not_to_pass(project: Project, arguments: tuple[str, ...]) -> None:
    project.conftest(CHECKS)
    ids = [name for name in EXPECTED if not name.startswith("unbound")]
    own = {"a": "a holds value=yes", "z": "z holds value=yes", "no": "no holds value=no"}
    project.runbook(*(own.get(name, f"{name} {name}") for name in ids[:-1]), "Nobody checks this!", own["z"])
    run = project.gate(*arguments)
    run.require("NO-GO", 10)
    assert run.outcomes == {name: outcome for name, (outcome, _) in EXPECTED.items()}
    wanting = [name for name, (_, part) in EXPECTED.items() if part not in run.message(name)]
    assert not wanting, [(name, run.message(name)) for name in wanting]
    assert sum(run.verdict["counts"].values()) == len(EXPECTED)
    assert EXPECTED["unbound-nobody-checks-this"][1] in run.out
    assert "no: expected yes, found no" in run.last  # the first line in the way, in the order of the runbook


def test_all_passed_is_go(project: Project) -> None:
    project.small(a="yes", b="yes")
    run = project.gate("--junitxml=junit.xml")
    run.require("GO", 0, "all 2 lines are proven")
    assert run.last == "✔ GO (rehearsal, sandbox): all 2 lines are proven  [reports/signoff.html, reports/verdict.json]"
    assert set(run.verdict) >= {
        *("schema_version", "run_id", "verdict", "reason", "production_signoff", "scope", "started_at", "finished_at"),
        *("valid_until", "commit", "dirty", "counts", "runbooks"),
    }
    assert run.verdict["production_signoff"] is False
    assert run.verdict["counts"] == {"passed": 2}
    (book,) = run.verdict["runbooks"]
    assert set(book) >= {"path", "sha256", "stage", "lines"}
    assert (book["path"], book["stage"], len(book["sha256"])) == ("config/runbooks/x.md", "paper", 64)
    line = book["lines"][0]
    assert set(line) >= {
        *("id", "line", "text", "section", "check", "params", "outcome", "message", "duration_s", "evidence"),
    }
    assert (line["id"], line["line"], line["text"]) == ("a", 3, "Line a is true.")
    assert (line["check"], line["params"]) == ("holds", {"value": "yes"})
    assert line["evidence"] == [{"source": "test", "value": "yes"}]
    assert run.verdict["started_at"] <= run.verdict["finished_at"] < run.verdict["valid_until"]
    junit = (project.root / "junit.xml").read_text(encoding="utf-8")
    assert 'classname="config.runbooks.x.md" name="a"' in junit
    assert 'classname="config.runbooks.x.md" name="b"' in junit
    results = [
        json.loads(file.read_text(encoding="utf-8"))
        for file in (project.root / "reports" / "allure-results").glob("*-result.json")
    ]
    assert sorted(result["fullName"] for result in results) == ["config.runbooks.x#a", "config.runbooks.x#b"]
    assert {result["status"] for result in results} == {"passed"}


def test_a_failure_is_no_go_and_named(project: Project) -> None:
    project.small(a="yes", b="no", c="yes")
    run = project.gate()
    run.require("NO-GO", 10, "b: expected yes, found no")
    assert run.outcomes == {"a": "passed", "b": "failed", "c": "passed"}
    assert "✘ b  failed  config/runbooks/x.md:4" in run.out
    assert run.out.count("expected yes, found no") == 2  # among the failures and in the last line
    assert "def holds" not in run.out
    assert "1 failed, 2 passed" in run.out
    assert run.lines["b"]["evidence"] == [{"source": "test", "value": "no"}]


RERUN_AND_SAY_SO = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for turn in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if all(report.passed for report in reports):
            break
        for report in reports:
            report.outcome = "rerun"
            item.ihook.pytest_runtest_logreport(report=report)
        item._initrequest()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
"""As pytest-rerunfailures does it."""

RED_THEN_GREEN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem)
    item._initrequest()
    runtestprotocol(item, nextitem=nextitem)
    return True
"""
"""Both turns are reported: the worst counts, not the last."""

RERUN_IN_SILENCE = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for turn in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if all(report.passed for report in reports):
            break
        item._initrequest()
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
"""As flaky does it: only the last turn is reported."""

RERUN_THE_CALL = """
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    for turn in range(3):
        try:
            item.runtest()
            break
        except AssertionError:
            continue
"""
"""Again until it is green, in the call itself."""

GREEN_AT_LAST = """
import itertools
turns = itertools.count()

@check("green_at_last")
def green_at_last(evidence: Evidence) -> None:
    evidence.record("test", 1)
    assert next(turns) > 0, "the first time"
"""


@pytest.mark.parametrize(
    "plugin",
    [RERUN_AND_SAY_SO, RED_THEN_GREEN, RERUN_IN_SILENCE, RERUN_THE_CALL],
    ids=["loud", "twice", "silent", "call"],
)
def test_again_until_it_is_green_is_not_a_pass(project: Project, plugin: str) -> None:
    project.conftest(GREEN_AT_LAST + plugin)
    project.runbook("a green_at_last")
    run = project.gate()
    run.require("NO-GO", 10, "a: ")
    assert run.outcomes["a"] in {"failed", "error"}
