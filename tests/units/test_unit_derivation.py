"""The oracle of the report against the bot's own code: they agree on every report that is consistent, on no other."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.bot.report import PaperEntrypoint, paper_exchange_metrics
from pytest_kraken_golive.bot.summary import summarise
from pytest_kraken_golive.checks.derivation import contradictions, derive_summary
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig

SEVERITIES = ("warning", "error", "critical")
ROLES = ("rate_limit", "network_errors", "health")
LIMITS = ("rate_limit_max", "network_errors_max", "health_min")


class Samples:
    """The bot's metrics, as far as they have samples."""

    def __init__(self, values: Mapping[tuple[str, str, str], float | None]) -> None:
        self._values = values

    def value(self, metric: str, labels: Mapping[str, str]) -> float | None:
        return self._values.get((metric, labels["exchange"], labels.get("severity", "")))


def names_of(exchange: str) -> dict[str, str]:
    return {role: f"bot_{exchange}_{role}" for role in ROLES}


raw_limits: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 3), st.floats(0, 2, allow_nan=False), st.sampled_from(["0", "none", "", True, None, [], 10**400])
)
sound_limits = st.sampled_from([0, 1, 2.5])
counts = st.none() | st.integers(0, 4)


@st.composite
def deployments(draw: st.DrawFn) -> tuple[dict[str, Any], RuntimeConfig, list[str]]:
    """A report as the bot writes it, the configuration that it was written for, and the paper entrypoints."""
    exchanges = draw(st.lists(st.sampled_from(["kraken", "other", "third"]), min_size=1, max_size=4))
    values: dict[tuple[str, str, str], float | None] = {}
    for exchange in sorted(set(exchanges)):
        names = names_of(exchange)
        values[names["rate_limit"], exchange, ""] = draw(counts)
        values[names["health"], exchange, ""] = draw(st.none() | st.sampled_from([0, 1, 1.0]))
        values |= {(names["network_errors"], exchange, severity): draw(counts) for severity in SEVERITIES}
    entrypoints, profiles = [], {}
    for number, exchange in enumerate(exchanges):
        name = f"desk_{number}"
        given_limits = draw(st.booleans())
        thresholds = {
            key: draw(sound_limits if given_limits else raw_limits)
            for key in LIMITS
            if given_limits or draw(st.booleans())
        } or {"health_min": 1}
        thresholds = {
            key: "a whole number beyond every float" if value == 10**400 else value for key, value in thresholds.items()
        }
        metrics = names_of(exchange)
        entrypoints.append(PaperEntrypoint(name, "env", exchange, metrics, thresholds, draw(st.booleans())))
        profiles[name] = {
            "entrypoint": name,
            "exchange": exchange,
            "environment": "env",
            "metrics": {**metrics, "thresholds": thresholds},
        }
    runtime = {
        "trading": {"entrypoints": {one.name: {"environment": "env"} for one in entrypoints}},
        "execution": {"paper_profiles": profiles},
    }
    report = {"paper_exchange_metrics": paper_exchange_metrics(entrypoints, Samples(values))}
    config = RuntimeConfig(parse_document(json.dumps(runtime).encode(), "config/runtime.yaml", yaml=False))
    return report, config, [one.name for one in entrypoints]


def judged(report: dict[str, Any], runtime: RuntimeConfig, names: list[str]) -> list[str]:
    document = parse_document(json.dumps(report).encode(), "reports/paper.json", yaml=False)
    return contradictions(PaperReport(document), runtime, names)


relaxed = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(deployments())
@relaxed
def test_both_agree_on_what_the_bot_reports(made: tuple[dict[str, Any], RuntimeConfig, list[str]]) -> None:
    report, runtime, names = made
    assert judged(report, runtime, names) == []
    entries = {name: entry for name, entry in report["paper_exchange_metrics"].items() if name != "summary"}
    assert derive_summary(entries) == report["paper_exchange_metrics"]["summary"]


def another_mapping(value: dict[str, Any]) -> st.SearchStrategy[Any]:
    """A mapping with a key more, a key less, or another value."""
    strategies: list[st.SearchStrategy[Any]] = [
        st.sampled_from([0, [], ["desk_0"], {}]).map(lambda more: {**value, "invented": more})
    ]
    for key, old in value.items():
        strategies.append(st.just({name: item for name, item in value.items() if name != key}))
        strategies.append(another(old).map(functools.partial(with_item, value, key)))
    return st.one_of(strategies)


def with_item(value: dict[str, Any], key: str, item: Any) -> dict[str, Any]:
    return {**value, key: item}


def another_list(value: list[Any]) -> st.SearchStrategy[Any]:
    """A list with an item more, an item twice, an item less, or another item."""
    choices = [[*value, "invented"]]
    for index, item in enumerate(value):
        choices += [value[:index] + value[index + 1 :], [*value, item], [*value[:index], "x", *value[index + 1 :]]]
    return st.sampled_from(choices)


