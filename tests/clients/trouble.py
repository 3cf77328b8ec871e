"""What a foreign client does when placing an order goes wrong: how often it sends, what its caller is told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from steps import Steps

_CALLS = 40

KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("reset, nothing handled", {"kind": "reset_before"}),
    ("reset after the order was taken", {"kind": "reset_after"}),
    ("half a body after the order was taken", {"kind": "truncated"}),
    ("half a chunk after the order was taken", {"kind": "truncated_chunk"}),
    ("502 after the order was taken", {"kind": "http", "status": 502, "handled": True}),
    ("504 after the order was taken", {"kind": "http", "status": 504, "handled": True}),
    ("520 after the order was taken", {"kind": "http", "status": 520, "handled": True}),
    ("EService:Busy after the order was taken", {"kind": "error", "error": "EService:Busy", "handled": True}),
    ("EGeneral:Internal error", {"kind": "error", "error": "EGeneral:Internal error", "handled": True}),
    ("EService: Throttled", {"kind": "throttled"}),
    ("an invalid nonce", {"kind": "stale_nonce"}),
    ("an error string that nobody knows", {"kind": "error", "error": "EOrder:Moon phase not met"}),
    ("a warning beside the result", {"kind": "error", "error": "WDatabase:No change", "handled": True}),
)


def explore(steps: Steps, place: Callable[[], object]) -> None:
    """Place an order under each kind of trouble and print a row of the table in docs/sandbox.md.

    Args:
        steps: the session.
        place: places one order that rests, as the client's documentation shows it.
    """
    for name, fault in KINDS:
        before = _placed(steps)
        with steps.fault(endpoint="AddOrder", **fault):
            try:
                told = f"returns {_short(place())}"
            except Exception as error:
                told = f"raises {type(error).__module__.partition('.')[0]}.{type(error).__name__}"
        after = _placed(steps)
        sent, taken = after[0] - before[0], after[1] - before[1]
        steps.finding(f"{name}: sent {sent}, in the books {taken}, {told}")


def explore_threads(steps: Steps, ask: Callable[[], object]) -> None:
    """Let eight threads share the client, and show how many of their calls the exchange refuses for their nonce.

    Args:
        steps: the session.
        ask: makes one signed call that changes nothing.
    """
    before = _refused_nonces(steps)

    def quietly(_number: int) -> None:
        with contextlib.suppress(Exception):
            ask()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(quietly, range(_CALLS)))
    steps.finding(f"eight threads: {_refused_nonces(steps) - before} of {_CALLS} calls refused for their nonce")


def _refused_nonces(steps: Steps) -> int:
    found: int = steps.admin("GET", "/books?door=main")["errors"].get("EAPI:Invalid nonce", 0)
    return found


def _placed(steps: Steps) -> tuple[int, int]:
    """Requests to AddOrder, and orders taken, so far."""
    books = steps.admin("GET", "/books?door=main")
    return books["by_endpoint"].get("AddOrder", 0), len(books["orders"])


def _short(value: object) -> str:
    if isinstance(value, dict) and value.get("error"):
        return f"the error array {value['error']}"
    return "an order as if nothing were" if value else repr(value)
