"""The service was deployed, is the one that is meant, trades Kraken, and logged no error."""

from __future__ import annotations

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks import service_breaks as broken
from pytest_kraken_golive.checks.live_facts import (
    require_deployed,
    require_drill,
    require_known,
    require_orders,
)
from pytest_kraken_golive.checks.service_active import require_active
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DrillRecord
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.flags import Mode
from pytest_kraken_golive.telemetry.log_scan import LogLine, LogScan, scan
from pytest_kraken_golive.telemetry.log_shapes import Severity

_BEFORE_DRILLS = ("deploy_run", "service_active", "degradation_alerts", "event_trends")


@check(
    "deploy_run",
    breaks=broken.DEPLOY,
    touches="orders",
    unarmed="reads",
    begins=["deploy"],
)
def deploy_run(live_service: LiveService, deployment: Deployment, evidence: Evidence) -> None:
    """The deploy command ran and ended well; its record says which version and configuration, and when."""
    require_deployed(live_service, deployment, evidence)


@check(
    "service_active",
    breaks=[*broken.ACTIVE, real.real_account_of_another],
    touches="orders",
    unarmed="reads",
    after=["deploy_run"],
    begins=["deploy"],
)
def service_active(
    live_service: LiveService,
    live_settings: LiveSettings,
    deployment: Deployment,
    policy: Policy,
    evidence: Evidence,
    *,
    exchange: str,
) -> None:
    """The service is active, is the version and configuration that was deployed, and trades on this exchange."""
    record = require_deployed(live_service, deployment, evidence)
    require_active(live_service, policy, evidence)
    health = live_service.health(policy.service.health_url)
    expected = {
        "status": "ok",
        "version": record.version,
        "config_sha256": record.config_sha256,
        "entrypoint": record.entrypoint,
        "exchange": exchange,
        "base_url": live_settings.endpoint.url,
    }
    for key, value in expected.items():
        if key not in health:
            raise NotProven(f"health {key}: expected {value!r}, found no such key. Next: let the service say it.")
        evidence.record("health", health[key], key=key)
        assert health[key] == value, (
            f"health {key}: expected {value!r}, found {health[key]!r}. "
            "Next: deploy what is meant, and see that nothing else answers at that URL."
        )
    orders = require_orders(live_service, record.moment.timestamp(), exchange)
    evidence.record("runtime/events.jsonl", len(orders), key="order_submitted")
    if live_service.has_exchange:
        booked = require_known(live_service, orders)
        evidence.record("exchange", len(booked), key="orders", note="by its own word, under the ids of the events")


@check("deploy_log", breaks=broken.LOG, touches="orders", unarmed="reads", after=["service_active"])
def deploy_log(live_service: LiveService, deployment: Deployment, policy: Policy, evidence: Evidence) -> None:
    """Since the deploy the service's logs hold no error, and nothing that nobody can read."""
    record = require_deployed(live_service, deployment, evidence)
    root = live_service.root
    files = sorted({path for pattern in policy.service.logs for path in root.glob(pattern) if path.is_file()})
    if not files:
        raise NotProven(
            f"{', '.join(policy.service.logs)}: expected the service's logs, found none. Next: let it log there, or "
            "name its logs as service.logs in config/golive.yaml."
        )
    names = [deployment.shown(path) for path in files]
    since = record.moment.replace(microsecond=0)  # as logs stamp
    found = scan(list(zip(files, names, strict=True)), since=since)
    evidence.record(", ".join(names), {"lines": found.lines, "bytes": found.size}, note=f"since {record.started_at}")
    if not found.lines:
        raise NotProven(
            f"{', '.join(names)}: expected lines since the deploy at {record.started_at}, found none: an empty log "
            "proves nothing. Next: let the service log its start."
        )
    for what, lines in _trouble(found):
        raise AssertionError(
            f"{lines[0] if lines else names[0]}: expected no {what} since the deploy. "
            "Next: remove the cause, deploy again, and repeat all tests."
        )
    evidence.record(", ".join(names), {severity.value: count for severity, count in found.grave.items()}, key="grave")


