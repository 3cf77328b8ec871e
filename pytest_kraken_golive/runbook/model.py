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
class Binding:
    """The comment that ties a line to a check."""

    id: str
    """The line's name, unique over all runbooks of a run; empty for a group."""
    check: str
    """The name of the check; empty for a group."""
    params: dict[str, Raw]
    """The check's parameters, as written."""
    group: bool = False
    """True for an item that only groups the bound ones below it."""


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
        bound = self.binding
        parts = [" ".join(self.text.split()), self.content, bound and [bound.id, bound.check, bound.params]]
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
