"""A runbook as pytest sees it: a module of the Markdown file, with an item for each line."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.contract import Evidence, Fault, NotProven, plain
from pytest_kraken_golive.gate.arming import require_armed
from pytest_kraken_golive.gate.callspec import in_world
from pytest_kraken_golive.gate.genuine import require_genuine
from pytest_kraken_golive.gate.outcome import WRITTEN_FOR_PEOPLE, Pending, Suspect, Unbound, judge_phase
from pytest_kraken_golive.gate.overheard import Ear, on_tape
from pytest_kraken_golive.gate.people import People
from pytest_kraken_golive.gate.plan import PlannedLine
from pytest_kraken_golive.gate.proof import proof_items
from pytest_kraken_golive.gate.registry import is_stock
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.gate.tapes import LineTape, begin, candid, end, told, watched
from pytest_kraken_golive.runbook.model import Manual
from pytest_kraken_golive.stash import CANARY, ENVIRONMENT, PEOPLE, PLAN, WORLDS

if TYPE_CHECKING:
    from pytest_kraken_golive.rehearsal.stage import Rehearsal


class RunbookFile(pytest.Module):
    """A runbook. A `Module` and not a plain `File`, so that fixtures of every scope work."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_marker("golive")

    def _getobj(self) -> types.ModuleType:
        return types.ModuleType(self.path.stem)

    def collect(self) -> Iterator[pytest.Function]:
        """One item for each line, in document order; for the proof, each followed by its breaks."""
        known: dict[
            str | None, Any
        ] = {}  # what pytest finds out about a check's fixtures is the same for all its lines
        for planned in self.config.stash[PLAN].of(self.path):
            check = planned.check.name if planned.check else None
            line = RunbookLine.from_parent(self, name=planned.id, planned=planned, fixtureinfo=known.get(check))
            known.setdefault(check, line._fixtureinfo)
            yield line
            if self.config.option.golive_prove:
                yield from proof_items(self, planned)


