from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.bot.report import PaperEntrypoint, paper_exchange_metrics, warnings_of, write_report

RATE, ERRORS, HEALTH = "bot_exchange_rate_limited_total", "bot_exchange_errors_total", "bot_exchange_health_status"
NAMES = {"rate_limit": RATE, "network_errors": ERRORS, "health": HEALTH}
LIMITS: dict[str, object] = {"rate_limit_max": 0, "network_errors_max": 0, "health_min": 1.0}
SEVERITIES = ("warning", "error", "critical")


class Table:
    """Samples by metric, exchange and severity."""

    def __init__(self, values: Mapping[tuple[str, ...], float]) -> None:
        self.values = values

    def value(self, metric: str, labels: Mapping[str, str]) -> float | None:
        severity = (labels["severity"],) if "severity" in labels else ()
        return self.values.get((metric, labels["exchange"], *severity))


def clean(exchange: str = "kraken") -> dict[tuple[str, ...], float]:
    return {
        (RATE, exchange): 0.0,
        **{(ERRORS, exchange, severity): 0.0 for severity in SEVERITIES},
        (HEALTH, exchange): 1.0,
    }


def entrypoint(name: str = "desktop", thresholds: Mapping[str, object] = LIMITS, **more: Any) -> PaperEntrypoint:
    values: dict[str, Any] = {"metric_names": NAMES, "thresholds": thresholds, **more}
    return PaperEntrypoint(name, "kraken_paper", "kraken", **values)


def test_a_clean_run_is_ok_in_every_field() -> None:
    section = paper_exchange_metrics([entrypoint("headless"), entrypoint("desktop")], Table(clean()))
    both = ["desktop", "headless"]
    assert section["desktop"] == {
        "environment": "kraken_paper",
        "exchange": "kraken",
        "rate_limited_events": 0,
        "network_errors": 0,
        "network_errors_by_severity": {"warning": 0, "error": 0, "critical": 0},
        "health_status": 1.0,
        "metric_names": NAMES,
        "thresholds": LIMITS,
        "status": "ok",
        "breaches": [],
        "missing_metrics": [],
        "invalid_thresholds": [],
        "missing_error_severities": [],
    }
    assert section["summary"] == {
        "status": "ok",
        "entrypoints": 2,
        "ok_entrypoints": 2,
        "breached_entrypoints": 0,
        "unknown_entrypoints": 0,
        "total_breaches": 0,
        "missing_metrics": 0,
        "invalid_thresholds": 0,
        "missing_error_severities": 0,
        "ok_entrypoint_names": both,
        "breached_entrypoint_names": [],
        "unknown_entrypoint_names": [],
        "monitored_entrypoint_names": both,
        "missing_metrics_entrypoints": {},
        "invalid_thresholds_entrypoints": {},
        "breached_thresholds_entrypoints": {},
        "breach_counts_by_metric": {},
        "threshold_breach_counts": {},
        "missing_metric_counts": {},
        "invalid_threshold_counts": {},
        "metric_coverage_entrypoints": {RATE: both, ERRORS: both, HEALTH: both},
        "threshold_coverage_entrypoints": {"rate_limit_max": both, "network_errors_max": both, "health_min": both},
        "network_error_severity_coverage_entrypoints": {"warning": both, "error": both, "critical": both},
        "metric_coverage_ratio": {RATE: 1.0, ERRORS: 1.0, HEALTH: 1.0},
        "threshold_coverage_ratio": {"rate_limit_max": 1.0, "network_errors_max": 1.0, "health_min": 1.0},
        "network_error_severity_coverage_ratio": {"warning": 1.0, "error": 1.0, "critical": 1.0},
        "metric_coverage_score": 1.0,
        "threshold_coverage_score": 1.0,
        "monitored_metric_names": sorted([RATE, ERRORS, HEALTH]),
        "monitored_threshold_names": ["health_min", "network_errors_max", "rate_limit_max"],
        "network_error_severity_totals": {"warning": 0, "error": 0, "critical": 0},
        "missing_error_severity_counts": {},
        "missing_error_severity_entrypoints": {},
    }
    assert warnings_of(section) == []


