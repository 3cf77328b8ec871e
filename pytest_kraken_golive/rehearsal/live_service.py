"""The live service as checks see it: its record, its health, its events and drills, and what the exchange booked of it.

In a rehearsal the documents' own commands start it, roll it back and stop it, in the copy that plays production; in a
real deployment only where that is armed. Else what is on file, and what the service says of itself, is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.operations.health import ask_health, wait_for_resting_order
from pytest_kraken_golive.operations.records import DeployRecord, DrillKind, DrillRecord, drills, read_deploy_record
from pytest_kraken_golive.rehearsal.commands import PRESS_STOP, CommandRun, LiveCommands
from pytest_kraken_golive.rehearsal.handle import SandboxHandle
from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands
from pytest_kraken_golive.rehearsal.order import BOT_DOOR, PAGE_DRILL, ROLLBACK_DRILL
from pytest_kraken_golive.rehearsal.real_exchange import RealExchange, booking
from pytest_kraken_golive.telemetry.events import Event, read_events
from pytest_kraken_golive.telemetry.post_mortem import EVENTS

_ARGUMENTS: dict[DrillKind, tuple[str, ...]] = {"rollback": (), "undo": ("--undo",), "stop": ()}
_SAID = 400
"""Characters of a command's output that a message holds."""
_COMMANDS: dict[DrillKind, str] = {"rollback": "rollback", "undo": "rollback", "stop": "stop"}


def deploy_failed(run: CommandRun) -> str:
    """The message about a deploy command that did not end well, with what it printed last."""
    said = run.output.strip()
    cut = said if len(said) <= _SAID else f"…{said[-_SAID:]}"
    return (
        f"the deploy command: expected exit status 0, found {run.exit_status}. It said: {cut} "
        "Next: correct what it says, or run it by hand to see more."
    )


