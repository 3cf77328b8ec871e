"""The page as a file: without secrets, whole at any moment, and never of another run."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_reading import read
from verdict_documents import document, line, no_go

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.signoff_page import render, write
from pytest_kraken_golive.reporting.verdict_file import VerdictFile

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


def said(folder: Path) -> str:
    return read((folder / "signoff.html").read_text("utf-8")).text


def verdict(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "verdict.json").read_text("utf-8"))
    return found


def leaky(secret: str) -> dict[str, Any]:
    picture = f'<svg aria-label="{secret}"><text>{secret}</text></svg>'
    return document(
        line(0, Outcome.FAILED, f"found {secret}.", text=f"The key is {secret}"),
        line(1, evidence=[{"source": f"http://x/{secret}", "key": secret, "value": {secret: [secret] * 90}}]),
        line(2, evidence=[{"source": "latency/x.svg", "value": picture, "note": f"of {secret}"}]),
        troubles=(f"{secret} changed",),
        scope={"arguments": [f"--key={secret}"]},
    )


@pytest.mark.parametrize("secret", [SECRET, "hunter2 & <b>\"'\\hunter3", "пароль-пароль"])
def test_no_secret_stands_in_the_page(tmp_path: Path, secret: str) -> None:
    redactor = Redactor([secret])
    VerdictFile(tmp_path).put(leaky(secret), redactor)
    text = (tmp_path / "signoff.html").read_text("utf-8")
    assert "The key is ***" in said(tmp_path)
    assert redactor.text(text) == text
    assert redactor.place_in(text) is None
    assert verdict(tmp_path)["reason"] == "*** changed"


@pytest.mark.parametrize(
    "secret", ["Line by line", "color-scheme", "details", "outcome", "evidence", "passed", "source"]
)
def test_a_secret_that_is_a_word_of_the_page_is_no_go(tmp_path: Path, secret: str) -> None:
    file = VerdictFile(tmp_path)
    written = file.put(document(line(0)), Redactor([secret]))
    assert written["verdict"] == verdict(tmp_path)["verdict"] == "NO-GO"
    assert "choose secrets that are no common words" in said(tmp_path)
    assert "✔" not in said(tmp_path)


@given(st.text(min_size=1, max_size=12), st.text(max_size=12))
def test_any_text_is_text(one: str, two: str) -> None:
    made = document(
        line(0, Outcome.FAILED, f"m{one}", text=f"t{two}", section=("Paper", f"s{one}")),
        line(1, evidence=[{"source": f"s{two}", "key": one, "value": {one: two}, "note": two}]),
    )
    same = document(
        line(0, Outcome.FAILED, "m", text="t", section=("Paper", "s")),
        line(1, evidence=[{"source": "s", "key": "k", "value": {"k": "v"}, "note": "n"}]),
    )
    assert read(render(made)).shape == read(render(same)).shape


def test_the_page_of_an_earlier_run_is_gone_with_the_first_word(tmp_path: Path) -> None:
    VerdictFile(tmp_path).put(document(line(0)))
    assert "✔ GO (rehearsal, sandbox)" in said(tmp_path)
    VerdictFile(tmp_path).say_no_go("the run did not reach its end")
    assert "✘ NO-GO (scope unknown)" in said(tmp_path)
    assert "the run did not reach its end" in said(tmp_path)
    assert "GO (rehearsal" not in said(tmp_path)


def test_no_go_where_the_page_cannot_be_written(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    (tmp_path / "signoff.html").mkdir()
    with pytest.raises(OSError, match="signoff"):
        file.put(document(line(0)))
    assert verdict(tmp_path)["verdict"] == "NO-GO"
    assert verdict(tmp_path)["reason"] == "signoff.html could not be written"


def test_a_reader_never_sees_half_a_page_nor_a_go_beside_a_no_go(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path)
    file.say_no_go("not yet")
    seen: list[tuple[str, str]] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                page = (tmp_path / "signoff.html").read_text("utf-8")
            except FileNotFoundError:
                continue
            seen.append((page, verdict(tmp_path)["verdict"]))

    reader = threading.Thread(target=look)
    reader.start()
    made = document(*(line(number) for number in range(50)))
    for _ in range(5):
        file.put(made)
    over.set()
    reader.join()
    assert seen
    assert all(page.rstrip().endswith("</html>") for page, _ in seen)
    assert not [found for page, found in seen if "✔</span> GO" in page and found != "GO"]


def test_signatures_of_a_later_day_are_shown_in_a_page_that_is_made_again(tmp_path: Path) -> None:
    made = no_go()
    VerdictFile(tmp_path / "reports", tmp_path).put(made)
    before = (tmp_path / "reports" / "signoff.html").read_text("utf-8")
    again = write(tmp_path / "reports", verdict(tmp_path / "reports"), root=tmp_path)
    assert again == tmp_path / "reports" / "signoff.html"
    assert again.read_text("utf-8") == before
    signature = {
        "signer": "al",
        "name": "Al",
        "role": "risk",
        "signed_at": "2026-11-21T00:00:00Z",
        "statement": "Read.",
    }
    write(tmp_path / "reports", verdict(tmp_path / "reports"), run_signatures=[signature], root=tmp_path)
    assert "Al (al), risk, 21 November 2026, 00:00:00 UTC: “Read.”" in said(tmp_path / "reports")
