"""`kraken-golive check-report`: a report alone, judged as the gate's lines judge it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from pytest_kraken_golive.cli import main

if TYPE_CHECKING:
    from pytest_kraken_golive.deployment.layout import Deployment
    from pytest_kraken_golive.deployment.paper_report import PaperReport
    from pytest_kraken_golive.rehearsal.handle import PaperBot

Judge = Callable[[Any], Result]

METRICS = "paper_exchange_metrics"


@pytest.fixture
def written(paper_report: PaperReport, paper_bot: PaperBot) -> dict[str, Any]:
    """What the reference bot wrote at the end of its run."""
    data: dict[str, Any] = json.loads(paper_bot.report_path().read_text())
    assert data["run_id"] == paper_report.text("run_id").value
    return data


@pytest.fixture
def judge(deployment: Deployment, tmp_path: Path) -> Judge:
    def run(report: Any, *words: str) -> Result:
        file = tmp_path / "saved.json"
        file.write_text(report if isinstance(report, str) else json.dumps(report))
        done = CliRunner().invoke(main, ["check-report", str(file), "--config", str(deployment.runtime_path), *words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    return run


def test_a_good_report(judge: Judge, written: dict[str, Any]) -> None:
    done = judge(written)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "bears out a good paper run of kraken_desktop_paper" in done.stdout
    assert "A report alone does not show:" in done.stdout


LIES: dict[str, tuple[tuple[str, ...], Any]] = {
    "status": (("status",), "failed"),
    "mode": (("mode",), "live"),
    "other_config": (("config_sha256",), "0" * 64),
    "errors": (("errors",), ["connection lost"]),
    "ends_first": (("finished_at",), "2020-01-01T00:00:00+00:00"),
    "future": (("finished_at",), "9999-01-01T00:00:00+00:00"),
    "summary": ((METRICS, "summary", "status"), "unknown"),
    "ratio": ((METRICS, "summary", "metric_coverage_score"), 0.5),
    "true_for_one": ((METRICS, "summary", "metric_coverage_score"), True),
    "entry": ((METRICS, "kraken_headless_paper", "network_errors"), 7),
    "limit_raised": ((METRICS, "kraken_desktop_paper", "thresholds", "network_errors_max"), 5),
    "metrics_unwatched": ((METRICS, "summary", "monitored_metric_names"), []),
    "warning": (("warnings",), ["[paper:kraken_desktop_paper] x breaches rate_limit_max: observed 1, expected <= 0"]),
    "guardrails": (("guardrails", "summary", "run_id"), "another"),
    "credentials": (("validation", "credentials_validated"), False),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_named_with_its_place(judge: Judge, written: dict[str, Any], name: str) -> None:
    path, value = LIES[name]
    at = written
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    done = judge(written)
    assert done.exit_code == 1, done.output
    named = path[:3]  # an entry is held against its profile key by key
    assert f"saved.json:1 {'.'.join(named)}" in done.stderr, done.stderr
    assert "Next: " in done.stderr
    assert "A report alone does not show:" in done.stdout


@pytest.mark.parametrize("key", ["status", "config_sha256", METRICS, "guardrails", "started_at"])
def test_what_is_absent_is_not_proven(judge: Judge, written: dict[str, Any], key: str) -> None:
    del written[key]
    done = judge(written)
    assert done.exit_code == 1
    assert key in done.stderr


def test_an_entrypoint_that_was_not_started(judge: Judge, written: dict[str, Any]) -> None:
    done = judge(written, "--entrypoint", "kraken_headless_paper")  # type: ignore[call-arg]
    assert done.exit_code == 1
    assert "saved.json:1 entrypoint: expected 'kraken_headless_paper', found 'kraken_desktop_paper'" in done.stderr


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "NaN", '{"a": 1, "a": 1}', '{"entrypoint": NaN}', "[" * 5000, '{"entrypoint": 1e999}'],
    ids=["empty", "torn", "list", "nan", "twice", "nan_inside", "deep", "infinite"],
)
def test_what_is_no_report_cannot_be_read(judge: Judge, text: str) -> None:
    done = judge(text)
    assert done.exit_code == 2
    assert "cannot be read:" in done.stderr
    assert "Next: " in done.stderr


def test_what_is_not_there_cannot_be_read(deployment: Deployment, tmp_path: Path) -> None:
    config = ["--config", str(deployment.runtime_path)]
    assert CliRunner().invoke(main, ["check-report", str(tmp_path / "none.json"), *config]).exit_code == 2
    (tmp_path / "x.json").write_text("{}")
    assert CliRunner().invoke(main, ["check-report", str(tmp_path / "x.json"), "--config", "none"]).exit_code == 2


def test_without_assertions_nothing_is_judged(written: dict[str, Any], deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "saved.json"
    file.write_text(json.dumps({**written, "status": "failed"}))
    command = ["-m", "pytest_kraken_golive.cli", "check-report", str(file), "--config", str(deployment.runtime_path)]
    for python, environ in ((["-O"], {}), ([], {"PYTHONOPTIMIZE": "1"})):
        done = subprocess.run(
            [sys.executable, *python, *command],
            capture_output=True,
            text=True,
            env={**os.environ, **environ},
            check=False,
        )
        assert done.returncode == 2
        assert "switches off what judges" in done.stderr
