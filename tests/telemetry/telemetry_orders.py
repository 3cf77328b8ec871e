"""Streams of order events, as a bot would log them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_kraken_golive.telemetry.events import Event, EventType

SECONDS = st.floats(0, 100, allow_nan=False)
AMOUNTS = st.none() | st.decimals("0.01", 100, places=4).map(str)


def submitted(order: str = "a", **payload: Any) -> Event:
    return _event(EventType.ORDER_SUBMITTED, order, {"side": "buy", "latency_s": 0.1, **payload})


def rejected(order: str = "a", **payload: Any) -> Event:
    return _event(
        EventType.ORDER_REJECTED,
        order,
        {"side": "buy", "latency_s": 0.2, "reason": "EOrder:Insufficient funds", **payload},
    )


def filled(order: str = "a", **payload: Any) -> Event:
    return _event(EventType.ORDER_FILL, order, {"fill_time_s": 1.5, **payload})


def ended(type: EventType, order: str = "a", **payload: Any) -> Event:
    return _event(type, order, payload)


def _event(type: EventType, order: str, payload: dict[str, Any]) -> Event:
    return Event(1_790_000_000.0, type, {"exchange": "kraken", "cl_ord_id": order, **payload})


@st.composite
def order_streams(draw: st.DrawFn) -> list[Event]:
    """Orders on several exchanges that overlap in time, each with its life or a part of it."""
    waiting: list[list[Event]] = []
    for number in range(draw(st.integers(0, 12))):
        here = {"exchange": draw(st.sampled_from(["kraken", "other"]))}
        first = {**here, "side": draw(st.sampled_from(["buy", "sell"])), "latency_s": draw(SECONDS)}
        if draw(st.booleans()):
            waiting.append([rejected(str(number), **first, reason=draw(st.sampled_from(["funds", "price"])))])
            continue
        life = [submitted(str(number), **first, fee_assumed_pct=draw(AMOUNTS))]
        end = draw(st.sampled_from(["fill_timeout", "fill_error", "given_up", "fill", "open"]))
        if end == "fill":
            life.append(filled(str(number), **here, fill_time_s=draw(SECONDS), fee=draw(AMOUNTS), cost=draw(AMOUNTS)))
        elif end != "open":
            life.append(ended(EventType(f"order_{end}"), str(number), **here))
        waiting.append(life)
    stream = []
    while waiting:
        life = draw(st.sampled_from(waiting))
        stream.append(life.pop(0))
        waiting = [one for one in waiting if one]
    return stream
