"""What checks and fixtures hold of a rehearsal: its exchange, its bot, and the process behind both."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.rehearsal.bot_run import BotState
from pytest_kraken_golive.rehearsal.order import (
    BOT_DOOR,
    CHECKS_DOOR,
    LONGEST_WAIT_S,
    LOOPBACK_ONLY,
    TOKEN_HEADER,
    HostOrder,
)
from pytest_kraken_golive.rehearsal.unlicensed import Contrast

READY_WITHIN_S = 60.0


class HostError(Exception):
    """The process behind a rehearsal did not come up or is gone."""


class HostProcess:
    """Owns the process. It ends with its owner: its leash is this process's pipe."""

    def __init__(self, order: HostOrder, log: Path, environ: Mapping[str, str]) -> None:
        self._folder = Path(order.folder)
        self._log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest_kraken_golive.rehearsal.host"],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(environ),
            )
        assert self._process.stdin is not None
        self._process.stdin.write(order.line().encode() + b"\n")
        self._process.stdin.flush()

    def problem(self) -> str | None:
        """Why it is not running, None while it is."""
        status = self._process.poll()
        if status is None:
            return None
        said = self._log.read_text(encoding="utf-8", errors="replace")[-2000:] if self._log.exists() else ""
        return f"the rehearsal's process ended with status {status}: {said.strip() or 'it said nothing'}"

    def stop(self) -> None:
        """Drop the leash and wait until all is cleaned up."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True)
class Addresses:
    """Where a host answers; from its ready file."""

    control_url: str
    admin_url: str
    urls: dict[str, str]
    token: str
    admin_token: str

    @classmethod
    def wait_for(cls, ready_file: Path, process: HostProcess | None) -> Addresses:
        """Read the ready file as soon as it is there.

        Raises:
            HostError: the process ended, or took too long.
        """
        until = time.monotonic() + READY_WITHIN_S
        while not ready_file.exists():
            problem = process.problem() if process else None
            if problem or time.monotonic() > until:
                raise HostError(problem or f"the rehearsal was not ready within {READY_WITHIN_S:g} s")
            time.sleep(0.005)
        ready = json.loads(ready_file.read_text(encoding="utf-8"))
        return cls(ready["control_url"], ready["admin_url"], ready["urls"], ready["token"], ready["admin_token"])

    def __repr__(self) -> str:
        return f"Addresses({self.urls})"


class SandboxHandle:
    """The embedded exchange as tests and checks see it: where it is, what it saw, and trouble on demand."""

    def __init__(self, addresses: Addresses, account: Callable[[], Credentials]) -> None:
        self._addresses = addresses
        self._account = account
        headers = {"X-Sandbox-Token": addresses.admin_token}
        self._http = httpx.Client(
            base_url=addresses.admin_url, headers=headers, trust_env=False, verify=LOOPBACK_ONLY, timeout=30
        )

    def __repr__(self) -> str:
        return f"SandboxHandle({self.url})"

    @property
    def url(self) -> str:
        """Base URL for checks and tests."""
        return self._addresses.urls[CHECKS_DOOR]

    @property
    def bot_url(self) -> str:
        """Base URL for the bot: the same exchange behind a port of its own, so that its calls are told apart."""
        return self._addresses.urls[BOT_DOOR]

    @property
    def doors(self) -> dict[str, str]:
        """Its ports: name to base URL."""
        return dict(self._addresses.urls)

    @property
    def credentials(self) -> tuple[SecretStr, SecretStr]:
        """API key and secret of the account that trades on paper."""
        account = self._account()
        return account.api_key, account.api_secret

    def books(self, door: str = CHECKS_DOOR, window_s: float = 0.1) -> dict[str, Any]:
        """What the exchange booked for one door: requests, errors, concurrency, bursts, orders and fills."""
        return self._ask("GET", "/books", params={"door": door, "window_s": window_s})

    def count(self, endpoint: str) -> int:
        """How often checks have asked an endpoint."""
        return int(self.books()["by_endpoint"].get(endpoint, 0))

    def take_down(self) -> None:
        """Begin to take down, word for word, what checks ask and what they are answered."""
        self._ask("POST", "/transcript", json={"door": CHECKS_DOOR})

    def taken_down(self) -> dict[str, Any] | None:
        """End it, and give what was taken down, see `sandbox.transcript`; None if nobody had begun."""
        taken: dict[str, Any] | None = self._ask("DELETE", "/transcript", params={"door": CHECKS_DOOR})["taken_down"]
        return taken

    def fault(self, kind: str, endpoint: str = "*", times: int | None = 1, **parameters: Any) -> None:
        """Let the next matching requests meet trouble; see `sandbox.settings.FaultSettings`."""
        order = {"door": CHECKS_DOOR, **parameters, "kind": kind, "endpoint": endpoint, "times": times}
        self._ask("POST", "/faults", json=order)

    def open_account(self, name: str, *, limits: bool) -> Credentials:
        """Open another account with a key of its own; without `limits` its calls are not counted."""
        opened = self._ask("POST", "/accounts", json={"name": name, "limits": limits})
        return Credentials(SecretStr(opened["api_key"]), SecretStr(opened["api_secret"]))

    def door_of(self, url: str) -> str | None:
        """The door that is behind a base URL; None where it leads elsewhere."""
        return next((door for door, known in self._addresses.urls.items() if known == url), None)

    def clear_faults(self) -> None:
        """Take all ordered trouble back."""
        self._ask("DELETE", "/faults")

    def close(self) -> None:
        """Close the connection to the admin port."""
        self._http.close()

    def _ask(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise HostError(f"the rehearsal's exchange does not answer ({type(error).__name__})") from error
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise HostError(f"{method} {path} on the exchange's admin port: {answer.status_code} {answer.text[:300]}")
        data: dict[str, Any] = answer.json() if answer.content else {}
        return data


class PaperBot:
    """The bot's run. It is started by the first who asks, once for the whole session."""

    def __init__(self, addresses: Addresses, root: Path, origin: Path | None = None) -> None:
        self.root = root
        """The deployment (or its copy) whose files are looked at."""
        self._origin = origin or root
        headers = {TOKEN_HEADER: addresses.token}
        self._http = httpx.Client(
            base_url=addresses.control_url, headers=headers, trust_env=False, verify=LOOPBACK_ONLY, timeout=120
        )

    def __repr__(self) -> str:
        return f"PaperBot({self.root.name})"

    def start(self) -> BotState:
        """Start it, unless it was started before; does not wait."""
        return self._ask("POST", "/bot/start")

    def run(self) -> BotState:
        """Start it if need be, and wait until it has reported, ended or failed."""
        state = self.start()
        while not state.settled:
            state = self._ask("GET", "/bot", params={"wait_s": LONGEST_WAIT_S})
        return state

    def state(self) -> BotState:
        """What is known now."""
        return self._ask("GET", "/bot")

    def finish(self) -> BotState:
        """Let it end, and wait until it has."""
        self.run()
        return self._ask("POST", "/bot/finish")

    def without_licence(self) -> Contrast:
        """How the same bot ended in a copy of the deployment without licence; it is run once, if it has not been."""
        return Contrast.from_json(self._json("POST", "/bot/unlicensed"))

    def so_far_without_licence(self) -> Contrast | None:
        """The same, if it has been run."""
        data = self._json("GET", "/bot/unlicensed")
        return None if data is None else Contrast.from_json(data)

    def report_path(self) -> Path:
        """The report of this run.

        Raises:
            NotProven: the bot left none; says why.
        """
        state = self.run()
        if state.report is None:
            raise NotProven(state.problem or "the bot left no report. Next: see reports/bot.log.")
        report = Path(state.report)
        return self.root / report.relative_to(self._origin) if report.is_relative_to(self._origin) else report

    def close(self) -> None:
        """Close the connection to the host."""
        self._http.close()

    def _ask(self, method: str, path: str, **arguments: Any) -> BotState:
        return BotState.from_json(self._json(method, path, **arguments))

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        try:
            return self._http.request(method, path, **arguments).raise_for_status().json()
        except httpx.HTTPError as error:
            raise HostError(f"the rehearsal's process does not answer ({type(error).__name__})") from error
