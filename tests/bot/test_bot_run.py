"""The bot as a process, in a deployment of its own, against an exchange on loopback."""

from __future__ import annotations

import json
import re
import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import key_fingerprint
from pytest_kraken_golive.sandbox import AccountSettings, FaultSettings, SandboxServer

if TYPE_CHECKING:
    from bot_fixtures import BotFolder, Finished


pytest_plugins = ["bot_fixtures"]

BRIEF = {"KRAKEN_GOLIVE_RUN_S": "0.1", "KRAKEN_GOLIVE_WARM_UP_S": "0"}


def test_a_good_run_ends_with_success(finished: Finished) -> None:
    assert finished.output == "paper run: success; report: reports/paper_kraken_desktop_paper.json\n"
    assert finished.code == 0
    assert finished.report["status"] == "success"
    assert finished.report["errors"] == []
    assert finished.report["warnings"] == []


def test_the_report_has_every_key_and_names_its_run(finished: Finished) -> None:
    report = finished.report
    assert set(report) == {
        *("mode", "entrypoint", "config_path", "started_at", "finished_at", "status", "errors", "warnings"),
        *("validation", "checkpoint", "metrics_endpoint", "decision_events", "guardrails", "paper_exchange_metrics"),
        *("config_sha256", "bot_version", "run_id", "io_queue"),
    }
    assert (report["mode"], report["entrypoint"]) == ("paper", "kraken_desktop_paper")
    assert report["config_path"] == "config/runtime.yaml"
    assert report["config_sha256"] == Deployment(finished.folder.root).config_sha256
    started, ended = (datetime.fromisoformat(report[name]) for name in ("started_at", "finished_at"))
    assert started.utcoffset() == ended.utcoffset()
    assert started < ended
    assert report["validation"] == {
        "mode": "paper",
        "environment": "kraken_paper",
        "strategy": "top_of_book",
        "risk_profile": "balanced",
        "keychain_key": "kraken_paper_trading",
        "expected_environment": "paper",
        "credentials_validated": True,
        "symbols": ["XBTUSD", "ETHUSD"],
    }
    assert report["checkpoint"] == {
        "phase": "stopped",
        "orders_placed": 6,
        "orders_filled": 2,
        "orders_cancelled": 4,
        "orders_left_open": 0,
    }
    assert report["decision_events"] > 6


def test_both_paper_entrypoints_ran_and_read_ok(finished: Finished) -> None:
    section = finished.report["paper_exchange_metrics"]
    assert set(section) == {"kraken_desktop_paper", "kraken_headless_paper", "summary"}
    summary = section["summary"]
    assert summary["status"] == "ok"
    assert summary["metric_coverage_score"] == summary["threshold_coverage_score"] == 1.0
    assert summary["network_error_severity_totals"] == {"warning": 0, "error": 0, "critical": 0}
    assert section["kraken_headless_paper"]["health_status"] == 1.0


def test_the_exchange_saw_signed_calls_orders_fills_and_an_obeyed_queue(
    finished: Finished, bot_account: AccountSettings
) -> None:
    books = finished.books
    assert (books["concurrency_max"], books["burst_max"]) == (3, 6)
    own = books["keys"][key_fingerprint(bot_account.api_key.get_secret_value())]
    assert own["signed_calls"] >= 12
    assert (own["orders"], own["fills"]) == (6, 2)
    assert books["errors"] == {}
    assert all(order["status"] in {"closed", "canceled"} for order in books["orders"])
    assert finished.report["io_queue"] == {
        "kraken_spot": {
            "max_concurrency": 3,
            "burst": 6,
            "observed_concurrency_max": 3,
            "observed_burst_max": 6,
        }
    }
    read = {"Ticker", "Depth", "OHLC", "Trades", "SystemStatus", "QueryOrders", "OpenOrders"}
    assert read <= set(books["by_endpoint"])


