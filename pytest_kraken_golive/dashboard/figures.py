"""The comparison of exchanges: a row for each figure, a column for each exchange, and what is judged of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..contract import show
from ..telemetry.alerts import Alert, AlertThresholds

State = Literal["good", "alert", "no_data", "unreadable", "stale", "plain"]

SIGNS: Mapping[State, str] = {
    "good": "✔",
    "alert": "✘",
    "no_data": "?",
    "unreadable": "!",
    "stale": "~",
    "plain": "",
}
"""So that a state is seen without its colour."""

KEY = "✔ within its limit · ✘ outside · ? no data · ! no measurement · ~ too old to count · no sign: has no limit"


@dataclass(frozen=True)
class Figure:
    """One figure that exchanges are compared by."""

    name: str
    """For people."""
    path: str
    """Key path below `by_exchange.<exchange>` in `metrics_trading.json`."""
    form: Callable[[float], str]
    """How a number is written."""
    limit: Callable[[AlertThresholds], str] | None = None
    """What its threshold says; None: it has none."""


@dataclass(frozen=True)
class Cell:
    """What the page says of a figure on an exchange."""

    state: State
    """What is judged of it."""
    text: str
    """The figure, or what is there instead."""


@dataclass(frozen=True)
class Row:
    """A figure on all exchanges."""

    figure: Figure
    """Which."""
    limit: str
    """What is expected, empty if nothing is."""
    cells: Mapping[str, Cell]
    """By exchange."""


NBSP = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, which a narrow page must not tear apart."""


def percent(share: float) -> str:
    """A share of 0 to 1."""
    return f"{share * 100:.2f}{NBSP}%"


def duration(seconds: float) -> str:
    """Seconds; below one, milliseconds."""
    return f"{seconds:.2f}{NBSP}s" if seconds >= 1 else f"{seconds * 1000:.1f}{NBSP}ms"


def points(value: float) -> str:
    """Percentage points."""
    return f"{value:.4f}{NBSP}pp"


def whole(value: float) -> str:
    """A number of things."""
    return f"{value:,.0f}".replace(",", NBSP)


def _success(limits: AlertThresholds) -> str:
    return f"≥{NBSP}{limits.success_rate_min * 100:g}{NBSP}%"


FIGURES = (
    Figure("Success rate (filled of ended orders)", "success_rate", percent, _success),
    Figure("Accepted by the exchange", "place_order.success_rate", percent, _success),
    Figure("Order latency p50", "place_order.latency.p50", duration),
    Figure(
        "Order latency p95",
        "place_order.latency.p95",
        duration,
        lambda limits: f"≤{NBSP}{duration(limits.latency_p95_max_s)}",
    ),
    Figure("Order latency p99", "place_order.latency.p99", duration),
    Figure(
        "Time to fill (mean)", "avg_fill_time_s", duration, lambda limits: f"≤{NBSP}{duration(limits.fill_time_max_s)}"
    ),
    Figure(
        "Fee accuracy (assumed against charged)",
        "fee_accuracy.mean_abs_pct",
        points,
        lambda limits: f"≤{NBSP}{limits.fee_accuracy_max_pct:g}{NBSP}pp",
    ),
    Figure("Orders ended", "attempts", whole),
    Figure("Orders open", "open", whole),
)


def comparison(
    metrics: Mapping[str, Any] | None,
    exchanges: Sequence[str],
    found: Sequence[Alert],
    thresholds: AlertThresholds | None,
) -> list[Row]:
    """The rows of the page.

    Args:
        metrics: the data of `metrics_trading.json`; None if nothing is known of them.
        exchanges: those that are traded on; further ones of the file follow.
        found: the alerts of these metrics: a figure is good if it has a limit and none of them speaks of it.
        thresholds: the limits; None: they are not known, and no figure is good.
    """
    by_exchange = (metrics or {}).get("by_exchange")
    figures = by_exchange if isinstance(by_exchange, Mapping) else {}
    old = any(alert.exchange is None for alert in found)
    spoken_of = {(alert.exchange, alert.figure) for alert in found}

    def cell(figure: Figure, exchange: str) -> Cell:
        value = _at(figures.get(exchange), figure.path)
        if value is None:
            return Cell("no_data", "no data")
        if not is_measurement(value):
            return Cell("unreadable", f"no measurement: {show(value, 40)}")
        if (exchange, figure.path) in spoken_of:
            return Cell("alert", figure.form(value))
        if old:
            return Cell("stale", figure.form(value))
        return Cell("good" if figure.limit and thresholds else "plain", figure.form(value))

    names = list(dict.fromkeys([*exchanges, *figures]))
    return [
        Row(
            figure,
            figure.limit(thresholds) if figure.limit and thresholds else "",
            {name: cell(figure, name) for name in names},
        )
        for figure in FIGURES
    ]


def is_measurement(value: Any) -> bool:
    """Whether it is a finite number that is not negative; neither a flag nor a text is one."""
    return type(value) in (int, float) and 0 <= value < 1e12  # noqa: PLR2004 - more seconds than there ever were


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data
