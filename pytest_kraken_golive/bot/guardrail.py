"""The guardrail log: what held a run back, one text line per event, framed by the run's start and stop marks.

A line reads `2026-11-20T09:31:05+0000 WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2`. Only warnings and
up are of interest, so a clean log would be empty and prove nothing: `GUARDRAIL_START` and `GUARDRAIL_STOP` say that
somebody was watching, and when.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from pytest_kraken_golive.clock import Clock

Severity = Literal["INFO", "WARNING", "ERROR"]

LOG_NAME = "guardrails.log"
"""File name inside the log directory."""

_PLAIN = "!$&'()*+,-./:;<>?@[]^_{|}~#"
"""What a value may hold beside letters and digits; the rest (blanks, `=`, `%`, line breaks) is percent-encoded."""


@dataclass(frozen=True)
class GuardrailRecord:
    """One line of the log."""

    at: datetime
    """Aware, UTC."""
    severity: Severity
    """The word in the line."""
    event: str
    """`GUARDRAIL_START`, `RATE_LIMIT`, `TIMEOUT`, `COMPLIANCE`, `GUARDRAIL_STOP`."""
    fields: Mapping[str, str]
    """`key=value` pairs in their order."""

    def line(self) -> str:
        """The record as it stands in the file, without the line's end."""
        pairs = (f"{key}={quote(value, safe=_PLAIN)}" for key, value in self.fields.items())
        return " ".join([self.at.strftime("%Y-%m-%dT%H:%M:%S%z"), self.severity, self.event, *pairs])

    def as_json(self) -> dict[str, Any]:
        """The record as `guardrails.summary.log_records` holds it."""
        return {
            "timestamp": self.at.isoformat(timespec="milliseconds"),
            "severity": self.severity,
            "event": self.event,
            "fields": dict(self.fields),
        }


class GuardrailSink(Protocol):
    """What an I/O queue tells about what it saw."""

    def rate_limit(self, queue: str, waited_s: float, streak: int) -> None:
        """A task waited too long for its turn."""
        ...

    def timeout(self, queue: str, duration_s: float, exception: str, streak: int, severity: Severity) -> None:
        """A task timed out."""
        ...


@dataclass
class _QueueTotals:
    """What one queue met during the run."""

    waits_s: list[float] = field(default_factory=list)
    timeouts_s: list[float] = field(default_factory=list)
    severity: Severity = "INFO"


class GuardrailLog:
    """Appends this run's lines to `<directory>/guardrails.log`; safe to share between threads.

    Args:
        directory: the log directory; it is created if it is missing.
        run_id: names the run in its marks.
        tags: tags of the run, by which its summary can be filtered.
        environment: environment that the queues serve, for the summary.
        queues: queues that the run uses; each has an entry in the summary, also if nothing happened.
        clock: stamps the lines.

    Raises:
        OSError: the directory cannot be made or the file cannot be opened.
    """

    def __init__(
        self,
        directory: Path,
        *,
        run_id: str,
        tags: Sequence[str],
        environment: str,
        queues: Sequence[str],
        clock: Clock,
    ) -> None:
        self.directory = directory
        self.run_id = run_id
        self.tags = list(tags)
        self._environment = environment
        self._clock = clock
        self._lock = threading.Lock()
        self._records: list[GuardrailRecord] = []
        self._totals = {name: _QueueTotals() for name in queues}
        self._stopped = False
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / LOG_NAME).open("a", encoding="utf-8", newline="\n")

    def start(self) -> None:
        """Write the run's start mark."""
        self._write("INFO", "GUARDRAIL_START", self._mark())

    def stop(self) -> None:
        """Write the run's stop mark, once; whatever comes later no longer belongs to the run's window."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self._write("INFO", "GUARDRAIL_STOP", self._mark())

    def rate_limit(self, queue: str, waited_s: float, streak: int) -> None:
        """Write that a task waited too long for its turn in the queue."""
        self._note(queue, "WARNING", waited_s=waited_s)
        fields = {"queue": queue, "waited": f"{waited_s:.3f}s", "streak": str(streak)}
        self._write("WARNING", "RATE_LIMIT", fields)

    def timeout(self, queue: str, duration_s: float, exception: str, streak: int, severity: Severity) -> None:
        """Write that a task timed out."""
        self._note(queue, severity, timeout_s=duration_s)
        fields = {"queue": queue, "duration": f"{duration_s:.3f}s", "exception": exception, "streak": str(streak)}
        self._write(severity, "TIMEOUT", fields)

    def compliance(self, rule: str, severity: Severity) -> None:
        """Write that a rule of the risk profile held the strategy back."""
        self._write(severity, "COMPLIANCE", {"rule": rule, "severity": severity.lower()})

    def summary(self) -> dict[str, Any]:
        """`guardrails.summary` of the report: what each queue met, and this run's records."""
        with self._lock:
            return {
                "generated_at": _now(self._clock).isoformat(timespec="milliseconds"),
                "run_id": self.run_id,
                "tags": list(self.tags),
                "summaries": [
                    {
                        "environment": self._environment,
                        "queue": name,
                        "rate_limit_wait_total": len(totals.waits_s),
                        "rate_limit_wait_avg_seconds": _mean(totals.waits_s),
                        "timeout_total": len(totals.timeouts_s),
                        "timeout_avg_seconds": _mean(totals.timeouts_s),
                        "severity": totals.severity.lower(),
                    }
                    for name, totals in sorted(self._totals.items())
                ],
                "log_records": [record.as_json() for record in self._records],
            }

    def close(self) -> None:
        """Close the file; what is logged afterwards is kept in the records only."""
        with self._lock:
            self._file.close()

    def _mark(self) -> dict[str, str]:
        return {"run_id": self.run_id, "tags": ",".join(self.tags)}

    def _note(
        self, queue: str, severity: Severity, waited_s: float | None = None, timeout_s: float | None = None
    ) -> None:
        with self._lock:
            totals = self._totals.setdefault(queue, _QueueTotals())
            if waited_s is not None:
                totals.waits_s.append(waited_s)
            if timeout_s is not None:
                totals.timeouts_s.append(timeout_s)
            order: list[Severity] = ["INFO", "WARNING", "ERROR"]
            totals.severity = max(totals.severity, severity, key=order.index)

    def _write(self, severity: Severity, event: str, fields: Mapping[str, str]) -> None:
        with self._lock:
            record = GuardrailRecord(_now(self._clock), severity, event, fields)
            self._records.append(record)
            if not self._file.closed:
                self._file.write(record.line() + "\n")
                self._file.flush()


def _now(clock: Clock) -> datetime:
    return datetime.fromtimestamp(clock.time(), UTC)


def _mean(values: Sequence[float]) -> float | None:
    """The mean; None where nothing was measured, for which 0 would be an invented measurement."""
    return round(sum(values) / len(values), 6) if values else None
