"""The configuration says what the runbook says, in every place where it says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_kraken_golive.contract import Copy, Evidence, Found, NotProven, check, sabotage
from pytest_kraken_golive.deployment.agreement import (
    adapter_copies,
    adapter_of,
    agree,
    environment_copies,
    keychain_key_copies,
    risk_profile_copies,
)
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.policy import Policy

RUNTIME = "config/runtime.yaml"
CORE = "config/core.yaml"
ENTRYPOINT = "trading.entrypoints.kraken_desktop_paper"
PAPER_PROFILE = "execution.paper_profiles.kraken_paper"
TRADING_PROFILE = "execution.trading_profiles.kraken_desktop"

Tags = Annotated[list[str], Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def see_all(evidence: Evidence, copies: list[Found]) -> Found:
    """Record every copy of a value, and give the first if all agree."""
    for copy in copies:
        evidence.saw(copy)
    return agree(*copies)


# --- entrypoint ------------------------------------------------------------------------------------------------------


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


@check(
    "entrypoint_environment",
    breaks=[
        entrypoint_is_live,
        profile_names_another_environment,
        account_names_another_environment,
        entrypoint_without_environment,
        entrypoint_gone,
        environment_is_a_list,
        key_written_twice,
        runtime_gone,
        runtime_torn,
        runtime_in_another_encoding,
    ],
)
def entrypoint_environment(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    entrypoint: str,
    environment: str,
) -> None:
    """The entrypoint points at the environment, and every copy of that agrees."""
    found = runtime_config.entrypoint(entrypoint).environment
    evidence.saw(found)
    assert found.value == environment, found.unlike(environment)
    see_all(evidence, environment_copies(runtime_config, core_config, entrypoint, policy.exchanges))


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


@check(
    "entrypoint_risk_profile",
    breaks=[
        another_risk_profile,
        risk_profile_gone,
        risk_profile_empty,
        risk_without_limit,
        environment_has_another_risk_profile,
        account_has_another_risk_profile,
        environment_without_risk_profile,
        core_gone,
    ],
)
def entrypoint_risk_profile(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    entrypoint: str,
    profile: str,
) -> None:
    """The entrypoint's risk profile is the one asked for, limits something, and agrees with the environment's."""
    own = runtime_config.entrypoint(entrypoint)
    evidence.saw(own.risk_profile)
    assert own.risk_profile.value == profile, own.risk_profile.unlike(profile)
    limits = core_config.risk_profile(profile)
    for share in (limits.max_daily_loss_pct, limits.max_position_pct, limits.hard_drawdown_pct):
        evidence.saw(share)
        assert share.value <= 1, share.unlike("a part of the equity, at most 1")
    for limit in (limits.max_leverage, limits.max_open_positions):
        evidence.saw(limit)
    see_all(evidence, [own.risk_profile, core_config.environment(own.environment.value).risk_profile])
    see_all(evidence, risk_profile_copies(runtime_config, core_config, entrypoint, policy.exchanges))


# --- environment -----------------------------------------------------------------------------------------------------


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


@check(
    "environment_exchange",
    breaks=[another_exchange, environment_gone, environment_is_live, environment_written_twice, core_gone],
)
def environment_exchange(core_config: CoreConfig, evidence: Evidence, *, environment: str, exchange: str) -> None:
    """The environment maps to the exchange's adapter, and is a paper one."""
    found = core_config.environment(environment)
    evidence.saw(found.exchange)
    evidence.saw(found.kind)
    assert found.exchange.value == exchange, found.exchange.unlike(exchange)
    assert found.kind.value == "paper", found.kind.unlike("paper")


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


@check("environment_keychain_key", breaks=[live_key, no_key, account_has_another_key])
def environment_keychain_key(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    environment: str,
    key: str,
) -> None:
    """The environment uses the key, and no copy says otherwise."""
    found = core_config.environment(environment).keychain_key
    evidence.saw(found)
    assert found.value == key, found.unlike(key)
    users = [
        name
        for name in runtime_config.entrypoint_names.value
        if runtime_config.entrypoint(name).environment.value == environment
    ]
    if not users:
        names = runtime_config.entrypoint_names.where
        raise NotProven(f"{names}: no entrypoint uses the environment {environment}. Next: point one at it.")
    for name in users:
        see_all(evidence, keychain_key_copies(runtime_config, core_config, name, policy.exchanges))


# --- profiles --------------------------------------------------------------------------------------------------------


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


