"""The page tells whether every line can fail, beside the verdict and never in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from page_reading import Element, read
from verdict_documents import document, line

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.proof_table import ProofTable
from pytest_kraken_golive.reporting.signoff_page import proof_beside, render, write
from pytest_kraken_golive.reporting.verdict_file import VerdictFile


def row(line_id: str, name: str, *, killed: bool = False, tried: bool = True, problem: str = "") -> dict[str, Any]:
    made = {"line": line_id, "break": name, "what": f"{name} is broken", "outcome": "failed", "message": "m"}
    return {**made, "tried": tried, "killed": killed, **({"problem": problem} if problem else {})}


def proof(*rows: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    return ProofTable(list(rows)).document(made["run_id"])


@pytest.fixture
def made() -> dict[str, Any]:
    return document(line(0), line(1), line(2), line(3, Outcome.NOT_RUN))


ROWS = (
    row("line-1", "key_gone", killed=True),
    row("line-0", "limit_raised", killed=True),
    row("line-0", "file_gone", problem="The line passes although <this> is broken."),
    row("line-1", "later", tried=False, problem="its line does not pass unbroken"),
    row("line-2", "no-break", problem="The check 'holds' declares no break."),
)


def section(page: str) -> Element:
    (found,) = [one for one in read(page).all("section") if one.attributes.get("aria-labelledby") == "proof"]
    return found


def test_survivors_and_lines_without_a_break_stand_out(made: dict[str, Any]) -> None:
    shown = section(render(made, proof=proof(*ROWS, made=made)))
    assert "2 of 4 breaks were noticed, 1 survived, 1 was not tried." in shown.text
    survived, unproven = shown.all("div", "card")
    assert "survived · line-0 file_gone: file_gone is broken" in survived.text
    assert "The line passes although <this> is broken." in survived.text
    assert "Nobody has shown that these can fail: line-2" in unproven.text
    rows = [(one.attributes["class"], one.text) for one in shown.one("tbody").all("tr")]
    assert rows == [
        ("failed", "line-0 ✔ limit_raised ✘ file_gone survived 1/2"),
        ("not_run", "line-1 ✔ key_gone · later not tried 1/2"),
        ("failed", "line-2 no break 0/0"),
    ]


def test_it_never_stands_in_place_of_the_verdict(made: dict[str, Any]) -> None:
    failed = document(line(0, Outcome.FAILED, "expected 1, found 2"))
    all_noticed = proof(row("line-0", "limit_raised", killed=True), made=failed)
    for one, found in ((made, proof(*ROWS, made=made)), (failed, all_noticed)):
        assert read(render(one, proof=found)).one("header").text == read(render(one)).one("header").text


def test_a_proof_of_another_run_is_not_shown(tmp_path: Path, made: dict[str, Any]) -> None:
    file = tmp_path / "proof.json"
    assert proof_beside(tmp_path, made) is None
    for text in ("{", "[]", json.dumps(proof(*ROWS, made=made | {"run_id": "another"})), '{"run_id": null}'):
        file.write_text(text, encoding="utf-8")
        assert proof_beside(tmp_path, made) is None
        assert proof_beside(tmp_path, made | {"run_id": None}) is None
    VerdictFile(tmp_path).put(made)
    assert "Not asked in this run." in section((tmp_path / "signoff.html").read_text("utf-8")).text
    file.write_text(json.dumps(proof(*ROWS, made=made)), encoding="utf-8")
    for _ in range(2):
        assert "1 survived" in section((write(tmp_path, made, root=tmp_path)).read_text("utf-8")).text
        VerdictFile(tmp_path).put(made)
