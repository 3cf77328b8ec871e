"""TEMPORARY, to be deleted: the two fixtures that the plugin gives, until it gives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from pytest_kraken_golive.kraken import KrakenClient
from pytest_kraken_golive.sandbox.server import SandboxServer
from pytest_kraken_golive.sandbox.settings import FaultSettings, SandboxSettings


class Sandbox:
    def __init__(self, server: SandboxServer) -> None:
        self._server = server
        self.url = server.url()
        account = server.settings.accounts[0]
        self.credentials: tuple[SecretStr, SecretStr] = (account.api_key, account.api_secret)

    def books(self, door: str = "main", window_s: float = 0.1) -> dict[str, Any]:
        return self._server.exchange.observed(door, window_s)

    def fault(self, kind: str, endpoint: str = "*", times: int = 1, **parameters: Any) -> None:
        order = {"kind": kind, "endpoint": endpoint, "times": times, **parameters}
        self._server.exchange.install_fault(FaultSettings.model_validate(order))

    def clear_faults(self) -> None:
        self._server.exchange.clear_faults()


@pytest.fixture(scope="session")
def kraken_sandbox() -> Iterator[Sandbox]:
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield Sandbox(server)


@pytest.fixture
def kraken_client(kraken_sandbox: Sandbox) -> Iterator[KrakenClient]:
    with KrakenClient(*kraken_sandbox.credentials, base_url=kraken_sandbox.url, use_sandbox=True) as client:
        yield client
