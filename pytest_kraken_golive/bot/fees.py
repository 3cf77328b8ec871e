"""What the bot's owner assumes that an order costs, before any fill says what it did cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pytest_kraken_golive.contract import Fault, Found
from pytest_kraken_golive.deployment.runtime import RuntimeConfig

_HIGHEST_PCT = 5
"""No rate of Kraken's is near it: who writes more has written basis points."""


@dataclass(frozen=True)
class AssumedFees:
    """Rates in percent of what an order costs, each a `Decimal` with its place."""

    maker: Found
    """Of an order that rested."""
    taker: Found
    """Of an order that traded at once."""

    @classmethod
    def of(cls, runtime: RuntimeConfig) -> AssumedFees:
        """`execution.live.fees` {maker_pct, taker_pct} of runtime.yaml.

        Raises:
            NotProven: one of them is not there.
            Fault: it is no number from 0 to 5.
        """
        return cls(_rate(runtime, "maker_pct"), _rate(runtime, "taker_pct"))


def _rate(runtime: RuntimeConfig, key: str) -> Found:
    found = runtime.at_least(0, "execution", "live", "fees", key)
    if found.value > _HIGHEST_PCT:
        raise Fault(found.unlike(f"a rate of at most {_HIGHEST_PCT} percent", "write percent: 0.25, not 25"))
    return Found(Decimal(str(found.value)), found.where)
