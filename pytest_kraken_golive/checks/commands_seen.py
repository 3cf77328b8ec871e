"""What lines about a command share: its one run, what the exchange saw of it, and the file that it left."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from pytest_kraken_golive.bot.run_report import bot_version
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks.live_facts import demand_same
from pytest_kraken_golive.contract import Evidence, Fault, Found, NotProven
from pytest_kraken_golive.deployment.documents import Document, load_json
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.limits import Unlimited
from pytest_kraken_golive.operations.records import drills
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.rehearsal.commands import CommandRun, LiveCommands
from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.rehearsal.stage import Rehearsal

T = TypeVar("T")

_TAIL = 500
_CURRENCY = r"(?:[XZ]?(?:USD|EUR|GBP|CHF|CAD|AUD|JPY|XBT|BTC|ETH)|USD[TC])"
_AMOUNT = re.compile(rf"\b{_CURRENCY}\b[\s:=]*-?[\d.,]*\d|\d\s*{_CURRENCY}\b|[$€£]\s*\d|\d\s*[$€£]")
"""An amount with its currency, in the middle of a text."""
_CLOCK_STEPS_S = 1.0
"""A file may be stamped with whole seconds."""


Commands = LiveCommands | InPlaceCommands


def run_of(commands: Commands, settings: LiveSettings, exchange: Exchange, name: str) -> CommandRun:
    """The command's one run in this world; in a real deployment where nobody armed it, the one that is on file.

    Raises:
        NotProven: it cannot be started and none is on file, or its calls would go elsewhere than to the exchange of
            this world.
        Fault: as with the settings that say where calls go, and records.
    """
    url = settings.endpoint.url
    if isinstance(exchange, RealExchange):
        return commands.run(name)
    if exchange.door_of(url) is None:
        raise NotProven(
            f"{settings.variables.place('KRAKEN_BASE_URL')}: calls of the command {name} would go to {url}, and this "
            f"run's exchange is {exchange.url}; nothing was started. Next: gate it with the exchange that it calls."
        )
    return commands.run(name)


def run_or_record(
    commands: Commands,
    world: Rehearsal,
    settings: LiveSettings,
    kind: Literal["validate", "bench"],
    evidence: Evidence,
) -> CommandRun:
    """The same; of a real deployment in which nobody armed the command, its run that is on file.

    Raises:
        NotProven: also where none on file is of this version and configuration, and young enough.
    """
    if not isinstance(commands, InPlaceCommands) or commands.why_not(kind) is None:
        return run_of(commands, settings, world.exchange, kind)
    found = [one for one in drills(commands.root) if one.kind == kind]
    if not found:
        return run_of(commands, settings, world.exchange, kind)  # which says why it is not run
    drill = found[-1]
    version = world.service.deployed_version() or bot_version()
    demand_same(drill, version, world.deployment.config_sha256, world.policy)
    seen = {"exit_status": drill.exit_status, "version": drill.version, "config_sha256": drill.config_sha256}
    evidence.record(drill.file, seen, key=kind, note="on file: the command was run before")
    return CommandRun(["kraken-golive", kind], drill.exit_status, "", drill.began_s, drill.ended_s)


def ask(question: Callable[[], T], exchange: RealExchange) -> T:
    """What a real exchange answers.

    Raises:
        Fault: it does not; names it.
    """
    try:
        return question()
    except KrakenError as error:
        raise Fault(f"exchange {exchange.url}: {error}") from error


def see_success(run: CommandRun, name: str, settings: LiveSettings, evidence: Evidence) -> None:
    """Record a run, which must have shown no secret and ended with 0."""
    refuse_secrets(run.output, f"command {name}, output", settings)
    evidence.record(f"command {name}", run.exit_status, key="exit_status")
    if run.exit_status != 0:
        raise Fault(
            f"command {name}: expected exit status 0, found {run.exit_status}. {what_it_said(run)} "
            f"Next: run `{' '.join(run.command)}` by hand."
        )


def what_it_said(run: CommandRun) -> str:
    """The end of a run's output, as a sentence."""
    return f"It said: {' '.join(run.output.split())[-_TAIL:] or 'nothing'}"


def refuse_secrets(text: str, where: str, settings: LiveSettings) -> None:
    """Do nothing unless a text holds the deployment's key or secret, in whatever form.

    Raises:
        Fault: it does; does not show it.
    """
    pair = settings.key_pair.credentials
    redactor = Redactor([pair.api_key.get_secret_value(), pair.api_secret.get_secret_value()])
    if redactor.text(text) != text:
        raise Fault(
            f"{where}: expected no secret, found the API key or secret in it. Next: let the program mask it, and "
            "replace the key pair at the exchange."
        )


def fresh_file(root: Path, file: str, run: CommandRun, settings: LiveSettings) -> Document:
    """A command's JSON file, which its run must have written.

    Raises:
        NotProven: it is absent, or older than the run.
        Fault: it is broken, holds a secret, or a time that is none.
    """
    path = root / file
    document = load_json(path, file)
    refuse_secrets(path.read_text(encoding="utf-8", errors="replace"), file, settings)
    stamped = instant(document.text("generated_at"))
    if not run.started_at - _CLOCK_STEPS_S <= stamped <= run.ended_at + _CLOCK_STEPS_S:
        found = document.text("generated_at")
        ran = dt.datetime.fromtimestamp(run.started_at, dt.UTC).isoformat(timespec="seconds")
        raise NotProven(
            f"{found.where}: expected the file of this run ({ran}), found one of {found.value}. "
            "Next: let the command write it anew each time, stamped with the time in UTC."
        )
    return document


def instant(found: Found) -> float:
    """Epoch seconds of an ISO-8601 time with a time zone.

    Raises:
        Fault: it is none.
    """
    try:
        at = dt.datetime.fromisoformat(found.value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Fault(found.unlike("a time like 2026-11-20T09:31:05+00:00", "write ISO-8601, in UTC"))
    return at.timestamp()


def see_ok(document: Document, key: str, evidence: Evidence) -> None:
    """Record a key that must be `ok`."""
    found = document.text(key)
    evidence.saw(found)
    assert found.value == "ok", found.unlike("ok", "see what the exchange answered, correct it, and run it again")


def seen(run: CommandRun, what: str, name: str) -> int:
    """How often the exchange saw a request for an endpoint while the command ran."""
    return int(run.seen.get(what, {}).get(name, 0))


def reader(exchange: Exchange) -> KrakenClient:
    """A client of the gate's own with the deployment's key, for reading what the exchange says; to be closed."""
    if isinstance(exchange, RealExchange):
        return exchange.client()
    api_key, api_secret = exchange.credentials
    return KrakenClient(api_key, api_secret, base_url=exchange.url, use_sandbox=True, environ={}, limits=Unlimited())


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def numbers_in(value: Any, key: str = "") -> list[str]:
    """Keys under which a number stands, also one that is written as text, with or without its currency."""
    if isinstance(value, dict):
        return [place for name, item in value.items() for place in numbers_in(item, f"{key}.{name}".lstrip("."))]
    if isinstance(value, list):
        return [place for index, item in enumerate(value) for place in numbers_in(item, f"{key}.{index}")]
    if isinstance(value, bool) or value is None:
        return []
    if isinstance(value, str):
        return [key] if _AMOUNT.search(value) or _is_number(value) else []
    return [key]
