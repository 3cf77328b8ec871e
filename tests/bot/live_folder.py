"""A deployment for the live service in a temporary folder, with an exchange on loopback that plays production.

Test modules name this file in `pytest_plugins`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from bot_fixtures import REPOSITORY, licensed

from pytest_kraken_golive.bot.ending import Ending
from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.bot.names import LARGEST_ORDER
from pytest_kraken_golive.bot.service import LiveService
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.kraken import KrakenClient, NewOrder
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings
from pytest_kraken_golive.telemetry.events import Event, read_events

FAST = {
    f"KRAKEN_RL_{name}_{part}": "1000" for name in ("GLOBAL", "MD", "ORDER", "ORDER_STATUS") for part in ("CAP", "FR")
}
FLAGS = {
    f"FF_{component}_{name}": text
    for component in ("EXECUTION", "POLLER", "FEES")
    for name, text in (("MODE", "new"), ("ROLLOUT_PCT", "50"), ("MAX_CONSEC_FAIL", "3"), ("ROLLBACK_TIMEOUT_S", "300"))
}


@dataclass
class LiveFolder:
    """A deployment of the live service."""

    root: Path
    server: SandboxServer
    issuer: dict[str, str]
    account: AccountSettings

    @classmethod
    def made(cls, root: Path, account: AccountSettings, server: SandboxServer) -> LiveFolder:
        """The repository's own configuration with real orders switched on, `.env`, and a licence."""
        shutil.copytree(REPOSITORY / "config", root / "config")
        folder = cls(root, server, licensed(root), account)
        folder.replace(
            "config/runtime.yaml", "live:\n    enabled: false", "live:\n    enabled: true\n    order_interval_s: 0.4"
        )
        variables = {
            "KRAKEN_API_KEY": account.api_key.get_secret_value(),
            "KRAKEN_API_SECRET": account.api_secret.get_secret_value(),
            "KRAKEN_USE_SANDBOX": "false",
            "KRAKEN_BASE_URL": server.url(),
            LARGEST_ORDER: "50",
            "FEATURE_TOGGLES_ENABLED": "true",
            **FAST,
            **FLAGS,
        }
        text = "# of the tests\n" + "".join(f"{name}={value}\n" for name, value in variables.items())
        (root / ".env").write_text(text, encoding="utf-8")
        (root / ".env").chmod(0o600)
        return folder

    def foreign_order(self) -> str:
        """An order of the same account that somebody else placed; it rests far from the market."""
        key, secret = self.account.api_key, self.account.api_secret
        order = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("0.001"), price=Decimal(30000))
        with KrakenClient(key, secret, environ={"KRAKEN_BASE_URL": self.server.url(), **FAST}) as client:
            return str(client.place_order(order).txid)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def environ(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRAKEN_", "PYTEST_", "FF_"))}
        return {**kept, "PYTHONPATH": str(REPOSITORY), ISSUER_KEYS: json.dumps(self.issuer), **more}

    def words(self, entrypoint: str = "kraken_desktop_live") -> list[str]:
        return [
            *(sys.executable, "-W", "error", "-m", "pytest_kraken_golive.bot"),
            *("--mode", "live", "--entrypoint", entrypoint),
        ]

    def here(self, ending: Ending, said: list[str], **more: str) -> LiveService:
        """The service in this process, which saves its start."""
        config = self.root / "config/runtime.yaml"
        environ = {ISSUER_KEYS: json.dumps(self.issuer), **more}
        clock = SystemClock()
        return LiveService(config, "kraken_desktop_live", environ=environ, clock=clock, ending=ending, say=said.append)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within the block the service runs, on a thread; it must end well."""
        ending, said, status = Ending(), list[str](), list[int]()
        thread = threading.Thread(target=lambda: status.append(self.here(ending, said).execute()))
        thread.start()
        try:
            self.wait(lambda: (self.root / "runtime/service.pid").exists() or not thread.is_alive())
            assert thread.is_alive(), said
            yield
        finally:
            ending.ask("the test is over")
            thread.join(60)
        assert status == [0], said

    def start(self, **more: str) -> subprocess.Popen[str]:
        """Start the service; it is the caller's to end."""
        return subprocess.Popen(
            self.words(),
            cwd=self.root,
            env=self.environ(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `kraken-golive …` in the deployment."""
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest_kraken_golive.cli", *words],
            cwd=self.root,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def events(self, kind: str | None = None) -> list[Event]:
        path = self.root / "runtime/events.jsonl"
        if not path.exists():
            return []
        return [event for event in read_events(path, path.name, live=True) if kind in (None, event.type)]

    def books(self) -> dict[str, Any]:
        return self.server.exchange.observed("main", 0.1)

    def wait(self, what: Callable[[], object], within_s: float = 60.0) -> None:
        until = time.monotonic() + within_s
        while not what():
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.02)


@pytest.fixture
def live_folder(tmp_path: Path) -> Iterator[LiveFolder]:
    account = AccountSettings(name="live")
    with SandboxServer(SandboxSettings(seed=7, latency_s=0.005, limits=False, accounts=[account])) as server:
        yield LiveFolder.made(tmp_path / "deployment", account, server)
