"""Texts of files on a page of Markdown: shown as they are, never as headings, links, formulas or colours."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_BLANKS = re.compile(r"[^\S\N{NO-BREAK SPACE}]+")


def verbatim(text: str) -> str:
    """A text as Markdown that shows it; on one line."""
    return _MARKS.sub(r"\\\1", _BLANKS.sub(" ", text))


def as_read(markdown: str) -> str:
    """What people read of it: the text that `verbatim` was given."""
    return _ESCAPED.sub(r"\1", markdown).replace("\N{NO-BREAK SPACE}", " ")
