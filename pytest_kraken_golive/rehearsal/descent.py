"""Who descends from whom, on POSIX; on Linux also of those whose parents are gone.

There a process may ask to be given the orphans among its descendants ("subreaper", PR_SET_CHILD_SUBREAPER of prctl(2)).
A daemon that has left its session and thrown its environment away then still is the child of somebody who looks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Collection, Iterator

import psutil

PR_SET_CHILD_SUBREAPER = 36
"""Of the kernel's include/uapi/linux/prctl.h."""


class Orphanage:
    """The orphans that come to this process, told apart from the children that it has started itself."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._started: set[int] = set()
        self._open = False

    def open(self) -> None:
        """Take in the orphans among this process's descendants from now on; elsewhere than on Linux nothing happens.

        Only for a process all of whose children are started by `started_here`.
        """
        if sys.platform == "linux":
            self._open = ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

    @contextlib.contextmanager
    def started_here(self) -> Iterator[set[int]]:
        """Whoever starts a child does it in here, and adds its process id to the set before leaving."""
        with self._lock:
            yield self._started

    def orphans(self) -> set[int]:
        """Those that live; the dead are buried."""
        if not self._open:
            return set()
        with self._lock:
            return {pid for pid in children_of(os.getpid()) if pid not in self._started and not _bury(pid)}


ORPHANAGE = Orphanage()
"""A process has one."""


def _bury(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children; none if it has ended.

    Linux lists them by the thread that started them (/proc/PID/task/TID/children of proc(5)), which costs next to
    nothing.
    """
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return _asked_children(pid)
    found: list[int] = []
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as listed:
                found += map(int, listed.read().split())
        except ProcessLookupError:
            continue
        except FileNotFoundError:
            if os.path.exists(f"/proc/{pid}/task/{thread}"):
                return _asked_children(pid)  # a kernel without that file
    return found


def _asked_children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def descendants(roots: Collection[int]) -> set[int]:
    """The roots and all that descend from them now."""
    found: set[int] = set()
    grown = set(roots)
    while grown:
        found |= grown
        grown = {child for pid in grown for child in children_of(pid)} - found
    return found
