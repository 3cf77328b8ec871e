"""Whether every line can fail: the proof's table, line by line, as the page shows it beside the verdict."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Outcome

FILE = "proof.json"
"""Beside `verdict.json`; see `gate.proof_table`."""


NO_BREAK = "no-break"
"""What stands in the place of a break where a check has none."""


@dataclass(frozen=True)
class Tried:
    """A break of a line."""

    name: str
    what: str
    outcome: str
    """`passed`: it was noticed; `failed`: it survived; `not_run`: it was not tried. The sign is that of the outcome."""
    problem: str
    """Why it was not noticed, or not tried."""


@dataclass(frozen=True)
class Row:
    """A line with all its breaks."""

    line: str
    breaks: tuple[Tried, ...]
    noticed: int

    @property
    def worst(self) -> str:
        """The outcome that the row shows."""
        found = {one.outcome for one in self.breaks}
        if not self.breaks:
            return Outcome.FAILED
        return next((one for one in (Outcome.FAILED, Outcome.NOT_RUN) if one in found), Outcome.PASSED)


@dataclass(frozen=True)
class Proof:
    """All that was tried."""

    rows: tuple[Row, ...]
    survivors: tuple[tuple[str, Tried], ...]
    unproven: tuple[str, ...]
    """Lines with a check that has no break: nobody has shown that they can fail."""
    noticed: int
    breaks: int
    not_tried: int


def proof_beside(report_dir: Path, document: dict[str, Any]) -> dict[str, Any] | None:
    """The proof that was made in the run of a verdict; None where there is none, or one of another run."""
    try:
        found: Any = json.loads((report_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    run = document["run_id"]
    return found if run is not None and isinstance(found, dict) and found.get("run_id") == run else None


def proof_of(found: dict[str, Any], document: dict[str, Any]) -> Proof:
    """Read a proof; lines stand in the order of the verdict.

    Args:
        found: see `gate.proof_table`.
        document: the verdict of the same run.
    """
    by_line: dict[str, list[Tried]] = {
        line["id"]: []
        for book in document["runbooks"]
        for line in book["lines"]
        if line["check"] is not None and line["outcome"] != Outcome.NOT_RUN
    }
    for row in found["rows"]:
        of_line = by_line.setdefault(row["line"], [])
        if row["break"] != NO_BREAK:
            of_line.append(_tried(row))
    rows = tuple(
        Row(line, tuple(tried), sum(one.outcome == Outcome.PASSED for one in tried)) for line, tried in by_line.items()
    )
    everything = [(row.line, one) for row in rows for one in row.breaks]
    return Proof(
        rows,
        tuple((line, one) for line, one in everything if one.outcome == Outcome.FAILED),
        tuple(row.line for row in rows if not row.breaks),
        sum(row.noticed for row in rows),
        len(everything),
        sum(one.outcome == Outcome.NOT_RUN for _, one in everything),
    )


def _tried(row: dict[str, Any]) -> Tried:
    outcome = Outcome.NOT_RUN
    if row["tried"]:
        outcome = Outcome.PASSED if row["killed"] else Outcome.FAILED
    return Tried(row["break"], row["what"], outcome, row.get("problem", ""))
