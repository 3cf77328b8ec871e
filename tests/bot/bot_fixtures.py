"""Fixtures: a deployment in a temporary folder, an exchange on loopback, and the bot as the process that it is.

Test modules name this file in `pytest_plugins`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.bot.ending import Ending
from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.bot.runner import PaperRun, RunRequest
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.deployment.fingerprint import collect
from pytest_kraken_golive.deployment.issue import SigningKey, licence_payload, revocations_payload, write_signed
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings

REPOSITORY = Path(__file__).parents[2]
ROOMY = {
    f"KRAKEN_RL_{bucket}_{part}": "10000"
    for bucket in ("GLOBAL", "MD", "ORDER", "ORDER_STATUS")
    for part in ("CAP", "FR")
}


def licensed(root: Path) -> dict[str, str]:
    """Give a deployment a licence for this machine; the public key of its issuer, by its id."""
    issuer, now = SigningKey.new("tests"), datetime.now(UTC)
    folder = root / "var/licenses/active"
    write_signed(folder / "license.json", licence_payload(collect().value, now - timedelta(minutes=5)), issuer)
    write_signed(folder / "revocations.json", revocations_payload(1, now), issuer)
    return {issuer.key_id: issuer.public_text}


@dataclass
class BotFolder:
    """A deployment that the bot can be started in."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, root: Path, account: AccountSettings, url: str) -> BotFolder:
        """The repository's own configuration, with the account's key in the secret store."""
        shutil.copytree(REPOSITORY / "config", root / "config")
        DirectorySecretStore(root / "secrets").put(
            "kraken_paper_trading", Credentials(account.api_key, account.api_secret)
        )
        (root / ".env").write_text(f"KRAKEN_BASE_URL={url}\n", encoding="utf-8")
        issuer = licensed(root)
        return cls(
            root,
            {**ROOMY, ISSUER_KEYS: json.dumps(issuer), "KRAKEN_GOLIVE_RUN_S": "0.8", "KRAKEN_GOLIVE_WARM_UP_S": "0.3"},
        )

    @property
    def report_file(self) -> Path:
        return self.root / "reports" / "paper_kraken_desktop_paper.json"

    def report(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.report_file.read_text(encoding="utf-8"))
        return loaded

    def log_lines(self) -> list[str]:
        return (self.root / "logs/guardrails/guardrails.log").read_text(encoding="utf-8").splitlines()

    def replace(self, file: str, old: str, new: str, count: int = 1) -> None:
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, count), encoding="utf-8")

    def command(self, *arguments: str, entrypoint: str = "kraken_desktop_paper") -> list[str]:
        return [
            *(sys.executable, "-W", "error", "-m", "pytest_kraken_golive.bot"),
            *("--mode", "paper", "--entrypoint", entrypoint, *arguments),
        ]

    def variables(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRAKEN_", "PYTEST_"))}
        return {**kept, "PYTHONPATH": str(REPOSITORY), **self.environ, **more}

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=cwd or self.root,
            env=self.variables(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def run_here(self, entrypoint: str = "kraken_desktop_paper", **variables: str) -> tuple[int, list[str]]:
        """Run the bot in this process, which saves its start: exit status and the lines that it said."""
        said: list[str] = []
        request = RunRequest("paper", entrypoint, self.root / "config" / "runtime.yaml", self.report_file)
        environ = {**self.environ, "KRAKEN_GOLIVE_RUN_S": "0.3", "KRAKEN_GOLIVE_WARM_UP_S": "0.1", **variables}
        run = PaperRun(request, environ=environ, clock=SystemClock(), ending=Ending(), say=said.append)
        return run.execute(), said


@dataclass(frozen=True)
class Finished:
    """A run that is over, and what the exchange saw of it."""

    folder: BotFolder
    code: int
    output: str
    books: dict[str, Any]
    report: dict[str, Any]


@pytest.fixture(scope="session")
def bot_account() -> AccountSettings:
    return AccountSettings(name="bot")


@pytest.fixture
def bot_exchange(bot_account: AccountSettings) -> Iterator[SandboxServer]:
    with SandboxServer(SandboxSettings(seed=7, latency_s=0.01, limits=False, accounts=[bot_account])) as server:
        yield server


@pytest.fixture
def bot_folder(tmp_path: Path, bot_account: AccountSettings, bot_exchange: SandboxServer) -> BotFolder:
    return BotFolder.made(tmp_path / "deployment", bot_account, bot_exchange.url())


@pytest.fixture(scope="session")
def quiet_exchange(bot_account: AccountSettings) -> Iterator[SandboxServer]:
    """Shared by tests that neither alter it nor look at its books."""
    with SandboxServer(SandboxSettings(seed=7, limits=False, accounts=[bot_account])) as server:
        yield server


@pytest.fixture
def quiet_folder(tmp_path: Path, bot_account: AccountSettings, quiet_exchange: SandboxServer) -> BotFolder:
    return BotFolder.made(tmp_path / "deployment", bot_account, quiet_exchange.url())


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, bot_account: AccountSettings) -> Finished:
    """One run that went well, shared by the tests that only look at what it left."""
    root = tmp_path_factory.mktemp("bot") / "deployment"
    settings = SandboxSettings(seed=7, latency_s=0.02, limits=False, accounts=[bot_account])
    with SandboxServer(settings) as server:
        folder = BotFolder.made(root, bot_account, server.url())
        result = folder.run()
        books = server.exchange.observed("main", 0.1)
    return Finished(folder, result.returncode, result.stdout + result.stderr, books, folder.report())