class RunbookLine(pytest.Function):
    """A line. Only the check itself, called from here and returning nothing, makes it pass."""

    def __init__(self, *, planned: PlannedLine, **kwargs: Any) -> None:
        callobj = planned.call() if planned.check else _judged_by_people if planned.manual else _unbound(planned)
        super().__init__(callobj=callobj, callspec=in_world(planned.runbook.stage), **kwargs)
        self.planned = planned
        self.evidence = Evidence()
        self.ran = False
        self.calls = 0
        self.tape: LineTape | None = None
        self.ear: Ear | None = None
        self.proven = False
        self.recording: dict[str, Any] | None = None
        self.subject: dict[str, str] | None = None
        self.signatures: list[dict[str, Any]] = []
        words = re.findall(r"\w+", " ".join((planned.line.text, *planned.line.section)))
        self.extra_keyword_matches.update(words)
        self.user_properties.append(("golive_line", planned.line.place))

    def reportinfo(self) -> tuple[Any, int, str]:
        """The line's own place in the runbook."""
        return self.path, self.planned.line.number - 1, f"{self.planned.id}: {self.planned.line.text}"

    def setup(self) -> None:
        """Tape and listener are there before a fixture can call the exchange, and what nobody armed goes no further."""
        if self.config.option.kraken == "real" and self.planned.check is not None and self._world.is_real:
            require_armed(self.planned.check, self._world.permit)
        self.tape = begin(self)
        self.ear = Ear.at(self, self.tape)
        try:
            with candid(self.tape):
                super().setup()
        except BaseException:
            self._overhear()
            raise

    def runtest(self) -> None:
        """Call the check with its fixtures, once: again until it is green is not a pass."""
        try:
            self._run_once()
        finally:
            self._overhear()

    def _run_once(self) -> None:
        self.calls += 1
        if self.calls > 1:
            self.ran = False
            raise Fault("the line was run again in the same run. Next: take out the plugin or hook that repeats tests.")
        self._require_honest_surroundings()
        self._require_real_account()
        with watched(self, self.tape):
            self.call_check()
        self.ran = True
        if not self.evidence.records and self.planned.check is not None:
            raise NotProven("passed without a record of evidence. Next: let the check record what it saw.")
        if self.planned.drift is not None:
            raise Suspect(self.planned.drift)
        if self.planned.manual is not None:
            self._require_signatures(self.planned.manual)
        self.recording = told(self, self.tape, self.evidence)
        self.proven = True

    def _overhear(self) -> None:
        """Add what was asked and answered, after everything else: no check passes on that alone."""
        self.evidence.records += on_tape(self, self.tape) if self.ear is None else self.ear.heard(self)
        self.ear = None

    def teardown(self) -> None:
        """The tape stops when all fixtures have tidied up."""
        try:
            super().teardown()
        finally:
            end(self.tape, passed=self.proven)

    def call_check(self) -> None:
        """The check, with what its fixtures gave."""
        names = self.planned.signature.fixtures if self.planned.signature else ()
        result: object = self.obj(**{name: self.funcargs[name] for name in names})
        if result is not None:
            raise TypeError(f"a check asserts and returns nothing, this one returned {result!r}")

    def _require_real_account(self) -> None:
        check = self.planned.check
        if check is None or check.judges != "account":
            return  # without a look at the world: a line that asks nothing of it need not start it
        if not (self._world.is_rehearsal or self._world.permit.real):
            raise NotProven(
                "the embedded exchange made this account up, so what it says about the key proves nothing about a real "
                "deployment. Next: ask the real exchange."
            )

    def _require_signatures(self, manual: Manual) -> None:
        people = self._people
        self.subject = people.subject(self.planned, self.evidence.records)
        found = people.signatures(self.planned.id, self.subject, manual)
        self.signatures = [one.document() for one in found.valid]
        for one in found.valid:
            self.evidence.record(f"signatures/lines/{self.planned.id}/{one.file}", one.document())
        if not found.suffice:
            raise Pending(people.waits_for(self.planned.id, manual, found))

    @property
    def _people(self) -> People:
        """Who may sign; the files that they sign are looked at by the first line that asks."""
        stash = self.config.stash
        if PEOPLE not in stash:
            options = Options.read(self.config)
            stash[PEOPLE] = People.of(
                options.rootdir, options.deployment, options.report_dir, stash[WORLDS].policy, stash[PLAN]
            )
        return stash[PEOPLE]

    @property
    def _world(self) -> Rehearsal:
        return self.config.stash[WORLDS].of(self.planned.runbook.stage)

    def _require_honest_surroundings(self) -> None:
        self.config.stash[ENVIRONMENT].require_unchanged()
        self.config.stash[WORLDS].clock.require_running()
        if self.planned.check is not None:
            require_genuine(self.planned.check)

    def plain_words(self, error: BaseException) -> str | None:
        """What a person needs of an error that was written for people; None for every other."""
        if not isinstance(error, WRITTEN_FOR_PEOPLE):
            return None
        return f"{self.planned.line.place}: {self.planned.line.text}\n\n{error}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """What a person needs: message and place. A trace-back only where the check itself is broken."""
        error = excinfo.value
        if (words := self.plain_words(error)) is not None:
            return words
        if isinstance(error, AssertionError) and self._is_stock and self.config.option.verbose <= 0:
            phase = judge_phase("call", error)
            said = "\n".join([phase.message, *phase.also])
            return f"{self.planned.line.place}: {self.planned.line.text}\n\n{said}"
        return super().repr_failure(excinfo, *args, **kwargs)

    @property
    def _is_stock(self) -> bool:
        check = self.planned.check
        return check is not None and is_stock(check)

    def report_of(self, when: str, error: BaseException | None) -> str:
        """What this process knows of a phase, as JSON: it travels between processes, whatever a check recorded."""
        phase = judge_phase(when, error)
        clean = self.config.stash[WORLDS].redactor
        known = {
            "outcome": str(phase.outcome),
            "message": clean.text(phase.message),
            "also": [clean.text(one) for one in phase.also],
            "unread": phase.unread,
            "ran": self.ran,
            "recording": self.recording,
            "subject": self.subject,
            "signatures": self.signatures,
            "canary": self.config.stash.get(CANARY, None),
            "evidence": [clean.data(_record(record)) for record in self.evidence.records],
        }
        return json.dumps(known)


def _record(record: Any) -> dict[str, Any]:
    fields = ("source", "line", "key", "value", "note")
    return {
        name: plain(getattr(record, name)) for name in fields if getattr(record, name) is not None or name == "value"
    }


def _judged_by_people() -> None:
    """What a program can see of a line that people alone judge: nothing."""


def _unbound(planned: PlannedLine) -> Any:
    line_id = planned.id.removeprefix("unbound-")
    name = re.sub(r"\W", "_", line_id.lower())
    name = name if name[:1].isalpha() else f"line_{name}"

    own = f"<!-- golive: {{id: {line_id}, check: {name}}} -->"
    write = f"write one called {name} in the root conftest.py (`kraken-golive docs your-own-parts` shows how)"

    def unbound() -> None:
        why = "this line is bound to no check, so nothing proves it. Next:"
        if planned.proposals:
            fits = "\n".join(planned.proposals)
            raise Unbound(f"{why} paste one of these at its end, if it fits:\n{fits}\nOr {write}, and paste:\n{own}")
        raise Unbound(
            f"{why} paste this at its end and name a check (`--golive-checks` lists them), or {write}:\n{own}"
        )

    return unbound
