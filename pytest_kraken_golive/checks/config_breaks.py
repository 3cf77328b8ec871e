"""Ways in which a configuration says something else than the runbook, or says it in one place only."""

from __future__ import annotations

from pytest_kraken_golive.contract import Copy, sabotage

RUNTIME = "config/runtime.yaml"
CORE = "config/core.yaml"
ENTRYPOINT = "trading.entrypoints.kraken_desktop_paper"
PAPER_PROFILE = "execution.paper_profiles.kraken_paper"
TRADING_PROFILE = "execution.trading_profiles.kraken_desktop"


@sabotage("expected 'kraken_paper', found 'kraken_live'")
def entrypoint_is_live(copy: Copy) -> None:
    """The entrypoint trades with real money."""
    copy.edit(RUNTIME, f"{ENTRYPOINT}.environment", "kraken_live")


@sabotage("copies of one value to agree")
def profile_names_another_environment(copy: Copy) -> None:
    """The entrypoint is right, its paper profile is not."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.environment", "kraken_live")


@sabotage("copies of one value to agree")
def account_names_another_environment(copy: Copy) -> None:
    """The exchange account in core.yaml contradicts the entrypoint."""
    copy.edit(CORE, "exchange_accounts.kraken.paper.environment", "kraken_live")


@sabotage(f"{ENTRYPOINT}.environment")
def entrypoint_without_environment(copy: Copy) -> None:
    """The key is gone."""
    copy.drop(RUNTIME, f"{ENTRYPOINT}.environment")


@sabotage("kraken_desktop_paper")
def entrypoint_gone(copy: Copy) -> None:
    """The whole entrypoint is gone."""
    copy.drop(RUNTIME, ENTRYPOINT)


@sabotage("environment")
def environment_is_a_list(copy: Copy) -> None:
    """A value of another type."""
    copy.edit(RUNTIME, f"{ENTRYPOINT}.environment", ["kraken_paper"])


@sabotage("line")
def key_written_twice(copy: Copy) -> None:
    """The last of two keys silently wins in most loaders."""
    text = copy.read(RUNTIME)
    copy.write(RUNTIME, text + "\nrisk:\n  default_profile: balanced\n")


@sabotage(RUNTIME)
def runtime_gone(copy: Copy) -> None:
    """There is no file."""
    copy.remove(RUNTIME)


@sabotage(RUNTIME)
def runtime_torn(copy: Copy) -> None:
    """Half a file."""
    copy.write(RUNTIME, copy.read(RUNTIME)[:400] + "\n  : [")


@sabotage(RUNTIME)
def runtime_in_another_encoding(copy: Copy) -> None:
    """A file that is no UTF-8."""
    copy.write(RUNTIME, b"# caf\xe9\n" + copy.read(RUNTIME).encode())


@sabotage("expected 'balanced', found 'aggressive'")
def another_risk_profile(copy: Copy) -> None:
    """More risk than the client agreed to."""
    copy.edit(RUNTIME, f"{ENTRYPOINT}.risk_profile", "aggressive")


@sabotage("risk_profiles")
def risk_profile_gone(copy: Copy) -> None:
    """The profile has a name and no content."""
    copy.drop(CORE, "risk_profiles.balanced")


@sabotage("risk_profiles.balanced")
def risk_profile_empty(copy: Copy) -> None:
    """A profile that limits nothing."""
    copy.edit(CORE, "risk_profiles.balanced", {})


@sabotage("max_daily_loss_pct")
def risk_without_limit(copy: Copy) -> None:
    """A loss limit of twice the equity limits nothing."""
    copy.edit(CORE, "risk_profiles.balanced.max_daily_loss_pct", 2.0)


@sabotage("hard_drawdown_pct: expected less than 1")
def risk_of_everything(copy: Copy) -> None:
    """Trading stops when all is lost."""
    copy.edit(CORE, "risk_profiles.balanced.hard_drawdown_pct", 1.0)


@sabotage("max_open_positions: expected more than 0")
def risk_of_nothing(copy: Copy) -> None:
    """Zero: no position at all, or no limit."""
    copy.edit(CORE, "risk_profiles.balanced.max_open_positions", 0)


@sabotage("max_daily_loss_pct: expected at most hard_drawdown_pct")
def risk_of_a_day_beyond_all(copy: Copy) -> None:
    """A day may lose what is never to be lost."""
    copy.edit(CORE, "risk_profiles.balanced.max_daily_loss_pct", 0.5)


@sabotage("found 5:00, which loaders of YAML 1.1 read as 300")
def risk_in_base_sixty(copy: Copy) -> None:
    """A slip of the fingers that makes five positions three hundred."""
    copy.replace(CORE, "max_open_positions: 5\n", "max_open_positions: 5:00\n")


@sabotage("copies of one value to agree")
def environment_has_another_risk_profile(copy: Copy) -> None:
    """The environment's own profile contradicts the entrypoint's."""
    copy.edit(CORE, "environments.kraken_paper.risk_profile", "aggressive")


@sabotage("copies of one value to agree")
def account_has_another_risk_profile(copy: Copy) -> None:
    """The exchange account's profile contradicts the entrypoint's."""
    copy.edit(CORE, "exchange_accounts.kraken.paper.risk_profile", "conservative")


@sabotage("environments.kraken_paper.risk_profile")
def environment_without_risk_profile(copy: Copy) -> None:
    """The environment has none of its own to agree with."""
    copy.drop(CORE, "environments.kraken_paper.risk_profile")


@sabotage(CORE)
def core_gone(copy: Copy) -> None:
    """There is no core.yaml."""
    copy.remove(CORE)


@sabotage("expected 'kraken_spot', found 'kraken_futures'")
def another_exchange(copy: Copy) -> None:
    """The environment maps to another adapter."""
    copy.edit(CORE, "environments.kraken_paper.exchange", "kraken_futures")


@sabotage("environments")
def environment_gone(copy: Copy) -> None:
    """core.yaml does not know the environment."""
    copy.drop(CORE, "environments.kraken_paper")


@sabotage("expected 'paper', found 'live'")
def environment_is_live(copy: Copy) -> None:
    """An environment that is called paper and is live."""
    copy.edit(CORE, "environments.kraken_paper.environment", "live")


@sabotage("line")
def environment_written_twice(copy: Copy) -> None:
    """Two blocks of one name: which one is used?"""
    copy.replace(CORE, "environments:\n", "environments:\n  kraken_paper: {exchange: kraken_futures}\n")


@sabotage("expected 'kraken_paper_trading', found 'kraken_live_trading'")
def live_key(copy: Copy) -> None:
    """Paper trading with the key for real money."""
    copy.edit(CORE, "environments.kraken_paper.keychain_key", "kraken_live_trading")


@sabotage("environments.kraken_paper.keychain_key")
def no_key(copy: Copy) -> None:
    """No key is named."""
    copy.drop(CORE, "environments.kraken_paper.keychain_key")


@sabotage("copies of one value to agree")
def account_has_another_key(copy: Copy) -> None:
    """The exchange account names another key."""
    copy.edit(CORE, "exchange_accounts.kraken.paper.keychain_key", "kraken_live_trading")


@sabotage("expected 'kraken_desktop_paper', found 'kraken_desktop_live'")
def profile_for_another_entrypoint(copy: Copy) -> None:
    """The profile measures another entrypoint."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.entrypoint", "kraken_desktop_live")


