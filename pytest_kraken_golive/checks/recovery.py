"""When things go wrong: flags that are really read, a way back, a controlled stop, and files for the post-mortem."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import recovery_breaks as broken
from pytest_kraken_golive.checks.flag_drill import FlagDrill, drill_roll_back
from pytest_kraken_golive.checks.live_facts import (
    CLOCK_SLACK_S,
    booked_orders,
    of_the_service,
    of_type,
    require_deployed,
    require_drill,
    require_known,
    require_orders,
)
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.health import RESTS_WITHIN_S
from pytest_kraken_golive.operations.records import DeployRecord, DrillRecord
from pytest_kraken_golive.policy import FILE, Policy
from pytest_kraken_golive.rehearsal.killed_writer import kill_and_look
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.telemetry.derivation import derive, differences
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events
from pytest_kraken_golive.telemetry.flags import ENABLED, Component, Mode, read_flags
from pytest_kraken_golive.telemetry.post_mortem import EVENTS, METRICS, newest_copy

SIMULATED = "simulated: the flags of this deployment on a clock that is moved by hand, with the bot's own flag board"
_MISSPELT = ("legacyy", "LEGACY", " legacy", "legacy ", "canary", "", "'legacy'")
_ORDERS = 100
_TRADED_S = 3600.0
"""How far before a stop a real account's orders are looked at."""


@check(
    "feature_toggles",
    breaks=broken.TOGGLES,
    touches="orders",
    unarmed="reads",
    after=["deploy_run"],
    begins=["deploy"],
)
def feature_toggles(
    live_service: LiveService, live_settings: LiveSettings, deployment: Deployment, evidence: Evidence
) -> None:
    """`FEATURE_TOGGLES_ENABLED` is true, and the running service goes by it."""
    record = require_deployed(live_service, deployment, evidence)
    live_settings.refuse_misspelt(ENABLED)
    found = live_settings.variables.text(ENABLED)
    evidence.saw(found)
    flags = live_settings.flags
    assert flags.enabled, found.unlike("true")
    orders = require_orders(live_service, record.moment.timestamp(), "kraken")
    events = live_service.events(since_s=record.moment.timestamp())
    starts = of_type(events, EventType.STARTUP)
    if not starts:
        raise NotProven("runtime/events.jsonl: expected startup since the deploy, found none. Next: deploy again.")
    said = starts[-1].payload.get("flags")
    enabled = said.get("enabled") if isinstance(said, dict) else None
    if not isinstance(enabled, bool):
        raise NotProven(
            f"{starts[-1].where} payload.flags.enabled: expected what the service read, found {enabled!r}. "
            "Next: let the service say so when it starts."
        )
    evidence.record("runtime/events.jsonl", said, key="startup.flags")
    assert enabled, (
        f"{starts[-1].where} payload.flags.enabled: expected true, as {found.where} says, found false: the service "
        "read something else. Next: deploy again."
    )
    _require_decided(events, orders, evidence)
    paths = _paths({**live_settings.variables, ENABLED: "false"})
    assert paths == {"legacy"}, f"{ENABLED}=false: expected the old path only, found {sorted(paths)}."
    evidence.record("flags", sorted(paths), key=f"{ENABLED}=false", note=SIMULATED)


def _require_decided(events: list[Event], orders: list[Event], evidence: Evidence) -> None:
    """Each accepted order's path was decided on by the flags before it was sent."""
    decided = {
        event.text("cl_ord_id"): event.text("path")
        for event in of_type(events, EventType.FF_DECISION)
        if event.payload.get("component") == Component.EXECUTION.value
    }
    for order in orders:
        name, path = order.text("cl_ord_id"), order.text("path")
        if name not in decided:
            raise NotProven(
                f"{order.where}: expected ff_decision for the order {name}, found none, so nothing shows "
                "that the flags "
                "were asked. Next: let the service ask them about every order."
            )
        assert decided[name] == path, (
            f"{order.where} payload.path: expected {decided[name]!r}, which the flags decided on, found {path!r}. "
            "Next: let the executor go by the decision."
        )
    evidence.record("runtime/events.jsonl", len(orders), key="orders whose path the flags decided on")


