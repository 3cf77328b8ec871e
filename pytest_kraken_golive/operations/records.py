"""What deploy, rollback and stop leave on file: the deploy record, and one record per drill."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pytest_kraken_golive.bot.run_report import bot_version
from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.whole_file import replace_file

DEPLOY_RECORD = "runtime/deploy.json"
DRILLS = ("runtime/drills", "reports/drills")
"""Folders in which drill records are looked for; ours are written to the first."""

DrillKind = Literal["rollback", "undo", "stop", "validate", "bench"]

_HEX = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DeployRecord:
    """The last run of the deploy command."""

    version: str
    """Of the program that was started."""
    config_sha256: str
    """Over the bytes of runtime.yaml and core.yaml."""
    started_at: str
    """When it was started; ISO 8601 with its zone."""
    entrypoint: str
    """What was started."""
    exit_status: int
    """Of the deploy command: 0 only if the service was healthy."""
    pid: int | None
    """Process id of the service; None if it did not come up."""
    health_url: str | None
    """Where it says how it is; None if it did not come up."""
    command: list[str]
    """What was started."""

    @property
    def moment(self) -> datetime:
        """When it was started, aware UTC."""
        return datetime.fromisoformat(self.started_at).astimezone(UTC)

    def write(self, root: Path) -> None:
        """Replace the record as a whole."""
        replace_file(root / DEPLOY_RECORD, json.dumps(asdict(self), indent=2).encode() + b"\n")


def read_deploy_record(root: Path) -> DeployRecord:
    """The deploy record; keys that only our deploy command writes may be missing.

    Raises:
        NotProven: there is none, or version, config digest or time is missing.
        Fault: it is broken.
    """
    data = _read(root / DEPLOY_RECORD, DEPLOY_RECORD, "deploy: kraken-golive deploy, or the project's own command")
    time = data.get("started_at", data.get("time"))
    version = _text(data, "version", DEPLOY_RECORD)
    digest = _text(data, "config_sha256", DEPLOY_RECORD)
    moment = _moment(time, f"{DEPLOY_RECORD} started_at")
    if not _HEX.fullmatch(digest):
        raise _fault(f"{DEPLOY_RECORD} config_sha256", "a SHA-256 in hex", digest)
    status, pid, url = data.get("exit_status"), data.get("pid"), data.get("health_url")
    if type(status) is not int:
        raise _fault(f"{DEPLOY_RECORD} exit_status", "the command's exit status", status)
    if pid is not None and type(pid) is not int:
        raise _fault(f"{DEPLOY_RECORD} pid", "a process id", pid)
    if url is not None and not isinstance(url, str):
        raise _fault(f"{DEPLOY_RECORD} health_url", "a URL", url)
    command = data.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    return DeployRecord(version, digest, moment.isoformat(), str(data.get("entrypoint", "")), status, pid, url, words)


@dataclass(frozen=True)
class DrillRecord:
    """One drill - a rollback, its undoing, a controlled stop - or another command that was really run."""

    kind: str
    """A `DrillKind`."""
    by: str
    """Who did it: `command`, `dashboard`."""
    version: str
    """Of the service that it was done to; before a deploy, of the program that did it."""
    config_sha256: str
    """The configuration of that service."""
    began_s: float
    """Epoch seconds."""
    ended_s: float
    """Epoch seconds."""
    exit_status: int
    """Of the command."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What was seen; see `rollback` and `stop`."""
    file: str = ""
    """Where it stands, relative to the deployment's root."""

    def fact(self, key: str) -> Any:
        """One thing that was seen.

        Raises:
            NotProven: the record does not say it.
        """
        if key not in self.facts:
            raise NotProven(f"{self.file} facts.{key}: expected a value, found none. Next: repeat the drill.")
        return self.facts[key]

    def number(self, key: str) -> float:
        """The same, of a fact that is a finite number.

        Raises:
            NotProven: the record does not say it.
            Fault: it is something else.
        """
        found = self.fact(key)
        if type(found) not in {int, float} or not math.isfinite(found):
            raise Fault(f"{self.file} facts.{key}: expected a number, found {show(found)}. Next: repeat the drill.")
        return float(found)

    def write(self, root: Path) -> None:
        """Put it on file."""
        stamp = datetime.fromtimestamp(self.ended_s, UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        data = {key: value for key, value in asdict(self).items() if key != "file"}
        replace_file(root / DRILLS[0] / f"{stamp}-{self.kind}.json", json.dumps(data, indent=2).encode() + b"\n")


def keep_run(deployment: Deployment, kind: DrillKind, began_s: float, ended_s: float, exit_status: int) -> None:
    """Put the run of another command on file; one of a configuration that cannot be read leaves nothing.

    Raises:
        OSError: it cannot be written.
    """
    try:
        digest = deployment.config_sha256
    except (NotProven, Fault):
        return  # the command says what is wrong
    DrillRecord(kind, "command", bot_version(), digest, began_s, ended_s, exit_status).write(deployment.root)


def drills(root: Path) -> list[DrillRecord]:
    """All drills on file, the oldest first.

    Raises:
        Fault: a record is broken.
    """
    found = []
    for folder in DRILLS:
        for path in sorted((root / folder).glob("*.json")):
            shown = f"{folder}/{path.name}"
            data = _read(path, shown, "repeat the drill")
            try:
                record = DrillRecord(**{**data, "file": shown})
                times = float(record.began_s), float(record.ended_s)
            except (TypeError, ValueError) as error:
                raise _fault(shown, "a drill record", str(error)) from error
            if (
                type(record.exit_status) is not int
                or not isinstance(record.facts, dict)
                or not 0 < times[0] <= times[1]
            ):
                raise _fault(shown, "a drill with its exit status, its times and its facts", data)
            found.append(record)
    return sorted(found, key=lambda record: record.ended_s)


def _read(path: Path, shown: str, step: str) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotProven(f"{shown}: expected a record, found no file. Next: {step}.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise _fault(shown, "a record as JSON", str(error)) from error
    if not isinstance(data, dict):
        raise _fault(shown, "a record as a JSON object", data)
    return data


def _text(data: Mapping[str, Any], key: str, shown: str) -> str:
    if key not in data:
        raise NotProven(f"{shown} {key}: expected a value, found none. Next: let the deploy command write it.")
    if not isinstance(data[key], str) or not data[key].strip():
        raise _fault(f"{shown} {key}", "a text", data[key])
    return str(data[key])


def _moment(value: object, where: str) -> datetime:
    if value is None:
        raise NotProven(f"{where}: expected when it was deployed, found none. Next: let the deploy command write it.")
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _fault(where, "a time with its zone (ISO 8601)", value)
    return moment.astimezone(UTC)


def _fault(where: str, expected: str, found: object) -> Fault:
    return Fault(f"{where}: expected {expected}, found {show(found, 100)}. Next: deploy or drill again.")
