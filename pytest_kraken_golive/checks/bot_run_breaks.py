"""Ways in which a bot's run looks fine and is not."""

from __future__ import annotations

from typing import Any

from pytest_kraken_golive.checks.report_breaks import REPORT, WHOLE_REPORT
from pytest_kraken_golive.contract import Break, Copy, sabotage


def _in_report(name: str, key: str, value: object, expect: str | None = None) -> Break:
    return Break(name, lambda copy: copy.edit(REPORT, key, value), expect or key)


@sabotage("config_sha256")
def another_configs_report(copy: Copy) -> None:
    """The configuration changed after the run."""
    copy.write("config/core.yaml", copy.read("config/core.yaml") + "\n# changed\n")


@sabotage("run_id")
def no_run_id(copy: Copy) -> None:
    """The report does not say which run it is about."""
    copy.drop(REPORT, "run_id")


@sabotage("no signed request", before_run=True)
def bot_does_nothing(copy: Any) -> None:
    """A fine report of a bot that never called the exchange."""
    copy.run_liar("idle")


@sabotage("exit status", before_run=True)
def bot_exits_1(copy: Any) -> None:
    """A fine report, and a crash behind it."""
    copy.run_liar("crashing")


@sabotage("no whole report", before_run=True)
def bot_without_report(copy: Any) -> None:
    """It runs, ends well, and leaves nothing."""
    copy.run_liar("silent")


@sabotage("no whole report", before_run=True)
def bot_with_half_a_report(copy: Any) -> None:
    """It dies while writing."""
    copy.run_liar("torn")


@sabotage("changed after", before_run=True)
def report_rewritten_at_the_end(copy: Any) -> None:
    """A fine report while others look, and the truth when nobody does."""
    copy.run_liar("rewriting")


@sabotage("after its report", before_run=True)
def trades_on(copy: Any) -> None:
    """It trades on after its report."""
    copy.run_liar("restless")


@sabotage("EService:Unavailable", before_run=True)
def exchange_in_maintenance(copy: Any) -> None:
    """The exchange accepts nothing, so the bot cannot have traded."""
    copy.order_fault(kind="error", error="EService:Unavailable", endpoint="AddOrder", times=None)


@sabotage("198.51.100.7:443", before_run=True)
def speaks_to_another_host(copy: Any) -> None:
    """It also speaks to a host that is not this machine."""
    copy.run_liar("foreign")


@sabotage("other-exchange.invalid:443", before_run=True)
def asks_for_another_host(copy: Any) -> None:
    """One of its clients knows an address of its own, whatever KRAKEN_BASE_URL says."""
    copy.run_liar("roaming")


@sabotage("198.51.100.7:443", before_run=True)
def starts_a_daemon_that_calls_elsewhere(copy: Any) -> None:
    """A short-lived process of its own does, which has left the bot's session and knows nothing of its environment."""
    copy.run_liar("escaping")


@sabotage("may send to any host", before_run=True)
def sends_to_whom_it_likes(copy: Any) -> None:
    """It sends datagrams from a socket that has no peer, so that nobody sees where they go."""
    copy.run_liar("scattering")


@sabotage("Withdraw", before_run=True)
def tries_to_withdraw(copy: Any) -> None:
    """It tries to take the money away; that the exchange refuses is no excuse."""
    copy.run_liar("grabbing")


@sabotage("it refused 3 requests of the bot", before_run=True)
def refused_over_and_over(copy: Any) -> None:
    """Its orders are refused, it goes on, and counts nothing."""
    copy.run_liar("insisting")


PAPER_RUN_BREAKS: list[Break] = [
    _in_report("yesterdays_report", "started_at", "2026-01-01T09:00:00+00:00", "started_at"),
    _in_report("finished_before_it_began", "finished_at", "2026-01-01T09:00:00+00:00", "finished_at"),
    _in_report("other_entrypoint", "entrypoint", "kraken_headless_paper"),
    _in_report("live_mode", "mode", "live"),
    _in_report("blocked", "status", "blocked"),
    _in_report("with_errors", "errors", ["it went wrong"]),
    _in_report("other_config", "config_sha256", "0" * 64),
    _in_report("validated_another_environment", "validation.environment", "kraken_live"),
    _in_report("validated_another_key", "validation.keychain_key", "kraken_live_trading"),
    _in_report("credentials_not_validated", "validation.credentials_validated", False),
    _in_report("validated_another_strategy", "validation.strategy", "martingale"),
    _in_report("validated_as_live", "validation.expected_environment", "live"),
    _in_report("validated_no_pair", "validation.symbols", []),
    _in_report("validated_other_pairs", "validation.symbols", ["XBTUSD", "DOGEUSD"]),
    _in_report("version_unknown", "bot_version", None),
    _in_report("no_decision", "decision_events", 0),
    another_configs_report,
    no_run_id,
    *[one for one in WHOLE_REPORT if one.name in {"no_metrics_at_all", "half_a_report", "no_report", "bare_nan"}],
    bot_does_nothing,
    bot_exits_1,
    bot_without_report,
    bot_with_half_a_report,
    report_rewritten_at_the_end,
    trades_on,
    exchange_in_maintenance,
    speaks_to_another_host,
    asks_for_another_host,
    starts_a_daemon_that_calls_elsewhere,
    sends_to_whom_it_likes,
    tries_to_withdraw,
    refused_over_and_over,
]
