"""The central list of revoked licences: a file or an HTTPS address, never the deployment's own list."""

from __future__ import annotations

import os
import urllib.parse
from ipaddress import ip_address
from pathlib import Path

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.revocations import Revocations

KEY = "config/golive.yaml revocations.central"
TIMEOUT_S = 15.0
MOST_BYTES = 50_000_000


def fetch_central(central: str | None, local: Path, root: Path) -> Revocations:
    """Read the central list.

    Args:
        central: URL, or the absolute path of a file, as the policy says.
        local: the deployment's own list, which must not be held against itself.
        root: of the deployment; what lies in it can be changed with it, so the central list must not.

    Raises:
        NotProven: no central source is set, or it does not answer.
        Fault: it is the local list or lies in the deployment, also behind links; an address without TLS that leaves
            this machine; or no such list.
    """
    if not central:
        raise NotProven(f"{KEY}: not set, so the local list is held against nothing. Next: name the central list.")
    scheme = urllib.parse.urlsplit(central).scheme
    if scheme in {"http", "https"}:
        return Revocations(parse_document(_get(central, scheme), central, yaml=False))
    path = Path(central)
    _require_elsewhere(path, local, root)
    return Revocations.load(path, str(path))


def _require_elsewhere(path: Path, local: Path, root: Path) -> None:
    places = Path(os.path.abspath(path)), Path(os.path.realpath(path))
    homes = Path(os.path.abspath(root)), Path(os.path.realpath(root))
    inside = any(place.is_relative_to(home) for place in places for home in homes)
    same = path.exists() and local.exists() and os.path.samefile(path, local)
    if inside or same:
        whose = f"the deployment's own ({local})" if same else f"one that lies in the deployment ({places[1]})"
        raise Fault(
            f"{KEY}: expected a central list outside of the deployment, found {whose}. Next: name the issuer's own, by "
            "its HTTPS address if it has one."
        )


def _get(url: str, scheme: str) -> bytes:
    import httpx  # noqa: PLC0415 - only for a central list that is served

    host = urllib.parse.urlsplit(url).hostname or ""
    if scheme == "http" and not is_this_machine(host):
        raise Fault(f"{KEY}: expected https, found {url}. Next: use the address with TLS.")
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=not is_this_machine(host), follow_redirects=False) as client:
            answer = client.get(url)
    except httpx.HTTPError as error:
        raise NotProven(
            f"{url}: the central list does not answer ({type(error).__name__}). Next: check address and network."
        ) from error
    if answer.status_code != httpx.codes.OK or len(answer.content) > MOST_BYTES:
        raise NotProven(
            f"{url}: expected the central list, found HTTP status {answer.status_code}. Next: check the address."
        )
    return answer.content


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address is this machine's loopback."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
