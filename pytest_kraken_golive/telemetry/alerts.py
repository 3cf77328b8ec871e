"""Degradation alerts: the figures of `metrics_trading.json` against thresholds. No data is an alert, never green."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..contract import show

Kind = Literal["degraded", "no_data", "unreadable", "stale"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]


class AlertThresholds(BaseModel):
    """When somebody must look; the figures are those of each exchange."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    success_rate_min: Share = 0.95
    """Of orders that ended, and of attempts to place one."""
    latency_p95_max_s: Positive = 1.0
    """Of accepted orders."""
    fill_time_max_s: Positive = 30.0
    """On average."""
    fee_accuracy_max_pct: Positive = 0.05
    """Mean difference between assumed and charged fee, in percentage points."""
    staleness_max_s: Positive = 120.0
    """Age of the file."""


@dataclass(frozen=True)
class Alert:
    """One thing that somebody must look at."""

    kind: Kind
    """What kind of thing."""
    exchange: str | None
    """Whose figure; None: the file as a whole."""
    figure: str
    """Key path of the figure."""
    message: str
    """For people."""


@dataclass(frozen=True)
class _Rule:
    path: str
    comparator: Literal["<=", ">="]
    limit: float


def alerts(
    metrics: Mapping[str, Any] | None, thresholds: AlertThresholds, exchanges: Sequence[str], now: float
) -> list[Alert]:
    """What the figures give cause to look at; an empty list is all there is of good news.

    Args:
        metrics: the data of `metrics_trading.json`; None if there is no such file.
        thresholds: the limits.
        exchanges: those that are traded on, each of which must have figures; further ones in the file are judged too.
        now: epoch seconds.
    """
    if metrics is None:
        return [Alert("no_data", None, "", "there are no metrics. Next: start the bot, or look why it writes none.")]
    found = list(_age(metrics, thresholds, now))
    by_exchange = metrics.get("by_exchange")
    if not isinstance(by_exchange, Mapping):
        message = (
            f"by_exchange: expected figures per exchange, found {show(by_exchange, 60)}. Next: see what writes it."
        )
        return [*found, Alert("unreadable", None, "by_exchange", message)]
    names = dict.fromkeys([*exchanges, *by_exchange])
    if not names:
        found.append(Alert("no_data", None, "by_exchange", "no exchange has figures. Next: let the bot trade."))
    for name in names:
        if name in by_exchange:
            found += _of_exchange(name, by_exchange[name], thresholds)
        else:
            found.append(Alert("no_data", name, "by_exchange", f"{name}: no figures. Next: let the bot trade there."))
    return found


def _age(metrics: Mapping[str, Any], thresholds: AlertThresholds, now: float) -> Iterator[Alert]:
    text = metrics.get("generated_at")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        message = f"generated_at: expected a time with its zone, found {show(text, 60)}. Next: see what writes it."
        yield Alert("unreadable", None, "generated_at", message)
        return
    age = now - moment.astimezone(UTC).timestamp()
    if not -thresholds.staleness_max_s <= age <= thresholds.staleness_max_s:
        limit = f"at most {thresholds.staleness_max_s:g} s old"
        message = f"generated_at: expected figures {limit}, found {text}, {age:.0f} s ago. Next: see if the bot runs."
        yield Alert("stale", None, "generated_at", message)


def _of_exchange(name: str, figures: Any, thresholds: AlertThresholds) -> Iterator[Alert]:
    rules = (
        _Rule("success_rate", ">=", thresholds.success_rate_min),
        _Rule("place_order.success_rate", ">=", thresholds.success_rate_min),
        _Rule("place_order.latency.p95", "<=", thresholds.latency_p95_max_s),
        _Rule("avg_fill_time_s", "<=", thresholds.fill_time_max_s),
        _Rule("fee_accuracy.mean_abs_pct", "<=", thresholds.fee_accuracy_max_pct),
    )
    for rule in rules:
        key = f"by_exchange.{name}.{rule.path}"
        value = figures
        for part in rule.path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        alert = _judged(rule, value)
        if alert is not None:
            kind, text = alert
            yield Alert(kind, name, rule.path, f"{key}: expected {rule.comparator} {rule.limit:g}, found {text}")


def _judged(rule: _Rule, value: Any) -> tuple[Kind, str] | None:
    if value is None:
        return "no_data", "no data. Next: let the bot trade there, or see why nothing was measured."
    # Neither a flag nor a text is a measurement; NaN is not itself, and nothing measured is negative or endless.
    if type(value) not in (int, float) or not 0 <= value < 1e12:  # noqa: PLR2004 - more seconds than there ever were
        return "unreadable", f"{show(value, 60)}, which is no measurement. Next: see what writes it."
    good = value <= rule.limit if rule.comparator == "<=" else value >= rule.limit
    return None if good else ("degraded", f"{value:g}. Next: look at the trend; stop, or roll back, if it goes on.")
