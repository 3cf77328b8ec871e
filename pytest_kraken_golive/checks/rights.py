"""What a key may do: the documents' words, Kraken's names for them, and what its page of API keys calls them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

PERMISSIONS = {
    "read": ("query-funds", "query-open-trades", "query-closed-trades"),
    "trade": ("modify-trades", "close-trades"),
    "withdraw": ("withdraw-funds", "add-withdraw-address", "update-withdraw-address"),
}
"""What the documents call a permission, and Kraken's names for it (Kraken: Get API key info)."""

Words = Annotated[list[Literal["read", "trade", "withdraw"]], Field(min_length=1)]
"""The documents' words for permissions; a misspelt one stops the collection."""

_ON_THE_PAGE = {
    "query-funds": "Funds permissions - Query",
    "withdraw-funds": "Funds permissions - Withdraw",
    "query-open-trades": "Orders and trades - Query open orders & trades",
    "query-closed-trades": "Orders and trades - Query closed orders & trades",
    "modify-trades": "Orders and trades - Create & modify orders",
    "close-trades": "Orders and trades - Cancel & close orders",
}
"""Under which words a person finds a right at the exchange (Kraken: each endpoint's API key permissions)."""


def require_rights(granted: Sequence[str], required: Iterable[str], forbidden: Iterable[str], whose: str) -> None:
    """Fail unless a key may do all that is required and nothing that is forbidden.

    Args:
        granted: Kraken's names of what it may do, as the exchange says.
        required: the documents' words.
        forbidden: the documents' words.
        whose: the key, for messages: `exchange GetApiKeyInfo.permissions`.

    Raises:
        AssertionError: names every right that is missing, or one too many, also as the exchange's page calls it.
    """
    needed = [name for word in required for name in PERMISSIONS[word]]
    banned = [name for word in forbidden for name in PERMISSIONS[word]]
    missing = [name for name in needed if name not in granted]
    assert not missing, (
        f"{whose}: expected {', '.join(needed)}, found {', '.join(granted) or 'none'} without "
        f"{', '.join(map(_named, missing))}. Next: grant it to the key at the exchange."
    )
    excess = [name for name in banned if name in granted]
    assert not excess, (
        f"{whose}: expected none of {', '.join(banned)}, found {', '.join(map(_named, excess))}. "
        "Next: make a new key without it at the exchange, and delete this one."
    )


def _named(right: str) -> str:
    return f"{right} ({_ON_THE_PAGE[right]})" if right in _ON_THE_PAGE else right