def another(value: Any) -> st.SearchStrategy[Any]:
    """Another value of the same type; of another type where there is only one."""
    if isinstance(value, dict):
        return another_mapping(value)
    if isinstance(value, list):
        return another_list(value)
    if isinstance(value, bool) or value is None:
        return st.sampled_from([0, 1, "x"])
    if isinstance(value, (int, float)):
        return st.sampled_from([value + 1, value - 1, value + 0.0001, -value - 1, float(value) + 0.5])
    words = [word for word in ("ok", "breached", "unknown", "OK", f"{value} ") if word != value]
    return st.sampled_from(words)


def of_another_type(value: Any) -> list[Any]:
    """What a careless bot writes instead: 1 and 1.0 are one number to JSON, 1 and true are not."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    others: list[Any] = [None, [value], {"value": value}, str(value), True, 1.5]
    return [one for one in others if type(one) is not type(value) and not (number and type(one) in (int, float))]


def noticed(report: dict[str, Any], runtime: RuntimeConfig, names: list[str]) -> bool:
    try:
        return bool(judged(report, runtime, names))
    except (NotProven, Fault):
        return True


@given(st.data())
@settings(relaxed, max_examples=500)
def test_any_single_change_of_the_summary_is_noticed(data: st.DataObject) -> None:
    report, runtime, names = data.draw(deployments())
    changed = copy.deepcopy(report)
    summary = changed["paper_exchange_metrics"]["summary"]
    field = data.draw(st.sampled_from(sorted(summary)))
    if data.draw(st.integers(0, 9)) == 0:
        del summary[field]
    else:
        summary[field] = data.draw(another(summary[field]) | st.sampled_from(of_another_type(summary[field])))
    assert noticed(changed, runtime, names), (
        field,
        report["paper_exchange_metrics"]["summary"][field],
        summary.get(field),
    )


DERIVED = (
    "status",
    "breaches",
    "invalid_thresholds",
    "network_errors",
    "environment",
    "exchange",
    "metric_names",
    "thresholds",
)


@given(st.data())
@settings(relaxed, max_examples=300)
def test_any_single_change_of_what_an_entry_derives_is_noticed(data: st.DataObject) -> None:
    report, runtime, names = data.draw(deployments())
    changed = copy.deepcopy(report)
    entry = changed["paper_exchange_metrics"][data.draw(st.sampled_from(names))]
    field = data.draw(st.sampled_from([*DERIVED, *entry]))
    if data.draw(st.integers(0, 9)) == 0:
        del entry[field]
        assert noticed(changed, runtime, names)
    elif field in DERIVED:
        entry[field] = data.draw(another(entry[field]))
        assert noticed(changed, runtime, names), (field, entry[field])


def steady(**entry: Any) -> tuple[dict[str, Any], RuntimeConfig, list[str]]:
    """A report of two clean entrypoints on one exchange; `entry` is written over the first of them."""
    names = names_of("kraken")
    limits = {"rate_limit_max": 0, "network_errors_max": 0, "health_min": 1.0}
    values: dict[tuple[str, str, str], float | None] = {
        (names["rate_limit"], "kraken", ""): 0.0,
        (names["health"], "kraken", ""): 1.0,
        **{(names["network_errors"], "kraken", severity): 0.0 for severity in SEVERITIES},
    }
    made = [PaperEntrypoint(name, "env", "kraken", names, limits) for name in ("a", "b")]
    report = {"paper_exchange_metrics": paper_exchange_metrics(made, Samples(values))}
    report["paper_exchange_metrics"]["a"].update(entry)
    profiles = {
        name: {
            "entrypoint": name,
            "exchange": "kraken",
            "environment": "env",
            "metrics": {**names, "thresholds": limits},
        }
        for name in ("a", "b")
    }
    runtime = {
        "trading": {"entrypoints": {name: {"environment": "env"} for name in ("a", "b")}},
        "execution": {"paper_profiles": profiles},
    }
    return (
        report,
        RuntimeConfig(parse_document(json.dumps(runtime).encode(), "config/runtime.yaml", yaml=False)),
        ["a", "b"],
    )


def test_a_clean_report_has_no_contradiction() -> None:
    assert judged(*steady()) == []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"rate_limited_events": 2}, "a.breaches"),
        ({"rate_limited_events": -1}, "a.rate_limited_events"),
        ({"network_errors": 1}, "a.network_errors"),
        ({"network_errors_by_severity": {"warning": 0, "error": 0, "critical": 99}}, "a.network_errors"),
        ({"network_errors_by_severity": {"warning": 0, "error": 0}}, "a.network_errors_by_severity"),
        ({"network_errors_by_severity": {"warning": 1, "error": -1, "critical": 0}}, "error"),
        ({"health_status": None}, "a.health_status"),
        ({"health_status": True}, "a.health_status"),
        ({"health_status": "1"}, "a.health_status"),
        ({"health_status": 0}, "a.breaches"),
        ({"health_status": 0.5}, "a.health_status"),
        ({"health_status": 2}, "a.health_status"),
        ({"missing_metrics": ["bot_kraken_health"]}, "a.missing_metrics"),
        ({"status": "unknown"}, "a.status"),
        ({"thresholds": {"rate_limit_max": 5, "network_errors_max": 0, "health_min": 1.0}}, "a.thresholds"),
        ({"metric_names": {**names_of("kraken"), "health": "other"}}, "a.metric_names"),
        ({"exchange": "other"}, "a.exchange"),
        ({"environment": "kraken_live"}, "a.environment"),
        ({"invalid_thresholds": ["health_min"]}, "a.invalid_thresholds"),
    ],
)
def test_a_contradiction_names_its_place(entry: dict[str, Any], said: str) -> None:
    found = judged(*steady(**entry))
    assert found
    assert any(said in one and "Next: " in one for one in found), found


FIELDS = sorted(steady()[0]["paper_exchange_metrics"]["a"])


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_another_type_is_a_problem_and_no_trace_back(field: str) -> None:
    value = steady()[0]["paper_exchange_metrics"]["a"][field]
    for other in of_another_type(value):
        assert noticed(*steady(**{field: other})), other


@pytest.mark.parametrize("field", ["missing_metrics", "missing_error_severities", "invalid_thresholds", "breaches"])
@pytest.mark.parametrize("item", [None, 3, [], {}])
def test_an_item_of_another_type_is_a_problem_and_no_trace_back(field: str, item: Any) -> None:
    assert noticed(*steady(**{field: [item]}))


@pytest.mark.parametrize("place", ["paper_exchange_metrics", "summary", "a"])
@pytest.mark.parametrize("other", of_another_type({}))
def test_a_part_of_another_type_is_a_problem_and_no_trace_back(place: str, other: Any) -> None:
    report, runtime, names = steady()
    parent = report if place in report else report["paper_exchange_metrics"]
    parent[place] = other
    assert noticed(report, runtime, names)


@pytest.mark.parametrize("key", FIELDS)
def test_an_absent_field_is_not_proven(key: str) -> None:
    report, runtime, names = steady()
    del report["paper_exchange_metrics"]["a"][key]
    with pytest.raises(NotProven, match=key):
        judged(report, runtime, names)


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], []])
def test_exactly_the_paper_entrypoints_must_have_entries(names: list[str]) -> None:
    report, runtime, _ = steady()
    (problem,) = judged(report, runtime, names)
    assert "exactly the paper entrypoints" in problem


def test_a_threshold_that_nothing_is_held_against_is_read_alike_by_bot_and_oracle() -> None:
    names = names_of("kraken")
    limits = {"rate_limit_max": 0, "network_errors_max": 0, "health_min": 1.0, "latency_max_s": 2}
    values: dict[tuple[str, str, str], float | None] = {
        (names["rate_limit"], "kraken", ""): 0.0,
        (names["health"], "kraken", ""): 1.0,
        **{(names["network_errors"], "kraken", severity): 0.0 for severity in SEVERITIES},
    }
    section = paper_exchange_metrics([PaperEntrypoint("a", "env", "kraken", names, limits)], Samples(values))
    profile = {
        "entrypoint": "a",
        "exchange": "kraken",
        "environment": "env",
        "metrics": {**names, "thresholds": limits},
    }
    runtime = {
        "trading": {"entrypoints": {"a": {"environment": "env"}}},
        "execution": {"paper_profiles": {"p": profile}},
    }
    config = RuntimeConfig(parse_document(json.dumps(runtime).encode(), "config/runtime.yaml", yaml=False))
    assert judged({"paper_exchange_metrics": section}, config, ["a"]) == []


def test_scores_are_rounded_alike() -> None:
    """47 samples of 8 metrics at 20 entrypoints: 0.29375, between two numbers of 4 decimals."""
    covered = [11, 10, 3, 5, 7, 0, 4, 7]
    entries = {}
    for number in range(20):
        missing = [f"m{metric}" for metric, count in enumerate(covered) if number >= count]
        entries[f"e{number}"] = {
            "status": "unknown",
            "breaches": [],
            "missing_metrics": missing,
            "invalid_thresholds": [],
            "missing_error_severities": [],
            "network_errors_by_severity": dict.fromkeys(SEVERITIES, 0),
            "metric_names": {f"role{metric}": f"m{metric}" for metric in range(8)},
            "thresholds": {},
        }
    assert derive_summary(entries)["metric_coverage_score"] == summarise(entries)["metric_coverage_score"]
