"""Read a runbook's text as the tests of this folder do: lines out, or the lines that messages blame."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_kraken_golive.runbook.model import Line, Runbook, RunbookError
from pytest_kraken_golive.runbook.parse import parse_runbook

SHOWN = "config/runbooks/x.md"


def bound(line_id: str, more: str = "") -> str:
    """A binding comment; `more` is further keys of the mapping."""
    return f"<!-- golive: {{id: {line_id}, check: c{', ' + more if more else ''}}} -->"


GROUP = "<!-- golive: {group: true} -->"
A, B = bound("a"), bound("b")


def read(text: str) -> Runbook:
    """The runbook; raises `RunbookError`."""
    return parse_runbook(text, path=Path(SHOWN), shown=SHOWN, sha256="0")


def texts(text: str) -> list[tuple[int, str]]:
    """Number and text of every line."""
    return [(line.number, line.text) for line in read(text).lines]


def the_line(text: str) -> Line:
    """The only line."""
    (line,) = read(text).lines
    return line


def problems(text: str) -> list[str]:
    """What is wrong with it, one message each; empty if nothing is."""
    try:
        read(text)
    except RunbookError as error:
        return error.problems
    return []


def blamed(text: str) -> list[int]:
    """The lines that messages point to, each once, in order."""
    numbers = []
    for problem in problems(text):
        match = re.match(rf"{re.escape(SHOWN)}:(\d+): .+ Next: .+\.\Z", problem, re.DOTALL)
        assert match, f"a message without place or next step: {problem!r}"
        numbers.append(int(match[1]))
    return sorted(set(numbers))
