"""The page as people meet it: on a screen, on a phone, at night, from the keyboard, without script, on paper."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from open_pages import CONTRASTS, POPPLER, PROGRAM, Tab, browser, open_page, paper, press, text_of
from verdict_documents import document, line, many, no_go

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.signoff_page import render

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium here: the page was not opened in a real browser")
on_paper = pytest.mark.skipif(not POPPLER, reason="no poppler here: the page was not looked at on paper")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened
        assert not opened.hosts  # nobody was asked for anything
        assert not opened.errors


def written(folder: Path, made: dict[str, Any], **more: Any) -> Path:
    file = folder / "signoff.html"
    file.write_text(render(made, **more), encoding="utf-8", errors="backslashreplace")
    return file


def eighty() -> dict[str, Any]:
    return many(80)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400, 320])
@pytest.mark.parametrize("made", [eighty, no_go])
def test_it_is_whole_and_readable(tmp_path: Path, tab: Tab, made: Any, width: int, scheme: str) -> None:
    open_page(tab, written(tmp_path, made()), width=width, scheme=scheme)
    tab.picture(tmp_path / f"{made.__name__}-{width}-{scheme}.png")
    assert tab.value("document.documentElement.scrollWidth") <= width  # nothing sticks out
    dark = tab.value("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 22)"
    assert dark == (scheme == "dark")
    tab.value("document.querySelector('#unfold').click()")
    assert tab.value(CONTRASTS) == []
    assert tab.value("document.querySelector('h1').getBoundingClientRect().bottom") < 300  # the verdict is seen first


def test_long_words_and_pictures_stay_within(tmp_path: Path, tab: Tab) -> None:
    word = "W" * 3000
    seen = [{"source": word, "key": word, "value": word, "note": word}]
    made = no_go()
    made["runbooks"][0]["lines"][0] |= {"text": word, "evidence": seen, "params": {word: word}}
    made["runbooks"][0]["lines"][1] |= {"message": word}
    for width in (1280, 320):
        open_page(tab, written(tmp_path, made), width=width)
        tab.value("document.querySelector('#unfold').click()")
        assert tab.value("document.documentElement.scrollWidth") <= width
        tab.wait_for("document.querySelector('img').naturalWidth > 0")


def test_what_a_picture_holds_cannot_run(tmp_path: Path, tab: Tab) -> None:
    hostile = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>top.pwned = 1</script></svg>'
    texts = "<img src=x onerror='pwned = 1'><script>pwned = 1</script>"
    made = document(line(0, Outcome.FAILED, texts, evidence=[{"source": texts, "value": hostile}]))
    open_page(tab, written(tmp_path, made))
    tab.wait_for("document.querySelector('img').naturalWidth == 9")
    assert tab.value("typeof pwned") == "undefined"


def test_lines_are_found_and_filtered(tmp_path: Path, tab: Tab) -> None:
    open_page(tab, written(tmp_path, no_go()))
    shown = "[...document.querySelectorAll('details.line')].filter((one) => one.checkVisibility()).map((one) => one.id)"
    tab.value("document.querySelector('#open-only').click()")
    assert "line-line-0" not in tab.value(shown)
    assert tab.value("document.querySelector('#shown').innerText") == "8 of 11 lines"
    tab.value(
        "const f = document.querySelector('#find'); f.value = 'Scraped while'; f.dispatchEvent(new Event('input'))"
    )
    tab.wait_for("document.querySelector('#shown').innerText == '1 of 11 lines'")
    assert tab.value(shown) == ["line-paper-run"]
    tab.value("location.hash = '#line-line-0'")  # a link leads to a line also where it was filtered out
    tab.wait_for("document.querySelector('#line-line-0').open")
    assert "line-line-0" in tab.value(shown)


def test_the_keyboard_is_enough(tmp_path: Path, tab: Tab) -> None:
    open_page(tab, written(tmp_path, eighty()))
    press(tab, "Tab", 9)
    assert tab.value("document.activeElement.innerText") == "Skip to the lines"
    press(tab, "Enter", 13, "\r")
    tab.wait_for("location.hash == '#lines'")
    tab.value("document.querySelector('#line-line-3 summary').focus()")
    press(tab, "Enter", 13, "\r")
    tab.wait_for("document.querySelector('#line-line-3').open")


def test_it_has_landmarks_and_names(tmp_path: Path, tab: Tab) -> None:
    open_page(tab, written(tmp_path, no_go()))
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    found = [(one["role"]["value"], one.get("name", {}).get("value")) for one in nodes if not one["ignored"]]
    roles = {role for role, _ in found}
    assert {"banner", "main", "navigation", "contentinfo", "search", "status"} <= roles
    for name in ("What is in the way", "Waivers", "Signatures", "Line by line", "What exactly was tested"):
        assert ("region", name) in found
    unnamed = [
        role for role, name in found if role in {"link", "button", "searchbox", "checkbox", "image"} and not name
    ]
    assert unnamed == []
    levels = tab.value("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_it_is_whole_without_script(tmp_path: Path, tab: Tab) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        open_page(tab, written(tmp_path, no_go()))
        assert tab.value("document.querySelector('#tools').checkVisibility()") is False
        said = tab.text()
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
    assert "expected 0, found 5." in said
    assert "NO-GO" in said


def test_ten_thousand_lines_can_be_used(tmp_path: Path, tab: Tab) -> None:
    open_page(tab, written(tmp_path, many(10_000, in_the_way=40)))
    tab.value("document.querySelector('#open-only').click()")
    tab.wait_for("document.querySelector('#shown').innerText == '40 of 10000 lines'")
    tab.value("document.querySelector('#open-only').click()")
    tab.value("location.hash = '#line-line-7777'")
    tab.wait_for("document.querySelector('#line-line-7777').open")
    tab.wait_for("Math.abs(document.querySelector('#line-line-7777').getBoundingClientRect().top) < 500")
    tab.picture(tmp_path / "many.png")


@on_paper
@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_nothing_is_left_out(tmp_path: Path, tab: Tab, script: bool, scheme: str) -> None:
    made = no_go()
    tab.call("Emulation.setScriptExecutionDisabled", value=not script)
    try:
        open_page(tab, written(tmp_path, made), scheme=scheme)
        paper(tab, tmp_path / "page.pdf")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
    sheets = text_of(tmp_path / "page.pdf")
    for number, sheet in enumerate(sheets, start=1):  # no sheet alone can be taken for another verdict's
        assert f"NO-GO (rehearsal, sandbox), run {made['run_id']}" in sheet
        assert sheet.split()[-1] == f"{number}/{len(sheets)}"
    whole = " ".join(" ".join(sheets).split())
    assert "By hand, on paper Name Role Date Signature" in whole
    assert "accounts.a0.key 'key-0'" in whole  # a line that passed, closed on the screen
    assert "Endpoint39: 39" in whole  # a value that is folded
    assert "Unfold all" not in whole
    size = subprocess.run(["pdfinfo", tmp_path / "page.pdf"], check=True, capture_output=True, text=True).stdout
    assert "(A4)" in size


@on_paper
def test_a_go_is_printed_with_its_place_to_sign_on_the_first_sheet(tmp_path: Path, tab: Tab) -> None:
    open_page(tab, written(tmp_path, eighty()))
    paper(tab, tmp_path / "page.pdf")
    sheets = text_of(tmp_path / "page.pdf")
    assert "This is no sign-off for production." in sheets[0]
    assert "By hand, on paper" in sheets[0]
    whole = " ".join(" ".join(sheets).split())
    assert [number for number in range(80) if f"Requirement {number} holds." not in whole] == []