def _trouble(found: LogScan) -> list[tuple[str, list[LogLine]]]:
    grave = [severity for severity in (Severity.CRITICAL, Severity.ERROR) if found.grave[severity]]
    kinds: list[tuple[str, list[LogLine]]] = [(severity.value, found.grave_lines[severity]) for severity in grave]
    for what, count, lines in (
        ("line without a severity", found.unmarked, found.unmarked_lines),
        ("graver line within a harmless one", found.merged, found.merged_lines),
        ("torn line", len(found.torn), found.torn),
        ("line that is too long to be read", found.long_lines, []),
        ("NUL byte", found.nul_bytes, []),
    ):
        kinds += [(what, lines)] if count else []
    if found.damage:
        raise Fault(f"{found.damage[0]}. Next: see what damaged the log.")
    return kinds


@check(
    "rollback_drill",
    breaks=broken.ROLLBACK,
    touches="orders",
    unarmed="reads",
    after=_BEFORE_DRILLS,
    begins=["rollback", "undo", "stop"],
)
def rollback_drill(
    live_service: LiveService,
    deployment: Deployment,
    policy: Policy,
    evidence: Evidence,
    *,
    within_s: float,
) -> None:
    """With `FF_EXECUTION_MODE=legacy` the restarted service places its orders on the old path, in time; and back."""
    record = require_deployed(live_service, deployment, evidence)
    drilled = live_service.rolled_back
    back = require_drill(drilled, policy, record, evidence, kind="rollback")
    undone = require_drill(drilled, policy, record, evidence, kind="undo")
    took_s = back.number("took_s")
    evidence.record(back.file, took_s, key="facts.took_s")
    assert took_s > 0, f"{back.file} facts.took_s: expected more than 0 s, found {took_s:g} s. Next: drill again."
    assert took_s <= within_s, (
        f"{back.file} facts.took_s: expected at most {within_s:g} s, found {took_s:.1f} s. "
        "Next: find out what takes so long (logs/service.log), or change the line."
    )
    assert back.fact("mode") == back.fact("mode_in_force") == Mode.LEGACY.value, (
        f"{back.file} facts.mode_in_force: expected 'legacy', found {back.fact('mode_in_force')!r}. "
        "Next: see why the service does not read .env."
    )
    assert back.fact("pid") != back.fact("pid_before"), (
        f"{back.file} facts.pid: expected another process than before, found {back.fact('pid')} again: the mode did "
        "not have to survive a restart. Next: restart the service."
    )
    assert undone.began_s >= back.ended_s, (
        f"{undone.file} began_s: expected after {back.file}, found before it. Next: undo the rollback, and drill again."
    )
    assert undone.fact("mode") == back.fact("former_mode"), (
        f"{undone.file} facts.mode: expected {back.fact('former_mode')!r}, which was there before the rollback, found "
        f"{undone.fact('mode')!r}. Next: set the mode in .env."
    )
    assert undone.fact("mode_in_force") == undone.fact("mode"), (
        f"{undone.file} facts.mode_in_force: expected {undone.fact('mode')!r}, as .env says again, found "
        f"{undone.fact('mode_in_force')!r}: it did not come back. Next: see why the service does not read .env."
    )
    _require_only_legacy(drilled, back, undone, evidence)


def _require_only_legacy(service: LiveService, back: DrillRecord, undone: DrillRecord, evidence: Evidence) -> None:
    """Between the restart and the undoing there are orders, all on the old path, and the exchange has them."""
    orders = _orders_of(service, int(back.number("pid")))
    if not orders:
        raise NotProven(
            f"runtime/events.jsonl: expected orders of process {back.fact('pid')}, which was rolled back, found none. "
            "Next: let it trade, and drill again."
        )
    for order in orders:
        assert order.text("path") == Mode.LEGACY.value, (
            f"{order.where} payload.path: expected 'legacy' after the rollback, found {order.text('path')!r}. "
            "Next: let the flags decide about every order."
        )
    evidence.record("runtime/events.jsonl", len(orders), key="order_submitted on the path legacy")
    assert _orders_of(service, int(undone.number("pid"))), (
        "runtime/events.jsonl: no order after the undoing. Next: drill again."
    )
    if service.has_exchange:
        evidence.record("exchange", len(require_known(service, orders)), key="orders")


def _orders_of(service: LiveService, pid: int) -> list[Event]:
    """The accepted orders of one process of the service."""
    orders, current = [], None
    for event in service.events():
        if event.type == EventType.STARTUP:
            current = event.payload.get("pid")
        elif event.type == EventType.ORDER_SUBMITTED and current == pid:
            orders.append(event)
    return orders
