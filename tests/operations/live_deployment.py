"""A deployment that is ready for production, and the exchange that it calls, in virtual time: no wait takes time.

Test modules name this file in `pytest_plugins`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.altered import AlteredCopy
from pytest_kraken_golive.rehearsal.build_live import rehearse_live
from pytest_kraken_golive.rehearsal.order import EXCHANGE
from pytest_kraken_golive.sandbox import FaultSettings, SandboxServer

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Live:
    """The deployment and its exchange."""

    root: Path
    server: SandboxServer
    clock: VirtualClock

    @property
    def config(self) -> Path:
        return self.root / "config" / "runtime.yaml"

    @property
    def copy(self) -> AlteredCopy:
        return AlteredCopy(self.root, REPOSITORY)

    def fault(self, **settings: Any) -> None:
        self.server.exchange.install_fault(FaultSettings(door="bot", **settings))

    def books(self) -> dict[str, Any]:
        return self.server.exchange.observed("bot", 1.0)

    def read(self, file: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.root / file).read_text(encoding="utf-8"))
        return data


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    root, clock = tmp_path / "deployment", VirtualClock()
    root.mkdir()
    blueprint = rehearse_live(REPOSITORY, root, Policy(), "kraken_desktop_live")
    blueprint.sandbox.latency_s = 0.0
    with SandboxServer(blueprint.sandbox, clock) as server:
        env = root / ".env"
        env.write_text(env.read_text(encoding="utf-8").replace(EXCHANGE, server.url("bot")), encoding="utf-8")
        yield Live(root, server, clock)
