"""What the gate needs of a client. A project may bring its own client; this is all it must offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable


class KeyInfo(Protocol):
    """What the exchange says about a key."""

    @property
    def permissions(self) -> Sequence[str]:
        """Kraken's names: `query-funds`, `modify-trades`, ... (Kraken: Get API key info)."""
        ...


@runtime_checkable
class ExchangeClient(Protocol):
    """A client that is connected with one key."""

    @property
    def base_url(self) -> str:
        """Scheme, host and port of the exchange that it really calls."""
        ...

    def api_key_info(self) -> KeyInfo:
        """What the exchange says about the key; raises where it says nothing."""
        ...

    def get_account_balance(self) -> Mapping[str, Decimal]:
        """Balances by the exchange's asset ids; sends no order; raises where there is no answer."""
        ...
