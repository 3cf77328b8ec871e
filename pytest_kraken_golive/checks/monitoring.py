"""What the running service leaves for those who watch it: events, figures, trends and alerts."""

from __future__ import annotations

import copy as copying
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import monitoring_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.live_facts import of_type, require_deployed, require_known, require_orders
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check, show
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DeployRecord
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.telemetry.alerts import AlertThresholds, alerts
from pytest_kraken_golive.telemetry.derivation import derive, differences
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events
from pytest_kraken_golive.telemetry.post_mortem import EVENTS, METRICS
from pytest_kraken_golive.telemetry.trends import trends

LOG = f"runtime/{EVENTS}"
FIGURES = f"runtime/{METRICS}"
_MEASURED_S = 10.0
"""How long a service that was just started is given until it has been measured."""
_SETTLES_S = 1.0
Figures = dict[str, Any]
_KINDS = (EventType.STARTUP, EventType.ORDER_SUBMITTED)


@check(
    "structured_log",
    breaks=broken.STRUCTURED,
    touches="orders",
    unarmed="reads",
    after=["deploy_run"],
    begins=["deploy"],
)
def structured_log(
    live_service: LiveService, live_settings: LiveSettings, deployment: Deployment, evidence: Evidence, *, exchange: str
) -> None:
    """`runtime/events.jsonl` is JSONL in the order of time, tells of this deploy, and holds no secret."""
    record = require_deployed(live_service, deployment, evidence)
    require_orders(live_service, record.moment.timestamp(), exchange)
    path = live_service.root / LOG
    _require_whole_end(path)
    redactor = Redactor()
    pair = live_settings.key_pair.credentials
    for secret in (pair.api_key, pair.api_secret):
        redactor.learn(secret.get_secret_value())
    last_s, count, kinds = 0.0, 0, set()
    with path.open("rb") as file:
        for number, data in enumerate(file, 1):
            text = data.decode("utf-8", "replace")
            assert redactor.text(text) == text, (
                f"{LOG}:{number}: expected no secret, found the key or the secret of the account. "
                "Next: replace the key pair at the exchange, and let the bot keep it out of its events."
            )
    for event in read_events(path, LOG, live=True):
        last_s, count = event.ts, count + 1
        assert event.type.strip(), (
            f"{event.where}: expected a type, found blanks. Next: let the bot name what happened."
        )
        if event.ts >= record.moment.timestamp():
            kinds.add(event.type)
            if event.type == EventType.STARTUP:
                _require_same_start(event, record, live_settings)
    ahead_s = last_s - time.time()
    assert ahead_s <= _SETTLES_S, (
        f"{LOG}: expected times that are past, found one {ahead_s:.0f} s from now. Next: clocks."
    )
    missing = [kind.value for kind in _KINDS if kind not in kinds]
    if missing:
        raise NotProven(
            f"{LOG}: expected {', '.join(missing)} since the deploy, found none. Next: let the bot write them."
        )
    evidence.record(LOG, {"events": count, "types": sorted(kinds)}, note="every line read; none holds key or secret")


def _require_same_start(event: Event, record: DeployRecord, settings: LiveSettings) -> None:
    """What a start since the deploy says of itself is what was deployed, and where it is to trade."""
    for key, expected in (
        ("version", record.version),
        ("config_sha256", record.config_sha256),
        ("entrypoint", record.entrypoint),
        ("mode", settings.mode.value),
        ("base_url", settings.endpoint.url),
    ):
        found = event.payload.get(key, expected)
        assert found == expected, (
            f"{event.where} payload.{key}: expected {show(expected)}, as deployed, found {show(found)}. "
            "Next: find out what was started there; deploy again."
        )


def _require_whole_end(path: Path) -> None:
    """The last line is whole; one that is just being written is so a moment later."""
    until = time.monotonic() + _SETTLES_S
    while True:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - 1))
            if size == 0 or file.read(1) == b"\n":
                return
        if time.monotonic() >= until:
            raise Fault(
                f"{LOG}: expected whole lines, found the last one torn off for {_SETTLES_S:g} s. "
                "Next: start the bot, whose log moves it aside; keep what is moved aside."
            )
        time.sleep(_SETTLES_S / 20)


