"""A program that logs events as fast as it can and tells which were acknowledged, until it is killed."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import EventType
from pytest_kraken_golive.telemetry.trading_metrics import TradingMetricsCollector


def main(folder: Path) -> None:
    """Log, count, and write the metrics after every order; the number of each event goes to standard output."""
    collector = TradingMetricsCollector()
    with StructuredLogger(folder / "events.jsonl", Redactor()) as log:
        for number in range(1_000_000):
            order = {"exchange": "kraken", "cl_ord_id": f"{number}", "padding": "x" * (number % 3000)}
            for event in (
                log.append(EventType.ORDER_SUBMITTED, **order, side="buy", latency_s=0.1),
                log.append(EventType.ORDER_FILL, **order, fill_time_s=0.2),
            ):
                sys.stdout.write(f"{order['cl_ord_id']} {event.type}\n")
                sys.stdout.flush()
                collector.take(event)
            if number % 5 == 0:
                collector.write(folder / "metrics_trading.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
