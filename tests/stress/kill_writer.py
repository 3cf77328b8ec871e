"""Kill a program that writes events and metrics, again and again, each time at a random moment.

python tests/stress/kill_writer.py [times] [seed]
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "telemetry"))

from kills import kill_once


def main(times: int, seed: int) -> None:
    """Kill it so many times, all on the same log; an assertion says what was lost."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="kill-") as name:
        folder = Path(name)
        acknowledged = sum(kill_once(folder, draw) for _ in range(times))
        torn = len(list(folder.glob("events.jsonl.torn-*")))
    rows = {
        "writers killed": times,
        "events acknowledged": acknowledged,
        "of them lost": 0,
        "torn ends put aside": torn,
    }
    for what, number in rows.items():
        print(f"  {what:20}  {number:7}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
