"""A few bytes that all processes of a user share, behind a lock of the operating system.

Two bots, or two test workers, that use one key must number and pace their calls together. The bytes lie in a file of
the user's runtime directory; its name is a hash, never the key. The lock ends with its process, whatever ends that.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_kraken_golive.kraken.errors import KrakenError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FOLDER: Final = "pytest-kraken-golive"
_PRIVATE: Final = 0o700
_LOCK_AT: Final = 1 << 20
"""Windows locks bytes, and then nobody else may read them: this one holds nothing."""
_POLL_S: Final = 0.0002
_LONGEST_WAIT_S: Final = 60.0
_STALE_S: Final = 30 * 86_400.0
_LOOK_EVERY_S: Final = 3600.0
SIZE: Final = 128
"""Bytes that are shared."""


class SharedStateError(KrakenError):
    """What processes share about a key cannot be had. Nothing was sent."""


def runtime_directory() -> Path:
    """The user's own directory for such files: below `XDG_RUNTIME_DIR`, `LOCALAPPDATA`, or that of temporary files.

    Raises:
        SharedStateError: it cannot be made, or is not the user's alone.
    """
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_RUNTIME_DIR")
    own = "" if sys.platform == "win32" else f"-{os.getuid()}"
    folder = Path(base) / _FOLDER if base and Path(base).is_dir() else Path(tempfile.gettempdir()) / f"{_FOLDER}{own}"
    try:
        folder.mkdir(mode=_PRIVATE, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise _unusable(folder, str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _unusable(folder, "it is not a directory")
    if sys.platform != "win32" and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise _unusable(folder, "it is open to other users")
    return folder


def hashed(*parts: str) -> str:
    """A file name that says nothing about the parts."""
    return hashlib.sha256("\0".join((_FOLDER, *parts)).encode()).hexdigest()[:32]


class SharedBytes:
    """The first bytes of a file, for one thread of one process at a time. Safe for threads and across forks.

    Args:
        name: the file's name, see `hashed`.
        directory: where it lies; by default `runtime_directory()`.

    Raises:
        SharedStateError: the file cannot be opened.
    """

    def __init__(self, name: str, directory: Path | None = None) -> None:
        self.path = (runtime_directory() if directory is None else directory) / name
        self._open()
        self._lock = threading.Lock()
        _opened.add(self)

    def reopen(self) -> None:
        """Take a lock of one's own: a fork shares its parent's, which would keep neither out."""
        self._close()
        self._open()
        self._lock = threading.Lock()

    def _open(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        fresh = not self.path.exists()
        try:
            self._file = os.open(self.path, flags, 0o600)
        except OSError as error:
            raise _unusable(self.path, str(error)) from error
        if os.fstat(self._file).st_size < SIZE:
            os.ftruncate(self._file, SIZE)
        self.data = mmap.mmap(self._file, SIZE)
        """The bytes; zero at first. Written only while held."""
        self._look_at_s = time.monotonic() + _LOOK_EVERY_S
        os.utime(self.path)
        if fresh:
            _drop_stale(self.path.parent)

    def _close(self) -> None:
        file = vars(self).pop("_file", None)  # None where it could not be opened
        if file is not None:
            os.close(file)

    def __del__(self) -> None:
        self._close()

    @property
    def due(self) -> bool:
        """Whether the next `acquire` looks whether the file is still the one that others open."""
        return time.monotonic() > self._look_at_s

    def acquire(self) -> None:
        """Keep every other thread and process out until `release`.

        Raises:
            SharedStateError: another process keeps it for more than a minute.
        """
        self._lock.acquire()
        try:
            if self.due:
                self._look_after()
            if not _try_lock(self._file):
                self._wait()
        except BaseException:
            self._lock.release()
            raise

    def _look_after(self) -> None:
        """Show that the file is in use, or follow the others to a new one: somebody may have tidied up."""
        self._look_at_s = time.monotonic() + _LOOK_EVERY_S
        try:
            os.utime(self.path)
            there = os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except FileNotFoundError:
            there = not self.path.parent.is_dir()  # nobody can meet in a directory that is gone
        if not there:
            self._close()
            self._open()

    def _wait(self) -> None:
        until_s = time.monotonic() + _LONGEST_WAIT_S
        while not _try_lock(self._file):
            if time.monotonic() > until_s:
                raise SharedStateError(
                    f"{self.path}: another process that uses this key has kept it for {_LONGEST_WAIT_S:.0f} s; nothing "
                    "was sent. Next: look for a process that hangs."
                )
            time.sleep(_POLL_S)

    def release(self) -> None:
        """Let others in."""
        _unlock(self._file)
        self._lock.release()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other thread and process out for the block."""
        self.acquire()
        try:
            yield
        finally:
            self.release()


if sys.platform == "win32":

    def _try_lock(file: int) -> bool:
        os.lseek(file, _LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int) -> None:
        os.lseek(file, _LOCK_AT, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


_opened: weakref.WeakSet[SharedBytes] = weakref.WeakSet()


def _reopen_all() -> None:
    for shared in list(_opened):
        shared.reopen()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reopen_all)


def _drop_stale(folder: Path) -> None:
    """Remove what no process has opened for a month: keys and ports come and go."""
    oldest_s = time.time() - _STALE_S
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()


def _unusable(path: Path, problem: str) -> SharedStateError:
    return SharedStateError(
        f"{path}: what processes share about a key cannot be kept here: {problem}. Next: make it a directory of your "
        "own with mode 0700, or give the client `nonces` and `limits` of its own."
    )
