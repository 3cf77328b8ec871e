"""What a line's reports add up to: passed only if everything that must have happened was seen to happen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_kraken_golive.contract import Fault, Faults, NotProven, Outcome
from pytest_kraken_golive.gate.canary import FAILED_AS_IT_MUST

SEVERITY = (
    Outcome.PASSED,
    Outcome.PENDING,
    Outcome.SUSPECT,
    Outcome.NOT_PROVEN,
    Outcome.UNBOUND,
    Outcome.FAILED,
    Outcome.ERROR,
)
"""From harmless to worst: of several outcomes the worst counts, never the last."""

PHASES = ("setup", "call", "teardown")


class Unbound(Exception):
    """A line that is bound to no check; the message holds a comment ready to paste."""


class Suspect(Exception):
    """A line that holds, and that nobody has looked at since it changed."""


class Pending(Exception):
    """A line that holds as far as a program can tell, and that people must sign."""


WRITTEN_FOR_PEOPLE = (NotProven, Fault, Unbound, Suspect, Pending)
"""Their messages are all that a person needs."""


@dataclass(frozen=True)
class Phase:
    """What one phase of a line came to, as seen in the process that ran it."""

    outcome: Outcome
    message: str = ""
    unread: str | None = None
    """The file that could not be read at all, if that is why."""
    also: tuple[str, ...] = ()
    """Further faults that were found in the same look."""


_PASSED = Phase(Outcome.PASSED)
_OUTCOMES = {Unbound: Outcome.UNBOUND, Suspect: Outcome.SUSPECT, Pending: Outcome.PENDING}


def judge_phase(when: str, error: BaseException | None) -> Phase:  # noqa: PLR0911 - one line per kind of error
    """Turn what a phase raised into an outcome and a message for people."""
    if error is None:
        return Phase(Outcome.PASSED)
    if isinstance(error, NotProven):
        return Phase(Outcome.NOT_PROVEN, str(error), error.unread)
    if isinstance(error, (Unbound, Suspect, Pending)):
        return Phase(_OUTCOMES[type(error)], str(error))
    if isinstance(error, pytest.xfail.Exception):
        return Phase(
            Outcome.FAILED, f"marked as expected to fail ({error.msg}); a gate takes no such mark. Next: drop it."
        )
    if isinstance(error, pytest.skip.Exception):
        return Phase(Outcome.NOT_PROVEN, f"skipped: {error.msg}")
    if isinstance(error, Fault):
        return Phase(Outcome.FAILED, str(error), error.unread)
    if isinstance(error, Faults) and when == "call":
        return Phase(Outcome.FAILED, error.messages[0], also=error.messages[1:])
    if isinstance(error, (AssertionError, pytest.fail.Exception)) and when == "call":
        return Phase(Outcome.FAILED, said(error))
    if isinstance(error, pytest.FixtureLookupError):
        return Phase(Outcome.ERROR, f"fixture {error.argname!r} not found. Next: correct its name in the check.")
    return Phase(Outcome.ERROR, f"{when}: {type(error).__name__}: {said(error)}")


def said(error: BaseException) -> str:
    """The words of an assertion's author; pytest's account of the values where there are none."""
    text = str(error).strip()
    message, _, account = text.partition("\nassert ")
    if account or "\n" not in text:
        return message or text
    return text.split("\n", 1)[0]


@dataclass
class LineRecord:
    """All that was reported about one line."""

    outcome: Outcome = Outcome.NOT_RUN
    message: str = ""
    unread: str | None = None
    also: tuple[str, ...] = ()
    """Further faults beside the message's."""
    evidence: list[dict[str, Any]] = field(default_factory=list)
    duration_s: float = 0.0
    phases: set[str] = field(default_factory=set)
    ran: bool = False
    canary: str | None = None
    recording: dict[str, Any] | None = None
    subject: dict[str, str] | None = None
    """What people sign, where they must."""
    signatures: list[dict[str, Any]] = field(default_factory=list)
    """Those that count."""
    finished_at: float | None = None

    def take(self, report: Any) -> None:
        """Add one of pytest's reports, in whatever process and by whatever plugin it was made."""
        text: str | None = getattr(report, "golive", None)
        ours: dict[str, Any] = json.loads(text) if text else {}
        self.duration_s += getattr(report, "duration", 0.0)
        self.finished_at = getattr(report, "stop", None)
        self.evidence = ours.get("evidence") or self.evidence
        self.ran |= bool(ours.get("ran"))
        self.recording = ours.get("recording") or self.recording
        self.canary = ours.get("canary", self.canary)
        self.subject = ours.get("subject") or self.subject
        self.signatures = ours.get("signatures") or self.signatures
        if report.when in PHASES and report.outcome == "passed" and not hasattr(report, "context"):  # no subtest's
            self.phases.add(report.when)
        phase = _pytest_outcome(report, ours)
        if self.outcome is Outcome.NOT_RUN or SEVERITY.index(phase.outcome) > SEVERITY.index(self.outcome):
            self.outcome, self.message = phase.outcome, phase.message
            self.unread, self.also = phase.unread, phase.also

    def final(self) -> tuple[Outcome, str]:  # noqa: PLR0911 - one line per condition of a pass
        """The line's outcome, once no more reports can come."""
        if self.outcome is not Outcome.PASSED:
            return self.outcome, self.message
        missing = [phase for phase in PHASES if phase not in self.phases]
        if missing == list(PHASES) or "call" in missing:
            return Outcome.NOT_RUN, "it was set up but did not run"
        if missing:
            return Outcome.ERROR, f"its {missing[0]} was never reported. Next: run everything again."
        if not self.ran:
            return Outcome.ERROR, "the check itself was not called; a plugin or conftest took its place."
        if self.canary != FAILED_AS_IT_MUST:
            return Outcome.ERROR, f"the canary of its process did not fail as it must: {self.canary}"
        if not self.evidence:
            return Outcome.NOT_PROVEN, "passed without a record of evidence. Next: let the check record what it saw."
        return (Outcome.SIGNED if self.signatures else Outcome.PASSED), ""


def _pytest_outcome(report: Any, ours: dict[str, Any]) -> Phase:
    """Our own judgement and pytest's, whichever is worse: a plugin may have changed the report since."""
    mine = (
        Phase(Outcome(ours["outcome"]), ours["message"], ours.get("unread"), tuple(ours.get("also", ())))
        if ours
        else _PASSED
    )
    if mine.outcome is Outcome.PASSED and report.outcome == "passed" and not hasattr(report, "wasxfail"):
        return _PASSED
    if hasattr(report, "wasxfail") or report.outcome == "rerun":
        why = "marked as expected to fail" if hasattr(report, "wasxfail") else "run again after a failure"
        pytests = Phase(Outcome.FAILED, f"{why}; a gate takes neither. Next: take the mark or the plugin out.")
    elif report.outcome == "passed":
        pytests = _PASSED
    elif report.outcome == "skipped":
        pytests = Phase(Outcome.NOT_PROVEN, f"skipped: {_reason(report)}")
    elif report.when not in PHASES:
        pytests = Phase(Outcome.ERROR, _reason(report))
    else:
        pytests = Phase(Outcome.FAILED, _reason(report))
    if mine.outcome is not Outcome.PASSED and pytests.outcome is not Outcome.PASSED and not hasattr(report, "wasxfail"):
        return mine
    return max(mine, pytests, key=lambda phase: SEVERITY.index(phase.outcome))


def _reason(report: Any) -> str:
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        return str(longrepr[-1])
    crash = getattr(longrepr, "reprcrash", None)
    return str(crash.message if crash is not None else longrepr)
