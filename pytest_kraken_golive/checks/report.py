"""The bot's report says that all went well, completely, about this run, and without contradicting itself."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_kraken_golive.checks.derivation import LIMITS, contradictions
from pytest_kraken_golive.checks.each_entrypoint import paper_names
from pytest_kraken_golive.checks.report_breaks import (
    CONTRADICTIONS,
    LIMIT_WARNINGS,
    OTHER_ENTRYPOINT_BREACHED,
    an_entrypoint_incomplete,
    entry_breaks,
    summary_breaks,
)
from pytest_kraken_golive.checks.unknown import known
from pytest_kraken_golive.contract import Evidence, Fault, Found, NotProven, Words, check, refuse, show
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.misspelt import letters
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import METRICS, RuntimeConfig

Finite = Annotated[float, Field(allow_inf_nan=False)]
Thresholds = Annotated[list[Literal["rate_limit_max", "network_errors_max", "health_min"]], Field(min_length=1)]
"""Which thresholds a warning must not name."""

SEVERITIES = ("warning", "error", "critical")
HEALTH = "bot_exchange_health_status"


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number; a flag is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def same_number(value: object, expected: float) -> bool:
    """Whether a JSON value is that number."""
    return is_number(value) and value == expected


def reported(report: PaperReport) -> PaperReport:
    """The same, unless it speaks of no entrypoint at all: then nothing happened, and nothing is proven."""
    if not report.entrypoint_names:
        where = report.mapping("paper_exchange_metrics").where
        raise NotProven(f"{where}: the report has no entrypoint, so nothing was measured. Next: see the paper run.")
    return report


def _known_summary(report: PaperReport, runtime: RuntimeConfig) -> Found:
    return known(report.summary("status"), report, runtime, report.entrypoint_names)


# --- fields of the summary -------------------------------------------------------------------------------------------


@check("summary_status", breaks=summary_breaks("status", wrong=["breached", "unknown", "OK", True]))
def summary_status(
    paper_report: PaperReport, runtime_config: RuntimeConfig, evidence: Evidence, *, equals: str
) -> None:
    """`summary.status` is that word."""
    found = _known_summary(reported(paper_report), runtime_config)
    evidence.saw(found)
    assert found.value == equals, found.unlike(equals, "look at the breaches and warnings of the report")


@check("entrypoint_status", breaks=entry_breaks("status", wrong=["breached", "unknown"]))
def entrypoint_status(
    paper_report: PaperReport, runtime_config: RuntimeConfig, evidence: Evidence, *, entrypoint: str, equals: str
) -> None:
    """The entrypoint's own status is that word."""
    found = known(paper_report.entry(entrypoint).at("status"), paper_report, runtime_config, [entrypoint])
    evidence.saw(found)
    assert found.value == equals, found.unlike(equals, "look at the entrypoint's breaches")


@check("entrypoint_breaches", breaks=entry_breaks("breaches", wrong=[[{"metric": "x"}], {}, "", None]))
def entrypoint_breaches(paper_report: PaperReport, evidence: Evidence, *, entrypoint: str) -> None:
    """The entrypoint lists its breaches, and there is none."""
    found = paper_report.entry(entrypoint).at("breaches")
    evidence.saw(found)
    assert found.value == [], found.unlike([], "remove the cause of the breach and repeat all tests")


@check(
    "summary_empty",
    breaks=summary_breaks(
        {"list": "breached_entrypoint_names", "mapping": "*"},
        wrong=[["kraken_desktop_paper"], {"kraken_desktop_paper": ["rate_limit_max"]}, None, 0, ""],
    ),
)
def summary_empty(
    paper_report: PaperReport, evidence: Evidence, *, field: str, kind: Literal["list", "mapping"]
) -> None:
    """A field of the summary is there, and it is an empty list or mapping."""
    found = reported(paper_report).summary(field)
    evidence.saw(found)
    expected: list[Any] | dict[str, Any] = [] if kind == "list" else {}
    assert type(found.value) is type(expected), found.unlike(expected, f"let the bot write a {kind}")
    assert found.value == expected, found.unlike(expected, "remove what is listed there and repeat all tests")


@check("summary_lists", breaks=summary_breaks("*", wrong=[[], ["another"], {}, None, "kraken_desktop_paper"]))
def summary_lists(paper_report: PaperReport, evidence: Evidence, *, field: str, key: str, contains: str) -> None:
    """A list inside a mapping of the summary contains a name."""
    found = paper_report.at("paper_exchange_metrics", "summary", field, key)
    evidence.saw(found)
    assert isinstance(found.value, list), found.unlike([contains], "let the bot write a list of names")
    assert contains in found.value, found.unlike(
        Words(f"a list with {contains}"), f"make sure that the bot has a sample of it for {contains}"
    )


