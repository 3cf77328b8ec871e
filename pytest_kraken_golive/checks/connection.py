"""The connections of a production bot, tried without an order; and what the validation leaves behind."""

from __future__ import annotations

import base64
import re
from typing import Any, Final, Literal

from pytest_kraken_golive.bot.names import LIMITS
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import connection_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.commands_seen import (
    Commands,
    ask,
    fresh_file,
    numbers_in,
    run_of,
    run_or_record,
    see_ok,
    see_success,
    seen,
)
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.deployment.documents import Document
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError
from pytest_kraken_golive.kraken.limits import BucketName, Unlimited
from pytest_kraken_golive.kraken.protocol import ExchangeClient
from pytest_kraken_golive.operations.validate import FILE
from pytest_kraken_golive.rehearsal.commands import CommandRun, booked_between
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.rehearsal.stage import Rehearsal

Mode = Literal["sandbox", "production"]
VALIDATE: Final = "validate"
NO_AMOUNTS: Final = "amounts are left out"
OWN_KEYS: Final = {"generated_at", "base_url", "env_mode", "public_connection", "balance_check", "limits"}
ORDER_ENDPOINTS: Final = ("AddOrder", "AddOrderBatch", "EditOrder", "AmendOrder")
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w])")
_MEASURE: Final = re.compile(r"(?:_s|_ms|_seconds|_at|(?:^|[._])(?:pid|port|version|status))$")
"""Ends of keys whose numbers are durations, times and the like, and no amounts."""
_OTHER_NAMES: Final = {"market_data": ("market_data", "market-data", "_md_", "md:"), "order_status": ("order_status",)}


@check("environment_summary", breaks=broken.SUMMARY, begins=["env"])
def environment_summary(
    live_commands: Commands,
    live_settings: LiveSettings,
    kraken_exchange: Exchange,
    evidence: Evidence,
    *,
    mode: Mode,
) -> None:
    """The command that shows the environment ends well, shows mode and limits in force, and shows no secret."""
    run = run_of(live_commands, live_settings, kraken_exchange, "env")
    see_success(run, "env", live_settings, evidence)
    found = live_settings.mode
    evidence.saw(found)
    assert found.value == mode, found.unlike(mode)
    assert re.search(rf"\b{mode}\b", run.output), (
        f"command env, output: expected the mode {mode} in it, found none. Next: let it print the mode."
    )
    for bucket in LIMITS:
        capacity, fill_rate = live_settings.limit(bucket)
        shown = _numbers_about(bucket, run.output)
        evidence.record("command env, output", sorted(shown), key=bucket)
        for limit in (capacity, fill_rate):
            assert float(limit.value) in shown, (
                f"command env, output: expected {limit.value:g} ({limit.where}) where it names {bucket}, found "
                f"{', '.join(f'{number:g}' for number in sorted(shown)) or 'no number'}. "
                "Next: let it print the limits in force."
            )


def _numbers_about(bucket: BucketName, text: str) -> set[float]:
    """The numbers in lines that name a bucket."""
    short = bucket.partition(":")[2]
    names = _OTHER_NAMES.get(short, (short,))
    lines = [line for line in text.lower().splitlines() if any(name in line for name in names)]
    if short == "order":
        lines = [line for line in lines if "order_status" not in line]
    return {float(number) for line in lines for number in _NUMBER.findall(line)}


@check(
    "public_connection",
    breaks=[*broken.PUBLIC, *real.ASKED],
    touches="reads",
    begins=["validate"],
)
def public_connection(
    live_commands: Commands,
    live_settings: LiveSettings,
    kraken_exchange: Exchange,
    evidence: Evidence,
    *,
    endpoint: str,
) -> None:
    """The validation asked the exchange for its order book, got it, and says so; a real one is asked by this line."""
    if isinstance(kraken_exchange, RealExchange):
        with kraken_exchange.client() as client:
            book = ask(lambda: client.depth("XBTUSD", 10), kraken_exchange)
        evidence.record(kraken_exchange.url, {"asks": len(book.asks), "bids": len(book.bids)}, key="Depth XBTUSD")
        for side in (book.asks, book.bids):
            assert side, (
                f"exchange {kraken_exchange.url} Depth: expected asks and bids of XBTUSD, found an empty side. "
                "Next: see whether the exchange trades now."
            )
        _require_answered(kraken_exchange, endpoint)
        return
    run = run_of(live_commands, live_settings, kraken_exchange, VALIDATE)
    see_success(run, VALIDATE, live_settings, evidence)
    see_ok(fresh_file(live_commands.root, FILE, run, live_settings), "public_connection", evidence)
    _require_asked(run, endpoint, evidence)


