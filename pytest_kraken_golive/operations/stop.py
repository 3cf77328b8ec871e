"""`kraken-golive stop`: the controlled stop of the service, and the proof that none of its orders is left open."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.desk import own_prefix
from pytest_kraken_golive.bot.recovery import own_open_orders
from pytest_kraken_golive.bot.service_files import ServicePid, ask_to_stop, forget, read_pid
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.operations.failure import WRONG, CommandError
from pytest_kraken_golive.operations.fresh_events import FreshEvents
from pytest_kraken_golive.operations.health import wait_for_resting_order
from pytest_kraken_golive.operations.records import DrillRecord
from pytest_kraken_golive.telemetry.events import Event, EventType

TIMEOUT_S = 30.0
DRILL = "KRAKEN_GOLIVE_DRILL"
"""Variable that the gate sets: at 1 this stop is a drill, and first waits until the service has an order that rests."""
_LOOK_S = 0.02


@dataclass(frozen=True)
class Stopped:
    """What a stop came to."""

    was_running: bool
    """False: there was no service to stop; its orders were looked for all the same."""
    entrypoint: str
    """Whose orders were looked for."""
    order_prefix: str
    """With what the client ids of these orders begin."""
    orders_cancelled: int | None
    """By the service, as it says; None where it did not run."""
    orders_left: int
    """Own open orders, as the exchange says; always 0 where this is returned."""
    took_s: float
    """Seconds from the request to the end of the process."""
    order_rested: bool | None = None
    """Of a drill: whether an order rested when the stop was asked for; None where nobody waited for one."""

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def running_service(root: Path) -> ServicePid | None:
    """The service of a deployment; None if none runs.

    Raises:
        Fault: the pid file is broken or belongs to another deployment.
    """
    try:
        service = read_pid(root)
    except NotProven:
        return None
    return service if service.alive() else None


def stop(
    config: Path,
    process: Mapping[str, str],
    *,
    entrypoint: str | None = None,
    by: str = "command",
    timeout_s: float = TIMEOUT_S,
) -> Stopped:
    """Stop the service, prove that nothing of it is left, and put that on file as a drill.

    Only a drill of the gate's waits for an open order, here, where no program has to start before the service is asked.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        process: the variables of the process.
        entrypoint: whose orders are looked for if no service runs.
        by: who stops it: `command` or `dashboard`.
        timeout_s: how long the service may take.

    Raises:
        CommandError: it did not stop in time, or left an open order; or it is not known whether it did.
    """
    root = config.parent.parent
    began_s = time.time()
    try:
        service = running_service(root)
        name = service.entrypoint if service else entrypoint
        if name is None:
            raise NotProven("no service runs, and no entrypoint is named. Next: name it with --entrypoint.")
        rested = wait_for_resting_order(root) if service is not None and process.get(DRILL) == "1" else None
        asked_s = time.time()
        suspended = None if service is None else end_service(root, service, f"{by} stop", timeout_s)
        left = _left_open(config, process, name)
    except (NotProven, Fault) as error:
        raise CommandError(str(error), status=WRONG) from error
    took_s = time.time() - asked_s
    if left:
        raise CommandError(
            f"{len(left)} open order(s) of {name} are left at the exchange: {', '.join(left)}. "
            "Next: cancel them; start and stop the service once more, or do it by hand."
        )
    told = None if suspended is None else suspended.payload.get("orders_cancelled")
    outcome = Stopped(service is not None, name, own_prefix(name), told, 0, took_s, rested)
    if service is not None and suspended is not None:
        facts = {**outcome.data(), "suspended_s": suspended.ts, "pid": service.pid}
        DrillRecord("stop", by, service.version, service.config_sha256, began_s, time.time(), 0, facts).write(root)
    return outcome


def end_service(root: Path, service: ServicePid, by: str, timeout_s: float) -> Event:
    """Have a running service stop by itself; its word about it.

    Raises:
        CommandError: it did not, or says that it left something behind.
    """
    fresh, until = FreshEvents(root), time.monotonic() + timeout_s
    try:
        ask_to_stop(root, service, by)
    except OSError as error:
        raise CommandError(f"{root}: the request to stop cannot be written: {error.strerror or error}.") from error
    while service.alive():
        if time.monotonic() > until:
            raise CommandError(
                f"the service (process {service.pid}) has not stopped within {timeout_s:g} s. Next: see "
                "logs/service.log; if it is ended by force, the exchange's dead man's switch cancels its orders."
            )
        time.sleep(_LOOK_S)
    words = [event for event in fresh if event.type == EventType.TRADING_SUSPENDED]
    suspended = words[-1] if words else None
    forget(root)
    if suspended is None:
        raise CommandError(
            f"the service (process {service.pid}) ended without the event trading_suspended: it died instead of "
            "stopping. Next: see logs/service.log and logs/service.out.log, and the open orders at the exchange."
        )
    if suspended.payload.get("orders_left") != 0 or suspended.payload.get("orders_unknown"):
        raise CommandError(
            f"the service stopped and could not say that no order of its own is open: {dict(suspended.payload)}. "
            "Next: look at the open orders at the exchange."
        )
    return suspended


def _left_open(config: Path, process: Mapping[str, str], entrypoint: str) -> list[str]:
    """Own open orders, as the exchange says.

    Raises:
        CommandError: the exchange does not say.
    """
    deployment = Deployment(config.parent.parent, config, process)
    try:
        with LiveSettings.of(deployment).client() as client:
            return own_open_orders(client, own_prefix(entrypoint))
    except KrakenError as error:
        raise CommandError(f"whether orders are left open is not known: {error}") from error