@check(
    "metrics_and_audit",
    breaks=[*broken.AUDIT, real.real_account_of_another],
    touches="orders",
    unarmed="reads",
    after=["structured_log"],
)
def metrics_and_audit(live_service: LiveService, deployment: Deployment, evidence: Evidence, *, exchange: str) -> None:
    """The figures are those that the events give, and the events are those of the bot's real calls."""
    record = require_deployed(live_service, deployment, evidence)
    orders = require_orders(live_service, record.moment.timestamp(), exchange)
    metrics = require_figures(live_service)
    counted = metrics.get("events_counted")
    events = live_service.events()
    _require_stops(events)
    wrong = differences(metrics, derive(events, counted if type(counted) is int else None))
    assert not wrong, f"{FIGURES} {wrong[0]}. Next: let the bot count what it writes to {LOG}."
    attempts = metrics["by_exchange"].get(exchange, {}).get("place_order", {}).get("attempts")
    evidence.record(FIGURES, {"events_counted": counted, "attempts": attempts}, key=f"by_exchange.{exchange}")
    if not attempts:
        raise NotProven(f"{FIGURES} by_exchange.{exchange}: expected attempts, found none. Next: let the bot trade.")
    if not live_service.has_exchange:
        return
    booked = require_known(live_service, of_type(events, EventType.ORDER_SUBMITTED))
    filled = {event.text("cl_ord_id"): event for event in of_type(events, EventType.ORDER_FILL)}
    for name, event in filled.items():
        if name not in booked and not live_service.is_rehearsal:
            continue  # of a real account the latest orders are asked for
        executed, volume = booked[name]["executed"], booked[name]["volume"]
        assert float(executed) == float(volume), (
            f"{event.where}: expected the order {name} to be filled in the exchange's books, found "
            f"{executed} of {volume}."
        )
    seen = {"accepted": len(booked), "filled": len(filled), "since_the_deploy": len(orders)}
    evidence.record("exchange", seen, note="each in its own books, under the ids of the events")


def _require_stops(events: list[Event]) -> None:
    """Orders were given up only where trading was suspended: such an end counts for no rate, so no failure may be one.

    Raises:
        Fault: trading went on; names the event.
    """
    given_up: Event | None = None
    for event in events:
        if event.type == EventType.ORDER_GIVEN_UP:
            given_up = event
        elif event.type in (EventType.TRADING_SUSPENDED, EventType.STARTUP):  # killed while it stopped
            given_up = None
        elif event.type == EventType.ORDER_SUBMITTED and given_up is not None:
            raise Fault(
                f"{given_up.where}: expected trading_suspended after order_given_up, found order_submitted: trading "
                f"went on, so the order failed. Next: let the bot write {EventType.ORDER_FILL_TIMEOUT} for it."
            )


@check("event_trends", breaks=broken.TRENDS, touches="orders", unarmed="reads", after=["service_active"])
def event_trends(
    live_service: LiveService,
    deployment: Deployment,
    policy: Policy,
    evidence: Evidence,
    *,
    bucket_s: float,
) -> None:
    """The events give success and latency over time, per exchange; nothing in them is left out."""
    record = require_deployed(live_service, deployment, evidence)
    for exchange in policy.exchanges:
        require_orders(live_service, record.moment.timestamp(), exchange)
    found = trends(live_service.root / LOG, LOG, bucket_s=bucket_s)
    assert not found.unread_lines, (
        f"{LOG}: expected events only, found {found.unread_lines} line(s) that are none, so that the "
        "trend is not whole. "
        "Next: see which (structured-log), and correct the program that writes them."
    )
    for exchange in policy.exchanges:
        buckets = [bucket for bucket in found.buckets if bucket.exchange == exchange]
        measured = [bucket for bucket in buckets if bucket.accept_rate is not None and bucket.p95_s is not None]
        if not measured:
            raise NotProven(
                f"{LOG}: expected attempts with their latency on {exchange}, found none. Next: let it trade."
            )
        rows = [(one.start, one.accept_rate, one.success_rate, one.p50_s, one.p95_s) for one in measured[-10:]]
        evidence.record(
            LOG,
            rows,
            key=exchange,
            note=f"(start, accepted, filled, p50_s, p95_s) of the last buckets of {bucket_s:g} s",
        )


