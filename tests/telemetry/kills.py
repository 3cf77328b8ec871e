"""Kill a writing program at a random moment, and look at what it left."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import EventType, read_events

WRITER = Path(__file__).with_name("killed_writer.py")
ORDER_EVENTS = (EventType.ORDER_SUBMITTED, EventType.ORDER_FILL)


def kill_once(folder: Path, draw: random.Random) -> int:
    """Start the writer, kill it, open its log again: all that was acknowledged must be there. Their number."""
    log, metrics = folder / "events.jsonl", folder / "metrics_trading.json"
    with subprocess.Popen([sys.executable, str(WRITER), str(folder)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()  # it runs
        time.sleep(draw.random() * 0.05)
        writer.kill()
        told = (first + writer.stdout.read()).decode().splitlines(keepends=True)
    acknowledged = [line.strip() for line in told if line.endswith("\n")]
    with StructuredLogger(log, Redactor()):
        pass
    written = [
        f"{event.payload['cl_ord_id']} {event.type}" for event in read_events(log, "log") if event.type in ORDER_EVENTS
    ]
    start = len(written) - 1 - written[::-1].index("0 order_submitted")
    assert written[start : start + len(acknowledged)] == acknowledged, "an acknowledged event is lost"
    assert len(written) - start - len(acknowledged) <= 1, "more was written than was told, but for the last one"
    if metrics.exists():
        assert json.loads(metrics.read_text())["by_exchange"]["kraken"]["attempts"] > 0, "half a file"
    return len(acknowledged)
