"""The proof that lines can fail: each line against each of its breaks, in broken copies of the rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.python import CallSpec
from _pytest.scope import Scope

from pytest_kraken_golive.contract import Break, Evidence, Outcome
from pytest_kraken_golive.gate.outcome import judge_phase
from pytest_kraken_golive.gate.plan import PlannedLine
from pytest_kraken_golive.stash import LEDGER, WORLDS

WORLD_FIXTURE = "golive_world"
NO_BREAK = "no-break"


@dataclass(frozen=True, eq=False)
class Alteration:
    """What makes a world a broken one. Each is a world of its own."""

    sabotage: Break
    """What acts."""
    params: Mapping[str, Any]
    """The parameters of the line that must notice it."""
    needs_run: bool
    """Whether the line looks at the bot's run."""


class SurvivedError(AssertionError):
    """A line passed, or failed for another reason, although something was broken."""


class ProofLine(pytest.Function):
    """A line under one of its breaks. It passes if the line does not."""

    planned: PlannedLine
    sabotage: Break
    evidence: Evidence
    seen: dict[str, Any]

    @classmethod
    def make(cls, parent: pytest.Module, planned: PlannedLine, sabotage: Break, index: int) -> ProofLine:
        """The item for a line and a break, in a world of its own."""
        alteration = Alteration(sabotage, planned.params, planned.depends_on_run)
        callspec = CallSpec(
            params={WORLD_FIXTURE: alteration},
            indices={WORLD_FIXTURE: index},
            _arg2scope={WORLD_FIXTURE: Scope.Session},
            _idlist=[sabotage.name],
        )
        name = f"{planned.id}[{sabotage.name}]"
        item: ProofLine = cls.from_parent(
            parent, name=name, originalname=planned.id, callobj=planned.call(), callspec=callspec
        )
        item.planned, item.sabotage, item.evidence, item.seen = planned, sabotage, Evidence(), {}
        return item

    def setup(self) -> None:
        """Nothing yet: what fixtures raise belongs to the line's outcome."""

    def runtest(self) -> None:
        """Let the line run in its broken world, and demand that it notices."""
        self._require_control()
        error: BaseException | None = None
        try:
            self._request._fillfixtures()
            names = self.planned.signature.fixtures if self.planned.signature else ()
            self.obj(**{name: self.funcargs[name] for name in names})
        except (Exception, pytest.skip.Exception, pytest.fail.Exception) as raised:
            error = raised
        phase = judge_phase("call", error)
        self._judge(phase.outcome, phase.message, error)

    def _require_control(self) -> None:
        record = self.config.stash[LEDGER].records.get(self.planned.id)
        if record is None or record.final()[0] is not Outcome.PASSED:
            raise SurvivedError(f"{self.planned.id} does not pass unbroken, so a break can show nothing")

    def _judge(self, outcome: Outcome, message: str, error: BaseException | None) -> None:
        expected = self.sabotage.expected(self.planned.params)
        killed = outcome in {Outcome.FAILED, Outcome.NOT_PROVEN} and expected in message
        clean = self.config.stash[WORLDS].redactor
        self.seen = {
            "line": self.planned.id,
            "break": self.sabotage.name,
            "outcome": str(outcome),
            "killed": killed,
            "message": clean.text(message),
        }
        if outcome is Outcome.PASSED:
            raise SurvivedError(
                f"{self.planned.id} passes under the break {self.sabotage.name}: {_what(self.sabotage)}"
            )
        if not killed:
            raise SurvivedError(
                f"{self.planned.id} under the break {self.sabotage.name}: expected a message with {expected!r}, "
                f"found {outcome}: {message}"
            ) from error

    def reportinfo(self) -> tuple[Any, int, str]:
        """The line's own place in the runbook."""
        return self.path, self.planned.line.number - 1, f"{self.name}: {_what(self.sabotage)}"


class UnprovenLine(pytest.Function):
    """A line whose check has no break: nobody has shown that it can fail."""

    planned: PlannedLine

    @classmethod
    def make(cls, parent: pytest.Module, planned: PlannedLine) -> UnprovenLine:
        """The item that says so."""
        name = planned.check.name if planned.check else ""

        def no_break() -> None:
            raise SurvivedError(f"the check {name!r} declares no break, so nobody has shown that it can fail")

        item: UnprovenLine = cls.from_parent(parent, name=f"{planned.id}.{NO_BREAK}", callobj=no_break)
        item.planned = planned
        return item


def _what(sabotage: Break) -> str:
    return (sabotage.act.__doc__ or sabotage.name).strip().split("\n", 1)[0]


def proof_items(parent: pytest.Module, planned: PlannedLine) -> Iterator[pytest.Function]:
    """The items that prove a line."""
    check = planned.check
    if check is not None and check.breaks:
        for index, sabotage in enumerate(check.breaks):
            yield ProofLine.make(parent, planned, sabotage, index)
    elif check is not None:
        yield UnprovenLine.make(parent, planned)


@dataclass
class ProofTable:
    """What became of each break, line by line."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take a proof item's row."""
        row = getattr(report, "golive_proof", None)
        if row and report.when == "call":
            self.rows.append(row)

    def document(self) -> dict[str, Any]:
        """The table as `proof.json` holds it."""
        survivors = [f"{row['line']}[{row['break']}]" for row in self.rows if not row["killed"]]
        return {
            "breaks": len(self.rows),
            "killed": len(self.rows) - len(survivors),
            "survivors": survivors,
            "rows": self.rows,
        }
