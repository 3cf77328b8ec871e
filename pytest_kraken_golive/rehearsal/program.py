"""Run one of the project's own programs: found, given a clean environment, and never left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

SCRUBBED = ("PYTEST_", "PYTHON", "COV_", "KRAKEN_", "FF_")
"""Variables that would make the child another program than the one that goes live, and the user's own keys."""

TAIL_BYTES = 4000


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
    found = [str((rootdir / word).resolve()) if _is_file_of(word, rootdir) else word for word in filled]
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
    try:
        return word.format_map(places)
    except (KeyError, ValueError, IndexError) as error:
        known = " ".join(f"{{{name}}}" for name in places)
        raise ProgramError(
            f"the word {word!r} of the command cannot be filled in ({error}); there is: {known}"
        ) from error


def _is_file_of(word: str, rootdir: Path) -> bool:
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
    """A running program; its output goes to a file, its standard input is a leash: it ends when that closes."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: Path) -> None:
        self.command = list(command)
        self._output = output
        with output.open("wb") as sink:
            try:
                self._process = subprocess.Popen(  # noqa: S603 - the project's own command, without a shell
                    self.command,
                    cwd=cwd,
                    env=dict(environ),
                    stdin=subprocess.PIPE,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise ProgramError(
                    f"{command[0]} cannot be started: {error.strerror}. Next: check the command."
                ) from error
        self.ended_by: str | None = None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """The exit status, None while it runs; negative: the signal that ended it."""
        status = self._process.poll()
        if status is not None and self.ended_by is None:
            self.ended_by = "itself"
        return status

    def wait(self, seconds: float) -> int:
        """Its exit status, once it has ended by itself.

        Raises:
            subprocess.TimeoutExpired: it has not, by then.
        """
        self.let_go()
        return self._process.wait(timeout=seconds)

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
        if self.exit_status() is None:
            self.let_go()
            if not self._ends_within(grace_s, "its standard input was closed"):
                self._process.terminate()
                if not self._ends_within(grace_s, "it was terminated"):
                    self.kill("it was killed: it did not end when asked to")
        self.let_go()
        return self._process.wait()

    def kill(self, why: str) -> None:
        """End it and everything that it started, at once."""
        family = _family(self._process.pid)
        for member in family:
            try:
                member.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(family, timeout=5)
        self._process.wait()
        self.ended_by = self.ended_by or why

    def _ends_within(self, seconds: float, why: str) -> bool:
        family = _family(self._process.pid)
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        self.ended_by = self.ended_by or why
        for orphan in psutil.wait_procs([one for one in family if one.pid != self._process.pid], timeout=1)[1]:
            orphan.kill()
        return True


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []
