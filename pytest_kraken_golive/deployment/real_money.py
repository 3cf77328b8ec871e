"""What must not lead a paper deployment to real money: what starts by default, where a key counts, adapter settings.

Kraken has no paper trading at its own address (api.kraken.com), so a paper environment whose adapter is sent there to
trade, or told to leave its sandbox, trades for real with whatever the name of the environment says.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..contract import Fault, Found
from .core import CoreConfig, Environment
from .kinds import unlike
from .references import accounts, default_mode
from .runtime import RuntimeConfig
from .statements import naming_entrypoint, naming_environment, said

PRODUCTION_HOST = "kraken.com"
"""The exchange's own domain."""

_REHEARSING = frozenset({"demo", "sandbox", "beta", "uat", "test", "testnet", "paper"})
"""Words in front of the domain that make it another exchange than the real one."""

_ADDRESS = frozenset({"url", "uri", "host", "endpoint", "urls", "uris", "hosts", "endpoints"})
_FOR_ALL = frozenset({"public", "market", "data", "ws", "websocket", "stream", "feed", "docs"})
"""Words of a setting that is an address; and of one whose address tells everybody the prices, and takes no orders."""

_TAKES_ORDERS = frozenset({"auth", "futures"})
"""Words in front of the domain where orders are taken, whatever the setting is called: ws-auth.kraken.com."""

_PLAYS, _IS_REAL = frozenset({"sandbox", "paper", "testnet", "demo", "simulated", "dry"}), frozenset({"live", "real"})
_AROUND = frozenset({"use", "is", "enabled", "mode", "trading", "money", "orders", "run", "environment"})
"""Words that say whether a setting is a switch between play and real money, and words that may stand around them."""

_REAL_MODES = frozenset({"live", "real", "production", "prod", "mainnet"})
"""What a setting such as `mode` or `trading_mode` says of real money."""

_OFF, _ON = frozenset({"false", "no", "off", "0"}), frozenset({"true", "yes", "on", "1"})


def starts_on_paper(runtime: RuntimeConfig, core: CoreConfig) -> list[Found]:
    """What starts when nobody names anything: mode and entrypoint, as far as they are said.

    Real orders may be switched on beside it (`execution.live.enabled`), for another entrypoint that somebody names.

    Raises:
        Fault: it is not on paper.
    """
    found = default_mode(runtime)
    for mode in found:
        if mode.value != "paper":
            raise Fault(mode.unlike("paper", "let the bot start on paper; who goes live says so when starting it"))
    if runtime.given("trading", "default_entrypoint"):
        default = runtime.default_entrypoint
        kind = core.environment(runtime.entrypoint(default.value).environment.value).kind
        if kind.value != "paper":
            raise Fault(
                f"{default.where}: expected an entrypoint on paper, for it starts when nobody names one, found "
                f"{default.value!r}, which is {kind.value} ({kind.where}). Next: name a paper entrypoint here."
            )
        found.append(default)
    return [*found, *_started_along(runtime, core)]


def _started_along(runtime: RuntimeConfig, core: CoreConfig) -> list[Found]:
    """What is started together with the bot where real orders are switched on: nothing that trades with real money."""
    if not (runtime.given("execution", "live", "enabled") and runtime.live_enabled.value):
        return []
    for name in runtime.entrypoint_names.value:
        own = runtime.entrypoint(name)
        if own.given("bootstrap") and own.bootstrap.value:
            kind = core.environment(own.environment).kind
            if kind.value == "live":
                raise Fault(
                    f"{own.bootstrap.where}: expected false, for {name} is live ({kind.where}) and real orders are "
                    f"switched on ({runtime.live_enabled.where}): it would start along with a paper run, found true. "
                    "Next: set it to false, and name the entrypoint when it is to start."
                )
    return [runtime.live_enabled]


