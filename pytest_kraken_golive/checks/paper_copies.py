"""What the configuration says about paper entrypoints that no line names: a paper run starts and sums up them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pytest_kraken_golive.contract import Evidence, Fault, Found, Words
from pytest_kraken_golive.deployment.agreement import (
    account_environments,
    adapter_copies,
    agree,
    environment_copies,
    environment_says,
    keychain_key_copies,
    risk_profile_copies,
)
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.io_queue import Inherited
from pytest_kraken_golive.deployment.paper_claims import paper_claims, refuse_live_tag, require_paper
from pytest_kraken_golive.deployment.profiles import METRICS, PaperProfile
from pytest_kraken_golive.deployment.real_money import addresses, keys_by_kind, settings_on_paper, starts_on_paper
from pytest_kraken_golive.deployment.references import named_entrypoints, named_risk_profiles
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.deployment.slips import refuse_slips
from pytest_kraken_golive.deployment.statements import naming_entrypoint
from pytest_kraken_golive.policy import Policy

Copies = Callable[[RuntimeConfig, CoreConfig, str, Mapping[str, str]], list[Found]]


def see_all(evidence: Evidence, copies: list[Found], *, through: Found | None = None) -> Found:
    """Record every copy of a value, and give the first if all agree; `through` as with `agree`."""
    for copy in copies:
        evidence.saw(copy)
    return agree(*copies, through=through)


class PaperCopies:
    """The copies of one value, for every entrypoint that trades on paper or claims to.

    Each method raises `NotProven` where a copy that must be there is absent, and `Fault` where copies contradict each
    other or have a wrong type.
    """

    def __init__(self, runtime: RuntimeConfig, core: CoreConfig, policy: Policy, evidence: Evidence) -> None:
        self._runtime, self._core, self._evidence = runtime, core, evidence
        self._adapters = policy.exchanges

    def environments(self) -> None:
        """Each has a paper environment, in every copy; nothing about it is tagged as live, or leads to real money."""
        for name, claim in paper_claims(self._runtime, self._core).items():
            environment = require_paper(self._runtime, self._core, name, claim)
            self._evidence.saw(environment.kind)
            self._see(environment_copies, name)
            for section in naming_entrypoint(self._runtime, self._core, name):
                refuse_live_tag(section)
            self._saw(*self._runtime.entrypoint(name).documented(), *environment.documented())
            self._saw(*settings_on_paper(environment), *addresses(environment))
        self._saw(*account_environments(self._core, self._adapters))
        self._saw(*self._runtime.modes(), *named_entrypoints(self._runtime))
        self._saw(*starts_on_paper(self._runtime, self._core))
        refuse_slips(self._runtime, self._core)

    def risk_profiles(self) -> None:
        """Each has the risk profile of its environment and of the exchange account, and every named one is there."""
        self._saw(*named_risk_profiles(self._runtime, self._core))
        self._each(risk_profile_copies)
        self._each_environment("risk_profile")

    def keychain_keys(self) -> None:
        """The environment and the exchange account of each name the same key, which no account of another kind uses."""
        self._each(keychain_key_copies)
        self._each_environment("keychain_key")
        self._saw(*(found for found, _ in keys_by_kind(self._runtime, self._core)))

    def profiles(self) -> None:
        """Each has one paper profile, which says what the environment says, and is not tagged as live."""
        for name, profile in self._profiles():
            refuse_live_tag(profile)
            self._saw(profile.environment, profile.exchange, profile.io_queue)
            self._see(adapter_copies, name)

    def queues(self) -> None:
        """The queue of each has limits of its own or inherits them; also those that nobody inherits are well-formed."""
        self._saw(*self._runtime.global_limits)
        for _, profile in self._profiles():
            for limit in self._runtime.io_queue(profile.io_queue).limits():
                see_limit(self._evidence, limit)

    def metrics(self) -> None:
        """Profiles of one exchange name the same metric for each role, and no metric has two roles."""
        first: dict[tuple[str, str], Found] = {}
        for _, profile in self._profiles():
            exchange, roles = profile.exchange.value, dict[str, Found]()
            for role in METRICS:
                metric = profile.metric(role)
                other = roles.setdefault(metric.value, metric)
                if other is not metric:
                    raise Fault(
                        metric.unlike(Words(f"another metric than {other.where}"), "name the metric of this role")
                    )
                see_all(self._evidence, [first.setdefault((exchange, role), metric), metric])

    def _profiles(self) -> Iterator[tuple[str, PaperProfile]]:
        for name in paper_claims(self._runtime, self._core):
            yield name, self._runtime.paper_profile_for(name)

    def _saw(self, *found: Found) -> None:
        for one in found:
            self._evidence.saw(one)

    def _each_environment(self, key: str) -> None:
        for name in self._core.environment_names.value:
            copies = environment_says(self._runtime, self._core, name, key)
            if copies:
                see_all(self._evidence, copies)

    def _each(self, copies: Copies) -> None:
        for name in paper_claims(self._runtime, self._core):
            self._see(copies, name)

    def _see(self, copies: Copies, name: str) -> None:
        through = self._runtime.entrypoint(name).environment
        found = copies(self._runtime, self._core, name, self._adapters)
        see_all(self._evidence, found, through=None if through in found else through)


def see_limit(evidence: Evidence, found: Found) -> Found:
    """Record a limit of a queue, and whose it is; gives it back."""
    evidence.saw(found, found.because if isinstance(found, Inherited) else None)
    return found


def see_served(runtime: RuntimeConfig, evidence: Evidence) -> None:
    """Record that the bot is told to serve its metrics, and where.

    Raises:
        NotProven: a key of `observability.prometheus` is absent.
        Fault: one has a wrong type, or the metrics are switched off.
    """
    prometheus = runtime.prometheus
    for found in (prometheus.enabled, prometheus.host, prometheus.port, prometheus.path):
        evidence.saw(found)
    if prometheus.enabled.value is not True:
        raise Fault(prometheus.enabled.unlike(True, "switch it on: the bot's metrics are read while it runs"))
