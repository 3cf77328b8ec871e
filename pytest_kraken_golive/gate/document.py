"""The verdict as a document: what `verdict.json` holds, and what every report is made from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.identity import identity
from pytest_kraken_golive.gate.result import LineResult
from pytest_kraken_golive.gate.verdict import Verdict
from pytest_kraken_golive.reporting.verdict_file import SCHEMA_VERSION, iso
from pytest_kraken_golive.runbook.model import Manual, Runbook
from pytest_kraken_golive.signoff.waivers import InForce


def verdict_document(
    *,
    run_id: str,
    verdict: Verdict,
    results: Sequence[LineResult],
    troubles: Sequence[str],
    warnings: Sequence[str],
    waivers: Iterable[InForce],
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
        "identity": identity(),
        "warnings": list(warnings),
        "waivers": [
            {"line": one.line, **_waiver(one), "used": any(line.waiver is one for line in results)} for one in waivers
        ],
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
        "digest": one.digest,
        "outcome": str(one.outcome),
        "message": _pointing(one),
        "also": list(one.also),
        "unread": one.unread,
        "follows_from": None if one.cause is None else {"id": one.cause.id, "sure": one.cause.sure},
        "duration_s": one.duration_s,
        "evidence": list(one.evidence),
        "waivable": one.waivable,
        "waiver": None if one.waiver is None else {**_waiver(one.waiver), "waived": str(one.waived)},
        "manual": None if one.manual is None else _manual(one.manual, one.subject),
        "signatures": [dict(signature) for signature in one.signatures],
    }


def _waiver(one: InForce) -> dict[str, Any]:
    return {
        "reason": one.reason,
        "approver": one.approver,
        "ticket": one.ticket,
        "expires_at": iso(one.expires_at),
    }


def _manual(one: Manual, subject: Mapping[str, str] | None) -> dict[str, Any]:
    return {"roles": list(one.roles), "persons": one.persons, "subject": None if subject is None else dict(subject)}


def _pointing(one: LineResult) -> str:
    return one.message if one.cause is None else f"{one.message} (This {one.cause.words}; look there first.)"
