"""`kraken-golive bench`: what it measures, what it leaves behind, and when it stops."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.operations import trial
from pytest_kraken_golive.operations.bench import DONE, EVENTS, FAILED, FILE, WRONG, bench
from pytest_kraken_golive.operations.ladder import Rung, ladders_of
from pytest_kraken_golive.policy import Ladder
from pytest_kraken_golive.telemetry.events import Event, EventType, read_events

if TYPE_CHECKING:
    from live_deployment import Live

pytest_plugins = ["live_deployment"]


def test_the_file_the_events_and_the_books_say_the_same(live: Live) -> None:
    found = bench(live.config, {}, clock=live.clock)
    assert (found.wrong, found.problems, found.exit_status) == (None, [], DONE)
    written = live.read(FILE)
    figures, books = written["by_exchange"]["kraken"], live.books()
    assert figures["place_order"]["samples"] == figures["place_order"]["success"] == len(books["orders"]) == 8
    assert figures["polling_fill"]["filled"] == 8
    assert figures["place_order"]["p99_s"] is None
    assert figures["open_orders_left"] == []
    assert figures["fee_base"]["taker_pct"] == figures["fee_reported"]["taker_pct"] == 0.8
    assert 0 < figures["fee_accuracy_abs_pct"] < 0.001  # the exchange rounds: never a fee held against itself
    assert written["metrics_snapshot"]["attempts_total"] == 8
    (name,) = ladders = ladders_of(read_events(live.root / EVENTS, EVENTS))
    volumes = [volume for rung in ladders[name] for volume in rung.volumes]
    assert volumes == [Decimal("0.00005"), Decimal("0.0001"), Decimal("0.0002")]
    assert {Decimal(order["volume"]) for order in books["orders"]} == set(volumes)
    assert {order["status"] for order in books["orders"]} == {"closed"}


def test_unarmed_nothing_is_placed(live: Live) -> None:
    live.copy.set_variable("KRAKEN_MAX_ORDER_USD", None)
    found = bench(live.config, {}, clock=live.clock)
    figures, books = found.data["by_exchange"]["kraken"], live.books()
    assert found.exit_status == DONE
    assert figures["place_order"]["real"] is False
    assert figures["fee_accuracy_abs_pct"] is None
    assert figures["volume_ladder"] == []
    assert books["orders"] == []
    assert [book["validated"] for book in books["keys"].values()] == [2]


def test_a_fill_is_waited_for_no_longer_than_the_bound_and_then_cancelled(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_BEYOND", Decimal("-0.2"))  # the market has gone away since
    live.copy.set_variable("SMC_BENCH_MAX_WAIT", "3")
    began_s = live.clock.monotonic()
    found = bench(live.config, {}, clock=live.clock)
    assert found.exit_status == FAILED
    assert found.data["by_exchange"]["kraken"]["volume_ladder"][-1]["degraded"].startswith("success 0 of 2")
    assert found.data["by_exchange"]["kraken"]["polling_fill"] == {
        "orders": 4,
        "filled": 0,
        "fill_time_mean_s": None,
        "max_wait_s": 3.0,
    }
    assert {order["status"] for order in live.books()["orders"]} == {"canceled"}
    assert 6 <= live.clock.monotonic() - began_s < 12
    ends = [event.type for event in read_events(live.root / EVENTS, EVENTS)]
    assert ends.count(EventType.ORDER_FILL_TIMEOUT) == 4


def test_what_stays_open_is_named(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_BEYOND", Decimal("-0.2"))
    live.fault(kind="error", endpoint="CancelOrderBatch", error="EOrder:Unknown order", times=None)
    found = bench(live.config, {}, clock=live.clock)
    left = found.data["by_exchange"]["kraken"]["open_orders_left"]
    assert sorted(left) == sorted(order["txid"] for order in live.books()["orders"] if order["status"] == "open")
    assert len(left) == 4
    assert any("still open" in problem for problem in found.problems)


def test_a_bound_that_bounds_nothing_is_refused(live: Live) -> None:
    for text in ("0", "-1", "nan", "inf", "ten", "", " 10", "1e999"):
        live.copy.set_variable("SMC_BENCH_MAX_WAIT", f"'{text}'")
        found = bench(live.config, {}, clock=live.clock)
        assert found.exit_status == WRONG, text
        assert "SMC_BENCH_MAX_WAIT" in (found.wrong or "")
    assert live.books()["requests"]["total"] == 0


@pytest.mark.parametrize(
    ("fault", "held", "why"),
    [
        ({"kind": "error", "error": "EService:Unavailable", "skip": 5}, 1, "success 1 of 2"),
        ({"kind": "error", "error": "EService:Unavailable", "skip": 2}, 0, "success 1 of 2"),
    ],
    ids=["second-rung", "first-rung"],
)
def test_the_ladder_stops_at_the_first_degradation(live: Live, fault: dict[str, Any], held: int, why: str) -> None:
    live.fault(endpoint="AddOrder", **fault)
    found = bench(live.config, {}, clock=live.clock)
    rungs = found.data["by_exchange"]["kraken"]["volume_ladder"]
    assert found.exit_status == FAILED
    assert [rung["degraded"] is None for rung in rungs] == [True] * held + [False]
    assert why in rungs[-1]["degraded"]
    assert live.read(FILE) == found.data


def test_an_exchange_that_is_away_is_a_failure_and_leaves_a_file(live: Live) -> None:
    live.fault(kind="reset_before", times=None)
    found = bench(live.config, {}, clock=live.clock)
    assert found.exit_status == FAILED
    assert live.read(FILE)["by_exchange"]["kraken"]["place_order"]["p50_s"] is None


@pytest.mark.parametrize(
    ("rung", "why"),
    [
        (Rung(1, orders=2, filled=2, latency_max_s=2.0, duration_s=3.0), "latency 2 s"),
        (Rung(1, orders=2, filled=2, slippage_max_pct=Decimal(1), duration_s=3.0), "slippage 1 %"),
        (Rung(1, orders=2, filled=1, duration_s=3.0), "success 1 of 2"),
        (Rung(1, duration_s=3.0), "success 0 of 0"),
        (Rung(1, orders=2, filled=2, duration_s=31.0), "duration 31 s"),
        (Rung(1, orders=2, filled=2, latency_max_s=1.0, slippage_max_pct=Decimal("0.5"), duration_s=30.0), None),
    ],
)
def test_what_a_degradation_is(rung: Rung, why: str | None) -> None:
    found = rung.degradation(Ladder())
    assert found is None if why is None else str(found).startswith(why)


def _event(type_: EventType, **payload: object) -> Event:
    return Event(1.0, type_, {"ladder": "a", "rung": 1, "cl_ord_id": "a-1", **payload}, "events.jsonl:1")


def test_events_that_say_too_little_are_not_proven_and_wrong_ones_a_fault() -> None:
    start = _event(EventType.ORDER_SUBMITTED, latency_s=0.1, volume="1", side="buy", best_price="100")
    with pytest.raises(NotProven, match="latency_s"):
        ladders_of([_event(EventType.ORDER_SUBMITTED, volume="1")])
    with pytest.raises(Fault, match="an amount above zero"):
        ladders_of([start, _event(EventType.ORDER_FILL, price="0")])
    with pytest.raises(Fault, match="a whole number"):
        ladders_of([_event(EventType.ORDER_FILL, rung="1")])
    with pytest.raises(Fault, match="fill of an order of the rung"):
        ladders_of([_event(EventType.ORDER_FILL, price="100")])
    (rung,) = ladders_of([start, _event(EventType.ORDER_FILL, price="101")])["a"]
    assert rung.slippage_max_pct == 1
