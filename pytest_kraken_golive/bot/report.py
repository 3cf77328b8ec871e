"""What the report says about each paper entrypoint: its values, its thresholds, and how the two compare.

Every verdict here is a function of the raw values in the entry, so that a reader can derive it again, as
`summary.py` does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pytest_kraken_golive.bot.metrics import SEVERITIES
from pytest_kraken_golive.bot.summary import summarise
from pytest_kraken_golive.bot.thresholds import STANDARD_NAMES, THRESHOLDS, limit_of
from pytest_kraken_golive.contract import plain
from pytest_kraken_golive.whole_file import replace_text


class Samples(Protocol):
    """Where an entrypoint's values come from."""

    def value(self, metric: str, labels: Mapping[str, str]) -> float | None:
        """The sample of that name and these labels; None where there is none."""
        ...


class _NoSamples:
    """What is known about an entrypoint that did not run."""

    def value(self, metric: str, labels: Mapping[str, str]) -> float | None:
        """No sample, whatever is asked for."""
        return None


NO_SAMPLES: Samples = _NoSamples()
"""Gives nothing."""


@dataclass(frozen=True)
class PaperEntrypoint:
    """A paper entrypoint as the configuration describes it."""

    name: str
    """Its name in `trading.entrypoints`."""
    environment: str
    """The environment that it trades in."""
    exchange: str
    """The exchange's label in the metrics."""
    metric_names: Mapping[str, str] = field(default_factory=dict)
    """Role to metric name, as far as its paper profile names them."""
    thresholds: Mapping[str, object] = field(default_factory=dict)
    """Raw values, as far as its paper profile sets them."""
    ran: bool = True
    """False: this run did not start it, so no sample is about it, whoever else fed the same exchange's series."""


def paper_exchange_metrics(entrypoints: Sequence[PaperEntrypoint], samples: Samples) -> dict[str, Any]:
    """The report's section of that name: an entry per paper entrypoint, and their `summary`.

    Args:
        entrypoints: all paper entrypoints of the configuration, whether they ran or not.
        samples: the bot's metrics.

    Raises:
        ValueError: an entrypoint is called `summary`, or two have one name.
    """
    names = [entrypoint.name for entrypoint in entrypoints]
    if "summary" in names:
        raise ValueError("an entrypoint is called summary, a name that the report keeps for itself. Next: rename it.")
    if len(set(names)) != len(names):
        raise ValueError(f"two paper entrypoints have one name: {sorted(names)}")
    entries = {item.name: entry_of(item, samples) for item in sorted(entrypoints, key=lambda item: item.name)}
    return {**entries, "summary": summarise(entries)}


def entry_of(entrypoint: PaperEntrypoint, samples: Samples) -> dict[str, Any]:
    """One entrypoint's entry.

    A counter without a sample is written as 0, because the field is a number, and is named in `missing_metrics` or
    `missing_error_severities`; the health gauge without a sample is null.
    """
    source = samples if entrypoint.ran else NO_SAMPLES
    label = {"exchange": entrypoint.exchange}
    names = {**STANDARD_NAMES, **entrypoint.metric_names}
    limited = _finite(source.value(names["rate_limit"], label))
    health = _finite(source.value(names["health"], label))
    errors = {
        severity: _finite(source.value(names["network_errors"], {**label, "severity": severity}))
        for severity in SEVERITIES
    }
    by_severity = {severity: _number(count or 0) for severity, count in errors.items()}
    entry: dict[str, Any] = {
        "environment": entrypoint.environment,
        "exchange": entrypoint.exchange,
        "rate_limited_events": _number(limited or 0),
        "network_errors": sum(by_severity.values()),
        "network_errors_by_severity": by_severity,
        "health_status": health,
    }
    if entrypoint.metric_names:
        entry["metric_names"] = dict(entrypoint.metric_names)
    if entrypoint.thresholds:
        entry["thresholds"] = {key: _raw(value) for key, value in entrypoint.thresholds.items()}
    sampled = {
        "rate_limit": limited is not None,
        "network_errors": any(count is not None for count in errors.values()),
        "health": health is not None,
    }
    missing = sorted({name for role, name in entrypoint.metric_names.items() if not sampled.get(role, False)})
    entry["missing_metrics"] = missing
    entry["missing_error_severities"] = sorted(severity for severity, count in errors.items() if count is None)
    entry["invalid_thresholds"] = sorted(
        threshold.key
        for threshold in THRESHOLDS
        if threshold.key in entrypoint.thresholds and limit_of(entrypoint.thresholds[threshold.key]) is None
    )
    entry["breaches"] = breaches_of(entry)
    entry["status"] = status_of(entry)
    return entry


def breaches_of(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The entry's thresholds that its values are beyond; `[]` if there are none."""
    names = entry.get("metric_names", {})
    breaches = []
    for threshold in THRESHOLDS:
        limit = limit_of(entry.get("thresholds", {}).get(threshold.key))
        observed = entry[threshold.value]
        if limit is not None and observed is not None and threshold.broken(observed, limit):
            breaches.append(
                {
                    "metric": names.get(threshold.role, STANDARD_NAMES[threshold.role]),
                    "threshold": threshold.key,
                    "observed": observed,
                    "limit": limit,
                    "comparator": threshold.comparator,
                }
            )
    return breaches


def status_of(entry: Mapping[str, Any]) -> str:
    """`breached` if anything is; else `unknown` if anything that decides it is missing or invalid; else `ok`."""
    if entry["breaches"]:
        return "breached"
    named = all(threshold.role in entry.get("metric_names", {}) for threshold in THRESHOLDS)
    limited = all(limit_of(entry.get("thresholds", {}).get(threshold.key)) is not None for threshold in THRESHOLDS)
    return "ok" if named and limited and not entry["missing_metrics"] else "unknown"


def warnings_of(section: Mapping[str, Any]) -> list[str]:
    """One text per breach, missing metric, and missing or invalid threshold of `paper_exchange_metrics`."""
    warnings = []
    for name, entry in section.items():
        if name == "summary":
            continue
        prefix = f"[paper:{name}]"
        warnings += [
            f"{prefix} {breach['metric']} breaches {breach['threshold']}: observed {breach['observed']}, "
            f"expected {breach['comparator']} {breach['limit']}"
            for breach in entry["breaches"]
        ]
        warnings += [f"{prefix} {metric}: no sample for {entry['exchange']}" for metric in entry["missing_metrics"]]
        for threshold in THRESHOLDS:
            raw = entry.get("thresholds", {}).get(threshold.key)
            if threshold.key in entry["invalid_thresholds"]:
                warnings.append(f"{prefix} {threshold.key} is not a finite number: {raw!r}")
            elif raw is None:
                warnings.append(f"{prefix} {threshold.key} is not set, so {threshold.value} is held against nothing")
    return warnings


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report so that a reader finds the old file or the whole new one, never half of it.

    Raises:
        OSError: the folder or file cannot be written.
        ValueError: a value is NaN or infinite, which JSON does not know.
    """
    replace_text(path, json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _finite(sample: float | None) -> float | None:
    """The sample, if it is a measurement: NaN and infinity are none."""
    return sample if sample is not None and math.isfinite(sample) else None


def _number(value: float) -> int | float:
    """Whole counts as whole numbers."""
    return int(value) if value == int(value) else value


def _raw(value: object) -> Any:
    """A threshold as it was configured, as JSON data: what JSON cannot hold becomes its text."""
    if isinstance(value, int) and limit_of(value) is None and not isinstance(value, bool):
        return "a whole number beyond every float"
    return plain(value)
