"""How one line came out: plain data, from which verdict, causes and reports are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.runbook.model import Manual
from pytest_kraken_golive.signoff.waivers import InForce


@dataclass(frozen=True)
class Cause:
    """The line in the way that another one points to."""

    id: str
    """The line nearest the cause."""
    sure: bool
    """Whether the other line says nothing that this one does not explain; False: it may have a fault of its own."""

    @property
    def words(self) -> str:
        """How the other line points here."""
        return f"{'follows' if self.sure else 'may follow'} from {self.id}"


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
    also: tuple[str, ...] = ()
    """Further faults that its check found beside the one that the message tells of."""
    digest: str = ""
    """Of all that the line is: words, binding, its check's source."""
    waivable: bool = False
    """Whether a waiver may excuse it."""
    waiver: InForce | None = None
    """The one that excuses it."""
    waived: Outcome | None = None
    """How it came out, where a waiver excuses it."""
    manual: Manual | None = None
    """Who must sign for it."""
    subject: Mapping[str, str] | None = None
    """What they sign: digests by name."""
    signatures: Sequence[Mapping[str, Any]] = ()
    """Those that count."""
    duration_s: float = 0.0
    evidence: Sequence[dict[str, Any]] = ()
    order: int = 0
    """Its place in the runbooks."""
    distance: int = 0
    """How far from the cause of a fault it looks; see `PlannedLine.distance`."""
    after: tuple[str, ...] = ()
    """The checks that its own comes after."""
    unread: str | None = None
    """The file that could not be read at all, if that is why it is in the way."""
    cause: Cause | None = None
    """Where to look first, if this line is in the way because of another one."""