@check(
    "execution_mode",
    breaks=broken.MODE,
    touches="orders",
    unarmed="reads",
    after=["rollback_drill"],
    begins=["rollback", "stop"],
)
def execution_mode(
    live_service: LiveService,
    live_settings: LiveSettings,
    deployment: Deployment,
    policy: Policy,
    evidence: Evidence,
) -> None:
    """`FF_EXECUTION_MODE=legacy` switches the path; a misspelt mode is refused; both paths have placed orders."""
    record = require_deployed(live_service, deployment, evidence)
    flags = live_settings.flags
    evidence.saw(live_settings.variables.text("FF_EXECUTION_MODE"))
    mode = flags.components[Component.EXECUTION].mode
    evidence.record("flags", mode.value, key="execution.mode")
    for switched in (Mode.LEGACY, Mode.NEW):
        paths = _paths(_with_mode(live_settings.variables, Component.EXECUTION, switched.value))
        assert paths == {switched.value}, (
            f"FF_EXECUTION_MODE={switched.value}: expected this path, found {sorted(paths)}."
        )
        evidence.record("flags", sorted(paths), key=f"FF_EXECUTION_MODE={switched.value}", note=SIMULATED)
    for text in _MISSPELT:
        try:
            read_flags({**live_settings.variables, "FF_EXECUTION_MODE": text})
        except Fault:
            continue
        raise AssertionError(f"FF_EXECUTION_MODE={text!r}: expected a refusal, found that it is taken.")
    evidence.record("flags", list(_MISSPELT), key="modes that are refused")
    drilled = live_service.rolled_back
    back = require_drill(drilled, policy, record, evidence, kind="rollback")
    _require_both_paths(drilled, back, evidence)


def _require_both_paths(service: LiveService, back: DrillRecord, evidence: Evidence) -> None:
    orders = of_type(of_the_service(service.events()), EventType.ORDER_SUBMITTED)
    by_path: dict[str, list[Event]] = {}
    for order in orders:
        by_path.setdefault(order.text("path"), []).append(order)
    for path in ("legacy", "new"):
        if not by_path.get(path):
            raise NotProven(
                f"runtime/events.jsonl: expected orders on the path {path}, found none: nothing shows that it works. "
                f"Next: let the service trade on it (FF_EXECUTION_MODE={path}), and see {back.file}."
            )
        if service.has_exchange:
            require_known(service, by_path[path])
        evidence.record("runtime/events.jsonl", len(by_path[path]), key=f"order_submitted on the path {path}")


@check("rollback_timeouts", breaks=broken.TIMEOUTS)
def rollback_timeouts(live_settings: LiveSettings, policy: Policy, evidence: Evidence) -> None:
    """Each time-out is positive and no longer than its component may stay rolled back; and it is kept to."""
    flags = live_settings.flags  # whose faults name the place
    _refuse_strangers(live_settings)
    for component in Component:
        name = f"FF_{component.value.upper()}_ROLLBACK_TIMEOUT_S"
        found = live_settings.variables.number(name)
        evidence.saw(found)
        limit = policy.criticality.get(component.value)
        if limit is None:
            raise NotProven(
                f"{FILE} criticality.{component.value}.max_s: expected how long this component may stay rolled back, "
                "found nothing. Next: decide, and write it there."
            )
        assert found.value <= limit.max_s, found.unlike(
            f"at most {limit.max_s:g}", f"lower it, or raise criticality.{component.value}.max_s in {FILE}"
        )
        settings = flags.components[component]
        fails = live_settings.variables.place(f"FF_{component.value.upper()}_MAX_CONSEC_FAIL")
        assert settings.max_consec_fail <= limit.max_failures, (
            f"{fails}: expected at most {limit.max_failures}, found {settings.max_consec_fail}: so many orders would "
            f"fail before anything rolls back. Next: lower it, or set criticality.{component.value}.max_failures in "
            f"{FILE}."
        )
        if f"FF_{component.value.upper()}_MAX_CONSEC_FAIL" in flags.absent:
            raise NotProven(
                f"FF_{component.value.upper()}_MAX_CONSEC_FAIL: expected a number, found none. Next: set it."
            )
        seen = drill_roll_back(_with_mode(live_settings.variables, component, Mode.NEW.value), component, settings)
        evidence.record("flags", seen, key=component.value, note=SIMULATED)


def _refuse_strangers(settings: LiveSettings) -> None:
    """Every time-out is of a component that has one here: another is held to nothing."""
    known = [component.value for component in Component]
    for name in settings.variables:
        match = re.fullmatch(r"FF_(\w+)_ROLLBACK_TIMEOUT_S", name)
        if match is not None and match[1].lower() not in known:
            raise NotProven(
                f"{settings.variables.place(name)}: expected a time-out of {', '.join(known)}, found one of "
                f"{match[1].lower()}, of which nothing is known here. Next: remove it, or prove it in a line of yours."
            )


def _paths(variables: Mapping[str, str]) -> set[str]:
    """The paths that many orders take with these flags."""
    with FlagDrill(variables) as drill:
        return {drill.path(Component.EXECUTION, f"order-{number}") for number in range(_ORDERS)}


