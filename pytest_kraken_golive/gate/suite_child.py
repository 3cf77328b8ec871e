"""The plugin of a child pytest: it joins the exchange that is held up for it, and tells what became of its tests.

Loaded with `-p` by `rehearsal.child_pytest`, and nowhere else.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.gate.idle_plugins import dismiss_idle
from pytest_kraken_golive.gate.scope import plugins_of
from pytest_kraken_golive.gate.suite_probes import OwnClient, canary_problem
from pytest_kraken_golive.gate.worlds import Worlds
from pytest_kraken_golive.policy import Policy, load_policy
from pytest_kraken_golive.recording.offline import go_offline
from pytest_kraken_golive.rehearsal.child_pytest import SuiteOrder
from pytest_kraken_golive.signoff.digests import digest_files
from pytest_kraken_golive.stash import WORLDS

_now = time.time
"""As it was before a test could replace it."""


def pytest_configure(config: pytest.Config) -> None:
    """Let the fixtures show the gate's exchange, and begin to listen."""
    order = SuiteOrder.take(os.environ)
    if order.offline:
        go_offline()
    policy = load_policy(config.rootpath) or Policy()
    config.stash[WORLDS] = Worlds(config.rootpath, policy, tickets={"paper": order.ticket})
    config.pluginmanager.register(SuiteWitness(Path(order.account), order.behaviours), "golive-suite")


class SuiteWitness:
    """Notes what pytest collects, what it runs and what it reports, as raw as it comes."""

    def __init__(self, account: Path, behaviours: list[str]) -> None:
        self._account = account
        self._behaviours = behaviours
        self._canary: str | None = "it was not run, for there was no test"
        self._client: OwnClient | None = None
        self._running = ""
        self._made_reference: dict[str, None] = {}
        self._collected: list[pytest.Item] = []
        self._problems: list[str] = []
        self._ran: dict[pytest.Item, dict[str, Any]] = {}
        self._by_id: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Before anybody can take it out."""
        self._collected.append(item)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported, say."""
        if report.outcome != "passed":
            self._problems.append(f"{report.nodeid}: {_message(report)}")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """First the project's own client, then a test that must fail, where the first test stands."""
        if session.items and not session.testsfailed:
            self._client = OwnClient(session, session.config.stash[WORLDS])
            self._client.drive(self._behaviours)
            self._canary = canary_problem(session)
            self._client.watch_reference(lambda: self._made_reference.setdefault(self._running), session.items[0].path)
        return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Its time, from before the set-up to after the tear-down."""
        told: dict[str, Any] = {"id": item.nodeid, "calls": 0, "reports": [], "started_s": _now(), "ended_s": 0.0}
        self._ran[item] = self._by_id[item.nodeid] = told
        self._running = item.nodeid
        try:
            return (yield)
        finally:
            told["ended_s"] = _now()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """More than once, if a plugin tries a test until it passes."""
        if pyfuncitem in self._ran:  # the canary is no test
            self._ran[pyfuncitem]["calls"] += 1
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every report counts."""
        told = self._by_id.get(report.nodeid)
        if told is None:
            self._problems.append(f"{report.nodeid}: reported without having run")
            return
        told["reports"].append(
            {
                "when": report.when,
                "outcome": report.outcome,
                "expected_to_fail": hasattr(report, "wasxfail"),
                "message": _message(report),
            }
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Leave the account."""
        account = {
            "canary": self._canary,
            "client": None if self._client is None else self._client.told(),
            "made_reference": list(self._made_reference),
            "plugins": plugins_of(session.config),
            "files": _digests(session.config, self._collected),
            "collected": len(self._collected),
            "tests": list(self._ran.values()),
            "left_out": [item.nodeid for item in self._collected if item not in self._ran],
            "problems": self._problems,
        }
        self._account.write_text(json.dumps(account), encoding="utf-8")
        dismiss_idle(session.config)


def _digests(config: pytest.Config, items: list[pytest.Item]) -> dict[str, str]:
    """SHA-256 of the conftests that were loaded and of the files that tests are in, relative to the project."""
    loaded = [getattr(plugin, "__file__", None) for plugin in config.pluginmanager.get_plugins()]
    conftests = [Path(file) for file in loaded if file and Path(file).name == "conftest.py"]
    digests = digest_files([*conftests, *(item.path for item in items)])
    root = config.rootpath
    return {
        Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else path: digest
        for path, digest in digests.items()
    }


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    """In one line: the reason of a skip, what an assertion said, or the end of what pytest shows."""
    shown: Any = report.longrepr
    if hasattr(report, "wasxfail") and report.skipped:
        return f"an expected failure {report.wasxfail}".strip()
    if isinstance(shown, tuple):
        return str(shown[2]).removeprefix("Skipped: ")[:500]
    crash = getattr(shown, "reprcrash", None)
    text = str(shown or "").strip() if crash is None else str(crash.message)
    lines = text.split("\n")
    return (lines[0] if crash is not None else lines[-1])[:500]
