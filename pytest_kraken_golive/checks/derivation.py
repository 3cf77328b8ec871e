"""What a report's fields must be, derived again from its raw values: an oracle of its own, not the bot's code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pytest_kraken_golive.contract import Found, Words
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.deployment.section import Section

SEVERITIES = ("warning", "error", "critical")
LIMITS = (
    ("rate_limit_max", "rate_limit", "rate_limited_events", "<="),
    ("network_errors_max", "network_errors", "network_errors", "<="),
    ("health_min", "health", "health_status", ">="),
)
"""Threshold, role of its metric, the raw value it is held against, and how."""

KNOWN_THRESHOLDS = frozenset(key for key, *_ in LIMITS)

STATUSES = ("breached", "unknown", "ok")


def contradictions(report: PaperReport, runtime: RuntimeConfig, names: list[str]) -> list[str]:
    """Everything in the report that does not follow from its raw values and the configuration; empty if all does.

    Raises:
        NotProven: a field is absent, so nothing can be derived or compared.
    """
    found: list[str] = []
    if report.entrypoint_names != sorted(names):
        where = report.mapping("paper_exchange_metrics").where
        found.append(
            f"{where}: expected entries for exactly the paper entrypoints {', '.join(sorted(names))}, "
            f"found {', '.join(report.entrypoint_names)}. Next: let the bot report each of them."
        )
        return found
    entries = {name: report.entry(name) for name in sorted(names)}
    for name, entry in entries.items():
        found.extend(_entry_faults(entry, runtime, name))
    if found:
        return found
    derived = derive_summary({name: entry.found.value for name, entry in entries.items()})
    summary = Section(report.document, "paper_exchange_metrics", "summary")
    for field, expected in derived.items():
        actual = summary.at(field)
        if not _alike(actual.value, expected):
            found.append(actual.unlike(expected, "the summary contradicts its own entries: correct the bot's report"))
    return found


def _entry_faults(entry: Section, runtime: RuntimeConfig, name: str) -> list[str]:
    """What is wrong with an entry; nothing is derived from values that are not what they must be."""
    profile = runtime.paper_profile_for(name)
    faults = [
        *_not_configured(entry.at("metric_names"), profile.metric_names),
        *_not_configured(entry.at("thresholds"), profile.thresholds),
        *_not_configured(entry.at("exchange"), profile.exchange),
        *_not_configured(entry.at("environment"), runtime.entrypoint(name).environment),
    ]
    faults = faults or [*_count_faults(entry), *_health_faults(entry), *_missing_faults(entry)]
    if faults:
        return faults
    derived = _derive_entry(entry.found.value)
    return [
        actual.unlike(expected, "it contradicts the entry's own raw values: correct the bot's report")
        for key, expected in derived.items()
        if not _alike((actual := entry.at(key)).value, expected)
    ]


def _count_faults(entry: Section) -> Iterator[str]:
    severities = entry.mapping("network_errors_by_severity")
    if set(severities.value) != set(SEVERITIES):
        yield severities.unlike(list(SEVERITIES), "let the bot count exactly these severities")
        return
    raw = {key: entry.number(key) for key in ("rate_limited_events", "network_errors")}
    counts = [entry.number("network_errors_by_severity", severity) for severity in SEVERITIES]
    for count in (*raw.values(), *counts):
        if count.value < 0:
            yield count.unlike(Words("a count"), "let the bot report what its counters say")
    if raw["network_errors"].value != sum(count.value for count in counts):
        yield raw["network_errors"].unlike(sum(count.value for count in counts), "it is the sum over its severities")


def _missing_faults(entry: Section) -> Iterator[str]:
    """Lists of what is missing name only what there is."""
    metrics, silent = entry.names("missing_metrics"), entry.names("missing_error_severities")
    for found, known in ((metrics, list(entry.mapping("metric_names").value.values())), (silent, list(SEVERITIES))):
        strangers = [item for item in found.value if item not in known]
        if strangers:
            yield found.unlike(Words(f"some of {known}"), f"take {strangers[0]!r} out of the bot's list")


def _not_configured(found: Found, configured: Found) -> Iterator[str]:
    if not _alike(found.value, configured.value):
        yield found.unlike(configured.value, f"let the bot report what is configured at {configured.where}")


def _health_faults(entry: Section) -> Iterator[str]:
    health, missing = entry.at("health_status"), entry.names("missing_metrics")
    metric = entry.text("metric_names", "health")
    if health.value is None:
        if metric.value not in missing.value:
            yield health.unlike(
                Words(f"a number, or {metric.value} among the missing metrics"), "let the bot set its health gauge"
            )
        return
    if isinstance(health.value, bool) or health.value not in (0, 1):
        yield health.unlike(Words("1, 0 or null"), "let the bot report its gauge as it is")
    elif metric.value in missing.value:
        yield missing.unlike(Words(f"a list without {metric.value}"), f"{health.where} has a sample of it")


def _limit(value: object) -> float | None:
    """A threshold as a number, None if it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


