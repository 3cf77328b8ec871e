"""A deployment whose bot has traded a little, as files on the disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.trading_metrics import TradingMetricsCollector


def traded(exchange: str, orders: int, start: float, *, latency_s: float = 0.08, failing: int = 0) -> list[Event]:
    """Orders a minute apart; the last ones fail."""
    events = []
    for number in range(orders):
        order = {"exchange": exchange, "cl_ord_id": f"{exchange}-{start}-{number}"}
        ts = start + 60 * number
        placed = {**order, "side": "buy", "latency_s": latency_s, "fee_assumed_pct": "0.25"}
        events.append(Event(ts, EventType.ORDER_SUBMITTED, placed))
        if number < orders - failing:
            fill = {**order, "fill_time_s": 2.5, "fee": "0.26", "cost": "100"}
            events.append(Event(ts + 3, EventType.ORDER_FILL, fill))
        else:
            events.append(Event(ts + 3, EventType.ORDER_FILL_TIMEOUT, order))
    return events


def deployment(root: Path, now: float, events: list[Event], policy: str = "") -> Path:
    """Its runtime.yaml."""
    config = root / "config" / "runtime.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("{}\n", encoding="utf-8")
    (root / "config" / "golive.yaml").write_text(policy or "{}\n", encoding="utf-8")
    collector = TradingMetricsCollector(VirtualClock(now))
    ordered = sorted(events, key=lambda event: event.ts)
    collector.resume(ordered)
    collector.write(root / "runtime" / "metrics_trading.json")
    (root / "runtime" / "events.jsonl").write_bytes(b"".join(event.line() for event in ordered))
    return config


def verdict(root: Path, now: float, **changes: Any) -> None:
    """A production GO of an hour ago, unless changed."""
    document = {
        "verdict": "GO",
        "reason": "every line passed",
        "production_signoff": True,
        "scope": {"name": "deployment, real", "deployment": "/srv/bot", "exchange": "real"},
        "finished_at": datetime.fromtimestamp(now - 3600, UTC).isoformat(),
        "valid_until": datetime.fromtimestamp(now + 3600, UTC).isoformat(),
        "commit": "0123456789abcdef",
        "dirty": False,
        **changes,
    }
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports" / "verdict.json").write_text(json.dumps(document), encoding="utf-8")
