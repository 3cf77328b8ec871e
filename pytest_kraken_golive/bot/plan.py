"""What a run is going to do, read from the configuration before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from pytest_kraken_golive.bot.queue import QueueLimits
from pytest_kraken_golive.bot.strategy import STRATEGIES, RiskLimits
from pytest_kraken_golive.contract import Fault, Found, NotProven
from pytest_kraken_golive.deployment.agreement import ADAPTERS, agree
from pytest_kraken_golive.deployment.core import Environment, RiskProfile
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.profiles import PaperProfile
from pytest_kraken_golive.deployment.runtime import RuntimeConfig

T = TypeVar("T")

LABELS = {adapter: label for label, adapter in ADAPTERS.items()}
"""Exchange adapters that this bot has, and the label of each in metrics and paper profiles."""


@dataclass(frozen=True)
class AccountPlan:
    """The account that an entrypoint trades, as core.yaml describes its environment."""

    environment: str
    """Name of the environment."""
    exchange: str
    """The exchange's label in the metrics."""
    keychain_key: str
    """Name of the credentials in the secret store."""
    symbols: tuple[str, ...]
    """Pairs that are traded."""
    required_permissions: Found
    """List of words, with its place."""
    forbidden_permissions: Found
    """List of words, with its place."""


@dataclass(frozen=True)
class EntrypointPlan:
    """One entrypoint that is ready to be started, as far as its configuration goes."""

    name: str
    """Its name in `trading.entrypoints`."""
    account: AccountPlan
    """What it trades."""
    strategy: str
    """One of `STRATEGIES`."""
    risk_profile: str
    """Name of its risk profile."""
    limits: RiskLimits
    """The risk profile's values."""
    queue: str
    """Name of its I/O queue."""
    queue_limits: QueueLimits
    """The queue's limits."""


@dataclass
class Findings:
    """What is wrong, gathered so that one run names everything and not only the first fault."""

    errors: list[str] = field(default_factory=list)
    """Messages for people."""

    def read(self, look: Callable[[], T]) -> T | None:
        """What `look` gives; None, and its message kept, where it finds nothing or a fault."""
        try:
            return look()
        except (NotProven, Fault) as error:
            self.errors.append(str(error))
            return None


def plan_entrypoint(deployment: Deployment, name: str, findings: Findings) -> EntrypointPlan | None:
    """Read all that starting an entrypoint on paper needs; None if anything is missing or wrong, see `findings`."""
    runtime, core = deployment.runtime, deployment.core
    entrypoint = findings.read(lambda: runtime.entrypoint(name))
    if entrypoint is None:
        return None
    environment_name = findings.read(lambda: entrypoint.environment)
    strategy = findings.read(lambda: _known_strategy(entrypoint.strategy))
    risk = findings.read(lambda: entrypoint.risk_profile)
    limits = None if risk is None else findings.read(lambda: risk_limits(core.risk_profile(risk)))
    profile = findings.read(lambda: runtime.paper_profile_for(name))
    queue = None if profile is None else findings.read(lambda: profile.io_queue)
    queue_limits = None if queue is None else findings.read(lambda: _queue_limits(runtime, queue))
    account = None if environment_name is None else plan_account(deployment, environment_name, profile, findings)
    if not (strategy and risk and limits and queue and queue_limits and account):
        return None
    return EntrypointPlan(name, account, strategy.value, risk.value, limits, queue.value, queue_limits)