def test_breaches_name_metric_threshold_observed_limit_and_comparator() -> None:
    samples = clean() | {(RATE, "kraken"): 2.0, (ERRORS, "kraken", "critical"): 99.0, (HEALTH, "kraken"): 0.0}
    section = paper_exchange_metrics([entrypoint()], Table(samples))
    entry, summary = section["desktop"], section["summary"]
    assert entry["status"] == summary["status"] == "breached"
    assert entry["breaches"] == [
        {"metric": RATE, "threshold": "rate_limit_max", "observed": 2, "limit": 0, "comparator": "<="},
        {"metric": ERRORS, "threshold": "network_errors_max", "observed": 99, "limit": 0, "comparator": "<="},
        {"metric": HEALTH, "threshold": "health_min", "observed": 0.0, "limit": 1.0, "comparator": ">="},
    ]
    assert summary["breached_thresholds_entrypoints"] == {
        "desktop": ["health_min", "network_errors_max", "rate_limit_max"]
    }
    assert summary["breach_counts_by_metric"] == {RATE: 1, ERRORS: 1, HEALTH: 1}
    assert warnings_of(section) == [
        f"[paper:desktop] {RATE} breaches rate_limit_max: observed 2, expected <= 0",
        f"[paper:desktop] {ERRORS} breaches network_errors_max: observed 99, expected <= 0",
        f"[paper:desktop] {HEALTH} breaches health_min: observed 0.0, expected >= 1.0",
    ]


def test_without_thresholds_errors_do_not_read_ok() -> None:
    samples = clean() | {(ERRORS, "kraken", "critical"): 99.0}
    section = paper_exchange_metrics([entrypoint(thresholds={})], Table(samples))
    assert section["desktop"]["status"] == "unknown"
    assert "thresholds" not in section["desktop"]
    assert section["summary"]["threshold_coverage_score"] == 0.0
    assert any("rate_limit_max is not set" in text for text in warnings_of(section))


def test_one_of_four_entrypoints_without_thresholds_lowers_the_coverage() -> None:
    named = [entrypoint(name) for name in "abc"]
    summary = paper_exchange_metrics([*named, entrypoint("d", {})], Table(clean()))["summary"]
    assert summary["status"] == "unknown"
    assert summary["threshold_coverage_score"] == 0.75
    assert summary["threshold_coverage_ratio"]["health_min"] == 0.75
    assert summary["unknown_entrypoint_names"] == ["d"]


def test_an_entrypoint_that_did_not_run_has_no_sample_even_where_its_neighbour_has() -> None:
    section = paper_exchange_metrics([entrypoint("a"), entrypoint("b", ran=False)], Table(clean()))
    assert section["a"]["status"] == "ok"
    assert section["b"]["status"] == "unknown"
    assert section["b"]["health_status"] is None
    assert section["summary"]["metric_coverage_entrypoints"][HEALTH] == ["a"]
    assert section["summary"]["metric_coverage_score"] == 0.5


@pytest.mark.parametrize(
    "raw", [math.nan, math.inf, -math.inf, True, "0", None, [0], {"x": 0}, 10**400], ids=lambda raw: repr(raw)[:9]
)
def test_a_threshold_that_is_no_finite_number_is_invalid_and_named(raw: object, tmp_path: Path) -> None:
    section = paper_exchange_metrics([entrypoint(thresholds={**LIMITS, "network_errors_max": raw})], Table(clean()))
    assert section["desktop"]["status"] == "unknown"
    assert section["desktop"]["invalid_thresholds"] == ["network_errors_max"]
    assert section["summary"]["invalid_threshold_counts"] == {"network_errors_max": 1}
    assert section["summary"]["threshold_coverage_ratio"]["network_errors_max"] == 0.0
    assert "network_errors_max" not in section["summary"]["threshold_coverage_entrypoints"]
    assert any("network_errors_max is not a finite number" in text for text in warnings_of(section))
    write_report(tmp_path / "report.json", section)


