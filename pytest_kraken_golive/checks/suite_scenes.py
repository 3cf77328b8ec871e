"""What tests must have made happen at the exchange that was started for them, each thing held against its books.

A test that passes proves what it looked at, and a trivial one looks at nothing. The exchange verifies signatures with
code of its own, so what it accepted and refused is evidence of the tests' own doing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.rehearsal.child_pytest import Case
from pytest_kraken_golive.sandbox.refusals import INVALID_SIGNATURE, RATE_LIMIT

WRITES = ("AddOrder", "EditOrder", "AmendOrder", "Cancel")
"""How the names of endpoints begin that place, change or cancel orders: these a client must not simply send again."""

TROUBLE = 500
"""HTTP status from which an answer says that the server failed."""


@dataclass(frozen=True)
class Scene:
    """One thing that must have happened."""

    key: str
    """Its name in the evidence."""
    wanted: str
    """What it is, for a person."""
    how: str
    """How a test makes it happen."""
    seen: Callable[[dict[str, Any], Sequence[Case]], object]
    """From the exchange's books and the tests' times; what is empty or zero did not happen."""


def _accepted(books: dict[str, Any], _cases: Sequence[Case]) -> int:
    return sum(int(key["nonces_accepted"]) for key in books["keys"].values())


def _refused(books: dict[str, Any], _cases: Sequence[Case]) -> int:
    return int(books["signed_wrong"])


def _rate_limited(books: dict[str, Any], _cases: Sequence[Case]) -> int:
    return int(books["errors"].get(RATE_LIMIT, 0))


def retried_reads(books: dict[str, Any], cases: Sequence[Case]) -> list[str]:
    """Reads that met trouble and were answered well later within the same test, as `test: path after trouble`."""
    found = []
    calls = sorted((call for call in books["calls"] if not _writes(call)), key=lambda call: float(call["at_s"]))
    for case in cases:
        troubled: dict[str, str] = {}
        for call in calls:
            if not case.started_s <= call["at_s"] <= case.ended_s:
                continue
            trouble = _trouble(call)
            if trouble:
                troubled[call["path"]] = trouble
            elif call["errors"] == [] and call["path"] in troubled:
                found.append(f"{case.id}: {call['path']} after {troubled.pop(call['path'])}")
    return found


def _writes(call: dict[str, Any]) -> bool:
    return str(call["path"]).rpartition("/")[2].startswith(WRITES)


def _trouble(call: dict[str, Any]) -> str | None:
    """What went wrong on the server's side, None if nothing did."""
    if call["status"] == 0:
        return "no whole answer"
    if call["status"] >= TROUBLE:
        return f"HTTP {call['status']}"
    return next((error for error in call["errors"] or [] if error.startswith("EService:")), None)


ACCEPTED = Scene(
    "accepted_signed_calls",
    "a signed call that it accepts",
    "call kraken_client.get_account_balance()",
    _accepted,
)
REFUSED = Scene(
    "refused_signatures",
    f"a wrong signature that it refuses with {INVALID_SIGNATURE}",
    "sign one call with another secret than kraken_sandbox.credentials has",
    _refused,
)
RETRIED = Scene(
    "retried_reads",
    "a read that fails and is then answered within the same test",
    'kraken_sandbox.fault("http", "Balance", status=502), then read the balance once',
    retried_reads,
)
RATE_LIMITED = Scene(
    "rate_limit_answers",
    f"a call that it answers with {RATE_LIMIT}",
    f'kraken_sandbox.fault("error", "Balance", error="{RATE_LIMIT}"), then read the balance',
    _rate_limited,
)

SIGNING = (ACCEPTED, REFUSED)
SMOKE = (RETRIED, RATE_LIMITED, REFUSED, ACCEPTED)


def missing(scenes: Sequence[Scene], books: dict[str, Any], cases: Sequence[Case]) -> str | None:
    """What did not happen and how a test makes it happen, in words; None if all did."""
    absent = [scene for scene in scenes if not scene.seen(books, cases)]
    if not absent:
        return None
    unseen = "; ".join(scene.wanted for scene in absent)
    if not books["requests"]["total"]:
        return (
            "without a single call to the exchange that was started for it, and mocks of a project's own prove "
            f"nothing. Not seen: {unseen}. Next: use the fixture kraken_sandbox, and do not override it"
        )
    return (
        f"the exchange that was started for it never saw: {unseen}. "
        f"Next: in a test, {'; '.join(scene.how for scene in absent)}"
    )
