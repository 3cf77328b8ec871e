"""The binding comments of a runbook: where Markdown sees them, where they may stand, and which ones it loses.

A binding stands at the end of its item's first paragraph, or on a line of its own directly below that paragraph. So it
is beside the words that it proves, whatever else the item holds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from markdown_it.token import Token

from pytest_kraken_golive.runbook.binding import NEAR_COMMENT
from pytest_kraken_golive.runbook.items import Item, is_binding
from pytest_kraken_golive.runbook.problems import Problems

_NOT_AT_THE_END = (
    "text follows the binding",
    "put the comment at the end of the item's first paragraph; its first --> ends it, in a quoted value too",
)
_BEFORE = ("the binding stands before the item's text", "put it at the end of that text, or on a line below")
_ELSEWHERE = (
    "the binding does not stand at its item's first paragraph",
    "put it at the end of that paragraph, or on a line of its own directly below it",
)


@dataclass(frozen=True)
class Comment:
    """A comment in an item that was meant to bind it."""

    row: int
    """0-based line on which it begins."""
    text: str
    """The comment as written, with what an HTML block holds behind it."""
    misplaced: tuple[str, str] | None = None
    """What is wrong with its place and what to do; None if it stands well."""


def raw_rows(rows: list[str]) -> list[int]:
    """0-based lines on which the raw text begins what was meant as a binding, once for each, in order."""
    text = "\n".join(rows)
    found = []
    row = position = 0
    for match in NEAR_COMMENT.finditer(text):
        row += text.count("\n", position, match.start())
        position = match.start()
        found.append(row)
    return found


def comments_of(item: Item, raw: list[int], paragraphs: AbstractSet[int]) -> list[Comment]:
    """The binding comments in an item that Markdown sees, in order.

    Args:
        item: the list item.
        raw: see `raw_rows`.
        paragraphs: see `paragraph_rows`.
    """
    found: list[Comment] = []
    for place, block in enumerate(item.blocks):
        if block.type == "inline" and "<!-" in block.content:
            found.extend(_in_paragraph(block, raw, None if place == item.first else _elsewhere(item, place)))
        elif is_binding(block):
            found.append(_in_block(item, place, paragraphs))
    return found


def _elsewhere(item: Item, place: int) -> tuple[str, str]:
    return _BEFORE if item.first is None or place < item.first else _ELSEWHERE


def _in_paragraph(inline: Token, raw: list[int], misplaced: tuple[str, str] | None) -> Iterator[Comment]:
    nth = bisect_left(raw, inline.map[0] if inline.map else 0)
    children = inline.children or []
    position = 0
    for place, child in enumerate(children):
        if is_binding(child):
            before, position = position, inline.content.index(child.content, position)
            # The content's lines cannot be counted: the parser strips blank ones that are not blank to Markdown.
            nth += len(NEAR_COMMENT.findall(inline.content, before, position))
            row = raw[nth]
            nth, position = nth + 1, position + len(child.content)
            wrong = misplaced or (None if all(map(_is_nothing, children[place + 1 :])) else _NOT_AT_THE_END)
            yield Comment(row, child.content, wrong)


def _is_nothing(token: Token) -> bool:
    """Whether a token behind the binding is no text: a break, blanks, or the end of bold words."""
    return token.nesting == -1 or (token.type in {"text", "softbreak", "hardbreak"} and not token.content.strip())


def _in_block(item: Item, place: int, paragraphs: AbstractSet[int]) -> Comment:
    block = item.blocks[place]
    begin, end = block.map or [0, 0]
    wrong = None
    if item.first is None or place != item.first + 1:
        wrong = _elsewhere(item, place)
    elif block.content.partition("-->")[2].strip():
        wrong = _NOT_AT_THE_END
    elif end in paragraphs:
        wrong = (_NOT_AT_THE_END[0], "put a blank line below the comment, or the text above it")
    return Comment(begin, block.content.strip(), wrong)


def paragraph_rows(tokens: list[Token]) -> set[int]:
    """0-based lines that begin a paragraph directly, not behind the marker of an item or quote."""
    rows: set[int] = set()
    before = ""
    for token in tokens:
        if token.nesting >= 0:
            plain = token.type == "paragraph_open" or (token.type == "heading_open" and token.markup in {"=", "-"})
            if plain and token.map and before not in {"list_item_open", "blockquote_open"}:
                rows.add(token.map[0])
            before = token.type
    return rows


def refuse_lost(
    rows: list[str],
    raw: list[int],
    *,
    comments: Iterable[Comment],
    tokens: list[Token],
    fenced: AbstractSet[int],
    problems: Problems,
) -> None:
    """Refuse every beginning of a binding in the raw text that is no comment of an item.

    Args:
        rows: the runbook's lines.
        raw: see `raw_rows`.
        comments: the comments of its items.
        tokens: its Markdown tokens.
        fenced: 0-based lines of code fences, where nothing is a binding.
        problems: what is found is added here.
    """
    lost = Counter(row for row in raw if row not in fenced) - Counter(comment.row for comment in comments)
    if not lost:
        return
    last_end = max((row for row, line in enumerate(rows) if "-->" in line), default=-1)
    owned = _rows_of_items(tokens)
    for row in lost:
        if row > last_end:
            problems.add(row, "a comment that is never closed", "end it with -->")
        elif row in owned:
            problems.add(row, "a binding that Markdown does not see", "put it at the end of its item's first paragraph")
        else:
            problems.add(row, "a binding that belongs to no list item", "indent it under its item's text")


def _rows_of_items(tokens: list[Token]) -> set[int]:
    owned: set[int] = set()
    for token in tokens:
        if token.type in {"bullet_list_open", "ordered_list_open"} and token.map:
            owned.update(range(*token.map))
    return owned
