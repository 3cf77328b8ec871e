"""A worker that is killed, wherever it is, never yields GO nor loses a line: 5 times here, 50 with `make stress`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STRESS = Path(__file__).parents[1] / "stress" / "kill_workers.py"


def test_killed_workers() -> None:
    done = subprocess.run([sys.executable, str(STRESS), "5"], capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 runs, seed 1: 0 not NO-GO" in done.stdout
