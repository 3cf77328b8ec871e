"""What is a line, and every way in which Markdown swallows one."""

from __future__ import annotations

import pytest
from runbook_reading import A, B, blamed, bound, problems, read, texts


@pytest.mark.parametrize("marker", ["-", "*", "+", "1.", "7)", "123456789."])
def test_every_kind_of_list_item_is_a_line(marker: str) -> None:
    assert texts(f"{marker} one {A}\n") == [(1, "one")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"1. one {A}\n2. two {B}\n", [(1, "one"), (2, "two")]),
        (f"Do this:\n- one {A}\n", [(2, "one")]),
        (f"Do this:\n1. one {A}\n", [(2, "one")]),
        (f"- one\n  still one {A}\n", [(1, "one still one")]),
        (f"- one\nlazily continued {A}\n", [(1, "one lazily continued")]),
        (f"- one  \n  hard break\\\n  again {A}\n", [(1, "one hard break again")]),
        (f"> - one {A}\n> - two {B}\n", [(1, "one"), (2, "two")]),
        (f"- one {A}\n  > - two {B}\n", [(1, "one"), (2, "two")]),
        (f"- one {A}\n\n\n- two {B}\n", [(1, "one"), (4, "two")]),
        (f"- one {A}\n* two {B}\n", [(1, "one"), (2, "two")]),
        (f"<details>\n\n- one {A}\n\n</details>\n", [(3, "one")]),
        (f"<!-- a note\nof two lines -->\n\n- one {A}\n", [(4, "one")]),
        (f"- one {A}\n<!-- taken out: check three -->\n- two {B}\n", [(1, "one"), (3, "two")]),
        (f"- a &amp; b *c* **d** [e](u) `f g` \\* {A}\n", [(1, "a & b c d e f g *")]),
        (f"- ![a picture](u) {A}\n", [(1, "a picture")]),
        (f"-\n  one {A}\n", [(1, "one")]),
        (f"- one\n  {A}", [(1, "one")]),
    ],
)
def test_text_and_number_of_a_line(text: str, expected: list[tuple[int, str]]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_newline_counts_as_one(newline: str) -> None:
    lines = ["# T", "", f"- one {A}", "", "- two", f"  {B}", ""]
    assert texts(newline.join(lines)) == [(3, "one"), (5, "two")]


def test_tabs_indent_like_spaces() -> None:
    assert texts(f"-\tone {A}\n-\ttwo\n\t{B}\n\t1.\tdeep {bound('d')}\n") == [(1, "one"), (2, "two"), (4, "deep")]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_only_newlines_end_a_line(separator: str) -> None:
    assert texts(f"Pasted{separator}text.\n\n- one{separator} {A}\n- two {B}\n") == [
        (3, read(f"- one{separator} {A}\n").lines[0].text),
        (4, "two"),
    ]


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0c"])
def test_a_separator_does_not_move_what_is_compared_so_that_a_line_is_lost(separator: str) -> None:
    assert blamed(f"x{separator}y\n2. swallowed by the paragraph\n- one {A}\n```\n```\n") == [2]


def test_nested_items_are_lines_of_their_own() -> None:
    text = f"- outer {bound('o')}\n  - inner {A}\n    1. deep {B}\n  - next {bound('n')}\n"
    assert texts(text) == [(1, "outer"), (2, "inner"), (3, "deep"), (4, "next")]


def test_items_nested_deeper_than_the_parser_goes_are_not_lost() -> None:
    text = "".join(f"{'  ' * depth}- level {depth} {bound(f'n{depth}')}\n" for depth in range(14))
    found = problems(text)
    assert found or len(read(text).lines) == 14
    assert not found or blamed(text)[-1] == 14


def test_a_heading_inside_an_item_begins_no_section() -> None:
    lines = read(f"# T\n\n- one {A}\n\n  ## Inside\n\n- two {B}\n").lines
    assert [line.section for line in lines] == [("T",), ("T",)]


def test_sections_are_the_headings_above() -> None:
    text = f"# A\n## B\n- one {A}\n\n# C\n### D `e`\n- two {B}\n\nF\n-\n" + f"\n- three {bound('c')}\n"
    assert blamed(text) == [10]  # a single dash below text: a heading to Markdown, an empty item to many readers
    lines = read(text.replace("\n-\n", "\n---\n")).lines
    assert [line.section for line in lines] == [("A", "B"), ("C", "D e"), ("C", "F")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"- one {A}\n\n<!-- note\n\n- two {B}\n", 5, id="comment-never-closed"),
        pytest.param(f"- one {A}\n\n<!--\n- two {B}\n-->\n", 4, id="inside-a-comment"),
        pytest.param(f"- one {A}\n\n<!--\n* [ ] two\n-->\n", 4, id="box-inside-a-comment"),
        pytest.param(f"- one {A}\n\nDo this:\n2. two {B}\n", 4, id="second-number-after-text"),
        pytest.param(f"- one {A}\n\nDo this:\n2) two\n", 4, id="second-parenthesis-after-text"),
        pytest.param(f"- one {A}\n\n<details>\n- two {B}\n</details>\n", 4, id="details-without-blank-line"),
        pytest.param(f"- one {A}\n\n<div>\n3. two\n</div>\n", 4, id="div-without-blank-line"),
        pytest.param(f"- one {A}\n\n<script>\n- two\n\n</script>\n", 4, id="script"),
        pytest.param(f"- one {A}\n\n<pre>\n- two\n\n</pre>\n", 4, id="pre"),
        pytest.param(f"- one {A}\n\n<![CDATA[\n- two\n]]>\n", 4, id="cdata"),
        pytest.param(f"- one {A}\n\n<?php\n- two\n?>\n", 4, id="processing-instruction"),
        pytest.param(f"- one {A}\n\nText.\n\n    - two {B}\n", 5, id="indented-code"),
        pytest.param(f"- one {A}\n\nText.\n\n\t1. two {B}\n", 5, id="indented-by-a-tab"),
        pytest.param(f"- one {A}\n\n      - two\n", 3, id="code-inside-an-item"),
        pytest.param(f"- one {A}\n-     two {B}\n", 2, id="code-as-the-item"),
        pytest.param(f"- one {A}\n-\n", 2, id="empty-item"),
        pytest.param(f"- one {A}\n- <div>two</div>\n", 2, id="html-block-as-the-item"),
        pytest.param(f"- one {A}\n- [two]: http://u\n", 2, id="link-definition-as-the-item"),
        pytest.param(f"- one {A}\n- <!-- two -->\n", 2, id="comment-as-the-item"),
        pytest.param(f"- one {A}\n- # two\n", 2, id="heading-as-the-item"),
        pytest.param(f"- one {A}\n\n> Do this:\n> 2. two\n", 4, id="quoted-second-number"),
        pytest.param(f"- one {A}\n\n- - two {B}\n", 3, id="item-of-nothing-but-an-item"),
    ],
)
def test_a_swallowed_item_is_named(text: str, line: int) -> None:
    assert line in blamed(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"- one {A}\n\n| a | b |\n|---|---|\n| x | y |\n", 4, id="table"),
        pytest.param(f"- one {A}\n\n| a |\n| :-: |\n| x |\n", 4, id="table-of-one-column"),
        pytest.param(f"- one {A}\n\na | b\n--- | ---\nx | y\n", 4, id="table-without-outer-pipes"),
        pytest.param(f"- one {A}\n\n> | a | b |\n> | - | - |\n> | x | y |\n", 4, id="quoted-table"),
        pytest.param(f"- one {A}\n\n<ul>\n<li>two</li>\n</ul>\n", 4, id="html-list"),
        pytest.param(f"- one {A}\n\nDo: <ul><li>two</li></ul>\n", 3, id="html-list-in-a-paragraph"),
        pytest.param(f"- one {A}\n\n<!--\n<li>two</li>\n-->\n", 4, id="html-list-in-a-comment"),
        pytest.param(f'- one {A}\n\nText,\n<input type="checkbox"> two\n', 4, id="html-box"),
        pytest.param(f"- one {A}\n\n<dl>\n<dt>two</dt>\n</dl>\n", 4, id="html-definitions"),
        pytest.param(f"- one {A}\n\n<table>\n<tr><td>two</td></tr>\n</table>\n", 4, id="html-table"),
    ],
)
def test_what_looks_like_a_checklist_on_the_page_is_no_prose(text: str, line: int) -> None:
    found = blamed(text)
    assert found
    assert abs(found[0] - line) <= 1


