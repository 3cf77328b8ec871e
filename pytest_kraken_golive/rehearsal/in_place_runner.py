"""Runs a unit of commands in a real deployment, one after the other, to the end: `python -m …`, its order on stdin.

It has no leash: a drill that is cut off in the middle is worse than one that ends. What the commands start is theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.operations.health import wait_for_resting_order
from pytest_kraken_golive.operations.rollback import FORMER
from pytest_kraken_golive.operations.stop import running_service
from pytest_kraken_golive.rehearsal.commands import CommandRun
from pytest_kraken_golive.whole_file import replace_file

RUNNING: Final = "running"
DONE: Final = "done"
_TAIL = 4000


@dataclass(frozen=True)
class Unit:
    """Commands that belong together."""

    commands: list[list[str]]
    """Program and arguments of each."""
    root: str
    """The deployment."""
    timeout_s: float
    """A command that takes longer hangs, and is ended; what it started is not."""
    waits_for_order: bool
    """Whether the first waits until the service has an open order: a stop shows more then."""
    result: str
    """The file that says how they went: {state, runs, left}."""


def state_of(root: Path) -> str:
    """In what state a deployment is, for people."""
    try:
        service = running_service(root)
    except (NotProven, Fault) as error:
        runs = f"Whether the service runs is not known ({error})"
    else:
        runs = "The service does not run" if service is None else f"The service runs (process {service.pid})"
    if (root / FORMER).exists():
        return f"{runs}, rolled back to the old path (undo it: kraken-golive rollback --undo)."
    return f"{runs}, not rolled back."


def run(unit: Unit) -> None:
    """Run it, and keep the result after each command."""
    runs: list[CommandRun] = []
    _keep(unit, RUNNING, runs)
    if unit.waits_for_order:
        wait_for_resting_order(Path(unit.root))
    for number, command in enumerate(unit.commands):
        runs.append(_run(command, unit, Path(unit.result).with_suffix(f".{number}.log")))
        _keep(unit, RUNNING, runs)
    _keep(unit, DONE, runs)


def _run(command: list[str], unit: Unit, log: Path) -> CommandRun:
    started, status, problem = time.time(), None, None
    with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as sink:
        try:
            program = subprocess.Popen(  # noqa: S603 - the policy's own command, without a shell
                command, cwd=unit.root, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
            )
        except OSError as error:
            return CommandRun(
                command, problem=f"it cannot be started: {error.strerror}", started_at=started, ended_at=time.time()
            )
        try:
            status = program.wait(unit.timeout_s)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            problem = f"it did not end within {unit.timeout_s:g} s and was killed"
    output = log.read_bytes()[-_TAIL:].decode("utf-8", errors="replace")
    return CommandRun(command, status, output, started, time.time(), problem)


def _keep(unit: Unit, state: str, runs: list[CommandRun]) -> None:
    data = {"state": state, "left": state_of(Path(unit.root)), "runs": [asdict(one) for one in runs]}
    replace_file(Path(unit.result), json.dumps(data, indent=1).encode() + b"\n")


def main() -> int:
    """Read the order and run it."""
    run(Unit(**json.loads(sys.stdin.buffer.read())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
