"""Run one of the project's own programs: found, given a clean environment, and never left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import string
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

if sys.platform == "win32":
    from pytest_kraken_golive.rehearsal.job import Family
else:
    from pytest_kraken_golive.rehearsal.family import Family

SCRUBBED = ("PYTEST_", "PYTHON", "COV_", "KRAKEN_", "FF_", "SMC_", "FEATURE_TOGGLES_")
"""Variables that would make the child another program than the one that goes live, and the user's own keys."""

TAIL_BYTES = 4000
LEFT_GRACE_S = 1.0
"""How long what a program started may take to end after the program has ended because it was asked to."""


class ProgramError(Exception):
    """A program cannot be started; the message says why and what to do."""


def command_for(words: Sequence[str], places: Mapping[str, str], rootdir: Path) -> list[str]:
    """The command with its placeholders filled in and its program found.

    Args:
        words: program and arguments; `{name}` is replaced by `places[name]`.
        places: mode, entrypoint, config, report.
        rootdir: the project; a word that names a file below it becomes its absolute path, since the program does not
            run in the project but in the deployment.

    Raises:
        ProgramError: an unknown placeholder, or no such program.
    """
    filled = [_fill(word, places) for word in words]
    found = [str((rootdir / word).resolve()) if is_file_of(word, rootdir) else word for word in filled]
    program = Path(found[0])
    if program.suffix == ".py" and program.is_file():
        return [sys.executable, *found]
    path = shutil.which(found[0], path=search_path())
    if path is None:
        raise ProgramError(
            f"there is no program {found[0]!r}. Next: install it, or correct the command in config/golive.yaml."
        )
    return [path, *found[1:]]


def _fill(word: str, places: Mapping[str, str]) -> str:
    known = " ".join(f"{{{name}}}" for name in places)
    try:
        for _, name, form, conversion in string.Formatter().parse(word):
            if name is not None and (name not in places or form or conversion):  # a text's own attributes are no places
                raise ProgramError(
                    f"the word {word!r} of the command holds a placeholder that is none. Next: write one of {known}."
                )
        return word.format_map(places)
    except ValueError as error:
        raise ProgramError(
            f"the word {word!r} of the command cannot be filled in ({error}). Next: write one of {known}; "
            "a brace itself is written twice."
        ) from error


def is_file_of(word: str, rootdir: Path) -> bool:
    """Whether a command's word names a file below the project's root."""
    return (
        not os.path.isabs(word)
        and ("/" in word or os.sep in word or word.endswith(".py"))
        and (rootdir / word).is_file()
    )


def search_path() -> str:
    """The search path for programs: first the environment that this Python belongs to, activated or not."""
    return os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])


def clean_environment(rootdir: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: the user's own without what steers pytest, Python or a Kraken client.

    Proxies leave loopback alone, and the project's root is importable, as it is when the project runs there.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SCRUBBED)}
    loopback = "127.0.0.1,localhost,::1"
    return {
        **kept,
        "PATH": search_path(),
        "PYTHONPATH": str(rootdir),
        "PYTHONIOENCODING": "utf-8",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        **extra,
    }


class Program:
    """A running program; its output goes to a file, its standard input is a leash: it ends when that closes.

    It has a session of its own (POSIX) or a job (Windows): what it started ends with it, whether it ends by itself, is
    ended, or its owner is killed. A terminal's Ctrl-C does not reach it; its owner decides.

    Args:
        command: program and arguments.
        cwd: where it runs.
        environ: its whole environment.
        output: the file that gets what it prints.
        leaves: what it starts lives on when it ends by itself, as a deploy's service does, until `kill`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environ: Mapping[str, str],
        output: Path,
        leaves: bool = False,
    ) -> None:
        self.command = list(command)
        self.ended_by: str | None = None
        self._output = output
        self._leaves = leaves
        self._asked = "itself"
        self._lock = threading.Lock()
        with output.open("wb") as sink:
            try:
                self._family = Family()
                self._process = self._family.start(self.command, cwd=cwd, environ=environ, output=sink)
            except (OSError, ValueError) as error:  # ValueError: a NUL in a word
                reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
                raise ProgramError(f"{command[0]} cannot be started: {reason}. Next: check the command.") from error

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def members(self) -> list[psutil.Process]:
        """It and all that it started, as far as they live."""
        return self._family.look()

    def pids(self, thorough: bool) -> list[int]:
        """Process ids of it and all that it started, as far as they live.

        Args:
            thorough: look for everybody, whatever they did to hide; else for those that are known and, where that can
                be had at little cost, for those whom they have started since.
        """
        return [one.pid for one in self.members()] if thorough else self._family.descend()

    def exit_status(self) -> int | None:
        """The exit status, None while it runs; negative: the signal that ended it.

        Once it has ended, what it left behind is ended too, unless it `leaves` that on purpose.
        """
        status = self._process.poll()
        if status is not None:
            with self._lock:
                self.ended_by = self.ended_by or self._asked
                if not self._leaves:
                    self._family.end()
                self.let_go()
        return status

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended by itself.

        Raises:
            subprocess.TimeoutExpired: it has not, by then.
        """
        self.let_go()
        status = self._process.wait(timeout=seconds)
        self.exit_status()
        return status

    def tail(self) -> str:
        """The end of what it printed."""
        with self._output.open("rb") as source:
            source.seek(0, os.SEEK_END)
            source.seek(max(0, source.tell() - TAIL_BYTES))
            return source.read().decode("utf-8", errors="replace")

    def let_go(self) -> None:
        """Close its standard input: the polite request to end."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()

    def end(self, grace_s: float) -> int:
        """Ask it to end, then insist: standard input closed, terminated, killed. Returns its exit status."""
        requests = (("its standard input was closed", self.let_go), ("it was terminated", self._process.terminate))
        for why, request in requests:
            if self.exit_status() is not None:
                break
            self._asked = why
            self._family.look()  # while the program lives that it belongs to
            request()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=grace_s)
                self._family.wait(LEFT_GRACE_S)
        self.kill("it was killed: it did not end when asked to")
        return self._process.wait()

    def kill(self, why: str) -> None:
        """End it and everything that it started, at once."""
        if self.exit_status() is None:
            self._asked = why
            self._family.end()
            self._process.wait()
            self.exit_status()
        elif self._leaves:
            self._family.end()
