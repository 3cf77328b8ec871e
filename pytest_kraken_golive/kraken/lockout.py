"""A lockout: for so long no call leaves, because each one would start the time anew (Kraken: API errors)."""

from __future__ import annotations

import struct
from typing import Final, Protocol

from pydantic import SecretStr

from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.kraken.shared import SharedBytes, hashed

PAUSE_S: Final = 15 * 60.0
"""Seconds without any call after a lockout (support says about 15 minutes)."""
_UNTIL: Final = struct.Struct("<d")


class Lockout(Protocol):
    """Whether calls have to wait for the end of a lockout."""

    def begin(self) -> None:
        """The exchange has locked us out."""
        ...

    def left_s(self) -> float:
        """Seconds for which no call may leave; 0.0 where all may."""
        ...


class OwnLockout:
    """That of one client. Safe for threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s: float | None = None

    def begin(self) -> None:
        """Keep quiet from now on."""
        self._until_s = self._clock.monotonic() + PAUSE_S

    def left_s(self) -> float:
        """Seconds that are left of it."""
        return 0.0 if self._until_s is None else max(0.0, self._until_s - self._clock.monotonic())


class SharedLockout:
    """That of a key at one exchange, for all threads and processes of the user."""

    def __init__(self, clock: Clock, shared: SharedBytes) -> None:
        self._clock = clock
        self._shared = shared

    def begin(self) -> None:
        """Keep quiet from now on."""
        with self._shared.held():
            _UNTIL.pack_into(self._shared.data, 0, self._clock.time() + PAUSE_S)

    def left_s(self) -> float:
        """Seconds that are left of it; never more than a whole one, whatever somebody's clock said."""
        if self._shared.due:
            with self._shared.held():
                pass  # it has looked after the file now
        # Read without the lock, which would cost every call more than it is worth: eight bytes change as one.
        (until_s,) = _UNTIL.unpack_from(self._shared.data, 0)
        return min(PAUSE_S, max(0.0, float(until_s) - self._clock.time())) if until_s else 0.0


def lockout_of(api_key: SecretStr, url: str, clock: Clock) -> Lockout:
    """The lockout of a key at an exchange: shared by all processes on the machine's clock, else one client's.

    Raises:
        SharedStateError: what processes share cannot be had.
    """
    if not isinstance(clock, SystemClock):
        return OwnLockout(clock)
    return SharedLockout(clock, SharedBytes(f"lockout-{hashed(api_key.get_secret_value(), url)}"))
