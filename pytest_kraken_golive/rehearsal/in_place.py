"""The documents' commands, run in a real deployment: only where somebody armed that, and never left half done.

`env` only shows, and is run unasked. The others write, start or stop: they need `--golive-arm-drills`, and those that
make a deployment in production mode trade need `--golive-arm-orders` as well, with a cap that covers the deployment's
own. Each runs in a session of its own, to its end, whatever becomes of the gate; a rollback is always undone by the
same process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.bot.names import LARGEST_ORDER
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.operations.stop import DRILL
from pytest_kraken_golive.policy import FILE, Policy, is_reference_bot
from pytest_kraken_golive.rehearsal.commands import PRESS_STOP, CommandRun, require_ran
from pytest_kraken_golive.rehearsal.in_place_runner import DONE, Unit, state_of
from pytest_kraken_golive.rehearsal.permit import Permit
from pytest_kraken_golive.rehearsal.program import ProgramError, clean_environment, command_for

FOLDER = "runtime/golive"
"""Where units of commands leave what they printed and how they ended."""
SHOWS, WRITES = frozenset({"env"}), frozenset({"validate"})
"""Commands that change nothing, and that write a file without trading; all others trade, or start what trades."""

_UNDONE: dict[tuple[str, ...], list[tuple[str, ...]]] = {("rollback",): [("rollback",), ("rollback", "--undo")]}
"""What is run as one unit: nobody is left between the two."""
_OWN = ("KRAKEN_", "FF_", "SMC_", "FEATURE_TOGGLES_")
_LOOK_S = 0.05


def ticket_of_real(rootdir: Path, deployment: Path, policy: Policy, entrypoint: str, permit: Permit) -> dict[str, Any]:
    """For a deployment on its own exchange: nothing is copied, made up or started."""
    return {
        "rootdir": str(rootdir),
        "ready_file": str(deployment / FOLDER / "none"),
        "root": str(deployment),
        "judged": str(deployment),
        "issuer": None,
        "central_list": {},
        "accounts": [],
        "own_bot": not is_reference_bot(policy.commands.bot),
        "left_out": [],
        "has_bot": False,
        "stage": "production",
        "entrypoint": entrypoint,
        "permit": permit.data(),
    }


class InPlaceCommands:
    """A real deployment's commands as checks see them; each is run once, by the first who asks.

    Args:
        root: the deployment.
        rootdir: the project, whose commands they are.
        policy: names them.
        permit: what may be done.
        entrypoint: which one goes live.
        settings: the deployment's variables.
        tell: says something to the person who waits.
    """

    def __init__(
        self,
        root: Path,
        rootdir: Path,
        policy: Policy,
        permit: Permit,
        *,
        entrypoint: str,
        settings: Callable[[], LiveSettings],
        tell: Callable[[str], None],
    ) -> None:
        self.root = root
        self._rootdir = rootdir
        self._policy = policy
        self._entrypoint = entrypoint
        self._permit = permit
        self._settings = settings
        self._tell = tell
        self._done: dict[tuple[str, ...], CommandRun] = {}

    def __repr__(self) -> str:
        return f"InPlaceCommands({self.root.name})"

    @property
    def may_drill(self) -> bool:
        """Whether deploy, rollback and stop are run."""
        return self.why_not("deploy") is None

    @property
    def how_to_drill(self) -> str:
        """What would let this run do it."""
        why = self.why_not("deploy")
        return "" if why is None else f" Or: {why}"

    def why_not(self, name: str) -> str | None:
        """Why a command is not run, and what would change that; None where it is."""
        if name in SHOWS:
            return None
        arm = "arm the drills with --golive-arm-drills"
        if name in WRITES:
            return None if self._permit.drills else f"{arm}."
        try:
            why = self._why_not_trade(self._settings())
            return why if self._permit.drills else f"{arm}{'.' if why is None else f', and: {why}'}"
        except (Fault, NotProven) as error:
            return f"correct the settings first: {error}"

    def _why_not_trade(self, settings: LiveSettings) -> str | None:
        """Why real orders of the deployment's own programs are not armed; None where they are, or cannot be real."""
        if settings.mode.value != "production":
            return None
        own, cap_usd = settings.arming, self._permit.cap_usd
        if not self._permit.real:
            return (
                f"it would trade in production ({settings.mode.where}), and this run's exchange is the embedded one: "
                "--kraken=real --golive-arm-orders MAX_NOTIONAL_USD."
            )
        if cap_usd is None:
            return "it trades: arm orders too, with --golive-arm-orders MAX_NOTIONAL_USD."
        if own is None:
            return f"set {LARGEST_ORDER}, the deployment's own cap."
        if own.max_notional_usd > cap_usd:
            place = settings.variables.place(LARGEST_ORDER)
            return (
                f"{place} allows orders of {own.max_notional_usd} USD, and this run only {cap_usd} USD: "
                "lower the one, or raise --golive-arm-orders."
            )
        return None

    def run(self, name: str, *arguments: str, again: bool = False) -> CommandRun:
        """Run a command to its end, or tell of its run if it has run with these arguments before.

        Raises:
            NotProven: nobody armed it, it could not be started, or it hung.
        """
        why = self.why_not(name)
        if why is not None:
            raise NotProven(
                f"{self.root}: nothing of a real deployment is started, stopped or written to, so the command {name} "
                f"was not run. Next: run it there by hand, which leaves a record that counts, or {why}"
            )
        key = (name, *arguments)
        if again or key not in self._done:
            unit = _UNDONE.get(key, [key])
            for step, run in zip(unit, self._run(unit), strict=True):
                self._done[step] = run
        return require_ran(name, self._done[key])

    def _run(self, unit: Sequence[tuple[str, ...]]) -> list[CommandRun]:
        started = time.time()
        try:
            commands = [self._command(step) for step in unit]
        except ProgramError as error:
            return [CommandRun(list(step), problem=str(error), started_at=started, ended_at=started) for step in unit]
        own = {name: text for name, text in os.environ.items() if name.startswith(_OWN)}
        keys = json.dumps(self._policy.licence.issuer_keys)
        environ = clean_environment(self._rootdir, {**own, ISSUER_KEYS: keys, DRILL: "1"})
        if unit[0][0] in SHOWS:
            return [self._show(commands[0], environ)]
        folder = self.root / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(started))}-{unit[0][0]}-{uuid.uuid4().hex[:6]}"
        order = Unit(
            commands,
            str(self.root),
            timeout_s=self._policy.service.drill_timeout_s,
            waits_for_order=unit[0][0] == "stop",
            result=str(folder / f"{name}.json"),
        )
        return _to_the_end(order, environ, self._tell)

    def _command(self, step: tuple[str, ...]) -> list[str]:
        name, *arguments = step
        known = {each: list(command.run) for each, command in self._policy.commands.live().items()}
        press = [sys.executable, "-m", "pytest_kraken_golive.rehearsal.press_stop", "{config}", *known["deploy"]]
        words = {**known, PRESS_STOP: press}[name]
        config = self.root / "config" / "runtime.yaml"
        report = self.root / "reports" / "paper_report.json"
        places = {
            "mode": "live",
            "entrypoint": self._entrypoint,
            "config": str(config),
            "report": str(report),
        }
        return command_for([*words, *arguments], places, self._rootdir)

    def _show(self, command: list[str], environ: dict[str, str]) -> CommandRun:
        started, limit_s = time.time(), self._policy.service.drill_timeout_s
        try:
            done = subprocess.run(  # noqa: S603 - the policy's own command, without a shell
                command,
                cwd=self.root,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            problem = f"it cannot be run ({error.strerror if isinstance(error, OSError) else f'over {limit_s:g} s'})"
            return CommandRun(command, problem=problem, started_at=started, ended_at=time.time())
        output = done.stdout.decode("utf-8", errors="replace")
        return CommandRun(command, done.returncode, output, started, time.time())

    def close(self) -> None:
        """Nothing: what was started ends by itself, or is meant to stay."""


def _to_the_end(unit: Unit, environ: dict[str, str], tell: Callable[[str], None]) -> list[CommandRun]:
    """Run a unit in a process of its own, and wait for its end; Ctrl-C waits too, once."""
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    runner = subprocess.Popen(
        [sys.executable, "-m", "pytest_kraken_golive.rehearsal.in_place_runner"],
        cwd=unit.root,
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **apart,
    )
    assert runner.stdin is not None
    runner.stdin.write(json.dumps(asdict(unit)).encode())
    runner.stdin.close()
    interrupted: KeyboardInterrupt | None = None
    while runner.poll() is None:
        try:
            time.sleep(_LOOK_S)
        except KeyboardInterrupt as error:
            told = f"{' '.join(unit.commands[0])}: runs in {unit.root}"
            if interrupted is not None:
                tell(f"\n{told}, and ends by itself; see {unit.result}")
                raise
            interrupted = error
            tell(f"\n{told}; it is not left half done: waiting for its end (again: do not wait)")
    if interrupted is not None:
        tell(f"{unit.root}: {state_of(Path(unit.root))}")
        raise interrupted
    return _results(unit)


def _results(unit: Unit) -> list[CommandRun]:
    try:
        data = json.loads(Path(unit.result).read_bytes())
        runs = [CommandRun(**run) for run in data["runs"]]
        whole = data["state"] == DONE and len(runs) == len(unit.commands)
    except (OSError, ValueError, KeyError, TypeError) as error:
        runs, whole = [], False
        said = str(error)
    else:
        said = "it is not whole"
    if whole:
        return runs
    problem = f"its result cannot be read ({said}). {state_of(Path(unit.root))} See {unit.result} and {FILE} commands"
    return [CommandRun(command, problem=problem) for command in unit.commands]
