"""What the sign-off page says: nobody can take it for more than it is, and it says what is in the way."""

from __future__ import annotations

import base64
import copy
import hashlib
from pathlib import Path
from typing import Any

import pytest
from page_reading import Element, read
from verdict_documents import BOOK, document, line, no_go, of_line

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.page import SIGNS, WORDS
from pytest_kraken_golive.reporting.signoff_page import render, root_seen_from
from pytest_kraken_golive.reporting.signoff_page.standing import standing
from pytest_kraken_golive.reporting.verdict_file import VerdictFile, as_text
from pytest_kraken_golive.reporting.verdict_file import no_go as first_word

REAL = {"name": "deployment, real", "deployment": "/srv/bot", "exchange": "real"}
SIGNATURE = {
    "signer": "bob",
    "name": "Bob Brown",
    "role": "trader",
    "signed_at": "2026-11-20T12:30:00Z",
    "statement": "I have read all of it.",
}


def page(made: dict[str, Any], **more: Any) -> Element:
    return read(render(made, **more))


def head(made: dict[str, Any]) -> Element:
    return page(made).one("header")


def test_a_rehearsal_is_no_sign_off_for_production() -> None:
    said = head(document(line(0), line(1)))
    assert said.one("h1").text == "✔ GO (rehearsal, sandbox)"
    assert "rehearsal" in said.attributes["class"].split()
    assert said.one("p", "call").text == "This is no sign-off for production."
    assert "All 2 lines are proven by evidence. It says nothing about real money." in said.text
    assert "Sign-off for production: ✘ no" in said.text
    assert "a copy of config/ with credentials and a licence made up for the run" in said.text
    assert "the embedded exchange on the machine of the run, not the real Kraken" in said.text


def test_a_sign_off_for_production() -> None:
    made = document(line(0), scope=REAL, production_signoff=True)
    said = head(made)
    assert said.one("h1").text == "✔ GO (deployment, real)"
    assert said.attributes["class"].split() == ["head", "go"]
    assert said.one("p", "call").text == "May go live."
    assert "Sign-off for production: ✔ yes" in said.text
    assert "/srv/bot" in said.text
    assert "It is no sign-off" not in page(made).text


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ({"overridden_fixtures": {"kraken_client": "conftest.py"}}, "were replaced: kraken_client."),
        ({"replaced_checks": ["paper_run"]}, "Stock checks were replaced: paper_run."),
        ({"not_asked": [{"line": "x", "check": "y"}]}, "Lines of the stock runbook are not asked."),
        ({"exchange": "replay"}, "recorded answers of an exchange, played again, not the real Kraken"),
        ({}, "The gate does not grant it"),
    ],
)
def test_why_a_deployment_is_not_signed_off(scope: dict[str, Any], why: str) -> None:
    assert why in head(document(line(0), scope=REAL | scope)).text


@pytest.mark.parametrize("outcome", [one for one in Outcome if one not in {"passed", "signed", "waived"}])
def test_a_go_that_its_lines_contradict_is_none(outcome: Outcome) -> None:
    made = document(line(0), line(1), scope=REAL, production_signoff=True)
    of_line(made, "line-1")["outcome"] = str(outcome)
    said = head(made)
    assert "no-go" in said.attributes["class"].split()
    assert said.one("h1").text.startswith("✘ GO, contradicted")
    assert said.one("p", "call").text == "Do not go live."
    assert "Sign-off for production: ✘ no" in said.text


@pytest.mark.parametrize("lacking", ["lines", "trouble", "unknown"])
def test_a_go_over_nothing_or_over_trouble_is_none(lacking: str) -> None:
    made = document(line(0), scope=REAL, production_signoff=True)
    if lacking == "lines":
        made["runbooks"] = []
    elif lacking == "trouble":
        made["troubles"] = ["a worker died"]
    else:
        made["verdict"] = "***"
    said = head(made)
    assert said.one("p", "call").text == "Do not go live."
    assert "✔ yes" not in said.text


