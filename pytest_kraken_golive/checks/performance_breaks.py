"""Ways in which an exchange becomes slow or refuses, fees differ, and a benchmark says more than it measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pytest_kraken_golive.checks.connection_breaks import LIVE_ACCOUNT, before, fault
from pytest_kraken_golive.contract import Break, Copy, sabotage

RESULTS = "runtime/benchmark_results.json"
EVENTS = "runtime/events.jsonl"
RUNTIME = "config/runtime.yaml"
KRAKEN = "by_exchange.kraken"
ADD = {"door": "checks", "endpoint": "AddOrder"}

LATENCY = [
    fault("every_order_is_slow", "p50", "The exchange takes long.", **ADD, kind="latency", latency_s=0.15),
    fault("many_are_slow", "p95", "Two of five take long.", **ADD, kind="latency", latency_s=0.5, probability=0.4),
    fault("some_hang", "p99", "One of five hangs.", **ADD, kind="latency", latency_s=1.6, probability=0.2),
    fault(
        "orders_are_refused",
        "EOrder:",
        "Nothing is placed.",
        **ADD,
        kind="error",
        error="EOrder:Trading agreement required",
    ),
]

SUCCESS = [
    fault(
        "one_is_refused",
        "found 9 of 10",
        "One of ten.",
        **{**ADD, "times": 1, "skip": 4},
        kind="error",
        error="EOrder:Rate limit exceeded",
    ),
    fault(
        "error_array_in_a_200",
        "found 0 of 10",
        "HTTP 200 is no success.",
        **ADD,
        kind="error",
        error="EOrder:Insufficient funds",
    ),
    fault(
        "answers_are_no_answers",
        "found 9 of 10",
        "A page of the edge, before anything was handled.",
        **{**ADD, "times": 1, "skip": 2},
        kind="error",
        error="EGeneral:Internal error",
    ),
]


@sabotage("expected what the exchange reports")
def assumed_too_low(copy: Copy) -> None:
    """The bot reckons with a rate of another account."""
    copy.edit(RUNTIME, "execution.live.fees.taker_pct", 0.26)


@sabotage("expected what the exchange reports")
def maker_assumed_free(copy: Copy) -> None:
    """Resting orders are thought to cost nothing."""
    copy.edit(RUNTIME, "execution.live.fees.maker_pct", 0)


@sabotage("execution.live.fees")
def nothing_assumed(copy: Copy) -> None:
    """Nobody says what is assumed."""
    copy.drop(RUNTIME, "execution.live.fees")


@sabotage("a number")
def fee_is_text(copy: Copy) -> None:
    """A rate in quotes."""
    copy.edit(RUNTIME, "execution.live.fees.taker_pct", "0.8")


@sabotage("expected what the exchange reports", before_run=True)
def another_fee_tier(copy: Any) -> None:
    """The account has traded so much that it pays less."""
    copy.account(LIVE_ACCOUNT).volume_30d_usd = Decimal(1_000_000)


@sabotage("no fill", before_run=True)
def nothing_filled(copy: Any) -> None:
    """No order was filled, so that no fee was charged."""
    copy.order_fault(kind="error", endpoint="AddOrder", error="EOrder:Insufficient funds", times=None)


FEES = [assumed_too_low, maker_assumed_free, nothing_assumed, fee_is_text, another_fee_tier, nothing_filled]


def _edits(name: str, key: str, value: object, expect: str, why: str) -> Break:
    def act(copy: Copy) -> None:
        copy.edit(RESULTS, key, value)

    act.__doc__ = why
    return Break(name, act, expect)


def _drops(name: str, key: str, why: str) -> Break:
    def act(copy: Copy) -> None:
        copy.drop(RESULTS, key)

    act.__doc__ = why
    return Break(name, act, key.rpartition(".")[2])


@sabotage(RESULTS)
def no_results(copy: Copy) -> None:
    """The benchmark left nothing."""
    copy.remove(RESULTS)


FILE = [
    no_results,
    _edits(
        "results_of_yesterday", "generated_at", "2026-01-01T00:00:00+00:00", "expected the file of this run", "Old."
    ),
    _drops("no_snapshot", "metrics_snapshot", "The figures of the bot's own collector are missing."),
    _drops("no_exchange", KRAKEN, "Nothing is said of the exchange."),
    _drops("no_median", f"{KRAKEN}.place_order.p50_s", "Nothing was measured."),
    _drops("no_fee_accuracy", f"{KRAKEN}.fee_accuracy_abs_pct", "Nothing is said of fees."),
    _edits("nothing_measured", f"{KRAKEN}.place_order.samples", 0, "samples", "A median of nothing."),
    _edits("more_than_was_sent", f"{KRAKEN}.place_order.samples", 500, "exchange", "Orders that nobody saw."),
    _edits("p99_of_a_few", f"{KRAKEN}.place_order.p99_s", 0.04, "299", "The slowest of eight is no p99."),
    _edits("median_above_p95", f"{KRAKEN}.place_order.p50_s", 9.0, "p95_s", "Percentiles out of order."),
    _edits("milliseconds", f"{KRAKEN}.place_order.p95_s", 12000.0, "not milliseconds", "Another unit."),
    _edits("fee_unknown", f"{KRAKEN}.fee_accuracy_abs_pct", None, "fee_accuracy_abs_pct", "No fill, no accuracy."),
    _edits("another_wait", f"{KRAKEN}.polling_fill.max_wait_s", 600, "SMC_BENCH_MAX_WAIT", "It waits as it likes."),
    _edits("empty_snapshot", "metrics_snapshot", {"attempts_total": 0}, "attempts_total", "A snapshot of nothing."),
    before("wait_is_no_number", "SMC_BENCH_MAX_WAIT", "ten", "SMC_BENCH_MAX_WAIT", "A bound that is none."),
    before("wait_without_end", "SMC_BENCH_MAX_WAIT", "inf", "SMC_BENCH_MAX_WAIT", "A bound that bounds nothing."),
    fault(
        "orders_fail",
        "exit status",
        "An order was refused.",
        endpoint="AddOrder",
        kind="error",
        error="EOrder:Insufficient funds",
        times=1,
    ),
]  # fmt: skip - a row each


def _events(expect: str, name: str, why: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Break:
    """A break that alters the event log."""

    def act(copy: Copy) -> None:
        events = [json.loads(line) for line in copy.read(EVENTS).splitlines()]
        copy.write(EVENTS, "".join(f"{json.dumps(event)}\n" for event in change(events)))

    act.__doc__ = why
    return Break(name, act, expect)


def _in_rung(event: dict[str, Any], number: int) -> bool:
    return bool(event["payload"].get("rung") == number)


def _started_higher(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if not _in_rung(event, 1)]


def _went_on(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for event in events:
        if event["type"] == "order_submitted" and _in_rung(event, 1):
            event["payload"]["latency_s"] = 30.0
    return events


def _slipped(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for event in events:
        if event["type"] == "order_fill" and _in_rung(event, 1):
            worse = Decimal("1.2") if event["payload"]["side"] == "buy" else Decimal("0.8")
            event["payload"]["price"] = str(Decimal(event["payload"]["price"]) * worse)
    return events


def _never_ended(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] != "volume_rung"]


def _unseen(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for event in events:
        if "ladder" in event["payload"]:
            event["payload"]["ladder"] += "x"
            event["payload"]["cl_ord_id"] = f"other-{event['payload'].get('cl_ord_id')}"
    return events


def _another_pair(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for event in events:
        if "ladder" in event["payload"] and "pair" in event["payload"]:
            event["payload"]["pair"] = "DOGEUSD"
    return events


def _told_twice(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same order again, as a retry after a time-out writes it."""
    again = [event["type"] == "order_submitted" and _in_rung(event, 2) for event in events]
    return [one for event, twice in zip(events, again, strict=True) for one in [event] * (1 + twice)]


