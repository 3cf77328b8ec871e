"""Find what Markdown would lose without a sound: every raw line that looks like an item must have become one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from markdown_it.token import Token

from pytest_kraken_golive.runbook.items import is_binding
from pytest_kraken_golive.runbook.problems import Problems

_INVISIBLE = "\u200b-\u200f\u2060\ufeff"  # zero-width characters and marks of direction, which come with pasted text
_QUOTE = rf"[\s{_INVISIBLE}]*(?:>[\s{_INVISIBLE}]*)*"
_LETTER = r"[^\W\d_]"

LIST_ITEM = re.compile(_QUOTE + r"(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
"""A list item as CommonMark knows it, wherever it stands."""

_DASHES = "\u2010-\u2015\u2043\u2212\ufe58\ufe63\uff0d" + "\u00b7\u2219\u22c5\u2027\u30fb"
"""Hyphens, dashes and minus signs other than ASCII's, and middle dots: bullets, unless a number follows."""

_BULLETS = (
    "\u2022\u2023\u204c\u204d\u25a0-\u25ff\u2605\u2606\u2b1b\u2b1c\uf0a7\uf0b7"  # dots, squares, circles, stars
    "\u2610-\u2612\u2713-\u2718\u2705\u274c\u274e\U0001f532\U0001f533\U0001f5f8-\U0001f5f9"  # boxes, ticks, crosses
    "\u2192\u21d2\u2794\u2798-\u27af\u27b1-\u27be"  # arrows
    "\u2460-\u24ff\u2720-\u274b\u274d\u274f-\u2752\u2756\u2776-\u2793"  # numbers in circles, ornaments
)
"""What word processors and chat programs make of bullets, boxes and numbers."""

NEAR_LIST_ITEM = re.compile(
    _QUOTE
    + rf"(?:\d{{1,9}}[.)](?=(?:{_LETTER}|[\[`*_\"'(<]))"  # 1.Check
    + r"|[-+](?=[A-Z\[]|[^\W\d_a-z])|\*(?=\[)"  # -Check, *[ ] check
    + rf"|[{_BULLETS}]|[{_DASHES}](?!\d)|--+\s+(?=[^\s-])"
    + r"|&(?:bull|middot|[nm]dash|minus);"
    + r"|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{2,5})\)\s|\(?[A-Za-z]\.\s(?=\S)"  # a) check, (1) check, A. check
    + r")"
)
"""What people mean as a list item and Markdown does not."""

BOX = re.compile(_QUOTE + rf"(?:[-*+]|\d{{1,9}}[.)])?[\s{_INVISIBLE}]*\\?\[\s{{0,3}}[^\s\]]?\s{{0,3}}\\?\](?![(:\[])")
"""A task box, well or badly written, at the beginning of a line."""

GOOD_BOX = re.compile(_QUOTE + r"(?:[-*+]|\d{1,9}[.)])\s+\[[ xX]\]\s+\S")
"""A task box as it must be written."""

TABLE_RULE = re.compile(_QUOTE + r"(?:\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?|\|\s*:?-+:?\s*\|)\s*$")
"""The line under a table's head."""

HTML_ROWS = re.compile(r"<(?:ul|ol|li|menu|dl|dt|dd|table|t[rhd]|input)\b", re.IGNORECASE)
"""What makes a list, a table or a box of HTML."""

_NOTHING_TO_FIND = re.compile(r"\s*(?:[A-Za-z]{2}[^)]{4}|$)")
"""How most lines of text begin; they need no closer look unless they hold a table's bar."""


def fenced_rows(tokens: list[Token], problems: Problems) -> set[int]:
    """0-based lines of code fences; one that is never closed is added to the problems.

    The text must end with a newline, so that each line of code counts as one.
    """
    rows: set[int] = set()
    for token in tokens:
        if token.type == "fence" and token.map:
            first, last = token.map
            rows.update(range(first, last))
            # What the parser took beside the code and the opening mark can only be the closing mark.
            if last - first != token.content.count("\n") + 2:
                problems.add(
                    first,
                    "a code fence that is never closed swallows what follows",
                    "close it with the same mark, not indented further and in the same item or quote",
                )
    return rows


def refuse_lost_items(rows: list[str], starts: AbstractSet[int], fenced: AbstractSet[int], problems: Problems) -> None:
    """Refuse every raw line that looks like an item, a task box or a table, and is none to Markdown.

    Args:
        rows: the runbook's lines, those of the front matter blank.
        starts: 0-based lines at which a list item was parsed.
        fenced: 0-based lines of code fences.
        problems: what is found is added here.
    """
    for row, line in enumerate(rows):
        if row not in fenced and ("|" in line or not _NOTHING_TO_FIND.match(line)):
            for what, step in _wrong_with(line, row in starts):
                problems.add(row, what, step)


def _wrong_with(line: str, parsed: bool) -> Iterator[tuple[str, str]]:
    shown = repr(line.strip()[:60])
    if BOX.match(line) and not (parsed and GOOD_BOX.match(line)):
        yield f"almost a task box: {shown}", "write '- [ ] text' as a list item of its own"
    elif parsed:
        return
    elif LIST_ITEM.match(line) and not _thematic_break(line):
        yield (
            f"looks like a list item, but Markdown reads it as something else: {shown}",
            "put a blank line before the list, and take it out of comments, HTML and indented code",
        )
    elif NEAR_LIST_ITEM.match(line):
        yield f"almost a list item: {shown}", "write '- text' or '1. text' with a space, or reword the line"
    elif TABLE_RULE.match(line) and not _thematic_break(line):
        yield "a table; its rows would not be proven", "write its rows as list items, or fence it as code"


def _thematic_break(line: str) -> bool:
    bare = re.sub(r"[\s>]", "", line)
    return len(bare) > 2 and bare[0] in "-*_" and not bare.strip(bare[0])  # noqa: PLR2004 - CommonMark's three marks


def refuse_html_lists(tokens: list[Token], problems: Problems) -> None:
    """Refuse lists, tables and boxes of HTML: a page shows them as a checklist, and nothing would prove it."""
    for token in tokens:
        begin = token.map[0] if token.map else 0
        if token.type == "html_block" and not is_binding(token):
            match = HTML_ROWS.search(token.content)
            if match:
                _refuse_html(begin + token.content.count("\n", 0, match.start()), match[0], problems)
        elif token.type == "inline" and "<" in token.content:
            for child in token.children or []:
                if child.type == "html_inline" and not is_binding(child) and HTML_ROWS.search(child.content):
                    row = begin + token.content.count("\n", 0, token.content.index(child.content))
                    _refuse_html(row, child.content, problems)
                    break


def _refuse_html(row: int, tag: str, problems: Problems) -> None:
    problems.add(
        row,
        f"a list, table or box of HTML ({tag.split(maxsplit=1)[0].rstrip('>')}>); it would not be proven",
        "write '- text' for each of its rows, or fence it as code",
    )
