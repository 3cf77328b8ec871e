"""`config/golive.yaml`: the gate's policy. It belongs to the project that judges, not to what is judged."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.deployment.documents import Document, load_yaml
from pytest_kraken_golive.policy_signers import Signer, SignOff, require_signers
from pytest_kraken_golive.policy_words import explained
from pytest_kraken_golive.telemetry.alerts import AlertThresholds

FILE = "config/golive.yaml"

Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 400, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Command(_Strict):
    """One of the project's own programs. Placeholders: {mode} {entrypoint} {config} {report}."""

    run: list[str] = Field(min_length=1)
    """Program and arguments; no shell. Paths are relative to the project's root."""
    report: str | None = None
    """Where a program without {report} leaves its report: a pattern relative to the deployment's root; unset: any."""


DEFAULT_BOT = Command(
    run=[
        "kraken-golive",
        "bot",
        "--mode",
        "{mode}",
        "--entrypoint",
        "{entrypoint}",
        "--config",
        "{config}",
        "--report",
        "{report}",
    ]
)


_LIVE_WORDS = ("--config", "{config}")


class Commands(_Strict):
    """The programs that the gate runs. Unset: `kraken-golive` with the name of the command."""

    bot: Command | None = None
    """The bot; unset: the reference bot in a rehearsal, no proof for a real deployment."""
    env: Command | None = None
    """Shows mode, address and limits; unset, as with those below: `kraken-golive` and its name."""
    validate_: Command | None = Field(default=None, alias="validate")
    """Tries the connection without orders."""
    bench: Command | None = None
    """Measures."""
    deploy: Command | None = None
    """Starts the service."""
    rollback: Command | None = None
    """Falls back to the old execution path."""
    stop: Command | None = None
    """Suspends trading."""
    dashboard: Command | None = None
    """Serves the dashboard."""

    def live(self) -> dict[str, Command]:
        """The commands of the production side by name."""
        own: dict[str, Command | None] = {
            "env": self.env,
            "validate": self.validate_,
            "bench": self.bench,
            "deploy": self.deploy,
            "rollback": self.rollback,
            "stop": self.stop,
            "dashboard": self.dashboard,
        }
        return {name: command or Command(run=["kraken-golive", name, *_LIVE_WORDS]) for name, command in own.items()}


class Paper(_Strict):
    """How the bot is run on paper."""

    warm_up_s: Seconds = 0.5
    """How long `unknown` is waited out before it counts."""
    run_s: Seconds = 2.0
    """How long the reference bot trades."""
    timeout_s: Seconds = 60.0
    """A bot that has written no report by then hangs, and is ended."""
    stop_grace_s: Seconds = 5.0
    """How long a bot may take to end after it was asked to."""
    burst_window_s: Seconds = 0.1
    """Requests that reach the exchange within so many seconds are one burst."""


class Licence(_Strict):
    """Whose licences count."""

    issuer_keys: dict[str, str] = Field(default_factory=dict)
    """Key id to Ed25519 public key (Base64 of its 32 bytes)."""
    fingerprint_max_age_h: Hours = 24.0
    """An older fingerprint is not current."""


class Revocations(_Strict):
    """Where revoked licences are listed for all."""

    central: str | None = None
    """HTTPS URL or file of the central list, never the deployment's own; unset: not proven."""
    max_age_h: Hours = 24.0
    """An older list is not fresh."""


class RaisedLimit(_Strict):
    """Permission for a bucket that is larger than the runbook's starting values."""

    capacity: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The most tokens that it may hold."""
    fill_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """The most tokens per second that may flow back."""
    measurements: list[str] = Field(min_length=1)
    """Files that justify it, relative to the project's root."""


class Service(_Strict):
    """How the live service is found and judged."""

    active: Literal["http", "pid", "systemd", "command"] = "http"
    """What says that it is active: its health URL, a pid file, its systemd unit, or a command that exits 0."""
    health_url: str | None = None
    """Where it says how it is; unset: what the deploy record says."""
    pid_file: str = "runtime/service.pid"
    """A process id, or JSON with `pid`; relative to the deployment's root."""
    unit: str | None = None
    """The systemd unit."""
    command: list[str] | None = Field(default=None, min_length=1)
    """Program and arguments."""
    logs: list[str] = Field(default=["logs/service*.log*"], min_length=1)
    """Patterns of its logs, relative to the deployment's root."""
    copies: str = "reports/post_mortem"
    """Where dated copies of events and metrics are kept, relative to the deployment's root."""
    drill_max_age_h: Hours = 24.0 * 30
    """An older drill proves nothing any more."""
    drill_timeout_s: Seconds = 300.0
    """A command that takes longer in a real deployment hangs, and is ended."""


