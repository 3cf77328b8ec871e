"""The terminal's summary: sections in runbook order, what blocks the release, and what to do about it."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
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
"""A sign for each outcome, so that the summary reads without colour too."""

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


def summary(document: dict[str, Any], writer: Any) -> None:
    """Print what the verdict document says, by runbook and section, to pytest's terminal writer."""
    width = max(60, min(writer.fullwidth, 120))
    for runbook in document["runbooks"]:
        writer.line()
        writer.line(f"{runbook['title']}  ({runbook['path']})", bold=True)
        for section, lines in _sections(runbook["lines"]):
            _print_section(writer, section, lines)
    own = _own_parts(document["scope"])
    if own:
        writer.line()
        writer.line(f"With parts that are not the stock ones: {'; '.join(own)}", bold=True)
    if document["blockers"]:
        by_id = {line["id"]: (book["path"], line) for book in document["runbooks"] for line in book["lines"]}
        writer.line()
        writer.line("In the way, nearest the cause first:", bold=True)
        for _, same in itertools.groupby((by_id[line_id] for line_id in document["blockers"]), key=_reason):
            _print_blockers(writer, list(same), width)


def _own_parts(scope: dict[str, Any]) -> list[str]:
    """What a reader must know to weigh the verdict."""
    bot = scope.get("bot") or {}
    parts = ["own bot"] if bot.get("kind") == "own bot" else []
    parts += [f"fixture {name} ({place})" for name, place in scope["overridden_fixtures"].items()]
    for key, words in (
        ("own_checks", "own checks"),
        ("replaced_checks", "replaced stock checks"),
        ("unproven_checks", "checks without a break"),
    ):
        if scope[key]:
            parts.append(f"{words} {', '.join(scope[key])}")
    return parts


def _sections(lines: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    current: list[dict[str, Any]] = []
    name = ""
    for line in lines:
        section = " / ".join(line["section"][1:] or line["section"])
        if current and section != name:
            yield name, current
            current = []
        name = section
        current.append(line)
    if current:
        yield name, current


def _print_section(writer: Any, section: str, lines: list[dict[str, Any]]) -> None:
    passed = sum(SIGNS[line["outcome"]] == "✔" for line in lines)
    writer.write("  ")
    for outcome, same in itertools.groupby(line["outcome"] for line in lines):
        writer.write(SIGNS[outcome] * len(list(same)), **_markup(outcome))
    writer.line(f"  {section}  {passed}/{len(lines)}")


def _reason(blocker: tuple[str, dict[str, Any]]) -> tuple[str, str]:
    _, line = blocker
    return line["outcome"], line["message"]


def _print_blockers(writer: Any, blockers: list[tuple[str, dict[str, Any]]], width: int) -> None:
    """A line that is in the way, and those that are for the very same reason."""
    (path, line), *others = blockers
    outcome = line["outcome"]
    writer.write(f"  {SIGNS[outcome]} {line['id']}", bold=True, **_markup(outcome))
    writer.line(f"  {WORDS.get(outcome, outcome)}  {path}:{line['line']}")
    same = f"For the same reason: {', '.join(other['id'] for _, other in others)}" if others else ""
    for paragraph in [*(line["message"] or line["text"]).split("\n"), *filter(None, [same])]:
        indent = " " * 6
        filled = textwrap.fill(
            paragraph,
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        writer.line(filled)


def _markup(outcome: str) -> dict[str, bool]:
    return {COLOURS.get(outcome, "red"): True}


def kill_table(document: dict[str, Any], writer: Any) -> None:
    """Print which line noticed which break: one sign per break, and the survivors by name."""
    by_line: dict[str, list[dict[str, Any]]] = {}
    for row in document["rows"]:
        by_line.setdefault(row["line"], []).append(row)
    writer.line()
    writer.line("Proof: every line against its breaks", bold=True)
    for line, rows in by_line.items():
        writer.write("  ")
        for row in rows:
            writer.write("✔" if row["killed"] else "✘", green=row["killed"], red=not row["killed"])
        writer.line(f"  {line}  {sum(row['killed'] for row in rows)}/{len(rows)}")
    for name in document["survivors"]:
        writer.line(f"  ✘ survived: {name}", red=True)
    writer.line(f"  {document['killed']} of {document['breaks']} breaks were noticed")