@pytest.mark.parametrize(
    "line",
    [
        "1.Check the key",
        "1.check the key",
        "2)Check the key",
        "-Check the key",
        "+Check the key",
        "1.`check` the key",
        "1.[ ] check",
        "• check the key",
        "‣ check the key",
        "☐ check the key",
        "✓ check the key",
        "a) check the key",
        "(1) check the key",
        "A. check the key",
        "-\u00a0check after a no-break space",
        "> 1.Check the key",
        "    1.Check the key",
        "\u2013 check after what a word processor makes of a dash",
        "\u00b7 check after a middle dot",
        "\u2212 check after a minus sign",
        "\u2717 check after a cross",
        "\u2014 check after a long dash",
        "-- check after two dashes",
        "\u2192 check after an arrow",
        "\u2460 check after a number in a circle",
        "\uf0b7 check after the bullet of a word processor's own font",
        "&bull; check after an entity",
        "iv) check after a Roman number",
        "1.\u041f\u0440\u043e\u0432\u0435\u0440\u0438\u0442\u044c",
        "\u200b- check after something invisible",
        "\ufeff- check after a second byte order mark",
    ],
)
def test_almost_a_list_item_is_named(line: str) -> None:
    assert blamed(f"- one {A}\n\n{line}\n") == [3]