def test_what_is_in_the_way_and_what_to_do_comes_first() -> None:
    said = page(no_go() | {"troubles": []})
    top = said.one("header")
    assert top.one("h1").text == "✘ NO-GO (rehearsal, sandbox)"
    assert top.one("p", "call").text == "Do not go live."
    assert "7 of 11 lines stand in the way." in top.text
    first = top.one("div", "first")
    assert "First: paper-thresholds" in first.text
    assert "config/runtime.yaml:64" in first.text
    assert "expected 0, found 5. Next set it to 0" in first.text
    for link in first.all("a"):
        said.by_id(link.attributes["href"].removeprefix("#"))
    chips = [chip.text for chip in top.one("ul", "counts").all("li")]
    assert chips[:4] == ["✔ 2 passed", "✔ 1 signed", "~ 1 waived", "✘ 2 failed"]


def test_causes_have_cards_and_followers_stand_in_them() -> None:
    said = page(no_go())
    cards = said.all("div", "card")
    assert [card.one("p", "of").text for card in cards] == [
        "✘ beside the lines",
        "✘ failed · paper-thresholds",
        "○ unbound · line-2",
        "! error · own-check",
        "… pending · risk-reviewed",
        "≠ suspect · moved-line",
        "✘ failed · paper-run",
    ]
    assert "1 more may follow from it" in cards[-1].text
    assert "report-confirmed: reports/paper_report.json summary: there is none." in cards[-1].text
    lines = {one.attributes["id"]: one for one in said.all("details", "line")}
    assert "This may follow from paper-run; look there first." in lines["line-report-confirmed"].text
    assert "<!-- golive: {id: …, check: holds, number: …} -->" in lines["line-line-2"].text


def test_an_incomplete_run_is_no_decision() -> None:
    made = document(line(0), line(1, Outcome.NOT_RUN))
    said = page(made)
    assert said.one("header").one("p", "call").text == "No decision. Do not go live on this."
    assert "1 of 2 lines did not run" in said.one("header").text
    assert "1 line did not run: line-1" in said.one("div", "card").text


def test_every_line_says_what_was_seen() -> None:
    made = no_go()
    said = page(made)
    for book in made["runbooks"]:
        for one in book["lines"]:
            shown = said.by_id(f"line-{one['id']}")
            outcome = one["outcome"]
            assert shown.one("span", "badge").text == f"{SIGNS[outcome]} {WORDS.get(outcome, outcome)}"
            assert shown.one("span", "text").text == one["text"]
            assert ("open" in shown.attributes) == (outcome not in {"passed", "signed"})
            assert "check holds" in shown.text
            assert "12 ms" in shown.text
            assert "digest efefefefefefefef" in shown.text
            link = shown.one("p", "meta").one("a")
            assert link.attributes["href"] == f"../{BOOK}#L{one['line']}"
            assert link.text == f"{BOOK}:{one['line']}"
            for record in one["evidence"]:
                assert record["source"] in shown.text
    seen = said.by_id("line-paper-run")
    assert "reports/paper_report.json 1 errors ['network']" in seen.text
    assert "scraped while it ran" in seen.text


def test_sections_are_named_with_how_they_stand() -> None:
    said = page(no_go())
    assert [item.text for item in said.one("nav").all("li")] == ["✘ 1. Keys 1/3", "✘ 2. The run 1/4", "✘ 3. Risk 1/4"]
    mild = page(document(line(0), line(1, Outcome.WAIVED, section=("Paper", "B")), line(2, section=("Paper", "C"))))
    assert [item.text for item in mild.one("nav").all("li")] == ["✔ Keys 1/1", "~ B 0/1", "✔ C 1/1"]
    for link in said.one("nav").all("a"):
        said.by_id(link.attributes["href"].removeprefix("#"))


def test_the_same_evidence_stands_there_once() -> None:
    record = {"source": "a.yaml", "line": 1, "key": "k", "value": "v"}
    shown = page(document(line(0, evidence=[record, record, record | {"value": True}]))).by_id("line-line-0")
    assert shown.text.count("'v'") == 1
    assert "'v' (3 times)" not in shown.text
    assert "'v' (2 times)" in shown.text
    assert len(shown.all("table")) == 1


