"""One writer per file: a lock that the system takes back when its process ends, however it ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..contract import Fault

if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


_LOCKED_BYTE = 1 << 20
"""On Windows a locked byte cannot be read by others, so it lies behind the text."""


class SingleWriter:
    """The right to write a file, held until it is closed or the process ends.

    The lock is a file of its own, `NAME.lock`, which stays: removing it would let two writers hold two locks.

    Args:
        path: the file that will be written.
        shown: how messages call it.

    Raises:
        Fault: another writer, in this process or another, has it.
    """

    def __init__(self, path: Path, shown: str) -> None:
        lock = path.with_name(f"{path.name}.lock")
        self._pid = os.getpid()
        self._shown = shown
        self._handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._handle)
        except OSError as error:
            os.lseek(self._handle, 0, os.SEEK_SET)
            owner = os.read(self._handle, 20).decode("ascii", "replace").strip()
            os.close(self._handle)
            raise Fault(
                f"{shown}: expected to be its only writer, found that process {owner or 'unknown'} is writing it. "
                "Next: stop that one first; two bots of one deployment would share its account."
            ) from error
        os.lseek(self._handle, 0, os.SEEK_SET)
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"{self._pid}\n".encode())

    def demand_own_process(self) -> None:
        """Do nothing in the process that took the lock.

        Raises:
            Fault: this is a fork of it.
        """
        if os.getpid() != self._pid:
            raise Fault(
                f"{self._shown}: expected process {self._pid} to write it, found its child {os.getpid()}. "
                "Next: write events in the process that opened the log."
            )

    def close(self) -> None:
        """Give the right back."""
        os.close(self._handle)
