"""A production deployment in a temporary folder, with an exchange that plays production, for checks called directly.

Test modules name this file in `pytest_plugins`.
"""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Break, Check, Evidence
from pytest_kraken_golive.deployment.issue import SigningKey
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.altered import FinishedCopy
from pytest_kraken_golive.rehearsal.stage import Rehearsal
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings

REPOSITORY = Path(__file__).resolve().parents[2]
STARTING = {"GLOBAL": ("20", "2.0"), "MD": ("15", "2.0"), "ORDER": ("10", "1.5"), "ORDER_STATUS": ("10", "1.5")}


def git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, check=True)


@dataclass
class World:
    """A deployment, its exchange, and what a check is called with."""

    root: Path
    rehearsal: Rehearsal
    policy: Policy = field(default_factory=Policy)
    process: dict[str, str] = field(default_factory=dict)
    overridden: dict[str, str] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    """What the ticket says instead, by a break."""
    real: bool = False
    """True: as if it were a real deployment, not a rehearsal's."""

    def lines(self, *changes: str) -> None:
        """Change variables of `.env`: `NAME=text` as it stands, `NAME` alone removes it."""
        for change in changes:
            name, sign, text = change.partition("=")
            self.copy.set_variable(name, text if sign else None)

    @property
    def copy(self) -> FinishedCopy:
        return FinishedCopy(self.root, REPOSITORY, SigningKey.new("rehearsal"), {})

    def call(self, check: Check, **params: Any) -> Evidence:
        """Call a check as the gate does, with fixtures made anew."""
        evidence = Evidence()
        deployment = Deployment(self.root, process=self.process)
        ticket = {**self.rehearsal.ticket, "judged": str(self.root), **({"issuer": None} if self.real else {})}
        ticket |= self.overrides
        world = Rehearsal(ticket, self.policy)
        known: dict[str, Callable[[], Any]] = {
            "golive_world": lambda: world,
            "deployment": lambda: deployment,
            "live_settings": lambda: LiveSettings.of(deployment),
            "policy": lambda: self.policy,
            "golive_project": lambda: self.root,
            "golive_overridden": lambda: self.overridden,
            "kraken_exchange": lambda: world.real if world.is_real else self.rehearsal.sandbox,
            "kraken_sandbox": lambda: self.rehearsal.sandbox,
            "evidence": lambda: evidence,
        }
        wanted = inspect.signature(check.function).parameters.values()
        check.function(
            **{one.name: known[one.name]() for one in wanted if one.kind is one.POSITIONAL_OR_KEYWORD}, **params
        )
        assert evidence.records, "a check that saw nothing proves nothing"
        return evidence

    def broken(self, sabotage: Break, params: dict[str, Any], folder: Path) -> World:
        """A copy of this world in which a break has acted."""
        root = folder / sabotage.name
        shutil.copytree(self.root, root)
        world = World(root, self.rehearsal, self.policy)
        copy = world.copy
        sabotage.apply(copy, params)
        world.overrides = copy.overrides
        return world


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world that tests copy; its exchange is shared."""
    folder = tmp_path_factory.mktemp("production")
    root = folder / "deployment"
    shutil.copytree(REPOSITORY / "config", root / "config")
    (root / "var").mkdir()
    account = AccountSettings(name="kraken_live_trading")
    credentials = Credentials(account.api_key, account.api_secret)
    DirectorySecretStore(root / "secrets").put("kraken_live_trading", credentials)
    with SandboxServer(SandboxSettings(accounts=[account], doors=["checks", "bot"], tier="pro")) as server:
        urls = {door: server.url(door) for door in ("checks", "bot")}
        lines = [
            f"KRAKEN_API_KEY={account.api_key.get_secret_value()}",
            f"KRAKEN_API_SECRET={account.api_secret.get_secret_value()}",
            "KRAKEN_USE_SANDBOX=false",
            f"KRAKEN_BASE_URL={urls['bot']}",
        ]
        for name, (capacity, fill_rate) in STARTING.items():
            lines += [f"KRAKEN_RL_{name}_CAP={capacity}", f"KRAKEN_RL_{name}_FR={fill_rate}"]
        (root / ".env").write_text("\n".join([*lines, ""]), encoding="utf-8")
        (root / ".env").chmod(0o600)
        git(root, "init", "-q")
        (root / ".gitignore").write_text(".env\nsecrets/\nvar/\n", encoding="utf-8")
        git(root, "add", ".")
        git(root, "commit", "-q", "-m", "first")
        ready = {
            "control_url": "http://127.0.0.1:9",
            "admin_url": server.admin_url,
            "urls": urls,
            "token": "",
            "admin_token": server.settings.admin_token.get_secret_value(),
        }
        (folder / "host.json").write_text(json.dumps(ready), encoding="utf-8")
        ticket = {
            "rootdir": str(root),
            "ready_file": str(folder / "host.json"),
            "root": str(root),
            "judged": str(root),
            "issuer": "made up",
            "accounts": ["kraken_live_trading"],
            "own_bot": False,
            "has_bot": False,
            "stage": "production",
        }
        with closing(Rehearsal(ticket, Policy())) as rehearsal:
            yield World(root, rehearsal)


@pytest.fixture
def world(pristine: World, tmp_path: Path) -> World:
    """A copy of the world for one test."""
    root = tmp_path / "deployment"
    shutil.copytree(pristine.root, root)
    return World(root, pristine.rehearsal)
