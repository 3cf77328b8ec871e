"""The terminal's summary: sections in runbook order, what blocks the release, and the table of the proof."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_kraken_golive.reporting.failures import counted, heading, in_the_way
from pytest_kraken_golive.reporting.page import SIGNS, WORDS, Page

NOT_ASKED_SHOWN = 8
"""Names of stock lines; the others are in the verdict's scope."""


def summary(document: dict[str, Any], writer: Any, *, told: bool = False) -> None:
    """Print what the verdict document says, by runbook and section.

    Args:
        document: see `gate.document`.
        writer: pytest's terminal writer.
        told: whether what is in the way has been told already; see `reporting.failures`.
    """
    page = Page(writer)
    for runbook in document["runbooks"]:
        page.line()
        page.paragraph(f"{runbook['title']}  ({runbook['path']})", bold=True)
        for section, lines in sections(runbook["lines"]):
            _print_section(page, section, lines)
    _print_counts(page, document["counts"])
    _print_not_asked(page, document["scope"])
    own = _own_parts(document["scope"])
    if own:
        page.line()
        page.paragraph(f"With parts that are not the stock ones: {'; '.join(own)}", bold=True)
    recordings = _recordings(document["scope"])
    if recordings:
        page.line()
        page.paragraph(recordings, bold=True)
    _print_waivers(page, document)
    blockers = in_the_way(document)
    if blockers:
        page.line()
    if told:
        causes = [line["id"] for line in blockers if line["follows_from"] is None]
        left = len(blockers) - len(causes)
        rest = f", and {counted(left, 'line')} that {'follows' if left == 1 else 'follow'} from there" if left else ""
        if causes:
            page.paragraph(f"In the way: {', '.join(causes)}{rest}", bold=True)
    elif blockers:
        page.line("In the way, nearest the cause first:", bold=True)
        for line in blockers:
            page.write("  ")
            heading(page, line)
    if document["troubles"]:
        page.line()
        for trouble in document["troubles"]:
            page.paragraph(f"Beside the lines: {trouble}", red=True)


def _recordings(scope: dict[str, Any]) -> str:
    """Where answers came from that were recorded; empty if none were."""
    known = scope["recordings"]
    if not known:
        return ""
    origins = ", ".join(sorted({one["origin"] for one in known.values()}))
    oldest = max(one["age_days"] for one in known.values())
    stale = [f"{line} is stale: {one['stale']}" for line, one in known.items() if one["stale"]]
    lines = f"{len(known)} line{'s' if len(known) > 1 else ''}"
    return " ".join([f"Recordings: {lines}, of {origins}, up to {oldest:.0f} days old.", *stale])


def _print_counts(page: Page, counts: dict[str, int]) -> None:
    """How many lines came out how, which explains the signs; nothing where there is only one kind."""
    if set(counts) <= {"passed"}:
        return
    page.write("  ")
    for outcome in SIGNS:
        if outcome in counts:
            page.sign(outcome)
            page.write(f" {counts[outcome]} {WORDS.get(outcome, outcome)}   ")
    page.line()


def _print_waivers(page: Page, document: dict[str, Any]) -> None:
    """For what somebody answers, until when; and what is no fault but should be looked at."""
    used = [waiver for waiver in document["waivers"] if waiver["used"]]
    if used:
        page.line()
        page.line("Waived:", bold=True)
    for one in used:
        page.write("  ")
        page.sign("waived")
        last_day = (dt.datetime.fromisoformat(one["expires_at"]) - dt.timedelta(microseconds=1)).date()
        page.line(f" {one['line']}  {one['approver']}, {one['ticket']}, ends with {last_day} (UTC)", yellow=True)
        page.paragraph(one["reason"], 4)
    for warning in document["warnings"]:
        page.line()
        page.paragraph(f"Warning: {warning}", yellow=True)


def _print_not_asked(page: Page, scope: dict[str, Any]) -> None:
    """Lines of the stock runbook that this run does not ask: deleting a line leaves no other trace."""
    lines = [f"{one['line']} ({one['check']})" for one in scope["not_asked"]]
    if lines:
        more = f" and {len(lines) - NOT_ASKED_SHOWN} more" if len(lines) > NOT_ASKED_SHOWN else ""
        page.line()
        page.paragraph(
            f"Not asked, though the stock runbook does: {', '.join(lines[:NOT_ASKED_SHOWN])}{more}", bold=True
        )


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


def section_name(headings: Sequence[str]) -> str:
    """The headings above a line, without the runbook's own."""
    return " / ".join(headings[1:] or headings)


def sections(lines: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The lines of a runbook, those in a row that stand under the same headings together."""
    current: list[dict[str, Any]] = []
    name = ""
    for line in lines:
        section = section_name(line["section"])
        if current and section != name:
            yield name, current
            current = []
        name = section
        current.append(line)
    if current:
        yield name, current


def _print_section(page: Page, section: str, lines: list[dict[str, Any]]) -> None:
    passed = sum(SIGNS[line["outcome"]] == "✔" for line in lines)
    page.write("  ")
    for outcome, same in itertools.groupby(line["outcome"] for line in lines):
        page.sign(outcome, len(list(same)))
    page.line(f"  {section}  {passed}/{len(lines)}")


def _sign_of(row: dict[str, Any]) -> str:
    if not row["tried"]:
        return "not_run"
    return "passed" if row["killed"] else "failed"


def kill_table(document: dict[str, Any], writer: Any) -> None:
    """Print which line noticed which break: one sign per break, and what survived with the reason."""
    page = Page(writer)
    by_line: dict[str, list[dict[str, Any]]] = {}
    for row in document["rows"]:
        by_line.setdefault(row["line"], []).append(row)
    page.line()
    page.line("Proof: every line against its breaks", bold=True)
    for line, rows in by_line.items():
        page.write("  ")
        for row in rows:
            page.sign(_sign_of(row))
        page.line(f"  {line}  {sum(row['killed'] for row in rows)}/{len(rows)}")
        for why in dict.fromkeys(row["problem"] for row in rows if not row["tried"]):
            page.paragraph(f"not tried: {why}", 6)
    for row in document["rows"]:
        if row["tried"] and not row["killed"]:
            page.line()
            page.line(f"  ✘ {row['line']}[{row['break']}] survived: {row['what']}", red=True)
            page.paragraph(row["problem"], 6)
    page.line(f"  {document['killed']} of {document['breaks']} breaks were noticed")
