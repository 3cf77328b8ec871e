"""Find what Markdown would lose without a sound: every raw line that looks like an item must have become one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.token import Token

from pytest_kraken_golive.runbook.binding import NEAR_COMMENT

_QUOTE = r"^\s*(?:>\s?)*\s*"
LIST_ITEM = re.compile(_QUOTE + r"(?:[-*+]|\d{1,9}[.)])(?:\s|$)")
"""A list item as CommonMark knows it, wherever it stands."""

NEAR_LIST_ITEM = re.compile(
    _QUOTE
    + r"(?:\d{1,9}[.)](?=[A-Za-z\[`*_\"'(])"  # 1.Check
    + r"|[-+](?=[A-Z\[])|\*(?=\[)"  # -Check, *[ ] check
    + r"|[•‣▪◦●○■□☐☑☒✓✔✅❌]"  # bullets and boxes of word processors
    + r"|\(?(?:\d{1,3}|[A-Za-z])\)\s|\(?[A-Za-z]\.\s(?=\S)"  # a) check, (1) check, A. check
    + r")"
)
"""What people mean as a list item and Markdown does not."""

BOX = re.compile(_QUOTE + r"(?:[-*+]|\d{1,9}[.)])?\s*\\?\[\s{0,3}[^\s\]]?\s{0,3}\\?\](?![(:\[])")
"""A task box, well or badly written, at the beginning of a line."""

GOOD_BOX = re.compile(_QUOTE + r"(?:[-*+]|\d{1,9}[.)])\s+\[[ xX]\]\s+\S")
"""A task box as it must be written."""

TABLE_RULE = re.compile(_QUOTE + r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)+\|?\s*$|" + _QUOTE + r"\|\s*:?-+:?\s*\|\s*$")
"""The line under a table's head."""


def lint(text: str, tokens: list[Token], item_starts: set[int], bindings: int, shown: str) -> list[str]:
    """Compare the raw text with what was parsed.

    Args:
        text: the runbook.
        tokens: its Markdown tokens.
        item_starts: 0-based lines at which a list item was parsed.
        bindings: how many binding comments were parsed.
        shown: the runbook's path for messages.

    Returns:
        One message for each line that would be lost or misread; empty when all is well.
    """
    raw = text.splitlines()
    skipped = _front_matter_lines(tokens)
    problems = []
    for first, last, closed in _fences(raw, tokens):
        skipped |= set(range(first, last))
        if not closed:
            problems.append(_say(shown, first, "a code fence that is never closed swallows what follows", "close it"))
    seen_bindings = 0
    for number, line in enumerate(raw):
        if number in skipped:
            continue
        seen_bindings += len(NEAR_COMMENT.findall(line))
        problems.extend(_line_problems(shown, number, line, number in item_starts))
    if seen_bindings != bindings:
        problems.extend(_stray_bindings(shown, raw, tokens, skipped))
    return problems


def _say(shown: str, number: int, what: str, step: str) -> str:
    return f"{shown}:{number + 1}: {what}. Next: {step}."


def _line_problems(shown: str, number: int, line: str, parsed: bool) -> Iterator[str]:
    if BOX.match(line) and not (parsed and GOOD_BOX.match(line)):
        yield _say(
            shown, number, f"almost a task box: {line.strip()[:60]!r}", "write '- [ ] text' as a list item of its own"
        )
    elif LIST_ITEM.match(line) and not parsed and not _thematic_break(line):
        what = f"looks like a list item, but Markdown reads it as something else: {line.strip()[:60]!r}"
        yield _say(
            shown, number, what, "put a blank line before the list, and take it out of comments, HTML and indented code"
        )
    elif NEAR_LIST_ITEM.match(line) and not parsed:
        what = f"almost a list item: {line.strip()[:60]!r}"
        yield _say(shown, number, what, "write '- text' or '1. text' with a space, or reword the line")
    elif TABLE_RULE.match(line) and not _thematic_break(line):
        yield _say(
            shown, number, "a table; its rows would not be proven", "write its rows as list items, or fence it as code"
        )


def _thematic_break(line: str) -> bool:
    bare = re.sub(r"[\s>]", "", line)
    return len(bare) > 2 and bare[0] in "-*_" and not bare.strip(bare[0])  # noqa: PLR2004 - CommonMark's three marks


def _front_matter_lines(tokens: list[Token]) -> set[int]:
    if tokens and tokens[0].type == "front_matter" and tokens[0].map:
        return set(range(*tokens[0].map))
    return set()


def _fences(raw: list[str], tokens: list[Token]) -> Iterator[tuple[int, int, bool]]:
    """First line, line after the last, and whether the fence was closed."""
    for token in tokens:
        if token.type == "fence" and token.map:
            first, last = token.map
            closing = raw[last - 1].strip().lstrip("> ") if last - 1 > first and last <= len(raw) else ""
            mark = token.markup[:1]
            yield first, last, bool(mark) and len(closing) >= len(token.markup) and not closing.strip(mark)


def _stray_bindings(shown: str, raw: list[str], tokens: list[Token], skipped: set[int]) -> Iterator[str]:
    """Comments that belong to no list item."""
    owned: set[int] = set()
    for token in tokens:
        if token.type == "list_item_open" and token.map:
            owned |= set(range(*token.map))
    for number, line in enumerate(raw):
        if number not in skipped and NEAR_COMMENT.search(line):
            if number not in owned:
                yield _say(shown, number, "a binding that belongs to no list item", "indent it under its item's text")
            elif "-->" not in "".join(raw[number:]):
                yield _say(shown, number, "a comment that is never closed", "end it with -->")
            else:
                yield _say(
                    shown, number, "a binding that Markdown does not see", "put it at the end of its item's text"
                )
