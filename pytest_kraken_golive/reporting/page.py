"""What people see of an outcome on a terminal: signs, colours and paragraphs, also where it knows few characters."""

from __future__ import annotations

import textwrap
from typing import Any

SIGNS = {
    "passed": "✔",
    "signed": "✔",
    "waived": "~",
    "failed": "✘",
    "error": "!",
    "not_proven": "?",
    "unbound": "○",
    "suspect": "≠",
    "pending": "…",
    "not_run": "·",
}
"""A sign for each outcome, so that a page reads without colour too."""

PLAIN = str.maketrans({"✔": "+", "✘": "x", "○": "o", "≠": "#", "·": "-", "…": "...", "“": '"', "”": '"', "→": "->"})
"""What stands for our signs where the terminal's encoding has none."""

COLOURS = {
    "passed": "green",
    "signed": "green",
    "waived": "yellow",
    "not_run": "light",
    "pending": "yellow",
    "not_proven": "yellow",
    "suspect": "yellow",
}
"""Everything else is red."""

WORDS = {"not_proven": "not proven", "not_run": "not run"}

NARROWEST, WIDEST = 40, 120
"""Columns of a paragraph."""


def fitting(text: str, encoding: str | None) -> str:
    """The text as a terminal of this encoding can show it."""
    known = encoding or "ascii"
    try:
        text.encode(known)
    except (UnicodeEncodeError, LookupError):
        text = "".join(char if _has(known, char) else char.translate(PLAIN) for char in text)
        return text.encode("ascii", "backslashreplace").decode() if not _has(known, text) else text
    return text


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def markup(outcome: str) -> dict[str, bool]:
    """The colour of an outcome, as pytest's terminal writer takes it."""
    return {COLOURS.get(outcome, "red"): True}


class Page:
    """Writes to pytest's terminal writer, in what the terminal can show."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer
        self._encoding = getattr(writer._file, "encoding", None) or "utf-8"
        self.width = max(NARROWEST, min(writer.fullwidth, WIDEST))

    def write(self, text: str, **marks: bool) -> None:
        """A piece of a line."""
        self._writer.write(fitting(text, self._encoding), **marks)

    def line(self, text: str = "", **marks: bool) -> None:
        """The rest of a line."""
        self._writer.line(fitting(text, self._encoding), **marks)

    def sign(self, outcome: str, count: int = 1) -> None:
        """An outcome's sign, in its colour."""
        self.write(SIGNS[outcome] * count, **markup(outcome))

    def cut(self, text: str, taken: int = 0) -> None:
        """The rest of one line, however long the text is; so many columns of it are taken."""
        left = self.width - taken
        text = text[:1] + " ".join(text[1:].split())
        self.line(text if len(text) <= left else f"{text[: left - 1]}…")

    def paragraph(self, text: str, indent: int = 0, **marks: bool) -> None:
        """A text over as many lines as it takes; words that people copy are never torn."""
        blanks = " " * indent
        for part in text.split("\n"):
            if part.startswith("<!--"):  # a comment to paste stays in one piece
                self.line(blanks + part, **marks)
                continue
            filled = textwrap.fill(
                part,
                self.width,
                initial_indent=blanks,
                subsequent_indent=blanks,
                break_long_words=False,
                break_on_hyphens=False,
            )
            self.line(filled, **marks)
