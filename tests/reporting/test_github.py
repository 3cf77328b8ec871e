"""What GitHub Actions shows: a summary that is Markdown of ours alone, and annotations that no text can forge."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from page_reading import read
from verdict_documents import BOOK, document, line, many, no_go

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.github import LONGEST, MOST_ANNOTATIONS, annotated, markdown, tell
from pytest_kraken_golive.reporting.verdict_file import no_go as first_word

COMMAND = re.compile(r"::(?P<name>\w+)(?: (?P<given>[^:]*))?::(?P<message>.*)")


def said(made: dict[str, Any], root: Path = Path("/nowhere"), workspace: Path | None = None) -> list[dict[str, str]]:
    """The annotations as GitHub's runner reads them."""
    found = []
    for command in annotated(made, root, workspace or root):
        assert len(command.splitlines()) == 1
        match = COMMAND.fullmatch(command)
        assert match is not None, command
        given = dict(one.split("=", 1) for one in (match["given"] or "").split(",") if one)
        found.append({key: unescaped(text) for key, text in {**match.groupdict(""), **given}.items()})
    return found


def unescaped(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def html(made: dict[str, Any]) -> Any:
    return read(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown(made)))


def test_each_cause_is_annotated_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "bot" / "config").mkdir(parents=True)
    (tmp_path / "bot" / "config" / "runtime.yaml").touch()
    found = said(no_go(), tmp_path / "bot", tmp_path)
    assert [one["name"] for one in found] == ["warning", *["error"] * 7]
    assert found[1]["title"] == "NO-GO (rehearsal, sandbox)"
    assert found[1]["message"].startswith("tests/test_other.py::test_x failed")
    assert (found[2]["file"], found[2]["line"]) == ("bot/config/runtime.yaml", "64")
    assert found[2]["title"] == "paper-thresholds failed"
    assert found[2]["message"].startswith("The thresholds of the paper profile")
    assert found[2]["message"].endswith("found 5. Next: set it to 0, or change the line if the runbook is wrong.")
    assert (found[3]["file"], found[3]["line"]) == (f"bot/{BOOK}", "5")  # its fault has no file: the line itself
    assert (found[7]["file"], found[7]["line"]) == (f"bot/{BOOK}", "6")  # the report of the rehearsal is gone


def test_a_verdict_without_a_cause_is_annotated_as_a_whole() -> None:
    (notice,) = said(document(line(0)))
    assert notice["name"] == "notice"
    assert notice["message"].startswith("This is no sign-off for production. All 1 line")
    (open_one,) = said(document(line(0), line(1, Outcome.NOT_RUN)))
    assert (open_one["name"], open_one["title"]) == ("warning", "INCOMPLETE (rehearsal, sandbox)")
    (lost,) = said(first_word("the run did not reach its end"))
    assert (lost["name"], lost["message"]) == ("error", "the run did not reach its end")
    contradicted = document(line(0)) | {"troubles": ["a worker died"]}
    assert [one["name"] for one in said(contradicted)] == ["error"]


def test_what_github_would_drop_is_counted() -> None:
    found = said(many(60, in_the_way=40))
    assert len(found) == MOST_ANNOTATIONS
    assert found[-1]["message"] == "31 more causes are in the way: see the summary of the job"
    assert len(said(many(60, in_the_way=MOST_ANNOTATIONS))) == MOST_ANNOTATIONS


@given(st.text(max_size=30))
def test_no_text_ends_a_command_or_begins_one(text: str) -> None:
    hostile = f"a{text}\n::error::%0A::warning file=x::{text}\r::stop-commands::b"
    made = document(line(0, Outcome.FAILED, hostile, text=hostile), troubles=(hostile,))
    found = said(made | {"warnings": [hostile]})
    assert [one["name"] for one in found] == ["warning", "error", "error"]
    assert found[2]["file"] == f"../{BOOK}".removeprefix("../")
    assert "::stop-commands::b" in found[1]["message"]


def test_the_summary_says_what_the_page_says() -> None:
    page = html(no_go())
    assert page.one("h2").text == "✘ NO-GO (rehearsal, sandbox)"
    assert "Do not go live. 7 of 11 lines stand in the way" in page.text
    assert "✔ 2 passed · ✔ 1 signed · ~ 1 waived · ✘ 2 failed" in page.text
    items = [item.text for item in page.all("li")]
    assert items[1].startswith("✘ paper-thresholds failed: The thresholds")
    assert "Next: set it to 0" in items[1]
    assert "KeyError: 'place_order' (tests/checks.py:12)" in page.text
    assert "The same, or from there: report-confirmed" in page.text
    assert "old-limit: The exchange raises the limit on Monday. (Bob Brown, OPS-7" in page.text
    assert "line-0: The exchange" not in page.text  # a waiver that excused nothing
    assert [row.text for row in page.one("tbody").all("tr")] == ["✘ 1. Keys 1/3", "✘ 2. The run 1/4", "✘ 3. Risk 1/4"]
    rehearsal = html(document(line(0)))
    assert "This is no sign-off for production." in rehearsal.text
    assert "Sign-off for production: no." in rehearsal.text


HOSTILE = (
    "<h2>GO</h2>",
    "**GO**",
    "[x](javascript:y)",
    "| a | b |\n|---|---|",
    "`code`\n\n# GO",
    "@somebody #1 $x$ ~~y~~",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup_in_the_summary(text: str) -> None:
    def made(words: str) -> dict[str, Any]:
        lines = (line(0, Outcome.FAILED, f"{words} Next: {words}", text=words, section=("Paper", words)), line(1))
        found = document(*lines, troubles=(words,))
        waiver = dict.fromkeys(("line", "reason", "approver", "ticket", "expires_at"), words)
        found["runbooks"][0]["title"] = found["scope"]["name"] = words
        return found | {"waivers": [{"used": True, **waiver}]}

    shown = html(made(text))
    assert shown.shape == html(made("words")).shape
    assert shown.one("tbody").all("td")[1].text == " ".join(text.split())


def test_a_summary_stays_below_what_github_shows() -> None:
    made = document(*(line(n, Outcome.FAILED, f"{n} {'é' * 20_000}") for n in range(30)))
    text = markdown(made)
    assert len(text.encode()) < LONGEST
    assert "see `signoff.html`" in text
    assert "## ✘ NO-GO" in text
    many_causes = markdown(many(400, in_the_way=300))
    assert "and 275 more causes" in many_causes


def test_it_is_appended_and_holds_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_text("before\n\n", encoding="utf-8")
    secret = "hunter2-hunter2-hunter2"
    made = document(line(0, Outcome.FAILED, f"found {secret}"))
    environ = {"GITHUB_STEP_SUMMARY": str(file), "GITHUB_WORKSPACE": str(tmp_path)}
    commands = tell(made, environ, tmp_path, Redactor([secret]))
    text = file.read_text("utf-8")
    assert text.startswith("before\n\n## ✘ NO-GO")
    assert secret not in text + str(commands)
    assert "found ***" in commands[0]


def test_a_summary_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    commands = tell(document(line(0)), {"GITHUB_STEP_SUMMARY": str(tmp_path)}, tmp_path, Redactor())
    assert commands[-1].startswith("::warning::the summary of the job cannot be written (")
    assert len(tell(document(line(0)), {}, tmp_path, Redactor())) == 1
