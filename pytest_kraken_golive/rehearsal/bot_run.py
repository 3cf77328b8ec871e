"""One run of the bot: started once, watched until it has reported, kept until it is let go."""

from __future__ import annotations

import json
import shlex
import stat
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pytest_kraken_golive.rehearsal.network import Network
from pytest_kraken_golive.rehearsal.network_watch import NetworkWatch
from pytest_kraken_golive.rehearsal.program import Program, ProgramError, clean_environment, command_for
from pytest_kraken_golive.rehearsal.proxy_trap import ProxyTrap
from pytest_kraken_golive.rehearsal.sockets import Address

POLL_S = 0.02

SAID = 300
"""Characters of its output that a message quotes."""

ANYWHERE = "**/*.json"
"""Where the report of a bot is looked for that is not told where to write it."""
REPORT_KEYS = frozenset({"paper_exchange_metrics", "entrypoint", "run_id"})
"""A JSON file anywhere with none of these is no report."""


@dataclass(frozen=True)
class BotOrder:
    """What it takes to run the bot."""

    words: list[str]
    """The command, with placeholders."""
    places: dict[str, str]
    """What the placeholders stand for."""
    rootdir: str
    """The project."""
    cwd: str
    """The deployment (or its copy) that the bot runs in."""
    environ: dict[str, str]
    """What is added to the clean environment."""
    report: str
    """The file that {report} names; or a pattern relative to `cwd` for a program that takes no {report}."""
    output: str
    """Where its output goes."""
    timeout_s: float
    """A bot without a report after so many seconds hangs."""
    stop_grace_s: float
    """How long it may take to end when asked."""
    warm_up_s: float = 0.0
    """How long a report that says `unknown` is waited out."""
    named_at: str = "the bot"
    """Where its command is written, as messages name it."""
    timeout_at: str = "paper.timeout_s"
    """Where `timeout_s` is written."""

    def at(self, url: str) -> BotOrder:
        """The order of a bot that finds its exchange at this address."""
        return replace(self, environ={"KRAKEN_BASE_URL": url, **self.environ})


@dataclass(frozen=True)
class BotState:
    """What is known of the bot's run."""

    command: list[str] = field(default_factory=list)
    pid: int | None = None
    started_at: float | None = None
    """Epoch seconds."""
    ended_at: float | None = None
    exit_status: int | None = None
    """None while it runs; negative: the signal that ended it."""
    ended_by: str | None = None
    """`itself`, or what was done to end it."""
    report: str | None = None
    """The report's path, once there is a whole one."""
    problem: str | None = None
    """Why there is none, for people."""
    output: str = ""
    """The end of what it printed."""
    network: Network = field(default_factory=Network)
    """To whom it spoke."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `as_json` made of one."""
        return cls(**{**data, "network": Network.from_json(data["network"])})

    @property
    def settled(self) -> bool:
        """Whether waiting longer brings no news: it has reported, ended or failed."""
        return self.report is not None or self.exit_status is not None or self.problem is not None