def plan_account(
    deployment: Deployment, name: Found, profile: PaperProfile | None, findings: Findings, *, kind: str = "paper"
) -> AccountPlan | None:
    """Read the account behind an environment of this kind; None if anything is missing or wrong, see `findings`."""
    environment = findings.read(lambda: deployment.core.environment(name))
    if environment is None:
        return None
    right_kind = findings.read(lambda: _of_kind(environment, kind))
    agreed = name if profile is None else findings.read(lambda: agree(name, profile.environment))
    exchange = findings.read(lambda: _label(environment, profile))
    keychain_key = findings.read(lambda: environment.keychain_key)
    symbols = findings.read(lambda: _some(environment.symbols))
    required = findings.read(lambda: environment.required_permissions)
    forbidden = findings.read(lambda: environment.forbidden_permissions)
    if not (right_kind and agreed and exchange and keychain_key and symbols and required and forbidden):
        return None
    return AccountPlan(name.value, exchange, keychain_key.value, tuple(symbols.value), required, forbidden)


def run_tags(deployment: Deployment, entrypoint: str) -> list[str]:
    """The run's tags: those of the trading profile for this entrypoint, or its own where no profile names it.

    Raises:
        NotProven: a profile or the entrypoint has no tags.
        Fault: they are no list of texts.
    """
    runtime = deployment.runtime
    for name in runtime.trading_profile_names.value if runtime.has("execution", "trading_profiles") else []:
        profile = runtime.trading_profile(name)
        if profile.entrypoint.value == entrypoint:
            return list(profile.tags.value)
    return list(runtime.entrypoint(entrypoint).tags.value)


def contradictions(deployment: Deployment, plan: EntrypointPlan) -> list[str]:
    """Copies of one value that differ although the bot can run: said as warnings, judged by the gate."""
    entrypoint = deployment.runtime.entrypoint(plan.name).risk_profile
    environment = deployment.core.environment(plan.account.environment)
    if not environment.has("risk_profile") or environment.risk_profile.value == entrypoint.value:
        return []
    other = environment.risk_profile
    return [f"{entrypoint.where} says {entrypoint.value}, {other.where} says {other.value}: {entrypoint.value} is used"]


def risk_limits(profile: RiskProfile) -> RiskLimits:
    """The limits that the strategy keeps to.

    Raises:
        NotProven: one is absent.
        Fault: one is no number or negative.
    """
    loss = min(profile.max_daily_loss_pct.value, profile.hard_drawdown_pct.value)
    return RiskLimits(
        max_position=_decimal(profile.max_position_pct.value),
        max_open_positions=profile.max_open_positions.value,
        max_loss=_decimal(loss),
    )


def _known_strategy(found: Found) -> Found:
    if found.value not in STRATEGIES:
        raise Fault(found.unlike(sorted(STRATEGIES), f"write one of: {', '.join(sorted(STRATEGIES))}"))
    return found


def _of_kind(environment: Environment, wanted: str) -> Found:
    kind = environment.kind
    if kind.value != wanted:
        raise Fault(
            kind.unlike(wanted, f"start an entrypoint with a {wanted} environment, as --mode {wanted} asks for")
        )
    return kind


def _label(environment: Environment, profile: PaperProfile | None) -> str:
    """The exchange's label, which the paper profile names and the adapter has to agree with."""
    adapter = environment.exchange
    if adapter.value not in LABELS:
        raise Fault(adapter.unlike(sorted(LABELS), f"write an adapter that this bot has: {', '.join(LABELS)}"))
    label = LABELS[adapter.value]
    if profile is not None and profile.exchange.value != label:
        raise Fault(profile.exchange.unlike(label, f"write {label}, which is the label of {adapter.value}"))
    return label


def _some(found: Found) -> Found:
    if not found.value:
        raise NotProven(f"{found.where}: expected at least one item, found an empty list. Next: name one.")
    return found


def _queue_limits(runtime: RuntimeConfig, name: Found) -> QueueLimits:
    queue = runtime.io_queue(name)
    return QueueLimits(
        max_concurrency=queue.max_concurrency.value,
        burst=queue.burst.value,
        rate_limit_warning_s=queue.rate_limit_warning_seconds.value,
        timeout_warning_s=queue.timeout_warning_seconds.value,
    )


def _decimal(value: float) -> Decimal:
    """A number of a configuration file as it is written there."""
    return Decimal(str(value))
