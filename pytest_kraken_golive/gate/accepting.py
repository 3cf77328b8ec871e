"""`kraken-golive accept`: a person has looked at lines that are new or have changed, and answers for them.

It reads runbooks and checks as a gate run does, in a pytest that runs nothing and leaves the verdict alone.
"""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_kraken_golive.gate.check_source import UNREAD
from pytest_kraken_golive.gate.described import nearest
from pytest_kraken_golive.gate.drift import gone_books, present
from pytest_kraken_golive.gate.plan import Plan
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.gate.session import load_checks, read_plan
from pytest_kraken_golive.runbook.lock import FILE, Lock
from pytest_kraken_golive.whole_file import replace_text


@dataclass(eq=False)  # pytest keeps plugins in a set
class Accepting:
    """The plugin of a pytest that accepts lines instead of running them."""

    lines: Sequence[str]
    """Ids; none: only list what would have to be accepted."""
    everything: bool
    """Accept whatever is new, changed or gone."""
    by: str
    """Who answers for it."""
    today: dt.date
    accepted: list[str] = field(default_factory=list)
    """What was accepted, in words."""
    waiting: list[str] = field(default_factory=list)
    """What is new, changed or gone and was not accepted, in words."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        """Instead of running anything."""
        config._do_configure()
        try:
            plan, lock = read_plan(Options.read(config), load_checks(config))
            self._accept(plan, lock or Lock(), config.rootpath)
        finally:
            config._ensure_unconfigure()
        return pytest.ExitCode.OK

    def _accept(self, plan: Plan, lock: Lock, rootdir: Path) -> None:
        bound = {planned.id: planned for planned in plan.lines.values() if planned.is_bound}
        gone = [
            (book.shown, line_id)
            for book in plan.runbooks
            for line_id in lock.gone(book.shown, [planned.id for planned in plan.of(book.path) if planned.is_bound])
        ]
        gone += [(book, line_id) for book in gone_books(plan, lock, rootdir) for line_id in lock.books[book]]
        known = {*bound, *(line_id for _, line_id in gone)}
        for line_id in self.lines:
            if line_id not in known:
                raise pytest.UsageError(f"there is no line {line_id!r}{nearest(line_id, bound)}. Next: correct the id.")
        for line_id, planned in bound.items():
            if planned.drift is None:
                continue
            if planned.source == UNREAD:
                self.waiting.append(
                    f"{line_id}  {planned.line.place}: the source of its check cannot be read, so nobody can answer "
                    "for it. Next: write the check as a function in a file of the project."
                )
            elif self.everything or line_id in self.lines:
                lock.accept(planned.runbook.shown, line_id, present(planned), by=self.by, on=self.today)
                self.accepted.append(f"{line_id}  {planned.line.place}: {planned.line.text}")
            else:
                self.waiting.append(f"{line_id}  {planned.line.place}: {planned.drift}")
        for book, line_id in gone:
            if self.everything or line_id in self.lines:
                lock.forget(book, line_id)
                self.accepted.append(f"{line_id}  is gone from {book}")
            else:
                self.waiting.append(
                    f"{book}: the line {line_id!r} is gone. Next: put it back, or accept that it is gone."
                )
        if self.accepted:
            order = {book.shown: [planned.id for planned in plan.of(book.path)] for book in plan.runbooks}
            replace_text(rootdir / FILE, lock.text(order))


def accept_here(lines: Sequence[str], *, everything: bool, by: str) -> Accepting | None:
    """Accept lines of the project that pytest finds from here; None where pytest has said why it cannot read it."""
    plugin = Accepting(lines, everything, by, dt.datetime.now(dt.UTC).date())
    words = ["--golive", "--golive-checks", "-p", "no:golive-listing", "-p", "no:cacheprovider"]
    return plugin if pytest.main(words, plugins=[plugin]) == pytest.ExitCode.OK else None


def git_user() -> str | None:
    """The name under which somebody commits here."""
    try:
        done = subprocess.run(["git", "config", "user.name"], capture_output=True, text=True, check=False)  # noqa: S607 - the user's own git
    except OSError:
        return None
    return done.stdout.strip() or None