def _with_mode(variables: Mapping[str, str], component: Component, mode: str) -> dict[str, str]:
    return {**variables, ENABLED: "true", f"FF_{component.value.upper()}_MODE": mode}


@check(
    "controlled_stop",
    breaks=broken.STOP,
    touches="orders",
    unarmed="reads",
    after=["rollback_drill", "execution_mode", "deploy_log", "feature_toggles", "structured_log", "metrics_and_audit"],
    begins=["deploy", "press-stop"],
)
def controlled_stop(
    live_service: LiveService,
    deployment: Deployment,
    policy: Policy,
    evidence: Evidence,
    *,
    by: list[str],
) -> None:
    """After a controlled stop no new order is placed, none is left open, and the dead man's switch is off."""
    record = require_deployed(live_service, deployment, evidence)
    for who in by:
        service = live_service if who == "command" else live_service.stopped_by_page
        stop = require_drill(service, policy, record, evidence, kind="stop", by=who)
        left = stop.fact("orders_left")
        assert type(left) is int and left == 0, (  # noqa: PT018 - one question
            f"{stop.file} facts.orders_left: expected 0, found {stop.fact('orders_left')!r}. Next: "
            "cancel them; drill again."
        )
        _require_suspended(service, stop, evidence)
        if service.has_exchange:
            prefix = str(stop.fact("order_prefix"))
            account = service.booked_of(prefix, stop.began_s - _TRADED_S)
            if account is None:
                _require_quiet_books(service.exchange_books(), stop, evidence)
            else:
                # Since a drill that is on file the service may have been deployed again, and trade.
                until_then = [order for order in account if order["opened_s"] <= stop.ended_s]
                _require_quiet(until_then, prefix, stop, {"asked": "OpenOrders, ClosedOrders"}, evidence)


def _require_suspended(service: LiveService, stop: DrillRecord, evidence: Evidence) -> None:
    """The event says that trading was suspended, and none says that it went on."""
    events = service.events(since_s=stop.began_s - CLOCK_SLACK_S)
    until_s = stop.ended_s + CLOCK_SLACK_S
    words = [event for event in of_type(events, EventType.TRADING_SUSPENDED) if event.ts <= until_s]
    if not words:
        raise NotProven(
            f"runtime/events.jsonl: expected trading_suspended during {stop.file}, found none. "
            "Next: let the service write it when it stops."
        )
    suspended = words[-1]
    evidence.record(suspended.where, dict(suspended.payload), key="trading_suspended")
    assert suspended.payload.get("dead_mans_switch") == "off", (
        f"{suspended.where} payload.dead_mans_switch: expected 'off' after a controlled stop, found "
        f"{suspended.payload.get('dead_mans_switch')!r}. Next: turn it off (CancelAllOrdersAfter 0), it "
        "would go off later."
    )
    later = events[events.index(suspended) + 1 :]
    until = next((event.ts for event in later if event.type == EventType.STARTUP), float("inf"))
    for event in of_type(later, EventType.ORDER_SUBMITTED, EventType.ORDER_REJECTED):
        assert event.ts >= until, (
            f"{event.where}: expected no order after trading_suspended, found one ({event.type}). Next: see why."
        )


def _require_quiet_books(books: dict[str, Any], stop: DrillRecord, evidence: Evidence) -> None:
    """The exchange's own books bear it out."""
    prefix = str(stop.fact("order_prefix"))
    switched = books["by_endpoint"].get("CancelAllOrdersAfter", 0)
    orders = booked_orders(books, prefix)
    _require_quiet(orders, prefix, stop, {"CancelAllOrdersAfter": switched}, evidence)
    if switched < 2:  # noqa: PLR2004 - armed, and disarmed
        raise NotProven("exchange: expected CancelAllOrdersAfter to be armed and disarmed, found fewer calls.")


def _require_quiet(
    orders: list[dict[str, Any]], prefix: str, stop: DrillRecord, more: dict[str, Any], evidence: Evidence
) -> None:
    """Of the service's orders none is open, none came after the stop, and one was cancelled by it."""
    if not orders:
        raise NotProven("exchange: expected the service's orders in its books, found none. Next: let it trade first.")
    still_open = [order["cl_ord_id"] for order in orders if order["closed_s"] is None]
    assert not still_open, (
        f"exchange: expected no open order after the stop, found {', '.join(still_open)}. Next: cancel."
    )
    suspended_s = stop.number("suspended_s")
    late = [order["cl_ord_id"] for order in orders if suspended_s < order["opened_s"] <= stop.ended_s]
    assert not late, f"exchange: expected no order after the stop, found {', '.join(late)}. Next: see why it went on."
    cancelled = [order["cl_ord_id"] for order in orders if order["status"] == "canceled"]
    if not cancelled:
        in_vain = stop.facts.get("order_rested") is False
        waited = f" ({stop.file}: it waited {RESTS_WITHIN_S:g} s for one)" if in_vain else ""
        raise NotProven(
            "exchange: expected that a controlled stop cancelled an open order, found that none was open at any stop"
            f"{waited}, so nothing shows that it would. Next: drill "
            "again while an order rests (FF_EXECUTION_MODE=new), and see logs/service.log for why none did."
        )
    seen = {
        "orders": len(orders),
        "open_after": 0,
        "new_after": 0,
        "cancelled_by_stops": cancelled,
        **more,
    }
    evidence.record("exchange", seen, key=prefix, note="its own books")


