"""How long a recording counts, and what a reader of a verdict must know about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.kraken.endpoint import EndpointError, resolve_endpoint
from pytest_kraken_golive.recording.cassette import EMBEDDED, Cassette, Place

_AHEAD = dt.timedelta(minutes=5)
"""Clocks of two machines may differ by so much."""


def require_valid(
    cassette: Cassette, place: Place, now: dt.datetime, days: float, sandbox_hosts: Sequence[str]
) -> None:
    """See that a recording may stand for its exchange.

    One of the embedded exchange never expires, so that a suite does not turn red by the calendar.

    Args:
        cassette: the recording.
        place: where it lies.
        now: the time, UTC.
        days: how long one of a remote sandbox counts.
        sandbox_hosts: the hosts that the policy calls sandboxes.

    Raises:
        Fault: it is too old, from the future, or of an exchange that is no sandbox.
    """
    age = now - cassette.recorded_at
    if age < -_AHEAD:
        raise Fault(
            f"{place.shown} recorded_at: expected a time that has passed, found {cassette.recorded_at.isoformat()}. "
            f"{place.next_step}"
        )
    if cassette.origin == EMBEDDED:
        return
    try:
        resolve_endpoint(base_url=cassette.origin, use_sandbox=True, environ={}, sandbox_hosts=sandbox_hosts)
    except EndpointError:
        raise Fault(
            f"{place.shown} origin: expected {EMBEDDED} or a host of kraken.sandbox_hosts in config/golive.yaml, found "
            f"{cassette.origin}. Next: list {urlsplit(cassette.origin).hostname} there if it is a sandbox, or "
            f"record from one: {place.command}"
        ) from None
    if age > dt.timedelta(days=days):
        raise Fault(
            f"{place.shown} recorded_at: expired: recorded {age.days} days ago from {cassette.origin}, expected at "
            f"most {days:g} days (kraken.recordings_valid_days in config/golive.yaml). {place.next_step}"
        )


def described(cassette: Cassette, place: Place, now: dt.datetime, behaviour: str) -> dict[str, Any]:
    """What is known of a recording, as JSON data: for the evidence and the verdict's scope.

    `stale` says why the embedded exchange would answer otherwise today; None where nobody knows that it would.
    """
    stale = None
    if cassette.origin == EMBEDDED and cassette.behaviour != behaviour:
        stale = (
            f"recorded from behaviour {cassette.behaviour}, the embedded exchange has {behaviour}. {place.next_step}"
        )
    return {
        "cassette": place.shown,
        "origin": cassette.origin,
        "recorded_at": cassette.recorded_at.isoformat().replace("+00:00", "Z"),
        "age_days": round((now - cassette.recorded_at) / dt.timedelta(days=1), 2),
        "interactions": len(cassette.interactions),
        "stale": stale,
    }
