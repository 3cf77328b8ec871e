"""Whether a client of the project's own does what the lines about it say, under trouble that the gate ordered.

Its tests may expect the trouble to be raised, and read again by hand: that shows nothing of the client. So it is asked
to read once in each scene, and the exchange's books say how often it really did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_kraken_golive.checks.suite_scenes import retried_reads
from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.rehearsal.child_pytest import BAD_GATEWAY, RATE_LIMITED, SIGNED, Case, OwnClient
from pytest_kraken_golive.sandbox.refusals import RATE_LIMIT

LEAST_WAIT_S = 0.1
"""Seconds after which a client that was told to slow down may ask again: below, it does not wait at all."""

Books = dict[str, Any]


def require_copes(client: OwnClient, books: Books) -> dict[str, Any]:
    """What the client did in each scene that it was brought into, by behaviour.

    Raises:
        AssertionError: it raised where it must answer, or hammers.
        NotProven: it could not be asked, or the books do not show what it says.
    """
    place = f"{client.file} kraken_client ({client.name})"
    if client.problem is not None:
        raise NotProven(f"{place}: could not be asked: {client.problem}. Next: let the fixture work without a test.")
    found = {}
    for name, told in client.driven.items():
        wanted, step, seen = _SCENES[name]
        assert told["error"] is None, (
            f"{place}: expected that {wanted}, found that it raised or gave nothing: {told['error']}. Next: {step}."
        )
        found[name] = seen(books, Case(name, "passed", "", told["started_s"], told["ended_s"]))
        if not found[name]:
            raise NotProven(
                f"{place}: expected that {wanted}; it answered, but the books of the exchange at kraken_sandbox.url do "
                f"not show it. Next: {step}, and let it call that exchange."
            )
        if name == RATE_LIMITED:
            assert found[name] >= LEAST_WAIT_S, (
                f"{place}: expected that {wanted}, found that it asked again after {found[name]:.3f} s. Next: {step}."
            )
    return found


def _within(books: Books, scene: Case) -> list[dict[str, Any]]:
    calls = sorted(books["calls"], key=lambda call: float(call["at_s"]))
    return [call for call in calls if scene.started_s <= call["at_s"] <= scene.ended_s]


def _signed(books: Books, scene: Case) -> int:
    """How many private calls were accepted."""
    return sum("/private/" in call["path"] and call["errors"] == [] for call in _within(books, scene))


def _retried(books: Books, scene: Case) -> list[str]:
    return retried_reads(books, [scene])


def _waited(books: Books, scene: Case) -> float | None:
    """Seconds between the refusal and the next call of the same endpoint, if that was answered in the end."""
    calls = _within(books, scene)
    for place, call in enumerate(calls):
        again = [later for later in calls[place + 1 :] if later["path"] == call["path"]]
        if RATE_LIMIT in (call["errors"] or []) and any(later["errors"] == [] for later in again):
            return float(again[0]["at_s"] - call["at_s"])
    return None


_SCENES: dict[str, tuple[str, str, Callable[[Books, Case], Any]]] = {
    SIGNED: (
        "get_account_balance() signs a call that the exchange accepts",
        "let it sign with the credentials of kraken_sandbox",
        _signed,
    ),
    BAD_GATEWAY: (
        "a read that is answered with HTTP 502 is tried again and returns",
        "let the client itself try reads again",
        _retried,
    ),
    RATE_LIMITED: (
        f"a read that is answered with {RATE_LIMIT} waits, is tried again and returns",
        f"let the client itself wait, at least {LEAST_WAIT_S:g} s, and try again",
        _waited,
    ),
}
"""What is expected, the next step, and what the books show of it."""
