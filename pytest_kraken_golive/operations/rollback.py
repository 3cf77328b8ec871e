"""`kraken-golive rollback`: back to the old execution path, by `.env` and a restart, proven by an order; and undone."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.env_edit import set_variable
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.variables import PROCESS
from pytest_kraken_golive.operations.deploy import deploy, only_live_entrypoint
from pytest_kraken_golive.operations.failure import WRONG, CommandError
from pytest_kraken_golive.operations.fresh_events import FreshEvents
from pytest_kraken_golive.operations.health import ask_health
from pytest_kraken_golive.operations.records import DeployRecord, DrillRecord
from pytest_kraken_golive.operations.stop import running_service
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.flags import Mode
from pytest_kraken_golive.whole_file import replace_file

VARIABLE = "FF_EXECUTION_MODE"
FORMER = "runtime/rollback.json"
"""What `--undo` brings back."""
TIMEOUT_S = 60.0
_LOOK_S = 0.05


@dataclass(frozen=True)
class RolledBack:
    """What a rollback, or its undoing, came to."""

    former_mode: str | None
    """What `.env` said before; None: nothing."""
    mode: str | None
    """What it says now."""
    mode_in_force: str
    """What the service says that it goes by."""
    took_s: float
    """Seconds from the request to the proving order."""
    within_s: float
    """What was allowed."""
    pid_before: int | None
    """Process id of the service before; None if none ran."""
    pid: int
    """And after."""
    order: dict[str, Any]
    """The order that proves it: `cl_ord_id`, `txid`, `path` and `ts`."""

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def rollback(
    config: Path,
    process: Mapping[str, str],
    *,
    undo: bool = False,
    entrypoint: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> RolledBack:
    """Set the mode, restart the service, and wait for an order that shows it.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        process: the variables of the process.
        undo: bring back the mode that the last rollback replaced.
        entrypoint: what to restart; by default what runs, else the only one with a live environment.
        timeout_s: within which all of it must have happened.

    Raises:
        CommandError: it was not proven in time; `.env` says the new mode all the same, unless nothing was done.
    """
    began_s, until = time.time(), time.monotonic() + timeout_s
    deployment = Deployment(config.parent.parent, config, process)
    root = deployment.root
    try:
        before = running_service(root)
        name = entrypoint or (before.entrypoint if before else only_live_entrypoint(deployment))
        mode = _former(root) if undo else Mode.LEGACY.value
        _demand_not_shadowed(deployment)
        former = set_variable(deployment.env_path, VARIABLE, mode, deployment.shown(deployment.env_path))
        _remember(root, former, undo=undo)
    except (NotProven, Fault, ValueError) as error:
        raise CommandError(str(error), status=WRONG) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: cannot be written: {error.strerror or error}.", status=WRONG) from error
    fresh = FreshEvents(root)
    record = deploy(config, process, entrypoint=name, timeout_s=max(0.0, until - time.monotonic()))
    expected = mode or Mode.LEGACY.value
    order, health = _proving_order(fresh, record, expected, until)
    outcome = RolledBack(
        former_mode=former,
        mode=mode,
        mode_in_force=str(health.get("execution_mode")),
        took_s=time.time() - began_s,
        within_s=timeout_s,
        pid_before=before.pid if before else None,
        pid=int(health["pid"]),
        order=order,
    )
    kind = "undo" if undo else "rollback"
    facts = outcome.data()
    DrillRecord(kind, "command", record.version, record.config_sha256, began_s, time.time(), 0, facts).write(root)
    return outcome


def _former(root: Path) -> str | None:
    """The mode to bring back.

    Raises:
        NotProven: nothing was rolled back.
        Fault: what was kept of it is broken.
    """
    try:
        former: Any = json.loads((root / FORMER).read_bytes())["former_mode"]
    except FileNotFoundError:
        raise NotProven(
            f"{FORMER}: expected the mode to bring back, found no rollback. Next: nothing to undo."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Fault(
            f"{FORMER}: expected former_mode, found it broken ({error}). Next: set {VARIABLE} by hand."
        ) from error
    if former is not None and former not in list(Mode):
        raise Fault(
            f"{FORMER} former_mode: expected {', '.join(Mode)}, found {former!r}. Next: set {VARIABLE} by hand."
        )
    return None if former is None else str(former)


def _remember(root: Path, former: str | None, *, undo: bool) -> None:
    """Keep the mode of before the first of several rollbacks."""
    if undo:
        (root / FORMER).unlink(missing_ok=True)
    elif not (root / FORMER).exists():
        replace_file(root / FORMER, json.dumps({"former_mode": former}).encode() + b"\n")


def _demand_not_shadowed(deployment: Deployment) -> None:
    place = deployment.variables.place(VARIABLE)
    if VARIABLE in deployment.variables and place.source == PROCESS:
        raise Fault(
            f"{place}: expected the mode in .env alone, found it in the process environment, which would win. "
            f"Next: unset {VARIABLE} there, and try again."
        )


def _proving_order(
    fresh: FreshEvents, record: DeployRecord, mode: str, until: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first order of the restarted service that shows its mode, and its health after it.

    Where the mode is `auto`, that is one on the new path.

    Raises:
        CommandError: there was none in time, or on the wrong path.
    """
    while time.monotonic() < until:
        event = _first_order(fresh, new_path=mode == Mode.AUTO)
        if event is not None and record.health_url is not None:
            return _on_path(event, mode, _health(record.health_url))
        time.sleep(_LOOK_S)
    raise CommandError(
        f"{VARIABLE} is {mode} and the service runs, but it placed no order that shows it in time. Next: "
        "see logs/service.log, and "
        "give it longer with --timeout-s."
    )


def _first_order(fresh: FreshEvents, *, new_path: bool) -> Event | None:
    """The first accepted order of the service that was started, or the first on the new path."""
    is_up = False
    for event in fresh:
        is_up = is_up or event.type == EventType.STARTUP
        wanted = not new_path or event.payload.get("path") == Mode.NEW
        if is_up and wanted and event.type == EventType.ORDER_SUBMITTED:
            return event
    return None


def _on_path(event: Event, mode: str, health: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    path = event.payload.get("path")
    if mode not in {Mode.AUTO.value, path}:
        raise CommandError(
            f"{event.where}: expected the order on the path {mode}, found {path!r}. Next: see the event ff_decision of "
            f"{event.payload.get('cl_ord_id')}: the flags, or a rollback that is in force, decide."
        )
    if health.get("execution_mode") != mode:
        raise CommandError(f"health execution_mode: expected {mode}, found {health.get('execution_mode')!r}.")
    return {**{key: event.payload.get(key) for key in ("cl_ord_id", "txid", "path")}, "ts": event.ts}, health


def _health(url: str) -> dict[str, Any]:
    try:
        return ask_health(url)
    except (NotProven, Fault) as error:
        raise CommandError(str(error)) from error
