"""The four ways to ask whether a service is active: its health URL, a pid file, its systemd unit, a command."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil

from pytest_kraken_golive.contract import Evidence, Fault, NotProven, show
from pytest_kraken_golive.policy import FILE, Policy
from pytest_kraken_golive.rehearsal.live_service import LiveService

_TIMEOUT_S = 30.0


def require_active(service: LiveService, policy: Policy, evidence: Evidence) -> None:
    """The service is active, by what golive.yaml's `service.active` says."""
    ways = {"http": _by_http, "pid": _by_pid, "systemd": _by_systemd, "command": _by_command}
    ways[policy.service.active](service, policy, evidence)


def _by_http(service: LiveService, policy: Policy, evidence: Evidence) -> None:
    status = service.health(policy.service.health_url).get("status")
    evidence.record("health", status, key="status")
    assert status == "ok", f"health status: expected 'ok', found {status!r}. Next: see logs/service.log."


def _by_pid(service: LiveService, policy: Policy, evidence: Evidence) -> None:
    name = policy.service.pid_file
    pid, began_s = _read_pid(service.root / name, name)
    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        same = began_s is None or abs(process.create_time() - began_s) <= 1.0
    except psutil.NoSuchProcess:
        alive = same = False
    except psutil.AccessDenied as error:
        raise NotProven(f"{name}: process {pid} may not be looked at. Next: run this as its user.") from error
    is_it = alive and same
    assert is_it, (
        f"{name}: expected the service's process, found that {pid} is {'another process' if alive else 'gone'}. "
        "Next: deploy the service."
    )
    evidence.record(name, pid, key="pid", note=None if began_s is not None else "without the time at which it began")


def _read_pid(path: Path, name: str) -> tuple[int, float | None]:
    try:
        text = path.read_text(encoding="utf-8").strip()
        data: Any = json.loads(text)
    except FileNotFoundError:
        raise NotProven(f"{name}: expected a pid file, found none. Next: deploy the service.") from None
    except (OSError, ValueError) as error:
        raise Fault(f"{name}: expected a process id, found what cannot be read ({error}). Next: deploy.") from error
    pid, began_s = (data.get("pid"), data.get("create_time")) if isinstance(data, dict) else (data, None)
    if type(pid) is not int or pid <= 0 or not (began_s is None or type(began_s) in (int, float)):
        raise Fault(f"{name}: expected a process id, found {show(pid)}. Next: deploy the service.")
    return pid, None if began_s is None else float(began_s)


def _by_systemd(service: LiveService, policy: Policy, evidence: Evidence) -> None:
    unit = policy.service.unit
    if unit is None:
        raise NotProven(f"{FILE} service.unit: expected the unit's name, found none. Next: name it.")
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        raise NotProven(
            "systemctl: this machine has none. Next: choose another way in config/golive.yaml service.active."
        )
    state = _said([systemctl, "is-active", "--", unit])
    evidence.record("systemctl is-active", state[1], key=unit)
    assert state == (0, "active"), (
        f"the unit {unit}: expected active, found {state[1]!r}. Next: systemctl status {unit}."
    )


def _by_command(service: LiveService, policy: Policy, evidence: Evidence) -> None:
    words = policy.service.command
    if words is None:
        raise NotProven(f"{FILE} service.command: expected the command that asks, found none. Next: name it.")
    program = shutil.which(words[0])
    if program is None:
        raise NotProven(f"{FILE} service.command: there is no program {words[0]!r}. Next: correct it.")
    status, said = _said([program, *words[1:]], cwd=service.root)
    evidence.record("command", {"command": words, "exit_status": status}, key="service.command")
    assert status == 0, (
        f"{' '.join(words)}: expected exit status 0, found {status}. It said: {said[-300:]}. Next: deploy."
    )


def _said(command: list[str], cwd: Path | None = None) -> tuple[int, str]:
    try:
        done = subprocess.run(  # noqa: S603 - the policy's own command, without a shell
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotProven(f"{command[0]}: cannot be asked ({type(error).__name__}). Next: run it by hand.") from error
    return done.returncode, done.stdout.strip()