class Criticality(_Strict):
    """How long a component may stay rolled back, and how often it may fail before it is."""

    max_s: Seconds
    """Longest roll-back time-out."""
    max_failures: int = Field(default=10, ge=1)
    """Most failures in a row after which it rolls back."""


HOST = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
"""A host name as it stands in a URL, without scheme and port."""


class Kraken(_Strict):
    """Which exchanges are for rehearsals, and how long what they answered counts."""

    sandbox_hosts: list[Annotated[str, Field(pattern=f"^{HOST}$")]] = Field(default_factory=list)
    """Hosts besides loopback that are sandboxes, in lower case. Kraken's own trading hosts never are."""
    recordings_valid_days: Annotated[float, Field(gt=0, le=365, allow_inf_nan=False)] = 30.0
    """An older recording of a remote sandbox fails its line; one of the embedded exchange never expires."""
    record_balances: bool = True
    """False: balances are masked in recordings."""


class Latency(_Strict):
    """How long placing an order may take, without the time that it waits for a bucket of the client's own."""

    p50_max_s: Seconds = 0.1
    """The median."""
    p95_max_s: Seconds = 0.4
    """What one of twenty may exceed."""
    p99_max_s: Seconds | None = 1.5
    """What one of a hundred may exceed; null: nobody asks, and fewer samples will do."""
    samples: Annotated[int, Field(ge=1, le=100_000)] = 299
    """How many orders are measured: p99 takes 299, p95 59."""
    longest_s: Seconds = 20.0
    """When the measurement ends, whatever it has by then; raise it where limits slow the orders down."""


class Ladder(_Strict):
    """How the volume of orders is raised, and what counts as a degradation."""

    rungs: Annotated[int, Field(ge=1, le=20)] = 3
    """How many there are, if none degrades."""
    factor: Annotated[int, Field(ge=2, le=10)] = 2
    """By how much a rung's volume exceeds that of the one below; the first is the pair's minimum."""
    orders: Annotated[int, Field(ge=1, le=50)] = 2
    """Orders of a rung: a buy, a sell, a buy, ..."""
    window_s: Seconds = 30.0
    """How long a rung may take."""
    latency_max_s: Seconds = 1.0
    """The slowest order of a rung."""
    success_min: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """The least share of a rung's orders that are filled."""
    slippage_max_pct: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 0.5
    """How much worse than the best price before it an order may be filled."""


Said = Annotated[str, Field(min_length=1, pattern=r"\S")]
"""Text that says something."""


class Waiver(_Strict):
    """Somebody answers for a line that is not proven; see `signoff.waivers`."""

    line: Said
    """The line's id."""
    reason: Said
    """Why it may be so for a while."""
    approver: Said
    """Who answers for it."""
    ticket: Said
    """Where it is followed up."""
    expires: Any
    """The last day on which it counts, in UTC: `2026-12-31`."""
    digest: str
    """The first 12 or more digits of the line's digest, so that the waiver ends when the line changes."""


class Policy(_Strict):
    """What the gate is told to ask for."""

    paper: Paper = Paper()
    commands: Commands = Commands()
    licence: Licence = Licence()
    revocations: Revocations = Revocations()
    kraken: Kraken = Kraken()
    exchanges: dict[str, str] = Field(default_factory=lambda: {"kraken": "kraken_spot"})
    """Metrics label to adapter and queue: the one map through which both names are compared."""
    limits: dict[Literal["global", "market_data", "order", "order_status"], RaisedLimit] = Field(default_factory=dict)
    """Buckets of the client that may be larger than the runbook's starting values."""
    service: Service = Service()
    criticality: dict[Literal["execution", "poller", "fees"], Criticality] = Field(default_factory=dict)
    """Per component of the feature flags; one that is not named is not proven."""
    alerts: AlertThresholds = AlertThresholds()
    """When somebody must look at the live service's figures."""

    latency: Latency = Latency()
    """Budgets of placing an order."""
    ladder: Ladder = Ladder()
    """The progressive volume."""
    verdict_valid_h: Hours = 24.0
    """How long a verdict counts."""
    signers: dict[str, Signer] = Field(default_factory=dict)
    """Whose signatures count, by the name that commands call them by."""
    sign_off: SignOff = SignOff()
    """Who must sign a run before it counts for production."""
    required: dict[str, list[str]] = Field(default_factory=dict)
    """Runbooks, and the ids of those of their lines that must exist."""
    waivers: list[Waiver] = Field(default_factory=list)
    """Lines that need not be proven for a while."""
    waiver_max_days: Annotated[int, Field(ge=1, le=366)] = 90
    """How far ahead a waiver may end."""
    _written: Document | None = PrivateAttr(default=None)

    def place(self, *path: str) -> str:
        """Where a key is written, as messages name it; without its line where it has its default."""
        return f"{FILE} {'.'.join(path)}" if self._written is None else _place(self._written, path)


