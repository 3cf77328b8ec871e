"""From the lines' outcomes to one verdict. Pure rules: no pytest, no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from pytest_kraken_golive.contract import Outcome

GOOD = frozenset({Outcome.PASSED, Outcome.SIGNED, Outcome.WAIVED})
"""Outcomes that a GO may consist of."""

EXIT_GO, EXIT_NO_GO, EXIT_INCOMPLETE = 0, 10, 11
PYTEST_OWN = range(2, 7)
"""pytest's own exit statuses for what is worse than a failed test; they are never lowered."""


class Decision(StrEnum):
    """What the run says."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


@dataclass(frozen=True)
class LineResult:
    """How one line came out."""

    id: str
    runbook: str
    line: int
    text: str
    section: tuple[str, ...]
    check: str | None
    params: dict[str, Any]
    outcome: Outcome
    message: str = ""
    duration_s: float = 0.0
    evidence: Sequence[dict[str, Any]] = ()
    order: int = 0
    """Its place in the runbooks."""
    distance: int = 0
    """How far from the cause of a fault it looks; see `PlannedLine.distance`."""


@dataclass(frozen=True)
class Verdict:
    """The run's decision and why."""

    decision: Decision
    reason: str
    """One sentence: the first thing that stands in the way, or what a GO rests on."""
    blockers: Sequence[LineResult] = field(default=())
    """The lines in the way, the one nearest the cause first."""


def decide(lines: Sequence[LineResult], troubles: Sequence[str] = ()) -> Verdict:
    """Decide.

    Args:
        lines: every line of every runbook of the run, whether it ran or not.
        troubles: what went wrong beside the lines: a dead worker, a changed file, another test that failed.
    """
    blockers = nearest_cause_first([line for line in lines if line.outcome not in {*GOOD, Outcome.NOT_RUN}])
    left_out = [line for line in lines if line.outcome is Outcome.NOT_RUN]
    if troubles or blockers:
        return Verdict(Decision.NO_GO, _first_reason(blockers, troubles), blockers)
    if not lines:
        return Verdict(Decision.INCOMPLETE, "no line was looked at")
    if left_out:
        first = left_out[0]
        return Verdict(
            Decision.INCOMPLETE, f"{len(left_out)} of {len(lines)} lines did not run, the first is {first.id}"
        )
    return Verdict(Decision.GO, f"all {len(lines)} lines are proven")


def nearest_cause_first(lines: Sequence[LineResult]) -> list[LineResult]:
    """What looks at files, then the run that those files led to, then what the run left; else document order."""
    return sorted(lines, key=lambda line: (line.distance, line.order))


def pointing_to_cause(lines: Sequence[LineResult]) -> list[LineResult]:
    """The lines, with those that may only follow from another one pointing to it."""
    blockers = nearest_cause_first([line for line in lines if line.outcome not in {*GOOD, Outcome.NOT_RUN}])
    looked = [line for line in blockers if line.outcome in {Outcome.FAILED, Outcome.NOT_PROVEN, Outcome.ERROR}]
    if not looked:
        return list(lines)
    cause = looked[0]
    pointer = f" (This may follow from {cause.id}; look there first.)"
    follows = {line.id for line in looked if line.distance > cause.distance}
    return [replace(line, message=line.message + pointer) if line.id in follows else line for line in lines]


def _first_reason(blockers: Sequence[LineResult], troubles: Sequence[str]) -> str:
    if troubles:
        return troubles[0]
    first = blockers[0]
    return f"{first.id}: {first.message or first.outcome}"


def exit_status(decision: Decision, pytests: int) -> int:
    """The process's exit status: the verdict's, unless pytest has a worse story to tell."""
    if pytests in PYTEST_OWN:
        return pytests
    return {Decision.GO: EXIT_GO, Decision.NO_GO: EXIT_NO_GO, Decision.INCOMPLETE: EXIT_INCOMPLETE}[decision]
