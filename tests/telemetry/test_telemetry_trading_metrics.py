from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from telemetry_orders import ended, filled, order_streams, rejected, submitted

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.telemetry.derivation import derive, differences
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.trading_metrics import TradingMetricsCollector


def counted(*events: Event) -> dict[str, Any]:
    collector = TradingMetricsCollector(VirtualClock())
    collector.resume(events)
    return collector.snapshot()


@given(order_streams())
def test_the_collector_and_the_derivation_agree_on_every_stream(events: list[Event]) -> None:
    snapshot = json.loads(json.dumps(counted(*events), allow_nan=False))
    moment = snapshot.pop("generated_at")
    assert snapshot == derive(events)
    assert differences({**snapshot, "generated_at": moment}, derive(events)) == []


def test_a_file_that_is_older_than_the_last_events_is_held_against_what_it_had_counted() -> None:
    events = [submitted("a"), Event(1.0, "startup", {}), filled("a"), submitted("b")]
    figures = counted(*events[:3])
    assert differences(figures, derive(events, figures["events_counted"])) == []
    assert differences(figures, derive(events)) != []


@given(order_streams())
def test_the_totals_add_up(events: list[Event]) -> None:
    for figures in counted(*events)["by_exchange"].values():
        given_up = figures["statuses"].get("given_up", 0)
        assert figures["attempts"] == figures["success"] + figures["failure"]
        assert figures["attempts"] + given_up == sum(figures["statuses"].values())
        assert figures["attempts"] == sum(side["attempts"] for side in figures["by_side"].values())
        assert figures["place_order"]["attempts"] == figures["attempts"] + given_up + figures["open"]
        fees = figures["fee_accuracy"]
        assert fees["samples"] + fees["unknown_samples"] == figures["success"]


def test_one_order_of_each_end() -> None:
    figures = counted(
        submitted("a", latency_s=0.1),
        submitted("b", latency_s=0.3, side="sell"),
        submitted("c"),
        submitted("d"),
        rejected("e", latency_s=5.0),
        filled("a", fill_time_s=2.0),
        ended(EventType.ORDER_FILL_TIMEOUT, "b"),
        ended(EventType.ORDER_FILL_ERROR, "c"),
    )
    kraken = figures["by_exchange"]["kraken"]
    assert (figures["attempts_total"], figures["success_total"], figures["failure_total"]) == (4, 1, 3)
    assert (kraken["success_rate"], kraken["open"], kraken["avg_fill_time_s"]) == (0.25, 1, 2.0)
    assert kraken["statuses"] == {"error": 1, "filled": 1, "rejected": 1, "timeout": 1}
    assert kraken["by_side"]["sell"] == {"attempts": 1, "success": 0, "failure": 1}
    order = kraken["place_order"]
    assert (order["attempts"], order["success_rate"], order["fail_reasons"]) == (
        5,
        0.8,
        {"EOrder:Insufficient funds": 1},
    )
    assert (order["latency"]["p50"], order["latency"]["p95"], order["latency"]["p99"]) == (0.1, 0.3, None)
    assert (order["latency"]["samples"], order["failure_latency"]["mean"]) == (4, 5.0), (
        "a failure's latency stands apart"
    )


def test_an_order_that_was_given_up_for_a_stop_counts_for_no_rate() -> None:
    end = ended(EventType.ORDER_GIVEN_UP, "b")
    kraken = counted(submitted("a"), filled("a"), submitted("b"), end)["by_exchange"]["kraken"]
    assert (kraken["attempts"], kraken["failure"], kraken["success_rate"], kraken["open"]) == (1, 0, 1.0, 0)
    assert kraken["statuses"] == {"filled": 1, "given_up": 1}
    alone = counted(submitted("b"), end)["by_exchange"]["kraken"]
    assert (alone["success_rate"], alone["statuses"], alone["by_side"]["buy"]["attempts"]) == (None, {"given_up": 1}, 0)


def test_without_attempts_there_is_no_rate() -> None:
    assert counted()["success_rate"] is None
    kraken = counted(submitted())["by_exchange"]["kraken"]
    assert (kraken["success_rate"], kraken["place_order"]["success_rate"]) == (None, 1.0)


