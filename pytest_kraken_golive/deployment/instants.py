"""Moments in files: ISO-8601 with a zone, read as aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..clock import Clock
from ..contract import Fault, Found
from .documents import unlike


def instant(text: str) -> datetime:
    """The moment that an ISO-8601 text names, as aware UTC.

    Raises:
        ValueError: it is none, has no zone, or lies outside of what dates can say.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it has no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is out of range") from error


def as_instant(found: Found) -> Found:
    """The same with the moment as its value.

    Raises:
        Fault: it is no text, no ISO-8601, or has no zone.
    """
    example = "write it like 2026-11-20T09:31:05+00:00"
    if not isinstance(found.value, str):
        raise unlike(found, "a time as text", example)
    try:
        return Found(instant(found.value), found.where)
    except ValueError as error:
        raise unlike(found, f"a time in ISO-8601 with its zone ({error})", example) from error


def now(clock: Clock) -> datetime:
    """The clock's time as aware UTC."""
    return datetime.fromtimestamp(clock.time(), UTC)


def fresh(found: Found, clock: Clock, max_age: timedelta, do: str) -> Found:
    """The same if the moment is not in the future and not older than `max_age`.

    Args:
        found: a moment, as `as_instant` gives it.
        clock: the present.
        max_age: the largest age that is accepted.
        do: the next step if it is too old.

    Raises:
        Fault: it is older, or in the future.
    """
    age = now(clock) - found.value
    if age < timedelta(0):
        raise Fault(
            f"{found.where}: expected a time up to now ({now(clock).isoformat()}), found {found.value.isoformat()}, "
            "which is in the future. Next: check the clocks of both machines."
        )
    if age > max_age:
        raise Fault(
            f"{found.where}: expected an age of at most {max_age}, found {age} ({found.value.isoformat()}). Next: {do}."
        )
    return found
