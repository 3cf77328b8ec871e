"""`kraken-golive validate`: the connections of a deployment, tried without an order.

`runtime/kraken_prod_validation.json` holds {generated_at, base_url, env_mode, public_connection, balance_check,
limits}: no amounts, no secrets. It is replaced on every run, also where nothing could be asked: no old `ok` stays.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError, MalformedAnswerError
from pytest_kraken_golive.kraken.retry import NO_RETRY
from pytest_kraken_golive.operations.answered import NOT_ASKED, OK, answered
from pytest_kraken_golive.operations.records import keep_run
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.whole_file import replace_file

FILE = "runtime/kraken_prod_validation.json"
PAIR = "XBTUSD"
DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses: both answered; one did not; the configuration is missing or wrong."""


@dataclass(frozen=True)
class Validation:
    """How it went."""

    generated_at: str
    """ISO-8601, UTC."""
    base_url: str | None = None
    """Where calls went; None where the settings do not say."""
    env_mode: str | None = None
    """`sandbox` or `production`; None where the settings do not say."""
    public_connection: str = NOT_ASKED
    """`ok` or `error: ...`: Depth of XBTUSD."""
    balance_check: str = NOT_ASKED
    """`ok` or `error: ...`: Balance."""
    limits: dict[str, dict[str, float]] = field(default_factory=dict)
    """Capacity (tokens) and fill rate (tokens per second) of each bucket."""
    problem: str | None = None
    """What is wrong with the settings; not in the file."""

    @property
    def exit_status(self) -> int:
        """`DONE`, `FAILED` or `WRONG`."""
        if self.problem is not None:
            return WRONG
        return DONE if self.public_connection == self.balance_check == OK else FAILED

    def data(self) -> dict[str, Any]:
        """As the file has it."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "problem"}

    def text(self) -> str:
        """For people."""
        return "\n".join(
            [
                f"mode               {self.env_mode or '?'}",
                f"base URL           {self.base_url or '?'}",
                f"public connection  {self.public_connection}",
                f"balance check      {self.balance_check}  (no order was sent)",
            ]
        )


def validate(config: Path, process: Mapping[str, str], clock: Clock | None = None) -> Validation:
    """Try both connections of a deployment, once, and write the file.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        process: the variables of the process.
        clock: stamps the file.

    Raises:
        OSError: the file cannot be written.
    """
    deployment = Deployment(config.parent.parent, config, process)
    clock = clock or SystemClock()
    began_s = clock.time()
    now = datetime.fromtimestamp(began_s, UTC).isoformat()
    try:
        found = _ask(LiveSettings.of(deployment), now)
    except (Fault, NotProven, KrakenError) as error:
        found = Validation(now, problem=str(error))
    replace_file(deployment.root / FILE, json.dumps(found.data(), indent=2).encode() + b"\n")
    keep_run(deployment, "validate", began_s, clock.time(), found.exit_status)
    return found


def _ask(settings: LiveSettings, now: str) -> Validation:
    settings.refuse_misspelt()
    mode, endpoint, credentials = settings.mode.value, settings.endpoint, settings.key_pair.credentials
    redactor = Redactor([credentials.api_key.get_secret_value(), credentials.api_secret.get_secret_value()])
    limits: dict[str, dict[str, float]] = {
        name: {"capacity": size.capacity, "fill_rate": size.fill_rate}
        for name, size in settings.limits.by_bucket().items()
    }
    with settings.client(retry=NO_RETRY) as client:
        return Validation(
            now,
            endpoint.url,
            mode,
            answered(lambda: _demand_a_book(client), redactor),
            answered(client.get_account_balance, redactor),
            limits,
        )


def _demand_a_book(client: KrakenClient) -> None:
    book = client.depth(PAIR, 10)
    if not (book.asks and book.bids):
        raise MalformedAnswerError("Depth", f"expected asks and bids of {PAIR}, found an empty side")