@check(
    "summary_ratio",
    breaks=[*summary_breaks("*", wrong=[0.75, 0.9999, 1.0001, "1.0", True, None, 0]), an_entrypoint_incomplete],
)
def summary_ratio(
    paper_report: PaperReport, evidence: Evidence, *, field: str, key: str | None = None, equals: Finite
) -> None:
    """A coverage of the summary is that number."""
    found = (
        paper_report.summary(field) if key is None else paper_report.at("paper_exchange_metrics", "summary", field, key)
    )
    evidence.saw(found)
    assert same_number(found.value, equals), found.unlike(equals, _uncovered(paper_report))


def _uncovered(report: PaperReport) -> str:
    """Whom to look at when a coverage is too low: the entrypoints that the report itself says are incomplete."""
    incomplete = []
    for name in report.entrypoint_names:
        entry = report.entry(name)
        lacks = [key for key in ("missing_metrics", "invalid_thresholds") if entry.has(key) and entry.at(key).value]
        if not entry.has("thresholds") or not entry.at("thresholds").value:
            lacks.append("no thresholds")
        if not entry.has("metric_names") or not entry.at("metric_names").value:
            lacks.append("no metric names")
        if lacks:
            incomplete.append(f"{name} ({', '.join(lacks)})")
    return f"complete {', '.join(incomplete)}" if incomplete else "let the bot compute its coverage again"


@check(
    "summary_severities",
    breaks=summary_breaks(
        "*",
        wrong=[
            {},
            {"warning": 0, "error": 0},
            {"warning": 0, "error": 0, "critical": 1},
            {"warning": 1.0, "error": 1.0, "critical": 0.5},
            {"warning": 0, "error": 0, "critical": 0, "fatal": 0},
            {"warning": "0", "error": "0", "critical": "0"},
            {"warning": False, "error": False, "critical": False},
            None,
        ],
    ),
)
def summary_severities(
    paper_report: PaperReport,
    evidence: Evidence,
    *,
    field: str,
    equals: dict[Literal["warning", "error", "critical"], Finite],
) -> None:
    """A field of the summary has exactly these severities with exactly these numbers."""
    found = reported(paper_report).summary(field)
    evidence.saw(found)
    do = "remove the cause of the errors, or let the bot count every severity from its start"
    assert isinstance(found.value, dict), found.unlike(equals, do)
    assert set(found.value) == set(equals), found.unlike(equals, do)
    assert all(same_number(found.value[name], number) for name, number in equals.items()), found.unlike(equals, do)


# --- completeness ----------------------------------------------------------------------------------------------------


@check("monitored_metrics", breaks=summary_breaks("monitored_metric_names", wrong=[[], [HEALTH], {}, None]))
def monitored_metrics(
    paper_report: PaperReport, runtime_config: RuntimeConfig, core_config: CoreConfig, evidence: Evidence
) -> None:
    """The report watches every metric that the paper profiles name."""
    found = paper_report.names("paper_exchange_metrics", "summary", "monitored_metric_names")
    evidence.saw(found)
    wanted: dict[str, Found] = {}
    for entrypoint in paper_names(runtime_config, core_config):
        profile = runtime_config.paper_profile_for(entrypoint)
        for role in METRICS:
            metric = profile.metric(role)
            wanted.setdefault(metric.value, metric)
    for name, configured in wanted.items():
        evidence.saw(configured)
        assert name in found.value, found.unlike(
            Words(f"a list with {name} ({configured.where})"), "let the bot watch it"
        )


@check(
    "monitored_entrypoints",
    breaks=summary_breaks("monitored_entrypoint_names", wrong=[[], ["kraken_desktop_paper"], None]),
)
def monitored_entrypoints(
    paper_report: PaperReport, runtime_config: RuntimeConfig, core_config: CoreConfig, evidence: Evidence
) -> None:
    """The report watches every paper entrypoint of the configuration."""
    found = paper_report.names("paper_exchange_metrics", "summary", "monitored_entrypoint_names")
    evidence.saw(found)
    wanted = runtime_config.paper_entrypoints(core_config)
    evidence.saw(wanted)
    for name in paper_names(runtime_config, core_config):
        assert name in found.value, found.unlike(wanted.value, f"let the bot run and report {name}")


# --- warnings, and the whole ------------------------------------------------------------------------------------------


def _names(text: str, name: str) -> bool:
    """Whether a text holds a name, in whatever dress: `RATE_LIMIT-max` and `rate limit max` say the same."""
    return letters(name) in letters(text)