def test_long_values_are_folded_and_longer_ones_counted() -> None:
    evidence = [{"source": "exchange", "value": [{"request": f"POST {n}"} for n in range(3000)]}]
    shown = page(document(line(0, evidence=evidence))).by_id("line-line-0")
    folded = shown.one("pre")
    assert '{"request": "POST 7"}' in folded.text
    assert "all of them stand in verdict.json" in folded.text
    assert len(shown.text) < 25_000
    assert shown.all("details")[1].attributes.get("open") is None


def test_calls_of_the_exchange_are_question_and_answer_in_their_order() -> None:
    asked = {"method": "POST", "path": "/0/private/AddOrder", "fields": {"pair": "XBTUSD", "note": "<b>"}}
    answered = {"status": 200, "error": ["EOrder:Insufficient funds"]}
    other = {"method": "GET", "path": "/0/public/Time", "fields": {}}
    values = [
        {"asked": asked, "answered": answered, "duration_s": 0.0123},
        {"asked": other, "answered": {"status": 200, "error": [], "result": {"unixtime": 7}}},
        {"asked": other, "answered": {"status": 520, "body": "<html>"}},
        {"asked": asked, "answered": None},
        {"asked": asked, "answered": answered, "duration_s": 0.0123},
    ]
    evidence = [{"source": "exchange", "key": f"call {n}", "value": value} for n, value in enumerate(values)]
    shown = page(document(line(0, evidence=evidence))).by_id("line-line-0")
    rows = [" ".join(code.text for code in row.all("code")) for row in shown.one("table", "seen").all("tr")]
    assert [row for row in rows if row] == [
        "call 0 200, EOrder:Insufficient funds, 12 ms",
        "call 1 200, ok",
        "call 2 520, no answer of its interface",
        "call 3 no whole answer came back",
        "call 4 200, EOrder:Insufficient funds, 12 ms",
    ]
    question, answer = (
        part.one("pre").text for part in shown.all("div", "pair")[0].children if isinstance(part, Element)
    )
    assert question == 'method: "POST" path: "/0/private/AddOrder" fields: {"pair": "XBTUSD", "note": "<b>"}'
    assert answer == 'status: 200 error: ["EOrder:Insufficient funds"]'


def test_a_picture_is_shown_as_one_and_can_do_nothing() -> None:
    hostile = '<svg xmlns="http://www.w3.org/2000/svg" aria-label="p50 &lt; 3 ms"><script>evil()</script>\udc80</svg>'
    evidence = [{"source": "latency/x.svg", "value": hostile, "note": "picture (SVG)"}]
    said = page(document(line(0, evidence=evidence)))
    picture = said.one("img")
    assert picture.attributes["alt"] == "p50 < 3 ms"
    assert picture.attributes["src"].startswith("data:image/svg+xml,%3Csvg%20")
    assert not said.all("svg")
    assert len(said.all("script")) == 1


def test_waivers_and_signatures() -> None:
    made = no_go()
    said = page(made, run_signatures=[SIGNATURE])
    assert "≠ suspect" in said.text
    waived = said.by_id("line-old-limit").text
    assert "Waived although failed: The exchange raises the limit on Monday." in waived
    assert "approved by Bob Brown, OPS-7, until 1 December 2026, 00:00:00 UTC" in waived
    tables = {table.all("th")[1].text: table for table in said.all("table") if table.all("th")}
    assert [row.text for row in tables["Reason"].all("tr")[1:]] == [
        "old-limit The exchange raises the limit on Monday. Bob Brown OPS-7 1 December 2026, 00:00:00 UTC",
        "line-0 (not needed) The exchange raises the limit on Monday. Bob Brown OPS-7 1 December 2026, 00:00:00 UTC",
    ]
    assert "desk-informed Alice Adams (alice) risk Told at the morning call." in tables["Name"].text
    assert "Only people can judge this: 1 person, risk." in said.by_id("line-risk-reviewed").text
    assert "Bob Brown (bob), trader, 20 November 2026, 12:30:00 UTC: “I have read all of it.”" in said.text
    assert "Nobody has signed this run" not in said.text
    assert "Nobody has signed this run" in page(made).text
    assert "It releases nothing." in said.text
    assert len(said.one("table", "hand").all("tr")) == 3


