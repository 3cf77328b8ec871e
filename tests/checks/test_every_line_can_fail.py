"""Every stock line against every break of its check: a line that no sabotage turns red proves nothing when green."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

pytest_plugins = ["longest_first"]

ROOT = Path(__file__).resolve().parents[2]

PAPER = "config/runbooks/paper_go_live.md"
"""Production's breaks deploy, drill and stop services over and over: `make prove` takes them too, and its minutes."""


def test_every_line_fails_under_each_of_its_breaks(tmp_path: Path) -> None:
    """One test, not one for each demand: split over workers, they would each run the whole proof."""
    output, status = _prove(tmp_path)
    rows = json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))["rows"]
    survivors = [f"{row['line']}[{row['break']}]: {row['message']}" for row in rows if not row["killed"]]
    assert survivors == []
    assert status == 0, output[-3000:]
    assert [row for row in rows if "Next: " not in row["message"]] == []
    assert "Traceback" not in output

    verdict = json.loads((tmp_path / "verdict.json").read_text(encoding="utf-8"))
    lines = {line["id"] for book in verdict["runbooks"] for line in book["lines"]}
    broken = Counter(row["line"] for row in rows)
    assert min(broken[line] for line in lines) >= 3, broken


def _prove(reports: Path) -> tuple[str, int]:
    """What the proof printed, and its exit status."""
    without = [word for name in ("allure_pytest", "randomly", "cacheprovider") for word in ("-p", f"no:{name}")]
    words = [
        "--golive",
        "--golive-prove",
        "-q",
        *without,
        f"--golive-report-dir={reports}",
        "-o",
        "addopts=",
        f"--golive-runbook={PAPER}",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.stdout + done.stderr, done.returncode
