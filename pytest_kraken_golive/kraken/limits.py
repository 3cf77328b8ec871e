"""The client's own rate limits: four token buckets that hold calls back before the exchange has to refuse them.

Kraken: REST rate limits, trading engine limits. A call costs one token of each bucket that it draws on.
"""

from __future__ import annotations

import math
import re
import struct
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, Self

from pydantic import SecretStr

from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.kraken.shared import SharedBytes, hashed

BucketName = Literal["kraken:global", "kraken:market_data", "kraken:order", "kraken:order_status"]
GLOBAL: Final[BucketName] = "kraken:global"
MARKET_DATA: Final[BucketName] = "kraken:market_data"
ORDER: Final[BucketName] = "kraken:order"
ORDER_STATUS: Final[BucketName] = "kraken:order_status"

_NUMBER: Final = re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# Rounding of the clock must not cost a further turn, and a turn must always move the clock.
_TOLERANCE_TOKENS: Final = 1e-9
_SHORTEST_WAIT_S: Final = 1e-6
_LEVEL: Final = struct.Struct("<2d")


@dataclass(frozen=True)
class BucketLimit:
    """The size of one bucket."""

    capacity: float
    """Tokens that a full bucket holds: the longest burst, in calls."""
    fill_rate: float
    """Tokens per second that flow back: the sustained rate of calls."""

    def __post_init__(self) -> None:
        for name, value in (("capacity", self.capacity), ("fill_rate", self.fill_rate)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
                raise ValueError(f"{name}: expected a positive finite number, found {value!r}.")


_VARIABLES: Final[dict[BucketName, tuple[str, BucketLimit]]] = {
    GLOBAL: ("KRAKEN_RL_GLOBAL", BucketLimit(20, 2.0)),
    MARKET_DATA: ("KRAKEN_RL_MD", BucketLimit(15, 2.0)),
    ORDER: ("KRAKEN_RL_ORDER", BucketLimit(10, 1.5)),
    ORDER_STATUS: ("KRAKEN_RL_ORDER_STATUS", BucketLimit(10, 1.5)),
}


@dataclass(frozen=True)
class RateLimits:
    """The sizes of the four buckets."""

    global_: BucketLimit = _VARIABLES[GLOBAL][1]
    """`kraken:global`: every call."""
    market_data: BucketLimit = _VARIABLES[MARKET_DATA][1]
    """`kraken:market_data`: public calls."""
    order: BucketLimit = _VARIABLES[ORDER][1]
    """`kraken:order`: placing and cancelling."""
    order_status: BucketLimit = _VARIABLES[ORDER_STATUS][1]
    """`kraken:order_status`: reading orders and trades."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Read `KRAKEN_RL_{GLOBAL,MD,ORDER,ORDER_STATUS}_CAP` (tokens) and `_FR` (tokens per second).

        A variable that is not set leaves the starting value: 20 / 2.0, 15 / 2.0, 10 / 1.5, 10 / 1.5.

        Raises:
            ValueError: a variable is set to something that is not a positive finite number; names it and its value.
        """
        # Only what is asked for: the rest of the environment may hold secrets, and reports print local names.
        environ = {name: value for name, value in environ.items() if name.startswith("KRAKEN_RL_")}
        read = {name: _limit_from(environ, prefix, start) for name, (prefix, start) in _VARIABLES.items()}
        return cls(read[GLOBAL], read[MARKET_DATA], read[ORDER], read[ORDER_STATUS])

    def by_bucket(self) -> dict[BucketName, BucketLimit]:
        """The sizes by the bucket's name."""
        return {
            GLOBAL: self.global_,
            MARKET_DATA: self.market_data,
            ORDER: self.order,
            ORDER_STATUS: self.order_status,
        }


def _limit_from(environ: Mapping[str, str], prefix: str, start: BucketLimit) -> BucketLimit:
    return BucketLimit(
        _number_from(environ, f"{prefix}_CAP", start.capacity), _number_from(environ, f"{prefix}_FR", start.fill_rate)
    )


def _number_from(environ: Mapping[str, str], variable: str, start: float) -> float:
    text = environ.get(variable)
    if text is None:
        return start
    value = float(text) if _NUMBER.fullmatch(text) else 0.0
    if not 0 < value < math.inf:
        raise ValueError(
            f"{variable}: expected a positive finite number, found {text!r}. "
            f"Next: set it to a number like {start:g}, or remove it (then {start:g} applies)."
        )
    return value


class TokenBucket:
    """A bucket that starts full and fills again with time. Not safe for threads by itself; `TokenPacer` locks."""

    def __init__(self, name: str, limit: BucketLimit, clock: Clock) -> None:
        self.name = name
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.capacity)
        self._filled_at_s = clock.monotonic()
        # Where a bucket is smaller than a call, calls run into debt instead of waiting for ever: the rate still holds.
        self._needed = min(1.0, limit.capacity)

    @property
    def tokens(self) -> float:
        """Tokens in the bucket now; negative while a bucket smaller than one token is in debt."""
        now_s = self._clock.monotonic()
        gained = max(0.0, now_s - self._filled_at_s) * self.limit.fill_rate
        self._tokens = min(float(self.limit.capacity), self._tokens + gained)
        self._filled_at_s = now_s
        return self._tokens

    def wait_s(self) -> float:
        """Seconds until a call may draw; 0.0 where it may now."""
        lacking = self._needed - self.tokens
        return 0.0 if lacking <= _TOLERANCE_TOKENS else max(lacking / self.limit.fill_rate, _SHORTEST_WAIT_S)

    def draw(self) -> None:
        """Take the token of one call; the caller has just seen `wait_s` at 0.0."""
        self._tokens -= 1.0

    @property
    def level(self) -> tuple[float, float]:
        """Tokens, and the clock's monotonic seconds at which there were so many."""
        return self._tokens, self._filled_at_s

    @level.setter
    def level(self, level: tuple[float, float]) -> None:
        tokens, at_s = level
        # A machine that was started anew counts its seconds anew.
        self._tokens, self._filled_at_s = tokens, min(at_s, self._clock.monotonic())


