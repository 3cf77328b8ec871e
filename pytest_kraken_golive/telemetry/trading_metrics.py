"""The live bot's running totals: counted event by event, written as `runtime/metrics_trading.json`.

An exchange's `attempts`, `success` and `failure` count orders that have ended: filled, or else rejected, timed out or
failed; `open` counts those that have not. An order that was given up because somebody suspended trading says nothing
of exchange or bot, so it stands in `statuses` alone. An exchange's `place_order` counts attempts to place one:
accepted, or rejected. No attempts means no rate (null). How long a rejection took says nothing of how long an order
takes, so it is kept apart.
"""

from __future__ import annotations

import json
import math
import threading
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..clock import Clock, SystemClock
from ..contract import Fault
from ..whole_file import replace_file
from .events import Event, EventType
from .percentiles import summary

ENDINGS = {
    EventType.ORDER_REJECTED: "rejected",
    EventType.ORDER_FILL: "filled",
    EventType.ORDER_FILL_TIMEOUT: "timeout",
    EventType.ORDER_FILL_ERROR: "error",
    EventType.ORDER_GIVEN_UP: "given_up",
}
"""The events in which an order ends, and the status that it has then."""

GIVEN_UP = ENDINGS[EventType.ORDER_GIVEN_UP]
JUDGED = tuple(event for event in ENDINGS if event is not EventType.ORDER_GIVEN_UP)
"""The endings that count for a success rate."""

DIGITS = 9
"""Rates, means and percentages are written with so many decimals."""


@dataclass
class _Placed:
    """An order that has not ended."""

    side: str
    fee_assumed_pct: Decimal | None


@dataclass
class _Exchange:
    """The totals of one exchange."""

    open: dict[str, _Placed] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    sides: dict[str, Counter[str]] = field(default_factory=dict)
    accepted_s: array[float] = field(default_factory=lambda: array("d"))
    rejected_s: array[float] = field(default_factory=lambda: array("d"))
    fail_reasons: Counter[str] = field(default_factory=Counter)
    fill_s: array[float] = field(default_factory=lambda: array("d"))
    fee_errors: list[Decimal] = field(default_factory=list)
    fees_unknown: int = 0


