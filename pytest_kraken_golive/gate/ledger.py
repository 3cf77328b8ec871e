"""Keeps what was reported about every line and every other test, from this process or from workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_kraken_golive.contract import Outcome, plain
from pytest_kraken_golive.gate.causes import with_causes
from pytest_kraken_golive.gate.outcome import LineRecord
from pytest_kraken_golive.gate.plan import Plan
from pytest_kraken_golive.gate.proof_table import ProofTable
from pytest_kraken_golive.gate.result import LineResult
from pytest_kraken_golive.signoff.waivers import InForce

WAIVABLE = frozenset({Outcome.FAILED, Outcome.NOT_PROVEN})
"""Outcomes that a waiver may excuse. An error, an unbound or a suspect line says nothing that anybody could weigh."""


@dataclass
class Ledger:
    """All reports of a run, by line."""

    plan: Plan
    records: dict[str, LineRecord] = field(default_factory=dict)
    proof: ProofTable = field(default_factory=ProofTable)
    waivers: Mapping[str, InForce] = field(default_factory=dict)
    """Those in force, by line."""
    failed_reports: int = 0
    """Reports that pytest counts as failed."""
    _noted: list[str] = field(default_factory=list)
    _failed_at_the_end: dict[str, str] = field(default_factory=dict)
    _results: list[LineResult] | None = None
    """Kept until the next report."""

    def take(self, report: Any) -> None:
        """Add a report of a test, whichever test it was."""
        self._results = None
        self.failed_reports += report.outcome == "failed"
        planned = self.plan.line_of(report.nodeid)
        if planned is not None:
            self.records.setdefault(planned.id, LineRecord()).take(report)
        elif (row := getattr(report, "golive_proof", None)) is not None:
            self.proof.rows.append(row)
        elif report.outcome == "failed":
            self.trouble(f"{report.nodeid} failed, which is no line but was selected with them")

    def trouble(self, what: str) -> None:
        """Note something that makes the run a NO-GO."""
        if what not in self._noted:
            self._noted.append(what)

    def fail_at_the_end(self, check: str, message: str) -> None:
        """What was found when all lines had run: fails the lines bound to a check, or the run where there is none."""
        bound = [one.id for one in self.plan.lines.values() if one.check is not None and one.check.name == check]
        self._failed_at_the_end.update(dict.fromkeys(bound, message))
        self._results = None
        if not bound:
            self.trouble(message.rstrip("."))

    @property
    def troubles(self) -> list[str]:
        """What speaks against a GO beside the lines."""
        survivors = self.proof.document()["survivors"]
        if not survivors:
            return list(self._noted)
        found = f"{len(survivors)} of {len(self.proof.rows)} breaks survived, the first is {survivors[0]}"
        return [*self._noted, f"{found}. Next: see the proof's table above, and reports/proof.json"]

    def passed(self, check: str) -> list[tuple[str, float | None]]:
        """The lines bound to a check that have passed up to now, with the time at which they ended."""
        return [
            (line_id, record.finished_at)
            for line_id, record in self.records.items()
            if (bound := self.plan.lines[line_id].check) is not None and bound.name == check
            if record.final()[0] is Outcome.PASSED
        ]

    def recordings(self) -> dict[str, dict[str, Any]]:
        """What is known of the recordings that lines made or played, by line."""
        return {line_id: record.recording for line_id, record in self.records.items() if record.recording is not None}

    def results(self) -> list[LineResult]:
        """Every line of the plan with its outcome; what was not reported did not run."""
        if self._results is None:
            self._results = with_causes([self._result(line_id) for line_id in self.plan.lines])
        return self._results

    def _result(self, line_id: str) -> LineResult:
        planned = self.plan.lines[line_id]
        record = self.records.get(line_id, LineRecord())
        outcome, message = record.final()
        found_late = self._failed_at_the_end.get(line_id)
        if found_late is not None and outcome is not Outcome.ERROR:
            outcome, message = Outcome.FAILED, found_late
        # What was found late is not what somebody weighed when they answered for the line.
        waiver, waived = self.waivers.get(line_id) if found_late is None else None, None
        if waiver is not None and outcome in WAIVABLE:
            outcome, waived = Outcome.WAIVED, outcome
        return LineResult(
            id=line_id,
            runbook=planned.runbook.shown,
            line=planned.line.number,
            text=planned.line.text,
            section=planned.line.section,
            check=planned.check.name if planned.check else None,
            params=plain(planned.params),
            outcome=outcome,
            message=message,
            also=record.also if message == record.message else (),
            digest=planned.digest if planned.is_bound else "",
            waivable=planned.check is not None and planned.check.waivable and planned.manual is None,
            waiver=waiver if waived is not None else None,
            waived=waived,
            manual=planned.manual,
            subject=record.subject,
            signatures=record.signatures,
            duration_s=round(record.duration_s, 6),
            evidence=record.evidence,
            order=planned.order,
            distance=planned.distance,
            after=planned.check.after if planned.check else (),
            unread=record.unread,
        )


class ReportListener:
    """Hears pytest's reports, from this process or from workers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test ended."""
        self._ledger.take(report)

    def pytest_collectreport(self, report: Any) -> None:
        """A file was collected, or could not be."""
        if report.failed:
            self._ledger.trouble(f"{report.nodeid or 'the collection'} could not be collected")


class Excused:
    """Takes back pytest's status where waived lines alone failed, before others look: what they find still shows.

    Args:
        excuses: whether so many failures are all of such lines.
    """

    def __init__(self, excuses: Callable[[int], bool]) -> None:
        self._excuses = excuses

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """All lines have run."""
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED and self._excuses(session.testsfailed):
            session.exitstatus = pytest.ExitCode.OK
