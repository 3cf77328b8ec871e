"""A program and everything that it starts, on POSIX: found again whatever becomes of the program, and ended together.

A member of the family is known by any of: the session that the program leads; a mark in the environment that it was
started with (a daemon leaves the session, but takes its environment along); an ancestor that is a member. Where the
owner takes in orphans, see `descent`, a process that shed both is known as well: it has become a child of the owner.
Windows has one thing for all of it, see `job`.

Whoever owns the family may be killed without a word. A warden then ends it: a process that does nothing but read a
pipe of the owner, and which the closing of that pipe wakes up. (PR_SET_PDEATHSIG would be less: it exists on Linux
only, reaches no grandchild, and fires when the *thread* that started the program ends, which here is one of a pool.)
The warden knows session and mark alone: who shed both outlives an owner that is killed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

from pytest_kraken_golive.rehearsal.descent import ORPHANAGE, descendants

assert sys.platform != "win32", "there, see `job`"

MARK = "GOLIVE_FAMILY"
"""The variable that holds the marks of all families that a process belongs to."""

ENDED_WITHIN_S = 5.0
"""A killed process that is still there then is one that the system itself cannot end."""
SCAN_S = 0.005

_WATCH = 'read -r pid; read -r never; exec "$@" "$pid"'
"""Waits for the pipe to close, which costs a shell and not a Python."""


class Members:
    """The processes of one family.

    Args:
        mark: in their environment.
        leader: process id of the program, once it is known; it leads a session.
    """

    def __init__(self, mark: str, leader: int | None = None) -> None:
        self._mark = mark
        self.leader = leader
        self._known: set[psutil.Process] = set()
        self._strangers = ORPHANAGE.orphans()
        """Who was there before: orphans of other programs."""

    def descend(self) -> list[int]:
        """Process ids of those that are known and live, and on Linux of whom they have started: little work there."""
        roots = {process.pid for process in self._known if process.is_running()}
        roots |= ORPHANAGE.orphans() - self._strangers
        if self.leader is not None:
            roots.add(self.leader)
        found = descendants(roots) if sys.platform == "linux" else roots
        for pid in found - {process.pid for process in self._known}:
            with _gone_or_not_ours():
                self._known.add(psutil.Process(pid))
        return sorted(found)

    def find(self) -> list[psutil.Process]:
        """Those that live, the oldest first. Who was found once is known from then on, whatever it does to hide."""
        parents: dict[psutil.Process, int] = {}
        for pid in psutil.pids():
            with _gone_or_not_ours():
                process = psutil.Process(pid)
                parents[process] = process.ppid()
        orphans = ORPHANAGE.orphans() - self._strangers
        ours = {
            process
            for process in parents
            if process in self._known or process.pid in orphans or self._is_marked(process)
        }
        grown = ours
        while grown:
            pids = {process.pid for process in grown}
            grown = {process for process, parent in parents.items() if parent in pids} - ours
            ours |= grown
        alive = [process for process in ours if process.pid != os.getpid() and _lives(process)]
        self._known.update(alive)
        return sorted(alive, key=psutil.Process.create_time)

    def _is_marked(self, process: psutil.Process) -> bool:
        with _gone_or_not_ours():
            if self.leader is not None and os.getsid(process.pid) == self.leader:
                return True
        with _gone_or_not_ours():
            return self._mark in process.environ().get(MARK, "")
        return False

    def end(self) -> None:
        """End all of them. They are stopped first, parents before children, so that none starts another."""
        stopped: set[psutil.Process] = set()
        until = time.monotonic() + ENDED_WITHIN_S
        while new := [one for one in self.find() if one not in stopped]:
            for one in new:
                with _gone_or_not_ours():
                    one.suspend()
            stopped.update(new)
            if time.monotonic() > until:
                break
        while (left := self.find()) and time.monotonic() < until:
            for one in left:
                with _gone_or_not_ours():
                    one.kill()
            time.sleep(SCAN_S)


class Family:
    """Starts one program, and ends it with all that it started; also when this process is killed."""

    def __init__(self) -> None:
        mark = secrets.token_hex(8)
        self._marks = " ".join([*os.environ.get(MARK, "").split(), mark])  # a program may be started by another one
        self._members = Members(mark)
        self._lock = threading.Lock()
        self._warden: subprocess.Popen[bytes] | None = _start_warden(mark)

    def start(
        self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start the program, with a pipe for its standard input.

        Raises:
            OSError: it cannot be started.
        """
        try:
            with ORPHANAGE.started_here() as started:
                process = subprocess.Popen(  # noqa: S603 - the project's own command, without a shell
                    command,
                    cwd=cwd,
                    env={**environ, MARK: self._marks},
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
                started.add(process.pid)
        except BaseException:
            self._dismiss_warden()
            raise
        self._members.leader = process.pid
        assert self._warden is not None
        assert self._warden.stdin is not None
        self._warden.stdin.write(f"{process.pid}\n".encode())
        self._warden.stdin.flush()
        return process

    def look(self) -> list[psutil.Process]:
        """Learn who belongs to it, while all that tells still lives; gives those that live."""
        with self._lock:
            return [] if self._warden is None else self._members.find()

    def descend(self) -> list[int]:
        """Process ids of those that are known to live; on Linux also of whom they have started since."""
        with self._lock:
            return [] if self._warden is None else self._members.descend()

    def wait(self, seconds: float) -> None:
        """Wait until nobody is left, at most so long."""
        until = time.monotonic() + seconds
        while self._warden is not None and self._members.find() and time.monotonic() < until:
            time.sleep(SCAN_S)

    def end(self) -> None:
        """End whoever lives. Nothing is looked for afterwards: the process ids may then be others'."""
        with self._lock:
            if self._warden is not None:
                self._members.end()
                self._dismiss_warden()

    def _dismiss_warden(self) -> None:
        warden, self._warden = self._warden, None
        if warden is not None:
            warden.kill()  # before its pipe closes, which would wake it up
            warden.wait()
            if warden.stdin is not None:
                warden.stdin.close()


def _start_warden(mark: str) -> subprocess.Popen[bytes]:
    python = [sys.executable, "-P", __file__, mark]
    with ORPHANAGE.started_here() as started:
        warden = subprocess.Popen(  # noqa: S603 - our own words
            [shutil.which("sh") or "/bin/sh", "-c", _WATCH, "warden", *python],
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.add(warden.pid)
    return warden


@contextlib.contextmanager
def _gone_or_not_ours() -> Iterator[None]:
    """Processes end while they are looked at, and those of other users keep their secrets: both are none of ours."""
    with contextlib.suppress(psutil.Error, OSError):
        yield


def _lives(process: psutil.Process) -> bool:
    with _gone_or_not_ours():
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


def main() -> None:
    """What the warden does once its owner is gone: end the family of this mark and leader."""
    mark, leader = sys.argv[1:]
    Members(mark, int(leader) if leader else None).end()


if __name__ == "__main__":
    main()
