"""Which exchange a production bot talks to: never production by accident, and never another one than people think."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import environment_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.commands_seen import ask
from pytest_kraken_golive.checks.environment import see_variables
from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE, EndpointError
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.limits import Unlimited
from pytest_kraken_golive.kraken.nonce import RisingNonces
from pytest_kraken_golive.rehearsal.handle import SandboxHandle
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.rehearsal.stage import Rehearsal

ARGUMENT, VARIABLE = "http://127.0.0.1:8101", "http://127.0.0.1:8102"
"""URLs of the table; nothing is sent there."""
WORDS: dict[str | None, bool | None] = {
    None: True,
    "true": True,
    "false": False,
    **dict.fromkeys(("", " ", " false", "false ", "'false'", "no", "off", "flase"), None),
}
"""What `KRAKEN_USE_SANDBOX` may say: unset is a sandbox, and None is refused."""


@check("production_mode", breaks=broken.MODE, waivable=False)
def production_mode(live_settings: LiveSettings, evidence: Evidence, *, use_sandbox: bool) -> None:
    """`KRAKEN_USE_SANDBOX` says, in one word that cannot be misread, what the line asks for."""
    see_variables(live_settings, evidence, USE_SANDBOX_VARIABLE)
    found = live_settings.use_sandbox
    evidence.saw(found, note=f"mode {live_settings.mode.value}")
    word = "true" if use_sandbox else "false"
    assert found.value is use_sandbox, found.unlike(use_sandbox, f"write {USE_SANDBOX_VARIABLE}={word} in .env")
    if USE_SANDBOX_VARIABLE not in live_settings.variables:
        raise NotProven(f"{found.where}: expected a value, found none. Next: write {USE_SANDBOX_VARIABLE}={word}.")


@check("base_url", breaks=[*broken.URL, real.real_exchange_elsewhere], touches="reads", waivable=False)
def base_url(
    golive_world: Rehearsal, live_settings: LiveSettings, kraken_exchange: Exchange, evidence: Evidence, *, url: str
) -> None:
    """The effective URL is the exchange's that is meant, for a known reason, and a client as the bot's calls it."""
    see_variables(live_settings, evidence, BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE)
    endpoint = live_settings.endpoint
    evidence.record("client", endpoint.url, key="base_url", note=endpoint.reason)
    doors = {} if isinstance(kraken_exchange, RealExchange) else kraken_exchange.doors
    meant = list(doors.values()) if doors and golive_world.is_rehearsal else [url]
    place = live_settings.variables.place(BASE_URL_VARIABLE)
    assert endpoint.url in meant, (
        f"{place}: expected calls to go to {' or '.join(meant)}, found {endpoint.url} ({endpoint.reason}). "
        f"Next: correct {BASE_URL_VARIABLE}, or remove it for Kraken's own host."
    )
    with live_settings.client() as client:
        assert client.base_url == endpoint.url, (
            f"{place}: a client built from these variables goes to {client.base_url}, expected {endpoint.url}. "
            "Next: let the bot take its URL from the same variables."
        )
        if golive_world.is_rehearsal and isinstance(kraken_exchange, SandboxHandle):
            door = next(name for name, known in doors.items() if known == endpoint.url)
            _see_call(client, kraken_exchange, door, evidence)
    if isinstance(kraken_exchange, RealExchange):
        before = kraken_exchange.count("Time")
        with kraken_exchange.client() as client:
            ask(client.server_time, kraken_exchange)
        evidence.record(
            kraken_exchange.url, kraken_exchange.count("Time") - before, key="Time", note="answers to this client"
        )


def _see_call(client: KrakenClient, exchange: SandboxHandle, door: str, evidence: Evidence) -> None:
    """A call of the client arrives at the exchange, as its books say."""
    before = _asked_time(exchange, door)
    try:
        client.server_time()
    except KrakenError as error:
        raise Fault(f"exchange {client.base_url}: {error}") from error
    arrived = _asked_time(exchange, door) - before
    evidence.record("exchange", arrived, key=f"books.{door}.by_endpoint.Time", note="calls of this client")
    assert arrived >= 1, (
        f"exchange {client.base_url}: its books show no call of the client, expected one. "
        "Next: see whether something stands between, such as a proxy."
    )


def _asked_time(exchange: SandboxHandle, door: str) -> int:
    return int(exchange.books(door)["by_endpoint"].get("Time", 0))


@dataclass(frozen=True)
class Case:
    """One row of the precedence table."""

    argument: str | None
    """Constructor argument `base_url`."""
    use_sandbox: bool | None
    """Constructor argument `use_sandbox`."""
    variables: Mapping[str, str]
    """What the environment says."""
    expected: tuple[str, str] | None
    """Mode and URL; None: the constructor refuses."""

    def __str__(self) -> str:
        set_ = ", ".join(f"{name}={text!r}" for name, text in self.variables.items()) or "no variable"
        return f"KrakenClient(base_url={self.argument!r}, use_sandbox={self.use_sandbox!r}) with {set_}"


def precedence_table(production: str) -> Iterator[Case]:
    """Every combination of arguments and variables: `base_url`, `KRAKEN_BASE_URL`, `use_sandbox`, its variable, true.

    Args:
        production: the URL without any other.
    """
    urls: tuple[tuple[str | None, str | None], ...] = tuple(itertools.product((None, ARGUMENT), (None, VARIABLE)))
    for (argument, variable), use_sandbox, (word, meaning) in itertools.product(
        urls, (None, True, False), WORDS.items()
    ):
        named = {BASE_URL_VARIABLE: variable, USE_SANDBOX_VARIABLE: word}
        sandbox, url = (meaning if use_sandbox is None else use_sandbox), argument or variable
        expected: tuple[str, str] | None = None
        if sandbox is not None and (url is not None or not sandbox):
            expected = ("sandbox" if sandbox else "production", url or production)
        yield Case(argument, use_sandbox, {key: text for key, text in named.items() if text is not None}, expected)
    # In sandbox mode no way leads to production.
    for use_sandbox, words in ((True, {}), (None, {}), (None, {USE_SANDBOX_VARIABLE: "true"})):
        yield Case(production, use_sandbox, words, None)
        yield Case(None, use_sandbox, {**words, BASE_URL_VARIABLE: production}, None)
        yield Case(None, use_sandbox, {**words, BASE_URL_VARIABLE: f"{production}."}, None)


def resolved(case: Case) -> tuple[str, str] | None:
    """Mode and URL of a client that is really constructed for a case; None where it refuses."""
    try:
        client = KrakenClient(
            "switch",
            "c3dpdGNo",
            base_url=case.argument,
            use_sandbox=case.use_sandbox,
            environ=case.variables,
            transport=httpx.BaseTransport(),  # nothing is sent
            clock=VirtualClock(),
            limits=Unlimited(),
            nonces=RisingNonces(VirtualClock()),
        )
    except EndpointError:
        return None
    with client:
        return client.endpoint.mode, client.base_url


@check("environment_switch", breaks=broken.SWITCH, waivable=False)
def environment_switch(
    live_settings: LiveSettings, golive_overridden: Mapping[str, str], evidence: Evidence, *, production: str
) -> None:
    """The client goes where arguments and variables say, in their order, and where the deployment's own say."""
    own = golive_overridden.get("kraken_client")
    if own is not None:
        raise NotProven(
            f"KrakenClient: what it does proves nothing about the client of {own}. "
            "Next: bind this line to a check of that client (replaces='environment_switch')."
        )
    cases = list(precedence_table(production))
    for case in cases:
        found = resolved(case)
        assert found == case.expected, (
            f"{case}: expected {_told(case.expected)}, found {_told(found)}. Next: let the client follow the order "
            f"base_url, {BASE_URL_VARIABLE}, use_sandbox, {USE_SANDBOX_VARIABLE}, sandbox."
        )
    refused = sum(case.expected is None for case in cases)
    evidence.record("client", {"resolved": len(cases) - refused, "refused": refused}, key="precedence")
    see_variables(live_settings, evidence, USE_SANDBOX_VARIABLE, BASE_URL_VARIABLE)
    endpoint = live_settings.endpoint
    given = {name: live_settings.variables[name] for name in _NAMES if name in live_settings.variables}
    own_case = Case(None, None, given, (endpoint.mode, endpoint.url))
    found = resolved(own_case)
    evidence.record("client", _told(found), key="with the deployment's variables", note=endpoint.reason)
    assert found == own_case.expected, f"{own_case}: expected {_told(own_case.expected)}, found {_told(found)}."


_NAMES = (BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE)


def _told(found: tuple[str, str] | None) -> str:
    return "a refusal" if found is None else f"{found[0]} at {found[1]}"