def test_what_the_document_does_not_say_is_said_to_be_unknown() -> None:
    made = document(line(0))
    for name in ("identity", "waivers", "warnings"):
        del made[name]
    for name in ("digest", "waiver", "manual", "signatures"):
        del of_line(made, "line-0")[name]
    for name in ("recordings", "plugins", "own_checks", "hosts", "digests"):
        del made["scope"][name]
    said = page(made).text
    assert "Not recorded: this document does not say which waivers were in force." in said
    assert "Signatures of single lines: not recorded." in said
    for name in ("Machine and versions", "Recordings", "Plugins", "Checks of the project's own", "Other files"):
        assert f"{name} not recorded" in said
    assert "None. Nothing is excused." not in said


def test_the_first_word_knows_nothing_and_says_so() -> None:
    said = page(first_word("the run did not reach its end"))
    assert said.one("h1").text == "✘ NO-GO (scope unknown)"
    assert "the run did not reach its end" in said.one("header").one("div", "first").text
    assert "No line was judged" in said.text
    assert "It is not known what was judged" in said.text
    assert "Finished not: the run did not reach its end" in said.text
    assert "Not known: the run did not come to any line." in said.text
    assert "None. Nothing is excused." not in said.text
    assert "✔" not in said.text


def test_what_was_tested_can_be_told_exactly() -> None:
    recording = {"origin": "https://sandbox.example", "age_days": 3.04, "stale": "the protocol changed"}
    scope = {
        "exchange": "replay",
        "recordings": {"key-permissions": recording},
        "overridden_fixtures": {"kraken_client": "conftest.py"},
        "bot": {"kind": "own bot", "command": ["bot", "--mode", "paper"], "exit_status": 0, "hosts": []},
        "hosts": ["127.0.0.1", "api.example"],
    }
    made = document(line(0), scope=scope, dirty=True)
    about = page(made).one("section", "identity")
    rows = {row.one("dt").text: row.one("dd").text for row in about.all("div")}
    assert rows["Run"] == made["run_id"]
    assert rows["SHA-256 of verdict.json"] == hashlib.sha256(as_text(made).encode()).hexdigest()
    assert rows["Commit"] == made["commit"]
    assert rows["▲ Working tree"] == "tracked files differ from the commit"
    assert rows["▲ Recordings"] == (
        "key-permissions: of https://sandbox.example, 3.0 days old; stale: the protocol changed"
    )
    assert rows["Runbooks"] == f"{BOOK} sha256 {'cd' * 32}"
    assert rows["Other files"] == f"config/runtime.yaml sha256 {'ab' * 32} .env: absent"
    assert rows["Machine"] == "desk-7"
    assert rows["Python"] == "CPython 3.11.7"
    assert rows["Packages"] == "pytest-kraken-golive 0.1.0 pytest 9.2.0"
    assert rows["Hosts that the gate called"] == "127.0.0.1 api.example"
    assert rows["▲ Bot"] == "own bot"
    assert rows["Its command"] == "bot --mode paper"
    assert rows["▲ Overridden fixtures"] == "kraken_client (conftest.py)"
    assert rows["Checks without a break"] == "none"
    assert rows["Took"] == "51.0 s"


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    file = VerdictFile(tmp_path / "reports", tmp_path)
    file.put(document(line(0, message="log-\udcff")))
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    assert digest in read((tmp_path / "reports" / "signoff.html").read_text("utf-8")).text


def test_links_lead_to_the_runbook_wherever_the_page_lies(tmp_path: Path) -> None:
    assert root_seen_from(tmp_path / "reports", tmp_path) == ".."
    assert root_seen_from(tmp_path / "a" / "b b", tmp_path / "c d") == "../../c%20d"
    made = document(line(0))
    made["runbooks"][0]["path"] = "/srv/run books/a.md"
    assert page(made).by_id("line-line-0").one("p", "meta").one("a").attributes["href"] == (
        "file:///srv/run%20books/a.md#L3"
    )