@check(
    "private_connection",
    breaks=[*broken.PRIVATE, *real.SIGNED],
    touches="reads",
    judges="account",
    begins=["validate"],
)
def private_connection(
    live_commands: Commands,
    live_settings: LiveSettings,
    kraken_exchange: Exchange,
    evidence: Evidence,
    *,
    endpoint: str,
) -> None:
    """The validation asked for the balance, signed with the deployment's key, got it, and sent no order.

    A real exchange is asked by this line.
    """
    if isinstance(kraken_exchange, RealExchange):
        with kraken_exchange.client() as client:  # which is not armed
            balance = ask(client.get_account_balance, kraken_exchange)
        evidence.record(kraken_exchange.url, f"balances of {len(balance)} assets", key="Balance", note=NO_AMOUNTS)
        pair = live_settings.key_pair
        evidence.record(str(pair.key), f"fingerprint {pair.credentials.fingerprint}", note="signed with this key")
        _require_answered(kraken_exchange, endpoint)
        return
    run = run_of(live_commands, live_settings, kraken_exchange, VALIDATE)
    see_success(run, VALIDATE, live_settings, evidence)
    see_ok(fresh_file(live_commands.root, FILE, run, live_settings), "balance_check", evidence)
    _require_asked(run, endpoint, evidence)
    fingerprint = live_settings.key_pair.credentials.fingerprint
    evidence.record("exchange", run.seen["signed"], key="signed calls by key")
    assert seen(run, "signed", fingerprint), (
        f"exchange: expected a call that was signed with the key of {live_settings.key_pair.key} (fingerprint "
        f"{fingerprint}), found {', '.join(run.seen['signed']) or 'none'}. Next: let the command use that key."
    )
    require_no_order(run.seen, f"command {VALIDATE}", evidence)


def _require_asked(run: CommandRun, endpoint: str, evidence: Evidence) -> None:
    evidence.record("exchange", run.seen.get("by_endpoint", {}), key="requests while it ran")
    if not seen(run, "by_endpoint", endpoint):
        raise NotProven(
            f"exchange: its books show no {endpoint} while the command {VALIDATE} ran, so what it says is not the "
            f"exchange's word. Next: let it ask for {endpoint}."
        )


def _require_answered(exchange: RealExchange, endpoint: str) -> None:
    if not exchange.accepted[endpoint]:
        raise NotProven(
            f"exchange {exchange.url}: expected an answer to {endpoint}, found that it was not asked for it. "
            "Next: name the endpoint that this line asks."
        )


def require_no_order(booked: dict[str, Any], who: str, evidence: Evidence) -> None:
    """Do nothing if the exchange's books show no order, not even one that was only checked or refused."""
    asked = {name: booked["by_endpoint"][name] for name in ORDER_ENDPOINTS if name in booked["by_endpoint"]}
    evidence.record("exchange", {"orders": booked["orders"], "validated": booked["validated"], **asked}, key="orders")
    if asked or booked["orders"] or booked["validated"]:
        raise Fault(
            f"exchange: expected no order from {who}, found {asked or booked['orders']}. "
            "Next: take the order out of it; a validation only reads."
        )


