"""The events of the live bot: one JSON object per line of `runtime/events.jsonl`, {ts, type, payload}.

An attempt to place an order ends in `order_submitted` (the exchange answered with an order id) or in `order_rejected`.
A submitted order ends in exactly one of `order_fill` (all of it was filled), `order_fill_timeout`, `order_fill_error`
and `order_given_up` (trading was suspended while it was open). What the bot assumes of a fee stands in
`order_submitted`, before there is a fill to copy it from; what the exchange charged stands in `order_fill`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..contract import Fault, NotProven, show

MAX_LINE_BYTES = 64 * 1024
"""Longer events are refused: they would be no events."""

_ENDLESS_S = 1e12
_AMOUNT = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][-+]?[0-9]{1,2})?")
"""`Decimal` also reads NaN, underscores and the digits of other scripts."""


class EventType(StrEnum):
    """What happened. `volume_rung` is the benchmark's, the last two are the log's own; bots write the others."""

    STARTUP = "startup"
    ORDER_SUBMITTED = "order_submitted"
    ORDER_REJECTED = "order_rejected"
    ORDER_FILL = "order_fill"
    ORDER_FILL_TIMEOUT = "order_fill_timeout"
    ORDER_FILL_ERROR = "order_fill_error"
    ORDER_GIVEN_UP = "order_given_up"
    FF_DECISION = "ff_decision"
    FF_ROLLBACK = "ff_rollback"
    TRADING_SUSPENDED = "trading_suspended"
    VOLUME_RUNG = "volume_rung"
    LOG_RECOVERED = "log_recovered"
    CLOCK_WENT_BACK = "clock_went_back"


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    ts: float
    """Epoch seconds, UTC."""
    type: str
    """An `EventType`; other bots may write types of their own."""
    payload: Mapping[str, Any]
    """JSON data; an order's event holds `exchange` and `cl_ord_id`. Money is text that `Decimal` reads."""
    where: str = "event"
    """File and line, for messages."""

    def text(self, key: str) -> str:
        """A text of the payload that is not empty.

        Raises:
            NotProven: there is none.
            Fault: it is something else.
        """
        return str(self._value(key, "a text that is not empty", lambda value: isinstance(value, str) and value != ""))

    def seconds(self, key: str) -> float:
        """A duration of the payload, in seconds.

        Raises:
            NotProven: there is none.
            Fault: it is not a finite number, or negative.
        """
        return float(self._value(key, "seconds, finite and not negative", _is_duration))

    def amount(self, key: str) -> Decimal | None:
        """An amount of the payload; None if it is absent or null, which is to say: not known.

        Raises:
            Fault: it is not a finite number.
        """
        if self.payload.get(key) is None:
            return None
        value = self._value(key, "a finite decimal number", lambda value: _decimal(value) is not None)
        return _decimal(value)

    def _value(self, key: str, expected: str, fits: Callable[[Any], bool]) -> Any:
        if key not in self.payload:
            raise NotProven(
                f"{self.where}: expected {key} in the payload of {self.type}, found none. "
                f"Next: let the bot write {key} with every {self.type}."
            )
        value = self.payload[key]
        if not fits(value):
            raise Fault(
                f"{self.where} payload.{key}: expected {expected}, found {show(value)}. "
                "Next: correct the program that writes it."
            )
        return value

    def line(self) -> bytes:
        """As a line of the file, with its end.

        Raises:
            ValueError: it is no JSON (not finite, unknown types), or longer than `MAX_LINE_BYTES`.
        """
        record = {"ts": self.ts, "type": str(self.type), "payload": self.payload}
        data = json.dumps(record, allow_nan=False, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
        if len(data) > MAX_LINE_BYTES:
            raise ValueError(f"{self.type}: expected an event of at most {MAX_LINE_BYTES} bytes, found {len(data)}")
        return data


def parse_event(data: bytes, where: str) -> Event:
    """Understand one line.

    Raises:
        Fault: it is no JSON object {ts, type, payload}, or holds what JSON does not have.
    """
    try:
        record = json.loads(data.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _fault(where, f"JSON on one line ({error})", data[:80]) from error
    if not isinstance(record, dict):
        raise _fault(where, "an object {ts, type, payload}", record)
    for key, fits, expected in (
        ("ts", _is_duration, "ts in epoch seconds"),
        ("type", lambda value: isinstance(value, str) and value != "", "type as a text"),
        ("payload", lambda value: isinstance(value, dict), "payload as an object"),
    ):
        if not fits(record.get(key)):
            raise _fault(where, expected, record.get(key, "none"))
    return Event(float(record["ts"]), record["type"], record["payload"], where)


def read_events(path: Path, shown: str, *, live: bool = False) -> Iterator[Event]:
    """The events of a file, one by one, in constant memory.

    Args:
        path: the file.
        shown: how messages call it.
        live: the bot may be writing just now: a last line without its end is left out. Else it is a fault.

    Raises:
        NotProven: there is no file, or it cannot be read.
        Fault: a line is not an event, or is earlier than the one before it.
    """
    last = 0.0
    try:
        with path.open("rb") as file:
            for number, data in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), 1):
                where = f"{shown}:{number}"
                if not data.endswith(b"\n"):
                    if live and len(data) <= MAX_LINE_BYTES:
                        return
                    raise Fault(
                        f"{where}: expected a whole line, found one that is torn off or too long. "
                        "Next: start the bot, whose log moves it aside; keep what is moved aside."
                    )
                event = parse_event(data, where)
                if event.ts < last:
                    raise Fault(
                        f"{where} ts: expected events in the order of time, found {event.ts} after {last}. "
                        "Next: let one writer at a time write this file, with a clock that does not go back."
                    )
                last = event.ts
                yield event
    except OSError as error:
        raise NotProven(
            f"{shown}: expected the event log, found none that can be read: {error.strerror or error}. "
            "Next: let the bot run; it writes its events there."
        ) from error


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < _ENDLESS_S


def _decimal(value: Any) -> Decimal | None:
    if type(value) not in (str, int, float) or not _AMOUNT.fullmatch(str(value)):
        return None
    return Decimal(str(value))


def _fault(where: str, expected: str, found: object) -> Fault:
    return Fault(f"{where}: expected {expected}, found {show(found, 100)}. Next: correct the program that writes it.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice")
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")
