"""What a child pytest is asked beside its tests: a test that must fail, and whether the project's own client copes.

Both stand beside the project's tests, so that they meet the same conftests, fixtures and plugins.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_kraken_golive.gate.canary import FAILED_AS_IT_MUST, CanaryFile, CanaryItem, came_out
from pytest_kraken_golive.gate.registry import STOCK_PACKAGE
from pytest_kraken_golive.gate.scope import PACKAGE, overridden_for
from pytest_kraken_golive.gate.worlds import Worlds
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.rehearsal.child_pytest import BAD_GATEWAY, RATE_LIMITED, SIGNED
from pytest_kraken_golive.sandbox.refusals import RATE_LIMIT

_now = time.time
"""As it was before a test could replace it."""

CLIENT = "kraken_client"

FAULTS: dict[str, dict[str, Any]] = {
    SIGNED: {},
    BAD_GATEWAY: {"kind": "http", "status": 502},
    RATE_LIMITED: {"kind": "error", "error": RATE_LIMIT},
}
"""The trouble that each behaviour is shown under, once, at whatever endpoint the client asks."""


def canary_problem(session: pytest.Session) -> str | None:
    """What became of a test that must fail, in the module of the first test; None if it failed as it must."""
    pytest.register_assert_rewrite(STOCK_PACKAGE)
    from pytest_kraken_golive.checks.canary import canary  # noqa: PLC0415 - after it is to be rewritten

    found = came_out(session, CanaryItem.from_parent(_module(session), name="canary", callobj=canary))
    return None if found == FAILED_AS_IT_MUST else found


class OwnClient:
    """The client that a project puts in the place of the reference client, in its root conftest or for its tests.

    Args:
        session: of the child.
        worlds: who has the exchange.
    """

    def __init__(self, session: pytest.Session, worlds: Worlds) -> None:
        self._session = session
        self._worlds = worlds
        self._item, self.file = self._find()
        self._class = "never made"
        self._driven: dict[str, dict[str, Any]] = {}
        self._problem: str | None = None
        self._is_reference = False

    def _find(self) -> tuple[pytest.Item | None, str | None]:
        """An item that sees the client, and the file that defines it; the runbook's lines see the root's."""
        session = self._session
        root = CanaryFile.from_parent(session, path=session.config.rootpath / "kraken_client.py")
        for parent in (root, _module(session)):
            item: pytest.Item = CanaryItem.from_parent(parent, name=CLIENT, callobj=self._look)
            file = overridden_for(item, PACKAGE).get(CLIENT)
            if file is not None:
                return item, file
        return None, None

    def drive(self, behaviours: Iterable[str]) -> None:
        """Let it read its balance under the trouble of each behaviour, until one read fails."""
        if self._item is None:
            return
        self._driven = {name: {} for name in behaviours}
        reports = runtestprotocol(self._item, log=False, nextitem=self._session.items[0])
        failed = next((report for report in reports if report.outcome != "passed"), None)
        if failed is not None:
            self._problem = f"its {failed.when} {failed.outcome}: {self._masked(failed.longreprtext)[-300:]}"

    def _look(self, kraken_client: Any) -> None:
        self._class = f"{type(kraken_client).__module__}.{type(kraken_client).__qualname__}"
        self._is_reference = isinstance(kraken_client, KrakenClient)
        sandbox = self._worlds.of("paper").sandbox
        for name, told in self._driven.items():
            if FAULTS[name]:
                sandbox.fault(endpoint="*", **FAULTS[name])
            told |= {"started_s": _now(), "error": self._read(kraken_client), "ended_s": _now()}
            sandbox.clear_faults()
            if told["error"] is not None:
                return

    def _read(self, client: Any) -> str | None:
        try:
            balance = client.get_account_balance()
        except Exception as error:  # whatever somebody's client raises, the line says it
            return f"{type(error).__name__}: {self._masked(str(error))[:200]}"
        return None if balance else f"it returned {type(balance).__name__} without content"

    def _masked(self, text: str) -> str:
        return self._worlds.redactor.text(text)

    def watch_reference(self, note: Callable[[], None], test_file: Path) -> None:
        """Call `note` whenever a test file makes a reference client, while the project's own is another one."""
        if self._item is None or self._is_reference:
            return
        made = KrakenClient.__init__

        @functools.wraps(made)
        def noted(client: KrakenClient, *args: Any, **options: Any) -> None:
            if type(client) is KrakenClient and Path(sys._getframe(1).f_code.co_filename) == test_file:
                note()
            made(client, *args, **options)

        setattr(KrakenClient, "__init__", noted)  # noqa: B010 - a type checker objects to the plain form

    def told(self) -> dict[str, Any] | None:
        """What was seen of it, as JSON data; None if there is none."""
        if self.file is None:
            return None
        root = self._session.config.rootpath
        file = Path(self.file)
        shown = file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
        driven = {name: told for name, told in self._driven.items() if told}
        return {"file": shown, "name": self._class, "problem": self._problem, "driven": driven}


def _module(session: pytest.Session) -> pytest.Collector:
    """The module of the first test; for what is no Python, a module in the place of its file."""
    first = session.items[0]
    found = first.getparent(pytest.Module)
    return CanaryFile.from_parent(session, path=first.path) if found is None else found