@pytest.mark.parametrize(
    "prose",
    [
        "*Note* that\n**bold** text\n__bold__ text\n_soft_ text",
        "---",
        "***",
        "* * *",
        "- - -",
        "___",
        "  * * * *",
        "A price of\n\u22125 or\n\u20135 is",
        "\u26a0 Attention",
        "\u00a7 5 and\n\u00a9 2026 and\n\u2026 more",
        "Use `<li>`, `<table>` and a <b>bold</b><br> word",
        "<details>\n<summary>More</summary>\nText\n</details>",
        "A price of\n-5 or +5 or 1.5 is\n-5.5 too",
        "Run\n-k or --lf",
        "#1 and\n# not a heading of a list",
        "Fees (see below)\n(as agreed) hold",
        "a | b, or c",
        "2026-11-20 was\n2026/11 too",
        "[a link](u) and\n[x](u) too, and\n[x][ref] too\n\n[ref]: u\n[x]: u",
        "`- one` and `1. two`",
    ],
)
def test_prose_is_no_list(prose: str) -> None:
    assert problems(f"- one {A}\n\n{prose}\n\n- two {B}\n") == []


def test_a_thematic_break_between_items_is_none() -> None:
    assert texts(f"- one {A}\n- - -\n- two {B}\n") == [(1, "one"), (3, "two")]


@pytest.mark.parametrize(
    "fence",
    [
        "```\n- no line\n2. none\n[] none\n| a | b |\n|---|---|\n```",
        "~~~~ md\n- no line\n~~~\n- still none\n~~~~~",
        "```\n~~~\n- no line\n```",
        "> ```\n> - no line\n> ```",
        "   ```\n   - no line\n  ```",
        "```\n<!-- golive: {id: none} -->\n```",
        "```\n```",
    ],
)
def test_fences_hold_no_lines(fence: str) -> None:
    assert texts(f"- one {A}\n\n{fence}\n\n- two {B}\n")[0] == (1, "one")
    assert len(read(f"- one {A}\n\n{fence}\n\n- two {B}\n").lines) == 2


def test_a_fence_inside_an_item_belongs_to_it() -> None:
    assert texts(f"- one\n  {A}\n  ```sh\n  - no line\n  ```\n- two {B}\n") == [(1, "one"), (6, "two")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"- one {A}\n\n```\n- two {B}\n", 3, id="to-the-end"),
        pytest.param(f"- one {A}\n\n```\n- two {B}", 3, id="without-last-newline"),
        pytest.param(f"- one {A}\n\n~~~\n- two {B}\n```\n", 3, id="other-mark"),
        pytest.param(f"- one {A}\n\n````\n- two {B}\n```\n", 3, id="shorter-mark"),
        pytest.param(f"- one {A}\n\n```\n- two {B}\n``` end\n", 3, id="text-behind-the-mark"),
        pytest.param(f"- one {A}\n  ```\n  - no line\n- two {B}\n", 2, id="in-an-item"),
        pytest.param(f"> ```\n> - two\n\n- one {A}\n", 1, id="in-a-quote"),
        pytest.param(f"- one {A}\n\n```\n- two {B}\n    ```\n", 3, id="closing-mark-indented-too-far"),
        pytest.param(f"- one {A}\n\n```\n- two {B}\n\t```\n", 3, id="closing-mark-indented-by-a-tab"),
        pytest.param(f"- one {A}\n\n```\n- two {B}\n> ```\n", 3, id="closing-mark-in-a-quote"),
    ],
)
def test_a_fence_that_is_never_closed_is_named(text: str, line: int) -> None:
    assert line in blamed(text)


def test_a_runbook_without_items_asks_for_nothing() -> None:
    for text in ("", "\n", "# Title\n\nOnly prose.\n", "```\n- in a fence\n```\n"):
        (problem,) = problems(text)
        assert "no list item" in problem


def test_all_problems_are_named_at_once_in_the_order_of_lines() -> None:
    text = f"1.Check\n\n- [] one {A}\n\n| a |\n|---|\n\n- two <!-- golive: {{id: b}} -->\n\n```\n"
    assert blamed(text) == [1, 3, 6, 8, 10]
    numbers = [int(problem.split(":")[1]) for problem in problems(text)]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(f"- one {A}\n- two {B}\n\n<!-- golive: {{id: c, check: c}} -->\n", 4, id="binding-outside"),
        pytest.param(f"- one {A}\n- two `{B}`\n", 2, id="binding-in-code"),
        pytest.param(f"- one {A}\n- two <!-- golive: {{id: b, check: c}}\n", 2, id="binding-never-closed"),
        pytest.param(f"- one {A}\n\n<!-- note\n\n- two {B}\n", 5, id="comment-never-closed"),
        pytest.param(f"- one {A}\n\n## Part {B}\n", 3, id="binding-in-a-heading"),
    ],
)
def test_a_correct_line_is_not_blamed_for_anothers_fault(text: str, line: int) -> None:
    assert blamed(text) == [line]
