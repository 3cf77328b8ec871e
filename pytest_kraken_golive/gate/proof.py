"""The proof that lines can fail: each line against each of its breaks, in broken copies of the rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_kraken_golive.contract import Break, Evidence, Outcome
from pytest_kraken_golive.gate.callspec import in_world
from pytest_kraken_golive.gate.described import what_breaks
from pytest_kraken_golive.gate.outcome import judge_phase
from pytest_kraken_golive.gate.plan import NO_BREAK, PlannedLine
from pytest_kraken_golive.gate.tapes import LineTape, begin, candid, cassette_of, end, watched
from pytest_kraken_golive.runbook.model import Stage
from pytest_kraken_golive.stash import LEDGER, WORLDS


@dataclass(frozen=True, eq=False)
class Alteration:
    """What makes a world a broken one. Each is a world of its own."""

    sabotage: Break
    """What acts."""
    params: Mapping[str, Any]
    """The parameters of the line that must notice it."""
    needs_run: bool
    """Whether the line looks at the bot's run."""
    begins: tuple[str, ...]
    """What the line will ask of production, and may begin before its turn; see `Check.begins`."""
    stage: Stage
    """Whose world is broken."""
    cassette: str
    """The line's recording, relative to the project."""


class SurvivedError(AssertionError):
    """A line passed, or failed for another reason, although something was broken."""


class _Row(pytest.Function):
    """An item that ends as a row of the table."""

    planned: PlannedLine
    seen: dict[str, Any]

    def not_tried(self, why: str) -> None:
        """Note why the break shows nothing in this run, and leave it: that is neither noticed nor survived."""
        self.seen |= {"tried": False, "problem": why}
        pytest.skip(f"not tried: {why}")

    def survived(self, problem: str) -> SurvivedError:
        """Note what is wrong, and give it as an error."""
        problem = self.config.stash[WORLDS].redactor.text(problem)
        self.seen |= {"killed": False, "problem": problem}
        return SurvivedError(problem)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """The problem in words; a trace-back only where something else broke."""
        if isinstance(excinfo.value, SurvivedError):
            return f"{self.planned.line.place}: {self.planned.line.text}\n\n{excinfo.value}"
        return super().repr_failure(excinfo, *args, **kwargs)


class ProofLine(_Row):
    """A line under one of its breaks. It passes if the line does not."""

    alteration: Alteration
    evidence: Evidence
    tape: LineTape | None

    @classmethod
    def make(cls, parent: pytest.Module, planned: PlannedLine, sabotage: Break, index: int) -> ProofLine:
        """The item for a line and a break, in a world of its own."""
        cassette = cassette_of(planned)
        stage = planned.runbook.stage
        begins = planned.check.begins if planned.check is not None and stage == "production" else ()
        alteration = Alteration(sabotage, planned.params, planned.depends_on_run, begins, stage, cassette)
        callspec = in_world(alteration, index, sabotage.name)
        name = f"{planned.id}[{sabotage.name}]"
        item: ProofLine = cls.from_parent(
            parent, name=name, originalname=planned.id, callobj=planned.call(), callspec=callspec
        )
        item.planned, item.alteration, item.evidence = planned, alteration, Evidence()
        item.seen = _row(planned, sabotage.name, what_breaks(sabotage))
        item.tape = None
        return item

    @property
    def sabotage(self) -> Break:
        """What acts."""
        return self.alteration.sabotage

    def setup(self) -> None:
        """Nothing yet: what fixtures raise belongs to the line's outcome."""

    def runtest(self) -> None:
        """Let the line run in its broken world, and demand that it notices."""
        self._require_control()
        error: BaseException | None = None
        try:
            if self.sabotage.of_recording:  # of all others the exchange of the broken world answers live
                self.tape = begin(self, self._request.getfixturevalue("golive_world").root)
            with candid(self.tape):
                self._request._fillfixtures()
            names = self.planned.signature.fixtures if self.planned.signature else ()
            with watched(self, self.tape):
                self.obj(**{name: self.funcargs[name] for name in names})
        except (Exception, pytest.skip.Exception, pytest.fail.Exception) as raised:
            error = raised
        phase = judge_phase("call", error)
        self._judge(phase.outcome, "\n".join([phase.message, *phase.also]), error)

    def teardown(self) -> None:
        """The tape stops when all fixtures have tidied up."""
        try:
            super().teardown()
        finally:
            end(self.tape, passed=False)

    def _require_control(self) -> None:
        """A break shows something only against the line unbroken, in this very run."""
        record = self.config.stash[LEDGER].records.get(self.planned.id)
        if record is None:
            self.not_tried(
                f"its line was not selected. Next: select {self.planned.id} too (its name alone selects all)"
            )
        elif record.final()[0] is not Outcome.PASSED:
            self.not_tried(f"its line does not pass unbroken. Next: see {self.planned.id}")

    def _judge(self, outcome: Outcome, message: str, error: BaseException | None) -> None:
        expected = self.sabotage.expected(self.planned.params)
        killed = outcome in {Outcome.FAILED, Outcome.NOT_PROVEN} and expected in message
        clean = self.config.stash[WORLDS].redactor
        self.seen |= {"outcome": str(outcome), "killed": killed, "message": clean.text(message)}
        if outcome is Outcome.PASSED:
            raise self.survived(
                "The line passes although this is broken. Next: let its check look at what the break alters."
            )
        if not killed:
            raise self.survived(
                f"Expected a message with {expected!r}, found {_WORDS.get(outcome, outcome)}: {message}\n"
                "Next: correct the check, so that it names this fault, or what the break expects."
            ) from error

    def reportinfo(self) -> tuple[Any, int, str]:
        """The line's own place in the runbook."""
        return self.path, self.planned.line.number - 1, f"{self.name}: {what_breaks(self.sabotage)}"