def keys_by_kind(runtime: RuntimeConfig, core: CoreConfig) -> list[tuple[Found, str]]:
    """Every keychain key that is named, with the kind of account that uses it; a key belongs to one kind alone.

    Raises:
        Fault: one is named for paper and for real money, say: who has it trades with the other's money.
    """
    named = list(_named_keys(runtime, core))
    first: dict[str, tuple[Found, str]] = {}
    for found, kind in named:
        other, its = first.setdefault(found.value, (found, kind))
        if its != kind:
            raise Fault(
                f"{found.where}: expected a keychain key that only {kind} uses, found {found.value!r}, which is also "
                f"the key of {other.where} ({its}): whoever reads it trades on the other's account. "
                f"Next: give {kind} and {its} a key pair each, under a name of its own."
            )
    return named


def _named_keys(runtime: RuntimeConfig, core: CoreConfig) -> Iterator[tuple[Found, str]]:
    for name in core.environment_names.value:
        environment = core.environment(name)
        kind = str(environment.kind.value)
        own = [environment.keychain_key] if environment.given("keychain_key") else []
        beside = naming_environment(runtime, core, name)
        for entrypoint in runtime.entrypoint_names.value:
            if runtime.entrypoint(entrypoint).environment.value == name:
                beside += [runtime.entrypoint(entrypoint), *naming_entrypoint(runtime, core, entrypoint)]
        for found in (*own, *said(beside, "keychain_key")):
            yield found, kind
    for account in accounts(core):
        if account.given("keychain_key"):
            yield account.keychain_key, account.name


def settings_on_paper(environment: Environment) -> list[Found]:
    """The adapter's settings of a paper environment, none of which leads to the real exchange.

    Raises:
        Fault: an address that is not for public data is Kraken's own, or a switch or mode leaves the sandbox.
    """
    if not environment.given("adapter_settings"):
        return []
    settings = environment.adapter_settings
    for path, value in _values(settings.value, ()):
        words = frozenset(re.split(r"[\W_]+", path[-1].casefold()))
        found = environment.at("adapter_settings", *path)
        if words & _ADDRESS and _takes_orders(value, for_all=bool(words & _FOR_ALL)):
            raise unlike(
                found,
                "an exchange to play on, for the environment is paper",
                f"name a sandbox's address, or take the key out; {PRODUCTION_HOST} trades with real money",
            )
        switched = str(value).strip().casefold()
        says = words - _AROUND
        if not says and switched in _REAL_MODES:
            raise unlike(found, "a mode that agrees with a paper environment", "write paper, or take it out")
        if says and ((says <= _PLAYS and switched in _OFF) or (says <= _IS_REAL and switched in _ON)):
            raise unlike(found, "a switch that agrees with a paper environment", "turn it over, or take it out")
    return [settings]


def _values(data: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The settings that are no mappings themselves, however deep; of a list each item, under the list's key."""
    if isinstance(data, Mapping):
        for key, value in data.items():
            if isinstance(key, str):
                yield from _values(value, (*path, key))
    elif isinstance(data, list):
        for value in data:
            yield from ((path, one) for _, one in _values(value, path))
    else:
        yield path, data


def _takes_orders(value: Any, *, for_all: bool) -> bool:
    """Whether this is an address of Kraken's own where orders are taken; `for_all`: the setting is for public data."""
    if not isinstance(value, str):
        return False
    try:
        host = (urlsplit(value if "://" in value else f"//{value}").hostname or "").rstrip(".")
    except ValueError:
        return False
    in_front = frozenset(re.split(r"[-.]", host.removesuffix(PRODUCTION_HOST)))
    if not (host == PRODUCTION_HOST or host.endswith(f".{PRODUCTION_HOST}")) or in_front & _REHEARSING:
        return False
    return not for_all or bool(in_front & _TAKES_ORDERS)


def addresses(environment: Environment) -> list[Found]:
    """The addresses from which the environment's key may be used, if it says so.

    Raises:
        Fault: one is no IP address and no network (`10.0.0.0/8`).
    """
    if not environment.given("ip_allowlist"):
        return []
    listed = environment.ip_allowlist
    for place, entry in enumerate(listed.value):
        try:
            ipaddress.ip_network(entry, strict=False)
        except ValueError:
            raise unlike(
                environment.at("ip_allowlist", str(place)),
                "an IP address or a network",
                "write an address (203.0.113.7) or a network (203.0.113.0/24)",
            ) from None
    return [listed]
