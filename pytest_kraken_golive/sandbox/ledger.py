"""An account's ledger: every change of a balance, in order, with the balance that it led to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from .orders import ZERO, Ids

EntryType = Literal["trade", "deposit", "adjustment"]
"""Why a balance changed; the other types of Kraken's do not occur here."""


@dataclass(slots=True)
class LedgerEntry:
    """A change of one balance (Kraken: ledgers)."""

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
    id: str = ""
    """Id of the entry, `L...`; given when somebody asks for it."""


class Ledger:
    """Balances and how they came about."""

    def __init__(self, owner: str) -> None:
        self.balances: dict[str, Decimal] = {}
        self._ids = Ids(f"ledger/{owner}")
        self._named: dict[str, LedgerEntry] = {}
        self._unnamed: list[LedgerEntry] = []

    @property
    def entries(self) -> dict[str, LedgerEntry]:
        """By id, oldest first."""
        self._name()
        return self._named

    def ids(self, entries: Iterable[LedgerEntry]) -> list[str]:
        """The ids of entries that it booked."""
        self._name()
        return [entry.id for entry in entries]

    def _name(self) -> None:
        """Give ids to what was booked since they were last asked for: drawn in the order of booking all the same."""
        for entry in self._unnamed:
            entry.id = self._ids.next("L")
            entry.refid = entry.refid or self._ids.next("Q")
            self._named[entry.id] = entry
        self._unnamed.clear()

    def book(
        self, kind: EntryType, asset: str, amount: Decimal, at: float, *, fee: Decimal = ZERO, refid: str = ""
    ) -> LedgerEntry:
        """Change a balance by an amount less a fee, and note it."""
        balance = self.balances[asset] = self.balances.get(asset, ZERO) + amount - fee
        entry = LedgerEntry(refid, at, kind, asset, amount, fee, balance)
        self._unnamed.append(entry)
        return entry
