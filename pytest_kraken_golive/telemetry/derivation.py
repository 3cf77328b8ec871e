"""The figures of `metrics_trading.json`, derived anew from the events: what the bot's own counting is held against.

It shares nothing with the collector but the definitions of a rate, a mean, a percentile and a fee's error. Where the
collector keeps totals, this makes a list of orders and looks at each figure of each of them.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ..contract import Fault, NotProven, show
from .events import Event, EventType
from .percentiles import summary
from .trading_metrics import ENDINGS, GIVEN_UP, fee_error, mean, mean_pct, rate

TOLERANCE = 1e-6
"""Relative: how far other programs' rounding may be off."""

OURS = frozenset(
    {"events_counted", "open", "fill_time", "failure_latency", "p50_upper", "p95_upper", "p99_upper", "latency.samples"}
)
"""Figures that only our collector writes; another bot's file need not hold them, but they must be right if it does."""

_NAMES_MET = ("by_exchange", "by_side", "statuses", "fail_reasons")
"""Below these the keys are what the bot met, so that one more is one too many."""


class Life(NamedTuple):
    """What became of one order."""

    exchange: str
    """Where it was placed."""
    side: str
    """`buy` or `sell`."""
    latency_s: float
    """How long the exchange took to accept or reject it."""
    status: str
    """How it ended; empty: it has not."""
    reason: str = ""
    """Why it was rejected."""
    fill_s: float = 0.0
    """How long it took to be filled."""
    fee_error: Decimal | None = None
    """Of a filled order; see `trading_metrics.fee_error`."""


def derive(events: Iterable[Event], counted: int | None = None) -> dict[str, Any]:
    """The figures that these events give, without `generated_at`.

    Args:
        events: from the log's beginning.
        counted: only the first so many events of orders: the file's `events_counted`, when it was written.

    Raises:
        NotProven: a payload lacks what is counted.
        Fault: an order begins or ends twice, or ends without a beginning.
    """
    orders = list(lives(itertools.islice(filter(_is_of_an_order, events), counted)))
    by_exchange: dict[str, list[Life]] = defaultdict(list)
    for life in orders:
        by_exchange[life.exchange].append(life)
    ended = [life for life in orders if life.status]
    filled = [life for life in ended if life.status == "filled"]
    submitted_and_ended = sum(life.status not in ("", "rejected") for life in orders)
    return {
        "events_counted": len(orders) + submitted_and_ended,
        **_totals(ended, "_total"),
        "success_rate": rate(len(filled), len(_judged(ended))),
        "avg_fill_time_s": mean(life.fill_s for life in filled),
        "by_exchange": {name: _figures(each) for name, each in by_exchange.items()},
    }


def lives(events: Iterable[Event]) -> Iterator[Life]:
    """The orders in these events of orders, as they end; those that do not end come last. An id may be used again.

    Raises:
        NotProven: a payload lacks what is counted.
        Fault: an order begins or ends twice, or ends without a beginning.
    """
    open_orders: dict[tuple[str, str], tuple[Life, Decimal | None]] = {}
    for event in events:
        begins = event.type in (EventType.ORDER_SUBMITTED, EventType.ORDER_REJECTED)
        exchange, order = event.text("exchange"), event.text("cl_ord_id")
        placed = open_orders.pop((exchange, order), None)
        if begins is (placed is not None):
            raise Fault(
                f"{event.where}: expected each order to begin once and to end once, found {event.type} of {order} "
                f"{'while it is open' if begins else 'which is not open'}. Next: correct the program that writes it."
            )
        if placed is not None:
            yield _ended(*placed, event)
            continue
        life = Life(exchange, event.text("side"), event.seconds("latency_s"), "")
        if event.type == EventType.ORDER_REJECTED:
            yield life._replace(status="rejected", reason=event.text("reason"))
        else:
            open_orders[exchange, order] = life, event.amount("fee_assumed_pct")
    yield from (life for life, _ in open_orders.values())


def differences(found: Any, derived: Any, key: str = "") -> list[str]:
    """Where figures are not those that were derived: `KEY: expected …, found …`. Further keys in `found` are no matter.

    Raises:
        NotProven: a figure is missing.
    """
    if not isinstance(derived, Mapping):
        return [] if _same(found, derived) else [f"{key}: expected {show(derived, 60)}, found {show(found, 60)}"]
    if not isinstance(found, Mapping):
        return [f"{key or 'the file'}: expected an object, found {show(found, 60)}"]
    lines: list[str] = []
    for name, value in derived.items():
        below = f"{key}.{name}" if key else name
        if name in found:
            lines += differences(found[name], value, below)
        elif name not in OURS and ".".join(below.split(".")[-2:]) not in OURS:
            raise NotProven(f"{below}: expected {show(value, 60)}, found no such key. Next: let the bot write it.")
    if key.rpartition(".")[2] in _NAMES_MET:
        extra = [name for name in found if name not in derived]
        lines += [f"{key}.{name}: expected no such entry, found {show(found[name], 60)}" for name in extra]
    return lines


def _is_of_an_order(event: Event) -> bool:
    return event.type == EventType.ORDER_SUBMITTED or event.type in ENDINGS


def _same(found: Any, derived: Any) -> bool:
    if derived is None or type(found) not in (int, float):
        return found is None and derived is None
    return math.isclose(found, derived, rel_tol=TOLERANCE, abs_tol=TOLERANCE / 1000)


def _ended(life: Life, assumed_pct: Decimal | None, end: Event) -> Life:
    status = ENDINGS[EventType(end.type)]
    if status != "filled":
        return life._replace(status=status)
    return life._replace(status=status, fill_s=end.seconds("fill_time_s"), fee_error=fee_error(assumed_pct, end))


def _figures(orders: Sequence[Life]) -> dict[str, Any]:
    ended = [life for life in orders if life.status]
    filled = [life for life in ended if life.status == "filled"]
    rejected = [life for life in ended if life.status == "rejected"]
    accepted = [life for life in orders if life.status != "rejected"]
    fees = [life.fee_error for life in filled if life.fee_error is not None]
    sides = {life.side for life in ended}
    return {
        **_totals(ended),
        "success_rate": rate(len(filled), len(_judged(ended))),
        "open": len(orders) - len(ended),
        "avg_fill_time_s": mean(life.fill_s for life in filled),
        "fill_time": summary([life.fill_s for life in filled]).data(),
        "by_side": {side: _totals([life for life in ended if life.side == side]) for side in sides},
        "statuses": dict(Counter(life.status for life in ended)),
        "place_order": {
            "attempts": len(orders),
            "success": len(accepted),
            "failure": len(rejected),
            "success_rate": rate(len(accepted), len(orders)),
            "latency": summary([life.latency_s for life in accepted]).data(),
            "failure_latency": summary([life.latency_s for life in rejected]).data(),
            "fail_reasons": dict(Counter(life.reason for life in rejected)),
        },
        "fee_accuracy": {
            "samples": len(fees),
            "mean_abs_pct": mean_pct(fees),
            "unknown_samples": len(filled) - len(fees),
        },
    }


def _judged(ended: Iterable[Life]) -> list[Life]:
    """Those whose end says something of exchange or bot."""
    return [life for life in ended if life.status != GIVEN_UP]


def _totals(ended: Sequence[Life], suffix: str = "") -> dict[str, int]:
    attempts, success = len(_judged(ended)), sum(life.status == "filled" for life in ended)
    figures = {"attempts": attempts, "success": success, "failure": attempts - success}
    return {f"{name}{suffix}": figure for name, figure in figures.items()}
