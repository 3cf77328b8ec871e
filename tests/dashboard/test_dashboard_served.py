"""The command, really started, in a real browser where there is one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from chromium import PROGRAM, browser
from watched import deployment, traded, verdict

from pytest_kraken_golive.rehearsal.program import clean_environment

streamlit = pytest.importorskip("streamlit", reason="the extra dashboard is not installed")

COMMAND = [sys.executable, "-m", "pytest_kraken_golive.cli", "dashboard"]
STOP = "import pathlib; pathlib.Path('stopped').touch(); print('suspended, 2 orders cancelled')"


@contextmanager
def served(config: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [*COMMAND, "--port", "0", "--config", str(config)]
    environ = {**clean_environment(config.parents[1], {}), "HOME": str(config.parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=config.parents[1]) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[1], process
        finally:
            process.terminate()
            process.wait(timeout=60)


def answer(url: str, **options: str) -> httpx.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return httpx.get(url, headers=options, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < until
            time.sleep(0.05)


def test_it_serves_to_this_machine_and_ends_when_asked_though_nobody_reads(tmp_path: Path) -> None:
    with served(deployment(tmp_path, time.time(), [])) as (url, process):
        assert answer(f"{url}/_stcore/health").text == "ok"
        assert "text/html" in answer(url).headers["content-type"]
        doors = [one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"]
        assert doors == ["127.0.0.1"]
        children = psutil.Process(process.pid).children(recursive=True)
        assert process.stdout is not None
        process.stdout.close()  # the terminal is gone
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) in (0, 1)
        assert not [one for one in children if one.is_running()]
    assert not (tmp_path / ".streamlit").exists()


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--config", "none.yaml"], 2, "expected a file, found none"),
        (["--config", "config/runtime.yaml", "--address", "localhost.example"], 2, "--address"),
        (["--config", "config/runtime.yaml", "--port", "PORT"], 1, "expected a port that is free"),
    ],
)
def test_what_keeps_it_from_serving(tmp_path: Path, words: list[str], status: int, told: str) -> None:
    import socket  # noqa: PLC0415

    deployment(tmp_path, time.time(), [])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [*COMMAND, *(word.replace("PORT", str(taken.getsockname()[1])) for word in words)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, told in done.stdout) == (status, True), done
    assert "Next: " in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium here: the page was not opened in a real browser")
def test_a_person_sees_and_stops_it(tmp_path: Path) -> None:
    now = time.time()
    (tmp_path / "stop.py").write_text(STOP, encoding="utf-8")
    events = [*traded("kraken", 90, now - 5500), *traded("other", 90, now - 5500, latency_s=0.3, failing=60)]
    config = deployment(tmp_path, now, events, "commands: {stop: [stop.py]}\n")
    verdict(tmp_path, now, production_signoff=False)
    profile = tmp_path / "profile"
    profile.mkdir()
    with served(config) as (url, _), browser(profile) as tab:
        assert answer(f"{url}/_stcore/health").text == "ok"
        for width, scheme in ((1280, "light"), (400, "dark")):
            tab.show(url, width=width, height=1900, scheme=scheme)
            tab.wait_for("document.body.innerText.includes('Benchmark and volume ladder')")
            tab.wait_for("document.querySelectorAll('[data-testid=stVegaLiteChart] svg, canvas').length >= 2")
            tab.picture(tmp_path / f"{scheme}-{width}.png")
            assert tab.value("document.documentElement.scrollWidth") <= width  # nothing sticks out
            light = tab.value("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
            assert (light == "rgb(255, 255, 255)") == (scheme == "light")
        for text in ("GO OF A REHEARSAL", "DEGRADED", "✔ 100.00\u00a0%", "✘ 33.33\u00a0%", "✔ 80.0\u00a0ms"):
            assert text in tab.text().replace("✔\u00a0", "✔ ").replace("✘\u00a0", "✘ "), tab.text()
        tab.click("Stop trading")
        tab.wait_for("document.body.innerText.includes('Really stop?')")
        assert not (tmp_path / "stopped").exists()
        tab.click("Yes, stop trading now")
        tab.wait_for("document.body.innerText.includes('2 orders cancelled')")
        assert (tmp_path / "stopped").exists()
        assert tab.hosts == {"127.0.0.1"}
        assert not tab.errors