def test_the_guardrail_log_holds_the_marks_of_this_run_and_nothing_else(finished: Finished) -> None:
    lines = finished.folder.log_lines()
    run_id = finished.report["run_id"]
    assert [re.sub(r"^\S+ ", "", line) for line in lines] == [
        f"INFO GUARDRAIL_START run_id={run_id} tags=desktop,paper,kraken",
        f"INFO GUARDRAIL_STOP run_id={run_id} tags=desktop,paper,kraken",
    ]
    guardrails = finished.report["guardrails"]
    assert guardrails["log_directory"] == "logs/guardrails"
    assert guardrails["summary"]["run_id"] == run_id
    assert [record["event"] for record in guardrails["summary"]["log_records"]] == [
        *("GUARDRAIL_START", "GUARDRAIL_STOP"),
    ]


def test_nothing_that_was_written_or_printed_holds_a_secret(finished: Finished, bot_account: AccountSettings) -> None:
    secrets = [bot_account.api_key.get_secret_value(), bot_account.api_secret.get_secret_value()]
    written = [path for path in finished.folder.root.rglob("*") if path.is_file() and "secrets" not in path.parts]
    assert len(written) >= 4
    for text in [finished.output, *(path.read_text(encoding="utf-8") for path in written)]:
        for secret in secrets:
            assert secret not in text


def test_an_error_of_the_exchange_is_counted_once_and_breaches(
    bot_folder: BotFolder, bot_exchange: SandboxServer
) -> None:
    bot_exchange.exchange.install_fault(FaultSettings(kind="http", endpoint="Ticker", status=502))
    bot_exchange.exchange.install_fault(FaultSettings(kind="error", endpoint="Depth", error="EAPI:Rate limit exceeded"))
    code, said = bot_folder.run_here()
    report = bot_folder.report()
    assert (code, report["status"]) == (4, "blocked")
    for name in ("kraken_desktop_paper", "kraken_headless_paper"):
        entry = report["paper_exchange_metrics"][name]
        assert entry["network_errors_by_severity"] == {"warning": 1, "error": 0, "critical": 0}
        assert entry["rate_limited_events"] == 1
        assert entry["status"] == "breached"
    assert "rate_limit_max" in report["warnings"][0]
    assert "network_errors_max" in report["warnings"][1]
    assert "error: paper_exchange_metrics.summary.status: expected ok, found breached" in said


def test_removed_thresholds_are_not_ok(quiet_folder: BotFolder) -> None:
    path = quiet_folder.root / "config/runtime.yaml"
    text = path.read_text(encoding="utf-8")
    head, _, tail = text.rpartition("        thresholds:\n")
    path.write_text(head + tail.split("\n\n", 1)[1], encoding="utf-8")
    code, _ = quiet_folder.run_here(**BRIEF)
    report = quiet_folder.report()
    assert (code, report["status"]) == (4, "blocked")
    assert report["paper_exchange_metrics"]["kraken_desktop_paper"]["status"] == "ok"
    assert report["paper_exchange_metrics"]["kraken_headless_paper"]["status"] == "unknown"
    assert report["paper_exchange_metrics"]["summary"]["threshold_coverage_score"] == 0.5


def test_a_taken_port_is_named_with_its_key(quiet_folder: BotFolder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        quiet_folder.replace("config/runtime.yaml", "port: 0 ", f"port: {port} ")
        result = quiet_folder.run()
    assert result.returncode == 2
    assert re.search(
        rf"^error: config/runtime\.yaml:\d+ observability\.prometheus\.port: expected a free port on 127\.0\.0\.1, "
        rf"found {port}: .*Next: ",
        result.stderr,
    )
    assert quiet_folder.report()["status"] == "error"


def test_unusual_folder_and_report_places_work(quiet_folder: BotFolder, tmp_path: Path) -> None:
    report = tmp_path / "new folder" / "r.json"
    result = quiet_folder.run(
        *("--report", str(report), "--config", str(quiet_folder.root / "config" / "runtime.yaml")),
        cwd=tmp_path,
        **BRIEF,
    )
    assert result.returncode == 0, result.stderr
    assert json.loads(report.read_text(encoding="utf-8"))["config_path"] == "config/runtime.yaml"
    assert not quiet_folder.report_file.exists()
