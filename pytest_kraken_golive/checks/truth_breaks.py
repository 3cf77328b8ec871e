"""Ways in which a report is whole, adds up, and is not true."""

from __future__ import annotations

from typing import Any

from pytest_kraken_golive.checks.report_breaks import DESKTOP, HEADLESS, METRICS, REPORT
from pytest_kraken_golive.contract import Break, Copy, sabotage

GUARDRAILS = "guardrails.summary"


@sabotage("rate_limited_events", before_run=True)
def rate_limit_not_counted(copy: Any) -> None:
    """The exchange refused for its limit, and the bot's counter stayed at 0."""
    copy.order_fault(kind="error", error="EAPI:Rate limit exceeded", endpoint="Ticker", times=1)
    copy.run_liar("forgetful")


@sabotage("network_errors", before_run=True)
def error_counted_twice(copy: Any) -> None:
    """One fault of the exchange, heard by two log handlers."""
    copy.order_fault(kind="http", status=502, endpoint="Ticker", times=1)
    copy.run_liar("doubling")


@sabotage("no order of the paper entrypoint kraken_headless_paper", before_run=True)
def entrypoint_never_ran(copy: Any) -> None:
    """One entrypoint traded, and its samples count as those of the other, which was never started."""
    copy.run_liar("lonely")


@sabotage("shares its account")
def nobody_knows_whose_orders(copy: Copy) -> None:
    """Two entrypoints on one account, and nothing tells their orders apart."""
    copy.drop(REPORT, f"{HEADLESS}.orders")


@sabotage("a mark that tells")
def one_mark_for_two(copy: Any) -> None:
    """The orders of one entrypoint count for both."""

    def act(report: Any) -> None:
        of_desktop = report[METRICS]["kraken_desktop_paper"]["orders"]
        report[METRICS]["kraken_headless_paper"]["orders"] = of_desktop

    copy.change(REPORT, act)


@sabotage("a number other than 0")
def mark_that_every_order_has(copy: Any) -> None:
    """0 is the userref of an order that was given none."""
    copy.change(REPORT, lambda report: report[METRICS]["kraken_headless_paper"].update(orders={"userref": 0}))


@sabotage("at least 3 characters")
def mark_of_one_letter(copy: Any) -> None:
    """What half of all ids begin with tells nobody apart."""
    copy.change(
        REPORT, lambda report: report[METRICS]["kraken_headless_paper"].update(orders={"cl_ord_id_prefix": "x"})
    )


@sabotage("rate_limited_events")
def first_of_two_miscounts(copy: Any) -> None:
    """Both entrypoints are on one exchange; the first has counted a limit that nobody met, within its thresholds."""

    def act(report: Any) -> None:
        report[METRICS]["kraken_desktop_paper"]["rate_limited_events"] = 2
        report[METRICS]["kraken_desktop_paper"]["thresholds"]["rate_limit_max"] = 5

    copy.change(REPORT, act)
    copy.edit("config/runtime.yaml", "execution.paper_profiles.kraken_paper.metrics.thresholds.rate_limit_max", 5)


def _in_report(name: str, key: str, value: object, expect: str) -> Break:
    return Break(name, lambda copy: copy.edit(REPORT, key, value), expect)


@sabotage("generated_at")
def summary_of_yesterday(copy: Copy) -> None:
    """The guardrails of another day."""
    copy.edit(REPORT, f"{GUARDRAILS}.generated_at", "2026-01-01T09:00:00+00:00")


UNTRUTHS: list[Break] = [
    rate_limit_not_counted,
    error_counted_twice,
    entrypoint_never_ran,
    nobody_knows_whose_orders,
    one_mark_for_two,
    mark_that_every_order_has,
    mark_of_one_letter,
    first_of_two_miscounts,
]
"""Reports that contradict what the exchange saw."""

HEALTH_LIES: list[Break] = [
    _in_report("health_is_2", f"{DESKTOP}.health_status", 2, "health_status"),
    _in_report("health_is_half", f"{HEADLESS}.health_status", 0.5, "health_status"),
]
"""A gauge is 1, 0, or was never set."""

SUMMARY_LIES: list[Break] = [
    _in_report("guardrails_of_another_run", f"{GUARDRAILS}.run_id", "0" * 32, "guardrails.summary.run_id"),
    _in_report("no_guardrail_summary", GUARDRAILS, None, "guardrails.summary"),
    _in_report("nothing_summed_up", f"{GUARDRAILS}.summaries", [], "kraken_spot"),
    _in_report("live_summary", f"{GUARDRAILS}.summaries.0.environment", "kraken_live", "kraken_paper"),
    _in_report("grave_summary", f"{GUARDRAILS}.summaries.0.severity", "error", "severity"),
    _in_report("waits_on_average", f"{GUARDRAILS}.summaries.0.rate_limit_wait_avg_seconds", 0.9, "avg_seconds"),
    _in_report("tags_are_text", f"{GUARDRAILS}.tags", "desktop", "tags"),
    _in_report(
        "trouble_in_its_records",
        f"{GUARDRAILS}.log_records",
        ["2026-11-20T09:31:05+0000 WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2"],
        "log_records",
    ),
    _in_report("records_nobody_reads", f"{GUARDRAILS}.log_records", ["all is well"], "log_records"),
    Break("no_checkpoint", lambda copy: copy.drop(REPORT, "checkpoint"), "checkpoint"),
    summary_of_yesterday,
]
"""The bot's own summary of its guardrails contradicts the run."""