class LiveService:
    """One deployment's service.

    Args:
        root: the deployment.
        commands: the documents' commands; raises `NotProven` where nothing may be started or stopped.
        exchange: on which the service trades; None where this run does not call it.
        is_rehearsal: whether the deployment is a copy.
        door: through which door of that exchange it trades.
        copies: the services of the copies for drills; where there is none, a drill is done here.
        still: the files are a copy, to which no service writes.
    """

    def __init__(
        self,
        root: Path,
        commands: Callable[[], LiveCommands | InPlaceCommands],
        exchange: Callable[[], SandboxHandle | RealExchange] | None,
        *,
        is_rehearsal: bool,
        door: str = BOT_DOOR,
        copies: Mapping[str, LiveService] | None = None,
        still: bool = False,
    ) -> None:
        self.root = root
        self.is_rehearsal = is_rehearsal
        self._commands = commands
        self._exchange = exchange
        self._door = door
        self._copies = copies or {}
        self._still = still

    @property
    def is_drilled(self) -> bool:
        """Whether this run deploys, rolls back and stops it; else what is on file counts."""
        return self.is_rehearsal or self._commands().may_drill

    @property
    def has_exchange(self) -> bool:
        """Whether this run can ask the exchange on which it trades."""
        return self._exchange is not None

    def worth_s(self, longest_s: float) -> float:
        """How long it is worth waiting for what a service that was just started has yet to do.

        Not at all where it has been running for long, as a real one has, or does not write to these files.
        """
        return longest_s if self.is_drilled and not self._still else 0.0

    @property
    def rolled_back(self) -> LiveService:
        """The service whose rollback is drilled: in a rehearsal that of another copy, else this one."""
        return self._copies.get(ROLLBACK_DRILL, self)

    @property
    def stopped_by_page(self) -> LiveService:
        """The service that the dashboard's page stops: in a rehearsal that of another copy, else this one."""
        return self._copies.get(PAGE_DRILL, self)

    def deployed(self) -> CommandRun | None:
        """The run of the deploy command, by the first who asks; None where it was deployed before.

        Raises:
            NotProven: the command could not be started, or hung.
        """
        return self.run("deploy") if self.is_drilled else None

    def run(self, name: str, *arguments: str) -> CommandRun:
        """One of the documents' commands, run once; errors as of `LiveCommands.run`."""
        return self._commands().run(name, *arguments)

    def record(self) -> DeployRecord:
        """The deploy record; errors as of `read_deploy_record`.

        Raises:
            NotProven: this run deployed, and the command failed before it left a record; says what it said.
        """
        run = self.deployed()
        try:
            return read_deploy_record(self.root)
        except NotProven as error:
            if run is None or run.exit_status == 0:
                raise
            raise NotProven(deploy_failed(run)) from error

    def deployed_version(self) -> str | None:
        """The version on the deploy record; None where nothing was deployed."""
        try:
            return read_deploy_record(self.root).version
        except NotProven:
            return None

    def health(self, url: str | None = None) -> dict[str, Any]:
        """What the service says of itself, at this URL or that of the deploy record; errors as of `ask_health`.

        Raises:
            NotProven: the record has no URL.
        """
        asked = url or self.record().health_url
        if asked is None:
            raise NotProven(
                "runtime/deploy.json health_url: expected where the service says how it is, found none. "
                "Next: let the deploy command write it, or name it as service.health_url in config/golive.yaml."
            )
        return ask_health(asked)

    def events(self, *, since_s: float = 0.0) -> list[Event]:
        """Its events from an epoch second on; errors as of `read_events`."""
        path = self.root / "runtime" / EVENTS
        return [event for event in read_events(path, f"runtime/{EVENTS}", live=True) if event.ts >= since_s]

    def drill(self, kind: DrillKind, by: str = "command") -> tuple[CommandRun | None, DrillRecord]:
        """A drill: in a rehearsal really done, once; elsewhere the newest on file.

        Raises:
            NotProven: none is on file, or the command could not be started.
            Fault: a record is broken.
        """
        run = self._do(kind, by) if self.is_drilled else None
        found = [record for record in drills(self.root) if record.kind == kind and record.by == by]
        if not found:
            said = "" if run is None else f" The command ended with {run.exit_status}: …{run.output[-300:].strip()}"
            words = " ".join(("kraken-golive", _COMMANDS[kind], *_ARGUMENTS[kind]))
            raise NotProven(
                f"runtime/drills: expected a record of the drill {kind!r} by {by}, found none.{said} "
                f"Next: do it on the deployment, or on a copy with the same version and config: {words}."
                f"{'' if self.is_drilled else self._commands().how_to_drill}"
            )
        return run, found[-1]

    def _do(self, kind: DrillKind, by: str) -> CommandRun:
        """Do it now; where nothing runs that the dashboard's button could stop, `press_stop` deploys it once more."""
        self.deployed()
        if by == "dashboard":
            return self.run(PRESS_STOP)
        if kind == "stop" and self.is_rehearsal:  # in place the unit itself waits
            wait_for_resting_order(self.root)
        return self.run(_COMMANDS[kind], *_ARGUMENTS[kind])

    def exchange_books(self, events: Sequence[Event] = ()) -> dict[str, Any]:
        """What the exchange booked for the service's door; see `SandboxHandle.books`.

        Args:
            events: a real exchange is asked for the orders of these alone.

        Raises:
            NotProven: this run does not call it.
            Fault: it cannot be asked.
        """
        if self._exchange is None:
            raise NotProven("the exchange's own books: this run does not call it. Next: --kraken=real.")
        exchange = self._exchange()
        if isinstance(exchange, RealExchange):
            txids = [str(event.payload["txid"]) for event in events if event.payload.get("txid")]
            return {"orders": [booking(txid, order) for txid, order in exchange.orders(txids).items()]}
        return exchange.books(self._door)

    def booked_of(self, prefix: str, since_s: float) -> list[dict[str, Any]] | None:
        """A real exchange's own answer: the account's orders of this prefix since then; None where it is not asked."""
        exchange = None if self._exchange is None else self._exchange()
        return exchange.booked(prefix, since_s) if isinstance(exchange, RealExchange) else None
