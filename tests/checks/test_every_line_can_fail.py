"""Every stock line against every break of its check: a line that no sabotage turns red proves nothing when green."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    reports = tmp_path_factory.mktemp("proof")
    without = [word for name in ("allure_pytest", "randomly", "cacheprovider") for word in ("-p", f"no:{name}")]
    words = ["--golive", "--golive-prove", "-q", *without, f"--golive-report-dir={reports}", "-o", "addopts="]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    found: dict[str, Any] = json.loads((reports / "proof.json").read_text(encoding="utf-8"))
    verdict = json.loads((reports / "verdict.json").read_text(encoding="utf-8"))
    return {**found, "exit_status": done.returncode, "output": done.stdout + done.stderr, "verdict": verdict}


def test_no_break_survives(proof: dict[str, Any]) -> None:
    survivors = [f"{row['line']}[{row['break']}]: {row['message']}" for row in proof["rows"] if not row["killed"]]
    assert survivors == []
    assert proof["exit_status"] == 0, proof["output"][-3000:]


def test_every_line_has_breaks(proof: dict[str, Any]) -> None:
    lines = {line["id"] for book in proof["verdict"]["runbooks"] for line in book["lines"]}
    broken: dict[str, int] = dict.fromkeys(lines, 0)
    for row in proof["rows"]:
        broken[row["line"]] += 1
    assert len(lines) == 44
    assert min(broken.values()) >= 3, broken


def test_messages_name_place_and_next_step(proof: dict[str, Any]) -> None:
    speechless = [row for row in proof["rows"] if "Next: " not in row["message"]]
    assert speechless == []


def test_no_trace_back_is_shown_for_bad_input(proof: dict[str, Any]) -> None:
    assert "Traceback" not in proof["output"]
