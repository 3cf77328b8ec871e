"""How one line came out: plain data, from which verdict, causes and reports are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Outcome


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
