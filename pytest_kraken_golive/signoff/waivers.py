"""Waivers: a line that is not proven, and that somebody answers for until a day.

The check still runs. A waiver belongs to a line as it is, by its digest, and ends by itself; one that cannot be taken
at its word is a fault of the run, and no waiver.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_kraken_golive.contract import show
from pytest_kraken_golive.policy import Policy, Waiver

SHORTEST_DIGEST = 12
"""Digits of a line's digest that a waiver must give."""


@dataclass(frozen=True)
class InForce:
    """A waiver that counts, as reports show it."""

    line: str
    reason: str
    approver: str
    ticket: str
    expires_at: dt.datetime
    """The first moment at which it counts no more."""


@dataclass(frozen=True)
class Waivable:
    """What a waiver is held against: a line of the run."""

    digest: str
    """Of all that the line is."""
    waivable: bool
    """False: its check says that no waiver may excuse it."""
    signed: bool = False
    """Whether people must sign it: who waives it would answer in their place."""


@dataclass(frozen=True)
class Waivers:
    """The policy's waivers, judged."""

    in_force: Mapping[str, InForce]
    """By line."""
    troubles: tuple[str, ...]
    """What is wrong with the others: each is a NO-GO."""


def judge(policy: Policy, lines: Mapping[str, Waivable], now: dt.datetime, *, all_runbooks: bool) -> Waivers:
    """Hold each waiver against its line and the day.

    Args:
        policy: has the waivers.
        lines: every bound line of the run, by id.
        now: aware.
        all_runbooks: False where somebody named the runbooks to run: a waiver may be for a line of another one.
    """
    in_force: dict[str, InForce] = {}
    troubles: list[str] = []
    for number, waiver in enumerate(policy.waivers):
        place = policy.place("waivers", str(number))
        about = f"{place}: the waiver for {waiver.line!r}"
        line = lines.get(waiver.line)
        if line is None and not all_runbooks:
            continue
        expires_at = _end_of(waiver.expires)
        wrong = _wrong(waiver, line, expires_at, now, policy)
        if wrong is None and waiver.line in in_force:
            wrong = "is the second one for that line. Next: keep one"
        if wrong is not None:
            troubles.append(f"{about} {wrong}")
        elif expires_at is not None:
            in_force[waiver.line] = InForce(waiver.line, waiver.reason, waiver.approver, waiver.ticket, expires_at)
    return Waivers(in_force, tuple(troubles))


def _wrong(  # noqa: PLR0911 - one line per fault
    waiver: Waiver, line: Waivable | None, expires_at: dt.datetime | None, now: dt.datetime, policy: Policy
) -> str | None:
    """Why a waiver does not count; None if it does."""
    if line is None:
        return "names a line that no runbook of this run has. Next: correct the id, or take the waiver out"
    if not line.waivable:
        return "does not count: its check allows none. Next: mend what the line found, and take the waiver out"
    if line.signed:
        return "does not count: people must sign that line, and nobody else answers for it. Next: take the waiver out"
    if expires_at is None:
        return f"expires on a day that is none: expected YYYY-MM-DD, found {show(waiver.expires)}. Next: correct it"
    if expires_at <= now:
        return f"expired on {waiver.expires}. Next: mend what the line found, or decide anew and date the waiver again"
    if expires_at - now > dt.timedelta(days=policy.waiver_max_days + 1):
        return (
            f"expires on {waiver.expires}, more than {policy.waiver_max_days} days ahead (waiver_max_days). "
            "Next: choose an earlier day"
        )
    if len(waiver.digest) < SHORTEST_DIGEST or not line.digest.startswith(waiver.digest.lower()):
        return (
            f"is for another state of the line: its digest is {line.digest[:16]}, found {show(waiver.digest)}. "
            "Next: read line and check again; if the waiver still holds, write that digest"
        )
    return None


def _end_of(expires: object) -> dt.datetime | None:
    """The end of a day in UTC; None if it is none."""
    if isinstance(expires, dt.datetime):
        return None  # YAML took a moment for one: a waiver ends with a day
    if isinstance(expires, str):
        try:
            expires = dt.date.fromisoformat(expires.strip())
        except ValueError:
            return None
    if not isinstance(expires, dt.date):
        return None
    try:
        return dt.datetime.combine(expires + dt.timedelta(days=1), dt.time(), dt.UTC)
    except OverflowError:
        return None


def unused(waivers: Mapping[str, InForce], passed: Iterable[str]) -> list[str]:
    """Waivers for lines that pass, in words."""
    good = set(passed)
    return [
        f"the waiver for {line!r} is not needed: the line passes. Next: take it out of config/golive.yaml"
        for line in waivers
        if line in good
    ]
