"""What a line's reports add up to: passed only if everything that must have happened was seen to happen."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from _pytest.subtests import SubtestContext, SubtestReport
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Fault, NotProven, Outcome
from pytest_kraken_golive.gate.canary import FAILED_AS_IT_MUST
from pytest_kraken_golive.gate.outcome import SEVERITY, LineRecord, Unbound, judge_phase

SEEN = [{"source": "config/core.yaml", "value": 1}]
RAN: dict[str, Any] = {
    "outcome": "passed",
    "message": "",
    "ran": True,
    "canary": FAILED_AS_IT_MUST,
    "evidence": SEEN,
}
BEFORE: dict[str, Any] = {**RAN, "ran": False, "evidence": []}


def report(when: str, outcome: str = "passed", golive: dict[str, Any] | None = None, **more: Any) -> pytest.TestReport:
    """One of pytest's own reports, with what the process that ran the line knows."""
    made = pytest.TestReport(
        nodeid="x.md::a",
        location=("x.md", 0, "a"),
        keywords={},
        outcome=outcome,  # type: ignore[arg-type]  # plugins report more than pytest's three, such as rerun
        longrepr=more.pop("longrepr", None),
        when=when,  # type: ignore[arg-type]  # xdist reports a crash as ???
        duration=0.5,
        stop=7.0,
    )
    for name, value in [*({"golive": json.dumps(golive)} if golive is not None else {}).items(), *more.items()]:
        setattr(made, name, value)
    return made


def setup(**more: Any) -> pytest.TestReport:
    return report("setup", golive=BEFORE, **more)


def call(**more: Any) -> pytest.TestReport:
    return report("call", golive=RAN, **more)


def teardown(**more: Any) -> pytest.TestReport:
    return report("teardown", golive=RAN, **more)


def final(*reports: pytest.TestReport) -> tuple[Outcome, str]:
    record = LineRecord()
    for one in reports:
        record.take(one)
    return record.final()


def subtest(outcome: str) -> SubtestReport:
    """A subtest's report, which pytest gives the phase and the node id of its test."""
    reason: Any = ("x.py", 1, "Skipped: no key") if outcome == "skipped" else "it failed"
    plain = report("call", outcome, longrepr=None if outcome == "passed" else reason)
    return SubtestReport._new(plain, SubtestContext(msg="part", kwargs={}), None, None)


def test_everything_seen_is_passed() -> None:
    record = LineRecord()
    for one in (setup(), call(), teardown()):
        record.take(one)
    assert record.final() == (Outcome.PASSED, "")
    assert (record.duration_s, record.finished_at, record.evidence) == (1.5, 7.0, SEEN)


NOT_RAN = {**RAN, "ran": False}
NO_EVIDENCE = {**RAN, "evidence": []}
NO_CANARY = {**RAN, "canary": None}
WRONG_CANARY = {**RAN, "canary": "a check that must fail was reported as passed"}