def _metrics_behind(report: PaperReport, thresholds: list[str]) -> set[str]:
    """The metrics that the entries hold against these thresholds."""
    roles = [role for threshold, role, *_ in LIMITS if threshold in thresholds]
    entries = [report.entry(name) for name in report.entrypoint_names]
    named = [
        entry.at("metric_names", role).value for entry in entries for role in roles if entry.has("metric_names", role)
    ]
    return {name for name in named if isinstance(name, str) and letters(name)}


@check("no_limit_warnings", breaks=LIMIT_WARNINGS, waivable=False)
def no_limit_warnings(paper_report: PaperReport, evidence: Evidence, *, thresholds: Thresholds) -> None:
    """No warning of the report names one of the thresholds, and no breach was left without its warning."""
    warnings = reported(paper_report).names("warnings")
    evidence.saw(warnings)
    stop = (
        "This stops the deployment. Next: write down the cause, remove it, and repeat ALL tests; "
        "a partial run does not clear it."
    )
    for place, warning in enumerate(warnings.value):
        names = [*thresholds, *sorted(_metrics_behind(paper_report, list(thresholds)))]
        named = [name for name in names if _names(warning, name)]
        named = named or ["a paper entrypoint"] * bool(re.match(r"\s*\[\s*paper\s*:", warning, re.IGNORECASE))
        assert not named, f"{warnings.where}.{place}: {show(warning)} names {named[0]}. {stop}"
    for name in paper_report.entrypoint_names:
        breaches = paper_report.document.items(("paper_exchange_metrics", name, "breaches"))
        evidence.saw(breaches)
        silent = [one for one in breaches.value if any(_names(show(one), threshold) for threshold in thresholds)]
        assert not silent, f"{breaches.where}: {show(silent[0])} was breached, and no warning says so. {stop}"


@check("report_confirmed", breaks=[*CONTRADICTIONS[:4], OTHER_ENTRYPOINT_BREACHED])
def report_confirmed(
    paper_report: PaperReport,
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    evidence: Evidence,
    *,
    entrypoint: str,
) -> None:
    """The report, taken as a whole: all is well, watched and covered, for every paper entrypoint."""
    names = paper_names(runtime_config, core_config)
    if entrypoint not in names:
        raise Fault(
            f"config/runtime.yaml trading.entrypoints.{entrypoint}: no paper entrypoint. Next: correct the line."
        )
    status = _known_summary(paper_report, runtime_config)
    assert status.value == "ok", status.unlike("ok", "look at the breaches and warnings of the report")
    faults = []
    for name in names:
        entry = paper_report.entry(name)
        for key, expected in (("status", "ok"), ("breaches", [])):
            found = known(entry.at(key), paper_report, runtime_config, [name])
            evidence.saw(found)
            if found.value != expected:
                faults.append(found.unlike(expected, f"remove what {name} stumbles over and repeat all tests"))
    refuse(faults)
    for field, wanted in _clean_summary(names, entrypoint).items():
        found = paper_report.summary(field)
        evidence.saw(found)
        if not _equal(found.value, wanted):
            faults.append(found.unlike(wanted, "look at the line about this field"))
    refuse(faults)
    wrong = contradictions(paper_report, runtime_config, names)
    assert not wrong, wrong[0]


def _clean_summary(names: list[str], entrypoint: str) -> dict[str, Any]:
    """What the summary of a clean run holds, for the fields that the runbook names."""
    everyone = sorted(names)
    return {
        "breached_entrypoint_names": [],
        "breached_thresholds_entrypoints": {},
        "missing_metrics_entrypoints": {},
        "breach_counts_by_metric": {},
        "threshold_breach_counts": {},
        "missing_metric_counts": {},
        "monitored_entrypoint_names": everyone,
        "metric_coverage_score": 1.0,
        "threshold_coverage_score": 1.0,
        "network_error_severity_totals": dict.fromkeys(SEVERITIES, 0),
        "network_error_severity_coverage_entrypoints": dict.fromkeys(SEVERITIES, everyone),
        "network_error_severity_coverage_ratio": dict.fromkeys(SEVERITIES, 1.0),
        "missing_error_severity_counts": {},
        "missing_error_severity_entrypoints": {},
    }


def _equal(value: object, expected: object) -> bool:
    """Equality of JSON data in which `true` is not 1."""
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and set(value) == set(expected)
            and all(_equal(value[key], item) for key, item in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(value, list) and value == expected
    if isinstance(expected, (int, float)):
        return same_number(value, float(expected))
    return value == expected
