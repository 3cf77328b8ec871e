"""A program that writes events and metrics as the live service does, and is killed while it does.

`python -m pytest_kraken_golive.rehearsal.killed_writer FOLDER` writes until it is ended, and prints what it wrote.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.recorder import Recorder
from pytest_kraken_golive.bot.recovery import Past
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.derivation import derive, differences
from pytest_kraken_golive.telemetry.events import EventType, read_events
from pytest_kraken_golive.telemetry.post_mortem import EVENTS, METRICS

KILLS = 3
_LONGEST_S = 0.08
_ORDER = {"exchange": "kraken", "pair": "XBTUSD", "side": "buy", "volume": "0.001", "path": "legacy"}


def main(folder: Path) -> None:
    """Write until somebody ends this process."""
    past = Past()
    recorder = Recorder(folder, Redactor(), SystemClock(), past.follow)
    for name in past.open:
        recorder.append(EventType.ORDER_FILL_ERROR, **_ORDER, cl_ord_id=name, reason="killed")
    start = time.time_ns()
    for number in itertools.count():
        name = f"{start}-{number}"
        recorder.append(EventType.ORDER_SUBMITTED, **_ORDER, cl_ord_id=name, latency_s=0.01)
        recorder.append(EventType.ORDER_FILL, **_ORDER, cl_ord_id=name, fill_time_s=0.1)
        recorder.write_metrics()
        print(name, flush=True)


def kill_and_look(folder: Path, kills: int = KILLS) -> dict[str, Any]:
    """Kill the writer so many times at random moments, and look at what it left each time.

    Raises:
        Fault: something that was acknowledged is lost, or the metrics are half a file.
    """
    acknowledged: list[str] = []
    for _ in range(kills):
        acknowledged += _killed(folder)
        # The next writer moves a torn end aside; this one is that writer.
        Recorder(folder, Redactor(), SystemClock(), Past().follow).close()
        events = list(read_events(folder / EVENTS, EVENTS))
        filled = {event.text("cl_ord_id") for event in events if event.type == EventType.ORDER_FILL}
        lost = [name for name in acknowledged if name not in filled]
        if lost:
            raise Fault(f"{EVENTS}: expected every acknowledged event after kill -9, found {len(lost)} lost.")
        metrics = json.loads((folder / METRICS).read_bytes())
        wrong = differences(metrics, derive(events, metrics["events_counted"]))
        if wrong:
            raise Fault(f"{METRICS} {wrong[0]}: after kill -9 it does not go with the events.")
    torn = len(list(folder.glob(f"{EVENTS}.torn-*")))
    return {"kills": kills, "acknowledged": len(acknowledged), "lost": 0, "torn_ends_moved_aside": torn}


def _killed(folder: Path) -> list[str]:
    """Let the writer write a while, and kill it; what it had said by then is acknowledged."""
    command = [sys.executable, "-m", __name__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:  # noqa: S603 - our own program
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(random.uniform(0, _LONGEST_S))  # noqa: S311 - any moment will do
        process.kill()
        rest = process.stdout.read()
    lines = (first + rest).splitlines(keepends=True)
    if not lines:
        raise Fault("the writer wrote nothing before it was killed")
    return [line.decode().strip() for line in lines if line.endswith(b"\n")]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
