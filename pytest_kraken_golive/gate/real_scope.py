"""What a verdict says about a real exchange: which one was really called, what was armed, and what a sign-off lacks."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.deployment.licence import is_of_rehearsal
from pytest_kraken_golive.gate.verdict import Decision
from pytest_kraken_golive.kraken.endpoint import PRODUCTION_URL
from pytest_kraken_golive.rehearsal.permit import Permit

KRAKEN_HOST = PRODUCTION_URL.partition("://")[2]
PUBLIC = frozenset({"Time", "SystemStatus", "Assets", "AssetPairs", "Ticker", "Depth", "OHLC", "Trades", "Spread"})

_CHANGES_NO_RESULT = frozenset(
    {
        *("pytest_addoption", "pytest_addhooks", "pytest_configure", "pytest_unconfigure"),
        *("pytest_report_header", "pytest_report_collectionfinish", "pytest_report_teststatus"),
        *("pytest_terminal_summary", "pytest_warning_recorded", "pytest_assertrepr_compare"),
    }
)
"""Hooks that set up or tell: whoever has only these has no hand in how a line comes out."""


_XDISTS_WORKER = "__channelexec__"
"""How execnet calls the module of xdist's that runs in a worker."""


def scope_name(deployment: Path | None, kraken: str, calls: Mapping[str, Mapping[str, int]]) -> str:
    """The scope in the words of the verdict line: `deployment, real` only where Kraken itself was called."""
    judged = "rehearsal" if deployment is None else "deployment"
    if kraken != "real":
        return f"{judged}, {kraken}"
    if not calls:
        return f"{judged}, real, but nobody was called"
    others = sorted(set(calls) - {PRODUCTION_URL})
    return f"{judged}, real, but not Kraken: {', '.join(others)}" if others else f"{judged}, real"


def exchange_scope(permit: Permit, calls: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """What was armed, and what real exchanges answered."""
    cap = None if permit.cap_usd is None else str(permit.cap_usd)
    return {
        "armed": {"orders_max_usd": cap, "drills": permit.drills},
        "order_prefix": permit.prefix if permit.real else None,
        "answered": {url: dict(sorted(count.items())) for url, count in sorted(calls.items())},
    }


def local_plugins(config: pytest.Config) -> list[str]:
    """Conftests, `-p` modules, and objects that these have registered, with a hook that can change a line's result."""
    manager = config.pluginmanager
    installed = {_module(plugin).partition(".")[0] for plugin, _ in manager.list_plugin_distinfo()}
    installed |= {"_pytest", "pytest", "xdist", _XDISTS_WORKER, "pytest_kraken_golive"}
    found = set()
    for name, plugin in manager.list_name_plugin():
        module = _module(plugin)
        if plugin is None or module.partition(".")[0] in installed:
            continue
        hooks = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
        if hooks - _CHANGES_NO_RESULT:
            found.add(str(name) if isinstance(plugin, types.ModuleType) else _registered(plugin))
    return sorted(found)


def _module(plugin: object) -> str:
    """The module that a plugin is, or that its class is of."""
    if isinstance(plugin, types.ModuleType):
        return plugin.__name__
    return (plugin if isinstance(plugin, type) else type(plugin)).__module__


def _registered(plugin: object) -> str:
    kind = plugin if isinstance(plugin, type) else type(plugin)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return f"{file or kind.__module__}::{kind.__qualname__}"


def lacking(
    decision: Decision,
    scope: Mapping[str, Any],
    *,
    stages: Iterable[str],
    hosts: Iterable[str],
    policy_root: Path,
    issuers: Iterable[str],
    deployment: Path | None,
    plugins: Iterable[str],
) -> list[str]:
    """Why this verdict is no production sign-off; empty where it is one."""
    calls: Mapping[str, Mapping[str, int]] = scope["answered"]
    signed = [name for name in calls.get(PRODUCTION_URL, {}) if name not in PUBLIC]
    reasons = {
        f"the verdict is {decision}": decision is not Decision.GO,
        "no deployment was judged (--golive-deployment)": deployment is None,
        "the exchange is not the deployment's own (--kraken=real)": scope["exchange"] != "real",
        f"no signed call was answered by {KRAKEN_HOST}": not signed or KRAKEN_HOST not in set(hosts),
        f"other exchanges than {PRODUCTION_URL} were called": bool(set(calls) - {PRODUCTION_URL}),
        "no runbook of the stage production was run": "production" not in set(stages),
        "stock lines were not asked": bool(scope["not_asked"]),
        "fixtures were overridden, or run around lines": bool(scope["overridden_fixtures"]),
        "stock checks were replaced": bool(scope["replaced_checks"]),
        "a conftest or plugin can change results": bool(list(plugins)),
        "licences that a rehearsal's key signed count (config/golive.yaml licence.issuer_keys)": any(
            map(is_of_rehearsal, issuers)
        ),
        "the policy lies in the deployment that is judged": deployment is not None
        and policy_root.resolve().is_relative_to(deployment.resolve()),
    }
    return [reason for reason, applies in reasons.items() if applies]
