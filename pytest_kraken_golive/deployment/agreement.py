"""Copies of one value that must not contradict each other.

The same mapping stands in several places: an entrypoint, its environment, the exchange accounts and every section that
names the entrypoint or the environment all say which environment, risk profile, keychain key or exchange it is. A
program reads one of them; a person may have corrected another. A copy that is absent cannot contradict and is left out;
the functions say which one must be there. A misspelt key is not taken for an absent one: it is a `Fault`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..contract import Fault, Found, NotProven, show
from .core import CoreConfig, ExchangeAccount
from .profiles import PaperProfile
from .references import accounts
from .runtime import RuntimeConfig
from .section import Section
from .statements import naming_entrypoint, naming_environment, said, said_environments, said_modes

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


def agree(*found: Found, through: Found | None = None) -> Found:
    """The first of several copies, if all hold the same value; lists may hold it in another order.

    Args:
        found: the copies.
        through: what leads to the others: who names a wrong environment compares with what is wrong for him.

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
        led = "" if through is None else f"; {through.where} says {show(through.value)} and leads there"
        raise Fault(
            f"{first.where}: expected the copies of one value to agree, found {show(first.value, 120)} here, and "
            f"{places}{led}. Next: decide which is right, and write it in all {len(found)} places."
        )
    return first


def environment_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's environment: itself, the exchange accounts, and what names the entrypoint.

    Raises:
        NotProven: the entrypoint is absent, or does not name an environment.
        Fault: a copy has a wrong type, or says another mode than the environment's kind.
    """
    own = runtime.entrypoint(entrypoint).environment
    about = naming_entrypoint(runtime, core, entrypoint)
    kind = core.environment(own).kind
    for mode in said_modes(about):
        if mode.value != kind.value:
            raise Fault(mode.unlike(kind.value, f"write {kind.value}, which the environment {own.value} is"))
    beside = _of(_accounts(runtime, core, entrypoint, adapters), "environment")
    for name in beside:
        core.environment(name)
    return _once([own, *said_environments(about, kind), *beside])


def risk_profile_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's risk profile: itself, its environment, the exchange accounts, and what names either.

    Raises:
        NotProven: the entrypoint, its environment or its risk profile is absent.
        Fault: a copy has a wrong type.
    """
    own = runtime.entrypoint(entrypoint)
    environment = core.environment(own.environment)
    beside = _accounts(runtime, core, entrypoint, adapters)
    about = _about(runtime, core, entrypoint)
    return _once([own.risk_profile, *_of([environment, *beside], "risk_profile"), *said(about, "risk_profile")])


def keychain_key_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's keychain key: its environment, the exchange accounts, and what names either.

    Raises:
        NotProven: the entrypoint, its environment or the environment's key is absent.
        Fault: a copy has a wrong type.
    """
    own = runtime.entrypoint(entrypoint)
    key = core.environment(own.environment).keychain_key
    beside = _accounts(runtime, core, entrypoint, adapters)
    return _once([key, *_of([own, *beside], "keychain_key"), *said(_about(runtime, core, entrypoint), "keychain_key")])


def adapter_copies(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str] = ADAPTERS
) -> list[Found]:
    """Who names an entrypoint's exchange: its environment, its paper profile's label, and every queue and label beside.

    A label is given as the adapter that `adapters` states for it, at the label's place.

    Raises:
        NotProven: the entrypoint or its environment is absent.
        Fault: a copy has a wrong type, or the paper profile's label is not in the map.
    """
    environment = core.environment(runtime.entrypoint(entrypoint).environment)
    profile = _profile(runtime, entrypoint)
    copies = [environment.exchange]
    if profile and profile.given("exchange"):
        copies.append(adapter_of(profile.exchange, adapters))
    about = _about(runtime, core, entrypoint)
    labelled = [Found(adapters.get(found.value, found.value), found.where) for found in said(about, "exchange")]
    queues = [*_of([profile] if profile else [], "io_queue"), *said(about, "io_queue")]
    for name in queues:
        runtime.io_queue(name)
    return _once([*copies, *labelled, *queues])


def environment_says(runtime: RuntimeConfig, core: CoreConfig, name: str, key: str) -> list[Found]:
    """Who names an environment's risk profile or keychain key: itself, and the sections that name the environment.

    Whatever the environment's kind: whoever switches to the live one must find one word there, too. Empty if the
    environment does not say.

    Raises:
        Fault: a copy has a wrong type.
    """
    own = _of([core.environment(name)], key)
    return _once([*own, *said(naming_environment(runtime, core, name), key)]) if own else []


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


def account_environments(core: CoreConfig, adapters: Mapping[str, str] = ADAPTERS) -> list[Found]:
    """The environments that exchange accounts name, each of the account's own kind and exchange.

    Of an exchange that the map does not name, only the kind is known; but it has no environment of one that is named.

    Raises:
        Fault: one is of another, or is not there.
    """
    names = [account for account in accounts(core) if account.given("environment")]
    for account in names:
        named, (label, kind) = account.environment, account.route[-2:]
        environment = core.environment(named)
        adapter = environment.exchange
        stated = label in adapters or label in adapters.values() or adapter.value in adapters.values()
        exchanges = [(adapter, adapters.get(label, label))] if stated else []
        for found, expected in ((environment.kind, kind), *exchanges):
            if found.value != expected:
                raise Fault(
                    f"{named.where}: expected an environment of {label}, {kind}, found {named.value!r}, which is "
                    f"{found.value} ({found.where}). Next: name another one here."
                )
    return [account.environment for account in names]


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


def _accounts(
    runtime: RuntimeConfig, core: CoreConfig, entrypoint: str, adapters: Mapping[str, str]
) -> list[ExchangeAccount]:
    """The exchange accounts of an entrypoint's environment, under the exchange's label and under its adapter's name."""
    name = runtime.entrypoint(entrypoint).environment.value
    if not core.has("environments", name):
        return []
    environment = core.environment(name)
    adapter, kind = environment.exchange.value, environment.kind.value
    labels = [label for label, its in adapters.items() if its == adapter]
    return [
        core.exchange_account(label, kind)
        for label in dict.fromkeys([*labels, adapter])
        if core.given("exchange_accounts", label, kind)
    ]


def _about(runtime: RuntimeConfig, core: CoreConfig, entrypoint: str) -> list[Section]:
    """The sections that name an entrypoint, or its environment and no other entrypoint."""
    environment = runtime.entrypoint(entrypoint).environment.value
    shared = [one for one in naming_environment(runtime, core, environment) if not one.has("entrypoint")]
    return [*naming_entrypoint(runtime, core, entrypoint), *shared]


def _of(sections: Sequence[Section], key: str) -> list[Found]:
    return [section.text(key) for section in sections if section.given(key)]


def _once(copies: Sequence[Found]) -> list[Found]:
    """Each place once; the first stays the first."""
    return list({found.where: found for found in reversed(copies)}.values())[::-1]


def _comparable(value: Any) -> Any:
    """A form in which True is not 1, and the order of a list of texts does not matter."""
    if isinstance(value, bool):
        return ("flag", value)
    if isinstance(value, list):
        items = [_comparable(item) for item in value]
        return ("list", sorted(items, key=repr))
    return value
