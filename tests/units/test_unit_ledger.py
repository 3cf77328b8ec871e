"""What was reported about lines and about everything else."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_kraken_golive.contract import Outcome, check
from pytest_kraken_golive.gate.canary import FAILED_AS_IT_MUST
from pytest_kraken_golive.gate.ledger import Ledger, ReportListener
from pytest_kraken_golive.gate.plan import Plan, make_plan
from pytest_kraken_golive.gate.registry import Registry
from pytest_kraken_golive.gate.verdict import Decision, decide
from pytest_kraken_golive.signoff.waivers import InForce

BOOK = """# T

## Keys

- One holds. <!-- golive: {id: one, check: holds, value: x} -->
- The run holds. <!-- golive: {id: two, check: runs} -->
- Nobody bound this.
"""


def holds(evidence: Any, *, value: str) -> None: ...
def looks_at_the_run(paper_report: Any, evidence: Any) -> None: ...


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "x.md"
    path.write_text(BOOK, encoding="utf-8")
    registry = Registry()
    registry.add(check("holds")(holds))
    registry.add(check("runs")(looks_at_the_run))
    return make_plan([path], registry, tmp_path)


@pytest.fixture
def ledger(plan: Plan) -> Ledger:
    return Ledger(plan)


def phase(
    nodeid: str,
    when: Literal["setup", "call", "teardown"] = "call",
    outcome: Literal["passed", "failed", "skipped"] = "passed",
    **ours: Any,
) -> pytest.TestReport:
    made = pytest.TestReport(nodeid, ("x.md", 0, "x"), {}, outcome, None, when, duration=0.25, stop=9.0)
    if ours:
        vars(made)["golive"] = json.dumps({"outcome": outcome, **ours})
    return made


def pass_line(ledger: Ledger, line_id: str) -> None:
    known: dict[str, Any] = {
        "message": "",
        "ran": True,
        "canary": FAILED_AS_IT_MUST,
        "evidence": [{"source": "f", "value": 1}],
    }
    ledger.take(phase(f"x.md::{line_id}", "setup", message=""))
    ledger.take(phase(f"x.md::{line_id}", "call", **known))
    ledger.take(phase(f"x.md::{line_id}", "teardown", **known))


def test_what_was_not_reported_did_not_run(ledger: Ledger) -> None:
    assert [(one.id, one.outcome) for one in ledger.results()] == [
        ("one", Outcome.NOT_RUN),
        ("two", Outcome.NOT_RUN),
        ("unbound-nobody-bound-this", Outcome.NOT_RUN),
    ]


def test_a_result_says_what_the_runbook_and_the_reports_say(ledger: Ledger) -> None:
    pass_line(ledger, "one")
    first, second, third = ledger.results()
    assert (first.id, first.runbook, first.line, first.text) == ("one", "x.md", 5, "One holds.")
    assert (first.section, first.check, first.params) == (("T", "Keys"), "holds", {"value": "x"})
    assert (first.outcome, first.duration_s, first.order) == (Outcome.PASSED, 0.75, 0)
    assert first.evidence == [{"source": "f", "value": 1}]
    assert first.distance < second.distance
    assert (third.check, third.params) == (None, {})


def test_lines_that_passed_are_known_by_their_check(ledger: Ledger) -> None:
    assert ledger.passed("holds") == []
    pass_line(ledger, "one")
    assert ledger.passed("holds") == [("one", 9.0)]
    assert ledger.passed("runs") == []
    ledger.take(phase("x.md::one", "teardown", "failed"))
    assert ledger.passed("holds") == []


def test_another_test_that_failed_is_a_trouble_and_one_that_passed_is_none(ledger: Ledger) -> None:
    for line_id in ("one", "two", "unbound-nobody-bound-this"):
        pass_line(ledger, line_id)
    for when in ("setup", "call", "teardown"):
        ledger.take(phase("tests/test_a.py::one", when))
    assert decide(ledger.results(), ledger.troubles).decision is Decision.GO
    ledger.take(phase("tests/test_a.py::test_b", "setup", "failed"))
    ledger.take(phase("tests/test_a.py::test_b", "teardown", "failed"))
    assert len(ledger.troubles) == 1
    assert "tests/test_a.py::test_b" in ledger.troubles[0]
    assert decide(ledger.results(), ledger.troubles).decision is Decision.NO_GO


def test_a_break_whose_line_was_left_out_did_not_survive(ledger: Ledger) -> None:
    row = {"line": "one", "break": "gone", "tried": False, "killed": False, "problem": "its line was not selected"}
    ledger.proof.rows.append(row)
    assert ledger.troubles == []
    assert (ledger.proof.document()["survivors"], ledger.proof.document()["not_tried"]) == ([], ["one[gone]"])
    assert decide(ledger.results(), ledger.troubles).decision is Decision.INCOMPLETE
    ledger.proof.rows.append({**row, "tried": True})
    assert "1 of 2 breaks survived, the first is one[gone]" in ledger.troubles[0]


def test_a_file_that_cannot_be_collected_is_a_trouble(ledger: Ledger) -> None:
    listener = ReportListener(ledger)
    listener.pytest_collectreport(pytest.CollectReport("tests/test_a.py", "passed", None, []))
    assert ledger.troubles == []
    listener.pytest_collectreport(pytest.CollectReport("tests/test_a.py", "failed", "ImportError", []))
    listener.pytest_runtest_logreport(phase("tests/test_b.py::test_c", "call", "failed"))
    assert [trouble.split(" ")[0] for trouble in ledger.troubles] == ["tests/test_a.py", "tests/test_b.py::test_c"]


def test_what_was_found_late_is_not_waived_and_hides_no_error(ledger: Ledger) -> None:
    ends = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)
    ledger.waivers = {
        "one": InForce("one", "r", "Carol", "T-1", ends),
        "two": InForce("two", "r", "Carol", "T-1", ends),
    }
    pass_line(ledger, "one")
    ledger.take(phase("x.md::two", outcome="failed"))
    ledger.fail_at_the_end("holds", "x: holds a credential.")
    ledger.fail_at_the_end("runs", "x: holds a credential.")
    found = {one.id: one.outcome for one in ledger.results()}
    assert found["one"] is Outcome.FAILED
    assert found["two"] is Outcome.FAILED
    assert all(one.waiver is None for one in ledger.results())
