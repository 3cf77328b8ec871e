"""Stock lines against breaks of their checks: a line that no sabotage turns red proves nothing when green.

Here each check of the paper runbook is tried with some of its breaks, see `sampled_proof`; `make prove` and CI try
every line of both runbooks with all.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.gate.session import STOCK_CHECKS
from pytest_kraken_golive.runbook.parse import read_runbook

pytest_plugins = ["longest_first"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PAPER = "config/runbooks/paper_go_live.md"
"""Production's breaks deploy, drill and stop services over and over: they are left to the whole proof."""


@pytest.mark.parametrize("runbook", sorted((ROOT / "config" / "runbooks").glob("*.md")), ids=lambda path: path.stem)
def test_every_line_has_three_breaks_at_least(runbook: Path) -> None:
    modules = [importlib.import_module(f"pytest_kraken_golive.checks.{name}") for name in STOCK_CHECKS]
    checks = {one.name: one for module in modules for one in vars(module).values() if isinstance(one, Check)}
    bound = {line.binding.id: line.binding.check for line in read_runbook(runbook, runbook.name).lines if line.binding}
    assert bound
    few = {line: check for line, check in bound.items() if check and len(_breaks(checks[check])) < 3}
    assert few == {}


def test_checks_notice_their_breaks(tmp_path: Path) -> None:
    """One test, not one for each demand: split over workers, they would each run the whole proof."""
    output, status = _prove(tmp_path)
    rows = json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))["rows"]
    survivors = [f"{row['line']}[{row['break']}]: {row['message']}" for row in rows if not row["killed"]]
    assert survivors == []
    assert status == 0, output[-3000:]
    assert [row for row in rows if "Next: " not in row["message"]] == []
    assert "Traceback" not in output

    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    check_of = {line["id"]: line["check"] for book in verdict["runbooks"] for line in book["lines"]}
    tried = Counter(check_of[row["line"]] for row in rows)
    assert set(tried) == set(check_of.values())
    assert min(tried.values()) >= 2


def _breaks(check: Check) -> list[str]:
    return [one.name for one in check.breaks if not one.of_recording]


def _prove(reports: Path) -> tuple[str, int]:
    """What the proof printed, and its exit status."""
    without = [word for name in ("allure_pytest", "randomly", "cacheprovider") for word in ("-p", f"no:{name}")]
    words = [
        "--golive",
        "--golive-prove",
        "-q",
        *without,
        *("-p", "sampled_proof"),
        f"--golive-report-dir={reports}",
        "-o",
        "addopts=",
        f"--golive-runbook={PAPER}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr, done.returncode
