"""The order book of one pair: clients' orders in price-time order, in front of the invented market's levels."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from .market import Pair
from .orders import Fill, Order
from .prices import Level, Prices

BookSide = Literal["bids", "asks"]

_KEPT_FILLS = 1000

_Key = tuple[int, int, Order]
"""Sort key of a resting order: price in ticks (negative for bids), order of arrival."""


class Offer:
    """What stands at the front of a side."""

    __slots__ = ("order", "ticks", "volume")

    def __init__(self, ticks: int, volume: Decimal, order: Order | None) -> None:
        self.ticks = ticks
        self.volume = volume
        self.order = order


class Book:
    """Resting orders and levels of one pair at one step of the market."""

    def __init__(self, pair: Pair, prices: Prices, step: int) -> None:
        self.pair = pair
        self.prices = prices
        self.step = step
        self.halted = False
        """Whether no trades occur (Kraken: in the modes other than `online`)."""
        self.recent: deque[Fill] = deque(maxlen=_KEPT_FILLS)
        self._resting: dict[BookSide, list[_Key]] = {"bids": [], "asks": []}
        self._keys: dict[str, _Key] = {}
        self._arrivals = 0
        self._last_trade_id = 0
        self._levels: dict[BookSide, list[Level]] = {}

    def move_to(self, step: int) -> None:
        """Go to another step, or refresh the levels of this one."""
        self.step = step
        self._levels.clear()

    def ticks(self, price: Decimal) -> int:
        """A price in ticks; it is a multiple of the tick."""
        return int(price / self.pair.tick)

    def price(self, ticks: int) -> Decimal:
        """A price from ticks."""
        return self.pair.tick * ticks

    def rest(self, order: Order) -> None:
        """Queue a limit order behind those of its price."""
        assert order.price is not None  # market orders never rest
        side: BookSide = "bids" if order.side == "buy" else "asks"
        ticks = self.ticks(order.price)
        self._arrivals += 1
        key = (-ticks if side == "bids" else ticks, self._arrivals, order)
        self._keys[order.txid] = key
        insort(self._resting[side], key, key=_rank)

    def leave(self, order: Order) -> None:
        """Take an order out of the queue, if it is in it."""
        key = self._keys.pop(order.txid, None)
        if key is not None:
            queue = self._resting["bids" if order.side == "buy" else "asks"]
            del queue[bisect_left(queue, _rank(key), key=_rank)]

    def first_resting(self, side: BookSide) -> Order | None:
        """The order that is next to be filled."""
        queue = self._resting[side]
        return queue[0][2] if queue else None

    def best_resting(self, side: BookSide) -> int | None:
        """Best price of clients' orders, in ticks."""
        queue = self._resting[side]
        return abs(queue[0][0]) if queue else None

    def levels(self, side: BookSide) -> list[Level]:
        """What is left of the invented market's levels, **worst first**."""
        found = self._levels.get(side)
        if found is None:
            found = self._levels[side] = list(self.prices.levels(self.step, side))[::-1]
        return found

    def take_level(self, side: BookSide, volume: Decimal) -> None:
        """Take volume off the best level."""
        levels = self.levels(side)
        ticks, there = levels[-1]
        if volume >= there:
            levels.pop()
        else:
            levels[-1] = (ticks, there - volume)

    def front(self, side: BookSide) -> Offer | None:
        """The best offer of a side; at one price clients' orders stand before the invented market."""
        levels = self.levels(side)
        order = self.first_resting(side)
        if order is not None:
            ticks = abs(self._resting[side][0][0])
            if not levels or (ticks >= levels[-1][0] if side == "bids" else ticks <= levels[-1][0]):
                return Offer(ticks, order.remaining, order)
        return Offer(levels[-1][0], levels[-1][1], None) if levels else None

    def offers(self, side: BookSide) -> Iterator[Offer]:
        """All offers of a side, best first; at one price clients' orders stand before the invented market."""
        resting = (Offer(abs(key[0]), key[2].remaining, key[2]) for key in self._resting[side])
        levels = (Offer(ticks, volume, None) for ticks, volume in reversed(self.levels(side)))
        # The merge is stable: of equal prices those of the first source come first.
        return heapq.merge(resting, levels, key=lambda offer: -offer.ticks if side == "bids" else offer.ticks)

    def at_front(self, side: BookSide) -> list[Offer]:
        """All offers at the best price of a side."""
        front = self.front(side)
        if front is None:
            return []
        found = [
            Offer(front.ticks, key[2].remaining, key[2]) for key in self._resting[side] if abs(key[0]) == front.ticks
        ]
        levels = self.levels(side)
        if levels and levels[-1][0] == front.ticks:
            found.append(Offer(front.ticks, levels[-1][1], None))
        return found

    def depth(self, side: BookSide, most: int) -> list[tuple[int, Decimal, float | None]]:
        """Price in ticks, volume and time of the latest client order (None without one) of each level, best first."""
        rows: list[tuple[int, Decimal, float | None]] = []
        for offer in self.offers(side):
            at = None if offer.order is None else offer.order.opened_at
            if rows and rows[-1][0] == offer.ticks:
                ticks, volume, before = rows[-1]
                rows[-1] = (ticks, volume + offer.volume, max(before or 0.0, at or 0.0) or None)
            elif len(rows) == most:
                break
            else:
                rows.append((offer.ticks, offer.volume, at))
        return rows

    def best(self, side: BookSide) -> int | None:
        """Best price of a side, in ticks; None if the side is empty."""
        if side in self._levels:
            offer = self.front(side)
            return None if offer is None else offer.ticks
        bid, ask = self.prices.best(self.step)
        resting = self.best_resting(side)
        if side == "bids":
            return bid if resting is None else max(bid, resting)
        return ask if resting is None else min(ask, resting)

    def next_trade_id(self, at: float) -> int:
        """A number for a trade at a Unix time, above those of all earlier ones."""
        self._last_trade_id = max(self._last_trade_id + 1, trade_id_at(at))
        return self._last_trade_id


def trade_id_at(at: float) -> int:
    """The number of a trade at a Unix time: its microsecond, so that numbers rise with time."""
    return int(at * 1_000_000)


def _rank(key: _Key) -> tuple[int, int]:
    return key[0], key[1]
