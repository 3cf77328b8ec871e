"""Copies of one value that must not contradict each other.

The same mapping stands in several places: an entrypoint, its paper profile, its environment and the exchange account
all name the environment, risk profile or keychain key. A program reads one of them; a person may have corrected
another. A copy that is absent cannot contradict and is left out; the functions say which one must be there. A
misspelt key is not taken for an absent one: it is a `Fault`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract import Fault, Found, NotProven, show
from .core import CoreConfig, ExchangeAccount
from .profiles import PaperProfile
from .runtime import RuntimeConfig
from .section import Section

ADAPTERS: Mapping[str, str] = {"kraken": "kraken_spot"}
"""An exchange's label, in metrics and paper profiles, and the adapter behind it, in core.yaml and as queue."""

_LICENCE_COPIES = {
    "enforcement": ("licensing", "enforcement"),
    "grace_period_hours": ("licensing", "grace_period_hours"),
    **{
        key: ("licensing", "license", key)
        for key in (
            "license_path",
            "fingerprint_path",
            "revocation_list_path",
            "revocation_required",
            "allowed_profiles",
            "allowed_issuers",
            "max_validity_days",
            "required_schema",
            "allowed_schema_versions",
        )
    },
}


def agree(*found: Found) -> Found:
    """The first of several copies, if all hold the same value; lists may hold it in another order.

    Raises:
        Fault: they differ; the message names all places and values.
        ValueError: there is no copy at all.
    """
    if not found:
        raise ValueError("agree needs at least one copy")
    first, *others = found
    different = [other for other in others if _comparable(other.value) != _comparable(first.value)]
    if different:
        places = ", ".join(f"{show(one.value, 120)} in {one.where}" for one in others)
        raise Fault(
            f"{first.where}: expected the copies of one value to agree, found {show(first.value, 120)} here, and "
            f"{places}. Next: decide which is right, and write it in all {len(found)} places."
        )
    return first


def environment_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's environment: itself, its paper profile and the exchange account.

    Raises:
        NotProven: the entrypoint is absent, or does not name an environment.
        Fault: a copy has a wrong type.
    """
    own = runtime.entrypoint(entrypoint).environment
    profile, account = _profile(runtime, entrypoint), _account(runtime, core, entrypoint, adapters)
    copies = [profile.environment] if profile and profile.given("environment") else []
    return [own, *copies, *_of(account, "environment")]


def risk_profile_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's risk profile: itself, its environment and the exchange account.

    Raises:
        NotProven: the entrypoint, its environment or its risk profile is absent.
        Fault: a copy has a wrong type.
    """
    own = runtime.entrypoint(entrypoint)
    environment = core.environment(own.environment.value)
    account = _account(runtime, core, entrypoint, adapters)
    return [own.risk_profile, *_of(environment, "risk_profile"), *_of(account, "risk_profile")]


def keychain_key_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's keychain key: its environment and the exchange account.

    Raises:
        NotProven: the entrypoint, its environment or the environment's key is absent.
        Fault: a copy has a wrong type.
    """
    environment = core.environment(runtime.entrypoint(entrypoint).environment.value)
    return [environment.keychain_key, *_of(_account(runtime, core, entrypoint, adapters), "keychain_key")]


def adapter_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's exchange: its environment, its paper profile's label, and the profile's queue.

    The label is given as the adapter that `adapters` states for it, at the label's place.

    Raises:
        NotProven: the entrypoint or its environment is absent.
        Fault: a copy has a wrong type, or the label is not in the map.
    """
    environment = core.environment(runtime.entrypoint(entrypoint).environment.value)
    profile = _profile(runtime, entrypoint)
    copies = [environment.exchange]
    if profile and profile.given("exchange"):
        copies.append(adapter_of(profile.exchange, adapters))
    return [*copies, *_of(profile, "io_queue")]


def adapter_of(label: Found, adapters: Mapping[str, str] = ADAPTERS) -> Found:
    """The adapter behind an exchange's label, at the label's place.

    Raises:
        Fault: the map does not know the label.
    """
    if label.value not in adapters:
        raise Fault(
            f"{label.where}: expected one of the known exchanges {', '.join(sorted(adapters))}, found "
            f"{show(label.value)}. Next: correct the label (the adapter's name belongs in core.yaml only)."
        )
    return Found(adapters[label.value], label.where)


def licence_copies(runtime: RuntimeConfig, core: CoreConfig) -> list[tuple[Found, Found]]:
    """What core.yaml's `license` block repeats of runtime.yaml's `licensing`, each with its original.

    Empty if core.yaml has no such block. Keys that only one of them has are no copies.

    Raises:
        Fault: the block is no mapping.
    """
    if not core.given("license"):
        return []
    block = core.license
    return [
        (runtime.at(*path), block.at(key))
        for key, path in _LICENCE_COPIES.items()
        if block.given(key) and runtime.given(*path)
    ]


def agree_on_licence(runtime: RuntimeConfig, core: CoreConfig) -> list[Found]:
    """The values on which both licence sections agree; a `Fault` names the first on which they do not."""
    return [agree(*copies) for copies in licence_copies(runtime, core)]


def _profile(runtime: RuntimeConfig, entrypoint: str) -> PaperProfile | None:
    try:
        return runtime.paper_profile_for(entrypoint)
    except NotProven:
        return None


def _account(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str]
) -> ExchangeAccount | None:
    """The exchange account of an entrypoint's environment, if core.yaml has one."""
    name = runtime.entrypoint(entrypoint).environment.value
    if not core.has("environments", name):
        return None
    environment = core.environment(name)
    labels = [label for label, adapter in adapters.items() if adapter == environment.exchange.value]
    kind = environment.kind.value
    for label in sorted(labels, key=lambda label: not core.has("exchange_accounts", label)):
        if core.given("exchange_accounts", label, kind):
            return core.exchange_account(label, kind)
    return None


def _of(section: Section | None, key: str) -> Sequence[Found]:
    return [section.text(key)] if section is not None and section.given(key) else []


def _comparable(value: Any) -> Any:
    """A form in which True is not 1, and the order of a list of texts does not matter."""
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, list):
        items = [_comparable(item) for item in value]
        return ("list", sorted(items, key=repr))
    return value