class Pacer(Protocol):
    """Holds a call back until it may leave."""

    def limits(self) -> Mapping[BucketName, BucketLimit]:
        """The buckets in force; empty where nothing is limited."""
        ...

    def wait_for(self, buckets: Sequence[BucketName]) -> float:
        """Wait until every named bucket has a token, take them, and return the seconds waited."""
        ...


class TokenPacer:
    """The four buckets on one clock. Takes a call's tokens together or not at all; safe for threads."""

    def __init__(self, limits: RateLimits, clock: Clock | None = None) -> None:
        self._clock: Clock = SystemClock() if clock is None else clock
        self._limits = limits.by_bucket()
        self._buckets = {name: TokenBucket(name, limit, self._clock) for name, limit in self._limits.items()}
        self._lock = threading.Lock()

    def limits(self) -> Mapping[BucketName, BucketLimit]:
        """The buckets in force."""
        return dict(self._limits)

    def _begin(self, buckets: Collection[TokenBucket]) -> None:
        """Keep everybody else from these buckets."""
        self._lock.acquire()

    def _end(self, buckets: Collection[TokenBucket]) -> None:
        """Let the others in again."""
        self._lock.release()

    def tokens(self) -> dict[BucketName, float]:
        """Tokens in each bucket now."""
        every = self._buckets.values()
        self._begin(every)
        try:
            return {name: bucket.tokens for name, bucket in self._buckets.items()}
        finally:
            self._end(every)

    def wait_for(self, buckets: Sequence[BucketName]) -> float:
        """Wait until every named bucket has a token, take them, and return the seconds waited on the clock."""
        wanted = [self._buckets[name] for name in buckets]
        started_s: float | None = None
        while True:
            self._begin(wanted)
            try:
                wait_s = max([bucket.wait_s() for bucket in wanted], default=0.0)
                if wait_s == 0.0:
                    for bucket in wanted:
                        bucket.draw()
                    return 0.0 if started_s is None else self._clock.monotonic() - started_s
            finally:
                self._end(wanted)
            started_s = self._clock.monotonic() if started_s is None else started_s
            self._clock.sleep(wait_s)


class SharedPacer(TokenPacer):
    """The four buckets of one key at one exchange, shared by all threads and processes of the user.

    Each process brings its own sizes; what has been drawn counts for all.

    Args:
        limits: the sizes.
        clock: one whose monotonic seconds are the machine's.
        shared: keeps the levels.
    """

    def __init__(self, limits: RateLimits, clock: Clock, shared: SharedBytes) -> None:
        super().__init__(limits, clock)
        self._shared = shared
        self._places = {bucket: number * _LEVEL.size for number, bucket in enumerate(self._buckets.values())}

    def _begin(self, buckets: Collection[TokenBucket]) -> None:
        self._shared.acquire()
        for bucket in buckets:
            tokens, at_s = _LEVEL.unpack_from(self._shared.data, self._places[bucket])
            if at_s:  # zero: nobody has drawn yet
                bucket.level = (tokens, at_s)

    def _end(self, buckets: Collection[TokenBucket]) -> None:
        for bucket in buckets:
            _LEVEL.pack_into(self._shared.data, self._places[bucket], *bucket.level)
        self._shared.release()


def pacer_of(limits: RateLimits, api_key: SecretStr, url: str, clock: Clock) -> TokenPacer:
    """The buckets of a key at an exchange: shared by all processes on the machine's clock, else for one client.

    Raises:
        SharedStateError: what processes share cannot be had.
    """
    if not isinstance(clock, SystemClock):
        return TokenPacer(limits, clock)
    return SharedPacer(limits, clock, SharedBytes(f"limits-{hashed(api_key.get_secret_value(), url)}"))


class Unlimited:
    """No limits of our own: for tests, benchmarks and sandbox accounts without limits. Must be asked for by name."""

    def limits(self) -> Mapping[BucketName, BucketLimit]:
        """No bucket."""
        return {}

    def wait_for(self, buckets: Sequence[BucketName]) -> float:
        """Never waits."""
        return 0.0
