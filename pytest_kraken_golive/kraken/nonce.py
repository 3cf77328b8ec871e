"""Nonces: a number that rises with every private call of a key.

Kraken refuses a nonce that is not above the last one, and calls that are under way together can overtake each other.
So a source does not hand out bare numbers: it lends one for the duration of a call, and the key's next call waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pytest_kraken_golive.clock import Clock, SystemClock

_NS_PER_S = 1_000_000_000


class NonceSource(Protocol):
    """Lends the nonces of one key. Clients that share a key share its source."""

    def lend(self) -> AbstractContextManager[int]:
        """A nonce above every earlier one. Held from before signing until the answer is in, and exclusively."""
        ...


class RisingNonces:
    """Nanoseconds since the epoch, or one more than the last where the clock has not moved on. Safe for threads."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._last = 0
        self._counting = threading.Lock()
        self._sending = threading.Lock()

    def next(self) -> int:
        """A number above every one that this source gave before."""
        with self._counting:
            self._last = max(int(self._clock.time() * _NS_PER_S), self._last + 1)
            return self._last

    @contextmanager
    def lend(self) -> Iterator[int]:
        """A nonce; no other is lent until the block ends."""
        with self._sending:
            yield self.next()