@pytest.mark.parametrize("sample", [math.nan, math.inf, None])
def test_a_gauge_without_a_finite_sample_is_null_and_missing(sample: float | None) -> None:
    samples = {key: value for key, value in clean().items() if key[0] != HEALTH}
    if sample is not None:
        samples[HEALTH, "kraken"] = sample
    section = paper_exchange_metrics([entrypoint()], Table(samples))
    assert section["desktop"]["health_status"] is None
    assert section["desktop"]["missing_metrics"] == [HEALTH]
    assert section["desktop"]["status"] == "unknown"
    assert section["summary"]["missing_metric_counts"] == {HEALTH: 1}
    assert warnings_of(section) == [f"[paper:desktop] {HEALTH}: no sample for kraken"]


def test_a_severity_that_was_never_initialised_is_missing() -> None:
    samples = {key: value for key, value in clean().items() if key[-1] != "warning"}
    section = paper_exchange_metrics([entrypoint()], Table(samples))
    summary = section["summary"]
    assert section["desktop"]["missing_error_severities"] == ["warning"]
    assert summary["network_error_severity_coverage_entrypoints"]["warning"] == []
    assert summary["network_error_severity_coverage_ratio"] == {"warning": 0.0, "error": 1.0, "critical": 1.0}
    assert summary["missing_error_severity_counts"] == {"warning": 1}
    assert summary["missing_error_severity_entrypoints"] == {"warning": ["desktop"]}


def test_a_metric_under_another_name_has_no_sample_and_a_role_without_name_is_not_ok() -> None:
    renamed = paper_exchange_metrics([entrypoint(metric_names={**NAMES, "health": "other"})], Table(clean()))
    assert renamed["desktop"]["missing_metrics"] == ["other"]
    unnamed = paper_exchange_metrics([entrypoint(metric_names={"health": HEALTH})], Table(clean()))
    assert unnamed["desktop"]["status"] == "unknown"
    assert unnamed["desktop"]["rate_limited_events"] == 0


def test_without_paper_entrypoints_nothing_is_configured() -> None:
    section = paper_exchange_metrics([], Table({}))
    assert list(section) == ["summary"]
    assert section["summary"]["status"] == "not_configured"
    assert section["summary"]["metric_coverage_score"] == 0.0
    assert section["summary"]["network_error_severity_coverage_ratio"] == dict.fromkeys(SEVERITIES, 0.0)


def test_the_reserved_name_and_doubles_are_refused() -> None:
    with pytest.raises(ValueError, match="summary"):
        paper_exchange_metrics([entrypoint("summary")], Table({}))
    with pytest.raises(ValueError, match="one name"):
        paper_exchange_metrics([entrypoint("a"), entrypoint("a")], Table({}))


amounts = st.one_of(st.integers(0, 5).map(float), st.sampled_from([math.nan, math.inf]))
raw_limits = st.one_of(st.integers(-1, 5), st.floats(0, 5), st.sampled_from([math.nan, math.inf, "0", True, None]))
tables = st.dictionaries(
    st.one_of(
        st.tuples(st.sampled_from([RATE, HEALTH]), st.sampled_from(["kraken", "other"])),
        st.tuples(st.just(ERRORS), st.sampled_from(["kraken", "other"]), st.sampled_from(SEVERITIES)),
    ),
    amounts,
)
members = st.lists(
    st.builds(
        PaperEntrypoint,
        name=st.sampled_from(["a", "b", "c", "d"]),
        environment=st.just("kraken_paper"),
        exchange=st.sampled_from(["kraken", "other"]),
        metric_names=st.sampled_from([NAMES, {}, {"health": HEALTH}]),
        thresholds=st.dictionaries(st.sampled_from([*LIMITS, "extra"]), raw_limits),
        ran=st.booleans(),
    ),
    unique_by=lambda member: member.name,
    max_size=4,
)