@pytest.mark.parametrize(
    ("reports", "outcome", "said"),
    [
        pytest.param([], Outcome.NOT_RUN, "", id="nothing"),
        pytest.param([setup()], Outcome.NOT_RUN, "did not run", id="setup-only"),
        pytest.param([setup(), teardown()], Outcome.NOT_RUN, "did not run", id="setup-and-teardown"),
        pytest.param([setup(), call()], Outcome.ERROR, "teardown was never reported", id="no-teardown"),
        pytest.param([call(), teardown()], Outcome.ERROR, "setup was never reported", id="no-setup"),
        pytest.param([call()], Outcome.ERROR, "never reported", id="call-only"),
        pytest.param(
            [setup(), report("call", golive=NOT_RAN), report("teardown", golive=NOT_RAN)],
            *(Outcome.ERROR, "was not called"),
            id="check-not-called",
        ),
        pytest.param(
            [setup(), report("call"), report("teardown")], Outcome.ERROR, "was not called", id="not-our-reports"
        ),
        pytest.param(
            [setup(), report("call", golive=NO_EVIDENCE), report("teardown", golive=NO_EVIDENCE)],
            *(Outcome.NOT_PROVEN, "without a record of evidence"),
            id="no-evidence",
        ),
        pytest.param(
            [setup(), report("call", golive=NO_CANARY), report("teardown", golive=NO_CANARY)],
            *(Outcome.ERROR, "canary"),
            id="no-canary",
        ),
        pytest.param(
            [setup(), report("call", golive=WRONG_CANARY), report("teardown", golive=WRONG_CANARY)],
            *(Outcome.ERROR, "reported as passed"),
            id="canary-passed",
        ),
        pytest.param([setup(), call(wasxfail="later"), teardown()], Outcome.FAILED, "expected to fail", id="xpass"),
        pytest.param(
            [setup(), call(outcome="skipped", wasxfail="later"), teardown()],
            Outcome.FAILED,
            "expected to fail",
            id="xfail",
        ),
        pytest.param(
            [setup(outcome="skipped", wasxfail="later")], Outcome.FAILED, "expected to fail", id="xfail-without-running"
        ),
        pytest.param(
            [setup(), call(outcome="rerun"), setup(), call(), teardown()],
            Outcome.FAILED,
            "run again",
            id="rerun-then-pass",
        ),
        pytest.param(
            [setup(), call(outcome="failed", longrepr="no"), setup(), call(), teardown()],
            Outcome.FAILED,
            "no",
            id="fail-then-pass",
        ),
        pytest.param(
            [setup(outcome="skipped", longrepr=("x.py", 1, "Skipped: why")), teardown()],
            Outcome.NOT_PROVEN,
            "why",
            id="skip",
        ),
        pytest.param([setup(outcome="failed", longrepr="no fixture")], Outcome.FAILED, "no fixture", id="setup-failed"),
        pytest.param(
            [setup(), call(), teardown(outcome="failed", longrepr="left a lock")],
            Outcome.FAILED,
            "left a lock",
            id="teardown-failed",
        ),
        pytest.param(
            [setup(), report("???", "failed", longrepr="worker 'gw0' crashed")],
            Outcome.ERROR,
            "gw0",
            id="worker-crashed",
        ),
        pytest.param(
            [setup(), call(), teardown(), report("???", "failed", longrepr="crashed")],
            *(Outcome.ERROR, "crashed"),
            id="worker-crashed-afterwards",
        ),
        pytest.param(
            [setup(), report("call", "passed", {**RAN, "outcome": "failed", "message": "was 2"}), teardown()],
            *(Outcome.FAILED, "was 2"),
            id="a-plugin-made-it-pass",
        ),
        pytest.param(
            [setup(), report("call", "failed", RAN, longrepr="a plugin's word"), teardown()],
            *(Outcome.FAILED, "a plugin's word"),
            id="a-plugin-made-it-fail",
        ),
        pytest.param(
            [
                setup(),
                report("call", "failed", {**RAN, "outcome": "not_proven", "message": "no file"}, longrepr="x"),
                teardown(),
            ],
            *(Outcome.NOT_PROVEN, "no file"),
            id="not-proven-fails-in-pytest",
        ),
        pytest.param(
            [
                setup(),
                report("call", "failed", {**BEFORE, "outcome": "unbound", "message": "paste"}, longrepr="x"),
                teardown(),
            ],
            *(Outcome.UNBOUND, "paste"),
            id="unbound",
        ),
        pytest.param([setup(), subtest("passed"), call(), teardown()], Outcome.PASSED, "", id="subtest-passed"),
        pytest.param(
            [setup(), subtest("skipped"), call(), teardown()], Outcome.NOT_PROVEN, "no key", id="subtest-skipped"
        ),
        pytest.param(
            [setup(), subtest("failed"), call(), teardown()], Outcome.FAILED, "it failed", id="subtest-failed"
        ),
        pytest.param(
            [setup(), subtest("failed"), subtest("passed"), call(), teardown()],
            Outcome.FAILED,
            "it failed",
            id="one-of-two-subtests",
        ),
        pytest.param([setup(), subtest("passed"), teardown()], Outcome.NOT_RUN, "did not run", id="only-a-subtest"),
    ],
)
def test_what_reports_add_up_to(reports: list[pytest.TestReport], outcome: Outcome, said: str) -> None:
    found, message = final(*reports)
    assert (found, said in message) == (outcome, True), message


whens = st.sampled_from(["setup", "call", "teardown"])
words = st.sampled_from(["passed", "passed", "passed", "failed", "skipped", "rerun"])
ours = st.fixed_dictionaries(
    {"outcome": st.sampled_from(["passed", "passed", "passed", *map(str, SEVERITY)]), "message": st.just("said")},
    optional={
        "ran": st.booleans(),
        "canary": st.just(FAILED_AS_IT_MUST),
        "evidence": st.sampled_from([SEEN, []]),
    },
)
random_reports = st.lists(
    st.one_of(
        st.sampled_from([setup(), call(), teardown()]),
        st.builds(report, whens, words, st.none() | ours, longrepr=st.just("why")),
        st.builds(report, whens, st.just("passed"), ours, wasxfail=st.just("reason")),
        st.just(report("???", "failed", longrepr="crash")),
    ),
    max_size=6,
)


