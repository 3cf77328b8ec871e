"""The stop button's other end: it runs the project's own stop command, the one that people would run."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from ..clock import Clock, SystemClock
from ..policy import Policy
from ..redact import Redactor

PATIENCE_S = 120.0
"""A stop that takes longer goes on without being watched."""

_TAIL_CHARACTERS = 2000


@dataclass(frozen=True)
class Stop:
    """How a stop went."""

    asked_at: float
    """Epoch seconds."""
    exit_status: int | None
    """0: it has stopped; None: the command could not be started, or has not ended."""
    output: str
    """The end of what it said, without secrets."""


class StopDesk:
    """Runs the stop command, once at a time, and remembers how the last one went.

    Args:
        root: of the deployment.
        config: its runtime.yaml.
    """

    def __init__(self, root: Path, config: Path) -> None:
        self._root = root
        self._config = config
        self._lock = threading.Lock()
        self.last: Stop | None = None
        """The last stop that was asked for here."""

    def stop(self, policy: Policy, clock: Clock | None = None, patience_s: float = PATIENCE_S) -> Stop:
        """Stop the bot and wait until the command has ended; whoever asks meanwhile gets the same answer."""
        asked_at = (clock or SystemClock()).time()
        if not self._lock.acquire(blocking=False):
            return Stop(asked_at, None, "a stop has been asked for already, and goes on. Next: wait for it.")
        try:
            status, output = self._run(stop_command(policy, self._config), patience_s)
            self.last = Stop(asked_at, status, self._masked(output))
            return self.last
        finally:
            self._lock.release()

    def _run(self, command: Sequence[str], patience_s: float) -> tuple[int | None, str]:
        with tempfile.TemporaryFile() as sink:  # not a pipe: the command may go on after we have ceased to watch
            try:
                process = subprocess.Popen(  # noqa: S603 - the project's own command, without a shell
                    command, cwd=self._root, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
                )
            except (OSError, ValueError) as error:  # ValueError: a NUL in a word
                return (
                    None,
                    f"{command[0]} cannot be started: {error}. Next: correct commands.stop in config/golive.yaml.",
                )
            try:
                status = process.wait(timeout=patience_s)
            except subprocess.TimeoutExpired:
                threading.Thread(target=process.wait, daemon=True).start()  # so that its end is noticed
                return None, f"not ended after {patience_s:g} s, process {process.pid} goes on. Next: look at the bot."
            sink.seek(0)
            return status, sink.read().decode("utf-8", errors="replace")

    def _masked(self, output: str) -> str:
        redactor = Redactor()
        redactor.learn_environment(os.environ)
        try:
            told = dotenv_values(self._root / ".env", interpolate=False)
        except (OSError, ValueError):
            told = {}
        redactor.learn_environment({name: value for name, value in told.items() if value})
        return redactor.text(output).strip()[-_TAIL_CHARACTERS:]


def stop_command(policy: Policy, config: Path) -> list[str]:
    """The words of the stop command: golive.yaml's `commands.stop`, else `kraken-golive stop`."""
    words = [word.replace("{config}", str(config)) for word in policy.commands.live()["stop"].run]
    if policy.commands.stop is None:
        words += ["--by", "dashboard"]  # for the record of the drill; a project's own command takes what it takes
    if words[0].endswith(".py"):
        return [sys.executable, *words]
    # first the environment that this Python belongs to, activated or not
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return [shutil.which(words[0], path=path) or words[0], *words[1:]]


@functools.lru_cache(maxsize=4)
def stop_desk(root: Path, config: Path) -> StopDesk:
    """The one that all visitors of the page share."""
    return StopDesk(root, config)
