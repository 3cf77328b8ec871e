"""Whatever the Markdown: a raw line that looks like an item is a line, or an error. Never neither."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runbook_reading import SHOWN, blamed, bound, problems, read

from pytest_kraken_golive.runbook.model import Runbook

LOOKS_LIKE_AN_ITEM = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?item")
"""A scanner that knows nothing of Markdown."""

MARKERS = ("-", "*", "+", "1.", "2.", "7)", "- [ ]", "* [x]", "1.", "-", "-")
INDENTS = ("", "", "", "  ", "   ", "    ", "      ", "\t", "> ", "> > ", "  > ")
ENDINGS = (
    " BINDING",
    "\n  BINDING",
    "\n    BINDING",
    "\nBINDING",
    " BINDING text",
    "",
    "",
    " <!-- note -->",
    " <!--",
    " -->",
)

items = st.builds(
    lambda indent, marker, ending: f"{indent}{marker} item{ending}",
    st.sampled_from(INDENTS),
    st.sampled_from(MARKERS),
    st.sampled_from(ENDINGS),
)
plain_items = st.sampled_from(["- item BINDING", "1. item\n   BINDING", "* [ ] item BINDING", "> - item BINDING"])
others = st.sampled_from(
    [
        *("", "", "", "\n", "text", "Do this:", "# Heading", "Heading\n===", "Heading\n---", "***", "* * *"),
        *(
            "<!-- note -->",
            "<!--",
            "-->",
            "<!-- a\n\nb -->",
            "<details>",
            "</details>",
            "<div>\n",
            "<pre>",
            "</pre>",
            "<?x",
        ),
        *(
            "<script>",
            "</script>",
            "<![CDATA[",
            "]]>",
            "<b>text</b>",
            "    code",
            "\tcode",
            "> quote",
            ">",
            "  indented",
        ),
        *(
            "```\n- fenced\n2. fenced\n```",
            "~~~~ md\n```\n- fenced\n~~~~",
            "  ```\n  - fenced\n  ```",
            "> ```\n> - fenced\n> ```",
        ),
        *(
            "[ref]: u",
            "[ref]:",
            "'title",
            "`code",
            "`",
            "**bold",
            "&amp;",
            "\\",
            "  \\",
            "|",
            "BINDING",
            "- GROUP",
            "text  ",
        ),
    ]
)


def document(fragments: list[str]) -> str:
    """The fragments under a heading, each item with a word and each binding with an id of its own."""
    text = "# T\n\n" + "\n".join(fragments) + "\n"
    count = iter(range(10**6))
    text = re.sub(r"\bitem\b", lambda _: f"item w{next(count)}w", text)
    text = re.sub(r"BINDING", lambda _: bound(f"b{next(count)}"), text)
    return text.replace("GROUP", "group <!-- golive: {group: true} -->")


def lost(text: str, book: Runbook) -> list[str]:
    """Raw lines that a scanner takes for items and that are no line of the runbook with their own words."""
    parsed = {line.number: line.text for line in book.lines}
    missing = []
    for number, row in enumerate(text.split("\n"), start=1):
        if LOOKS_LIKE_AN_ITEM.match(row):
            word = re.search(r"w\d+w", row)
            assert word is not None
            if word[0] not in parsed.get(number, ""):
                missing.append(row)
    return missing


@given(st.lists(st.one_of(plain_items, plain_items, items, others), min_size=1, max_size=9))
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_item_is_lost_in_random_markdown(fragments: list[str]) -> None:
    text = document(fragments)
    if problems(text):
        return
    book = read(text)
    assert lost(text, book) == []
    bindings = re.sub(r"(?ms)^[ >]*(```+|~~~~).*?^[ >]*\1", "", text).count("<!-- golive: {id")
    assert sum(line.binding is not None for line in book.lines) == bindings


@given(st.lists(st.one_of(plain_items, st.sampled_from(["", "text", "\n# H\n"])), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_well_written_markdown_is_read(fragments: list[str]) -> None:
    text = document([f"{fragment}\n" for fragment in fragments])
    wanted = len(re.findall(r"w\d+w", text))
    if wanted:
        assert problems(text) == []
        assert len(read(text).lines) == wanted


@given(
    st.one_of(st.text(max_size=60), st.lists(st.one_of(items, others, st.text(max_size=8)), max_size=6).map(document))
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_with_place_and_next_step(text: str) -> None:
    found = problems(text)
    for problem in found:
        assert problem.startswith(f"{SHOWN}:")
        assert "Next: " in problem
    lines = () if found else read(text).lines
    assert found or lines
    assert all(line.text.strip() for line in lines)


def test_ten_thousand_lines() -> None:
    parts = []
    for number in range(10_000):
        if number % 50 == 0:
            parts.append(f"\n## Part {number // 50}\n")
        parts.append(f"- [ ] Requirement {number} holds. {bound(f'r{number}', f'value: {number}')}")
    book = read("# Long\n" + "\n".join(parts) + "\n")
    assert len(book.lines) == 10_000
    assert len({line.digest for line in book.lines}) == 10_000
    last = book.lines[-1]
    assert last.binding is not None
    assert (last.binding.id, last.section) == ("r9999", ("Long", "Part 199"))


@pytest.mark.parametrize("fault", [bound("stray"), "1.Check this", "```"])
def test_one_fault_in_a_long_runbook_is_one_message(fault: str) -> None:
    rows = [f"- Requirement {number} holds. {bound(f'r{number}')}" for number in range(1500)]
    assert blamed("\n".join(rows) + f"\n\n{fault}\n") == [1502]
