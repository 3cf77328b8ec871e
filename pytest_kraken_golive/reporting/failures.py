"""What is in the way, told once: the lines nearest the cause with their messages, what follows from them in a row each.

Every line's whole message is in `verdict.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_kraken_golive.reporting.page import WORDS, Page, markup

FOLLOWERS_SHOWN = 5
"""Rows for the lines that follow for certain from one and the same."""
SUSPECTS_SHOWN = 10
"""Rows for the lines that may follow from one and the same; the others are named."""
NAMES_SHOWN = 6
"""Names of lines that give the same reason."""

_PLACE = re.compile(r"[^\s:]+:\d+(?: [^\s:]+)?: ")
_NEXT = " Next: "

Line = dict[str, Any]


def failures(document: dict[str, Any], writer: Any) -> None:
    """Print what is in the way, nearest the cause first, from a verdict document."""
    page = Page(writer)
    blockers = in_the_way(document)
    for same in _grouped([line for line in blockers if line["follows_from"] is None]):
        _print_cause(page, same)
    groups: dict[tuple[str, bool], list[Line]] = {}
    for line in blockers:
        if line["follows_from"] is not None:
            groups.setdefault((line["follows_from"]["id"], line["follows_from"]["sure"]), []).append(line)
    for (cause, sure), lines in groups.items():
        if sure:
            _print_followers(page, cause, lines)
        else:
            _print_suspects(page, cause, lines)


def in_the_way(document: dict[str, Any]) -> list[Line]:
    """The lines in the way, each with its `place` in the runbook."""
    by_id = {
        line["id"]: {**line, "place": f"{book['path']}:{line['line']}"}
        for book in document["runbooks"]
        for line in book["lines"]
    }
    return [by_id[line_id] for line_id in document["blockers"]]


def heading(page: Page, line: Line) -> None:
    """A line's name, outcome and place."""
    outcome = line["outcome"]
    page.sign(outcome)
    page.write(f" {line['id']}", bold=True, **markup(outcome))
    page.line(f"  {WORDS.get(outcome, outcome)}  {line['place']}")


def _grouped(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines that say the same, each group at the place of its first."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line["outcome"], line["message"] or line["text"]), []).append(line)
    yield from groups.values()


def _print_cause(page: Page, lines: list[Line]) -> None:
    first, *others = lines
    heading(page, first)
    page.paragraph(first["text"], 4, light=True)
    fact, step = _parted(first["message"])
    page.paragraph(fact, 4, bold=True)
    if step:
        page.paragraph(f"Next: {step}", 4)
    if others:
        page.paragraph(f"For the same reason: {_names(others, NAMES_SHOWN)}", 4)
    page.line()


def _names(lines: list[Line], shown: int) -> str:
    names = ", ".join(line["id"] for line in lines[:shown])
    return names if len(lines) <= shown else f"{names} and {len(lines) - shown} more"


def _print_followers(page: Page, cause: str, lines: list[Line]) -> None:
    for line in lines[:FOLLOWERS_SHOWN]:
        page.sign(line["outcome"])
        page.line(f" {line['id']}: follows from {cause}")
    if len(lines) > FOLLOWERS_SHOWN:
        page.line(f"  and {len(lines) - FOLLOWERS_SHOWN} more follow from {cause}")
    page.line()


def _print_suspects(page: Page, cause: str, lines: list[Line]) -> None:
    page.line(f"What may follow from {cause}, in short:")
    for line in lines[:SUSPECTS_SHOWN]:
        page.sign(line["outcome"])
        page.cut(f" {line['id']}: {_found(line)}", taken=1)
    if left := lines[SUSPECTS_SHOWN:]:
        page.paragraph(f"and {_names(left, len(left))}", 2)
    page.line()


def _found(line: Line) -> str:
    """What a line found, without place and next step."""
    own = line["message"].rpartition(" (This ")[0]
    return _PLACE.sub("", _parted(own)[0], count=1)


def _parted(message: str) -> tuple[str, str]:
    """What is the matter, and the next step; what a message quotes may hold a next step of its own."""
    fact, _, step = message.rpartition(_NEXT)
    return (fact, step) if fact else (message, "")
