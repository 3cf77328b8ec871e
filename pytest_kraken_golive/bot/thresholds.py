"""The thresholds of a paper profile: which value each one limits, and what counts as a limit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_kraken_golive.bot.metrics import ERRORS, HEALTH, RATE_LIMITED

STANDARD_NAMES: Mapping[str, str] = {"rate_limit": RATE_LIMITED, "network_errors": ERRORS, "health": HEALTH}
"""The metric behind each role, where a profile names none."""


@dataclass(frozen=True)
class Threshold:
    """How one threshold is held against one value of an entry."""

    key: str
    """Key under `thresholds`."""
    role: str
    """Role of the metric under `metric_names`."""
    value: str
    """Key of the entry that holds the observed value."""
    comparator: str
    """`<=`: the observed value must not be above the limit; `>=`: not below."""

    def broken(self, observed: float, limit: float) -> bool:
        """Whether the observed value is beyond the limit."""
        return observed > limit if self.comparator == "<=" else observed < limit


THRESHOLDS = (
    Threshold("rate_limit_max", "rate_limit", "rate_limited_events", "<="),
    Threshold("network_errors_max", "network_errors", "network_errors", "<="),
    Threshold("health_min", "health", "health_status", ">="),
)
"""The thresholds that a paper profile sets."""


def limit_of(raw: object) -> int | float | None:
    """The threshold as a number; None unless it is a finite number (a flag or a text is none)."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        return None
    try:
        return raw if math.isfinite(raw) else None
    except OverflowError:  # a whole number beyond every float
        return None
