"""Orders in a line by price, and at one price by arrival."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from .orders import Order

_Key = tuple[int, int, Order]
"""Rank of the price, number of arrival, order. No two have the same first two, so orders are never compared."""


class PriceQueue:
    """A line of orders; prices in ticks."""

    __slots__ = ("_arrivals", "_keys", "_line", "_sign")

    def __init__(self, *, highest_first: bool) -> None:
        self._sign = -1 if highest_first else 1
        self._line: list[_Key] = []
        self._keys: dict[str, _Key] = {}
        self._arrivals = 0

    def add(self, order: Order, ticks: int) -> None:
        """Put an order behind those of its price; if it stood in the line already, it leaves its place."""
        self.remove(order)
        self._arrivals += 1
        key = (self._sign * ticks, self._arrivals, order)
        self._keys[order.txid] = key
        if not self._line or key > self._line[-1]:
            self._line.append(key)
        else:
            insort(self._line, key)

    def remove(self, order: Order) -> None:
        """Take an order out, if it is in."""
        key = self._keys.pop(order.txid, None)
        if key is not None:
            del self._line[bisect_left(self._line, key)]

    @property
    def first(self) -> tuple[int, Order] | None:
        """Price and order at the head."""
        if not self._line:
            return None
        rank, _, order = self._line[0]
        return self._sign * rank, order

    def at(self, ticks: int) -> list[Order]:
        """The orders of one price."""
        rank = self._sign * ticks
        low = bisect_left(self._line, rank, key=_price_rank)
        return [key[2] for key in self._line[low : bisect_left(self._line, rank + 1, key=_price_rank)]]

    def __bool__(self) -> bool:
        return bool(self._line)

    def __iter__(self) -> Iterator[tuple[int, Order]]:
        return ((self._sign * rank, order) for rank, _, order in self._line)


def _price_rank(key: _Key) -> int:
    return key[0]