class BotRun:
    """Owns the bot's process. Safe to ask from several threads; it starts at most once.

    Args:
        order: what to run.
        neighbours: what serves which port of this machine, for whoever reads to whom the bot spoke.
    """

    def __init__(self, order: BotOrder, neighbours: Mapping[int, str] | None = None) -> None:
        self.order = order
        self._lock = threading.Lock()
        self._program: Program | None = None
        self._trap: ProxyTrap | None = None
        self._watch = NetworkWatch(self._members, neighbours)
        self._state = BotState()
        self._unreadable = ""

    def start(self) -> BotState:
        """Start the bot, unless it was started before."""
        with self._lock:
            if self._program is None and self._state.problem is None:
                self._start()
        return self.state()

    def _start(self) -> None:
        order = self.order
        rootdir = Path(order.rootdir)
        now = time.time()
        try:
            command = command_for(order.words, order.places, rootdir)
            self._trap = ProxyTrap()
            environ = clean_environment(rootdir, {**order.environ, **self._trap.environ})
            self._program = Program(command, cwd=Path(order.cwd), environ=environ, output=Path(order.output))
            self._watch.start()
        except ProgramError as error:
            self._watch_no_more()
            self._state = BotState(
                command=list(order.words), started_at=now, ended_at=now, problem=f"{order.named_at}: {error}"
            )
            return
        self._state = BotState(command=command, pid=self._program.pid, started_at=now)

    def _members(self, thorough: bool) -> list[int]:
        return [] if self._program is None else self._program.pids(thorough)

    def place(self, caller: Address) -> Future[None]:
        """Find out whether who calls at the bot's exchange belongs to the bot; see `NetworkWatch.place`."""
        return self._watch.place(caller)

    def wait(self, seconds: float) -> BotState:
        """The state as soon as it is settled, at the latest after so many seconds."""
        until = time.monotonic() + seconds
        while not (state := self.state()).settled and time.monotonic() < until:
            time.sleep(POLL_S)
        return state

    def state(self) -> BotState:
        """What is known now."""
        with self._lock:
            if self._program is not None and self._state.ended_at is None:
                self._look(self._program)
            return self._state

    def _look(self, program: Program) -> None:
        status = program.exit_status()
        problem = self._state.problem
        waited = time.time() - self._started_at
        report = self._state.report or self._whole_report(waited, ended=status is not None)
        if status is None and report is None and waited > self.order.timeout_s:
            program.kill(f"it was killed: no report after {self.order.timeout_s:g} s")
            status = program.exit_status()
            late = f"no report after {self.order.timeout_s:g} s ({self.order.timeout_at}){self._unreadable}"
            problem = self._without_report(program, f"{late}, so it was ended")
        if status is not None and report is None and problem is None:
            ended = f"ended with exit status {status} and left no whole report at {self.order.report}"
            problem = self._without_report(program, f"{ended}{self._unreadable}")
        self._set(program, status, report, problem)

    def _without_report(self, program: Program, how: str) -> str:
        said = program.tail()[-SAID:].strip()
        return (
            f"{self.order.named_at}: {how}. It was started as `{shlex.join(program.command)}`. "
            f"It said: …{said or 'nothing'} "
            "Next: run this command by hand and correct what it says; reports/bot.log has all of it."
        )

    @property
    def _started_at(self) -> float:
        return self._state.started_at or 0.0

    def _set(self, program: Program, status: int | None, report: str | None, problem: str | None) -> None:
        if status is not None:
            self._watch_no_more()
        self._state = replace(
            self._state,
            ended_at=None if status is None else time.time(),
            exit_status=status,
            ended_by=program.ended_by,
            report=report,
            problem=problem,
            output=program.tail(),
            network=self._network(),
        )

    def _network(self) -> Network:
        seen = self._watch.seen()
        asked = [] if self._trap is None else self._trap.seen()
        return replace(seen, contacts=[*seen.contacts, *asked])

    def _watch_no_more(self) -> None:
        self._watch.stop()
        if self._trap is not None:
            self._trap.close()

    def _whole_report(self, waited_s: float, *, ended: bool) -> str | None:
        """The report of this run, if it can be read to its end: younger than the start, a JSON object, and final."""
        order = self.order
        pattern = Path(order.report)
        candidates = [pattern] if pattern.is_absolute() else list(Path(order.cwd).glob(order.report))
        times = {path: at for path in candidates if (at := _written_at(path)) is not None}
        started = self._started_at - 1.0  # file systems with coarse times
        fresh = [path for path, at in times.items() if at >= started]
        for path in sorted(fresh, key=lambda one: times[one], reverse=True):
            late_s = times[path] - self._started_at - order.timeout_s
            if late_s > 0:  # whoever asks, and whenever: it is the report's arrival that counts
                self._unreadable = f", but one that came {late_s:.1f} s too late: {path.name}"
                continue
            try:
                data = json.loads(path.read_bytes())
            except (ValueError, OSError, RecursionError) as error:
                self._unreadable = f", but one that cannot be read: {path.name}: {error}"
                continue
            if not isinstance(data, dict) or (order.report == ANYWHERE and data.keys().isdisjoint(REPORT_KEYS)):
                continue  # another file of the bot's
            if ended or _is_final(data, waited_s < order.warm_up_s):
                return str(path)
            self._unreadable = f", but one that is not final (finished_at, summary.status): {path.name}"
        return None

    def finish(self) -> BotState:
        """Let the bot end, and wait until it has."""
        with self._lock:
            program = self._program
        if program is not None:
            program.end(self.order.stop_grace_s)
        return self.state()

    def kill(self) -> None:
        """End the bot at once; for when nobody is there to ask it."""
        with self._lock:
            if self._program is not None and self._program.exit_status() is None:
                self._program.kill("it was killed: the run was over")
                self._watch_no_more()


def _written_at(path: Path) -> float | None:
    """When a file was written (epoch seconds); None for what is no file, or is no more: bots write and rename."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_mtime if stat.S_ISREG(about.st_mode) else None


def _is_final(report: dict[str, Any], warming_up: bool) -> bool:
    """Whether a running bot is done with its report: it says when it ended; `unknown` is waited out at first."""
    metrics = report.get("paper_exchange_metrics")
    summary = metrics.get("summary") if isinstance(metrics, dict) else None
    unknown = isinstance(summary, dict) and summary.get("status") == "unknown"
    return report.get("finished_at") is not None and not (unknown and warming_up)


def as_json(state: BotState) -> dict[str, Any]:
    """The state in a form that travels between processes."""
    return asdict(state)
