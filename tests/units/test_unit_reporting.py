"""The verdict file, whole at any moment, and the summary that people read."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from _pytest._io import TerminalWriter
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.document import verdict_document
from pytest_kraken_golive.gate.result import Cause, LineResult
from pytest_kraken_golive.gate.verdict import decide
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.failures import failures
from pytest_kraken_golive.reporting.page import SIGNS, fitting
from pytest_kraken_golive.reporting.terminal import kill_table, summary
from pytest_kraken_golive.reporting.verdict_file import VerdictFile, iso
from pytest_kraken_golive.runbook.model import Runbook
from pytest_kraken_golive.signoff.waivers import InForce
from pytest_kraken_golive.whole_file import replace_text

WAIVER = InForce("line", "why", "Carol", "T-1", dt.datetime(2027, 1, 1, tzinfo=dt.UTC))

KEYS = {
    *("schema_version", "run_id", "verdict", "reason", "production_signoff", "scope", "started_at", "finished_at"),
    *("valid_until", "commit", "dirty", "counts", "runbooks"),
}
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def line(
    order: int, outcome: Outcome, *, section: tuple[str, ...] = ("T", "Keys"), message: str = "", distance: int = 0
) -> LineResult:
    return LineResult(
        id=f"line-{order}",
        runbook="config/runbooks/x.md",
        line=order + 3,
        text=f"Requirement {order} holds.",
        section=section,
        check="c",
        params={"x": "NO"},
        outcome=outcome,
        waiver=WAIVER if outcome is Outcome.WAIVED else None,
        waived=Outcome.FAILED if outcome is Outcome.WAIVED else None,
        message=message,
        evidence=[{"source": "config/core.yaml", "value": 1}],
        order=order,
        distance=distance,
    )


def document(*lines: LineResult, troubles: tuple[str, ...] = ()) -> dict[str, Any]:
    return verdict_document(
        production_signoff=False,
        run_id="r",
        verdict=decide(lines, troubles),
        results=lines,
        troubles=troubles,
        warnings=(),
        waivers=(),
        runbooks=[Runbook(Path("x.md"), "config/runbooks/x.md", "00", "paper", "T", "desk")],
        scope={
            "name": "rehearsal, sandbox",
            "recordings": {},
            "overridden_fixtures": {},
            "own_checks": [],
            "replaced_checks": [],
            "unproven_checks": [],
            "not_asked": [],
        },
        started_at=NOW,
        finished_at=NOW,
        valid_until=NOW,
        git=(None, None),
    )


def printed(made: dict[str, Any], show: Any = summary, *, columns: int = 90, encoding: str = "utf-8") -> str:
    target = io.BytesIO()
    file = io.TextIOWrapper(target, encoding)
    writer = TerminalWriter(file)
    writer.fullwidth = columns
    show(made, writer)
    file.flush()
    return target.getvalue().decode(encoding)


def test_the_first_word_is_no_go_and_has_every_key(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path / "reports")
    file.say_no_go("the run has not ended")
    found = json.loads(file.path.read_text("utf-8"))
    assert file.path == tmp_path / "reports" / "verdict.json"
    assert found.keys() >= KEYS
    assert (found["verdict"], found["reason"], found["production_signoff"]) == ("NO-GO", "the run has not ended", False)


def test_the_last_word_is_the_whole_document(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    file.say_no_go("not yet")
    made = document(line(0, Outcome.PASSED), line(1, Outcome.NOT_PROVEN, message="é is absent"))
    file.put(made)
    found = json.loads(file.path.read_text("utf-8"))
    assert found == made
    assert found.keys() >= KEYS
    assert found["counts"] == {"passed": 1, "not_proven": 1}
    (book,) = found["runbooks"]
    assert (book["path"], book["sha256"], book["stage"]) == ("config/runbooks/x.md", "00", "paper")
    assert book["lines"][1].keys() >= {
        *("id", "line", "text", "section", "check", "params", "outcome", "message", "duration_s", "evidence"),
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["signoff.html", "verdict.json"]


words = st.text(max_size=20)


@given(words, words, words)
def test_any_text_can_be_written_and_read_again(
    tmp_path_factory: pytest.TempPathFactory, one: str, two: str, key: str
) -> None:
    file = VerdictFile(tmp_path_factory.getbasetemp() / "any")
    made = document(line(0, Outcome.FAILED, message=one, section=(two,)))
    made["scope"] = {key: [two]}
    file.put(made)
    assert json.loads(file.path.read_text("utf-8")) == made


def test_a_file_name_that_is_no_text_does_not_cost_the_verdict(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    name = os.fsdecode(b"log-\xff")
    file.put(document(line(0, Outcome.FAILED, message=f"{name}: unreadable")))
    assert json.loads(file.path.read_text("utf-8"))["runbooks"][0]["lines"][0]["outcome"] == "failed"


def test_secrets_do_not_reach_the_file(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    file.put(document(line(0, Outcome.FAILED, message="key hunter2-hunter2")), Redactor(["hunter2-hunter2"]))
    text = file.path.read_text("utf-8")
    assert "hunter2" not in text
    assert json.loads(text)["reason"] == "line-0: key ***"


@pytest.mark.parametrize("secret", ['hunter2-hunter"', "hunter2-\\", "12345678", '", "hunter2', '"outcome": "failed"'])
def test_a_secret_that_looks_like_json_costs_neither_the_file_nor_the_verdict(tmp_path: Path, secret: str) -> None:
    file = VerdictFile(tmp_path)
    file.put(document(line(0, Outcome.FAILED, message=f"key {secret}{secret[:14]}")), Redactor([secret]))
    text = file.path.read_text("utf-8")
    assert json.loads(text)["verdict"] == "NO-GO"
    assert secret not in text
    assert json.dumps(secret)[1:-1] not in text


def test_a_document_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    file.say_no_go("not yet")
    for bad in (float("nan"), object()):
        made = document(line(0, Outcome.PASSED))
        made["scope"] = bad
        with pytest.raises((ValueError, TypeError)):
            file.put(made)
    assert json.loads(file.path.read_text("utf-8"))["reason"] == "not yet"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["signoff.html", "verdict.json"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = ["a" * 200_000, "b" * 100_000]
    replace_text(path, contents[0])
    seen: set[str] = set()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            seen.add(path.read_text("utf-8"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        replace_text(path, contents[number % 2])
    over.set()
    reader.join()
    assert seen <= set(contents)


def test_times_are_utc_to_the_millisecond() -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678_900, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert iso(moment) == "2026-01-02T01:04:05.678Z"


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_a_sign(outcome: Outcome) -> None:
    text = printed(document(line(0, outcome)))
    assert f"Keys  {int(outcome in (Outcome.PASSED, Outcome.SIGNED))}/1" in text


def test_sections_are_shown_in_runbook_order_with_their_counts() -> None:
    text = printed(
        document(
            line(0, Outcome.PASSED),
            line(1, Outcome.PASSED),
            line(2, Outcome.FAILED, section=("T", "Limits", "Queue")),
            line(3, Outcome.PASSED, section=("T",)),
        )
    )
    rows = [row.strip() for row in text.splitlines() if row.strip()]
    assert rows[0].startswith("T  (config/runbooks/x.md)")
    assert rows[1].endswith("Keys  2/2")
    assert "Limits" in rows[2]
    assert rows[2].endswith("Queue  0/1")
    assert rows[3].endswith("T  1/1")


def test_what_is_in_the_way_is_told_with_place_fact_and_next_step_and_the_cause_first() -> None:
    made = document(
        line(0, Outcome.FAILED, message="the report says so", distance=2),
        line(1, Outcome.NOT_PROVEN, message=f"config/core.yaml:3 a: expected 1, found 2. Next: set it. {'word ' * 40}"),
        line(2, Outcome.PENDING),
    )
    text = printed(made, failures)
    assert text.index("line-1  not proven") < text.index("line-2") < text.index("line-0  failed")
    assert "config/runbooks/x.md:4" in text
    assert "    Requirement 1 holds." in text
    assert "    config/core.yaml:3 a: expected 1, found 2.\n    Next: set it. word" in text
    assert max(map(len, text.splitlines())) <= 90


def test_the_summary_does_not_tell_again_what_has_been_told() -> None:
    made = document(line(0, Outcome.FAILED, message="a.yaml:3: expected 1"), line(1, Outcome.PASSED))
    text = printed(made, lambda made, writer: summary(made, writer, told=True))
    assert "expected 1" not in text
    assert "In the way: line-0\n" in text
    assert "line-0  failed  config/runbooks/x.md:3" in printed(made)


def test_lines_that_fail_for_the_same_reason_say_it_once() -> None:
    made = document(*(line(order, Outcome.ERROR, message="no key in the store") for order in range(9)))
    text = printed(made, failures)
    assert text.count("no key in the store") == 1
    assert "line-0" in text
    assert "For the same reason: line-1, line-2, line-3, line-4, line-5, line-6 and 2 more" in text


def test_what_follows_is_a_row_each_and_then_a_number() -> None:
    cause = line(0, Outcome.FAILED, message="a.yaml:3: expected 1")
    sure = (replace(line(n, Outcome.FAILED, message="long"), cause=Cause("line-0", sure=True)) for n in range(1, 12))
    text = printed(document(cause, *sure), failures)
    assert "✘ line-1: follows from line-0\n" in text
    assert "  and 6 more follow from line-0\n" in text
    assert "long" not in text


def test_what_only_may_follow_says_what_it_found_and_none_is_left_unnamed() -> None:
    message = "reports/r.json:9 a.b.c: expected 'ok',\nfound 'unknown'. Next: see the run."
    lines = [replace(line(n, Outcome.FAILED, message=message), cause=Cause("line-0", sure=False)) for n in range(1, 20)]
    text = printed(document(line(0, Outcome.FAILED, message="a.yaml:3: expected 1"), *lines), failures)
    assert "✘ line-1: r.json:9 c: expected 'ok', found 'unknown'.\n" in text
    assert all(f"line-{n}" in text for n in range(20))
    assert len(text.splitlines()) < 22


def test_a_file_that_cannot_be_read_is_told_once_under_a_heading_of_its_own() -> None:
    torn = replace(line(0, Outcome.FAILED, message="c.yaml:4: expected YAML. Next: mend it."), unread="c.yaml")
    followers = (replace(line(n, Outcome.FAILED, message="x"), cause=Cause("line-0", sure=True)) for n in range(1, 9))
    text = printed(document(torn, *followers), failures)
    assert text.startswith(
        "✘ 9 lines could not be judged because c.yaml cannot be read\n    c.yaml:4: expected YAML.\n"
    )
    assert "follows from" not in text


def test_with_v_every_line_is_told_whole() -> None:
    lines = [
        replace(line(n, Outcome.FAILED, message="b: wrong. Next: mend."), cause=Cause("line-0", sure=n == 1))
        for n in (1, 2)
    ]
    made = document(line(0, Outcome.FAILED, message="a.yaml:3: expected 1"), *lines)
    text = printed(made, lambda made, writer: failures(made, writer, whole=True))
    assert text.count("Next: mend.") == 2
    assert "This may follow from line-0" in text.replace("\n   ", "")


def test_signs_are_explained_where_there_is_another_than_the_check() -> None:
    assert "passed" not in printed(document(line(0, Outcome.PASSED)))
    text = printed(document(line(0, Outcome.PASSED), line(1, Outcome.NOT_PROVEN), line(2, Outcome.UNBOUND)))
    assert "✔ 1 passed   ? 1 not proven   ○ 1 unbound" in text


def test_stock_lines_that_were_not_asked_are_told() -> None:
    made = document(line(0, Outcome.PASSED))
    made["scope"]["not_asked"] = [{"line": f"stock-{n}", "check": "c"} for n in range(10)]
    assert "Not asked, though the stock runbook does: stock-0 (c), stock-1 (c)" in printed(made)
    assert "and 2 more" in printed(made)


def test_trouble_beside_the_lines_is_told() -> None:
    text = printed(document(line(0, Outcome.PASSED), troubles=("worker gw0 died", "core.yaml changed")))
    assert "Beside the lines: worker gw0 died\nBeside the lines: core.yaml changed" in text


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
def test_a_terminal_that_knows_few_characters_gets_plain_ones(encoding: str) -> None:
    made = document(*(line(n, outcome, message=f"found {'é…✘→漢' * 30}") for n, outcome in enumerate(Outcome)))
    for show in (summary, failures):
        text = printed(made, show, encoding=encoding)
        assert "\\u27" not in text
        assert not set("".join(SIGNS.values())) - set("~!?…·") & set(text)


@given(st.text(), st.sampled_from(["ascii", "cp1252", "utf-8", "no-such-encoding"]))
def test_whatever_is_said_can_be_shown(text: str, encoding: str) -> None:
    fitting(text, encoding).encode("ascii" if encoding.startswith("no") else encoding)


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_row_is_wider_than_the_page_but_for_what_people_copy(columns: int) -> None:
    lines = [replace(line(n, Outcome.FAILED, message="a.yaml:3: " + "word " * 40), text="w " * 99) for n in range(3)]
    text = printed(document(*lines), failures, columns=columns)
    assert max(map(len, text.splitlines())) <= max(44, min(columns, 120))


def test_nothing_in_the_way_is_not_listed() -> None:
    made = document(line(0, Outcome.PASSED), line(1, Outcome.NOT_RUN))
    assert "In the way" not in printed(made)
    assert printed(made, failures) == ""


def test_recordings_are_told_with_their_age_and_what_is_stale() -> None:
    made = document(line(0, Outcome.PASSED))
    known = {"origin": "embedded", "age_days": 12.2, "stale": None}
    made["scope"]["recordings"] = {"a": known, "b": {**known, "age_days": 1.0, "stale": "of behaviour 1"}}
    text = " ".join(printed(made).split())
    assert "Recordings: 2 lines, of embedded, up to 12 days old. b is stale: of behaviour 1" in text


def test_the_proof_names_what_survived_and_why() -> None:
    bad = {
        "line": "a",
        "break": "limit_raised",
        "tried": True,
        "killed": False,
        "what": "Too much.",
        "problem": "It passes. Next: look.",
    }
    rows = [
        {"line": "a", "tried": True, "killed": True},
        bad,
        {"line": "b", "tried": True, "killed": True},
        {"line": "c", "tried": False, "killed": False, "problem": "its line was not selected."},
    ]
    text = printed({"rows": rows, "survivors": ["a[limit_raised]"], "killed": 2, "breaks": 3}, kill_table)
    assert "a  1/2" in text
    assert "b  1/1" in text
    assert "a[limit_raised] survived: Too much.\n      It passes. Next: look.\n" in text
    assert "· c".replace(" ", "  ") in text
    assert "not tried: its line was not selected." in text
    assert "c] survived" not in text
    assert "2 of 3 breaks were noticed" in text
