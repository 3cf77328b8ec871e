"""Prices as orders state them: absolute, or an offset from the last trade (`+5`, `-0.5%`, `#10`)."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, NamedTuple

from .market import Pair
from .refusals import INVALID_PRICE, Refusal, invalid
from .wire import Params, places

_TERM = re.compile(r"([+#-]?)([0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(%?)")
_PERCENT_DECIMALS = 4


class PriceTerm(NamedTuple):
    """What stands in `price` or `price2` (Kraken: add order)."""

    sign: Literal["", "+", "-", "#"]
    """Empty for an absolute price; `#` takes the sign that suits the order."""
    amount: Decimal
    """Quote units, or percent."""
    percent: bool = False
    """Whether the amount is a percentage of the reference."""

    @property
    def is_relative(self) -> bool:
        """Whether it is an offset."""
        return self.sign != ""

    def offset(self, reference: Decimal) -> Decimal:
        """The amount of an offset in quote units, without sign."""
        return reference * self.amount / 100 if self.percent else self.amount

    def at(self, reference: Decimal, pair: Pair, *, hash_adds: bool) -> Decimal:
        """The price that is meant; an offset is rounded to the pair's tick."""
        if not self.is_relative:
            return self.amount
        adds = hash_adds if self.sign == "#" else self.sign == "+"
        offset = self.offset(reference)
        return to_tick(reference + offset if adds else reference - offset, pair)

    def shown(self, pair: Pair) -> str:
        """An offset in words: `+50.0000%`, `-1.0`."""
        amount = places(self.amount, _PERCENT_DECIMALS if self.percent else pair.price_decimals)
        return f"{self.sign}{amount}{'%' if self.percent else ''}"


def to_tick(price: Decimal, pair: Pair) -> Decimal:
    """The nearest price that the pair knows."""
    return (price / pair.tick).quantize(Decimal(1), ROUND_HALF_EVEN) * pair.tick


def price_term(params: Params, name: str) -> PriceTerm:
    """The price in a field.

    Raises:
        Refusal: `EGeneral:Invalid arguments:<name>` where it is missing, `EOrder:Invalid price` where it is none.
    """
    text = params.get(name, "")
    if not text:
        raise invalid(name)
    match = _TERM.fullmatch(text)
    if match is None or (match[3] and not match[1]):
        raise Refusal(f"{INVALID_PRICE}:Invalid price argument")
    return PriceTerm(match[1], Decimal(match[2]), bool(match[3]))  # type: ignore[arg-type]  # one of the four, by pattern
