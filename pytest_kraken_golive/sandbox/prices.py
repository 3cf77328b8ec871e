"""The invented market: a seeded mid price for every moment and the book around it.

Both are functions of seed, pair and time step alone, so any moment can be computed without the ones before it and
an exchange that was asked often and one that was asked once agree. The mid is a sum of smooth noises whose periods
grow by four and whose sizes grow with the square root of the period, as a random walk's would; only additions and
multiplications of floats, so every platform gets the same prices.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from .market import Pair
from .recording import Course, Recording

_OCTAVES = tuple(range(2, 21, 2))
"""Periods of the noises as powers of two, in steps: 4 steps to 12 days of 1-second steps."""
_STEP_DEVIATION = 0.02 / 86_400**0.5
"""Size of a one-step noise as a fraction of the price: 2 % over a day of 1-second steps."""
_CACHED_POINTS = 50_000
_LEVELS = 100
MOST_SPREAD = 6
"""Most ticks between best bid and best ask."""
_MASK = (1 << 64) - 1

Level = tuple[int, Decimal]
"""Price in ticks and volume in base units."""


def _mixed(value: int) -> int:
    """A well-mixed 64-bit number (the finaliser of splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


class Noise:
    """The relative deviation of one pair's mid from its base, by step; 0 on average."""

    def __init__(self, seed: int, name: str, volatility: float) -> None:
        draw = random.Random(f"{seed}/{name}")  # noqa: S311 - prices are to be reproducible
        self._keys = {octave: draw.getrandbits(64) for octave in _OCTAVES}
        self._sizes = {octave: volatility * _STEP_DEVIATION * 2 ** (octave / 2) for octave in _OCTAVES}
        self._points: dict[tuple[int, int], float] = {}

    def _point(self, octave: int, index: int) -> float:
        """Height of a noise at a point of its lattice, within its size."""
        found = self._points.get((octave, index))
        if found is None:
            if len(self._points) > _CACHED_POINTS:
                self._points.clear()
            # An odd factor keeps the numbers of an octave apart; the key of each octave is another one.
            mixed = _mixed(self._keys[octave] + index * 0x2545F4914F6CDD1D)
            found = (mixed / 2**63 - 1.0) * self._sizes[octave]
            self._points[octave, index] = found
        return found

    def _at(self, octave: int, step: int) -> float:
        index = step >> octave
        part = (step - (index << octave)) / (1 << octave)
        left, right = self._point(octave, index), self._point(octave, index + 1)
        return left + (right - left) * (part * part * (3.0 - 2.0 * part))

    def value(self, step: int) -> float:
        """The deviation at a step, e.g. 0.01 for 1 % above the base."""
        return sum(self._at(octave, step) for octave in _OCTAVES)

    def bounds(self, step: int, size: int) -> tuple[float, float]:
        """Between what the deviation lies in the `2**size` steps from `step` on, which is a multiple of that many.

        Noises with longer periods run from one end to the other without turning; the shorter ones count in full.
        """
        low = high = 0.0
        for octave in _OCTAVES:
            if octave >= size:
                ends = (self._at(octave, step), self._at(octave, step + (1 << size) - 1))
                low, high = low + min(ends), high + max(ends)
            else:
                low, high = low - self._sizes[octave], high + self._sizes[octave]
        return low, high


class _Law(Protocol):
    """What sets the mid."""

    def price(self, step: int) -> float:
        """Mid at a step, in quote units."""
        ...

    def bounds(self, step: int, size: int) -> tuple[float, float]:
        """Between what the mid lies in the `2**size` steps from `step` on, which is a multiple of that many."""
        ...


@dataclass(frozen=True, slots=True)
class _Wandering:
    """The mid wanders around a base."""

    base: float
    noise: Noise

    def price(self, step: int) -> float:
        return self.base * (1.0 + self.noise.value(step))

    def bounds(self, step: int, size: int) -> tuple[float, float]:
        least, most = self.noise.bounds(step, size)
        return self.base * (1.0 + least), self.base * (1.0 + most)


@dataclass(frozen=True, slots=True)
class _Still:
    """The mid stands still."""

    base: float

    def price(self, _step: int) -> float:
        return self.base

    def bounds(self, _step: int, _size: int) -> tuple[float, float]:
        return self.base, self.base


@dataclass(frozen=True, slots=True)
class _Following:
    """The mid follows a recording that begins at a step."""

    course: Course
    since: int
    step_s: float

    def price(self, step: int) -> float:
        return self.course.at((step - self.since) * self.step_s)

    def bounds(self, step: int, size: int) -> tuple[float, float]:
        first = step - self.since
        return self.course.bounds(first * self.step_s, (first + (1 << size)) * self.step_s)


class _Regime(NamedTuple):
    """From which step on which law holds."""

    since: int
    law: _Law


_EVER = -(1 << 62)
"""Since when the first law holds."""


class Prices:
    """Mid, best prices and levels of one pair by step. Prices are whole ticks."""

    def __init__(self, pair: Pair, seed: int, start: Decimal, volatility: float) -> None:
        self.pair = pair
        self._seed = seed
        self._tick = float(pair.tick)
        self._noise = Noise(seed, pair.id, volatility)
        self._regimes = [_Regime(_EVER, _Wandering(float(start), self._noise))]
        self._best: tuple[int, int, int] | None = None
        self._mids: dict[int, int] = {}

    def _regime(self, step: int) -> _Regime:
        if step >= self._regimes[-1].since:
            return self._regimes[-1]
        return self._regimes[bisect_right(self._regimes, step, key=lambda regime: regime.since) - 1]

    def mid(self, step: int) -> int:
        """The mid at a step, in ticks, at least 4."""
        found = self._mids.get(step)
        if found is None:
            if len(self._mids) > _CACHED_POINTS:
                self._mids.clear()
            found = self._mids[step] = self._drawn_mid(step)
        return found

    def _drawn_mid(self, step: int) -> int:
        return max(4, round(self._regime(step).law.price(step) / self._tick))

    def set_mid(self, step: int, price: Decimal, *, hold: bool = False) -> None:
        """Let the mid be this price at a step and move on from there, or stay there if `hold`."""
        self._rule(step, _Still(float(price)) if hold else self._through(step, float(price)))

    def follow(self, step: int, recording: Recording, step_s: float) -> None:
        """Let the mid follow a recording whose first point is at a step.

        If nobody has set a price yet, the invented past is moved so that it leads up to the first point.
        """
        if len(self._regimes) == 1:
            self._regimes = [_Regime(_EVER, self._through(step, float(recording.prices[0])))]
        self._rule(step, _Following(recording.course(), step, step_s))

    def _through(self, step: int, price: float) -> _Wandering:
        """A wandering mid that is at this price at a step."""
        return _Wandering(price / (1.0 + self._noise.value(step)), self._noise)

    def _rule(self, step: int, law: _Law) -> None:
        """Let a law hold from a step on."""
        self._regimes = [regime for regime in self._regimes if regime.since < step]
        self._regimes.append(_Regime(step, law))
        self._best = None
        self._mids.clear()

    def _half_spread(self, step: int) -> int:
        return 1 + _mixed(step ^ self._seed) % 3

    def best(self, step: int) -> tuple[int, int]:
        """Best bid and ask at a step, in ticks."""
        if self._best is None or self._best[0] != step:
            mid, half = self.mid(step), self._half_spread(step)
            self._best = (step, mid - half, mid + half)
        return self._best[1], self._best[2]

    def levels(self, step: int, side: str) -> Iterator[Level]:
        """The levels of a side (`bids` or `asks`), best first; gaps and volumes are drawn for each step."""
        best = self.best(step)
        mid = (best[0] + best[1]) / 2
        gap = max(1, int(mid / 10_000))
        draw = random.Random(f"{self._seed}/{self.pair.id}/{step}/{side}")  # noqa: S311 - reproducible
        price, sign = (best[0], -1) if side == "bids" else (best[1], 1)
        lots_per_usd = 1000.0 / (mid * self._tick)
        for _ in range(_LEVELS):
            if price < 1:
                return
            lots = max(1, int(draw.uniform(500.0, 20_000.0) * lots_per_usd))
            yield price, Decimal(lots) / 1000
            price += sign * (1 + int(draw.random() * gap))

    def first_step(self, low: int, high: int, buy_at: int | None, sell_at: int | None) -> int | None:
        """The first step of `low..high` at which the market would take a resting order.

        Steps before the latest `set_mid` are not looked at: whoever sets a price has settled what was before.

        Args:
            low: first step.
            high: last step.
            buy_at: best resting buy price in ticks; taken when the best ask is at or below it.
            sell_at: best resting sell price in ticks; taken when the best bid is at or above it.
        """
        regime = self._regimes[-1]

        def taken(step: int) -> bool:
            bid, ask = self.best(step)
            return (buy_at is not None and ask <= buy_at) or (sell_at is not None and bid >= sell_at)

        def may_be_taken(step: int, size: int) -> bool:
            least, most = regime.law.bounds(step, size)
            # One tick of play covers the rounding of the bound itself.
            lowest, highest = max(4, least / self._tick - 1), max(4, most / self._tick + 1)
            return (buy_at is not None and lowest <= buy_at) or (sell_at is not None and highest >= sell_at)

        return _first(max(low, regime.since), high, taken, may_be_taken)


def _first(low: int, high: int, taken: Callable[[int], bool], may: Callable[[int, int], bool]) -> int | None:
    """The first taken step of a range, skipping aligned blocks in which none can be."""

    def within(step: int, size: int) -> int | None:
        if not may(step, size):
            return None
        if size == 0:
            return step if taken(step) else None
        found = within(step, size - 1)
        return found if found is not None else within(step + (1 << (size - 1)), size - 1)

    step = low
    while step <= high:
        size = min((step & -step).bit_length() - 1 if step else 20, (high - step + 1).bit_length() - 1, 20)
        found = within(step, size)
        if found is not None:
            return found
        step += 1 << size
    return None
