"""Which exchange a client talks to, and why: production never by accident.

The mode (sandbox or production) and the URL are decided apart. An explicit URL overrides where calls go, but it does
not turn sandbox mode into production: in sandbox mode only loopback and hosts listed as sandboxes are accepted.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from pytest_kraken_golive.kraken.errors import KrakenError

PRODUCTION_URL: Final = "https://api.kraken.com"
"""Kraken's Spot REST host."""
BASE_URL_VARIABLE: Final = "KRAKEN_BASE_URL"
USE_SANDBOX_VARIABLE: Final = "KRAKEN_USE_SANDBOX"

Mode = Literal["sandbox", "production"]

_WORDS: Final = {"true": True, "1": True, "false": False, "0": False}
_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")
_OPERATOR: Final = "kraken.com"
_TEST_LABEL: Final = "uat"
"""Of the operator's own hosts only those with this label are for tests (Kraken: exchange overview)."""


class EndpointError(KrakenError, ValueError):
    """The settings do not lead to an exchange. The message names the setting, its value and what to do."""


@dataclass(frozen=True)
class Endpoint:
    """Where calls go."""

    url: str
    """Scheme, host and port, without a path: `https://api.kraken.com`."""
    mode: Mode
    """`production` arms the interlock on orders."""
    reason: str
    """Which settings decided."""


def resolve_endpoint(
    *,
    base_url: str | None = None,
    use_sandbox: bool | None = None,
    environ: Mapping[str, str] | None = None,
    sandbox_hosts: Sequence[str] = (),
) -> Endpoint:
    """Decide mode and URL.

    The URL: `base_url`, else `KRAKEN_BASE_URL`, else what the mode says. The mode: `use_sandbox`, else
    `KRAKEN_USE_SANDBOX` (true, false, 1 or 0 in any case of letters), else sandbox.

    Args:
        base_url: overrides everything about the host; scheme, host and port only.
        use_sandbox: overrides `KRAKEN_USE_SANDBOX`.
        environ: variables to read; by default those of the process.
        sandbox_hosts: host names besides loopback that are sandboxes.

    Raises:
        EndpointError: a value is empty, padded or unknown; the URL is not usable; sandbox mode without a URL or with
            a host that is not a sandbox; production without TLS to a host that is not loopback.
    """
    # Only what is asked for: the rest of the environment may hold secrets, and reports print local names.
    environ = os.environ if environ is None else environ
    environ = {name: environ[name] for name in (BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE) if name in environ}
    mode, why_mode = _mode(use_sandbox, environ)
    given = _given_url(base_url, environ)
    if given is None:
        if mode == "sandbox":
            raise EndpointError(
                f"sandbox mode ({why_mode}): expected the URL of a running sandbox, found none. Next: start one and "
                f"set {BASE_URL_VARIABLE} (or base_url) to its URL; for production set {USE_SANDBOX_VARIABLE}=false."
            )
        return Endpoint(PRODUCTION_URL, mode, f"production: {why_mode}; no {BASE_URL_VARIABLE}")
    text, source = given
    parts = _usable(text, source)
    host = parts.hostname or ""
    if mode == "sandbox":
        _demand_sandbox(host, text, source, why_mode, sandbox_hosts)
    elif parts.scheme != "https" and not is_loopback(host):
        raise EndpointError(
            f"{source}={text!r}: expected https for production ({why_mode}), found http. Next: use https."
        )
    return Endpoint(_origin(parts), mode, f"URL: {source}; {mode}: {why_mode}")


def is_loopback(host: str) -> bool:
    """True for `localhost` and for the addresses of the loopback network, nothing that needs a look-up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _mode(use_sandbox: bool | None, variables: Mapping[str, str]) -> tuple[Mode, str]:
    if use_sandbox is not None:
        if not isinstance(use_sandbox, bool):
            raise EndpointError(f"use_sandbox: expected True, False or None, found {use_sandbox!r}.")
        return ("sandbox" if use_sandbox else "production"), f"argument use_sandbox={use_sandbox}"
    text = variables.get(USE_SANDBOX_VARIABLE)
    if text is None:
        return "sandbox", f"default, {USE_SANDBOX_VARIABLE} is not set"
    flag = _WORDS.get(text.lower())
    if flag is None:
        raise EndpointError(
            f"{USE_SANDBOX_VARIABLE}: expected true or false, found {text!r}. Next: write it without spaces or quotes, "
            "or remove the variable (the default is true)."
        )
    return ("sandbox" if flag else "production"), f"{USE_SANDBOX_VARIABLE}={text}"


def _given_url(base_url: str | None, variables: Mapping[str, str]) -> tuple[str, str] | None:
    if base_url is not None:
        return base_url, "argument base_url"
    text = variables.get(BASE_URL_VARIABLE)
    return None if text is None else (text, BASE_URL_VARIABLE)


def _usable(text: str, source: str) -> SplitResult:
    """The parts of the URL; anything that two parsers could read differently is refused."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise EndpointError(f"{source}={_without_login(text)!r}: not a URL ({error}).") from None
    problem = None
    if not text.isascii() or not text.isprintable() or any(sign in text for sign in " \\"):
        problem = "empty, padded, or with characters that a URL cannot hold"
    elif parts.scheme not in {"http", "https"} or not parts.hostname:
        problem = "no http(s) scheme or no host"
    elif "@" in parts.netloc:
        problem = "a login in it; keys belong to api_key and api_secret"
    elif parts.path not in {"", "/"} or "?" in text or "#" in text:
        problem = "a path, query or fragment; only scheme, host and port are used"
    elif not _HOST.fullmatch(parts.hostname):
        problem = "a host name of unusual characters"
    elif port == 0:
        problem = "port 0"
    if problem is not None or text == "":
        raise EndpointError(
            f"{source}={_without_login(text)!r}: expected a URL like {PRODUCTION_URL}, found "
            f"{problem or 'nothing'}. Next: correct it or remove it."
        )
    return parts


def _without_login(text: str) -> str:
    return f"***@{text.rpartition('@')[2]}" if "@" in text else text


def _demand_sandbox(host: str, text: str, source: str, why_mode: str, sandbox_hosts: Sequence[str]) -> None:
    listed = {name.lower() for name in sandbox_hosts}
    if not is_loopback(host) and (host not in listed or _is_real(host)):
        raise EndpointError(
            f"{source}={text!r}: sandbox mode ({why_mode}) expects loopback or a listed sandbox host, found {host}. "
            f"Next: use a sandbox's URL; for production set {USE_SANDBOX_VARIABLE}=false as well."
        )


def _is_real(host: str) -> bool:
    """Whether the host trades for real, whatever a list says; a final dot does not make it another host."""
    labels = host.rstrip(".").split(".")
    return ".".join(labels[-2:]) == _OPERATOR and _TEST_LABEL not in labels


def _origin(parts: SplitResult) -> str:
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" if parts.port is None else f"{parts.scheme}://{shown}:{parts.port}"
