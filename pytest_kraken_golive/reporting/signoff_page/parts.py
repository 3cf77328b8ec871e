"""The lines of a runbook by section, each section with the sign of the worst that is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.terminal import sections

FINE = frozenset({Outcome.PASSED, Outcome.SIGNED})
_MILD = (Outcome.NOT_RUN, Outcome.WAIVED)
"""What is not fine and yet no fault, the worse one first."""


@dataclass(frozen=True)
class Part:
    """A section."""

    name: str
    lines: list[dict[str, Any]]
    good: int
    """Lines that are proven or signed."""
    worst: str
    """The outcome whose sign it has."""


def parts(lines: list[dict[str, Any]]) -> list[Part]:
    """The sections in the order of the runbook."""
    return [_part(name, of_it) for name, of_it in sections(lines)]


def _part(name: str, lines: list[dict[str, Any]]) -> Part:
    outcomes = {line["outcome"] for line in lines}
    worst = next((one for one in _MILD if one in outcomes), Outcome.PASSED)
    if outcomes - FINE - set(_MILD):
        worst = Outcome.FAILED
    return Part(name, lines, sum(line["outcome"] in FINE for line in lines), worst)