@check("degradation_alerts", breaks=broken.ALERTS, touches="orders", unarmed="reads", after=["service_active"])
def degradation_alerts(live_service: LiveService, deployment: Deployment, policy: Policy, evidence: Evidence) -> None:
    """The figures raise no alert by the thresholds of golive.yaml; each of them would, and so would no data."""
    require_deployed(live_service, deployment, evidence)
    exchanges = list(policy.exchanges)
    evidence.record("config/golive.yaml", policy.alerts.model_dump(), key="alerts")
    found = _settled_alerts(live_service, policy.alerts, exchanges)
    assert not found, f"{FIGURES}: expected no alert, found {len(found)}: {found[0]}"
    metrics = require_figures(live_service)
    now = time.time()
    for figure, altered in _worse(metrics, policy.alerts, exchanges[0]):
        raised = alerts(altered, policy.alerts, exchanges, now)
        assert raised, f"{figure}: expected an alert, found that there is none. Next: correct the alerts."
        evidence.record("alerts", raised[0].message, key=figure, note="simulated: this figure alone made worse")


def _settled_alerts(service: LiveService, thresholds: AlertThresholds, exchanges: list[str]) -> list[str]:
    """The alerts; a service that was just started is given time for its first filled order."""
    until = time.monotonic() + service.worth_s(_MEASURED_S)
    while True:
        found = alerts(require_figures(service), thresholds, exchanges, time.time())
        if not any(alert.kind == "no_data" for alert in found) or time.monotonic() >= until:
            return [alert.message for alert in found]
        time.sleep(0.2)


def _worse(metrics: Figures, limits: AlertThresholds, exchange: str) -> Iterator[tuple[str, Figures | None]]:
    """The same figures with one of them beyond its threshold, or without data."""
    yield "no file", None
    changes: dict[str, object] = {
        "success_rate": limits.success_rate_min / 2 - 0.001,
        "place_order.success_rate": limits.success_rate_min / 2 - 0.001,
        "place_order.latency.p95": limits.latency_p95_max_s * 2,
        "avg_fill_time_s": limits.fill_time_max_s * 2,
        "fee_accuracy.mean_abs_pct": limits.fee_accuracy_max_pct * 2,
    }
    for path, worse in changes.items():
        for value in (worse, None):
            yield f"{path}={value}", _with(metrics, ["by_exchange", exchange, *path.split(".")], value)
    yield f"no {exchange}", {**metrics, "by_exchange": {}}
    yield "stale", {**metrics, "generated_at": "2020-01-01T00:00:00+00:00"}


def _with(metrics: dict[str, Any], path: list[str], value: object) -> dict[str, Any]:
    altered = copying.deepcopy(metrics)
    place = altered
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return altered


def require_figures(service: LiveService) -> dict[str, Any]:
    """`metrics_trading.json` as data.

    Raises:
        NotProven: there is none.
        Fault: it is half a file, or no object.
    """
    try:
        data = json.loads((service.root / FIGURES).read_bytes())
    except OSError as error:
        raise NotProven(
            f"{FIGURES}: expected the bot's figures, found no file that can be read. Next: let the bot run."
        ) from error
    except ValueError as error:
        raise Fault(f"{FIGURES}: expected JSON, found {error}. Next: let the bot replace it as a whole.") from error
    if not isinstance(data, dict) or not isinstance(data.get("by_exchange"), dict):
        raise NotProven(
            f"{FIGURES} by_exchange: expected figures per exchange, found none. Next: let the bot write them."
        )
    return data
