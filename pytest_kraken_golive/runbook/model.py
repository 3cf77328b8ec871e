"""What a runbook is made of, once it is read."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Stage = Literal["paper", "production"]
"""What a runbook takes live; each stage of a run has a deployment and an exchange of its own."""

Raw = str | list["Raw"] | dict[str, "Raw"]
"""A parameter as written: YAML without any guessing of types."""


@dataclass(frozen=True)
class Manual:
    """Who must judge a line that no program can judge alone, and sign for it."""

    roles: tuple[str, ...]
    """Each must be signed for by somebody who holds it."""
    persons: int = 1
    """How many different people must sign."""


@dataclass(frozen=True)
class Binding:
    """The comment that ties a line to a check, or to the people who judge it."""

    id: str
    """The line's name, unique over all runbooks of a run; empty for a group."""
    check: str
    """The name of the check; empty for a group, and for a line that people alone judge."""
    params: dict[str, Raw]
    """The check's parameters, as written."""
    group: bool = False
    """True for an item that only groups the bound ones below it."""
    manual: Manual | None = None
    """Who must sign; None where the check alone decides."""


@dataclass(frozen=True)
class Line:
    """An item of a list in a runbook: one thing that must be proven."""

    runbook: str
    """Path of the runbook, as shown to people."""
    number: int
    """1-based line in the runbook."""
    text: str
    """What its first paragraph says, without box and comment."""
    section: tuple[str, ...]
    """The headings above it, outermost first."""
    ticked: bool | None = None
    """State of its task box, None without a box. A tick proves nothing."""
    binding: Binding | None = None
    """None: unbound, the line fails."""
    content: tuple[str, ...] = ()
    """What the item holds beside its text: where links lead, HTML, later paragraphs, code; not the items below it."""

    @property
    def place(self) -> str:
        """File and line, as an editor opens it."""
        return f"{self.runbook}:{self.number}"

    @property
    def digest(self) -> str:
        """SHA-256 over all that the item holds and how it is bound; moving the line does not change it."""
        return _digest([self.text_digest, self.binding_digest])

    @property
    def text_digest(self) -> str:
        """SHA-256 over the words of the item, whatever else it holds included."""
        return _digest([" ".join(self.text.split()), self.content])

    @property
    def binding_digest(self) -> str:
        """SHA-256 over how it is bound: check, parameters, and who must sign."""
        bound = self.binding
        signs = bound and bound.manual and [bound.manual.roles, bound.manual.persons]
        return _digest(bound and [bound.id, bound.check, bound.params, signs])


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Runbook:
    """A runbook as read from its file."""

    path: Path
    """The file."""
    shown: str
    """Its path as shown to people."""
    sha256: str
    """Digest of the file's bytes."""
    stage: Stage
    """What it takes live."""
    title: str
    """From the front matter or the first heading."""
    owner: str
    """From the front matter, may be empty."""
    lines: tuple[Line, ...] = field(default=())
    """Every list item that is not a group, in document order."""


class RunbookError(Exception):
    """The runbook cannot be taken at its word; the message names file, line and next step."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
