"""Names that refer to something: what they name must be there, and some words must be one of a few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..contract import Found
from .core import KINDS, CoreConfig, ExchangeAccount
from .kinds import unlike
from .naming import require_known
from .runtime import RuntimeConfig
from .section import Section


def named_entrypoints(runtime: RuntimeConfig) -> list[Found]:
    """Who names an entrypoint: the default, and every paper and trading profile.

    Raises:
        Fault: there is no such entrypoint, or a name is no text.
    """
    names = [runtime.default_entrypoint] if runtime.given("trading", "default_entrypoint") else []
    profiles: list[Section] = [
        *(runtime.paper_profile(name) for name in _keys(runtime, "execution", "paper_profiles")),
        *(runtime.trading_profile(name) for name in _keys(runtime, "execution", "trading_profiles")),
    ]
    names += [one.text("entrypoint") for one in profiles if one.given("entrypoint")]
    return _there(names, runtime.entrypoint_names)


def named_risk_profiles(runtime: RuntimeConfig, core: CoreConfig) -> list[Found]:
    """Who names a risk profile: the default, entrypoints, environments and exchange accounts.

    Raises:
        Fault: there is no such profile, or a name is no text.
    """
    names = [runtime.risk.text("default_profile")] if runtime.given("risk", "default_profile") else []
    sections: list[Section] = [
        *(runtime.entrypoint(name) for name in runtime.entrypoint_names.value),
        *(core.environment(name) for name in core.environment_names.value),
        *accounts(core),
    ]
    names += [one.text("risk_profile") for one in sections if one.given("risk_profile")]
    return _there(names, core.risk_profile_names)


def accounts(core: CoreConfig) -> list[ExchangeAccount]:
    """All exchange accounts, `exchange_accounts.<label>.<kind>`."""
    return [
        core.exchange_account(label, kind)
        for label in _keys(core, "exchange_accounts")
        for kind in core.keys("exchange_accounts", label).value
        if kind in KINDS
    ]


def default_mode(runtime: RuntimeConfig) -> list[Found]:
    """The mode in which the bot starts when nobody names one, if the file says so.

    Raises:
        Fault: it is none of `KINDS`, letter by letter.
    """
    if not runtime.given("execution", "default_mode"):
        return []
    found = runtime.default_mode
    if found.value not in KINDS:
        raise unlike(found, f"one of {', '.join(KINDS)}", "write one of these, in small letters and without spaces")
    return [found]


def _keys(config: RuntimeConfig | CoreConfig, *path: str) -> Sequence[str]:
    names: list[str] = config.keys(*path).value if config.given(*path) else []
    return names


def _there(names: Iterable[Found], defined: Found) -> list[Found]:
    found = list(names)
    for name in found:
        require_known(name, defined)
    return found
