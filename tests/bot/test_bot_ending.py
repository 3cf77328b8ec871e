"""How the process ends: by itself, by the end of its standard input, by a signal, early and late."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from pytest_kraken_golive.sandbox import SandboxServer

if TYPE_CHECKING:
    from bot_fixtures import BotFolder

pytest_plugins = ["bot_fixtures"]

SOON_S = 20.0
BRIEF = {"KRAKEN_GOLIVE_HOLD": "1", "KRAKEN_GOLIVE_RUN_S": "0.1", "KRAKEN_GOLIVE_WARM_UP_S": "0.1"}


@contextmanager
def started(folder: BotFolder, **variables: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        folder.command(),
        cwd=folder.root,
        env=folder.variables(**variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + SOON_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.02)


def health(url: str) -> float:
    with httpx.Client(trust_env=False, timeout=60) as client:
        text = client.get(url).text
    line = next(line for line in text.splitlines() if line.startswith("bot_exchange_health_status{"))
    return float(line.split()[-1])


def test_a_held_run_shows_how_the_exchange_is_now_and_ends_with_its_input(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    with started(bot_folder, **BRIEF) as process:
        until(bot_folder.report_file.exists, process)
        url = bot_folder.report()["metrics_endpoint"]
        before = bot_exchange.exchange.observed("main", 0.1)["requests"]["total"]
        assert health(url) == 1
        assert bot_exchange.exchange.observed("main", 0.1)["requests"]["total"] > before
        bot_exchange.exchange.set_status("maintenance")
        time.sleep(0.6)
        assert health(url) == 0
        _, errors = process.communicate(timeout=SOON_S)
    assert (process.returncode, errors) == (0, "paper run: success; report: reports/paper_kraken_desktop_paper.json\n")
    assert bot_folder.report()["status"] == "success"
    with pytest.raises(httpx.ConnectError):
        health(url)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process could handle")
def test_a_held_run_ends_with_its_own_exit_status_on_a_signal(quiet_folder: BotFolder) -> None:
    with started(quiet_folder, **BRIEF) as process:
        until(quiet_folder.report_file.exists, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SOON_S) == 0


def cut_short(folder: BotFolder, exchange: SandboxServer, end: Callable[[subprocess.Popen[str]], None]) -> str:
    with started(folder, KRAKEN_GOLIVE_HOLD="1", KRAKEN_GOLIVE_RUN_S="60") as process:
        until(lambda: len(exchange.exchange.observed("main", 0.1)["orders"]) >= 4, process)
        children = psutil.Process(process.pid).children(recursive=True)
        end(process)
        process.wait(SOON_S)
        errors = process.stderr.read() if process.stderr is not None else ""
    assert process.returncode == 2
    assert children == []
    assert [line.split()[2] for line in folder.log_lines()] == ["GUARDRAIL_START", "GUARDRAIL_STOP"]
    statuses = {order["status"] for order in exchange.exchange.observed("main", 0.1)["orders"]}
    assert statuses <= {"closed", "canceled"}
    report = folder.report()
    assert report["status"] == "error"
    assert report["checkpoint"]["phase"] == "trading"
    assert report["checkpoint"]["orders_left_open"] == 0
    assert report["paper_exchange_metrics"]["summary"]["status"] == "ok"
    return errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM that a process could handle")
def test_a_signal_in_the_middle_cancels_what_rests_and_says_so(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    errors = cut_short(bot_folder, bot_exchange, lambda process: process.send_signal(signal.SIGINT))
    assert "error: the run was cut short: signal SIGINT" in errors
    assert "Traceback" not in errors


def test_the_end_of_the_input_in_the_middle_does_the_same(bot_folder: BotFolder, bot_exchange: SandboxServer) -> None:
    def close(process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        process.stdin.close()

    errors = cut_short(bot_folder, bot_exchange, close)
    assert "error: the run was cut short: standard input was closed" in errors
