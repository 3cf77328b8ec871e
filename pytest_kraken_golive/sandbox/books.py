"""The order book of one pair: clients' orders in price-time order, in front of the invented market's levels."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal
from zlib import crc32

from .market import Pair
from .orders import Fill, Order, Signal
from .prices import Level, Prices
from .queues import PriceQueue
from .triggers import Triggers

BookSide = Literal["bids", "asks"]

_KEPT_FILLS = 1000


class Offer:
    """What stands at the front of a side."""

    __slots__ = ("order", "ticks", "volume")

    def __init__(self, ticks: int, volume: Decimal, order: Order | None) -> None:
        self.ticks = ticks
        self.volume = volume
        self.order = order


class Book:
    """Resting and waiting orders, and the levels of one pair at one step of the market."""

    def __init__(self, pair: Pair, prices: Prices, step: int) -> None:
        self.pair = pair
        self.prices = prices
        self.step = step
        self.halted = False
        """Whether no trades occur (Kraken: in the modes other than `online`)."""
        self.recent: deque[Fill] = deque(maxlen=_KEPT_FILLS)
        self.triggers = Triggers()
        self.delayed: list[Order] = []
        """Scheduled orders whose start fell into a halt."""
        self._resting = {"bids": PriceQueue(highest_first=True), "asks": PriceQueue(highest_first=False)}
        self._last_trade_id = 0
        self._last: int | None = None
        self._levels: dict[BookSide, list[Level]] = {}

    def move_to(self, step: int) -> None:
        """Go to another step, or refresh this one."""
        self.step = step
        self._levels.clear()
        self._last = None

    def ticks(self, price: Decimal) -> int:
        """A price in ticks; it is a multiple of the tick."""
        return int(price / self.pair.tick)

    def price(self, ticks: int) -> Decimal:
        """A price from ticks."""
        return self.pair.tick * ticks

    # --- signals --------------------------------------------------------------------------------------------------

    def invented_trade(self, step: int) -> tuple[int, bool]:
        """Price in ticks of the market's own trade at a step's begin, and whether a buyer took."""
        bid, ask = self.prices.best(step)
        buys = crc32(f"{self.pair.id}/{step}".encode()) >> 16 & 1 == 1
        return (ask if buys else bid), buys

    def signals(self) -> dict[Signal, int]:
        """What triggers look at: the last trade's price and the index, which here is the mid; in ticks."""
        last = self.invented_trade(self.step)[0] if self._last is None else self._last
        return {"last": last, "index": self.prices.mid(self.step)}

    def traded(self, price: Decimal) -> None:
        """Note the price of a client's trade."""
        self._last = self.ticks(price)

    # --- resting orders -------------------------------------------------------------------------------------------

    def rest(self, order: Order) -> None:
        """Queue a limit order behind those of its price."""
        assert order.price is not None  # market orders never rest
        order.show_next()
        self._resting["bids" if order.side == "buy" else "asks"].add(order, self.ticks(order.price))

    def leave(self, order: Order) -> None:
        """Take an order out, wherever it rests or waits."""
        self._resting["bids" if order.side == "buy" else "asks"].remove(order)
        self.triggers.leave(order)

    def first_resting(self, side: BookSide) -> Order | None:
        """The order that is next to be filled."""
        first = self._resting[side].first
        return None if first is None else first[1]

    def best_resting(self, side: BookSide) -> int | None:
        """Best price of clients' orders, in ticks."""
        first = self._resting[side].first
        return None if first is None else first[0]

    # --- offers ---------------------------------------------------------------------------------------------------

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
        first = self._resting[side].first
        if first is not None:
            ticks, order = first
            if not levels or (ticks >= levels[-1][0] if side == "bids" else ticks <= levels[-1][0]):
                return Offer(ticks, order.offered, order)
        return Offer(levels[-1][0], levels[-1][1], None) if levels else None

    def offers(self, side: BookSide) -> Iterator[Offer]:
        """All offers of a side, best first; at one price clients' orders stand before the invented market."""
        sign = 1 if side == "asks" else -1
        levels = reversed(self.levels(side))
        level = next(levels, None)
        for ticks, order in self._resting[side]:
            while level is not None and sign * level[0] < sign * ticks:
                yield Offer(*level, None)
                level = next(levels, None)
            yield Offer(ticks, order.offered, order)
        while level is not None:
            yield Offer(*level, None)
            level = next(levels, None)

    def at_front(self, side: BookSide) -> list[Offer]:
        """All offers at the best price of a side."""
        front = self.front(side)
        if front is None:
            return []
        found = [Offer(front.ticks, order.offered, order) for order in self._resting[side].at(front.ticks)]
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
        # The market's own trades have the numbers of the moments at which steps begin.
        self._last_trade_id = max(self._last_trade_id, trade_id_at(at)) + 1
        return self._last_trade_id


def trade_id_at(at: float) -> int:
    """The number of a trade at a Unix time: its microsecond, so that numbers rise with time."""
    return int(at * 1_000_000)
