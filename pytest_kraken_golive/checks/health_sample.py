"""Read a metrics endpoint in Prometheus' text format, and make sure that it is the bot's."""

from __future__ import annotations

import math
import time
import urllib.parse
from dataclasses import dataclass
from ipaddress import ip_address

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.central import is_this_machine

TIMEOUT_S = 5.0
IPV4 = 4


@dataclass(frozen=True)
class Scrape:
    """What an endpoint served."""

    url: str
    text: str
    scraped_at: float
    """Epoch seconds."""

    def sample(self, metric: str, **labels: str) -> float | None:
        """The sample with these labels; None where there is none.

        Raises:
            NotProven: the text is none of Prometheus'.
            Fault: two samples of one name, or one that is no finite number.
        """
        try:
            found = [
                sample.value
                for family in text_string_to_metric_families(self.text)
                for sample in family.samples
                if sample.name == metric and sample.labels == labels
            ]
        except ValueError as error:
            raise NotProven(f"{self.url}: expected Prometheus text ({error}). Next: correct it.") from error
        if len(found) > 1:
            raise Fault(f"{self.url} {metric}: expected one sample for {labels}, found {found}. Next: keep one.")
        if found and not math.isfinite(found[0]):
            raise Fault(f"{self.url} {metric}: expected a finite number, found {found[0]}. Next: set a number.")
        return found[0] if found else None


def scrape(url: str) -> Scrape:
    """Read an endpoint once.

    Raises:
        NotProven: it does not answer, or not with metrics.
        Fault: it is no address of this machine.
    """
    parts = urllib.parse.urlsplit(url)
    host = reached_at(parts.hostname or "")
    if parts.scheme not in {"http", "https"} or not is_this_machine(host):
        raise Fault(
            f"report metrics_endpoint: expected a URL on this machine, where the bot runs, found {url!r}. "
            "Next: let the bot report its own endpoint."
        )
    try:
        with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client:
            answer = client.get(httpx.URL(url).copy_with(host=host))
    except httpx.HTTPError as error:
        raise NotProven(
            f"{url}: the bot's metrics endpoint does not answer ({type(error).__name__}). "
            "Next: keep it open until the bot is asked to end."
        ) from error
    if answer.status_code != httpx.codes.OK:
        leads = f" that leads to {answer.headers['location']}" if "location" in answer.headers else ""
        raise NotProven(
            f"{url}: expected metrics, found HTTP status {answer.status_code}{leads}. "
            "Next: let the bot report the address that it serves its metrics at."
        )
    return Scrape(url, answer.text, time.time())


def require_bots_own(url: str, pid: int | None) -> None:
    """Make sure that the bot or a process that it started listens at the URL's port.

    Raises:
        NotProven: another process does, or the bot is gone.
    """
    parts = urllib.parse.urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        bot = psutil.Process(pid)
        family = [bot, *bot.children(recursive=True)]
        served = {one.laddr for member in family for one in member.net_connections("tcp") if one.status == "LISTEN"}
    except psutil.Error as error:
        raise NotProven(
            f"{url}: the bot is gone or cannot be looked at ({type(error).__name__}). Next: keep it running."
        ) from error
    host = reached_at(parts.hostname or "")
    if not any(one.port == port and _serves(one.ip, host) for one in served):
        shown = ", ".join(f"{one.ip}:{one.port}" for one in sorted(served)) or "no port"
        raise NotProven(
            f"{url}: this endpoint is not the bot's own; the bot listens at {shown}. "
            "Next: let the bot report the endpoint that it serves."
        )


def reached_at(host: str) -> str:
    """Where a host is reached that a server calls itself: all addresses, as it listens at them, mean loopback here."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == IPV4 else "::1"


def _serves(listening: str, host: str) -> bool:
    """Whether who listens at an address is reached by a URL's host, which is this machine's."""
    address = ip_address(listening)
    if host == "localhost":
        return address.is_loopback or address.is_unspecified
    return address == ip_address(host) or (address.is_unspecified and address.version >= ip_address(host).version)
