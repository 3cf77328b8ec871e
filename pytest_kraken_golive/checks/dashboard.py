"""The dashboard's page compares the exchanges; judged with Streamlit's own test kit, and really served."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from pytest_kraken_golive.checks.dashboard_breaks import BREAKS
from pytest_kraken_golive.contract import Evidence, NotProven, check
from pytest_kraken_golive.dashboard.extra import require_extra
from pytest_kraken_golive.dashboard.sources import METRICS
from pytest_kraken_golive.deployment.documents import Document, load_json
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.policy import FILE as POLICY
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.program import Program, clean_environment

PATIENCE_S = 60.0
GRACE_S = 5.0

COMPARED = {
    "success_rate": "Success rate",
    "place_order.latency.p50": "latency p50",
    "place_order.latency.p95": "latency p95",
    "avg_fill_time_s": "Time to fill",
    "fee_accuracy.mean_abs_pct": "Fee accuracy",
}
"""Key path of a figure, and words of its name on the page."""

UNITS = {"%": 0.01, "ms": 0.001, "s": 1.0, "pp": 1.0}
_SHOWN = re.compile(r"([0-9]+(?:\.[0-9]+)?) (%|ms|s|pp)\Z")

Look = Mapping[str, Any]
"""`dashboard.kit.Look` as JSON."""


@check("dashboard_page", breaks=BREAKS, after=["service_active", "metrics_and_audit", "controlled_stop"])
def dashboard_page(
    deployment: Deployment,
    policy: Policy,
    golive_project: Path,
    evidence: Evidence,
    *,
    page: str = "Exchanges",
) -> None:
    """A page compares success rate, latency, time to fill and fee accuracy per exchange."""
    require_extra()
    metrics = load_metrics(deployment)
    with tempfile.TemporaryDirectory(prefix="dashboard-", ignore_cleanup_errors=True) as folder:
        environ = clean_environment(golive_project, {})
        server = _Served(deployment, environ, Path(folder))
        try:  # while it comes up, the same page is looked at
            whole, frozen, empty = _look_at(deployment, metrics, environ, Path(folder))
            require_page(whole, page, evidence)
            require_comparison(frozen, metrics, policy.exchanges, evidence)
            require_alert_without_metrics(empty, evidence)
            server.require_answers(evidence)
        finally:
            server.end()
        server.require_gone(evidence)


def load_metrics(deployment: Deployment) -> Document:
    """The figures that there are to compare.

    Raises:
        NotProven: there are none.
        Fault: the file is broken.
    """
    try:
        return load_json(deployment.root / METRICS, METRICS)
    except NotProven as error:
        said = str(error).removeprefix(f"{METRICS}: ").partition(". Next: ")[0]
        raise NotProven(
            f"{METRICS}: expected figures to compare, found none ({said}). "
            "Next: deploy the live service, which writes them."
        ) from error


def require_page(look: Look, title: str, evidence: Evidence) -> None:
    """The page comes up, under its name, with a stop button."""
    evidence.record("dashboard", look["title"], key="title")
    evidence.record("dashboard", look["alerts"], key="alerts")
    assert not look["crashes"], f"dashboard: the page breaks down: {look['crashes'][0]}. Next: report it with the file."
    assert look["title"] == title, (
        f"dashboard title: expected {title!r}, found {look['title']!r}. Next: name the page so."
    )
    assert any("Stop" in label for label in look["buttons"]), (
        f"dashboard: expected a stop button, found the buttons {look['buttons']}. Next: put one there."
    )


def require_comparison(look: Look, metrics: Document, exchanges: Mapping[str, str], evidence: Evidence) -> None:
    """Every figure of every exchange stands on the page, and is the one of the file."""
    if not exchanges:
        raise NotProven(f"{POLICY} exchanges: expected exchanges to compare, found none. Next: name them.")
    for exchange in exchanges:
        shown = look["figures"].get(exchange, {})
        for path, words in COMPARED.items():
            place = f"{METRICS} by_exchange.{exchange}.{path}"
            cells = [text for name, text in shown.items() if words.casefold() in name.casefold()]
            assert cells, f"dashboard: expected {words} of {exchange}, found no such figure. Next: show it."
            _require_same(cells[0], _at(metrics.data, f"by_exchange.{exchange}.{path}"), place, words)
            evidence.record("dashboard", cells[0], key=f"{exchange}.{words}")


def require_alert_without_metrics(look: Look, evidence: Evidence) -> None:
    """Without metrics the page raises an alert, and praises nothing."""
    said = [text for text in look["alerts"] if "NO DATA" in text]
    evidence.record("dashboard", said, key="alerts", note="a deployment without metrics")
    assert not look["crashes"], (
        f"dashboard without metrics: the page breaks down: {look['crashes'][0]}. Next: report it."
    )
    assert said, f"dashboard without metrics: expected the alert NO DATA, found {look['alerts']}. Next: raise it."
    assert not look["praise"], f"dashboard without metrics: expected nothing in green, found {look['praise']}."


def _require_same(cell: str, value: Any, place: str, words: str) -> None:
    if "no data" in cell:
        raise NotProven(f"{place}: expected {words} on the page, found {cell!r}. Next: let the bot trade there.")
    found = _SHOWN.search(cell)
    assert found, f"{place}: expected {words} as a number on the page, found {cell!r}. Next: see what writes it."
    number, unit = found.groups()
    digits = len(number.partition(".")[2])
    close = 0.5000001 * 10**-digits * UNITS[unit]
    assert type(value) in (int, float), f"{place}: expected a number, found {value!r}; the page shows {cell!r}."
    assert abs(float(number) * UNITS[unit] - value) <= close, (
        f"{place}: expected the page to show {value:g}, found {cell!r}. Next: report it with the file."
    )


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _look_at(deployment: Deployment, metrics: Document, environ: Mapping[str, str], folder: Path) -> list[Look]:
    """The page of the deployment, of its metrics as they were read (the bot may be writing on), and of no metrics."""
    roots = [folder / "frozen", folder / "empty"]
    for root in roots:
        (root / "config").mkdir(parents=True)
        (root / "runtime").mkdir()
        if (deployment.root / POLICY).is_file():
            shutil.copy(deployment.root / POLICY, root / POLICY)
    (roots[0] / METRICS).write_text(json.dumps(metrics.data), encoding="utf-8")
    answer = folder / "looks.json"
    configs = [deployment.runtime_path, *(root / "config" / "runtime.yaml" for root in roots)]
    words = [sys.executable, "-m", "pytest_kraken_golive.dashboard.kit", *map(str, configs), str(answer)]
    kit = Program(words, cwd=folder, environ=environ, output=folder / "kit.log")
    try:
        status = kit.wait(PATIENCE_S)
    except subprocess.TimeoutExpired as error:
        raise NotProven(
            f"dashboard: the page was not drawn within {PATIENCE_S:g} s. Next: see what holds it up."
        ) from error
    finally:
        kit.end(GRACE_S)
    if status != 0 or not answer.is_file():
        raise NotProven(f"dashboard: Streamlit's test kit ended with {status}: {kit.tail()}. Next: see what it says.")
    looks: list[Look] = json.loads(answer.read_text(encoding="utf-8"))
    return looks


class _Served:
    """The dashboard's own command, on a free port of this machine."""

    def __init__(self, deployment: Deployment, environ: Mapping[str, str], folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        words = ["dashboard", "--port", str(self._port), "--config", str(deployment.runtime_path)]
        self._program = Program(
            [sys.executable, "-m", "pytest_kraken_golive.cli", *words],
            cwd=folder,
            environ=environ,
            output=folder / "server.log",
        )
        self._members: list[psutil.Process] = []

    def require_answers(self, evidence: Evidence) -> None:
        """Its health is ok, its page is there, and only this machine can reach it."""
        with httpx.Client(base_url=self.url, trust_env=False, timeout=GRACE_S) as client:
            health = self._health(client)
            answer = client.get("/")
        evidence.record(self.url, health, key="/_stcore/health")
        assert health == "ok", f"{self.url}/_stcore/health: expected ok, found {health!r}. Next: see its output."
        kind = answer.headers.get("content-type", "")
        evidence.record(self.url, f"{answer.status_code} {kind}", key="/")
        assert answer.status_code == httpx.codes.OK, f"{self.url}/: expected 200, found {answer.status_code}."
        assert kind.startswith("text/html"), f"{self.url}/: expected a page, found {kind!r}."
        self._members = self._program.members()
        doors = {one.laddr.ip for each in self._members for one in each.net_connections() if one.status == "LISTEN"}
        evidence.record(self.url, doors, key="listens at")
        assert doors <= {"127.0.0.1"}, f"{self.url}: expected to listen at 127.0.0.1 only, found {sorted(doors)}."

    def _health(self, client: httpx.Client) -> str:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            status = self._program.exit_status()
            if status is not None:
                raise AssertionError(
                    f"kraken-golive dashboard: expected it to serve, found exit status {status}: {self._program.tail()}"
                )
            try:
                return client.get("/_stcore/health").text
            except httpx.TransportError:
                time.sleep(0.05)
        raise NotProven(f"{self.url}: no answer within {PATIENCE_S:g} s. Next: see what holds the dashboard up.")

    def end(self) -> None:
        """Ask it to end: it has no standard input that it listens to, so the first request gets little time."""
        with contextlib.suppress(psutil.Error):  # it has ended
            psutil.Process(self._program.pid).terminate()
        self._program.end(GRACE_S)

    def require_gone(self, evidence: Evidence) -> None:
        """Nothing of it lives, and nobody answers at its port."""
        left = [one.pid for one in self._members if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        with socket.socket() as probe:
            probe.settimeout(GRACE_S)
            answers = probe.connect_ex(("127.0.0.1", self._port)) == 0
        evidence.record(self.url, {"processes": left, "answers": answers}, key="after its end")
        assert not left, f"kraken-golive dashboard: expected nothing of it to live on, found the processes {left}."
        assert not answers, f"{self.url}: expected nobody there after its end, found an answer."
