"""How the bot behaved at the exchange: what it asked for that it has no business with, and what it was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_kraken_golive.contract import Evidence

MONEY_OUT = ("Withdraw", "WalletTransfer", "AccountTransfer")
"""Beginnings of the endpoints that take money away (Kraken: Funding, Subaccounts)."""

STRANGE = "(unknown)"
"""What the books call an endpoint that this exchange does not have."""

ORDINARY = ("EOrder:Post only order", "EOrder:Unknown order", "EOrder:Cancel pending", "EService:")
"""Refusals that belong to trading: the book moved, the order is gone already, the market is closed."""

COUNTED = ("imit exceeded", "Throttled")
"""Rate limits, which the bot's own counters are held against."""

GRAVE = ("EAPI:", "EGeneral:Permission denied", "EGeneral:Temporary lockout")
"""Refusals that no order explains: the key, its signature, nonce or rights. One is enough."""

MOST_REFUSALS = 1
"""An order may be refused once; a bot that goes on so is not ready."""


def require_good_conduct(books: Mapping[str, Any], evidence: Evidence, *, who: str = "bot") -> None:
    """Fail for calls that a paper bot has no business with, and for refusals that no trading explains.

    Args:
        books: the exchange's books of the bot.
        evidence: takes what was refused.
        who: which run of the bot, for messages.
    """
    calls: Mapping[str, int] = books["by_endpoint"]
    evidence.record("exchange", dict(books["errors"]), key=f"books.{who}.errors")
    out = {name: count for name, count in calls.items() if name.startswith(MONEY_OUT)}
    assert not out, (
        f"exchange: the {who} called {next(iter(out))} ({sum(out.values())} such calls in all), expected none: it "
        "takes money away. Next: take these calls out of the bot, and the right to withdraw from its key."
    )
    assert STRANGE not in calls, (
        f"exchange: the {who} made {calls[STRANGE]} calls to endpoints that are not there, expected none. "
        "Next: see by_endpoint in the evidence and the bot's log, and correct what it calls."
    )
    refused = {text: n for text, n in books["errors"].items() if not _is_ordinary(text)}
    grave = {text: n for text, n in refused.items() if text.startswith(GRAVE)}
    for found, most in ((grave, 0), (refused, MOST_REFUSALS)):
        count = sum(found.values())
        assert count <= most, (
            f"exchange: it refused {count} requests of the {who}, expected at most {most}; first "
            f"{next(iter(found))!r}. Next: correct what the bot asks for, and let it count what it is refused."
        )


def _is_ordinary(text: str) -> bool:
    return text.startswith(ORDINARY) or any(words in text for words in COUNTED)
