"""Rate limits as Kraken counts them: the REST counter, the engine's counter per pair, public calls, the lockout.

All on the monotonic clock, so that they run in virtual time too. Figures: `data/limits.json` (Kraken: REST rate
limits, trading rate limits).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from .market import data_file
from .settings import Lockout, PublicLimit, Tier

Operation = Literal["add", "amend", "edit", "cancel"]
"""What the engine charges for."""

_FIGURES = data_file("limits.json")
_ENGINE = _FIGURES["trading_engine_per_pair"]


class Counter:
    """A counter that falls steadily to zero."""

    __slots__ = ("_at", "_decay_per_s", "_value")

    def __init__(self, decay_per_s: float) -> None:
        self._decay_per_s = decay_per_s
        self._value = 0.0
        self._at = 0.0

    def value(self, now: float) -> float:
        """Its height at a monotonic time in seconds."""
        return max(0.0, self._value - self._decay_per_s * (now - self._at))

    def set(self, value: float, now: float) -> None:
        """Give it a height from now on."""
        self._value, self._at = value, now


class RestLimit:
    """The REST counter of one key: each call adds its cost, time takes it away."""

    def __init__(self, tier: Tier) -> None:
        figures = _FIGURES["rest_counter"][tier]
        self.maximum = float(figures["max"])
        self._counter = Counter(figures["decay_per_s"])

    def value(self, now: float) -> float:
        """Height of the counter."""
        return self._counter.value(now)

    def take(self, cost: float, now: float) -> bool:
        """Count a call; False if it goes over the maximum.

        A refused call counts too, so that going on extends the block; the counter never stands higher than one such
        call above the maximum, so the block ends soon after the hammering does.
        """
        wanted = self._counter.value(now) + cost
        self._counter.set(min(wanted, self.maximum + cost), now)
        return wanted <= self.maximum


def batch_charge(orders: int) -> float:
    """What adding a batch of orders adds (Kraken: half an order each)."""
    return orders / 2


def engine_charge(operation: Operation, age_s: float | None = None) -> int:
    """What an operation adds: its fixed part and, by the order's age since creation or last amend, the penalty."""
    charge: int = _ENGINE["fixed"][operation]
    if age_s is not None:
        for below_s, penalty in _ENGINE["age_penalty_seconds_lt"].get(operation, []):
            if age_s < below_s:
                return charge + int(penalty)
    return charge


class EngineLimit:
    """The matching engine's counter of one account in one pair."""

    def __init__(self, tier: Tier) -> None:
        figures = _ENGINE[tier]
        self.threshold = float(figures["threshold"])
        self.max_open_orders = int(figures["max_open_orders"])
        self._counter = Counter(figures["decay_per_s"])
        self.charged = 0.0
        """Sum of all charges, without decay."""

    def value(self, now: float) -> float:
        """Height of the counter."""
        return self._counter.value(now)

    def take(self, charge: float, now: float) -> bool:
        """Charge an operation; False (and nothing charged) if the counter would pass the threshold."""
        height = self._counter.value(now) + charge
        if height > self.threshold:
            return False
        self._counter.set(height, now)
        self.charged += charge
        return True

    def add(self, charge: float, now: float) -> None:
        """Charge what is accepted even beyond the threshold (Kraken: a batch of cancels)."""
        self._counter.set(self._counter.value(now) + charge, now)
        self.charged += charge


class PublicLimits:
    """Public calls by address and door: a door stands for a machine of its own."""

    def __init__(self, limit: PublicLimit) -> None:
        self._limit = limit
        self._counters: dict[tuple[str, str], Counter] = {}

    def take(self, door: str, peer: str, now: float) -> bool:
        """Count a call; False if the address has used up its calls."""
        counter = self._counters.get((door, peer))
        if counter is None:
            counter = self._counters[door, peer] = Counter(self._limit.per_s)
        wanted = counter.value(now) + 1
        if wanted > self._limit.capacity:
            return False
        counter.set(wanted, now)
        return True


@dataclass(slots=True)
class _Record:
    failures: deque[float]
    until: float = 0.0


class Lockouts:
    """Addresses that failed to authenticate too often."""

    def __init__(self, rule: Lockout) -> None:
        self._rule = rule
        self._records: dict[tuple[str, str], _Record] = {}

    def locked(self, door: str, peer: str, now: float) -> bool:
        """Whether the address is locked out; a try while it is starts the time anew."""
        record = self._records.get((door, peer))
        if record is None or now >= record.until:
            return False
        record.until = now + self._rule.duration_s
        return True

    def failed(self, door: str, peer: str, now: float) -> None:
        """Note a bad key, signature or nonce."""
        record = self._records.setdefault((door, peer), _Record(deque()))
        record.failures.append(now)
        while record.failures and record.failures[0] <= now - self._rule.within_s:
            record.failures.popleft()
        if len(record.failures) >= self._rule.failures:
            record.failures.clear()
            record.until = now + self._rule.duration_s
