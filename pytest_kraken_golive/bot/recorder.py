"""What the live service leaves behind while it runs: events, and the metrics that are counted from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events
from pytest_kraken_golive.telemetry.post_mortem import EVENTS, METRICS
from pytest_kraken_golive.telemetry.trading_metrics import TradingMetricsCollector


class Recorder:
    """Writes each event and counts it. Safe between threads.

    Args:
        runtime: the deployment's `runtime/`.
        redactor: masks secrets.
        clock: stamps.
        past: sees the events of the time before this start on their way to the metrics.

    Raises:
        Fault: another service writes the events, or they are broken.
        NotProven: they cannot be read.
        OSError: they cannot be written.
    """

    def __init__(
        self, runtime: Path, redactor: Redactor, clock: Clock, past: Callable[[Iterable[Event]], Iterator[Event]]
    ) -> None:
        self._log = StructuredLogger(runtime / EVENTS, redactor, clock)
        self._metrics_path = runtime / METRICS
        self._collector = TradingMetricsCollector(clock)
        self._mutex = threading.Lock()
        try:
            self._collector.resume(past(read_events(runtime / EVENTS, f"runtime/{EVENTS}")))
        except BaseException:
            self._log.close()
            raise

    def append(self, type: EventType, /, **payload: object) -> Event:
        """Write one event; when this returns, it is acknowledged and counted. Errors as of `StructuredLogger`."""
        with self._mutex:  # so that they are counted in the order of the file
            event = self._log.append(type, **payload)
            self._collector.take(event)
            return event

    def write_metrics(self) -> None:
        """Replace `metrics_trading.json` by the figures of now."""
        self._collector.write(self._metrics_path)

    def close(self) -> None:
        """Let another one write."""
        self._log.close()
