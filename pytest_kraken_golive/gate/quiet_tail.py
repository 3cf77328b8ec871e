"""The quiet tail: lines that measure run after everything else, alone, also under xdist.

Without workers they are simply the last ones. With workers, each worker drops them and says which they were; when all
have ended, the process that the user started collects these and runs them itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.gate.canary import release
from pytest_kraken_golive.gate.nodes import RunbookFile
from pytest_kraken_golive.stash import QUIET

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.plan import PlannedLine

HEADING = "measured alone, after everything else"


def is_quiet(item: pytest.Item) -> bool:
    """Whether it is a line that measures, or such a line under one of its breaks."""
    if not isinstance(item.parent, RunbookFile):
        return False
    planned: PlannedLine = item.planned  # type: ignore[attr-defined]  # all items of a runbook have it
    return planned.is_quiet


def put_last(config: pytest.Config, items: list[pytest.Item], *, drop: bool) -> None:
    """Put quiet lines behind everything else, or leave them to the process that started this worker."""
    quiet = [item for item in items if is_quiet(item)]
    config.stash[QUIET] = [item.nodeid for item in quiet]
    items[:] = [item for item in items if not is_quiet(item)] + ([] if drop else quiet)


def run(session: pytest.Session, nodeids: Iterable[str]) -> None:
    """Run what the workers left out, in this process.

    Args:
        session: of the process that the user started, whose workers have ended.
        nodeids: the lines, with those of their breaks that are to run.
    """
    wanted = set(nodeids)
    if not wanted or session.shouldfail or session.shouldstop:
        return
    _let_benchmarks_run(session.config)
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        writer = session.config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
        reporter.write_sep("-", HEADING)
    before = session.testscollected
    items = [item for item in session.perform_collect(_arguments(session, wanted)) if item.nodeid in wanted]
    session.items = items
    session.testscollected = before + len(items)
    if items:
        release(session, items[0])
    for place, item in enumerate(items):
        if session.shouldfail or session.shouldstop:
            return
        following = items[place + 1] if place + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _arguments(session: pytest.Session, nodeids: Iterable[str]) -> list[str]:
    """The lines as pytest finds them from wherever it was started: their breaks come with them."""
    return sorted({str(session.config.rootpath / nodeid.partition("[")[0]) for nodeid in nodeids})


def _let_benchmarks_run(config: pytest.Config) -> None:
    """Take back that pytest-benchmark switched itself off because of xdist; what the user switched off stays off."""
    if config.pluginmanager.hasplugin("benchmark"):
        benchmarks = config._benchmarksession  # type: ignore[attr-defined]  # pytest-benchmark's own
        if benchmarks.xdist_warning:
            benchmarks.disabled = benchmarks.xdist_warning = False
