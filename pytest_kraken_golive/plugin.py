"""The pytest plugin: hooks that only route.

The way from a runbook line to the verdict:

`gate.plan` reads and binds lines, `gate.nodes` makes items of them, `gate.outcome` judges their reports,
`gate.verdict` adds them up. Without `--golive` nothing of this is imported.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.gate.fixtures import (  # noqa: F401 - fixtures are found by being here
    core_config,
    deployment,
    evidence,
    golive_ledger,
    golive_made_up,
    golive_overridden,
    golive_project,
    golive_world,
    golive_written,
    kraken_client,
    kraken_environment,
    kraken_exchange,
    kraken_order_ids,
    kraken_sandbox,
    kraken_witness,
    latency,
    live_commands,
    live_service,
    live_settings,
    order_bench,
    paper_bot,
    paper_report,
    policy,
    runtime_config,
)
from pytest_kraken_golive.options import (
    add_options,
    is_wanted,
    known_beforehand,
    only_informs,
    refuse_modes_without_gate,
    refuse_unknown_ini,
)
from pytest_kraken_golive.stash import GATE, PLAN, WORLDS

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.nodes import RunbookFile


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    add_options(parser)
    config: pytest.Config | None = pluginmanager.get_plugin("pytestconfig")
    if config is not None and "PYTEST_XDIST_WORKER" not in os.environ and (known := known_beforehand(config)):
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.before_other_plugins(config, known)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    if is_wanted(early_config):
        from pytest_kraken_golive.gate import listing, start  # noqa: PLC0415 - only for a gate run

        early_config.pluginmanager.register(listing, "golive-listing")
        start.before_conftests(early_config, "PYTEST_XDIST_WORKER" in os.environ)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "golive: a line of a runbook")
    refuse_unknown_ini(config)
    refuse_modes_without_gate(config)
    if is_wanted(config) and not only_informs(config):
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.configure(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int, int]:
    if not is_wanted(config) or only_informs(config) or hasattr(config, "workerinput"):
        return (yield)
    from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run
    from pytest_kraken_golive.gate.last_word import last_word  # noqa: PLC0415 - as above

    start.say_no_go(config, config.rootpath / config.option.golive_report_dir, config.rootpath)
    return (yield from last_word(config))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if is_wanted(session.config) and not only_informs(session.config):
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.open_gate(session)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> RunbookFile | None:
    if PLAN not in parent.config.stash:
        return None
    from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

    return start.collect_file(file_path, parent)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if PLAN in config.stash:
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.order_items(config, items)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    if PLAN in session.config.stash:
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.release_canary(session)
        done = yield
        start.run_quiet_tail(session)
        return done
    return (yield)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[Any]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if WORLDS in item.config.stash:
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only where our worlds are in use

        start.take_report(item, call, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if PLAN in session.config.stash:
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.finish(session)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if GATE in config.stash:
        from pytest_kraken_golive.gate import start  # noqa: PLC0415 - only for a gate run

        start.print_summary(config, terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    if WORLDS in config.stash:
        config.stash[WORLDS].close()