@check("post_mortem_files", breaks=broken.POST_MORTEM, touches="orders", unarmed="reads", after=["controlled_stop"])
def post_mortem_files(live_service: LiveService, deployment: Deployment, policy: Policy, evidence: Evidence) -> None:
    """Metrics and events are kept, with a dated copy outside `runtime/` that is whole, and survive a `kill -9`."""
    record = require_deployed(live_service, deployment, evidence)
    runtime = deployment.runtime_directory
    for name in (METRICS, EVENTS):
        if not (runtime / name).is_file():
            raise NotProven(f"runtime/{name}: expected the bot's file, found none. Next: let the bot run, and keep it.")
    target = live_service.root / policy.service.copies
    if target.resolve().is_relative_to(runtime.resolve()):
        raise Fault(
            f"{policy.service.copies}: expected a folder outside runtime/. Next: correct {FILE} service.copies."
        )
    copy = newest_copy(target)
    shown = deployment.shown(copy.folder)
    for name in (METRICS, EVENTS):
        if (copy.folder / name).samefile(runtime / name):
            raise Fault(
                f"{shown}/{name}: expected a copy, found a link to runtime/{name}: what is lost there is lost here. "
                "Next: copy the file."
            )
    evidence.record(shown, dict(copy.files), key="files", note=f"taken at {copy.taken_at.isoformat()}; digests checked")
    older = copy.taken_at.timestamp() < record.moment.timestamp() and not live_service.is_rehearsal
    if older and not _taken_by_drill(copy.taken_at.timestamp(), live_service, policy, record, evidence):
        raise NotProven(
            f"{shown}: expected a copy since the deploy at {record.started_at}, found an older one. "
            "Next: stop the service in a controlled way, or keep a copy."
        )
    copied = list(read_events(copy.folder / EVENTS, f"{shown}/{EVENTS}"))
    metrics = _json(copy.folder / METRICS, f"{shown}/{METRICS}")
    counted = metrics.get("events_counted")
    wrong = differences(metrics, derive(copied, counted if type(counted) is int else None))
    assert not wrong, f"{shown}/{METRICS} {wrong[0]}: it does not go with the events beside it. Next: keep a new copy."
    _require_kept(live_service, copied, evidence)
    with tempfile.TemporaryDirectory(prefix="kraken-golive-kill-") as folder:
        evidence.record("kill -9", kill_and_look(Path(folder)), note="a writer of its own, killed at random moments")


def _taken_by_drill(
    taken_s: float, service: LiveService, policy: Policy, record: DeployRecord, evidence: Evidence
) -> bool:
    """Whether a copy is that of a controlled stop of this version and configuration, which is on file."""
    for by in ("command", "dashboard"):
        with contextlib.suppress(NotProven):
            stop = require_drill(service, policy, record, evidence, kind="stop", by=by)
            if stop.began_s - CLOCK_SLACK_S <= taken_s <= stop.ended_s + CLOCK_SLACK_S:
                return True
    return False


def _require_kept(service: LiveService, copied: list[Event], evidence: Evidence) -> None:
    """The events in `runtime/` still begin with those of the copy: nobody has started them anew."""
    kept = service.events()
    same = all(one.ts == other.ts and one.type == other.type for one, other in zip(kept, copied, strict=False))
    assert same and len(kept) >= len(copied), (  # noqa: PT018 - one question
        f"runtime/{EVENTS}: expected the {len(copied)} events of the copy and what came after, found "
        f"{len(kept)} others. "
        "Next: find out who began the file anew."
    )
    evidence.record(f"runtime/{EVENTS}", len(kept), key="events")


def _json(path: Path, shown: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Fault(f"{shown}: expected JSON, found what cannot be read ({error}). Next: keep a new copy.") from error
    if not isinstance(data, dict):
        raise Fault(f"{shown}: expected a JSON object. Next: keep a new copy.")
    return data