@sabotage("expected 'kraken', found 'binance'")
def profile_for_another_exchange(copy: Copy) -> None:
    """The profile measures another exchange."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.exchange", "binance")


@sabotage("expected 'kraken_paper', found 'kraken_live'")
def profile_for_another_environment(copy: Copy) -> None:
    """The profile is for the live environment."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.environment", "kraken_live")


@sabotage("expected 'kraken_spot', found 'default'")
def profile_with_another_queue(copy: Copy) -> None:
    """The profile goes through another queue."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.io_queue", "default")


@sabotage("io_queue")
def profile_without_queue(copy: Copy) -> None:
    """The profile names no queue."""
    copy.drop(RUNTIME, f"{PAPER_PROFILE}.io_queue")


@sabotage("kraken_paper")
def paper_profile_gone(copy: Copy) -> None:
    """There is no such profile."""
    copy.drop(RUNTIME, PAPER_PROFILE)


@sabotage("expected one paper profile")
def two_profiles_for_one_entrypoint(copy: Copy) -> None:
    """Two profiles claim the entrypoint: which thresholds count?"""
    copy.edit(RUNTIME, "execution.paper_profiles.kraken_headless.entrypoint", "kraken_desktop_paper")


@sabotage("expected 'kraken_desktop_paper', found 'kraken_desktop_live'")
def trading_profile_for_another_entrypoint(copy: Copy) -> None:
    """The trading profile is for another entrypoint."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.entrypoint", "kraken_desktop_live")


