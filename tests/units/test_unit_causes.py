"""Which of the lines in the way follow from another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.causes import ABOUT_THE_RUN, FILES, THE_RUN, with_causes
from pytest_kraken_golive.gate.result import LineResult

ENVIRONMENT = "config/runtime.yaml:17 trading.entrypoints.desk.environment"
WRONG = f"{ENVIRONMENT}: expected 'paper', found 'live'. Next: set it."


def line(
    line_id: str, message: str, distance: int = FILES, outcome: Outcome = Outcome.FAILED, **more: Any
) -> LineResult:
    order = more.pop("order", 0)
    return LineResult(
        line_id,
        "x.md",
        3,
        "text",
        (),
        more.pop("check", line_id),
        {},
        outcome,
        message,
        order=order,
        distance=distance,
        **more,
    )


def pointing(*lines: LineResult) -> dict[str, tuple[str, bool]]:
    """Who points to whom, and for sure or not."""
    return {one.id: (one.cause.id, one.cause.sure) for one in with_causes(lines) if one.cause is not None}


def test_the_very_same_reason_is_one_fault() -> None:
    torn = "config/runtime.yaml:46: expected YAML, found none. Next: correct this line."
    assert pointing(line("a", torn), line("b", torn), line("c", WRONG)) == {"b": ("a", True)}


def test_the_same_few_words_are_two_faults() -> None:
    assert pointing(line("a", "assert 1 == 2"), line("b", "assert 1 == 2")) == {}


@pytest.mark.parametrize(
    "message",
    [
        f"config/core.yaml:3 accounts.a: the copies disagree, found 'x' here, and 'y' in {ENVIRONMENT}. Next: …",
        f'reports/r.json:11 errors: expected [], found ["{WRONG}"]. Next: let the bot run again.',
        f"exchange: expected 3 at most ({ENVIRONMENT}). Next: obey.",
        "the bot said: trading.entrypoints.desk.environment: not allowed",
    ],
)
def test_a_line_that_names_the_place_of_anothers_fault_follows_from_it(message: str) -> None:
    assert pointing(line("cause", WRONG, order=1), line("b", message)) == {"b": ("cause", True)}


@pytest.mark.parametrize(
    "message",
    [
        "config/runtime.yaml:17 trading.entrypoints.desk.environment_2: expected 1",
        "config/runtime.yaml:170: expected 1",
        "config/runtime.yaml:18 trading.entrypoints.desk.risk: expected 1, found 2. Next: see config/runtime.yaml.",
        "expected environment to be paper",
        WRONG.replace("'paper'", "'testnet'"),  # another line wants another value at the same place
    ],
)
def test_a_fault_of_its_own_is_never_said_to_follow(message: str) -> None:
    assert pointing(line("cause", WRONG), line("b", message)) == {}


@pytest.mark.parametrize(
    "message",
    [
        WRONG.replace("set it", "do that"),
        f"{ENVIRONMENT}: 'live' is not in config/core.yaml environments (paper). Next: did you mean paper?",
    ],
)
def test_a_line_that_is_at_fault_at_the_same_place_follows_from_the_first(message: str) -> None:
    assert pointing(line("cause", WRONG), line("b", message, order=1)) == {"b": ("cause", True)}


def test_where_nobody_can_read_the_configuration_all_about_the_run_follows_for_certain() -> None:
    torn = "config/runtime.yaml:46: expected YAML, found none. Next: correct this line."
    book = line("book", torn, unread="config/runtime.yaml")
    assert pointing(book, report("a"), line("run", "the bot ended. Next: look.", THE_RUN)) == {
        "a": ("book", True),
        "run": ("book", True),
    }
    assert pointing(line("book", torn), report("a")) == {"a": ("book", False)}
    assert pointing(book, line("licence", "var/licence.json:3 a: expired. Next: renew.")) == {}


def test_a_message_that_was_cut_is_known_by_its_evidence() -> None:
    seen = [{"source": "r.json", "line": 11, "key": "errors", "value": ["x" * 400, WRONG]}]
    run = line("run", "r.json:11 errors: expected [], found ['xxx…. Next: run again.", THE_RUN, evidence=seen)
    assert pointing(line("cause", WRONG), run) == {"run": ("cause", True)}


def report(line_id: str, key: str = "a.b", distance: int = ABOUT_THE_RUN) -> LineResult:
    return line(line_id, f"r.json:9 {key}: expected 1, found 2. Next: see {line_id}.", distance)


def run_that_ended(status: int, key: str = "errors") -> LineResult:
    seen = [{"source": "command", "key": "exit_status", "value": status}]
    return line("run", f"r.json:11 {key}: expected [], found ['no']. Next: run again.", THE_RUN, evidence=seen)


def test_the_report_of_a_bot_that_refused_to_run_says_nothing_of_its_own() -> None:
    other = line("logs", "logs/guardrails: expected a folder. Next: look.", ABOUT_THE_RUN)
    found = pointing(report("a"), run_that_ended(3), other, line("key", "exchange: may withdraw. Next: forbid."))
    assert found == {"a": ("run", True), "logs": ("run", False)}


@pytest.mark.parametrize("run", [run_that_ended(0), run_that_ended(4), run_that_ended(3, "finished_at")])
def test_the_report_of_a_bot_that_ran_may_have_faults_of_its_own(run: LineResult) -> None:
    assert pointing(report("a"), run) == {"a": ("run", False)}


def test_a_run_that_was_bad_because_of_what_another_line_found_follows_from_that() -> None:
    status = line("status", "r.json:8 metrics.summary.status: still unknown. Next: wait.", ABOUT_THE_RUN)
    run = line("run", "r.json:2 errors: expected [], found ['metrics.summary.status: unknown']. Next: …", THE_RUN)
    found = pointing(status, run, report("a"))
    assert found == {"run": ("status", True), "a": ("status", False)}


def test_without_a_fault_of_the_run_the_configuration_is_suspected_and_nothing_else() -> None:
    licence = line("licence", "var/licence.json:3 a: expired. Next: renew.")
    assert pointing(licence, report("a"), report("b", "a.c")) == {}
    assert pointing(licence, line("cause", WRONG, order=1), report("a")) == {"a": ("cause", False)}


def test_what_waits_for_another_check_follows_from_it_if_it_says_so() -> None:
    smoke = line("smoke", "tests/t.py: 1 failed. Next: see it.", check="smoke_test")
    waiting: dict[str, Any] = {"after": ("smoke_test",), "outcome": Outcome.NOT_PROVEN}
    assert pointing(smoke, line("a", "no line bound to smoke_test has passed. Next: …", **waiting)) == {
        "a": ("smoke", True)
    }
    assert pointing(smoke, line("a", "no sample of the gauge. Next: …", **waiting)) == {}


def test_two_that_name_each_other_are_one_cause_and_one_that_follows() -> None:
    one, two = "a.yaml:1 x.y.z", "b.yaml:2 u.v.w"
    found = pointing(line("a", f"{one}: unlike {two}. Next: …"), line("b", f"{two}: unlike {one}. Next: …"))
    assert len(found) == 1


@pytest.mark.parametrize("outcome", [Outcome.UNBOUND, Outcome.PASSED, Outcome.NOT_RUN])
def test_a_line_that_found_no_fault_is_no_cause(outcome: Outcome) -> None:
    assert pointing(line("cause", WRONG, outcome=outcome), line("b", f"c.yaml:1: unlike {ENVIRONMENT}")) == {}


WORDS = st.sampled_from(["a.yaml:1", "b.yaml:2", "x.y.z", "u.v.w", "a.yaml:1 x.y.z:", "Next: x.", "errors:", "found"])


@given(st.lists(st.tuples(st.lists(WORDS, max_size=5), st.sampled_from([FILES, THE_RUN, ABOUT_THE_RUN])), max_size=7))
def test_every_line_points_to_one_that_stands_for_itself_or_only_may_follow(
    lines: list[tuple[list[str], int]],
) -> None:
    made = [line(f"l{n}", " ".join(words), distance, order=n) for n, (words, distance) in enumerate(lines)]
    found = pointing(*made)
    assert len(found) < max(len(made), 1)
    for line_id, (cause, _) in found.items():
        assert cause != line_id
        assert cause not in found or not found[cause][1]
        assert cause not in found or found[cause][0] not in found


def test_many_lines_are_no_work() -> None:
    lines = [line(f"l{n}", f"config/a.yaml:{n} a.b.c{n}: unlike a.b.c{n - 1}. Next: …", order=n) for n in range(5_000)]
    assert len(pointing(*lines)) == 4_999
