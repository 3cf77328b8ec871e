"""The paper entrypoints of a configuration: everything that a report has to have an entry for.

Read leniently: what one entrypoint lacks makes its own entry `unknown`, and is told; it never makes an entry disappear.
"""

from __future__ import annotations

from collections.abc import Collection

from pytest_kraken_golive.bot.plan import LABELS, Findings
from pytest_kraken_golive.bot.report import PaperEntrypoint
from pytest_kraken_golive.bot.thresholds import STANDARD_NAMES
from pytest_kraken_golive.deployment.core import Environment
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.profiles import PaperProfile


def paper_entrypoints(deployment: Deployment, ran: Collection[str], findings: Findings) -> list[PaperEntrypoint]:
    """Every entrypoint whose environment is a paper one, with what its paper profile says.

    Args:
        deployment: the configuration.
        ran: names of the entrypoints that this run started.
        findings: told what cannot be read.
    """
    names = findings.read(lambda: deployment.runtime.entrypoint_names)
    members = [_member(deployment, name, name in ran, findings) for name in (names.value if names else [])]
    return [member for member in members if member is not None]


def bootstrap_names(deployment: Deployment, population: list[PaperEntrypoint], findings: Findings) -> list[str]:
    """Names of those that are to be started together with the bot."""
    return [member.name for member in population if _bootstrap(deployment, member.name, findings)]


def _bootstrap(deployment: Deployment, name: str, findings: Findings) -> bool:
    wanted = findings.read(lambda: deployment.runtime.entrypoint(name).bootstrap)
    return wanted is not None and bool(wanted.value)


def _member(deployment: Deployment, name: str, ran: bool, findings: Findings) -> PaperEntrypoint | None:
    environment = findings.read(lambda: deployment.core.environment(deployment.runtime.entrypoint(name).environment))
    kind = None if environment is None else findings.read(lambda: environment.kind)
    if environment is None or kind is None or kind.value != "paper":
        return None
    profile = findings.read(lambda: deployment.runtime.paper_profile_for(name))
    return PaperEntrypoint(
        name=name,
        environment=environment.name,
        exchange=_exchange(environment, profile, findings),
        metric_names={} if profile is None else _metric_names(profile, findings),
        thresholds={} if profile is None else _thresholds(profile, findings),
        ran=ran,
    )


def _exchange(environment: Environment, profile: PaperProfile | None, findings: Findings) -> str:
    """The label that the profile names, else the adapter's; empty where nothing says it."""
    label = None if profile is None else findings.read(lambda: profile.exchange)
    if label is not None:
        return str(label.value)
    adapter = findings.read(lambda: environment.exchange)
    return "" if adapter is None else LABELS.get(adapter.value, str(adapter.value))


def _metric_names(profile: PaperProfile, findings: Findings) -> dict[str, str]:
    found = {role: findings.read(lambda role=role: profile.metric(role)) for role in STANDARD_NAMES}  # type: ignore[misc]
    return {role: name.value for role, name in found.items() if name is not None}


def _thresholds(profile: PaperProfile, findings: Findings) -> dict[str, object]:
    found = findings.read(lambda: profile.thresholds)
    return {} if found is None else dict(found.value)
