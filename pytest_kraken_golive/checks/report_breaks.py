"""Ways in which a report looks fine and is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_kraken_golive.contract import Break, sabotage

REPORT = "reports/paper_report.json"
METRICS = "paper_exchange_metrics"
SUMMARY = f"{METRICS}.summary"
DESKTOP = f"{METRICS}.kraken_desktop_paper"
HEADLESS = f"{METRICS}.kraken_headless_paper"

Data = dict[str, Any]


def _report(act: Callable[[Data], None]) -> Callable[[Any], None]:
    return lambda copy: copy.change(REPORT, act)


@sabotage(f"{METRICS}")
def no_metrics_at_all(copy: Any) -> None:
    """A report of a bot that measures nothing."""
    copy.drop(REPORT, METRICS)


@sabotage("summary")
def no_summary(copy: Any) -> None:
    """A report of an older generation."""
    copy.drop(REPORT, SUMMARY)


@sabotage("NaN")
def bare_nan(copy: Any) -> None:
    """A value that no JSON knows and most readers accept."""
    copy.replace(REPORT, '"rate_limited_events": 0', '"rate_limited_events": NaN')


@sabotage(REPORT)
def half_a_report(copy: Any) -> None:
    """The disk was full."""
    text = copy.read(REPORT)
    copy.write(REPORT, text[: len(text) // 2])


@sabotage(REPORT)
def no_report(copy: Any) -> None:
    """There is none."""
    copy.remove(REPORT)


@sabotage("total_breaches")
def key_written_twice(copy: Any) -> None:
    """The same key with two values: which one counts?"""
    copy.replace(REPORT, '"total_breaches": ', '"total_breaches": 7, "total_breaches": ')


WHOLE_REPORT = [no_metrics_at_all, no_summary, bare_nan, half_a_report, no_report, key_written_twice]
"""What must fail every line that reads a summary."""

WITHOUT_SUMMARY = [one for one in WHOLE_REPORT if one is not no_summary]
"""What must fail every line that reads the report at all."""


def summary_breaks(field: str | Mapping[str, str], wrong: Sequence[object]) -> list[Break]:
    """Breaks for a field of the summary: absent, and each wrong value.

    Args:
        field: its name; `*` or a mapping: the line's parameter `field` names it.
        wrong: values that must not pass; one that happens to be right for the line is skipped by adding to it.
    """
    parts = ["{field}"] if field == "*" or not isinstance(field, str) else [field]
    expect = parts[0]

    def target(params: Mapping[str, Any]) -> tuple[str, str | None]:
        return str(params.get("field", field)), params.get("key")

    def absent(copy: Any, params: Mapping[str, Any]) -> None:
        name, key = target(params)
        copy.drop(REPORT, f"{SUMMARY}.{name}" + (f".{key}" if key else ""))

    def put(value: object) -> Callable[[Any, Mapping[str, Any]], None]:
        def act(copy: Any, params: Mapping[str, Any]) -> None:
            name, key = target(params)
            copy.edit(REPORT, f"{SUMMARY}.{name}" + (f".{key}" if key else ""), value)

        return act

    values = [Break(f"is_{_slug(value)}", put(value), expect) for value in wrong]
    return [Break("absent", absent, expect), *values, *WHOLE_REPORT]


def entry_breaks(key: str, wrong: Sequence[object]) -> list[Break]:
    """Breaks for a key of an entrypoint's entry; the line's parameter `entrypoint` names the entry."""

    def absent(copy: Any, params: Mapping[str, Any]) -> None:
        copy.drop(REPORT, f"{METRICS}.{params['entrypoint']}.{key}")

    def gone(copy: Any, params: Mapping[str, Any]) -> None:
        copy.drop(REPORT, f"{METRICS}.{params['entrypoint']}")

    def put(value: object) -> Callable[[Any, Mapping[str, Any]], None]:
        def act(copy: Any, params: Mapping[str, Any]) -> None:
            copy.edit(REPORT, f"{METRICS}.{params['entrypoint']}.{key}", value)

        return act

    values = [Break(f"is_{_slug(value)}", put(value), key) for value in wrong]
    return [Break("absent", absent, key), Break("entry_gone", gone, "{entrypoint}"), *values, *WITHOUT_SUMMARY]


def _slug(value: object) -> str:
    text = "".join(letter if letter.isalnum() else "_" for letter in repr(value)).strip("_")
    return text or {"[]": "empty_list", "{}": "empty_mapping", "''": "empty_text"}.get(repr(value), "nothing")


@sabotage("kraken_headless_paper")
def an_entrypoint_incomplete(copy: Any, params: Mapping[str, Any]) -> None:
    """The other paper entrypoint has no thresholds, or no sample; the message must name it."""

    def act(report: Data) -> None:
        entry, summary = report[METRICS]["kraken_headless_paper"], report[METRICS]["summary"]
        if params["field"] == "threshold_coverage_score":
            entry.pop("thresholds")
        else:
            entry["health_status"], entry["missing_metrics"] = None, ["bot_exchange_health_status"]
        if params.get("key"):
            summary[params["field"]][params["key"]] = 0.5
        else:
            summary[params["field"]] = 0.75

    _report(act)(copy)


# --- contradictions --------------------------------------------------------------------------------------------------


@sabotage("thresholds")
def thresholds_removed(copy: Any) -> None:
    """99 critical errors, no thresholds, and everything reads ok: seen in the field."""

    def act(report: Data) -> None:
        for name, entry in report[METRICS].items():
            if name != "summary":
                entry.pop("thresholds")
                entry["network_errors"] = entry["network_errors_by_severity"]["critical"] = 99

    _report(act)(copy)


@sabotage("network_errors")
def errors_hidden_in_summary(copy: Any) -> None:
    """The entries hold errors, the summary does not."""
    copy.edit(REPORT, f"{DESKTOP}.network_errors_by_severity.critical", 99)


@sabotage("breaches")
def breach_not_listed(copy: Any) -> None:
    """Raw values beyond a threshold, and no breach."""
    copy.edit(REPORT, f"{DESKTOP}.rate_limited_events", 3)


@sabotage("health_status")
def health_never_set(copy: Any) -> None:
    """No sample of the gauge, and nothing said to be missing."""
    copy.edit(REPORT, f"{DESKTOP}.health_status", None)


@sabotage("rate_limit_max")
def limit_raised_in_report(copy: Any) -> None:
    """The report holds its values against other thresholds than the configuration."""
    copy.edit(REPORT, f"{DESKTOP}.thresholds.rate_limit_max", 1000)


@sabotage("health_status")
def health_is_infinite(copy: Any) -> None:
    """Infinity is above every minimum."""
    copy.replace(REPORT, '"health_status": 1', '"health_status": 1e999, "was": 1')


@sabotage("network_errors_by_severity")
def a_severity_is_missing(copy: Any) -> None:
    """`warning` was never initialised."""
    copy.drop(REPORT, f"{DESKTOP}.network_errors_by_severity.warning")


@sabotage("metric_names")
def another_metric(copy: Any) -> None:
    """The bot measured something else than it was told to."""
    copy.edit(REPORT, f"{DESKTOP}.metric_names.health", "up")


@sabotage("kraken_headless_paper")
def an_entrypoint_left_out(copy: Any) -> None:
    """One paper entrypoint is not in the report at all."""
    copy.drop(REPORT, HEADLESS)


@sabotage("missing_error_severities")
def coverage_too_good(copy: Any) -> None:
    """One entrypoint never counted a severity, and the summary covers it all the same."""
    copy.edit(REPORT, f"{HEADLESS}.missing_error_severities", ["warning"])


@sabotage("threshold_coverage_score")
def score_computed_otherwise(copy: Any) -> None:
    """A score that does not follow from its own coverage."""
    copy.edit(REPORT, f"{SUMMARY}.threshold_coverage_score", 0.75)


@sabotage("rate_limited_events")
def counters_negative(copy: Any) -> None:
    """A counter that runs backwards."""
    copy.edit(REPORT, f"{DESKTOP}.rate_limited_events", -1)


@sabotage("monitored_entrypoint_names")
def summary_names_a_stranger(copy: Any) -> None:
    """The summary speaks of an entrypoint that has no entry."""
    copy.edit(
        REPORT, f"{SUMMARY}.monitored_entrypoint_names", ["kraken_desktop_paper", "kraken_headless_paper", "other"]
    )


CONTRADICTIONS: list[Break] = [
    errors_hidden_in_summary,
    breach_not_listed,
    thresholds_removed,
    health_never_set,
    limit_raised_in_report,
    health_is_infinite,
    a_severity_is_missing,
    another_metric,
    an_entrypoint_left_out,
    coverage_too_good,
    score_computed_otherwise,
    counters_negative,
    summary_names_a_stranger,
    *WHOLE_REPORT,
]


@sabotage("breaches")
def other_entrypoint_breached(copy: Any) -> None:
    """The entrypoint that goes live is fine, the other one is not."""
    copy.edit(REPORT, f"{HEADLESS}.breaches", [{"metric": "x", "threshold": "health_min"}])


OTHER_ENTRYPOINT_BREACHED = other_entrypoint_breached


# --- warnings --------------------------------------------------------------------------------------------------------


def _warn(text: str) -> Callable[[Any], None]:
    return lambda copy: copy.edit(REPORT, "warnings", [text])


@sabotage("warnings")
def warnings_absent(copy: Any) -> None:
    """No list of warnings is no empty list."""
    copy.drop(REPORT, "warnings")


@sabotage("no warning says so")
def breach_without_warning(copy: Any) -> None:
    """A breach that nobody was warned of."""
    copy.edit(
        REPORT, f"{DESKTOP}.breaches", [{"metric": "m", "threshold": "rate_limit_max", "observed": 2, "limit": 0}]
    )


LIMIT_WARNINGS: list[Break] = [
    Break(
        "rate_limit_warning",
        _warn("[paper:kraken_desktop_paper] bot_exchange_rate_limited_total breaches rate_limit_max: observed 2 <= 0"),
        "repeat ALL tests",
    ),
    Break(
        "network_warning",
        _warn("[paper:kraken_headless_paper] bot_exchange_errors_total breaches network_errors_max: observed 1 <= 0"),
        "network_errors_max",
    ),
    Break(
        "warning_names_the_metric",
        _warn("bot_exchange_errors_total: observed 3, expected 0"),
        "names bot_exchange_errors_total",
    ),
    Break("warning_in_other_letters", _warn("rate\u200b_limit_m\u0430x was reached"), "repeat ALL tests"),
    warnings_absent,
    breach_without_warning,
    Break(
        "breach_in_words",
        lambda copy: copy.edit(REPORT, f"{DESKTOP}.breaches", ["RATE_LIMIT_MAX: 2 instead of 0"]),
        "no warning says so",
    ),
    Break(
        "breaches_are_no_list", lambda copy: copy.edit(REPORT, f"{DESKTOP}.breaches", {"rate_limit_max": 2}), "a list"
    ),
    *[one for one in WHOLE_REPORT if one.name not in {"no_summary", "key_written_twice"}],
]