@check(
    "paper_profile",
    breaks=[
        profile_for_another_entrypoint,
        profile_for_another_exchange,
        profile_for_another_environment,
        profile_with_another_queue,
        profile_without_queue,
        paper_profile_gone,
        two_profiles_for_one_entrypoint,
    ],
)
def paper_profile(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    profile: str,
    entrypoint: str,
    exchange: str,
    environment: str,
    io_queue: str,
) -> None:
    """The paper profile names entrypoint, exchange, environment and queue, and nothing contradicts it."""
    found = runtime_config.paper_profile(profile)
    for value, expected in (
        (found.entrypoint, entrypoint),
        (found.exchange, exchange),
        (found.environment, environment),
        (found.io_queue, io_queue),
    ):
        evidence.saw(value)
        assert value.value == expected, value.unlike(expected)
    only = runtime_config.paper_profile_for(entrypoint)
    assert only.name == profile, only.entrypoint.unlike(f"another entrypoint than {entrypoint}")
    see_all(evidence, [adapter_of(found.exchange, policy.exchanges), core_config.environment(environment).exchange])
    see_all(evidence, adapter_copies(runtime_config, core_config, entrypoint, policy.exchanges))


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


@check(
    "trading_profile_queue",
    breaks=[trading_profile_for_another_entrypoint, queue_without_limits, trading_profile_gone, profile_without_queue],
)
def trading_profile_queue(runtime_config: RuntimeConfig, evidence: Evidence, *, profile: str, entrypoint: str) -> None:
    """The trading profile names the entrypoint, whose queue (through its paper profile) has limits."""
    found = runtime_config.trading_profile(profile).entrypoint
    evidence.saw(found)
    assert found.value == entrypoint, found.unlike(entrypoint)
    name = runtime_config.paper_profile_for(entrypoint).io_queue
    evidence.saw(name)
    queue = runtime_config.io_queue(name.value)
    evidence.saw(queue.max_concurrency)
    evidence.saw(queue.burst)


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


@check(
    "paper_thresholds",
    breaks=[rate_limits_tolerated, errors_tolerated, health_is_no_number, thresholds_gone, threshold_is_a_flag],
)
def paper_thresholds(
    runtime_config: RuntimeConfig,
    evidence: Evidence,
    *,
    profile: str,
    rate_limit_max: Finite,
    network_errors_max: Finite,
    health_min: Finite,
) -> None:
    """The thresholds of the paper profile are finite numbers, and these."""
    found = runtime_config.paper_profile(profile)
    for name, expected in (
        ("rate_limit_max", rate_limit_max),
        ("network_errors_max", network_errors_max),
        ("health_min", health_min),
    ):
        threshold = found.threshold(name)
        evidence.saw(threshold)
        assert threshold.value == expected, threshold.unlike(_number(expected))


def _number(value: float) -> float | int:
    """Whole numbers as people write them."""
    return int(value) if value == int(value) else value


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


@check(
    "trading_profile_tags",
    breaks=[
        tag_gone,
        trading_profile_gone,
        no_guardrail_summary,
        summary_of_other_tags,
        summary_of_another_run,
        summary_with_every_tag,
        summary_without_queues,
    ],
)
def trading_profile_tags(
    runtime_config: RuntimeConfig,
    paper_report: PaperReport,
    evidence: Evidence,
    *,
    profile: str,
    tags: Tags,
) -> None:
    """The profile has the tags; the run's Guardrail summary is found by them, and by no others."""
    configured = runtime_config.trading_profile(profile).tags
    evidence.saw(configured)
    missing = [tag for tag in tags if tag not in configured.value]
    assert not missing, f"{configured.where}: found {configured.value}, without {missing[0]!r}. Next: add the tag."
    summary = paper_report.mapping("guardrails", "summary")
    own = paper_report.names("guardrails", "summary", "tags")
    run_id = paper_report.text("run_id")
    named = paper_report.text("guardrails", "summary", "run_id")
    summed = paper_report.at("guardrails", "summary", "summaries")
    evidence.saw(own)
    evidence.saw(named)
    assert named.value == run_id.value, named.unlike(run_id.value, "let the bot sum up its own run")
    assert set(tags) <= set(own.value), own.unlike(tags, "let the bot tag its summary as its profile says")
    extra = sorted(set(own.value) - set(configured.value))
    assert not extra, own.unlike(configured.value, f"take {extra[0]!r} out: a filter by it must not find this run")
    if not summed.value:
        raise NotProven(
            f"{summed.where}: sums up no queue in {sorted(summary.value)}. Next: let the bot sum up its queues."
        )
    evidence.record(summed.where.source, summed.value, key=summed.where.key)
