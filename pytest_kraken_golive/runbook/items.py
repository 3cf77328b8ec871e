"""The list items of a runbook, each with the blocks that are its own: paragraphs, code, HTML, but no item below it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from markdown_it.token import Token

from pytest_kraken_golive.runbook.binding import NEAR_COMMENT

_BOX = re.compile(r"\[([ xX])\](?:\s+|\Z)")
_BREAKS = frozenset({"softbreak", "hardbreak"})
_HTML = frozenset({"html_inline", "html_block"})
_WORDS = frozenset({"text", "code_inline", "text_special", "image"})
_CONTAINERS = frozenset({"bullet_list_open", "ordered_list_open", "blockquote_open"})
_LEAVES = frozenset({"inline", "fence", "code_block", "html_block"})


@dataclass
class Item:
    """A list item as the Markdown parser sees it."""

    start: int
    """0-based line of its marker."""
    section: tuple[str, ...]
    """The headings above it, outermost first."""
    depth: int
    """How many items it stands in."""
    blocks: list[Token] = field(default_factory=list)
    """What it holds, in order; a list or quote in it is one token that opens it, before the quote's own blocks."""
    first: int | None = None
    """The place among the blocks of its first paragraph, which is what the line says."""

    @cached_property
    def box(self) -> str | None:
        """What is in its task box, None without a box. Code, links and escapes that look like a box are none."""
        if self.first is None or not self._paragraph.startswith("["):
            return None
        token = self.blocks[self.first]
        if token.content[0] != "[" or not token.children or token.children[0].type != "text":
            return None
        match = _BOX.match(self._paragraph)
        return match[1] if match else None

    @property
    def text(self) -> str:
        """What its first paragraph says, without box and comments."""
        return self._paragraph if self.box is None else _BOX.sub("", self._paragraph, count=1)

    @property
    def content(self) -> tuple[str, ...]:
        """What it holds beside its text, block by block: where links lead, HTML, later paragraphs, code."""
        held = []
        for place, block in enumerate(self.blocks):
            if block.type == "inline":
                held.append(_unseen(block) if place == self.first else f"{words(block)}\n{_unseen(block)}")
            elif block.type in _LEAVES and not is_binding(block):
                held.append(f"{block.info}\n{block.content}")
        return tuple(filter(None, held))

    @cached_property
    def _paragraph(self) -> str:
        return "" if self.first is None else words(self.blocks[self.first])


def is_binding(token: Token) -> bool:
    """Whether the token is a comment that was meant to bind a line."""
    return token.type in _HTML and NEAR_COMMENT.match(token.content.lstrip()) is not None


def words(inline: Token) -> str:
    """The words of a paragraph or heading, in one line; bold and italics make no difference."""
    pieces = []
    for child in inline.children or []:
        if child.type in _WORDS:
            pieces.append(child.content)
        elif child.type in _BREAKS:
            pieces.append(" ")
    return " ".join("".join(pieces).split())


def _unseen(inline: Token) -> str:
    """What the words do not tell: where links and pictures lead, and HTML other than bindings."""
    pieces: list[str] = []
    for child in inline.children or []:
        if child.attrs:
            pieces.extend(str(value) for value in child.attrs.values())
        elif child.type == "html_inline" and not is_binding(child):
            pieces.append(child.content)
    return "\n".join(pieces)


def items_of(tokens: list[Token]) -> list[Item]:
    """Every list item, in document order."""
    return list(_Walk().items(tokens))


class _Walk:
    """One way through the tokens. A heading inside an item is the item's own and begins no section."""

    def __init__(self) -> None:
        self.headings: list[tuple[int, str]] = []
        self.open: list[tuple[Item, int]] = []

    def items(self, tokens: list[Token]) -> Iterator[Item]:
        opened = ""
        for token in tokens:
            if token.type == "list_item_open":
                yield self._begin(token)
            elif token.type == "list_item_close":
                self.open.pop()
            elif self.open:
                self._take(token, opened)
            elif token.type == "inline" and opened.startswith("h"):
                self._heading(int(opened[1:]), words(token))
            if token.nesting == 1:
                opened = token.tag

    def _begin(self, token: Token) -> Item:
        start = token.map[0] if token.map else 0
        item = Item(start, tuple(name for _, name in self.headings), depth=len(self.open))
        self.open.append((item, token.level))
        return item

    def _take(self, token: Token, opened: str) -> None:
        item, level = self.open[-1]
        if token.type in _LEAVES or token.type in _CONTAINERS:
            if item.first is None and token.type == "inline" and opened == "p" and token.level == level + 2:
                item.first = len(item.blocks)
            item.blocks.append(token)

    def _heading(self, level: int, name: str) -> None:
        self.headings = [heading for heading in self.headings if heading[0] < level]
        self.headings.append((level, name))
