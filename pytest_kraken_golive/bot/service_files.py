"""Where a running service can be found, and how it is asked to stop: two small files in `runtime/`.

Whoever may write to `runtime/` may stop the service; nothing that is sent over the network can. The pid file names the
folder that the service belongs to, so that a copy of a deployment never takes the original's service for its own.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.whole_file import replace_file

PID_FILE = "runtime/service.pid"
STOP_FILE = "runtime/service.stop"

_SAME_START_S = 1.0
"""Two readings of when a process began may differ by the system's clock ticks."""


@dataclass(frozen=True)
class ServicePid:
    """A service that runs, or ran."""

    pid: int
    """Process id."""
    create_time: float
    """Epoch seconds at which that process began: ids are used again."""
    port: int
    """Port of health and metrics."""
    health_url: str
    """Where it says how it is."""
    version: str
    """Of the program."""
    config_sha256: str
    """Over the bytes of runtime.yaml and core.yaml."""
    entrypoint: str
    """What it runs."""
    started_at: str
    """ISO 8601, UTC."""
    root: str
    """The deployment that it belongs to."""

    def write(self, root: Path) -> None:
        """Replace the pid file as a whole."""
        replace_file(root / PID_FILE, json.dumps(asdict(self), indent=2).encode() + b"\n")

    def alive(self) -> bool:
        """Whether that very process runs."""
        return same_process(self.pid, self.create_time) is not None


def read_pid(root: Path) -> ServicePid:
    """The pid file of a deployment.

    Raises:
        NotProven: there is none: the service was never started, or has ended as it should.
        Fault: it is broken, or belongs to another folder.
    """
    path = root / PID_FILE
    try:
        data: Any = json.loads(path.read_bytes())
        found = ServicePid(**data)
        whole = type(found.pid) is int and found.pid > 0 and type(found.create_time) in (int, float)
    except FileNotFoundError:
        raise NotProven(f"{PID_FILE}: expected the service's pid file, found none. Next: deploy the service.") from None
    except (OSError, ValueError, TypeError) as error:
        raise Fault(f"{PID_FILE}: expected the service's own file, found it broken ({error}). Next: deploy.") from error
    if not whole:
        raise Fault(f"{PID_FILE} pid: expected a process and when it began, found {found.pid!r}. Next: deploy.")
    if not _same_folder(found.root, root):
        raise Fault(
            f"{PID_FILE} root: expected {root}, found {found.root}: this file was copied along with another "
            "deployment, whose service it names. Next: remove it here."
        )
    return found


def same_process(pid: int, create_time: float) -> psutil.Process | None:
    """The process of that id that began at that time; None if it is gone."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE or abs(process.create_time() - create_time) > _SAME_START_S:
            return None
    except psutil.Error:
        return None
    return process


def ask_to_stop(root: Path, service: ServicePid, by: str) -> None:
    """Ask a service for a controlled stop.

    Args:
        root: its deployment.
        service: whom.
        by: who asks, such as `stop command`; the event `trading_suspended` says it.

    Raises:
        OSError: the request cannot be written.
    """
    request = {"pid": service.pid, "create_time": service.create_time, "by": by}
    replace_file(root / STOP_FILE, json.dumps(request).encode() + b"\n")


def asked_to_stop(root: Path, create_time: float) -> str | None:
    """Who has asked this very process to stop, for it to see; None if nobody has."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        request: Any = json.loads((root / STOP_FILE).read_bytes())
        meant = request["pid"] == os.getpid() and abs(request["create_time"] - create_time) <= _SAME_START_S
        return str(request["by"]) if meant else None
    return None


def forget(root: Path) -> None:
    """Remove both files; the service has ended."""
    for name in (PID_FILE, STOP_FILE):
        with contextlib.suppress(OSError):
            (root / name).unlink(missing_ok=True)


def _same_folder(one: str, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
