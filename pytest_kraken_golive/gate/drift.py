"""Whether a line is still what somebody accepted: its words, its binding, its check's source.

`suspect` is a line that would pass and that nobody has looked at since it changed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_kraken_golive.gate.check_source import Sources
from pytest_kraken_golive.gate.plan import Plan, PlannedLine
from pytest_kraken_golive.runbook.lock import FILE, NO_CHECK, Accepted, Lock

STEP = (
    "Next: read the line and what its check does, and answer for it: `kraken-golive accept LINE` (`--all`: every line)."
)


def present(planned: PlannedLine) -> Accepted:
    """What there is to accept of a bound line."""
    return Accepted.of(planned.line.text_digest, planned.line.binding_digest, planned.source or NO_CHECK)


def note_drift(plan: Plan, lock: Lock | None, rootdir: Path) -> None:
    """Say of each bound line of a plan what makes it suspect, and what its check's source is."""
    sources = Sources(rootdir)
    for line_id, planned in plan.lines.items():
        if planned.is_bound:
            known = replace(planned, source="" if planned.check is None else sources.digest_of(planned.check))
            plan.lines[line_id] = replace(known, drift=drift(known, lock))
    plan.check_files = sorted(sources.own_files)


def drift(planned: PlannedLine, lock: Lock | None) -> str | None:
    """Why a bound line is suspect; None if it is what was accepted."""
    accepted = None if lock is None else lock.of(planned.runbook.shown, planned.id)
    if accepted is None:
        where = f"{FILE} does not have it" if lock is not None else f"there is no {FILE}"
        return f"nobody has accepted this line yet: {where}. {STEP}"
    changed = accepted.changed_to(present(planned))
    if not changed:
        return None
    return f"{' and '.join(changed)} changed since {accepted.by} accepted the line on {accepted.on}. {STEP}"


def vanished(plan: Plan, lock: Lock | None, rootdir: Path, *, all_runbooks: bool) -> list[str]:
    """What somebody accepted and is gone, in words: lines of the plan's runbooks, and whole runbooks.

    Args:
        plan: the lines of the run.
        lock: what was accepted.
        rootdir: the project's.
        all_runbooks: False where somebody named the runbooks to run: the others are then not asked about.
    """
    if lock is None:
        return []
    lines = [
        f"{book.shown}: the line {line_id!r} was accepted by {accepted.by} on {accepted.on} and is gone. "
        f"Next: put it back, or accept that it is gone: `kraken-golive accept {line_id}`"
        for book in plan.runbooks
        for line_id in lock.gone(book.shown, [planned.id for planned in plan.of(book.path)])
        if (accepted := lock.of(book.shown, line_id)) is not None
    ]
    books = [
        f"{book}: {len(lock.books[book])} lines of this runbook were accepted, and it is gone. Next: put it back, or "
        "accept that they are gone: `kraken-golive accept --all`"
        for book in (gone_books(plan, lock, rootdir) if all_runbooks else ())
    ]
    return lines + books


def gone_books(plan: Plan, lock: Lock, rootdir: Path) -> list[str]:
    """Runbooks of which lines were accepted, and that are no more."""
    there = {book.shown for book in plan.runbooks}
    return [book for book in lock.books if book not in there and not (rootdir / book).is_file()]
