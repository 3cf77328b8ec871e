from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_kraken_golive.telemetry.alerts import Alert, AlertThresholds, alerts

NOW = 1_790_000_000.0
GOOD: dict[str, Any] = {
    "generated_at": datetime.fromtimestamp(NOW - 5, UTC).isoformat(),
    "by_exchange": {
        "kraken": {
            "success_rate": 1.0,
            "avg_fill_time_s": 1.0,
            "place_order": {"success_rate": 0.99, "latency": {"p95": 0.2}},
            "fee_accuracy": {"mean_abs_pct": 0.0},
        }
    },
}
FIGURES = [
    "success_rate",
    "avg_fill_time_s",
    "place_order.success_rate",
    "place_order.latency.p95",
    "fee_accuracy.mean_abs_pct",
]


def judged(metrics: Any, *exchanges: str) -> list[Alert]:
    return alerts(metrics, AlertThresholds(), exchanges or ("kraken",), NOW)


def with_figure(figure: str, value: object) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    *above, last = figure.split(".")
    place = data["by_exchange"]["kraken"]
    for key in above:
        place = place[key]
    place[last] = value
    return data


def test_good_figures_give_no_alert() -> None:
    assert judged(GOOD) == []


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "no_data"), ("0.99", "unreadable"), (True, "unreadable"), (float("nan"), "unreadable"), (-1, "unreadable")],
)
def test_a_figure_that_is_none_is_an_alert(figure: str, value: object, kind: str) -> None:
    (alert,) = judged(with_figure(figure, value))
    assert (alert.kind, alert.exchange, alert.figure) == (kind, "kraken", figure)
    assert alert.message.startswith(f"by_exchange.kraken.{figure}: expected ")


@pytest.mark.parametrize(("figure", "value"), [*zip(FIGURES, [0.94, 31, 0.9, 1.01, 0.051], strict=True)])
def test_a_figure_beyond_its_threshold_is_an_alert(figure: str, value: float) -> None:
    assert [(alert.kind, alert.figure) for alert in judged(with_figure(figure, value))] == [("degraded", figure)]


@pytest.mark.parametrize("metrics", [None, {}, {"generated_at": GOOD["generated_at"], "by_exchange": {}}])
def test_no_data_is_an_alert(metrics: Any) -> None:
    assert judged(metrics)


def test_an_exchange_without_figures_is_an_alert() -> None:
    assert [(alert.kind, alert.exchange) for alert in judged(GOOD, "kraken", "other")] == [("no_data", "other")]
    assert len(judged({**GOOD, "by_exchange": {"kraken": None}})) == len(FIGURES)


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        (datetime.fromtimestamp(NOW - 121, UTC).isoformat(), "stale"),
        (datetime.fromtimestamp(NOW + 121, UTC).isoformat(), "stale"),
        ("2026-09-21T14:13:20", "unreadable"),
        (NOW, "unreadable"),
        ("soon", "unreadable"),
        (None, "unreadable"),
    ],
)
def test_old_figures_are_an_alert(moment: object, kind: str) -> None:
    assert [alert.kind for alert in judged({**GOOD, "generated_at": moment})] == [kind]


@pytest.mark.parametrize(
    "threshold", [{"success_rate_min": 1.1}, {"latency_p95_max_s": 0}, {"staleness_max_s": float("nan")}, {"p95": 1}]
)
def test_a_threshold_that_is_none_is_refused(threshold: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        AlertThresholds(**threshold)
