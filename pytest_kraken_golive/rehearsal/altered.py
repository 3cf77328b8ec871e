"""The copies of a deployment that a break may alter: one whose run is over, and one whose run has not begun."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pytest_kraken_golive.deployment.issue import SigningKey, signed, write_signed
from pytest_kraken_golive.rehearsal.copying import copy_tree
from pytest_kraken_golive.rehearsal.order import PAGE_DRILL, ROLLBACK_DRILL
from pytest_kraken_golive.rehearsal.permit import Permit
from pytest_kraken_golive.sandbox.settings import AccountSettings, FaultSettings, SandboxSettings

PARTS = shutil.ignore_patterns(".*.part")
"""Files that a running service is about to replace others with."""


class AlteredCopy:
    """Files below one root, to be sabotaged; implements `contract.Copy`. What a break wants to alter must be there.

    Args:
        root: of the copied deployment.
        rootdir: the project that it was copied from.
    """

    def __init__(self, root: Path, rootdir: Path) -> None:
        self.root = root
        self._rootdir = rootdir

    def edit(self, file: str, key: str, value: object) -> None:
        """Set the key path in a YAML or JSON file; the parents must exist."""

        def put(parent: Any, last: Any) -> None:
            parent[last] = value

        self._change(file, key, put)

    def drop(self, file: str, key: str) -> None:
        """Remove the key path from a YAML or JSON file; it must exist."""

        def take(parent: Any, last: Any) -> None:
            del parent[last]

        self._change(file, key, take)

    def change(self, file: str, act: Callable[[Any], None]) -> None:
        """Alter the data of a YAML or JSON file in place."""
        path = self.root / file
        if path.suffix == ".json":
            data = json.loads(path.read_bytes())
            act(data)
            self.write(file, json.dumps(data, indent=2))
        else:
            data = yaml.safe_load(path.read_bytes())
            act(data)
            self.write(file, yaml.safe_dump(data, sort_keys=False))

    def _change(self, file: str, key: str, act: Callable[[Any, Any], None]) -> None:
        *parents, last = (int(part) if re.fullmatch(r"\d+", part) else part for part in key.split("."))

        def walk(data: Any) -> None:
            for part in parents:
                data = data[part]
            act(data, last)

        self.change(file, walk)

    def replace(self, file: str, old: str, new: str) -> None:
        """Replace text in a file, once; the text must be there."""
        text = (self.root / file).read_bytes().decode()  # as it is: reading as text would translate its line ends
        if old not in text and "\r\n" in text:
            old, new = (re.sub(r"\r?\n", "\r\n", one) for one in (old, new))
        if old not in text:
            raise LookupError(f"{file} does not hold {old!r}")
        self.write(file, text.replace(old, new, 1))

    def write(self, file: str, content: str | bytes) -> None:
        """Write a whole file, with its folder."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, file: str) -> None:
        """Delete a file that exists."""
        (self.root / file).unlink()

    def read(self, file: str) -> str:
        """The text of a file."""
        return (self.root / file).read_text(encoding="utf-8")

    def git(self, *words: str) -> None:
        """Run git in the copy, as somebody who is nobody; it must succeed."""
        git = shutil.which("git")
        if git is None:
            raise LookupError("there is no program git")
        identity = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}  # no hooks, no signing
        subprocess.run(  # noqa: S603 - our own words, without a shell
            [git, *identity, *words], cwd=self.root, env=environ, capture_output=True, check=True
        )

    def set_variable(self, name: str, text: str | None) -> None:
        """Let `.env` set a variable to this text as it stands, or not at all, instead of what it says."""
        kept = [line for line in self.read(".env").splitlines() if not re.match(rf"(export\s+)?{name}\s*=", line)]
        self.write(".env", "\n".join([*kept, *([] if text is None else [f"{name}={text}"]), ""]))

    def take_from_project(self, file: str, content: str | None = None) -> None:
        """Put a file of the project, or other content in its place, into a copy of the project for its own tests."""
        data = (self._rootdir / file).read_bytes() if content is None else content.encode()
        place = self.root.parent / "project" / file
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def files(self, pattern: str) -> list[str]:
        """Files below the root that match, at least one."""
        found = sorted(path.relative_to(self.root).as_posix() for path in self.root.glob(pattern))
        if not found:
            raise LookupError(f"no file matches {pattern!r}")
        return found