def is_limit(raw: object) -> bool:
    return isinstance(raw, (int, float)) and not isinstance(raw, bool) and math.isfinite(raw)


@given(members, tables)
def test_the_section_follows_the_table_of_its_document(found: list[PaperEntrypoint], values: dict[Any, float]) -> None:
    """Derives the statuses, breaches and coverage once more, in other words, from the entries as they are read back."""
    section = json.loads(json.dumps(paper_exchange_metrics(found, Table(values)), allow_nan=False))
    summary = section.pop("summary")
    count = len(section)
    limits = {name: entry.get("thresholds", {}) for name, entry in section.items()}
    for name, entry in section.items():
        raw = {key: limits[name][key] for key in LIMITS if key in limits[name]}
        good = {key: value for key, value in raw.items() if is_limit(value)}
        beyond = set()
        if "rate_limit_max" in good and entry["rate_limited_events"] > good["rate_limit_max"]:
            beyond.add("rate_limit_max")
        if "network_errors_max" in good and entry["network_errors"] > good["network_errors_max"]:
            beyond.add("network_errors_max")
        if "health_min" in good and entry["health_status"] is not None and entry["health_status"] < good["health_min"]:
            beyond.add("health_min")
        assert {breach["threshold"] for breach in entry["breaches"]} == beyond
        assert entry["invalid_thresholds"] == sorted(set(raw) - set(good))
        assert entry["network_errors"] == sum(entry["network_errors_by_severity"].values())
        complete = len(good) == 3 and len(entry.get("metric_names", {})) == 3 and not entry["missing_metrics"]
        assert entry["status"] == ("breached" if beyond else "ok" if complete else "unknown")
    statuses = [entry["status"] for entry in section.values()]
    worst = next((name for name in ("breached", "unknown", "ok") if name in statuses), "not_configured")
    assert summary["status"] == worst
    assert summary["entrypoints"] == count
    for status in ("ok", "breached", "unknown"):
        assert summary[f"{status}_entrypoints"] == statuses.count(status)
        assert summary[f"{status}_entrypoint_names"] == sorted(n for n, e in section.items() if e["status"] == status)
    for total in ("missing_metrics", "invalid_thresholds", "missing_error_severities"):
        assert summary[total] == sum(len(entry[total]) for entry in section.values())
    named = {metric for entry in section.values() for metric in entry.get("metric_names", {}).values()}
    assert summary["monitored_metric_names"] == sorted(named)
    covered = 0
    for metric in named:
        who = sorted(
            name
            for name, entry in section.items()
            if metric in entry.get("metric_names", {}).values() and metric not in entry["missing_metrics"]
        )
        assert summary["metric_coverage_entrypoints"].get(metric, []) == who
        assert (metric in summary["metric_coverage_entrypoints"]) == bool(who)
        assert summary["metric_coverage_ratio"][metric] == round(len(who) / count, 4)
        covered += len(who)
    assert summary["metric_coverage_score"] == (round(covered / count / len(named), 4) if named else 0.0)
    for severity in SEVERITIES:
        assert summary["network_error_severity_totals"][severity] == sum(
            entry["network_errors_by_severity"][severity] for entry in section.values()
        )


def test_the_report_replaces_the_old_one_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "paper.json"
    write_report(path, {"run": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report(path, {"run": math.nan})
    assert json.loads(path.read_text(encoding="utf-8")) == {"run": 1}
    write_report(path, {"run": 2, "text": "Zürich"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"run": 2, "text": "Zürich"}
    assert [file.name for file in path.parent.iterdir()] == ["paper.json"]
