"""What is traded: assets, pairs with their precision and minimums, and the names under which they are known."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from .refusals import UNKNOWN_ASSET, UNKNOWN_PAIR, Refusal


@cache
def data_file(name: str) -> Any:
    """The parsed JSON of a file in `sandbox/data`."""
    return json.loads(resources.files(__package__).joinpath("data", name).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset and its precision."""

    id: str
    """Kraken's id, e.g. `XXBT`."""
    decimals: int
    """Decimals of balances."""
    facts: dict[str, Any]
    """The entry as Assets shows it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A pair, its precision and its minimums (Kraken: AssetPairs)."""

    id: str
    """Kraken's id, e.g. `XXBTZUSD`."""
    altname: str
    """Short name, e.g. `XBTUSD`; orders show it."""
    slash: str
    """Name of 2026, e.g. `BTC/USD`."""
    wsname: str
    """The catalogue's `wsname`, e.g. `XBT/USD`."""
    base: str
    """Asset id of what is bought and sold."""
    quote: str
    """Asset id of what is paid with."""
    price_decimals: int
    """Decimals that a price may have."""
    cost_decimals: int
    """Decimals to which cost and fee are rounded."""
    lot_decimals: int
    """Decimals that a volume may have."""
    tick: Decimal
    """Smallest step of a price."""
    ordermin: Decimal
    """Smallest volume, in base units."""
    costmin: Decimal
    """Smallest cost, in quote units."""
    reference: Decimal
    """Price at which the invented market starts."""
    facts: dict[str, Any]
    """The entry as AssetPairs shows it."""
    cost_quantum: Decimal = field(init=False)
    """One unit of the last cost decimal."""
    lot_quantum: Decimal = field(init=False)
    """One unit of the last lot decimal."""
    fee_quantum: Decimal = Decimal("1e-10")
    """One unit in which fees in base units are reckoned: the most decimals that a balance has."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lot_quantum", Decimal(1).scaleb(-self.lot_decimals))
        object.__setattr__(self, "cost_quantum", Decimal(1).scaleb(-self.cost_decimals))

    @property
    def quote_decimals(self) -> int:
        """Decimals of prices in market data: at least five, as recorded (`83930.30000`)."""
        return max(5, self.price_decimals)


def _load_pair(name: str, entry: dict[str, Any]) -> Pair:
    facts = entry["facts"]
    return Pair(
        id=name,
        altname=facts["altname"],
        slash=entry["slash"],
        wsname=facts["wsname"],
        base=facts["base"],
        quote=facts["quote"],
        price_decimals=facts["pair_decimals"],
        cost_decimals=facts["cost_decimals"],
        lot_decimals=facts["lot_decimals"],
        tick=Decimal(facts["tick_size"]),
        ordermin=Decimal(facts["ordermin"]),
        costmin=Decimal(facts["costmin"]),
        reference=Decimal(entry["reference"]),
        facts=facts,
    )


class Market:
    """Assets and pairs by every name that the exchange takes."""

    def __init__(self, *, accept_wsname: bool = False) -> None:
        self.assets = {
            name: Asset(name, facts["decimals"], facts) for name, facts in data_file("assets.json")["assets"].items()
        }
        self.pairs = {name: _load_pair(name, entry) for name, entry in data_file("pairs.json")["pairs"].items()}
        self._assets_by_name = self.assets | {asset.facts["altname"]: asset for asset in self.assets.values()}
        self._pairs_by_name: dict[str, Pair] = {}
        for pair in self.pairs.values():
            for name in (pair.id, pair.altname, pair.slash, *([pair.wsname] if accept_wsname else [])):
                self._pairs_by_name[name] = pair

    def asset(self, name: str) -> Asset:
        """The asset of that id or altname; refused as `EQuery:Unknown asset`."""
        found = self._assets_by_name.get(name)
        if found is None:
            raise Refusal(UNKNOWN_ASSET)
        return found

    def pair(self, name: str) -> Pair:
        """The pair of that id, altname or slash name; refused as `EQuery:Unknown asset pair`."""
        found = self._pairs_by_name.get(name)
        if found is None:
            raise Refusal(UNKNOWN_PAIR)
        return found

    def find_pair(self, name: str | None) -> Pair | None:
        """The pair of that name, or None."""
        return None if name is None else self._pairs_by_name.get(name)


def answer_key(name: str, pair: Pair) -> str:
    """The key under which an answer shows a pair that was asked for by this name."""
    return name if "/" in name else pair.id