@check("validation_file", breaks=broken.CONTENT, begins=["validate"])
def validation_file(
    golive_world: Rehearsal,
    live_commands: Commands,
    live_settings: LiveSettings,
    evidence: Evidence,
    *,
    mode: Mode,
) -> None:
    """The validation's file is of this run, whole, about what the settings say, and holds no amount and no secret."""
    run = run_or_record(live_commands, golive_world, live_settings, VALIDATE, evidence)
    document = fresh_file(live_commands.root, FILE, run, live_settings)
    evidence.saw(document.text("generated_at"))
    for key in ("public_connection", "balance_check"):
        found = document.text(key)
        evidence.saw(found)
        assert found.value == "ok" or found.value.startswith("error: "), found.unlike("ok or error: …")
    url, named = document.text("base_url"), document.text("env_mode")
    for found, expected in ((url, live_settings.endpoint.url), (named, mode)):
        evidence.saw(found)
        assert found.value == expected, found.unlike(expected, "validate with the settings that go live")
    _require_limits(document, live_settings, evidence)
    others = {key: value for key, value in document.data.items() if key not in OWN_KEYS}
    if amounts := [key for key in numbers_in(others) if not _MEASURE.search(key)]:
        raise Fault(f"{FILE} {amounts[0]}: expected no amounts, found a number. Next: leave it out; `ok` says enough.")
    well = all(document.text(key).value == "ok" for key in ("public_connection", "balance_check"))
    evidence.record(f"command {VALIDATE}", run.exit_status, key="exit_status")
    assert (run.exit_status == 0) == well, (
        f"command {VALIDATE}: expected {'exit status 0' if well else 'another exit status than 0'}, as its file says, "
        f"found {run.exit_status}. Next: let its exit status say what its file says."
    )


def _require_limits(document: Document, settings: LiveSettings, evidence: Evidence) -> None:
    in_force = {
        name: {"capacity": size.capacity, "fill_rate": size.fill_rate}
        for name, size in settings.limits.by_bucket().items()
    }
    found = document.mapping("limits")
    evidence.saw(found)
    assert found.value == in_force, found.unlike(in_force, "write the limits in force")


@check("safe_validation", breaks=[*broken.SAFE, *real.SIGNED], touches="reads", judges="account", waivable=False)
def safe_validation(
    kraken_client: ExchangeClient,
    kraken_exchange: Exchange,
    golive_overridden: dict[str, str],
    evidence: Evidence,
) -> None:
    """Reading the balance checks the credentials, and the exchange's books show that it sends no order."""
    before = _seen_so_far(kraken_exchange)
    try:
        balance = kraken_client.get_account_balance()
    except KrakenError as error:
        raise Fault(f"exchange {kraken_client.base_url}: {error}") from error
    booked = _seen_since(before, kraken_exchange)
    evidence.record("exchange", f"balances of {len(balance)} assets", key="Balance", note=NO_AMOUNTS)
    if not booked["by_endpoint"].get("Balance") or not booked["signed"]:
        raise NotProven(
            "exchange: its books show no signed Balance from kraken_client, so the answer is not the exchange's. "
            "Next: let the client ask the exchange that kraken_sandbox.url names."
        )
    evidence.record("exchange", booked["by_endpoint"], key="requests")
    require_no_order(booked, "get_account_balance()", evidence)
    if "kraken_client" not in golive_overridden:
        _require_checked(kraken_exchange, evidence)


def _seen_so_far(exchange: Exchange) -> dict[str, Any]:
    return exchange.as_books() if isinstance(exchange, RealExchange) else exchange.books()


def _seen_since(before: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    """The books' difference; of a real exchange what it answered this run's clients."""
    return booked_between(before, _seen_so_far(exchange))


def _require_checked(exchange: Exchange, evidence: Evidence) -> None:
    """A balance that a wrong secret gets too would say nothing of the credentials."""
    if isinstance(exchange, RealExchange):
        evidence.record("exchange", exchange.refusal_of_another_secret(), key="GetApiKeyInfo with a wrong secret")
        return
    api_key, _ = exchange.credentials
    wrong = base64.b64encode(b"\0" * 64).decode()
    with KrakenClient(
        api_key, wrong, base_url=exchange.url, use_sandbox=True, environ={}, limits=Unlimited()
    ) as client:  # fmt: skip - as above
        try:
            client.get_account_balance()
        except ExchangeError as error:
            evidence.record("exchange", list(error.errors), key="Balance with a wrong secret")
            return
    raise Fault("exchange: expected it to refuse a wrong secret, found an answer. Next: see where the calls go.")