@sabotage("io_queue.exchanges")
def queue_without_limits(copy: Copy) -> None:
    """The queue that the profile names does not exist."""
    copy.drop(RUNTIME, "io_queue.exchanges.kraken_spot")


@sabotage("kraken_desktop")
def trading_profile_gone(copy: Copy) -> None:
    """There is no such profile."""
    copy.drop(RUNTIME, TRADING_PROFILE)


@sabotage("rate_limit_max: expected 0, found 1")
def rate_limits_tolerated(copy: Copy) -> None:
    """A rate-limited call would be fine."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds.rate_limit_max", 1)


@sabotage("network_errors_max: expected 0, found 99")
def errors_tolerated(copy: Copy) -> None:
    """Ninety-nine errors would be fine."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds.network_errors_max", 99)


@sabotage("health_min")
def health_is_no_number(copy: Copy) -> None:
    """NaN compares with nothing."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds.health_min", float("nan"))


@sabotage("thresholds")
def thresholds_gone(copy: Copy) -> None:
    """Without thresholds nothing is ever breached."""
    copy.drop(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds")


@sabotage("rate_limit_max")
def threshold_is_a_flag(copy: Copy) -> None:
    """False is 0 to a careless comparison."""
    copy.edit(RUNTIME, f"{PAPER_PROFILE}.metrics.thresholds.rate_limit_max", False)


@sabotage("without 'paper'")
def tag_gone(copy: Copy) -> None:
    """The profile is no longer tagged as paper."""
    copy.edit(RUNTIME, f"{TRADING_PROFILE}.tags", ["desktop", "kraken"])


@sabotage("guardrails.summary")
def no_guardrail_summary(copy: Copy) -> None:
    """The run left no summary to filter."""
    copy.drop("reports/paper_report.json", "guardrails.summary")


@sabotage("tags")
def summary_of_other_tags(copy: Copy) -> None:
    """The run's summary carries the tags of another profile."""
    copy.edit("reports/paper_report.json", "guardrails.summary.tags", ["headless", "live"])


@sabotage("run_id")
def summary_of_another_run(copy: Copy) -> None:
    """The summary belongs to another run."""
    copy.edit("reports/paper_report.json", "guardrails.summary.run_id", "another-run")


@sabotage("guardrails.summary.tags")
def summary_with_every_tag(copy: Copy) -> None:
    """A summary that any filter finds tells nothing apart."""
    copy.edit("reports/paper_report.json", "guardrails.summary.tags", ["desktop", "paper", "kraken", "live"])


@sabotage("guardrails.summary.summaries")
def summary_without_queues(copy: Copy) -> None:
    """A summary that sums nothing up."""
    copy.edit("reports/paper_report.json", "guardrails.summary.summaries", [])
