"""The fee ladder: maker and taker rates by 30-day volume, as fractions of cost."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from decimal import Decimal

from .market import data_file


@dataclass(frozen=True, slots=True)
class FeeTier:
    """A rung of the ladder; rates in percent, as Kraken prints them."""

    volume_usd: Decimal
    """30-day volume from which it holds."""
    maker_pct: Decimal
    """Percent of cost for resting orders."""
    taker_pct: Decimal
    """Percent of cost for orders that take."""


LADDER = tuple(
    FeeTier(Decimal(volume), Decimal(maker), Decimal(taker))
    for volume, maker, taker in data_file("fees.json")["rows_volume_maker_taker"]
)
"""From the lowest volume to the highest (Kraken: fee schedule since 2026-07-09)."""

_STEPS = [tier.volume_usd for tier in LADDER]
_MAKER = [tier.maker_pct / 100 for tier in LADDER]
_TAKER = [tier.taker_pct / 100 for tier in LADDER]


def tier_index(volume_usd: Decimal) -> int:
    """Which rung a 30-day volume stands on."""
    return bisect_right(_STEPS, volume_usd) - 1


def rate(volume_usd: Decimal, *, maker: bool) -> Decimal:
    """Fee as a fraction of cost, e.g. 0.008 for 0.80 %."""
    return (_MAKER if maker else _TAKER)[tier_index(volume_usd)]


def fee_answer(volume_usd: Decimal, *, maker: bool) -> dict[str, str | None]:
    """The entry of one pair in TradeVolume: percent with four decimals, nulls above the top rung."""
    index = tier_index(volume_usd)
    rates = [tier.maker_pct if maker else tier.taker_pct for tier in LADDER]
    above = LADDER[index + 1] if index + 1 < len(LADDER) else None
    return {
        "fee": f"{rates[index]:.4f}",
        "minfee": f"{min(rates):.4f}",
        "maxfee": f"{max(rates):.4f}",
        "nextfee": None if above is None else f"{rates[index + 1]:.4f}",
        "nextvolume": None if above is None else f"{above.volume_usd:.4f}",
        "tiervolume": f"{LADDER[index].volume_usd:.4f}",
    }