class FinishedCopy(AlteredCopy):
    """A copy of a rehearsal whose bot has run: its files, its licence and the central list can be altered.

    Args:
        root: of the copied deployment.
        rootdir: the project.
        issuer: the rehearsal's own issuer, which can sign what was altered.
        central: the central list as it is served.
        drills: where drills were done, as far as that is not the copied deployment; copied when they are altered.
    """

    def __init__(
        self,
        root: Path,
        rootdir: Path,
        issuer: SigningKey,
        central: dict[str, Any],
        drills: Mapping[str, Path] | None = None,
    ) -> None:
        super().__init__(root, rootdir)
        self._drilled_in = drills or {}
        self._issuer = issuer
        self._central = central
        self.drills: dict[str, Path] = {}
        """Roots of the copies of drills that are altered."""
        self.overrides: dict[str, Any] = {}
        """What the altered rehearsal's ticket says instead."""

    @property
    def rolled_back(self) -> AlteredCopy:
        """The copy in which the rollback was drilled."""
        return self._drilled(ROLLBACK_DRILL)

    @property
    def stopped_by_page(self) -> AlteredCopy:
        """The copy in which the dashboard's page stopped the service."""
        return self._drilled(PAGE_DRILL)

    def _drilled(self, place: str) -> AlteredCopy:
        if place not in self._drilled_in:
            return self
        if place not in self.drills:
            self.drills[place] = self.root.with_name(place)
            copy_tree(self._drilled_in[place], self.drills[place], PARTS, living=True)
        return AlteredCopy(self.drills[place], self._rootdir)

    def sign_again(self, file: str, act: Callable[[dict[str, Any]], None]) -> None:
        """Alter the payload of a signed file, and sign it as its issuer would."""
        payload = json.loads(self.read(file))["payload"]
        act(payload)
        write_signed(self.root / file, payload, self._issuer)

    def serve_central(self, act: Callable[[dict[str, Any]], None]) -> None:
        """Alter the payload of the central list of revoked licences, well signed."""
        payload = json.loads(json.dumps(self._central["payload"]))
        act(payload)
        place = self.root.parent / "central.json"
        place.write_text(json.dumps(signed(payload, self._issuer)), encoding="utf-8")
        self.overrides["central"] = str(place)

    def judge_as_real(self) -> None:
        """Let the exchange that plays production be asked as a real one, which keeps no books for us."""
        self.overrides["permit"] = Permit(real=True).data()

    def forget_central(self) -> None:
        """Let the policy name no central list."""
        self.overrides["central"] = None


class PlannedCopy(FinishedCopy):
    """A copy of a rehearsal that has not begun: exchange, account and bot can be altered too."""

    def __init__(
        self, root: Path, rootdir: Path, issuer: SigningKey, central: dict[str, Any], sandbox: SandboxSettings
    ) -> None:
        super().__init__(root, rootdir, issuer, central)
        self._sandbox = sandbox
        self.bot_words: list[str] | None = None
        """The bot's command instead of the policy's."""
        self.bot_environ: dict[str, str] = {}
        """What the bot's environment has in addition."""

    def account(self, name: str) -> AccountSettings:
        """The exchange's account behind a keychain key."""
        return self._sandbox.account(name)

    def order_fault(self, door: str = "bot", **fault: Any) -> None:
        """Trouble from the beginning for requests at a door, the bot's by default; see `FaultSettings`."""
        self._sandbox.faults = [*self._sandbox.faults, FaultSettings(door=door, **fault)]

    def run_liar(self, kind: str) -> None:
        """Let another bot run, one that lies; see `rehearsal.lying_bot`."""
        arguments = ["--mode", "{mode}", "--entrypoint", "{entrypoint}", "--config", "{config}", "--report", "{report}"]
        self.bot_words = [sys.executable, "-m", "pytest_kraken_golive.rehearsal.lying_bot", kind, *arguments]
