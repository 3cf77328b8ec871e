"""Read one gauge from a metrics endpoint in Prometheus' text format."""

from __future__ import annotations

import math
import time
import urllib.parse
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pytest_kraken_golive.contract import Fault, NotProven

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class HealthSample:
    """A sample and when it was read."""

    value: float
    scraped_at: float
    """Epoch seconds."""


def scrape(url: str, metric: str, exchange: str) -> HealthSample | None:
    """The sample of a gauge for an exchange; None where the endpoint has none.

    Raises:
        NotProven: the endpoint does not answer, or not with metrics.
        Fault: two samples of one name, or one that is no finite number.
    """
    if urllib.parse.urlsplit(url).scheme not in {"http", "https"}:
        raise Fault(f"report metrics_endpoint: expected a URL, found {url!r}. Next: let the bot report its endpoint.")
    try:
        with httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client:
            answer = client.get(url)
    except httpx.HTTPError as error:
        raise NotProven(
            f"{url}: the bot's metrics endpoint does not answer ({type(error).__name__}). "
            "Next: keep it open until the bot is asked to end."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise NotProven(f"{url}: expected metrics, found HTTP status {answer.status_code}. Next: correct the endpoint.")
    try:
        found = [
            sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == metric and sample.labels.get("exchange") == exchange
        ]
    except ValueError as error:
        raise NotProven(
            f"{url}: expected Prometheus text, found something else ({error}). Next: correct it."
        ) from error
    if len(found) > 1:
        raise Fault(f"{url} {metric}: expected one sample for {exchange}, found {found}. Next: set the gauge once.")
    if found and not math.isfinite(found[0]):
        raise Fault(f"{url} {metric}: expected a finite number, found {found[0]}. Next: let the bot set 0 or 1.")
    return HealthSample(found[0], time.time()) if found else None
