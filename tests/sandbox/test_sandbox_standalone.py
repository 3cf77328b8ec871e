"""`kraken-golive sandbox` as its user meets it: what it prints, its ready file, its end, its refusals."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from sandbox_user import DATA, User, post

from pytest_kraken_golive.cli import main
from pytest_kraken_golive.sandbox import AccountSettings

OHLC = DATA / "recorded" / "ohlc_btcusd_60_2026-09-25.json"
if sys.platform == "win32":
    INTERRUPT = signal.CTRL_BREAK_EVENT
else:
    INTERRUPT = signal.SIGINT


class Started:
    """A sandbox program that is up."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.file = folder / "ready.json"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_kraken_golive.cli", "sandbox", "--ready-file", str(self.file), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        until = time.monotonic() + 30
        while not self.file.exists():
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.01)
        self.ready: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))

    def end(self) -> str:
        """Interrupt it; what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(INTERRUPT)
        return self.process.communicate(timeout=30)[0]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    options = ("--port", "0", "--tier", "starter", "--seed", "7", "--prices", f"XBTUSD={OHLC}")
    found = Started(tmp_path_factory.mktemp("standalone"), *options)
    yield found
    found.end()


def test_the_ready_file_tells_all_and_only_to_its_owner(started: Started) -> None:
    assert set(started.ready) == {"url", "admin_url", "api_key", "api_secret", "admin_token", "pid"}
    if sys.platform != "win32":
        assert stat.S_IMODE(started.file.stat().st_mode) == 0o600
        assert started.ready["pid"] == started.process.pid
    assert [path.name for path in started.file.parent.iterdir()] == [started.file.name]


def test_many_clients_are_served_with_the_printed_key(started: Started) -> None:
    url = started.ready["url"]

    def visit(number: int) -> Any:
        with httpx.Client(trust_env=False, timeout=30) as client:
            return [client.get(f"{url}/0/public/Depth?pair=XBTUSD&count={number + 1}").json() for _ in range(5)]

    with ThreadPoolExecutor(16) as pool:
        for number, answers in enumerate(pool.map(visit, range(16))):
            assert [len(answer["result"]["XXBTZUSD"]["asks"]) for answer in answers] == [number + 1] * 5
    user = User(AccountSettings(api_key=started.ready["api_key"], api_secret=started.ready["api_secret"]))
    with httpx.Client(trust_env=False) as client:
        answer = post(client, url, user.call("GetApiKeyInfo")).json()
        assert "withdraw-funds" not in answer["result"]["permissions"]
        headers = {"X-Sandbox-Token": started.ready["admin_token"]}
        assert client.get(started.ready["admin_url"] + "/ready", headers=headers).json()["ready"] is True


def test_its_end_is_clean_even_in_the_middle_of_a_call_and_takes_the_ready_file_along(tmp_path: Path) -> None:
    one = Started(tmp_path, "--port", "0", "--latency-s", "600")
    with socket.create_connection(("127.0.0.1", httpx.URL(one.ready["url"]).port or 0), timeout=30) as waiting:
        waiting.sendall(b"GET /0/public/Time HTTP/1.1\r\nHost: x\r\n\r\n")
        with httpx.Client(trust_env=False, headers={"X-Sandbox-Token": one.ready["admin_token"]}) as client:
            while client.get(one.ready["admin_url"] + "/books?door=main").json()["in_service"] == 0:
                time.sleep(0.01)
        said = one.end()
        with pytest.raises(ConnectionError):
            waiting.recv(1000)
    assert one.process.returncode == 0
    assert "Traceback" not in said
    for value in (one.ready[name] for name in ("url", "admin_url", "api_key", "api_secret")):
        assert value in said
    assert said.splitlines()[-1] == "ready"
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_an_exchange_that_was_killed_goes_at_the_next_start_and_not_if_there_is_none(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    file.write_text("{}", encoding="utf-8")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        refused("--port", str(holder.getsockname()[1]), "--ready-file", str(file))
    assert file.exists()
    # Where the new file would be written first, so that this start ends before it has one.
    (tmp_path / f"ready.json.{os.getpid()}.new").mkdir()
    refused("--port", "0", "--ready-file", str(file))
    assert not file.exists()


def refused(*options: str) -> Result:
    result = CliRunner().invoke(main, ["sandbox", *options])
    assert result.exit_code != 0
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_taken_port_is_named() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        for option in ("--port", "--admin-port"):
            said = refused("--port", "0", option, port).output
            assert f"port {port} on 127.0.0.1" in said
            assert "Next:" in said


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "XBTUSD.csv"
    broken.write_text("1,2,3\n2,zwei,3\n", encoding="utf-8")
    assert f"prices {broken}: row 2: price: expected a number, found 'zwei'" in refused("--prices", str(broken)).output
    assert "no pair 'DOGEUSD'" in refused("--prices", f"DOGEUSD={OHLC}").output
    said = refused("--port", "0", "--ready-file", str(tmp_path / "none" / "ready.json")).output
    assert "ready file" in said
    assert "Next:" in said
    assert "ready\n" not in said
    for options in (("--port", "65536"), ("--tier", "gold"), ("--seed", "x"), ("--latency-s", "-1")):
        assert "Usage:" in refused(*options).output
