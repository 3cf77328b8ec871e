"""An account's ledger: every change of a balance, in order, with the balance that it led to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from .orders import ZERO, Ids

EntryType = Literal["trade", "deposit", "adjustment"]
"""Why a balance changed; the other types of Kraken's do not occur here."""


@dataclass(slots=True)
class LedgerEntry:
    """A change of one balance (Kraken: ledgers)."""

    id: str
    """Id of the entry, `L...`."""
    refid: str
    """Id of the trade, or of the payment."""
    at: float
    """Unix time in seconds."""
    type: EntryType
    """Why."""
    asset: str
    """Asset id."""
    amount: Decimal
    """What came in, or with a minus went out."""
    fee: Decimal
    """Fee, taken besides."""
    balance: Decimal
    """Balance after it."""


class Ledger:
    """Balances and how they came about."""

    def __init__(self, owner: str) -> None:
        self.balances: dict[str, Decimal] = {}
        self.entries: dict[str, LedgerEntry] = {}
        """By id, oldest first."""
        self._ids = Ids(f"ledger/{owner}")

    def book(
        self, kind: EntryType, asset: str, amount: Decimal, at: float, *, fee: Decimal = ZERO, refid: str = ""
    ) -> str:
        """Change a balance by an amount less a fee, and note it; gives the entry's id."""
        balance = self.balances.get(asset, ZERO) + amount - fee
        self.balances[asset] = balance
        name = self._ids.next("L")
        self.entries[name] = LedgerEntry(name, refid or self._ids.next("Q"), at, kind, asset, amount, fee, balance)
        return name