def _half_a_rung(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One order of the second rung is told of, and not the other."""
    own = [event["payload"].get("cl_ord_id") for event in events if _in_rung(event, 2)]
    return [event for event in events if event["payload"].get("cl_ord_id") != own[0] or not _in_rung(event, 2)]


def _steep(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """From the smallest volume to a hundred times as much."""
    for event in events:
        if event["type"] == "order_submitted" and _in_rung(event, 2):
            event["payload"]["volume"] = str(Decimal(event["payload"]["volume"]) * 50)
    return events


def _took_long(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for event in events:
        if event["type"] == "volume_rung":
            event["payload"]["duration_s"] = 3600.0
    return events


def _without_ladder(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if "ladder" not in event["payload"]]


@sabotage(EVENTS)
def no_events(copy: Copy) -> None:
    """Nothing was written down."""
    copy.remove(EVENTS)


LADDER = [
    no_events,
    _events("expected a ladder", "no_ladder", "Nobody climbed.", _without_ladder),
    _events("rung 1", "started_higher", "The smallest volume was left out.", _started_higher),
    _events("latency", "went_on_after_a_slow_rung", "A degradation stopped nobody.", _went_on),
    _events("slippage", "went_on_after_slippage", "Nor did a price that gave way.", _slipped),
    _events("duration_s", "rungs_without_end", "Windows that are never closed.", _never_ended),
    _events("duration", "window_too_long", "A window of an hour.", _took_long),
    _events("found DOGEUSD", "another_pair", "The ladder leans elsewhere.", _another_pair),
    _events("of which an event tells already", "order_told_twice", "Two orders, or one?", _told_twice),
    _events("expected 2 orders", "half_a_rung", "An order that no event tells of.", _half_a_rung),
    _events("ladder.factor", "too_steep", "No step by step.", _steep),
    _events("exchange", "orders_nobody_saw", "The exchange has no such order.", _unseen),
    fault(
        "slow_at_once", "latency", "The first rung is slow.", endpoint="AddOrder", kind="latency", latency_s=1.1, skip=2
    ),
    fault(
        "refused_on_the_way",
        "success",
        "An order of the second rung.",
        endpoint="AddOrder",
        kind="error",
        error="EOrder:Insufficient funds",
        times=1,
        skip=5,
    ),
]  # fmt: skip - a row each
