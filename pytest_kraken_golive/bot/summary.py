"""`paper_exchange_metrics.summary`: counts, names and coverage over the entries of all paper entrypoints.

It reads nothing but the entries, so it can be derived again from any report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_kraken_golive.bot.metrics import SEVERITIES
from pytest_kraken_golive.bot.thresholds import THRESHOLDS

_WORST_FIRST = ("breached", "unknown", "ok")
_DIGITS = 4

Entries = Mapping[str, Mapping[str, Any]]
Coverage = dict[str, list[str]]


def summarise(entries: Entries) -> dict[str, Any]:
    """The summary of the entries.

    Every entrypoint counts as monitored, so that one without metrics or thresholds lowers the coverage. Totals add up
    what the entries say: two entrypoints on one exchange each show its errors.

    Args:
        entries: entrypoint name to its entry, without `summary`.
    """
    names = sorted(entries)
    by_status = {status: [name for name in names if entries[name]["status"] == status] for status in _WORST_FIRST}
    metrics = _metric_coverage(entries)
    thresholds = _threshold_coverage(entries)
    severities = _severity_coverage(entries)
    breached = {name: [item["threshold"] for item in entries[name]["breaches"]] for name in names}
    missing = {name: entries[name]["missing_metrics"] for name in names}
    invalid = {name: entries[name]["invalid_thresholds"] for name in names}
    silent: Coverage = {
        severity: [n for n in names if severity in entries[n]["missing_error_severities"]] for severity in SEVERITIES
    }
    return {
        "status": next((status for status in _WORST_FIRST if by_status[status]), "not_configured"),
        "entrypoints": len(names),
        **{f"{status}_entrypoints": len(by_status[status]) for status in by_status},
        "total_breaches": sum(map(len, breached.values())),
        "missing_metrics": sum(map(len, missing.values())),
        "invalid_thresholds": sum(map(len, invalid.values())),
        "missing_error_severities": sum(map(len, silent.values())),
        **{f"{status}_entrypoint_names": by_status[status] for status in by_status},
        "monitored_entrypoint_names": names,
        "missing_metrics_entrypoints": _named(missing),
        "invalid_thresholds_entrypoints": _named(invalid),
        "breached_thresholds_entrypoints": _named(breached),
        "breach_counts_by_metric": _counts(item["metric"] for name in names for item in entries[name]["breaches"]),
        "threshold_breach_counts": _counts(key for keys in breached.values() for key in keys),
        "missing_metric_counts": _counts(key for keys in missing.values() for key in keys),
        "invalid_threshold_counts": _counts(key for keys in invalid.values() for key in keys),
        "metric_coverage_entrypoints": _named(metrics),
        "threshold_coverage_entrypoints": _named(thresholds),
        "network_error_severity_coverage_entrypoints": severities,
        "metric_coverage_ratio": _ratios(metrics, len(names)),
        "threshold_coverage_ratio": _ratios(thresholds, len(names)),
        "network_error_severity_coverage_ratio": _ratios(severities, len(names)),
        "metric_coverage_score": _score(metrics, len(names)),
        "threshold_coverage_score": _score(thresholds, len(names)),
        "monitored_metric_names": sorted(metrics),
        "monitored_threshold_names": sorted(thresholds),
        "network_error_severity_totals": {
            severity: sum(entries[name]["network_errors_by_severity"][severity] for name in names)
            for severity in SEVERITIES
        },
        "missing_error_severity_counts": {severity: len(who) for severity, who in silent.items() if who},
        "missing_error_severity_entrypoints": _named(silent),
    }


def _metric_coverage(entries: Entries) -> Coverage:
    """For each metric that an entry names: the entrypoints that have a sample of it."""
    named = {name: set(entry.get("metric_names", {}).values()) for name, entry in entries.items()}
    return {
        metric: sorted(n for n, own in named.items() if metric in own and metric not in entries[n]["missing_metrics"])
        for metric in sorted(set().union(*named.values()))
    }


def _threshold_coverage(entries: Entries) -> Coverage:
    """For each threshold that an entry sets: the entrypoints for which it is a finite number."""
    keys = {
        name: set(entry.get("thresholds", {})) & {threshold.key for threshold in THRESHOLDS}
        for name, entry in entries.items()
    }
    return {
        key: sorted(n for n, own in keys.items() if key in own and key not in entries[n]["invalid_thresholds"])
        for key in sorted(set().union(*keys.values()))
    }


def _severity_coverage(entries: Entries) -> Coverage:
    """For each severity: the entrypoints whose exchange has a sample of it."""
    return {
        severity: sorted(n for n, entry in entries.items() if severity not in entry["missing_error_severities"])
        for severity in SEVERITIES
    }


def _named(names: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The mapping without the keys that hold nothing, each list sorted."""
    return {key: sorted(items) for key, items in names.items() if items}


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _ratios(coverage: Coverage, entrypoints: int) -> dict[str, float]:
    return {name: round(len(who) / entrypoints, _DIGITS) if entrypoints else 0.0 for name, who in coverage.items()}


def _score(coverage: Coverage, entrypoints: int) -> float:
    """Mean over the names of covered / all; 0.0 where there is nothing to cover."""
    if not coverage or not entrypoints:
        return 0.0
    return round(sum(map(len, coverage.values())) / (entrypoints * len(coverage)), _DIGITS)
