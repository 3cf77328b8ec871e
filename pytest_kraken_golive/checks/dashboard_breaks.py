"""Ways in which a page has nothing to compare."""

from __future__ import annotations

import json

from pytest_kraken_golive.contract import Break, Copy, sabotage
from pytest_kraken_golive.dashboard.sources import METRICS


def without(name: str, key: str, expect: str) -> Break:
    """A break that takes a figure of an exchange away; other writers of the file leave it as null."""

    def act(copy: Copy) -> None:
        data = json.loads(copy.read(METRICS))
        for figures in data["by_exchange"].values():
            parent = figures
            *path, last = key.split(".")
            for part in path:
                parent = parent[part]
            parent[last] = None
        copy.write(METRICS, json.dumps(data))

    act.__doc__ = f"No {key}."
    return Break(name, act, expect)


@sabotage("expected figures to compare")
def metrics_gone(copy: Copy) -> None:
    """The bot has written none."""
    copy.remove(METRICS)


@sabotage(METRICS)
def metrics_torn(copy: Copy) -> None:
    """Half a file."""
    text = copy.read(METRICS)
    copy.write(METRICS, text[: len(text) // 2])


@sabotage("by_exchange.")
def exchange_missing(copy: Copy) -> None:
    """Figures of another exchange only."""
    data = json.loads(copy.read(METRICS))
    data["by_exchange"] = {"another": {}}
    copy.write(METRICS, json.dumps(data))


@sabotage("no measurement")
def rate_in_words(copy: Copy) -> None:
    """A text where a number belongs."""
    data = json.loads(copy.read(METRICS))
    for figures in data["by_exchange"].values():
        figures["success_rate"] = "1.0"
    copy.write(METRICS, json.dumps(data))


BREAKS = [
    metrics_gone,
    metrics_torn,
    exchange_missing,
    rate_in_words,
    without("no_success_rate", "success_rate", "success_rate"),
    without("no_latency", "place_order.latency.p95", "place_order.latency.p95"),
    without("no_fill_time", "avg_fill_time_s", "avg_fill_time_s"),
    without("no_fee_accuracy", "fee_accuracy.mean_abs_pct", "fee_accuracy.mean_abs_pct"),
]