class TradingMetricsCollector:
    """Counts the order events that it is given, in their order; other events are passed over. Safe between threads.

    Every duration is kept, 8 bytes each: percentiles are exact, and the same whoever derives them from the events.

    Args:
        clock: stamps what is written.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._exchanges: dict[str, _Exchange] = {}
        self._counted = 0

    def resume(self, events: Iterable[Event]) -> None:
        """Count what happened before a restart: the events of the log, from its beginning."""
        for event in events:
            self.take(event)

    def take(self, event: Event) -> None:
        """Count one event.

        Raises:
            NotProven: the payload lacks what is counted.
            Fault: it holds something wrong, an order that is open already, or the end of one that is not open.
        """
        if event.type != EventType.ORDER_SUBMITTED and event.type not in ENDINGS:
            return
        with self._mutex:
            exchange = self._exchanges.setdefault(event.text("exchange"), _Exchange())
            order = event.text("cl_ord_id")
            if event.type in (EventType.ORDER_SUBMITTED, EventType.ORDER_REJECTED):
                self._attempted(exchange, order, event)
            else:
                self._ended(exchange, order, event)
            self._counted += 1

    def snapshot(self) -> dict[str, Any]:
        """The figures of this moment, as they are written."""
        with self._mutex:
            moment = datetime.fromtimestamp(self._clock.time(), UTC).isoformat()
            totals = [_totals(exchange.statuses) for exchange in self._exchanges.values()]
            fills = [seconds for exchange in self._exchanges.values() for seconds in exchange.fill_s]
            attempts, success = (sum(total[key] for total in totals) for key in ("attempts", "success"))
            return {
                "generated_at": moment,
                "events_counted": self._counted,
                "attempts_total": attempts,
                "success_total": success,
                "failure_total": attempts - success,
                "success_rate": rate(success, attempts),
                "avg_fill_time_s": mean(fills),
                "by_exchange": {name: _figures(exchange) for name, exchange in sorted(self._exchanges.items())},
            }

    def write(self, path: Path) -> None:
        """Replace the file as a whole; whoever reads it sees the old one or the new one.

        Raises:
            OSError: it cannot be written.
        """
        with self._writing:  # so that an older snapshot cannot replace a newer one
            data = json.dumps(self.snapshot(), indent=2, allow_nan=False).encode() + b"\n"
            replace_file(path, data)

    def _attempted(self, exchange: _Exchange, order: str, event: Event) -> None:
        if order in exchange.open:
            raise Fault(f"{event.where}: expected a new order, found {order} again. Next: give each order an id.")
        side, latency = event.text("side"), event.seconds("latency_s")
        if event.type == EventType.ORDER_SUBMITTED:
            exchange.open[order] = _Placed(side, event.amount("fee_assumed_pct"))
            exchange.accepted_s.append(latency)
            return
        exchange.fail_reasons[event.text("reason")] += 1
        exchange.rejected_s.append(latency)
        _count(exchange, side, "rejected")

    def _ended(self, exchange: _Exchange, order: str, event: Event) -> None:
        placed = exchange.open.get(order)
        if placed is None:
            raise Fault(
                f"{event.where}: expected the end of an order that is open, found {event.type} of {order}, which was "
                "never submitted or has ended before. Next: let each order end once."
            )
        if event.type == EventType.ORDER_FILL:
            seconds, error = event.seconds("fill_time_s"), fee_error(placed.fee_assumed_pct, event)
            exchange.fill_s.append(seconds)
            if error is None:
                exchange.fees_unknown += 1
            else:
                exchange.fee_errors.append(error)
        del exchange.open[order]
        _count(exchange, placed.side, ENDINGS[EventType(event.type)])


def fee_error(assumed_pct: Decimal | None, fill: Event) -> Decimal | None:
    """How far the assumed fee is from the charged one, in percentage points of what the order cost; None if unknown.

    The charged fee is what the exchange booked, `fee` / `cost` of the fill. A fee that nobody assumed, or that the
    exchange did not tell, is unknown; it is never taken to be the other one.

    Raises:
        Fault: an amount is not a number, or the cost is not positive.
    """
    fee, cost = fill.amount("fee"), fill.amount("cost")
    if cost is not None and cost <= 0:
        raise Fault(f"{fill.where} payload.cost: expected a positive amount, found {cost}. Next: write what was paid.")
    if assumed_pct is None or fee is None or cost is None:
        return None
    return abs(assumed_pct - fee / cost * 100)


def rate(success: int, attempts: int) -> float | None:
    """The share of successes, 0 to 1; None without attempts."""
    return round(success / attempts, DIGITS) if attempts else None


def mean(seconds: Iterable[float]) -> float | None:
    """The arithmetic mean; None of nothing."""
    values = list(seconds)
    return round(math.fsum(values) / len(values), DIGITS) if values else None


def mean_pct(errors: list[Decimal]) -> float | None:
    """The mean of percentages, which are exact until here; None of nothing."""
    return round(float(sum(errors, Decimal(0)) / len(errors)), DIGITS) if errors else None


def _count(exchange: _Exchange, side: str, status: str) -> None:
    exchange.statuses[status] += 1
    exchange.sides.setdefault(side, Counter())[status] += 1


def _totals(statuses: Counter[str]) -> dict[str, int]:
    attempts, success = statuses.total() - statuses[GIVEN_UP], statuses["filled"]
    return {"attempts": attempts, "success": success, "failure": attempts - success}


def _figures(exchange: _Exchange) -> dict[str, Any]:
    totals = _totals(exchange.statuses)
    accepted, rejected = len(exchange.accepted_s), len(exchange.rejected_s)
    return {
        **totals,
        "success_rate": rate(totals["success"], totals["attempts"]),
        "open": len(exchange.open),
        "avg_fill_time_s": mean(exchange.fill_s),
        "fill_time": summary(exchange.fill_s).data(),
        "by_side": {side: _totals(statuses) for side, statuses in sorted(exchange.sides.items())},
        "statuses": dict(sorted(exchange.statuses.items())),
        "place_order": {
            "attempts": accepted + rejected,
            "success": accepted,
            "failure": rejected,
            "success_rate": rate(accepted, accepted + rejected),
            "latency": summary(exchange.accepted_s).data(),
            "failure_latency": summary(exchange.rejected_s).data(),
            "fail_reasons": dict(sorted(exchange.fail_reasons.items())),
        },
        "fee_accuracy": {
            "samples": len(exchange.fee_errors),
            "mean_abs_pct": mean_pct(exchange.fee_errors),
            "unknown_samples": exchange.fees_unknown,
        },
    }