class UnprovenLine(_Row):
    """A line whose check has no break: nobody has shown that it can fail."""

    @classmethod
    def make(cls, parent: pytest.Module, planned: PlannedLine) -> UnprovenLine:
        """The item that says so."""
        name = planned.check.name if planned.check else ""

        def no_break() -> None:
            raise item.survived(
                f"The check {name!r} declares no break, so nobody has shown that it can fail. "
                "Next: give it one (`@check(…, breaks=[…])`)."
            )

        item: UnprovenLine = cls.from_parent(parent, name=f"{planned.id}{NO_BREAK}", callobj=no_break)
        item.planned, item.seen = planned, _row(planned, NO_BREAK.strip("."), "there is nothing to break")
        return item


_WORDS = {Outcome.ERROR: "a broken check", Outcome.FAILED: "another one", Outcome.NOT_PROVEN: "another one"}


def _row(planned: PlannedLine, sabotage: str, what: str) -> dict[str, Any]:
    return {
        "line": planned.id,
        "break": sabotage,
        "what": what,
        "outcome": "not_run",
        "tried": True,
        "killed": False,
        "message": "",
    }


def proof_items(parent: pytest.Module, planned: PlannedLine) -> Iterator[pytest.Function]:
    """The items that prove a line."""
    check = planned.check
    plays = parent.config.option.kraken == "replay"
    breaks = [one for one in check.breaks if plays or not one.of_recording] if check is not None else []
    if breaks:
        for index, sabotage in enumerate(breaks):
            yield ProofLine.make(parent, planned, sabotage, index)
    elif check is not None:
        yield UnprovenLine.make(parent, planned)


class NextBroken:
    """Lets the next broken worlds begin while one is judged: what runs in them mostly waits."""

    AHEAD, REACH = 2, 8
    """So many worlds at once, of so many items that come next."""

    def __init__(self) -> None:
        self._places: dict[pytest.Item, int] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Before each item. A worker knows what it is given by the line that it is at: a stage's run stays together."""
        if nextitem is None or not hasattr(item, "planned"):
            return
        items = item.session.items
        if item not in self._places:
            self._places = {one: place for place, one in enumerate(items)}
        at = self._places[item] + 1
        following = [one for one in items[at : at + self.REACH] if isinstance(one, ProofLine)]
        mine = _share(item.planned)
        begun = [one for one in following if one.sabotage.before_run and _share(one.planned) == mine]
        for one in begun[: self.AHEAD]:
            item.config.stash[WORLDS].prepare(one.alteration)


def _share(planned: PlannedLine) -> tuple[Stage, bool]:
    """Lines that run in one process, as far as xdist is concerned."""
    return planned.runbook.stage, planned.depends_on_run
