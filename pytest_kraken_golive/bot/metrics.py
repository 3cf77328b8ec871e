"""The bot's counters and gauge, kept by prometheus-client in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics

ErrorSeverity = Literal["warning", "error", "critical"]

SEVERITIES: tuple[ErrorSeverity, ...] = get_args(ErrorSeverity)
"""Every severity that an exchange error can have."""

RATE_LIMITED = "bot_exchange_rate_limited_total"
"""Calls that the exchange refused because of a rate limit; label `exchange`."""

ERRORS = "bot_exchange_errors_total"
"""Network and service errors; labels `exchange` and `severity`."""

HEALTH = "bot_exchange_health_status"
"""1 healthy, 0 not; label `exchange`; no sample until it is first known."""


class ExchangeMetrics:
    """What the bot counts about the exchanges that it runs on; safe to share between threads.

    Every counter and severity starts at 0 for each exchange: zero is then a measurement, and absence a fault.

    Args:
        exchanges: labels of the exchanges, such as `kraken`.
    """

    def __init__(self, exchanges: Iterable[str]) -> None:
        # `*_created` series would double the exposition and mean nothing here; the switch is process-wide.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        self.registry = CollectorRegistry(auto_describe=True)
        self._rate_limited = Counter(
            RATE_LIMITED, "Calls refused because of a rate limit", ["exchange"], registry=self.registry
        )
        self._errors = Counter(
            ERRORS, "Network and service errors by severity", ["exchange", "severity"], registry=self.registry
        )
        self._health = Gauge(HEALTH, "1 if the exchange is healthy, 0 if not", ["exchange"], registry=self.registry)
        for exchange in exchanges:
            self._rate_limited.labels(exchange)
            for severity in SEVERITIES:
                self._errors.labels(exchange, severity)

    def rate_limited(self, exchange: str) -> None:
        """Count one call that was refused because of a rate limit."""
        self._rate_limited.labels(exchange).inc()

    def error(self, exchange: str, severity: ErrorSeverity) -> None:
        """Count one error."""
        self._errors.labels(exchange, severity).inc()

    def health(self, exchange: str, healthy: bool) -> None:
        """Say whether the exchange is healthy."""
        self._health.labels(exchange).set(1 if healthy else 0)

    def value(self, metric: str, labels: Mapping[str, str]) -> float | None:
        """The sample of that name and these labels; None where there is none."""
        return self.registry.get_sample_value(metric, dict(labels))
