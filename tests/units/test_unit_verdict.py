"""From outcomes to one verdict and one exit status."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.result import Cause, LineResult
from pytest_kraken_golive.gate.verdict import (
    Decision,
    decide,
    ended,
    exit_status,
    nearest_cause_first,
)
from pytest_kraken_golive.signoff.waivers import InForce

WAIVER = InForce("line", "why", "Carol", "T-1", dt.datetime(2027, 1, 1, tzinfo=dt.UTC))


def line(outcome: Outcome, order: int = 0, *, message: str = "", distance: int = 0) -> LineResult:
    return LineResult(
        id=f"line-{order}",
        runbook="x.md",
        line=order + 1,
        text="text",
        section=(),
        check="c",
        params={},
        outcome=outcome,
        waiver=WAIVER if outcome is Outcome.WAIVED else None,
        message=message,
        order=order,
        distance=distance,
    )


GOOD = (Outcome.PASSED, Outcome.SIGNED, Outcome.WAIVED)
BAD = (Outcome.FAILED, Outcome.ERROR, Outcome.NOT_PROVEN, Outcome.UNBOUND, Outcome.SUSPECT, Outcome.PENDING)


def test_every_outcome_is_good_bad_or_not_run() -> None:
    assert {*GOOD, *BAD, Outcome.NOT_RUN} == set(Outcome)


@pytest.mark.parametrize("outcome", BAD)
def test_one_bad_line_is_no_go_and_named(outcome: Outcome) -> None:
    verdict = decide([line(Outcome.PASSED), line(outcome, 1, message="why"), line(Outcome.NOT_RUN, 2)])
    assert (verdict.decision, verdict.reason) == (Decision.NO_GO, "line-1: why")
    assert [one.id for one in verdict.blockers] == ["line-1"]
    assert decide([line(outcome)]).reason == f"line-0: {outcome}"


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome.PASSED, "all 2 lines are proven"),
        (Outcome.SIGNED, "1 of 2 lines are proven, 1 signed"),
        (Outcome.WAIVED, "1 of 2 lines are proven, 1 waived (line-1), the first until 2026-12-31"),
    ],
)
def test_good_lines_are_go_and_counted(outcome: Outcome, reason: str) -> None:
    verdict = decide([line(Outcome.PASSED), line(outcome, 1)])
    assert (verdict.decision, verdict.reason, list(verdict.blockers)) == (Decision.GO, reason, [])


def test_what_did_not_run_is_incomplete_and_counted() -> None:
    verdict = decide([line(Outcome.PASSED), line(Outcome.NOT_RUN, 1), line(Outcome.NOT_RUN, 2)])
    assert verdict.decision is Decision.INCOMPLETE
    assert verdict.reason == "2 of 3 lines did not run, the first is line-1"


def test_no_line_at_all_is_no_go_ahead() -> None:
    assert decide([]).decision is Decision.INCOMPLETE


def test_a_trouble_beside_the_lines_is_no_go_and_the_reason() -> None:
    lines = [line(Outcome.PASSED), line(Outcome.FAILED, 1, message="why")]
    verdict = decide(lines, ["worker gw0 died", "more"])
    assert (verdict.decision, verdict.reason) == (Decision.NO_GO, "worker gw0 died")
    assert [one.id for one in verdict.blockers] == ["line-1"]
    assert decide([line(Outcome.PASSED)], ["worker gw0 died"]).decision is Decision.NO_GO
    assert decide([], ["worker gw0 died"]).decision is Decision.NO_GO


@given(st.lists(st.sampled_from(Outcome), max_size=8), st.lists(st.text(min_size=1, max_size=3), max_size=2))
def test_go_is_all_good_and_nothing_else(outcomes: list[Outcome], troubles: list[str]) -> None:
    verdict = decide([line(outcome, order) for order, outcome in enumerate(outcomes)], troubles)
    go = bool(outcomes) and all(outcome in GOOD for outcome in outcomes) and not troubles
    no_go = bool(troubles) or any(outcome in BAD for outcome in outcomes)
    assert verdict.decision is (Decision.GO if go else Decision.NO_GO if no_go else Decision.INCOMPLETE)
    assert len(verdict.blockers) == sum(outcome in BAD for outcome in outcomes)
    assert verdict.reason


def test_what_looks_at_files_is_named_before_what_looks_at_the_run() -> None:
    failed = [
        line(Outcome.FAILED, order, distance=distance) for order, distance in ((4, 0), (0, 2), (2, 1), (1, 2), (3, 0))
    ]
    assert [one.order for one in nearest_cause_first(failed)] == [3, 4, 2, 0, 1]
    assert decide(failed).reason.startswith("line-3:")


def test_what_points_to_another_line_comes_after_all_that_stand_for_themselves() -> None:
    lines = [
        replace(line(Outcome.FAILED, 0), cause=Cause("line-3", sure=True)),
        replace(line(Outcome.FAILED, 1, distance=2), cause=Cause("line-3", sure=False)),
        line(Outcome.FAILED, 2, distance=2),
        line(Outcome.FAILED, 3),
    ]
    assert [one.order for one in nearest_cause_first(lines)] == [3, 2, 1, 0]


@pytest.mark.parametrize(("decision", "status"), [(Decision.GO, 0), (Decision.NO_GO, 10), (Decision.INCOMPLETE, 11)])
def test_the_exit_status_is_the_verdicts(decision: Decision, status: int) -> None:
    assert exit_status(decision, 0) == status


@pytest.mark.parametrize("pytests", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("decision", list(Decision))
def test_pytests_own_statuses_are_never_lowered(decision: Decision, pytests: int) -> None:
    assert exit_status(decision, pytests) == pytests


@pytest.mark.parametrize("decision", [Decision.NO_GO, Decision.INCOMPLETE])
@pytest.mark.parametrize("pytests", [0, 1, 7, 20, 255])
def test_no_status_of_pytest_makes_a_bad_verdict_a_zero(decision: Decision, pytests: int) -> None:
    assert exit_status(decision, pytests) in (10, 11)


def test_what_ends_while_the_run_goes_on_is_told() -> None:
    """A run may pass midnight, or outlast a signature."""
    day, end = dt.timedelta(days=1), WAIVER.expires_at
    waived = line(Outcome.WAIVED)
    signed = replace(line(Outcome.SIGNED, 1), signatures=({"signed_at": "2026-12-31T00:00:00Z"},))
    assert ended([waived, signed, line(Outcome.PASSED, 2)], end - dt.timedelta(seconds=1), day) == []
    waiver, signature = ended([waived, signed], end, day)
    assert "the waiver for 'line-0' ended while the run went on" in waiver
    assert "a signature under 'line-1' grew too old" in signature
