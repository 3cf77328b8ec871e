"""The verdict as a document: what `verdict.json` holds, and what every report is made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.result import LineResult
from pytest_kraken_golive.gate.verdict import Verdict
from pytest_kraken_golive.reporting.verdict_file import SCHEMA_VERSION, iso
from pytest_kraken_golive.runbook.model import Runbook


def verdict_document(
    *,
    run_id: str,
    verdict: Verdict,
    results: Sequence[LineResult],
    troubles: Sequence[str],
    runbooks: Sequence[Runbook],
    scope: dict[str, Any],
    production_signoff: bool,
    started_at: dt.datetime,
    finished_at: dt.datetime,
    valid_until: dt.datetime,
    git: tuple[str | None, bool | None],
) -> dict[str, Any]:
    """Everything that is known at the end of a run, as JSON data."""
    commit, dirty = git
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "verdict": str(verdict.decision),
        "reason": verdict.reason,
        "blockers": [line.id for line in verdict.blockers],
        "troubles": list(troubles),
        "production_signoff": production_signoff,
        "scope": scope,
        "started_at": iso(started_at),
        "finished_at": iso(finished_at),
        "valid_until": iso(valid_until),
        "commit": commit,
        "dirty": dirty,
        "counts": {str(one): n for one in Outcome if (n := sum(line.outcome is one for line in results))},
        "runbooks": [_runbook(book, results) for book in runbooks],
    }


def _runbook(book: Runbook, results: Sequence[LineResult]) -> dict[str, Any]:
    return {
        "path": book.shown,
        "sha256": book.sha256,
        "stage": book.stage,
        "title": book.title,
        "owner": book.owner,
        "lines": [_line(one) for one in results if one.runbook == book.shown],
    }


def _line(one: LineResult) -> dict[str, Any]:
    return {
        "id": one.id,
        "line": one.line,
        "text": one.text,
        "section": list(one.section),
        "check": one.check,
        "params": one.params,
        "outcome": str(one.outcome),
        "message": _pointing(one),
        "unread": one.unread,
        "follows_from": None if one.cause is None else {"id": one.cause.id, "sure": one.cause.sure},
        "duration_s": one.duration_s,
        "evidence": list(one.evidence),
    }


def _pointing(one: LineResult) -> str:
    return one.message if one.cause is None else f"{one.message} (This {one.cause.words}; look there first.)"
