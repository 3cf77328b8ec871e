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

_PLACE = re.compile(r"(?P<source>[^\s:]+(?::\d+)?)(?: (?P<key>[^\s:]+))?: ")
_ASIDE = " The nearest parent that exists is "
_NEXT = " Next: "

Line = dict[str, Any]


def failures(document: dict[str, Any], writer: Any, *, whole: bool = False) -> None:
    """Print what is in the way, nearest the cause first.

    Args:
        document: see `gate.document`.
        writer: pytest's terminal writer.
        whole: also of each line that follows from another all that it says.
    """
    page = Page(writer)
    blockers = in_the_way(document)
    groups: dict[tuple[str, bool], list[Line]] = {}
    for line in blockers:
        if line["follows_from"] is not None:
            groups.setdefault((line["follows_from"]["id"], line["follows_from"]["sure"]), []).append(line)
    unread = {line["id"] for line in blockers if line["unread"] and line["follows_from"] is None}
    for same in grouped([line for line in blockers if line["follows_from"] is None]):
        if same[0]["id"] in unread:
            followers = groups.get((same[0]["id"], True), [])
            _print_unread(page, same[0], len(same) + len(followers))
        else:
            _print_cause(page, same)
    for (cause, sure), lines in groups.items():
        if whole:
            for line in lines:
                _print_cause(page, [line])
        elif not sure:
            _print_suspects(page, cause, lines)
        elif cause not in unread:
            _print_followers(page, cause, lines)


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


def also(line: Line) -> list[str]:
    """Further faults of a line; a document of an earlier version has none."""
    return list(line.get("also") or ())


def counted(number: int, what: str) -> str:
    """`1 line`, `2 lines`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def grouped(lines: list[Line]) -> Iterator[list[Line]]:
    """Lines that say the same, each group at the place of its first."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        said = "\n".join([line["message"] or line["text"], *also(line)])
        groups.setdefault((line["outcome"], said), []).append(line)
    yield from groups.values()


def _print_unread(page: Page, line: Line, count: int) -> None:
    """A file that cannot be read is no matter of any line; what it says of them, nobody knows."""
    page.sign(line["outcome"])
    page.line(f" {counted(count, 'line')} could not be judged because {line['unread']} cannot be read", bold=True)
    _print_message(page, line["message"])
    page.line()


def _print_cause(page: Page, lines: list[Line]) -> None:
    first, *others = lines
    heading(page, first)
    page.paragraph(first["text"], 4, light=True)
    _print_message(page, first["message"])
    for message in also(first):
        _print_message(page, message)
    if others:
        page.paragraph(f"For the same reason: {_names(others, NAMES_SHOWN)}", 4)
    page.line()


def _print_message(page: Page, message: str) -> None:
    fact, step = parted(message)
    page.paragraph(fact, 4, bold=True)
    if step:
        page.paragraph(f"Next: {step}", 4)


def _names(lines: list[Line], shown: int) -> str:
    names = ", ".join(line["id"] for line in lines[:shown])
    return names if len(lines) <= shown else f"{names} and {len(lines) - shown} more"


def _print_followers(page: Page, cause: str, lines: list[Line]) -> None:
    for line in lines[:FOLLOWERS_SHOWN]:
        page.sign(line["outcome"])
        page.line(f" {line['id']}: follows from {cause}")
    if (left := len(lines) - FOLLOWERS_SHOWN) > 0:
        page.line(f"  and {left} more {'follows' if left == 1 else 'follow'} from {cause}")
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
    """Where a line looked and what it found there, as short as can be: file and last key, no next step."""
    fact = parted(line["message"].rpartition(" (This ")[0])[0].partition(_ASIDE)[0]
    place = _PLACE.match(fact)
    if place is None:
        return fact
    source = place["source"].rpartition("/")[2] if "://" not in place["source"] else place["source"]
    key = re.sub(r"^.*\.(?=\w*[A-Za-z_])", "", place["key"] or "")  # the last one, with the places in a list
    return f"{source}{key and f' {key}'}: {fact[place.end() :]}"


def parted(message: str) -> tuple[str, str]:
    """What is the matter, and the next step; what a message quotes may hold a next step of its own."""
    fact, _, step = message.rpartition(_NEXT)
    return (fact, step) if fact else (message, "")
