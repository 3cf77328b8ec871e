"""The documents' own commands - validate, bench, deploy, rollback, stop - run in the copy of a rehearsal.

The host runs them, in each copy one after the other. What a command leaves running, as a deploy does, lives on until
the rehearsal ends, and ends with it.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.rehearsal.order import DEPLOYMENT, LOOPBACK_ONLY, TOKEN_HEADER
from pytest_kraken_golive.rehearsal.program import Program, ProgramError, clean_environment, command_for

PRESS_STOP = "press-stop"
"""The command that presses the dashboard's stop button; see `press_stop`."""


class CommandsGone(Exception):
    """The process that runs the commands does not answer."""


@dataclass(frozen=True)
class CommandsOrder:
    """What it takes to run a project's commands."""

    words: dict[str, list[str]]
    """Program and arguments by the command's name, with placeholders."""
    places: dict[str, str]
    """What the placeholders stand for."""
    rootdir: str
    """The project."""
    cwd: str
    """The copy of the deployment."""
    environ: dict[str, str]
    """What is added to the clean environment."""
    logs: str
    """Folder for their output."""
    timeout_s: float
    """A command that takes longer hangs, and is ended."""
    door: str
    """Through which door of the exchange they call."""


@dataclass(frozen=True)
class CommandRun:
    """One run of a command."""

    command: list[str] = field(default_factory=list)
    """Program and arguments."""
    exit_status: int | None = None
    """None: it never began, or it hung and was killed; negative: the signal that ended it."""
    output: str = ""
    """The end of what it printed."""
    started_at: float = 0.0
    """Epoch seconds."""
    ended_at: float = 0.0
    """Epoch seconds."""
    problem: str | None = None
    """Why there is no exit status, for people."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What the exchange booked at the deployment's door meanwhile; see `booked_between`."""


def booked_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The difference of two looks into the books of a door.

    `by_endpoint`: requests; `signed`: rightly signed calls by the key's fingerprint; `orders`: orders accepted;
    `validated`: orders checked and not placed; `errors`: error strings of answers.
    """

    def keyed(books: Mapping[str, Any], what: str) -> Counter[str]:
        return Counter({key: book[what] for key, book in books["keys"].items()})

    return {
        "by_endpoint": dict(Counter(after["by_endpoint"]) - Counter(before["by_endpoint"])),
        "signed": dict(keyed(after, "signed_calls") - keyed(before, "signed_calls")),
        "orders": (keyed(after, "orders") - keyed(before, "orders")).total(),
        "validated": (keyed(after, "validated") - keyed(before, "validated")).total(),
        "errors": dict(Counter(after["errors"]) - Counter(before["errors"])),
    }


def require_ran(name: str, run: CommandRun) -> CommandRun:
    """A run that came to its own end.

    Raises:
        NotProven: it could not be started, or hung.
    """
    if run.problem is not None:
        raise NotProven(
            f"the command {name} ({' '.join(run.command)}): {run.problem}. It said: …{run.output[-400:].strip()} "
            f"Next: correct commands.{name} in config/golive.yaml, and run it by hand."
        )
    return run


class Commands:
    """Runs commands in the host. Safe to ask from several threads; one command runs at a time.

    Args:
        order: what it takes to run them.
        books: gives the exchange's books of the door that they call.
    """

    def __init__(self, order: CommandsOrder, books: Callable[[], Mapping[str, Any]]) -> None:
        self._books = books
        self._order = order
        self._lock = threading.Lock()
        self._programs: list[Program] = []
        self._done: dict[tuple[str, ...], CommandRun] = {}

    def run(self, name: str, arguments: Sequence[str], *, again: bool) -> CommandRun:
        """Run a command with further arguments to its end.

        Args:
            name: which one.
            arguments: added to its words.
            again: run it although it has run with these arguments before; else its first run is told.
        """
        key = (name, *arguments)
        with self._lock:
            if again or key not in self._done:
                self._done[key] = self._run(name, arguments)
            return self._done[key]

    def _run(self, name: str, arguments: Sequence[str]) -> CommandRun:
        order, started = self._order, time.time()
        words = order.words.get(name)
        if words is None:
            return CommandRun(problem=f"there is no command {name!r}", started_at=started, ended_at=started)
        rootdir = Path(order.rootdir)
        log = Path(order.logs) / f"{name}-{len(self._programs)}.log"
        try:
            command = command_for([*words, *arguments], order.places, rootdir)
            environ = clean_environment(rootdir, order.environ)
            program = Program(command, cwd=Path(order.cwd), environ=environ, output=log, leaves=True)
        except ProgramError as error:
            return CommandRun(list(words), problem=str(error), started_at=started, ended_at=time.time())
        self._programs.append(program)
        before = self._books()
        status: int | None = None
        problem = None
        try:
            status = program.wait(order.timeout_s)
        except subprocess.TimeoutExpired:
            program.kill("it took too long")
            problem = f"it did not end within {order.timeout_s:g} s and was killed"
        return CommandRun(
            command, status, program.tail(), started, time.time(), problem, booked_between(before, self._books())
        )

    def kill(self) -> None:
        """End everything that commands have left running."""
        for program in self._programs:
            program.kill("the rehearsal is over")


class LiveCommands:
    """The commands as checks see them: each is run once in a rehearsal, by the first who asks.

    Args:
        control_url: of the rehearsal's process.
        token: opens it.
        root: the copy of the deployment that they work on.
        place: which copy that is, `DEPLOYMENT` or one of the `DRILLS`.
    """

    def __init__(self, control_url: str, token: str, root: Path, place: str = DEPLOYMENT) -> None:
        self.root = root
        """The copy of the deployment that they work on."""
        self._place = place
        self._http = httpx.Client(
            base_url=control_url, headers={TOKEN_HEADER: token}, trust_env=False, verify=LOOPBACK_ONLY, timeout=600
        )

    def __repr__(self) -> str:
        return f"LiveCommands({self.root.name})"

    may_drill = True
    """Nothing of a copy is anybody's."""
    how_to_drill = ""
    """There is nothing to arm."""

    def run(self, name: str, *arguments: str, again: bool = False) -> CommandRun:
        """Run a command to its end, or tell of its run if it has run with these arguments before.

        Args:
            name: env, validate, bench, deploy, rollback, stop or dashboard.
            arguments: added to the words of golive.yaml.
            again: run it once more.

        Raises:
            NotProven: it could not be started, or hung.
            CommandsGone: the rehearsal's process does not answer.
        """
        try:
            answer = self._http.post(
                f"/commands/{self._place}/{name}", json={"arguments": list(arguments), "again": again}
            )
            run = CommandRun(**answer.raise_for_status().json())
        except httpx.HTTPError as error:
            raise CommandsGone(f"the rehearsal's process does not answer ({type(error).__name__})") from error
        return require_ran(name, run)

    def close(self) -> None:
        """Close the connection to the host."""
        self._http.close()