def load_policy(rootdir: Path) -> Policy | None:
    """Read `config/golive.yaml` below the rootdir; None where there is none.

    Raises:
        Fault: it cannot be read, or holds an unknown key or a wrong value; names file, line and key.
    """
    path = rootdir / FILE
    if not _is_there(path) and not (path.parent.is_symlink() and not path.parent.exists()):
        return None
    return read_policy(path, FILE)


def read_policy(path: Path, shown: str) -> Policy:
    """Read a policy wherever it is.

    Args:
        path: the file.
        shown: how messages call it.

    Raises:
        Fault: as with `load_policy`; also where there is none.
    """
    try:
        document = load_yaml(path, shown)
    except NotProven as error:
        raise Fault(str(error)) from error
    data = dict(document.data)
    commands = data.get("commands")
    if isinstance(commands, dict):
        data["commands"] = {name: _as_command(document, name, value) for name, value in commands.items()}
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        raise Fault(_explain(document, error)) from error
    policy._written = document
    _require_time_to_run(policy)
    require_signers(policy.signers, policy.sign_off, policy.place)
    return policy


def is_reference_bot(command: Command | None) -> bool:
    """Whether a bot's command starts the reference bot; None is its default."""
    return command is None or command.run[0] == DEFAULT_BOT.run[0]


def _require_time_to_run(policy: Policy) -> None:
    """A reference bot that is ended before it can have reported is a fault of the policy, not of the bot."""
    paper = policy.paper
    needs_s = paper.warm_up_s + paper.run_s
    if not is_reference_bot(policy.commands.bot) or paper.timeout_s > needs_s:
        return
    given = [key for key in ("timeout_s", "run_s", "warm_up_s") if key in paper.model_fields_set]
    place = policy.place("paper", given[0])
    raise Fault(
        f"{place}: expected a timeout_s above {needs_s:g}, for the reference bot warms up for {paper.warm_up_s:g} s "
        f"(warm_up_s) and trades for {paper.run_s:g} s (run_s), found {paper.timeout_s:g}. "
        "Next: raise timeout_s, or lower the others."
    )


def _is_there(path: Path) -> bool:
    """Whether something has that name: a link to nothing, or what may not be looked at, was meant to be a policy."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _as_command(document: Document, name: Any, value: Any) -> Any:
    """A command may be written as a plain list or as one line of words."""
    if not isinstance(value, str):
        return {"run": value} if isinstance(value, list) else value
    try:
        return {"run": shlex.split(value)}
    except ValueError as error:
        path = ("commands", str(name))
        raise Fault(
            f"{_place(document, path)}: {error}, found {show(value)}. "
            "Next: write the command as a list of words, or quote as a shell does."
        ) from error


def _explain(document: Document, refused: ValidationError) -> str:
    error = refused.errors(include_url=False)[0]
    path = tuple(str(part) for part in error["loc"])
    value: Any = error["input"]
    if path[:1] == ("commands",) and path[2:3] == ("run",):
        written = document.at(path[:2]).value
        if not isinstance(written, dict):  # `run` is our own word then
            path = (*path[:2], *(path[3:] if isinstance(written, list) else ()))
            value = value if isinstance(written, list) else written
    return f"{_place(document, path)}: {explained(error, path, value, Policy)}"


def _place(document: Document, path: tuple[str, ...]) -> str:
    """File, line and key; the line is that of the nearest that was written."""
    for length in range(len(path), 0, -1):
        with contextlib.suppress(NotProven, Fault):
            return f"{document.shown}:{document.at(path[:length]).where.line} {'.'.join(path)}"
    return f"{document.shown} {'.'.join(path)}"
