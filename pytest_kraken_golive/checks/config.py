"""The configuration says what the runbook says, in every place where it says it."""

from __future__ import annotations

from pytest_kraken_golive.checks import config_breaks as broken
from pytest_kraken_golive.checks import copies_breaks as beside
from pytest_kraken_golive.checks.paper_copies import PaperCopies, see_all
from pytest_kraken_golive.contract import Evidence, NotProven, Words, check, refuse
from pytest_kraken_golive.deployment.agreement import environment_copies, keychain_key_copies, risk_profile_copies
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.policy import Policy


@check(
    "entrypoint_environment",
    breaks=[
        broken.entrypoint_is_live,
        broken.profile_names_another_environment,
        broken.account_names_another_environment,
        broken.entrypoint_without_environment,
        broken.entrypoint_gone,
        broken.environment_is_a_list,
        broken.key_written_twice,
        broken.runtime_gone,
        broken.runtime_torn,
        broken.runtime_in_another_encoding,
        beside.other_entrypoint_is_live,
        beside.other_profile_names_another_environment,
        beside.other_entrypoint_tagged_live,
        beside.account_copy_misspelt,
        beside.trading_profile_is_live,
        beside.account_under_adapter_is_live,
        beside.other_trading_profile_tagged_live,
        beside.starts_live_by_default,
        beside.adapter_is_sent_to_kraken,
        beside.adapter_takes_orders_over_websocket,
        beside.adapter_has_a_list_of_endpoints,
        beside.adapter_mode_is_live,
        beside.live_entrypoint_starts_along,
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
    """The entrypoint points at the environment, every copy agrees, and so for all that claim to be on paper.

    Nothing leads to real money unasked: not what starts by default, and no setting of a paper environment's adapter.
    """
    found = runtime_config.entrypoint(entrypoint).environment
    evidence.saw(found)
    core_config.environment(found)
    assert found.value == environment, found.unlike(environment)
    see_all(evidence, environment_copies(runtime_config, core_config, entrypoint, policy.exchanges))
    PaperCopies(runtime_config, core_config, policy, evidence).environments()


@check(
    "entrypoint_risk_profile",
    breaks=[
        broken.another_risk_profile,
        broken.risk_profile_gone,
        broken.risk_profile_empty,
        broken.risk_without_limit,
        broken.risk_of_everything,
        broken.risk_of_nothing,
        broken.risk_of_a_day_beyond_all,
        broken.risk_in_base_sixty,
        broken.environment_has_another_risk_profile,
        broken.account_has_another_risk_profile,
        broken.environment_without_risk_profile,
        beside.other_entrypoint_has_another_risk_profile,
        beside.trading_profile_risks_more,
        beside.default_risk_profile_is_none,
        broken.core_gone,
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
    core_config.risk_profile(own.risk_profile)
    assert own.risk_profile.value == profile, own.risk_profile.unlike(profile)
    limits = core_config.risk_profile(profile)
    losses = (limits.max_daily_loss_pct, limits.hard_drawdown_pct)
    shares = (*losses, limits.max_position_pct)
    every = (*shares, limits.max_leverage, limits.max_open_positions)
    for limit in every:
        evidence.saw(limit)
    part, fraction = Words("a part of the equity, at most 1"), "write it as a fraction: 0.02 is 2 %"
    some, a_part = (
        Words("less than 1, which is all there is and limits nothing"),
        "write how much may be lost: 0.02 is 2 %",
    )
    more = Words("more than 0, which some programs take for no limit and others for a standstill")
    day, all_in_all = losses
    closed = Words(
        f"at most hard_drawdown_pct, {all_in_all.value} ({all_in_all.where}): beyond it everything is closed"
    )
    refuse(
        [
            *(share.unlike(part, fraction) for share in shares if share.value > 1),
            *(loss.unlike(some, a_part) for loss in losses if loss.value == 1),
            *(limit.unlike(more, "write the limit that is meant") for limit in every if limit.value <= 0),
            *([day.unlike(closed, "lower it, or raise the other")] if day.value > all_in_all.value else []),
        ]
    )
    theirs = core_config.environment(own.environment).risk_profile
    core_config.risk_profile(theirs)
    see_all(evidence, [own.risk_profile, theirs], through=own.environment)
    see_all(evidence, risk_profile_copies(runtime_config, core_config, entrypoint, policy.exchanges))
    PaperCopies(runtime_config, core_config, policy, evidence).risk_profiles()


@check(
    "environment_exchange",
    breaks=[
        broken.another_exchange,
        broken.environment_gone,
        broken.environment_is_live,
        broken.environment_written_twice,
        broken.core_gone,
    ],
)
def environment_exchange(core_config: CoreConfig, evidence: Evidence, *, environment: str, exchange: str) -> None:
    """The environment maps to the exchange's adapter, and is a paper one."""
    found = core_config.environment(environment)
    evidence.require((found.exchange, exchange), (found.kind, "paper"))


@check(
    "environment_keychain_key",
    breaks=[
        broken.live_key,
        broken.no_key,
        broken.account_has_another_key,
        beside.paper_key_is_the_live_key,
        beside.live_account_names_another_key,
    ],
)
def environment_keychain_key(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    environment: str,
    key: str,
) -> None:
    """The environment uses the key, no copy says otherwise, and no account of another kind uses it, too."""
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
    PaperCopies(runtime_config, core_config, policy, evidence).keychain_keys()