def _derive_entry(entry: dict[str, Any]) -> dict[str, Any]:
    thresholds, metrics = entry["thresholds"], entry["metric_names"]
    breaches, invalid = [], []
    for key, role, raw, comparator in LIMITS:
        if key not in thresholds:
            continue
        limit, observed = _limit(thresholds[key]), entry[raw]
        if limit is None:
            invalid.append(key)
        elif observed is not None and (observed > limit if comparator == "<=" else observed < limit):
            breaches.append(
                {
                    "metric": metrics.get(role),
                    "threshold": key,
                    "observed": observed,
                    "limit": limit,
                    "comparator": comparator,
                }
            )
    complete = {key for key, *_ in LIMITS} <= {key for key in thresholds if _limit(thresholds[key]) is not None}
    named = {role for _, role, *_ in LIMITS} <= set(metrics)
    sound = complete and named and not entry["missing_metrics"]
    status = "breached" if breaches else "ok" if sound else "unknown"
    return {"breaches": breaches, "invalid_thresholds": sorted(invalid), "status": status}


def derive_summary(entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The summary that follows from the entries.

    Args:
        entries: entrypoint to its entry, as the report holds them.
    """
    names = sorted(entries)
    summary: dict[str, Any] = {"entrypoints": len(names), "monitored_entrypoint_names": names}
    for status in STATUSES:
        having = [name for name in names if entries[name]["status"] == status]
        summary[f"{status}_entrypoints"] = len(having)
        summary[f"{status}_entrypoint_names"] = having
    worst = [status for status in STATUSES if summary[f"{status}_entrypoints"]]
    summary["status"] = worst[0] if worst else "not_configured"
    summary |= _breach_fields(names, entries) | _missing_fields(names, entries) | _coverage_fields(names, entries)
    return summary


def _breach_fields(names: list[str], entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    all_breaches = [(name, breach) for name in names for breach in entries[name]["breaches"]]
    return {
        "total_breaches": len(all_breaches),
        "breached_thresholds_entrypoints": _grouped((name, breach["threshold"]) for name, breach in all_breaches),
        "breach_counts_by_metric": _counted(breach["metric"] for _, breach in all_breaches),
        "threshold_breach_counts": _counted(breach["threshold"] for _, breach in all_breaches),
    }


def _missing_fields(names: list[str], entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, entrypoints, counts in (
        ("missing_metrics", "missing_metrics_entrypoints", "missing_metric_counts"),
        ("invalid_thresholds", "invalid_thresholds_entrypoints", "invalid_threshold_counts"),
    ):
        pairs = [(name, item) for name in names for item in entries[name][key]]
        fields |= {key: len(pairs), entrypoints: _grouped(pairs), counts: _counted(item for _, item in pairs)}
    silent = [(severity, name) for name in names for severity in entries[name]["missing_error_severities"]]
    fields["missing_error_severities"] = len(silent)
    fields["missing_error_severity_entrypoints"] = _grouped(silent)
    fields["missing_error_severity_counts"] = _counted(severity for severity, _ in silent)
    totals = {one: sum(entries[name]["network_errors_by_severity"][one] for name in names) for one in SEVERITIES}
    fields["network_error_severity_totals"] = totals
    return fields


def _coverage_fields(names: list[str], entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    metrics: dict[str, list[str]] = {}
    thresholds: dict[str, list[str]] = {}
    for name in names:
        entry = entries[name]
        for metric in entry["metric_names"].values():
            metrics.setdefault(metric, []).extend([name] if metric not in entry["missing_metrics"] else [])
        for key in KNOWN_THRESHOLDS & set(entry["thresholds"]):
            thresholds.setdefault(key, []).extend([name] if key not in entry["invalid_thresholds"] else [])
    severities = {
        one: [name for name in names if one not in entries[name]["missing_error_severities"]] for one in SEVERITIES
    }
    return {
        "monitored_metric_names": sorted(metrics),
        "monitored_threshold_names": sorted(thresholds),
        "metric_coverage_entrypoints": {key: sorted(set(who)) for key, who in metrics.items() if who},
        "threshold_coverage_entrypoints": {key: sorted(set(who)) for key, who in thresholds.items() if who},
        "network_error_severity_coverage_entrypoints": severities,
        "metric_coverage_ratio": _ratios(metrics, len(names)),
        "threshold_coverage_ratio": _ratios(thresholds, len(names)),
        "network_error_severity_coverage_ratio": _ratios(severities, len(names)),
        "metric_coverage_score": _score(metrics, len(names)),
        "threshold_coverage_score": _score(thresholds, len(names)),
    }


def _grouped(pairs: Any) -> dict[str, list[str]]:
    groups: dict[str, set[str]] = {}
    for key, item in pairs:
        groups.setdefault(key, set()).add(item)
    return {key: sorted(items) for key, items in groups.items()}


def _counted(items: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts


def _ratios(covered: dict[str, list[str]], everyone: int) -> dict[str, float]:
    return {key: round(len(set(who)) / everyone, 4) for key, who in covered.items()} if everyone else {}


def _score(covered: dict[str, list[str]], everyone: int) -> float:
    if not covered or not everyone:
        return 0.0
    return round(sum(len(set(who)) for who in covered.values()) / (everyone * len(covered)), 4)


def _alike(value: object, expected: object) -> bool:
    """Whether JSON data say the same: 1 and 1.0 do, true and 1 do not; lists of names in any order."""
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and value.keys() == expected.keys()
            and all(_alike(value[key], item) for key, item in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(value, list)
            and len(value) == len(expected)
            and all(any(_alike(one, other) for other in value) for one in expected)
        )
    if isinstance(expected, bool) or isinstance(value, bool):
        return value is expected
    return value == expected
