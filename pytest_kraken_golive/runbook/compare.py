"""What a newer stock runbook has that a project's copy lacks, and what both say differently."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_kraken_golive.runbook.model import Line, Runbook


@dataclass(frozen=True)
class Difference:
    """One line that is not the same in both."""

    id: str
    """The line's id."""
    kind: str
    """`lacking`: only the stock runbook has it; `other`: they say different things; `own`: only the project has it."""
    stock: Line | None
    """As the stock runbook has it."""
    own: Line | None
    """As the project has it."""
    what: tuple[str, ...] = ()
    """Rows that begin with what differs: `text:`, `binding:`."""


def differences(stock: Runbook, own: Runbook) -> list[Difference]:
    """The lines that differ, in the order of the stock runbook, the project's own ones behind them."""
    theirs, ours = _bound(stock), _bound(own)
    found = [Difference(line_id, "lacking", line, None) for line_id, line in theirs.items() if line_id not in ours]
    for line_id, line in theirs.items():
        if line_id in ours and (what := tuple(_unlike(line, ours[line_id]))):
            found.append(Difference(line_id, "other", line, ours[line_id], what))
    place = {line_id: number for number, line_id in enumerate(theirs)}
    found.sort(key=lambda one: place[one.id])
    return found + [Difference(line_id, "own", None, line) for line_id, line in ours.items() if line_id not in theirs]


def _bound(book: Runbook) -> dict[str, Line]:
    return {line.binding.id: line for line in book.lines if line.binding is not None}


def _unlike(stock: Line, own: Line) -> Iterator[str]:
    if stock.text_digest != own.text_digest:
        yield from _pair("text", stock.text, own.text)
    if stock.binding_digest != own.binding_digest:
        yield from _pair("binding", _written(stock), _written(own))


def _pair(what: str, stock: str, own: str) -> Iterator[str]:
    if stock == own:
        yield f"{what}: differs in what the item holds below its first paragraph"
        return
    yield f"{what}: stock  {stock}"
    yield f"{what}: yours  {own}"


def _written(line: Line) -> str:
    bound = line.binding
    if bound is None:
        return ""
    signs = (
        {"manual": "true", "roles": list(bound.manual.roles), "persons": bound.manual.persons} if bound.manual else {}
    )
    pairs = {"check": bound.check, **bound.params, **signs} if bound.check else signs
    return ", ".join(f"{key}: {value}" for key, value in pairs.items())


def nearest_own(difference: Difference, own: Runbook) -> str | None:
    """The project's line that a lacking one was perhaps renamed to: the same check, much the same words."""
    if difference.stock is None or difference.stock.binding is None:
        return None
    check, text = difference.stock.binding.check, difference.stock.text
    alike = {
        line.text: line_id
        for line_id, line in _bound(own).items()
        if line.binding is not None and line.binding.check == check
    }
    near = difflib.get_close_matches(text, list(alike), n=1, cutoff=0.6)
    return alike[near[0]] if near else None
