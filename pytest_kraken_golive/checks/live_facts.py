"""What several lines about the live service ask: the deploy on record, the drills on file, and events against books."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pytest_kraken_golive.contract import Evidence, Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DEPLOY_RECORD, DeployRecord, DrillKind, DrillRecord
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.live_service import LiveService, deploy_failed
from pytest_kraken_golive.telemetry.events import Event, EventType

CLOCK_SLACK_S = 2.0
"""Times on file are rounded by some programs."""
FIRST_ORDERS_S = 20.0
"""How long a service that was just started is given for its first order."""
_LOOK_S = 0.1
MOST_ASKED = 100
"""Orders of a real account that are looked up."""


def require_deployed(service: LiveService, deployment: Deployment, evidence: Evidence) -> DeployRecord:
    """The deploy record, of a deploy that went well and of the configuration that stands there now."""
    run = service.deployed()
    record = service.record()
    evidence.record(DEPLOY_RECORD, {"version": record.version, "at": record.started_at}, key="version, started_at")
    evidence.record(DEPLOY_RECORD, record.config_sha256, key="config_sha256")
    if run is not None:
        evidence.record("command", {"command": run.command, "exit_status": run.exit_status}, key="deploy")
        assert run.exit_status == 0, deploy_failed(run)
    assert record.exit_status == 0, (
        f"{DEPLOY_RECORD} exit_status: expected 0, found {record.exit_status}: the last deploy failed. "
        "Next: deploy again, and correct what it says."
    )
    digest = deployment.config_sha256
    assert record.config_sha256 == digest, (
        f"{DEPLOY_RECORD} config_sha256: expected {digest}, which runtime.yaml and core.yaml have now, found "
        f"{record.config_sha256}. Next: deploy this configuration, or put the deployed one back."
    )
    ahead_s = record.moment.timestamp() - time.time()
    assert ahead_s <= CLOCK_SLACK_S, (
        f"{DEPLOY_RECORD} started_at: expected a time that is past, found {record.started_at}, {ahead_s:.0f} s from "
        "now. Next: set the clock right, and deploy again."
    )
    if run is not None:
        early_s = run.started_at - record.moment.timestamp()
        assert early_s <= CLOCK_SLACK_S, (
            f"{DEPLOY_RECORD} started_at: expected a time from the command's start on, found {record.started_at}, "
            f"{early_s:.0f} s before it. Next: let the deploy command write its record anew each time."
        )
    return record


def require_drill(
    service: LiveService,
    policy: Policy,
    record: DeployRecord,
    evidence: Evidence,
    *,
    kind: DrillKind,
    by: str = "command",
) -> DrillRecord:
    """A drill of this version and configuration, young enough, that went well; in a rehearsal it is done now."""
    run, drill = service.drill(kind, by)
    note = "done in this run" if run is not None else "on file: a drill that was done before"
    seen = {"by": drill.by, "exit_status": drill.exit_status, "took_s": round(drill.ended_s - drill.began_s, 3)}
    evidence.record(drill.file, seen, key=kind, note=note)
    if run is not None:
        assert run.exit_status == 0, (
            f"the command {' '.join(run.command)}: expected exit status 0, found {run.exit_status}. It said: "
            f"…{run.output[-400:].strip()} Next: run it by hand, and correct what it says."
        )
    assert drill.exit_status == 0, (
        f"{drill.file} exit_status: expected 0, found {drill.exit_status}. Next: drill again."
    )
    demand_same(drill, record.version, record.config_sha256, policy)
    if run is not None:
        early_s = run.started_at - drill.ended_s
        assert early_s <= CLOCK_SLACK_S, (
            f"{drill.file} ended_s: expected a time from the command's start on, found one {early_s:.0f} s before it: "
            "the command left no record of its own. Next: let it write one each time."
        )
    return drill


def demand_same(drill: DrillRecord, version: str, config_sha256: str, policy: Policy) -> None:
    """Do nothing if a drill was done with this version and configuration, and not too long ago.

    Raises:
        NotProven: it was not.
    """
    for key, found, expected in (
        ("version", drill.version, version),
        ("config_sha256", drill.config_sha256, config_sha256),
    ):
        if found != expected:
            raise NotProven(
                f"{drill.file} {key}: expected {expected}, which is deployed, found {found}. "
                "Next: drill with the version and configuration that go live."
            )
    age_h = (time.time() - drill.ended_s) / 3600
    if age_h < -CLOCK_SLACK_S / 3600:
        raise NotProven(
            f"{drill.file} ended_s: expected a time that is past, found one {-age_h:.1f} h from now. "
            "Next: set the clock right, and drill again."
        )
    if age_h > policy.service.drill_max_age_h:
        raise NotProven(
            f"{drill.file} ended_s: expected at most {policy.service.drill_max_age_h:g} h of age "
            f"(config/golive.yaml service.drill_max_age_h), found {age_h:.1f} h. Next: drill again."
        )


def of_type(events: Sequence[Event], *types: EventType) -> list[Event]:
    """Those of these types."""
    return [event for event in events if event.type in types]


def of_the_service(events: Sequence[Event]) -> list[Event]:
    """From its first start on; what a benchmark wrote before is none of its doing.

    Raises:
        NotProven: it has never started.
    """
    first = next((place for place, event in enumerate(events) if event.type == EventType.STARTUP), None)
    if first is None:
        raise NotProven(
            "runtime/events.jsonl: expected an event startup, found none: nothing shows what the service did. "
            "Next: let the bot write startup when it starts."
        )
    return list(events[first:])


def require_orders(service: LiveService, since_s: float, exchange: str) -> list[Event]:
    """The accepted orders since then; a service that was just started is given some time for its first."""
    until = time.monotonic() + service.worth_s(FIRST_ORDERS_S)
    while True:
        orders = of_type(service.events(since_s=since_s), EventType.ORDER_SUBMITTED)
        found = [order for order in orders if order.payload.get("exchange") == exchange]
        if found:
            return found
        if time.monotonic() >= until:
            raise NotProven(
                f"runtime/events.jsonl: expected order_submitted on {exchange} since the deploy, found none. "
                "Next: let the service trade; see logs/service.log for why it does not."
            )
        time.sleep(_LOOK_S)


def booked_orders(books: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The exchange's own entries of the service's orders."""
    return [order for order in books["orders"] if str(order["cl_ord_id"] or "").startswith(prefix)]


def require_booked(events: Sequence[Event], books: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each accepted order in these events stands in the exchange's books under its id; the entries by client id."""
    known = {str(order["txid"]): order for order in books["orders"]}
    found = {}
    for event in events:
        txid, name = event.text("txid"), event.text("cl_ord_id")
        if txid not in known or known[txid]["cl_ord_id"] != name:
            raise Fault(
                f"{event.where}: expected the order {name} ({txid}) in the exchange's books, found none. "
                "Next: let the bot write order_submitted only for what the exchange accepted."
            )
        found[name] = known[txid]
    return found


def require_known(service: LiveService, orders: Sequence[Event]) -> dict[str, dict[str, Any]]:
    """The exchange has these orders under their ids; of a real account the latest are asked for."""
    asked = orders if service.is_rehearsal else orders[-MOST_ASKED:]
    return require_booked(asked, service.exchange_books(asked))


def order_prefix(events: Sequence[Event]) -> str:
    """With what the service's client ids begin, as its last start says."""
    starts = of_type(events, EventType.STARTUP)
    if not starts:
        raise NotProven(
            "runtime/events.jsonl: expected the event startup since the deploy, found none. "
            "Next: let the service write it when it starts."
        )
    return starts[-1].text("order_prefix")
