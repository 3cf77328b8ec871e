from __future__ import annotations

import socket

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pytest_kraken_golive.bot.metrics import ERRORS, HEALTH, RATE_LIMITED, ExchangeMetrics
from pytest_kraken_golive.bot.metrics_endpoint import MetricsEndpoint


def scrape(url: str) -> httpx.Response:
    with httpx.Client(trust_env=False) as client:
        return client.get(url)


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_counter_starts_at_zero_and_health_starts_unknown() -> None:
    metrics = ExchangeMetrics(["kraken"])
    assert metrics.value(RATE_LIMITED, {"exchange": "kraken"}) == 0
    for severity in ("warning", "error", "critical"):
        assert metrics.value(ERRORS, {"exchange": "kraken", "severity": severity}) == 0
    assert metrics.value(HEALTH, {"exchange": "kraken"}) is None
    assert metrics.value(RATE_LIMITED, {"exchange": "other"}) is None


def test_the_endpoint_serves_exactly_the_documented_series() -> None:
    metrics = ExchangeMetrics(["kraken"])
    metrics.rate_limited("kraken")
    metrics.error("kraken", "critical")
    metrics.error("kraken", "critical")
    metrics.health("kraken", healthy=True)
    endpoint = MetricsEndpoint(metrics.registry, host="127.0.0.1", port=0, path="/metrics")
    try:
        answer = scrape(endpoint.url)
        missing = scrape(endpoint.url.replace("/metrics", "/"))
        with_query = scrape(f"{endpoint.url}?x=1")
    finally:
        endpoint.close()
    assert answer.headers["content-type"].startswith("text/plain")
    kraken = ("exchange", "kraken")
    assert samples(answer.text) == {
        ("bot_exchange_rate_limited_total", (kraken,)): 1,
        ("bot_exchange_errors_total", (kraken, ("severity", "warning"))): 0,
        ("bot_exchange_errors_total", (kraken, ("severity", "error"))): 0,
        ("bot_exchange_errors_total", (kraken, ("severity", "critical"))): 2,
        ("bot_exchange_health_status", (kraken,)): 1,
    }
    assert with_query.status_code == 200
    assert (missing.status_code, missing.text) == (404, "not found; metrics are at /metrics\n")


def test_a_port_that_is_taken_is_an_error_and_a_closed_one_is_free_again() -> None:
    registry = ExchangeMetrics(["kraken"]).registry
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=r"in use|permission|access"):
            MetricsEndpoint(registry, host="127.0.0.1", port=port, path="/metrics")
    endpoint = MetricsEndpoint(registry, host="127.0.0.1", port=port, path="/metrics")
    assert endpoint.url == f"http://127.0.0.1:{port}/metrics"
    endpoint.close()
    with pytest.raises(httpx.ConnectError):
        scrape(endpoint.url)


def test_what_must_be_measured_at_reading_is_measured_before_the_answer() -> None:
    metrics = ExchangeMetrics(["kraken"])
    endpoint = MetricsEndpoint(
        metrics.registry,
        host="127.0.0.1",
        port=0,
        path="/metrics",
        before_scrape=lambda: metrics.health("kraken", healthy=False),
    )
    try:
        assert samples(scrape(endpoint.url).text)["bot_exchange_health_status", (("exchange", "kraken"),)] == 0
    finally:
        endpoint.close()
