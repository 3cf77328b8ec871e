"""`kraken-golive deploy`: starts the service on its own, waits until it is healthy, and leaves a record of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.live_plan import Refused, plan_live
from pytest_kraken_golive.bot.run_report import bot_version
from pytest_kraken_golive.bot.service_files import ServicePid
from pytest_kraken_golive.bot.service_log import OUTPUT_FILE
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.failure import WRONG, CommandError
from pytest_kraken_golive.operations.health import ask_health
from pytest_kraken_golive.operations.records import DeployRecord
from pytest_kraken_golive.operations.stop import end_service, running_service

TIMEOUT_S = 30.0
_LOOK_S = 0.03


def deploy(
    config: Path, process: Mapping[str, str], *, entrypoint: str | None = None, timeout_s: float = TIMEOUT_S
) -> DeployRecord:
    """Start the service; one that runs already is stopped first, as it should be.

    A service that would be refused is not started, and the one that runs goes on.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        process: the variables of the process, which the service inherits.
        entrypoint: what to start; by default the only one with a live environment.
        timeout_s: how long stopping and starting may take.

    Raises:
        CommandError: it is not healthy; a record says so.
    """
    until = time.monotonic() + timeout_s
    deployment = Deployment(config.parent.parent, config, process)
    root = deployment.root
    try:
        name = entrypoint or only_live_entrypoint(deployment)
        plan_live(deployment, name, process, SystemClock())
        digest = deployment.config_sha256
        old = running_service(root)
    except Refused as refused:
        raise CommandError(*refused.errors, status=WRONG) from None
    except (NotProven, Fault) as error:
        raise CommandError(str(error), status=WRONG) from error
    if old is not None:
        end_service(root, old, "deploy", until - time.monotonic())
    started = datetime.now(UTC)
    command = [sys.executable, "-m", "pytest_kraken_golive.bot", "--mode", "live"]
    command += ["--entrypoint", name, "--config", str(config)]
    record = DeployRecord(bot_version(), digest, started.isoformat(), name, 1, None, None, command)
    record.write(root)
    service = _start(root, command, process, started.timestamp(), until)
    _demand_same(service, record)
    done = DeployRecord(record.version, digest, record.started_at, name, 0, service.pid, service.health_url, command)
    done.write(root)
    return done


def only_live_entrypoint(deployment: Deployment) -> str:
    """The one entrypoint whose environment is live.

    Raises:
        NotProven: there is none.
        Fault: there are several, or the configuration is broken.
    """
    names = deployment.runtime.entrypoint_names
    live = [
        name
        for name in names.value
        if deployment.core.environment(deployment.runtime.entrypoint(name).environment.value).kind.value == "live"
    ]
    if not live:
        raise NotProven(f"{names.where}: expected an entrypoint with a live environment, found none. Next: add one.")
    if len(live) > 1:
        raise Fault(
            f"{names.where}: expected one live entrypoint, found {', '.join(live)}. Next: say --entrypoint NAME."
        )
    return str(live[0])


def live_entrypoint_of(config: Path, process: Mapping[str, str]) -> str | None:
    """The only live entrypoint of a configuration; None where that cannot be said."""
    try:
        return only_live_entrypoint(Deployment(config.parent.parent, config, process))
    except (NotProven, Fault):
        return None


def _start(root: Path, command: list[str], process: Mapping[str, str], since_s: float, until: float) -> ServicePid:
    output = root / OUTPUT_FILE
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("ab") as sink:
        at = sink.tell()
        child = _detached(command, root, process, sink)
    while time.monotonic() < until:
        service = running_service(root)
        if service is not None and service.create_time >= since_s - 1.0:
            return service
        if child.poll() is not None:
            raise CommandError(*_said(output, at, child.returncode))
        time.sleep(_LOOK_S)
    raise CommandError(
        f"the service (process {child.pid}) was not up in time. Next: see logs/service.log; stop the process, or give "
        "it longer with --timeout-s."
    )


def _detached(command: list[str], root: Path, process: Mapping[str, str], sink: Any) -> subprocess.Popen[bytes]:
    """Start a program that outlives this one, its terminal and its session."""
    alone: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        alone = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return _Detached(
        command, cwd=root, env=dict(process), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT, **alone
    )


class _Detached(subprocess.Popen[bytes]):
    """A process that is left to itself: nobody waits for it, and that is no oversight."""

    def __del__(self, *_: Any) -> None:
        """Python would warn that it still runs."""


def _said(output: Path, at: int, status: int) -> list[str]:
    with output.open("rb") as file:
        file.seek(at)
        lines = file.read(20_000).decode("utf-8", "replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors or [f"the service ended with status {status}: {' / '.join(lines[-5:]) or 'it said nothing'}"]


def _demand_same(service: ServicePid, record: DeployRecord) -> None:
    """Do nothing if the service that answers is the one that was started.

    Raises:
        CommandError: it is not, or does not answer.
    """
    try:
        health = ask_health(service.health_url)
    except (NotProven, Fault) as error:
        raise CommandError(str(error)) from error
    expected = {
        "version": record.version,
        "config_sha256": record.config_sha256,
        "entrypoint": record.entrypoint,
        "pid": service.pid,
    }
    wrong = [
        f"{service.health_url} {key}: expected {value!r}, found {health.get(key)!r}"
        for key, value in expected.items()
        if health.get(key) != value
    ]
    if wrong or health.get("status") not in {"starting", "ok"}:
        raise CommandError(*(wrong or [f"{service.health_url} status: expected ok, found {health.get('status')!r}"]))
