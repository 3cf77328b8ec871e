"""How events, figures, trends and alerts can look fine and not be."""

from __future__ import annotations

import json
import re
from typing import Any

from pytest_kraken_golive.checks.service_breaks import EVENTS, keep_events
from pytest_kraken_golive.contract import Break, sabotage
from pytest_kraken_golive.rehearsal.altered import FinishedCopy

METRICS = "runtime/metrics_trading.json"


def _last(copy: FinishedCopy) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(copy.read(EVENTS).splitlines()[-1])
    return record


def _append(copy: FinishedCopy, text: str) -> None:
    copy.write(EVENTS, copy.read(EVENTS) + text)


def _secret(copy: FinishedCopy) -> str:
    found = re.search(r"^KRAKEN_API_SECRET=(.*)$", copy.read(".env"), re.MULTILINE)
    assert found is not None, "the rehearsal's .env holds the secret"
    return found[1]


@sabotage("found none")
def events_gone(copy: FinishedCopy) -> None:
    """There is no log."""
    copy.remove(EVENTS)


@sabotage("found none")
def events_empty(copy: FinishedCopy) -> None:
    """There is nothing in it."""
    copy.write(EVENTS, "")


@sabotage("torn off")
def event_torn(copy: FinishedCopy) -> None:
    """The last line has no end."""
    _append(copy, json.dumps(_last(copy))[:30])


@sabotage("expected events in the order of time")
def time_goes_back(copy: FinishedCopy) -> None:
    """Two writers, or a clock that was set back."""
    _append(copy, json.dumps({**_last(copy), "ts": 1.0}) + "\n")


@sabotage("JSON on one line")
def not_a_number(copy: FinishedCopy) -> None:
    """What some programs call JSON."""
    _append(copy, f'{{"ts": {_last(copy)["ts"]}, "type": "x", "payload": {{"latency_s": NaN}}}}\n')


@sabotage("JSON on one line")
def plain_text(copy: FinishedCopy) -> None:
    """A stray print."""
    _append(copy, "connection lost, retrying\n")


@sabotage("expected no secret")
def secret_in_clear(copy: FinishedCopy) -> None:
    """The secret in an event."""
    _append(copy, json.dumps({**_last(copy), "payload": {"request": _secret(copy)}}) + "\n")


@sabotage("expected no secret")
def secret_in_hex(copy: FinishedCopy) -> None:
    """The secret as another program prints bytes."""
    _append(copy, json.dumps({**_last(copy), "payload": {"request": _secret(copy).encode().hex()}}) + "\n")


@sabotage("expected startup since the deploy")
def no_startup(copy: FinishedCopy) -> None:
    """Nothing tells which version wrote the rest."""
    keep_events(copy, lambda record: record["type"] != "startup")


def _started(expect: str, name: str, why: str, **payload: object) -> Break:
    """A break that lets the log say that something else was started."""

    def act(copy: FinishedCopy) -> None:
        def lie(record: dict[str, Any]) -> bool:
            if record["type"] == "startup":
                record["payload"] |= payload
            return True

        keep_events(copy, lie)

    act.__doc__ = why
    return Break(name, act, expect)


@sabotage("expected a type, found blanks")
def event_without_a_name(copy: FinishedCopy) -> None:
    """Nobody can say what happened."""
    _append(copy, json.dumps({**_last(copy), "type": " "}) + "\n")


@sabotage("found no file that can be read")
def figures_gone(copy: FinishedCopy) -> None:
    """The collector writes nothing."""
    copy.remove(METRICS)


@sabotage("expected JSON")
def figures_half(copy: FinishedCopy) -> None:
    """Written in place, and killed."""
    copy.write(METRICS, copy.read(METRICS)[:100])


@sabotage("attempts: expected")
def figures_better_than_events(copy: FinishedCopy) -> None:
    """More attempts than the events know of."""
    copy.edit(METRICS, "by_exchange.kraken.place_order.attempts", 999)


@sabotage("place_order.latency.mean: expected")
def latency_made_up(copy: FinishedCopy) -> None:
    """A faster exchange than was measured."""
    copy.edit(METRICS, "by_exchange.kraken.place_order.latency.mean", 1e-5)


