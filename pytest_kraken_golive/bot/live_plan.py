"""What the live service is going to do, read before anything is opened: every fault keeps it from starting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_kraken_golive.bot.licence import require_licence
from pytest_kraken_golive.bot.names import LARGEST_ORDER
from pytest_kraken_golive.bot.plan import AccountPlan, Findings, plan_account
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.licence import Licence, good_for
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.kraken.endpoint import USE_SANDBOX_VARIABLE
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.telemetry.flags import Flags, read_flags

ORDER_INTERVAL_S = 5.0
"""From one order to the next, where `execution.live.order_interval_s` says nothing; the starting limits bear it."""
_SHORTEST_INTERVAL_S = 0.05


class Refused(Exception):
    """The service does not start; the messages say why, and what to do."""

    def __init__(self, *errors: str) -> None:
        super().__init__(*errors)
        self.errors = errors


@dataclass(frozen=True)
class LivePlan:
    """A service that may start, as far as its files and variables go."""

    entrypoint: str
    """Its name in `trading.entrypoints`."""
    account: AccountPlan
    """What it trades."""
    settings: LiveSettings
    """What its variables say."""
    flags: Flags
    """Which paths its orders take."""
    arming: Arming
    """How large its orders may be."""
    order_interval_s: float
    """Seconds from one order to the next."""
    endpoint: tuple[str, int, str]
    """Host, port and path of its metrics."""


def plan_live(deployment: Deployment, entrypoint: str, process: Mapping[str, str], clock: Clock) -> LivePlan:
    """Read all that the live service needs.

    Args:
        deployment: the folder.
        entrypoint: name in `trading.entrypoints`.
        process: the variables of the process.
        clock: the present, for the licence.

    Raises:
        NotProven: runtime.yaml or core.yaml is missing or unreadable.
        Fault: one of them is no configuration.
        Refused: something else is missing or wrong; tells all of it.
    """
    runtime, _ = deployment.runtime, deployment.core
    findings = Findings()
    licence = findings.read(lambda: _demand_licence(deployment, process, clock))
    findings.read(lambda: _demand_switched_on(runtime))
    account = _account(deployment, entrypoint, findings)
    settings = findings.read(lambda: LiveSettings.of(deployment, account.keychain_key if account else None))
    if settings is None or account is None:
        raise Refused(*findings.errors)
    findings.read(settings.refuse_misspelt)
    findings.read(lambda: _demand_production(settings))
    findings.read(lambda: (settings.endpoint, settings.limits, settings.key_pair))
    if licence is not None:
        findings.read(lambda: good_for(licence, settings.endpoint.url, settings.endpoint.reason))
    arming = findings.read(lambda: _demand_arming(settings))
    variables = settings.variables
    flags = findings.read(lambda: read_flags(variables, lambda name: str(variables.place(name))))
    interval = findings.read(lambda: _interval(runtime))
    endpoint = findings.read(lambda: _endpoint(runtime))
    if findings.errors or not (arming and flags and interval and endpoint):
        raise Refused(*dict.fromkeys(findings.errors))
    return LivePlan(entrypoint, account, settings, flags, arming, interval, endpoint)


def _account(deployment: Deployment, name: str, findings: Findings) -> AccountPlan | None:
    entrypoint = findings.read(lambda: deployment.runtime.entrypoint(name))
    environment = None if entrypoint is None else findings.read(lambda: entrypoint.environment)
    return None if environment is None else plan_account(deployment, environment, None, findings, kind="live")


def _demand_licence(deployment: Deployment, process: Mapping[str, str], clock: Clock) -> Licence | None:
    try:
        return require_licence(deployment, process, clock)
    except (NotProven, Fault) as error:
        raise type(error)(f"no valid licence: {error}") from None


def _demand_switched_on(runtime: RuntimeConfig) -> None:
    enabled = runtime.live_enabled
    if enabled.value is not True:
        raise Fault(
            enabled.unlike(True, "let a person switch real orders on, when all else before the deploy is proven")
        )


def _demand_production(settings: LiveSettings) -> None:
    mode = settings.mode
    if mode.value != "production":
        raise Fault(
            f"{mode.where}: expected production for --mode live, found {mode.value}. "
            f"Next: set {USE_SANDBOX_VARIABLE}=false, or start it with --mode paper."
        )


def _demand_arming(settings: LiveSettings) -> Arming:
    arming = settings.arming
    if arming is None:
        raise NotProven(
            f"{settings.variables.place(LARGEST_ORDER)}: expected the largest real order in USD, found none, so the "
            f"service is not armed. Next: set {LARGEST_ORDER} on purpose."
        )
    return arming


def _interval(runtime: RuntimeConfig) -> float:
    key = ("execution", "live", "order_interval_s")
    return float(runtime.at_least(_SHORTEST_INTERVAL_S, *key).value) if runtime.given(*key) else ORDER_INTERVAL_S


def _endpoint(runtime: RuntimeConfig) -> tuple[str, int, str]:
    prometheus = runtime.prometheus
    if prometheus.enabled.value is not True:
        raise Fault(prometheus.enabled.unlike(True, "switch it on: a service that nobody can ask is not monitored"))
    return prometheus.host.value, prometheus.port.value, prometheus.path.value
