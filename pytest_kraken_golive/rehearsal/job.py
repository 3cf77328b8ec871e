"""A program and everything that it starts, on Windows: a job object, which the system ends with its owner."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from ctypes import wintypes
from pathlib import Path
from typing import IO

import psutil

assert sys.platform == "win32", "elsewhere, see `family`"

_EXTENDED_LIMITS = 9
"""JobObjectExtendedLimitInformation."""
_KILL_ON_JOB_CLOSE = 0x2000
"""The system closes the last handle when its owner ends, however that ends: then everything in the job ends."""
_CREATE_SUSPENDED = 0x4


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", wintypes.LARGE_INTEGER),
        ("PerJobUserTimeLimit", wintypes.LARGE_INTEGER),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_ulonglong * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel32.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
_kernel32.CreateJobObjectW.restype = wintypes.HANDLE
_kernel32.SetInformationJobObject.argtypes = (wintypes.HANDLE, ctypes.c_int, wintypes.LPVOID, wintypes.DWORD)
_kernel32.SetInformationJobObject.restype = wintypes.BOOL
_kernel32.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
_kernel32.AssignProcessToJobObject.restype = wintypes.BOOL
_kernel32.TerminateJobObject.argtypes = (wintypes.HANDLE, wintypes.UINT)
_kernel32.TerminateJobObject.restype = wintypes.BOOL
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel32.CloseHandle.restype = wintypes.BOOL


class Family:
    """Starts one program, and ends it with all that it started; also when this process is killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job: int | None = _new_job()
        self._program: psutil.Process | None = None
        self._known: list[int] = []

    def start(
        self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start the program, with a pipe for its standard input.

        Raises:
            OSError: it cannot be started, or not be put into the job.
        """
        process = None
        try:
            process = subprocess.Popen(  # noqa: S603 - the project's own command, without a shell
                command,
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                creationflags=_CREATE_SUSPENDED,  # it runs once it is in the job: no child can be earlier
            )
            handle = int(process._handle)  # type: ignore[attr-defined]  # typeshed does not know the attribute
            if not _kernel32.AssignProcessToJobObject(self._job, handle):
                raise ctypes.WinError(ctypes.get_last_error())
            self._program = psutil.Process(process.pid)
            self._program.resume()
        except BaseException:
            if process is not None:
                process.kill()
                process.communicate()
            self.end()
            raise
        return process

    def look(self) -> list[psutil.Process]:
        """Who lives: the program and what it started. The system itself knows who belongs to the job."""
        if self._program is None:
            return []
        try:
            found = [self._program, *self._program.children(recursive=True)]
        except psutil.Error:  # it has ended
            found = []
        self._known = [process.pid for process in found]
        return found

    def descend(self) -> list[int]:
        """Process ids of those that the last `look` found, which is more work."""
        return self._known

    def wait(self, seconds: float) -> None:
        """Nothing to do: a program that leaves others behind is over, and so are they."""

    def end(self) -> None:
        """End whoever lives."""
        with self._lock:
            job, self._job = self._job, None
            if job is not None:
                _kernel32.TerminateJobObject(job, 1)
                _kernel32.CloseHandle(job)


def _new_job() -> int:
    job: int | None = _kernel32.CreateJobObjectW(None, None)
    limits = _ExtendedLimits()
    limits.BasicLimitInformation.LimitFlags = _KILL_ON_JOB_CLOSE
    if not job or not _kernel32.SetInformationJobObject(
        job, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
    ):
        raise ctypes.WinError(ctypes.get_last_error())
    return job
