"""Nonces: a number that rises with every private call of a key.

Kraken refuses a nonce that is not above the last one, and calls that are under way together can overtake each other.
So a source does not hand out bare numbers: it lends one for the duration of a call, and the key's next call waits. The
unit is nanoseconds, for the life of a key: a smaller one would never rise above it again.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from pydantic import SecretStr

from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.kraken.shared import SharedBytes, hashed

_NS_PER_S: Final = 1_000_000_000
_BYTES: Final = 8


class NonceSource(Protocol):
    """Lends the nonces of one key. Clients that share a key share its source."""

    def lend(self) -> AbstractContextManager[int]:
        """A nonce above every earlier one. Held from before signing until the answer is in, and exclusively."""
        ...


class RisingNonces:
    """Nanoseconds since the epoch, or one more than the last where the clock has not moved on.

    Safe for threads; for one process. It is the source of clients whose clock is not the machine's.
    """

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


class SharedNonces:
    """Nanoseconds since the epoch, rising over all threads and all processes of the user that share the key.

    While one is lent no other process gets one, so that calls arrive in the order of their nonces.

    Args:
        api_key: whose nonces they are.
        clock: gives the nanoseconds.
        directory: where the last one is kept; by default the user's runtime directory.

    Raises:
        SharedStateError: the file cannot be had.
    """

    def __init__(self, api_key: SecretStr, clock: Clock | None = None, directory: Path | None = None) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._shared = SharedBytes(f"nonce-{hashed(api_key.get_secret_value())}", directory)

    def lend(self) -> Self:
        """A nonce; no other is lent until the block ends."""
        return self

    def __enter__(self) -> int:
        self._shared.acquire()
        last = int.from_bytes(self._shared.data[:_BYTES], "little")
        nonce = max(int(self._clock.time() * _NS_PER_S), last + 1)
        self._shared.data[:_BYTES] = nonce.to_bytes(_BYTES, "little")
        return nonce

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shared.release()


_known: weakref.WeakValueDictionary[str, SharedNonces] = weakref.WeakValueDictionary()
_knowing = threading.Lock()


def nonces_of(api_key: SecretStr, clock: Clock) -> NonceSource:
    """The source of a key's nonces: shared by all processes on the machine's clock, else one of its own.

    Raises:
        SharedStateError: what processes share cannot be had.
    """
    if not isinstance(clock, SystemClock):
        return RisingNonces(clock)
    name = hashed(api_key.get_secret_value())
    with _knowing:
        found = _known.get(name)
        if found is None:
            found = _known[name] = SharedNonces(api_key, clock)
        return found
