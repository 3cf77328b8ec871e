"""Task boxes: well written they are read, nearly well written they are refused, and none of them proves anything."""

from __future__ import annotations

import pytest
from runbook_reading import A, B, blamed, problems, the_line


@pytest.mark.parametrize(
    ("written", "ticked"),
    [("- [ ] one", False), ("- [x] one", True), ("* [X] one", True), ("1. [ ] one", False), ("-   [x]\tone", True)],
)
def test_a_box_is_read_and_is_no_part_of_the_text(written: str, ticked: bool) -> None:
    line = the_line(f"{written} {A}\n")
    assert (line.text, line.ticked) == ("one", ticked)


def test_no_box_is_neither_ticked_nor_unticked() -> None:
    assert the_line(f"- one {A}\n").ticked is None


def test_a_tick_changes_nothing_but_itself() -> None:
    unticked, ticked = the_line(f"- [ ] one {A}\n"), the_line(f"- [x] one {A}\n")
    assert unticked.digest == ticked.digest == the_line(f"- one {A}\n").digest


@pytest.mark.parametrize(
    "near",
    [
        "-[ ] two",
        "*[ ] two",
        "1.[ ] two",
        "[ ] two",
        "[x] two",
        "- [] two",
        "- [ ]two",
        "- [x]two",
        "- [  ] two",
        "- [x ] two",
        "- [ x] two",
        "- [✓] two",
        "- [-] two",
        "- [\u00a0] two",
        "- \\[ ] two",
        "- \\[x\\] two",
        "1. [] two",
        "> - [] two",
        "    - [ ] two",
        "  [ ] two",
        "- [ ]",
        "- [x]",
    ],
)
def test_almost_a_box_is_named(near: str) -> None:
    assert blamed(f"- one {A}\n\nText.\n\n{near}\n") == [5]


@pytest.mark.parametrize("box", ["[ ]", "[x]"])
def test_a_box_without_text_asks_for_nothing(box: str) -> None:
    assert blamed(f"- one {A}\n- {box} {B}\n") == [2]


@pytest.mark.parametrize(
    "prose",
    [
        "[x](u) says it",
        "[x][ref] says it\n\n[ref]: u",
        "see [x] and [ ] in prose",
        "a[0] and [1, 2]",
        "[note] this",
        "[^1] note",
    ],
)
def test_links_and_brackets_in_prose_are_no_boxes(prose: str) -> None:
    assert problems(f"- one {A}\n\n{prose}\n") == []


@pytest.mark.parametrize("text", ["[x](u) says it", "[yes] two", "( ) two"])
def test_links_and_words_in_brackets_at_the_beginning_of_an_item_are_text(text: str) -> None:
    line = the_line(f"- {text} {A}\n")
    assert line.ticked is None
    assert line.text.endswith(text.split(" ", 1)[1])


def test_code_that_looks_like_a_box_is_text() -> None:
    line = the_line(f"- `[x]` is what a ticked box looks like {A}\n")
    assert (line.ticked, line.text) == (None, "[x] is what a ticked box looks like")
