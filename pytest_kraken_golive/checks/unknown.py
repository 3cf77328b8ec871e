"""A status that says `unknown` is no answer: what was not measured, and which key of the configuration is why."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_kraken_golive.contract import Fault, Found, NotProven
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import METRICS, THRESHOLDS, RuntimeConfig


def known(found: Found, report: PaperReport, runtime: RuntimeConfig, entrypoints: Iterable[str]) -> Found:
    """A status, unless it says `unknown` at decision time.

    Args:
        found: the status.
        report: where it stands.
        runtime: names the metrics and sets the thresholds.
        entrypoints: those that it sums up.

    Raises:
        NotProven: it does; says which metric or threshold is unknown, with its place where that is the configuration's.
    """
    if found.value != "unknown":
        return found
    for name in entrypoints:
        reason = _misconfigured(runtime, name) or _unmeasured(report, name)
        if reason is not None:
            raise NotProven(f"{found.where}: still 'unknown' at decision time, for {reason}")
    raise NotProven(
        f"{found.where}: still 'unknown' at decision time, and the report does not say what was not measured. "
        "Next: let the bot run until every metric has a sample, or lengthen paper.warm_up_s in config/golive.yaml."
    )


def _misconfigured(runtime: RuntimeConfig, entrypoint: str) -> str | None:
    """What is wrong with the metrics or thresholds that the entrypoint is measured by."""
    try:
        profile = runtime.paper_profile_for(entrypoint)
        for role in METRICS:
            profile.metric(role)
        for threshold in THRESHOLDS:
            profile.threshold(threshold)
    except (Fault, NotProven) as error:
        return str(error)
    return None


def _unmeasured(report: PaperReport, entrypoint: str) -> str | None:
    """What the report itself says that it lacks."""
    entry = report.entry(entrypoint)
    for key, what, step in (
        ("missing_metrics", "has no sample of", "let the bot run until it has one, or lengthen paper.warm_up_s"),
        ("invalid_thresholds", "has no number as", "let the bot take it from its paper profile"),
    ):
        if entry.has(key) and (lacking := entry.names(key)).value:
            return f"{entrypoint} {what} {', '.join(lacking.value)} ({lacking.where}). Next: {step}."
    return None
