"""How fast logs and events are read and secrets looked for: ratios to `wc -l` and a count of line feeds. Never fails.

python tests/benchmarks/bench_scan.py [megabytes]
"""

from __future__ import annotations

import base64
import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sweep import Sweep
from pytest_kraken_golive.telemetry.derivation import derive
from pytest_kraken_golive.telemetry.events import read_events
from pytest_kraken_golive.telemetry.log_scan import scan
from pytest_kraken_golive.telemetry.trends import best_engine, trends

ROUNDS = 5
PIECE_BYTES = 1 << 17
SMALL_BYTES = 15_000_000
DRAW = random.Random(1)


def text_line() -> str:
    """A line of a guardrail log, as `bot_report` has them."""
    word = DRAW.choice(["kraken_spot", "kraken_desktop", "kraken"])
    return (
        f"2026-11-20T09:31:{DRAW.randrange(60):02}+0000 INFO ORDER queue={word} waited={DRAW.random():.3f}s streak=2\n"
    )


def json_line() -> str:
    """The same as JSON."""
    return json.dumps(
        {
            "timestamp": f"2026-11-20T09:31:{DRAW.randrange(60):02}+0000",
            "event": "io_rate_limit_wait",
            "severity": "INFO",
            "source": "io_queue",
            "payload": {"queue": "kraken_spot", "waited": DRAW.random()},
        }
    ) + "\n"  # fmt: skip


def event_lines(number: int) -> str:
    """An order and its fill."""
    order = {"exchange": DRAW.choice(["kraken", "other"]), "cl_ord_id": f"{number}"}
    submitted = {**order, "side": "buy", "latency_s": DRAW.random(), "fee_assumed_pct": "0.26"}
    filled = {**order, "fill_time_s": DRAW.random(), "fee": "0.26", "cost": "100"}
    return "".join(
        json.dumps({"ts": 1_790_000_000.0 + number, "type": type, "payload": payload}) + "\n"
        for type, payload in (("order_submitted", submitted), ("order_fill", filled))
    )


def written(path: Path, size: int, block: str) -> Path:
    """A file of some size, made of one block again and again."""
    data = block.encode()
    with path.open("wb") as file:
        for _ in range(size // len(data)):
            file.write(data)
    return path


def count_lines(path: Path) -> None:
    """The floor: read the file and count line feeds, in this process."""
    with path.open("rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            piece.count(b"\n")


def wc(path: Path) -> None:
    """The other floor."""
    subprocess.run(["wc", "-l", str(path)], capture_output=True, check=True)


def table(path: Path, readers: dict[str, Callable[[Path], object]]) -> None:
    """Median of alternated rounds, so that a drifting machine hits all alike."""
    size = path.stat().st_size
    floors = {"count of line feeds": count_lines} | ({"wc -l": wc} if shutil.which("wc") else {})
    times: dict[str, list[float]] = {name: [] for name in (*floors, *readers)}
    for _ in range(ROUNDS):
        for name, reader in (floors | readers).items():
            began = time.perf_counter()
            reader(path)
            times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"{path.name}: {size / 1e6:.0f} MB, median of {ROUNDS} alternated rounds")
    for name, seconds in medians.items():
        ratios = ", ".join(f"{seconds / medians[floor]:5.1f} x {floor}" for floor in floors)
        print(f"  {size / seconds / 1e6:7.0f} MB/s  {name:32} {ratios}")


def made_up_secrets() -> Redactor:
    """Knows the keys and secrets of four accounts, as long as Kraken's are."""
    return Redactor([base64.b64encode(DRAW.randbytes(size)).decode() for _ in range(4) for size in (42, 64)])


def cut_up(path: Path, size: int) -> list[Path]:
    """The same bytes in smaller files: in these Base64 is looked for too."""
    places: list[Path] = []
    with path.open("rb") as file:
        while data := file.read(size):
            places.append(path.with_suffix(f".{len(places)}"))
            places[-1].write_bytes(data)
    return places


def private_mb() -> float:
    """Private memory of this process."""
    memory = psutil.Process().memory_full_info()
    return float(getattr(memory, "uss", memory.rss)) / 1e6


def peak_mb() -> float:
    """The most memory that this process had, libraries and shared memory included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main(megabytes: int) -> None:
    """Logs of lines that are short, long and JSON; then events."""
    size = megabytes * 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        before = private_mb()
        scans: dict[str, Callable[[Path], object]] = {
            "severities": lambda path: scan([(path, "log")], inside=False),
            "severities, torn lines too": lambda path: scan([(path, "log")]),
            "these and a pattern": lambda path: scan([(path, "log")], patterns=[b"EOrder:Rate limit"]),
        }
        long_lines = "".join(text_line()[:-1] + " " + "note=" + "x" * 120 + "\n" for _ in range(1000))
        logs = {
            "short.log": "".join(text_line() for _ in range(2000)),
            "long.log": long_lines,
            "lines.jsonl": "".join(json_line() for _ in range(1000)),
        }
        secrets = made_up_secrets()
        for file, block in logs.items():
            path = written(folder / file, size, block)
            assert scan([(path, file)]).clean()
            table(path, scans)
            path.unlink()
        print(f"private memory: {private_mb() - before:+.1f} MB after scanning (wanted: under 100)")
        for file, block in logs.items():
            path = written(folder / file, size, block)
            pieces = cut_up(path, SMALL_BYTES)

            def swept_small(_: Path, pieces: list[Path] = pieces) -> None:
                Sweep(secrets).below(pieces)

            assert Sweep(secrets).below([path, *pieces]) == []
            table(path, {"sweep": lambda path: Sweep(secrets).below([path]), "sweep, small files": swept_small})
            for place in (path, *pieces):
                place.unlink()
        print(
            f"private memory: {private_mb() - before:+.1f} MB after sweeping; peak of all {peak_mb():.1f} MB resident"
        )
        orders = "".join(event_lines(number) for number in range(20_000))
        many = written(folder / "many_events.jsonl", size, orders)
        table(many, {f"trends by {best_engine()}": lambda path: trends(path, "events", bucket_s=3600)})
        many.unlink()
        events = folder / "events.jsonl"
        events.write_text("".join(event_lines(number) for number in range(size // 10 // 300)), encoding="utf-8")
        readers: dict[str, Callable[[Path], object]] = {
            "trends by stream": lambda path: trends(path, "events", bucket_s=3600, engine="stream"),
            "strict reading, derived figures": lambda path: derive(read_events(path, "events")),
        }
        table(events, readers)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