@pytest.mark.parametrize(
    ("assumed", "fee", "cost", "expected"),
    [
        ("0.26", "0.40", "100", {"samples": 1, "mean_abs_pct": 0.14, "unknown_samples": 0}),
        ("0.26", "0.26", "100", {"samples": 1, "mean_abs_pct": 0.0, "unknown_samples": 0}),
        ("0.26", "-0.01", "100", {"samples": 1, "mean_abs_pct": 0.27, "unknown_samples": 0}),
        (None, "0.40", "100", {"samples": 0, "mean_abs_pct": None, "unknown_samples": 1}),
        ("0.26", None, "100", {"samples": 0, "mean_abs_pct": None, "unknown_samples": 1}),
        ("0.26", "0.40", None, {"samples": 0, "mean_abs_pct": None, "unknown_samples": 1}),
    ],
)
def test_a_fee_is_compared_with_what_was_assumed_before_the_fill(
    assumed: str | None, fee: str | None, cost: str | None, expected: dict[str, Any]
) -> None:
    events = [submitted(fee_assumed_pct=assumed), filled(fee=fee, cost=cost, fee_assumed_pct="0.40")]
    assert counted(*events)["by_exchange"]["kraken"]["fee_accuracy"] == expected


@pytest.mark.parametrize(
    ("events", "error", "message"),
    [
        ([submitted(), submitted()], Fault, "expected "),
        ([submitted(), rejected()], Fault, "expected "),
        ([filled()], Fault, "order_fill of a"),
        ([submitted(), filled(), filled()], Fault, "order_fill of a"),
        ([submitted(), filled(cost="0", fee="1")], Fault, "positive amount"),
        ([submitted(latency_s="0.1")], Fault, r"payload\.latency_s"),
        ([submitted(latency_s=-1)], Fault, r"payload\.latency_s"),
        ([submitted(fee_assumed_pct="NaN")], Fault, r"payload\.fee_assumed_pct"),
        ([submitted(exchange="")], Fault, r"payload\.exchange"),
        ([Event(1.0, "order_submitted", {"exchange": "kraken", "cl_ord_id": "a"})], NotProven, "expected side"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_both(events: list[Event], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        counted(*events)
    with pytest.raises(error, match=message):
        derive(events)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"success_rate": 1.0}, "success_rate: expected 0.5, found 1.0"),
        ({"success_rate": None}, "success_rate: expected 0.5, found null"),
        ({"attempts_total": True}, "attempts_total: expected 2, found true"),
        ({"success_rate": float("nan")}, "success_rate: expected 0.5, found nan"),
        ({"by_exchange": []}, "by_exchange: expected an object"),
    ],
)
def test_a_file_that_says_something_else_is_named(change: dict[str, Any], message: str) -> None:
    events = [submitted("a"), filled("a"), rejected("b")]
    lines = differences({**counted(*events), **change}, derive(events))
    assert len(lines) == 1
    assert lines[0].startswith(message)


def test_an_exchange_that_no_event_names_is_named() -> None:
    figures = counted(submitted("a"))
    figures["by_exchange"]["other"] = figures["by_exchange"]["kraken"]
    (line,) = differences(figures, derive([submitted("a")]))
    assert line.startswith("by_exchange.other: expected no such entry")


def test_another_bots_file_needs_the_published_keys_and_no_more() -> None:
    events = [submitted("a"), filled("a")]
    figures = counted(*events)
    kraken = figures["by_exchange"]["kraken"]
    del figures["events_counted"], kraken["open"], kraken["fill_time"], kraken["place_order"]["failure_latency"]
    for extra in ("samples", "p50_upper", "p95_upper", "p99_upper"):
        del kraken["place_order"]["latency"][extra]
    assert differences(figures, derive(events)) == []
    del kraken["fee_accuracy"]["samples"]
    with pytest.raises(NotProven, match=r"by_exchange\.kraken\.fee_accuracy\.samples: expected 0"):
        differences(figures, derive(events))


def test_the_file_is_replaced_as_a_whole_under_readers(tmp_path: Path) -> None:
    path = tmp_path / "runtime" / "metrics_trading.json"
    collector = TradingMetricsCollector(VirtualClock())
    collector.write(path)
    stop = threading.Event()
    read = []

    def reader() -> None:
        while not stop.is_set():
            read.append(json.loads(path.read_text())["attempts_total"])

    thread = threading.Thread(target=reader)
    thread.start()
    for number in range(30):
        collector.resume([submitted(str(number)), filled(str(number))])
        collector.write(path)
    stop.set()
    thread.join()
    assert read == sorted(read)
    assert [file.name for file in path.parent.iterdir()] == ["metrics_trading.json"]
