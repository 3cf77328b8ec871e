"""Decides on the live service's next order: the smallest that the pair allows, bought and sold in turns."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from decimal import Decimal

from pytest_kraken_golive.bot.execution_paths import Intent
from pytest_kraken_golive.bot.strategy import PairRules, Side, smallest_volume
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.models import OrderInfo

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FRESH_FEE_S = 60.0


def own_prefix(entrypoint: str) -> str:
    """With what the client ids of an entrypoint's orders begin, now and after every restart."""
    return f"kl{hashlib.sha256(entrypoint.encode()).hexdigest()[:4]}-"


class Desk:
    """Makes intents.

    Args:
        client: asks for prices.
        rules: pair to its minimums and steps; the pairs take turns.
        entrypoint: whose orders they are.
        position: pair to what was bought and not sold again; kept up to date here.
        started_at_s: epoch seconds, part of the client ids: no two starts are in the same second.
    """

    def __init__(
        self,
        client: KrakenClient,
        rules: Mapping[str, PairRules],
        entrypoint: str,
        position: dict[str, Decimal],
        started_at_s: float,
    ) -> None:
        self._client = client
        self._rules = rules
        self._position = position
        self._pairs = itertools.cycle(rules)
        start = f"{own_prefix(entrypoint)}{_short(int(started_at_s)):0>6}"
        self._ids = (f"{start}{_short(number):0>4}" for number in itertools.count(1))

    def next(self) -> Intent:
        """The next order; sells what was bought before. Errors as of the client."""
        pair = next(self._pairs)
        rules = self._rules[pair]
        seen = self._client.ticker(pair)
        bid, ask = seen.bid.price, seen.ask.price
        volume, held = smallest_volume(ask, rules), self._position.get(pair, Decimal(0))
        side: Side = "sell" if held >= volume else "buy"
        return Intent(pair, side, volume, bid, ask, rules.tick, next(self._ids))

    def note(self, intent: Intent, info: OrderInfo) -> None:
        """Take note of what an order came to."""
        moved = info.vol_exec if intent.side == "buy" else -info.vol_exec
        self._position[intent.pair] = self._position.get(intent.pair, Decimal(0)) + moved


class Fees:
    """Which taker fee a pair is assumed to cost, in percent.

    Args:
        client: asks (Kraken: TradeVolume).
        rules: pair to what the exchange says of it.
        clock: tells how old an answer is.
    """

    def __init__(self, client: KrakenClient, rules: Mapping[str, PairRules], clock: Clock) -> None:
        self._client = client
        self._ids = {pair: each.id for pair, each in rules.items()}
        self._clock = clock
        self._asked_s = clock.monotonic()
        self._known = self._ask()

    def of_the_start(self, pair: str) -> Decimal | None:
        """The old way: as it was when the service started."""
        return self._known.get(pair)

    def of_now(self, pair: str) -> Decimal | None:
        """The new way: asked again every minute, since the fee falls with the volume."""
        if self._clock.monotonic() - self._asked_s > _FRESH_FEE_S:
            self._known, self._asked_s = self._ask(), self._clock.monotonic()
        return self._known.get(pair)

    def _ask(self) -> dict[str, Decimal]:
        fees = self._client.trade_volume(*self._ids.values()).fees or {}
        return {name: fees[pair].fee for name, pair in self._ids.items() if pair in fees}


def _short(number: int) -> str:
    """A number in 36 digits."""
    text = ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
