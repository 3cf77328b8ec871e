"""The report of a run: every key from the first moment on, with what is true until more is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Literal

from pytest_kraken_golive.bot.report import NO_SAMPLES, paper_exchange_metrics, warnings_of

Status = Literal["success", "validation_failed", "blocked", "error"]

EXIT_CODES: Mapping[Status, int] = {"success": 0, "error": 2, "validation_failed": 3, "blocked": 4}
"""The process's exit status for each status of the report."""


@dataclass
class RunReport:
    """What is known about the run so far; until it has ended well, it is an `error`."""

    mode: str
    """`paper`."""
    entrypoint: str
    """The entrypoint that was asked for."""
    config_path: str
    """runtime.yaml, relative to the deployment's root."""
    run_id: str
    """Names the run here and in the guardrail log."""
    started_at_s: float
    """Unix time."""
    validation: dict[str, Any]
    """The section of that name."""
    finished_at_s: float | None = None
    """Unix time; None while it runs."""
    status: Status = "error"
    """How it ended."""
    errors: list[str] = field(default_factory=list)
    """Messages for people."""
    notes: list[str] = field(default_factory=list)
    """Warnings beside those about metrics and thresholds."""
    checkpoint: dict[str, Any] = field(default_factory=lambda: {"phase": "started"})
    """The last phase that was reached, and what became of the orders."""
    metrics_endpoint: str | None = None
    """URL; None where none was opened."""
    decision_events: int = 0
    """Decisions that the strategies took."""
    guardrails: dict[str, Any] = field(default_factory=lambda: {"log_directory": None, "summary": None})
    """Log directory, relative to the root, and summary; None where no log was opened."""
    metrics: dict[str, Any] = field(default_factory=lambda: paper_exchange_metrics([], NO_SAMPLES))
    """`paper_exchange_metrics`."""
    config_sha256: str | None = None
    """Over the bytes of runtime.yaml and core.yaml; None where they could not be read."""
    io_queue: dict[str, dict[str, int]] = field(default_factory=dict)
    """Queue to its limits and to what was observed."""

    def as_json(self) -> dict[str, Any]:
        """The whole report."""
        return {
            "mode": self.mode,
            "entrypoint": self.entrypoint,
            "config_path": self.config_path,
            "run_id": self.run_id,
            "bot_version": bot_version(),
            "config_sha256": self.config_sha256,
            "started_at": _iso(self.started_at_s),
            "finished_at": None if self.finished_at_s is None else _iso(self.finished_at_s),
            "status": self.status,
            "errors": self.errors,
            "warnings": [*warnings_of(self.metrics), *self.notes],
            "validation": self.validation,
            "checkpoint": self.checkpoint,
            "metrics_endpoint": self.metrics_endpoint,
            "decision_events": self.decision_events,
            "guardrails": self.guardrails,
            "io_queue": self.io_queue,
            "paper_exchange_metrics": self.metrics,
        }


def bot_version() -> str:
    """The version of the installed package."""
    try:
        return metadata.version("pytest-kraken-golive")
    except metadata.PackageNotFoundError:  # run from a source tree that is not installed
        return "source"


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
