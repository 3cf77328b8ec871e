"""Tells how far a run is, beside pytest's dots: a live line on a terminal, a row for each section elsewhere.

The live line stands below pytest's own, and is gone before pytest writes: its output is as ever. Where others write in
between (`-s`, live logs) there are rows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.reporting.page import NARROWEST, fitting
from pytest_kraken_golive.reporting.progress import MEASURED, Ahead, Progress
from pytest_kraken_golive.reporting.terminal import section_name
from pytest_kraken_golive.stash import GATE, LAST_RUN, PLAN, WORLDS

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_kraken_golive.gate.plan import Plan, PlannedLine

QUICK_S = 2.0
"""Sections that follow each other faster than this are not told one by one, nor is a run that is over by then."""

_ERASE = "\x1b[J"
"""What stands behind the cursor and below it."""


class Teller:
    """Hears how lines begin and end, in the process that the user started."""

    def __init__(self, config: pytest.Config, reporter: Any) -> None:
        self._config = config
        self._reporter = reporter
        self._writer = config.get_terminal_writer()
        self._plan: Plan = config.stash[PLAN]
        processes = len(config.option.tx) if config.pluginmanager.hasplugin("dsession") else 1
        lines = {planned.id: _ahead(planned) for planned in self._plan.lines.values()}
        # How long a proof takes has nothing to do with how long its lines take.
        took = {} if config.option.golive_prove else config.stash[LAST_RUN]
        self._progress = Progress(lines, took, processes)
        self._live = self._writer.hasmarkup and config.option.verbose == 0 and not _others_write(config)
        self._drawn = False
        self._told_at_s = time.monotonic()

    @classmethod
    def of(cls, config: pytest.Config) -> Teller | None:
        """None where nothing is to be told: `-q`, no terminal reporter, nothing runs."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or config.option.verbose < 0 or config.stash[GATE].options.only_collects:
            return None
        return cls(config, reporter)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The lines of this process; with workers, those that they left to it."""
        self._select([item.nodeid for item in getattr(session, "items", ())])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """The lines of the workers, who say only at their end which they leave; of a whole run it is known before."""
        self._select(ids)
        planned = self._plan.lines.values()
        heard = {found.id for nodeid in ids if (found := self._plan.line_of(nodeid)) is not None}
        if heard >= {one.id for one in planned if not one.is_quiet}:
            self._progress.select(*(one.id for one in planned))

    def _select(self, nodeids: list[str]) -> None:
        found = (self._plan.line_of(nodeid) for nodeid in nodeids)
        self._progress.select(*(planned.id for planned in found if planned is not None))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> Generator[None, object, object]:
        """A test begins."""
        if (planned := self._plan.line_of(nodeid.partition("[")[0])) is not None:  # itself, or one of its breaks
            self._progress.begin(planned.id)
        return (yield from self._around())

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> Generator[None, object, object]:
        """A phase of a test ended; a dead worker's line has none."""
        name, is_break, _ = str(report.nodeid).partition("[")
        planned = self._plan.line_of(name)
        of_section = None
        if planned is not None and report.when not in {"setup", "call"}:
            if is_break:
                self._progress.tried(planned.id)
            elif self._progress.end(planned.id):
                of_section = planned.id
        done = yield from self._around()
        if of_section is not None and not self._live:
            self._row(of_section)
        return done

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, object, object]:
        """A test is over."""
        return (yield from self._around())

    def _around(self) -> Generator[None, object, object]:
        """While pytest writes there is no live line."""
        self._erase()
        done = yield
        self._draw()
        return done

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Pytest will write."""
        self._erase()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Pytest will write, and nothing is left to be told."""
        self._erase()
        self._live = False
        return (yield)

    def _text(self, line_id: str) -> str:
        clean = self._config.stash[WORLDS].redactor.text(self._progress.text(line_id))
        text = "  " + "".join(char if char.isprintable() else "?" for char in clean)
        text = fitting(text, getattr(self._writer._file, "encoding", None))
        width = max(NARROWEST, self._writer.fullwidth) - 1
        return text if len(text) <= width else f"{text[: width - 3]}..."

    def _row(self, line_id: str) -> None:
        now = time.monotonic()
        if now - self._told_at_s < QUICK_S:
            return
        self._told_at_s = now
        if self._writer.width_of_current_line:
            self._writer.line()
        self._writer.line(self._text(line_id))
        self._writer.flush()

    def _draw(self) -> None:
        if not self._live or not self._progress.runs or time.monotonic() - self._told_at_s < QUICK_S:
            return
        column = self._writer.width_of_current_line + 1
        # Past the writer, which would take it for its own line. Up again after a line feed works on the last row too.
        self._writer._file.write(f"{_ERASE}\n{self._text(self._progress.runs[-1])}\x1b[A\x1b[{column}G")
        self._writer.flush()
        self._drawn = True

    def _erase(self) -> None:
        if self._drawn:
            self._writer._file.write(_ERASE)
            self._writer.flush()
            self._drawn = False


def _ahead(planned: PlannedLine) -> Ahead:
    beside = f"run:{planned.runbook.stage}" if planned.depends_on_run else "files"
    group = MEASURED if planned.is_quiet else beside
    return Ahead((planned.runbook.shown, section_name(planned.line.section)), group)


def _others_write(config: pytest.Config) -> bool:
    return config.option.capture == "no" or bool(config.getini("log_cli") or config.option.log_cli_level)
