"""`config/golive.lock.yaml`: what each line said and meant when somebody last accepted it.

A line, its parameters or its check that changes without a sound would still pass; so each has a digest here, and one
that differs makes the line *suspect* until a person has looked at it (`kraken-golive accept`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from pytest_kraken_golive.runbook.model import RunbookError
from pytest_kraken_golive.runbook.plain_yaml import PlainYamlError, read_mapping

FILE = "config/golive.lock.yaml"

NO_CHECK = "none"
"""Stands for the check of a line that people alone judge."""
_DIGITS = 16
"""Of a digest: it guards against accidents."""
_HEAD = """\
# What each line of the runbooks said when somebody last accepted it: digests of its text, of its binding (check,
# parameters, signers), and of its check's source. Written by `kraken-golive accept`; part of the project, so commit it.
"""
_ROW = re.compile(
    r"text (?P<text>[0-9a-f]{16}), binding (?P<binding>[0-9a-f]{16}), check (?P<check>[0-9a-f]{16}|none), "
    r"accepted (?P<on>\d{4}-\d{2}-\d{2}) by (?P<by>.+)"
)


@dataclass(frozen=True)
class Accepted:
    """What somebody accepted of a line."""

    text: str
    """The first digits of the digest of its words."""
    binding: str
    """The same of how it is bound."""
    check: str
    """The same of its check's source; `NO_CHECK` without one."""
    by: str = ""
    """Who accepted it."""
    on: str = ""
    """The day, ISO-8601."""

    @classmethod
    def of(cls, text: str, binding: str, check: str) -> Accepted:
        """What is to be accepted of a line: three whole digests, or `NO_CHECK`."""
        return cls(text[:_DIGITS], binding[:_DIGITS], check[:_DIGITS])

    def changed_to(self, now: Accepted) -> list[str]:
        """What differs now, in words; empty if nothing does."""
        named = {
            "its text": "text",
            "its binding (check, parameters, signers)": "binding",
            "its check's source": "check",
        }
        return [words for words, name in named.items() if getattr(self, name) != getattr(now, name)]

    def __str__(self) -> str:
        return f"text {self.text}, binding {self.binding}, check {self.check}, accepted {self.on} by {self.by}"


@dataclass
class Lock:
    """What was accepted, by runbook and line."""

    books: dict[str, dict[str, Accepted]] = field(default_factory=dict)

    def of(self, runbook: str, line_id: str) -> Accepted | None:
        """What was accepted of a line; None if nothing was."""
        return self.books.get(runbook, {}).get(line_id)

    def gone(self, runbook: str, ids: Iterable[str]) -> list[str]:
        """Lines of a runbook that were accepted and are no longer among its lines."""
        return sorted(self.books.get(runbook, {}).keys() - set(ids))

    def accept(self, runbook: str, line_id: str, what: Accepted, *, by: str, on: dt.date) -> None:
        """Note that somebody accepted a line as it is now."""
        accepted = Accepted(what.text, what.binding, what.check, by, on.isoformat())
        self.books.setdefault(runbook, {})[line_id] = accepted

    def forget(self, runbook: str, line_id: str) -> None:
        """Note that somebody accepted that a line is gone."""
        del self.books[runbook][line_id]
        if not self.books[runbook]:
            del self.books[runbook]

    def text(self, order: Mapping[str, Iterable[str]]) -> str:
        """The file's text, with the lines of each runbook in the given order, and others behind them."""
        rows = [_HEAD.rstrip("\n")]
        for runbook in [*(book for book in order if book in self.books), *sorted(self.books.keys() - set(order))]:
            lines = self.books[runbook]
            rows.append(f"{_word(runbook)}:")
            known = [line for line in order.get(runbook, ()) if line in lines]
            rows += [
                f"  {_word(line)}: {_word(str(lines[line]))}" for line in [*known, *sorted(lines.keys() - set(known))]
            ]
        return "\n".join(rows) + ("\n" if self.books else "\n{}\n")


def _word(text: str) -> str:
    """A YAML scalar."""
    return yaml.safe_dump(text, width=1_000_000, allow_unicode=True).removesuffix("...\n").rstrip("\n")


def read_lock(rootdir: Path) -> Lock | None:
    """Read the lock below a rootdir; None where there is none.

    Raises:
        RunbookError: it cannot be read, or is not what `kraken-golive accept` writes; names the line.
    """
    path = rootdir / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RunbookError([f"{FILE}: cannot be read ({error}). Next: restore it from version control."]) from error
    return parse_lock(text)


def parse_lock(text: str) -> Lock:
    """The same of a file's text."""
    restore = "Next: restore it from version control, or accept the lines again (`kraken-golive accept`)."
    try:
        found = read_mapping(text)
    except PlainYamlError as error:
        raise RunbookError([f"{FILE}:{error.line + 1}: {error}. {restore}"]) from error
    lock = Lock()
    for runbook, lines in (found.values if found else {}).items():
        if not isinstance(lines, dict):
            raise RunbookError([f"{FILE}: {runbook}: expected its lines, found {lines!r}. {restore}"])
        for line_id, row in lines.items():
            match = _ROW.fullmatch(row) if isinstance(row, str) else None
            if match is None:
                raise RunbookError(
                    [f"{FILE}: {runbook}: {line_id}: expected what was accepted, found {row!r}. {restore}"]
                )
            lock.books.setdefault(runbook, {})[line_id] = Accepted(
                match["text"], match["binding"], match["check"], match["by"], match["on"]
            )
    return lock