@given(random_reports)
@settings(max_examples=400, deadline=None)
def test_passed_needs_all_and_nothing_against_it(reports: list[Any]) -> None:
    outcome, _ = final(*reports)
    known = [json.loads(getattr(one, "golive", None) or "{}") for one in reports]
    clean = all(one.outcome == "passed" and not hasattr(one, "wasxfail") for one in reports)
    honest = all(one.get("outcome", "passed") == "passed" for one in known)
    whole = {one.when for one in reports} >= {"setup", "call", "teardown"}
    proof = all(any(one.get(key) for one in known) for key in ("ran", "canary", "evidence"))
    assert (outcome is Outcome.PASSED) == (clean and honest and whole and proof)


@given(random_reports)
@settings(max_examples=100, deadline=None)
def test_the_worst_counts_in_whatever_order_reports_come(reports: list[Any]) -> None:
    outcomes = {final(*order)[0] for order in itertools.islice(itertools.permutations(reports), 24)}
    assert len(outcomes) == 1


@given(random_reports, random_reports)
@settings(max_examples=200, deadline=None)
def test_a_bad_outcome_never_gets_better_by_another_report(first: list[Any], more: list[Any]) -> None:
    before, after = (final(*reports)[0] for reports in (first, first + more))
    if any(one.outcome != "passed" for one in first):
        assert before in SEVERITY
        assert SEVERITY.index(after) >= SEVERITY.index(before) > 0


def raised(error: BaseException, when: str = "call") -> tuple[Outcome, str]:
    phase = judge_phase(when, error)
    return phase.outcome, phase.message


def test_nothing_raised_is_passed() -> None:
    assert judge_phase("call", None).outcome is Outcome.PASSED


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_the_contracts_errors_mean_the_same_in_every_phase(when: str) -> None:
    assert raised(NotProven("no file"), when) == (Outcome.NOT_PROVEN, "no file")
    assert raised(Fault("wrong type"), when) == (Outcome.FAILED, "wrong type")
    assert raised(Unbound("paste this"), when) == (Outcome.UNBOUND, "paste this")
    assert raised(pytest.skip.Exception("no network"), when) == (Outcome.NOT_PROVEN, "skipped: no network")


def test_assertions_fail_where_they_belong_and_are_errors_elsewhere() -> None:
    assert raised(AssertionError("expected 1, found 2")) == (Outcome.FAILED, "expected 1, found 2")
    assert raised(pytest.fail.Exception("by hand")) == (Outcome.FAILED, "by hand")
    outcome, message = raised(AssertionError("the fixture's own"), "setup")
    assert (outcome, message) == (Outcome.ERROR, "setup: AssertionError: the fixture's own")
    assert raised(AssertionError("late"), "teardown")[0] is Outcome.ERROR


@pytest.mark.parametrize(
    "error",
    [ValueError("bad"), TypeError("None"), SystemExit(0), MemoryError(), ExceptionGroup("two", [NotProven("a")])],
)
def test_anything_else_is_an_error_that_names_its_kind(error: BaseException) -> None:
    outcome, message = raised(error)
    assert outcome is Outcome.ERROR
    assert message.startswith(f"call: {type(error).__name__}")


def test_the_author_speaks_before_pytest() -> None:
    found, wanted = 2, 1
    with pytest.raises(AssertionError) as caught:
        assert found == wanted, "a.yaml:3 x: expected 1, found 2.\nNext: set it."
    said = [row.strip() for row in raised(caught.value)[1].splitlines()]
    assert said == ["a.yaml:3 x: expected 1, found 2.", "Next: set it."]
    with pytest.raises(AssertionError) as caught:
        assert found == wanted
    assert raised(caught.value)[1] == "assert 2 == 1"


def test_a_list_comparison_without_words_is_one_line() -> None:
    with pytest.raises(AssertionError) as caught:
        assert [1, 2, 3] == [1, 2, 4]
    assert raised(caught.value)[1] == "assert [1, 2, 3] == [1, 2, 4]"
