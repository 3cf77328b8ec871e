"""What a rehearsal's process is told to hold up, and how to speak to it."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field, fields
from typing import Any

from pytest_kraken_golive.runbook.model import Stage

TOKEN_HEADER = "x-golive-token"  # noqa: S105 - the header's name
LONGEST_WAIT_S = 30.0
"""A question about the bot is answered after so many seconds at the latest."""

LOOPBACK_ONLY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that speak to this machine over plain HTTP: trusts nobody, so it need not read 140 certificates."""

BOT_DOOR = "bot"
CHECKS_DOOR = "checks"
"""Ports of the exchange: what comes through one is told apart from what comes through the other."""

DEPLOYMENT = "deployment"
"""Where the documents' commands run: the copy that goes live."""
ROLLBACK_DRILL, PAGE_DRILL = DRILLS = ("rollback-drill", "page-drill")
"""And the copies for the rollback, and for the stop by the dashboard's page. Each has a door of its name."""

EXCHANGE = "@exchange@"
"""Stands for the exchange's address in files that are written before its port is known."""

DEFAULT_ENTRYPOINTS: dict[Stage, str] = {"paper": "kraken_desktop_paper", "production": "kraken_desktop_live"}
"""Who goes live where no line names an entrypoint."""


@dataclass(frozen=True)
class HostOrder:
    """What a host is to hold up. Travels as one line of JSON, credentials included, and is never written to disk."""

    folder: str
    """The rehearsal's folder, removed at the end."""
    ready_file: str
    """Written when all ports accept connections."""
    sandbox: str
    """`SandboxSettings.to_json()`."""
    central: str
    """The central list of revoked licences, as it is served."""
    bot: dict[str, Any] | None
    """A `BotOrder`; None: there is no bot to run."""
    unlicensed: dict[str, Any] | None = None
    """The same bot in a copy without licence; None: there is none, or the licence is not in the copy."""

    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    """A `CommandsOrder` for `DEPLOYMENT` and each of the `DRILLS` that there is; without one no command runs."""
    fill: dict[str, str] = field(default_factory=dict)
    """Files in which `EXCHANGE` stands where its address belongs, and through which door each leads; they are filled in
    before all is ready."""

    def line(self) -> str:
        """The order as one line of JSON."""
        return json.dumps({one.name: getattr(self, one.name) for one in fields(self)})
