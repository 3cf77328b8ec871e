"""What a run is measured and found by: paper profiles, their thresholds, and trading profiles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pytest_kraken_golive.checks import config_breaks as broken
from pytest_kraken_golive.checks import copies_breaks as beside
from pytest_kraken_golive.checks.paper_copies import PaperCopies, see_all, see_limit, see_served
from pytest_kraken_golive.contract import Evidence, NotProven, Words, check, refuse
from pytest_kraken_golive.deployment.agreement import adapter_copies, adapter_of
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.paper_claims import paper_claims, refuse_live_tag
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.policy import Policy

Tags = Annotated[list[str], Field(min_length=1)]
MetricNames = dict[Literal["rate_limit", "network_errors", "health"], str]
Finite = Annotated[float, Field(allow_inf_nan=False)]

_BE_AS_STRICT = "be as strict as for the entrypoint that goes live, for one report sums up both"


@check(
    "paper_profile",
    breaks=[
        broken.profile_for_another_entrypoint,
        broken.profile_for_another_exchange,
        broken.profile_for_another_environment,
        broken.profile_with_another_queue,
        broken.profile_without_queue,
        broken.paper_profile_gone,
        broken.two_profiles_for_one_entrypoint,
        beside.other_profile_with_another_queue,
        beside.trading_profile_with_another_queue,
        beside.paper_profile_tagged_live,
        beside.metric_misnamed,
        beside.other_metric_misnamed,
        beside.metrics_not_served,
        beside.metrics_port_is_text,
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
    metrics: MetricNames | None = None,
) -> None:
    """The paper profile names entrypoint, exchange, environment, queue and metrics, and nothing contradicts it.

    `metrics` are the names that the bot serves for each role; without it they only have to agree with each other.
    """
    found = runtime_config.paper_profile(profile)
    evidence.require(
        (found.entrypoint, entrypoint),
        (found.exchange, exchange),
        (found.environment, environment),
        (found.io_queue, io_queue),
    )
    only = runtime_config.paper_profile_for(entrypoint)
    assert only.name == profile, only.entrypoint.unlike(
        Words(f"another entrypoint than {entrypoint}"), "let one paper profile name it"
    )
    see_all(evidence, [adapter_of(found.exchange, policy.exchanges), core_config.environment(environment).exchange])
    see_all(evidence, adapter_copies(runtime_config, core_config, entrypoint, policy.exchanges))
    evidence.require(*((found.metric(role), name) for role, name in (metrics or {}).items()))
    everyone = PaperCopies(runtime_config, core_config, policy, evidence)
    everyone.profiles()
    everyone.metrics()
    see_served(runtime_config, evidence)


@check(
    "trading_profile_queue",
    breaks=[
        broken.trading_profile_for_another_entrypoint,
        broken.queue_without_limits,
        broken.trading_profile_gone,
        broken.profile_without_queue,
        beside.default_limit_is_text,
    ],
)
def trading_profile_queue(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    policy: Policy,
    evidence: Evidence,
    *,
    profile: str,
    entrypoint: str,
) -> None:
    """The trading profile names the entrypoint, whose queue (through its paper profile) has limits, as all have."""
    found = runtime_config.trading_profile(profile).entrypoint
    evidence.saw(found)
    assert found.value == entrypoint, found.unlike(entrypoint)
    name = runtime_config.paper_profile_for(entrypoint).io_queue
    evidence.saw(name)
    queue = runtime_config.io_queue(name)
    see_limit(evidence, queue.max_concurrency)
    see_limit(evidence, queue.burst)
    PaperCopies(runtime_config, core_config, policy, evidence).queues()


@check(
    "paper_thresholds",
    breaks=[
        broken.rate_limits_tolerated,
        broken.errors_tolerated,
        broken.health_is_no_number,
        broken.thresholds_gone,
        broken.threshold_is_a_flag,
        beside.threshold_in_disguise,
        beside.other_profile_tolerates_errors,
        beside.other_profile_asks_for_no_health,
    ],
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
    """The thresholds of the paper profile are finite numbers, and these; no other paper profile tolerates more."""
    expected = {"rate_limit_max": rate_limit_max, "network_errors_max": network_errors_max, "health_min": health_min}
    own = runtime_config.paper_profile(profile)
    evidence.require(*((own.threshold(name), _number(limit)) for name, limit in expected.items()))
    faults = []
    for other in runtime_config.paper_profile_names.value:
        for name, limit in expected.items():
            threshold = runtime_config.paper_profile(other).threshold(name)
            evidence.saw(threshold)
            least = name.endswith("_min")
            if threshold.value < limit if least else threshold.value > limit:
                bound = Words(f"{'at least' if least else 'at most'} {_number(limit)}")
                faults.append(threshold.unlike(bound, _BE_AS_STRICT))
    refuse(faults)


def _number(value: float) -> float | int:
    """Whole numbers as people write them."""
    return int(value) if value == int(value) else value


@check(
    "trading_profile_tags",
    breaks=[
        broken.tag_gone,
        beside.trading_profile_tagged_live,
        broken.trading_profile_gone,
        broken.no_guardrail_summary,
        broken.summary_of_other_tags,
        broken.summary_of_another_run,
        broken.summary_with_every_tag,
        broken.summary_without_queues,
    ],
)
def trading_profile_tags(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
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
    on_paper = paper_claims(runtime_config, core_config)
    for name in runtime_config.trading_profile_names.value:
        trading = runtime_config.trading_profile(name)
        runtime_config.entrypoint(trading.entrypoint)
        if trading.entrypoint.value in on_paper:
            refuse_live_tag(trading)
        for value in trading.documented():
            evidence.saw(value)
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
