"""The page through Streamlit's own test kit."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from watched import deployment, traded, verdict

pytest.importorskip("streamlit", reason="the extra dashboard is not installed")

from pytest_kraken_golive.dashboard.kit import Look, OpenPage
from pytest_kraken_golive.dashboard.wording import as_read, verbatim


@pytest.fixture
def now() -> float:
    return time.time()


def page(root: Path, now: float, failing: int = 0, policy: str = "", latency_s: float = 0.08) -> Path:
    events = traded("kraken", 100, now - 6100, failing=failing, latency_s=latency_s)
    return deployment(root, now, events, policy)


def no_crash(look: Look) -> Look:
    assert not look.crashes
    assert look.title == "Exchanges"
    assert look.buttons[0] == "Stop trading …"
    return look


def test_all_is_well(tmp_path: Path, now: float) -> None:
    config = page(tmp_path, now)
    verdict(tmp_path, now)
    look = no_crash(OpenPage(config).look())
    kraken = look.figures["kraken"]
    assert kraken["Success rate (filled of ended orders)"] == "✔ 100.00 %"
    assert kraken["Order latency p95"] == "✔ 80.0 ms"
    assert kraken["Time to fill (mean)"] == "✔ 2.50 s"
    assert kraken["Fee accuracy (assumed against charged)"] == "✔ 0.0100 pp"
    assert kraken["Order latency p99"] == "? no data"  # 100 samples say nothing of it
    assert look.charts == 2
    assert look.alerts == []
    assert [text.split(" —")[0] for text in look.praise] == ["**✔ GO FOR PRODUCTION**", "**✔ NONE**"]


def test_what_is_outside_of_its_limit_is_an_alert(tmp_path: Path, now: float) -> None:
    config = page(tmp_path, now, 50, "alerts: {success_rate_min: 0.6, latency_p95_max_s: 0.01}\n")
    look = no_crash(OpenPage(config).look())
    assert look.figures["kraken"]["Success rate (filled of ended orders)"] == "✘ 50.00 %"
    assert look.figures["kraken"]["Accepted by the exchange"] == "✔ 100.00 %"
    assert "by_exchange.kraken.success_rate: expected >= 0.6, found 0.5" in " ".join(look.alerts)
    assert "latency.p95: expected <= 0.01" in " ".join(look.alerts)
    assert not look.praise


def test_old_figures_are_no_good_figures(tmp_path: Path, now: float) -> None:
    config = page(tmp_path, now - 4000)
    look = no_crash(OpenPage(config).look())
    assert look.figures["kraken"]["Success rate (filled of ended orders)"] == "~ 100.00 %"
    assert "STALE" in " ".join(look.alerts)


def test_an_exchange_without_figures_is_no_data(tmp_path: Path, now: float) -> None:
    look = no_crash(OpenPage(page(tmp_path, now, policy="exchanges: {kraken: a, other: b}\n")).look())
    assert set(look.figures["other"].values()) == {"? no data"}
    assert "other: no figures" in " ".join(look.alerts)


DAMAGE = {
    "absent": None,
    "empty": b"",
    "torn": b'{"by_exchange": {"kraken": {"succ',
    "utf-16": '{"by_exchange": {}}'.encode("utf-16"),
    "binary": bytes(range(256)) * 20,
    "another shape": b'{"by_exchange": [1], "generated_at": {}, "verdict": {"GO": 1}}',
    "nested": b'{"by_exchange": {"kraken": {"place_order": [], "success_rate": true, "avg_fill_time_s": "2"}}}',
    "a list": b"[" * 100_000,
    "NaN": b'{"by_exchange": {"kraken": {"success_rate": NaN}}}',
    "hostile": b'{"by_exchange": {":red[<img src=x onerror=alert(1)>] $x$ # `": {"success_rate": "<b>"}}}',
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_no_file_breaks_the_page_or_makes_it_green(tmp_path: Path, now: float, damage: str) -> None:
    config = page(tmp_path, now)
    (tmp_path / "reports").mkdir()
    files = ["runtime/metrics_trading.json", "runtime/events.jsonl", "runtime/benchmark_results.json"]
    data = DAMAGE[damage]
    for name in [*files, "reports/verdict.json"]:
        (tmp_path / name).unlink(missing_ok=True)
        if data is not None:
            (tmp_path / name).write_bytes(data)
    look = no_crash(OpenPage(config).look())
    assert not look.praise
    assert len(look.alerts) >= 3
    assert not any(text.startswith("✔") for column in look.figures.values() for text in column.values())


def test_a_folder_or_a_giant_in_its_place(tmp_path: Path, now: float) -> None:
    config = page(tmp_path, now)
    metrics = tmp_path / "runtime" / "metrics_trading.json"
    with metrics.open("wb") as file:
        file.truncate(10**10)  # sparse
    assert "expected at most" in " ".join(no_crash(OpenPage(config).look()).alerts)
    metrics.unlink()
    metrics.mkdir()
    (tmp_path / "runtime" / "events.jsonl").unlink()
    (tmp_path / "runtime" / "events.jsonl").mkdir()
    look = no_crash(OpenPage(config).look())
    assert "found a directory" in " ".join(look.alerts)
    assert not look.praise


def test_limits_that_cannot_be_read_make_nothing_good(tmp_path: Path, now: float) -> None:
    look = no_crash(OpenPage(page(tmp_path, now, policy="alerts: {success_rate_min: high}\n")).look())
    assert "config/golive.yaml:1 alerts.success_rate_min" in " ".join(look.alerts)
    assert not look.praise
    assert not any(text.startswith("✔") for text in look.figures["kraken"].values())


def test_benchmark_and_ladder(tmp_path: Path, now: float) -> None:
    config = page(tmp_path, now)
    benchmark: dict[str, Any] = {"place_order": {"samples": 300, "p50_s": 0.004, "p99_s": None}}
    benchmark["volume_ladder"] = {
        "rungs": [{"volume": "0.0001", "p95_s": 0.01}, {"volume": "0.001", "stopped": "slow"}]
    }
    data = {"generated_at": "2026-01-01T00:00:00+00:00", "by_exchange": {"kraken": benchmark}}
    (tmp_path / "runtime" / "benchmark_results.json").write_text(json.dumps(data), encoding="utf-8")
    no_crash(OpenPage(config).look())


STOP = """
import os, pathlib, sys
pathlib.Path("stopped").write_text(sys.argv[1])
print("with the secret", os.environ.get("KRAKEN_API_SECRET"))
sys.exit(int(sys.argv[2]))
"""


@pytest.mark.parametrize(("status", "answer"), [(0, "✔ STOPPED"), (1, "✘ NOT STOPPED")])
def test_the_button_stops_after_it_has_asked(
    tmp_path: Path, now: float, monkeypatch: pytest.MonkeyPatch, status: int, answer: str
) -> None:
    (tmp_path / "stop.py").write_text(STOP, encoding="utf-8")
    policy = f'commands: {{stop: [stop.py, "{{config}}", "{status}"]}}\n'
    config = page(tmp_path, now, policy=policy)
    monkeypatch.setenv("KRAKEN_API_SECRET", "c2VjcmV0LW9mLXRoZS1ib3Q=")
    stopped = tmp_path / "stopped"
    opened = OpenPage(config)
    asked = opened.ask_to_stop()
    assert "Really stop?" in " ".join(asked.alerts)
    assert not stopped.exists()
    assert no_crash(opened.refuse_stop()).buttons == ["Stop trading …"]
    assert not stopped.exists()
    opened.ask_to_stop()
    look = no_crash(opened.confirm_stop())
    assert stopped.read_text() == str(config)
    assert answer in " ".join([*look.praise, *look.alerts])
    assert "c2VjcmV0" not in str(look)
    assert f"exit status {status}" in str(look)


def test_a_stop_command_that_is_not_there(tmp_path: Path, now: float) -> None:
    opened = OpenPage(page(tmp_path, now, policy="commands: {stop: [no-such-program-xyz]}\n"))
    opened.ask_to_stop()
    assert "NOT STOPPED" in " ".join(no_crash(opened.confirm_stop()).alerts)


@pytest.mark.parametrize("text", ["a_b *c* $d$ :red[e] [f](g) <b> # - 1. \\ `h` ~i~ | j", ""])
def test_texts_are_shown_as_they_are(text: str) -> None:
    assert as_read(verbatim(text)) == text
