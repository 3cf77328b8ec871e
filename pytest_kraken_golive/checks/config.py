"""The configuration says what the runbook says, in every place where it says it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pytest_kraken_golive.checks.config_breaks import (
    account_has_another_key,
    account_has_another_risk_profile,
    account_names_another_environment,
    another_exchange,
    another_risk_profile,
    core_gone,
    entrypoint_gone,
    entrypoint_is_live,
    entrypoint_without_environment,
    environment_gone,
    environment_has_another_risk_profile,
    environment_is_a_list,
    environment_is_live,
    environment_without_risk_profile,
    environment_written_twice,
    errors_tolerated,
    health_is_no_number,
    key_written_twice,
    live_key,
    no_guardrail_summary,
    no_key,
    paper_profile_gone,
    profile_for_another_entrypoint,
    profile_for_another_environment,
    profile_for_another_exchange,
    profile_names_another_environment,
    profile_with_another_queue,
    profile_without_queue,
    queue_without_limits,
    rate_limits_tolerated,
    risk_profile_empty,
    risk_profile_gone,
    risk_without_limit,
    runtime_gone,
    runtime_in_another_encoding,
    runtime_torn,
    summary_of_another_run,
    summary_of_other_tags,
    summary_with_every_tag,
    summary_without_queues,
    tag_gone,
    threshold_is_a_flag,
    thresholds_gone,
    trading_profile_for_another_entrypoint,
    trading_profile_gone,
    two_profiles_for_one_entrypoint,
)
from pytest_kraken_golive.contract import Evidence, Found, NotProven, check
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

Tags = Annotated[list[str], Field(min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def see_all(evidence: Evidence, copies: list[Found]) -> Found:
    """Record every copy of a value, and give the first if all agree."""
    for copy in copies:
        evidence.saw(copy)
    return agree(*copies)


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
