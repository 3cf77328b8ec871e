"""Stop and take-profit orders that wait for a price: each stands in line for the prices at which it must be looked at.

A stop has one such price. A trailing stop has two: its level, and the first better price, at which its level follows.
"""

from __future__ import annotations

from decimal import Decimal

from .market import Pair
from .orders import Order, Side, Signal, Trigger
from .queues import PriceQueue


class Triggers:
    """The waiting orders of one pair. Prices in ticks."""

    def __init__(self) -> None:
        self._falling: dict[Signal, PriceQueue] = {
            "last": PriceQueue(highest_first=True),
            "index": PriceQueue(highest_first=True),
        }
        self._rising: dict[Signal, PriceQueue] = {
            "last": PriceQueue(highest_first=False),
            "index": PriceQueue(highest_first=False),
        }
        self._waiting: set[str] = set()
        """Ids of those that wait."""

    def watch(self, order: Order, reference: int) -> None:
        """Let an order wait; a trailing stop stands at its distance from the reference or better.

        Args:
            order: has a trigger.
            reference: price of its signal now, in ticks.
        """
        trigger = _trigger(order)
        self._waiting.add(order.txid)
        if trigger.trail is not None:
            level = trail_level(trigger, reference, order.pair)
            trigger.level = max(trigger.level, level) if trigger.falling else min(trigger.level, level)
            order.price = limit_of(trigger, order.pair, order.side)
        falling, rising = self._falling[trigger.signal], self._rising[trigger.signal]
        (falling if trigger.falling else rising).add(order, trigger.level)
        if trigger.trail is not None:
            best = reference + 1 if trigger.falling else reference - 1
            (rising if trigger.falling else falling).add(order, best)

    def __bool__(self) -> bool:
        """Whether any order waits."""
        return bool(self._waiting)

    def leave(self, order: Order) -> None:
        """Let an order wait no longer."""
        if order.trigger is not None:
            self._waiting.discard(order.txid)
            self._falling[order.trigger.signal].remove(order)
            self._rising[order.trigger.signal].remove(order)

    def bounds(self) -> tuple[int | None, int | None]:
        """The highest price that matters to an order if it is fallen to, and the lowest if it is risen to."""
        falls = [queue.first[0] for queue in self._falling.values() if queue.first is not None]
        rises = [queue.first[0] for queue in self._rising.values() if queue.first is not None]
        return (max(falls) if falls else None), (min(rises) if rises else None)

    def reached(self, prices: dict[Signal, int]) -> tuple[Order, bool] | None:
        """The next order that these prices concern, and whether it fires; if not, it has followed the market.

        An order that fires waits no longer.
        """
        for signal, price in prices.items():
            for queue, reaches in ((self._falling[signal], price.__le__), (self._rising[signal], price.__ge__)):
                first = queue.first
                if first is None or not reaches(first[0]):
                    continue
                order = first[1]
                trigger = _trigger(order)
                fires = price <= trigger.level if trigger.falling else price >= trigger.level
                if fires:
                    self.leave(order)
                else:
                    self.watch(order, price)
                return order, fires
        return None


def _trigger(order: Order) -> Trigger:
    assert order.trigger is not None  # only such orders wait here
    return order.trigger


def renew(trigger: Trigger, reference: int, pair: Pair) -> None:
    """Let a trailing stop stand at its distance from a price in ticks; other stops stay where they are."""
    if trigger.trail is not None:
        trigger.level = trail_level(trigger, reference, pair)


def trail_level(trigger: Trigger, reference: int, pair: Pair) -> int:
    """Level of a trailing stop, in ticks, at a price of its signal."""
    assert trigger.trail is not None  # only asked of such
    ticks = round(trigger.trail.offset(pair.tick * reference) / pair.tick)
    return reference - ticks if trigger.falling else reference + ticks


def limit_of(trigger: Trigger, pair: Pair, side: Side) -> Decimal | None:
    """Limit price that a trailing stop's trigger stands for now; None for stops without a limit."""
    if trigger.limit_offset is None:
        return None
    # A `#` adds to what is paid and takes from what is asked, so that the order can be filled.
    return trigger.limit_offset.at(pair.tick * trigger.level, pair, hash_adds=side == "buy")
