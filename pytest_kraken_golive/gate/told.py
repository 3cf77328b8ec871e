"""What is in the way is told once, by the gate: pytest's own trace-backs and list of failures are left out."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.ledger import WAIVABLE
from pytest_kraken_golive.gate.registry import is_stock
from pytest_kraken_golive.reporting.failures import failures
from pytest_kraken_golive.reporting.page import SIGNS

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.session import Gate

ACCOUNTS = ("failed", "error")
"""What pytest's terminal reporter gives an account of, one by one."""


class Told:
    """Takes lines out of pytest's account while it is printed.

    What stays is what pytest alone can tell: the trace-back of a check that is broken itself, once for the same error,
    tests that are no lines, and with `-v` the assertions of a project's own checks. With `-vv` everything stays.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._stats: dict[str, list[Any]] = {}
        self._whole: dict[str, list[Any]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """A line whose fixtures found the fault failed as any other: pytest would call it an error of the test.

        What a waiver excuses is counted apart, in a category of its own.
        """
        ours = getattr(report, "golive", None)
        outcome = json.loads(ours)["outcome"] if ours is not None and report.outcome == "failed" else None
        if outcome is None or outcome == Outcome.ERROR:
            return None
        planned = self._gate.plan.line_of(report.nodeid)
        if planned is not None and planned.id in self._gate.ledger.waivers and outcome in WAIVABLE:
            return "waived", SIGNS["waived"], "WAIVED"
        return "failed", "F", "FAILED"

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """Say beforehand what the run will wait for."""
        plan, paper = self._gate.plan, self._gate.policy.paper
        planned = [plan.line_of(item.nodeid) for item in items]
        runs = not self._gate.options.only_collects
        on_paper = (line for line in planned if line is not None and line.runbook.stage == "paper")
        if not (runs and any(line.depends_on_run and not line.is_quiet for line in on_paper)):
            return []
        return [f"the bot runs on paper meanwhile; lines about its run wait for it, up to {paper.timeout_s:g} s"]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> Generator[None, object, object]:
        """Around pytest's own account of what failed."""
        if config.option.tbstyle != "no" and config.option.verbose <= 1:
            self._take_out(terminalreporter.stats, assertions=config.option.verbose > 0)
            document = self._gate.preview(config)
            if document["blockers"]:
                terminalreporter.section("FAILURES", sep="=", bold=True)
                failures(document, config.get_terminal_writer(), whole=config.option.verbose > 0)
        try:
            return (yield)
        finally:
            self.put_back()

    def _take_out(self, stats: dict[str, list[Any]], *, assertions: bool) -> None:
        self._stats = stats
        results = self._gate.ledger.results()
        broken = {one.message: one.id for one in reversed(results) if one.outcome is Outcome.ERROR}
        keep = set(broken.values())
        if assertions:
            lines = self._gate.plan.lines.values()
            keep |= {line.id for line in lines if line.check is not None and not is_stock(line.check)}
        for account in ACCOUNTS:
            whole = self._whole[account] = stats.get(account, [])
            stats[account] = [report for report in whole if self._is_pytests(report, keep)]

    def put_back(self) -> bool:
        """Pytest knows everything again, and counts it; whether the gate has told it."""
        told = bool(self._whole)
        for account, whole in self._whole.items():
            if whole:
                self._stats[account] = whole
            else:
                self._stats.pop(account, None)
        self._whole = {}
        return told

    def _is_pytests(self, report: Any, keep: set[str]) -> bool:
        planned = self._gate.plan.line_of(report.nodeid)
        return planned.id in keep if planned is not None else not hasattr(report, "golive_proof")
