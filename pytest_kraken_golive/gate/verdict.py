"""From the lines' outcomes to one verdict. Pure rules: no pytest, no files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_kraken_golive.contract import GOOD, Outcome
from pytest_kraken_golive.gate.result import LineResult

EXIT_GO, EXIT_NO_GO, EXIT_INCOMPLETE = 0, 10, 11
PYTEST_OWN = range(2, 7)
"""pytest's own exit statuses for what is worse than a failed test; they are never lowered."""


class Decision(StrEnum):
    """What the run says."""

    GO = "GO"
    NO_GO = "NO-GO"
    INCOMPLETE = "INCOMPLETE"


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
    return Verdict(Decision.GO, _what_it_rests_on(lines))


def _what_it_rests_on(lines: Sequence[LineResult]) -> str:
    """A GO in words: what is proven, what people answer for."""
    signed = sum(line.outcome is Outcome.SIGNED for line in lines)
    waived = [line for line in lines if line.outcome is Outcome.WAIVED]
    proven = len(lines) - signed - len(waived)
    parts = [
        f"all {len(lines)} lines are proven" if proven == len(lines) else f"{proven} of {len(lines)} lines are proven"
    ]
    parts += [f"{signed} signed"] if signed else []
    if waived:
        until = min(line.waiver.expires_at for line in waived if line.waiver is not None)
        last_day = (until - dt.timedelta(days=1)).date()
        parts.append(f"{len(waived)} waived ({', '.join(line.id for line in waived)}), the first until {last_day}")
    return ", ".join(parts)


def ended(lines: Sequence[LineResult], now: dt.datetime, max_age: dt.timedelta) -> list[str]:
    """What counted when a line was judged and counts no more at the end of the run, in words.

    Args:
        lines: every line of the run.
        now: aware.
        max_age: how long a signature counts.
    """
    said = [
        f"the waiver for {line.id!r} ended while the run went on. Next: decide anew and date it again, and run again"
        for line in lines
        if line.outcome is Outcome.WAIVED and line.waiver is not None and line.waiver.expires_at <= now
    ]
    said += [
        f"a signature under {line.id!r} grew too old while the run went on (sign_off.max_age_h). Next: sign again"
        for line in lines
        if any(dt.datetime.fromisoformat(one["signed_at"]) + max_age <= now for one in line.signatures)
    ]
    return said


def nearest_cause_first(lines: Sequence[LineResult]) -> list[LineResult]:
    """Lines that stand for themselves before those that point to them; then files before the run that they led to."""
    return sorted(lines, key=lambda line: (_pointing(line), line.distance, line.order))


def _pointing(line: LineResult) -> int:
    return 0 if line.cause is None else 1 + line.cause.sure


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
