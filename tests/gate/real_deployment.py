"""A deployment in production mode, on an exchange of its own that plays production on loopback, and gate runs of it.

Test modules name this file, and `golive_project`, in `pytest_plugins`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from golive_project import REPOSITORY, GateRun, Project

from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.limits import Unlimited
from pytest_kraken_golive.kraken.orders import NewOrder
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.altered import AlteredCopy
from pytest_kraken_golive.rehearsal.build_live import rehearse_live
from pytest_kraken_golive.rehearsal.order import EXCHANGE
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer

STOCK = REPOSITORY / "config" / "runbooks" / "production_cutover.md"
FOREIGN = "somebody-else"
ISSUER = "rehearsal"


@dataclass
class Production:
    """The deployment, its exchange, and the project that judges it."""

    project: Project
    root: Path
    server: SandboxServer
    account: AccountSettings
    foreign: str = FOREIGN
    """Client id of the order that is not this run's."""

    @property
    def url(self) -> str:
        return self.server.url("bot")

    @property
    def copy(self) -> AlteredCopy:
        return AlteredCopy(self.root, REPOSITORY)

    def lines(self, *line_ids: str, text: str = "") -> None:
        """A runbook of these stock lines, whose exchange is this one, and of further lines."""
        stock = STOCK.read_text(encoding="utf-8").replace('url: "https://api.kraken.com"', f'url: "{self.url}"')
        bindings = {found["id"]: found[0] for found in re.finditer(r"<!-- golive: {id: (?P<id>[^,]+),.*?-->", stock)}
        written = "".join(f"- Line {line_id}. {bindings[line_id]}\n" for line_id in line_ids)
        self.project.write(
            "config/runbooks/live.md", f"---\nstage: production\ntitle: Live\n---\n\n# Live\n\n{written}{text}"
        )

    def gate(self, *arguments: str) -> GateRun:
        return self.project.gate("--kraken=real", f"--golive-deployment={self.root}", *arguments)

    def client(self) -> KrakenClient:
        """Somebody else with the account's key."""
        return KrakenClient(
            self.account.api_key,
            self.account.api_secret,
            base_url=self.url,
            use_sandbox=True,
            environ={},
            limits=Unlimited(),
        )

    def rest_foreign_order(self) -> None:
        with self.client() as client:
            client.place_order(
                NewOrder(
                    pair="XBTUSD",
                    side="buy",
                    ordertype="limit",
                    volume=Decimal("0.001"),
                    price=Decimal(1000),
                    cl_ord_id=FOREIGN,
                )
            )

    def open_orders(self) -> list[str]:
        with self.client() as client:
            return sorted(str(one.cl_ord_id) for one in client.open_orders().values())

    def books(self) -> dict[str, Any]:
        books: dict[str, Any] = self.server.exchange.observed("bot", 1.0)
        return books

    def placed(self) -> list[str]:
        """Client ids of all real orders but the foreign one."""
        names = [str(order["cl_ord_id"]) for order in self.books()["orders"]]
        return sorted(name for name in names if name != FOREIGN)


@pytest.fixture
def production(project: Project, tmp_path: Path) -> Iterator[Production]:
    """Production mode, a cap of 50 USD, buckets that do not hold up a test."""
    root = tmp_path / "srv"
    root.mkdir()
    blueprint = rehearse_live(REPOSITORY, root, Policy(), "kraken_desktop_live")
    blueprint.sandbox.latency_s, blueprint.sandbox.limits = 0.0, False
    assert blueprint.issuer is not None
    for file in ("runtime.yaml", "core.yaml", "golive.yaml"):
        shutil.copyfile(REPOSITORY / "config" / file, project.write(f"config/{file}", ""))
    project.edit(
        "config/golive.yaml", "issuer_keys: {}", f'issuer_keys: {{{ISSUER}: "{blueprint.issuer.public_text}"}}'
    )
    project.without_required()
    project.edit("config/golive.yaml", "p99_max_s: 1.5", "p99_max_s: null")
    project.edit("config/golive.yaml", "samples: 299", "samples: 59")
    with SandboxServer(blueprint.sandbox) as server:
        made = Production(project, root, server, blueprint.sandbox.accounts[0])
        made.copy.replace(".env", EXCHANGE, made.url)
        for bucket in ("GLOBAL", "MD", "ORDER", "ORDER_STATUS"):
            made.copy.set_variable(f"KRAKEN_RL_{bucket}_CAP", "1000")
            made.copy.set_variable(f"KRAKEN_RL_{bucket}_FR", "1000")
        yield made