def test_nothing_from_elsewhere_is_loaded_and_nothing_unknown_runs() -> None:
    said = page(no_go())
    policy = next(one for one in said.all("meta") if one.attributes.get("http-equiv")).attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        found = {
            f"'sha256-{base64.b64encode(hashlib.sha256(str(one.children[0]).encode()).digest()).decode()}'"
            for one in said.all(tag)
        }
        assert found == set(rules[rule].split())
    for one in said.walk():
        assert not [name for name in one.attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            address = one.attributes.get(name, "#")
            assert address.startswith(("#", "data:", "../")), address


HOSTILE = (
    "<script>evil()</script>",
    "</style><h1>GO</h1>",
    '"><img src=x onerror=evil()>',
    "{{ 7 * 7 }}{% raw %}",
    "-->]]>&lt;&#0;",
    "W" * 5000,
)


def filled(made: dict[str, Any], text: str) -> dict[str, Any]:
    """The document with this text wherever people or programs write freely."""
    made = copy.deepcopy(made)
    made["troubles"] = made["warnings"] = [text]
    for book in made["runbooks"]:
        book["title"] = book["owner"] = text
        for one in book["lines"]:
            one["text"] = one["message"] = one["section"][-1] = text
            one["params"] = {text: text}
            one["evidence"] = [{"source": text, "key": text, "value": {"k": [text[:30]]}, "note": text}]
            one["waiver"] = dict.fromkeys(("reason", "approver", "ticket", "expires_at", "waived"), text)
            one["signatures"] = [dict.fromkeys(SIGNATURE, text)]
    made["waivers"] = [{"line": "line-0", "used": True, **of_line(made, "line-0")["waiver"]}]
    made["identity"] = dict.fromkeys(("machine", "platform", "python"), text) | {"packages": {text: text}}
    made["scope"] |= {"name": text, "hosts": [text], "plugins": [text], "arguments": [text]}
    made["run_id"] = made["commit"] = text
    return made


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_no_text_becomes_markup(text: str) -> None:
    made = document(line(0, Outcome.FAILED, "x"), line(1, Outcome.WAIVED))
    signed = [SIGNATURE]
    harmless = page(filled(made, "harmless"), run_signatures=signed)
    said = page(filled(made, text), run_signatures=signed)
    assert said.shape == harmless.shape
    shown = said.by_id("line-line-0")
    assert shown.one("span", "text").children == [text.replace("&#0;", "&#0;")]
    assert text[:30] in shown.one("tbody").text
    assert said.all("style")[1].text == ""


@pytest.mark.parametrize("char", ["\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\x1b", "\x00", "\udcff", "\u2028"])
def test_what_nobody_sees_is_shown(char: str) -> None:
    said = page(document(line(0, Outcome.FAILED, f"OG{char}ON", text=f"a{char}b")))
    shown = f"⟨U+{ord(char):04X}⟩"
    assert said.by_id("line-line-0").one("span", "text").text == f"a{shown}b"
    assert f"OG{shown}ON" in said.one("header").text
    assert char not in render(document(line(0, text=f"a{char}b")))


def test_other_scripts_and_line_breaks_stay() -> None:
    text = "Ω привет שלום é\ttab\nnew line"
    assert page(document(line(0, Outcome.FAILED, text))).by_id("line-line-0").one("p", "fact").children == [text]


def test_a_page_without_a_time_stays_readable() -> None:
    made = document(line(0), valid_until="soon", started_at="2026-11-20T12:00:00")
    said = page(made)
    assert "Valid until soon" in said.text
    assert "Took not recorded" in said.text


def test_a_real_exchange_that_is_not_kraken_is_named_on_the_page() -> None:
    lacks = ["no signed call was answered by api.kraken.com", "fixtures were overridden"]
    name = "deployment, real, but not Kraken: http://127.0.0.1:8101"
    said = standing(document(line(1), scope={**REAL, "name": name, "sign_off_lacks": lacks}))
    assert not said.production
    assert said.scope == name
    assert said.why == ("No signed call was answered by api.kraken.com.", "Fixtures were overridden.")