@sabotage("fee_accuracy.mean_abs_pct: expected")
def fee_made_up(copy: FinishedCopy) -> None:
    """The fee was compared with itself."""
    copy.edit(METRICS, "by_exchange.kraken.fee_accuracy.mean_abs_pct", 0.25)


@sabotage("in the exchange's books, found none")
def calls_made_up(copy: FinishedCopy) -> None:
    """Figures and events go together, and neither is about real orders."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "order_submitted":
            record["payload"]["txid"] = "OAAAAA-AAAAA-AAAAAA"
        return True

    keep_events(copy, lie)


@sabotage("JSON on one line")
def garbage_between(copy: FinishedCopy) -> None:
    """A line that the trend leaves out."""
    _append(copy, "connection lost, retrying\n")


@sabotage("expected order_submitted on kraken")
def other_exchange_only(copy: FinishedCopy) -> None:
    """The trend is about another exchange."""

    def lie(record: dict[str, Any]) -> bool:
        if "exchange" in record["payload"]:
            record["payload"]["exchange"] = "elsewhere"
        return True

    keep_events(copy, lie)


@sabotage("line(s) that are none")
def latency_never_measured(copy: FinishedCopy) -> None:
    """Orders without their latency."""

    def lie(record: dict[str, Any]) -> bool:
        record["payload"].pop("latency_s", None)
        return True

    keep_events(copy, lie)


@sabotage("success_rate: expected >=")
def most_orders_fail(copy: FinishedCopy) -> None:
    """Half of them."""
    copy.edit(METRICS, "by_exchange.kraken.success_rate", 0.5)


@sabotage("latency.p95: expected <=")
def exchange_is_slow(copy: FinishedCopy) -> None:
    """A minute for an order."""
    copy.edit(METRICS, "by_exchange.kraken.place_order.latency.p95", 60.0)


@sabotage("no data")
def nothing_measured(copy: FinishedCopy) -> None:
    """No order was filled."""
    copy.edit(METRICS, "by_exchange.kraken.avg_fill_time_s", None)


@sabotage("no figures")
def exchange_missing(copy: FinishedCopy) -> None:
    """Kraken has no figures."""
    copy.edit(METRICS, "by_exchange", {})


@sabotage("expected figures at most")
def figures_stale(copy: FinishedCopy) -> None:
    """Nobody has written for a year."""
    copy.edit(METRICS, "generated_at", "2025-01-01T00:00:00+00:00")


STRUCTURED: list[Break] = [
    events_gone,
    events_empty,
    event_torn,
    time_goes_back,
    not_a_number,
    plain_text,
    secret_in_clear,
    secret_in_hex,
    no_startup,
    event_without_a_name,
    _started("payload.version: expected", "other_version_started", "Last year's program.", version="0.0.1"),
    _started("payload.mode: expected 'production'", "sandbox_started", "It plays.", mode="sandbox"),
    _started("payload.base_url: expected", "started_elsewhere", "Another exchange.", base_url="https://example.org"),
]


@sabotage("expected trading_suspended after order_given_up")
def failure_called_given_up(copy: FinishedCopy) -> None:
    """An order failed while trading went on; as one that was given up it would count for no rate."""

    def lie(record: dict[str, Any]) -> bool:
        if record["type"] == "order_fill":
            record["type"] = "order_given_up"
        return True

    keep_events(copy, lie)
    orders = [json.loads(line) for line in copy.read(EVENTS).splitlines()]
    placed = next(one for one in reversed(orders) if one["type"] == "order_submitted")
    given_up = {**placed, "type": "order_given_up", "ts": orders[-1]["ts"]}
    _append(copy, "".join(json.dumps(one) + "\n" for one in (given_up, {**placed, "ts": orders[-1]["ts"]})))


AUDIT: list[Break] = [
    figures_gone,
    figures_half,
    figures_better_than_events,
    latency_made_up,
    fee_made_up,
    calls_made_up,
    failure_called_given_up,
]
TRENDS: list[Break] = [events_gone, garbage_between, other_exchange_only, latency_never_measured]
ALERTS: list[Break] = [
    figures_gone,
    figures_half,
    most_orders_fail,
    exchange_is_slow,
    nothing_measured,
    exchange_missing,
    figures_stale,
]
