"""Percentiles of measured durations, with what their number of samples allows to say.

The p-th percentile is the nearest rank: of n samples in order, the one of rank ceil(p·n / 100), always a value that was
measured.

Its upper confidence bound is an order statistic, and free of any assumption about the distribution: the sample of rank
k, where k is the least with P(Binomial(n, p/100) <= k - 1) >= confidence (Hahn, Meeker: Statistical Intervals,
section 5.2; Wilks 1941). For continuous durations it lies above the true percentile in at least that share of all
measurements; equal samples only make it safer. No such rank exists while (p/100)^n > 1 - confidence: at 95 % that takes
5 samples for p50, 59 for p95 and 299 for p99. With fewer not even the slowest sample is a bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
"""Of the upper bounds."""

_NEGLIGIBLE = 1e-17
_DOUBT = 1e-4


@dataclass(frozen=True)
class Percentile:
    """One percentile of a sample."""

    percent: int
    """Which, 1 to 99."""
    samples: int
    """How many it was taken from."""
    value: float | None
    """The sample of the nearest rank; None without samples."""
    upper: float | None
    """Upper confidence bound; None while there are too few samples for one."""


@dataclass(frozen=True)
class Summary:
    """What is said about a set of durations, in seconds."""

    samples: int
    """How many there are."""
    mean: float | None
    """Arithmetic mean; None without samples."""
    p50: Percentile
    """The median."""
    p95: Percentile
    """Exceeded by one of twenty."""
    p99: Percentile
    """Exceeded by one of a hundred; worth something from 299 samples on."""

    def data(self) -> dict[str, float | int | None]:
        """As it stands in JSON files, in seconds; `p99` is null as long as it has no upper bound."""
        return {
            "samples": self.samples,
            "mean": self.mean,
            "p50": self.p50.value,
            "p95": self.p95.value,
            "p99": None if self.p99.upper is None else self.p99.value,
            "p50_upper": self.p50.upper,
            "p95_upper": self.p95.upper,
            "p99_upper": self.p99.upper,
        }


def summary(samples: Sequence[float]) -> Summary:
    """Mean and percentiles; the sum is rounded once, so the order of the samples does not matter.

    Raises:
        ValueError: a sample is negative or not finite.
    """
    ordered = sorted(_checked(samples))
    mean = math.fsum(ordered) / len(ordered) if ordered else None
    return Summary(len(ordered), mean, *(_percentile(ordered, percent) for percent in (50, 95, 99)))


def percentile(samples: Sequence[float], percent: int) -> Percentile:
    """One percentile, `percent` from 1 to 99.

    Raises:
        ValueError: `percent` is not one of these, or a sample is negative or not finite.
    """
    if not 1 <= percent <= 99:  # noqa: PLR2004 - percent
        raise ValueError(f"percent: expected 1 to 99, found {percent!r}")
    return _percentile(sorted(_checked(samples)), percent)


def surely_above(samples: Sequence[float], percent: int, limit: float) -> bool:
    """Whether a percentile is above a limit beyond doubt, however few samples there are.

    So many samples above the limit would be seen in less than one of ten thousand measurements if it were not.
    """
    above = sum(sample > limit for sample in samples)
    return above > 0 and _at_least(above, len(samples), 1 - percent / 100) < _DOUBT


def nearest_rank(samples: int, percent: int) -> int:
    """The 1-based rank of a percentile among so many samples; in whole numbers, since 0.95 is none for a computer."""
    return -(-percent * samples // 100)


def upper_rank(samples: int, percent: int, confidence: float = CONFIDENCE) -> int | None:
    """The 1-based rank of the sample that bounds a percentile from above; None if there are too few samples."""
    share = percent / 100
    if samples == 0 or 1 - share**samples < confidence:
        return None
    low, high = 1, samples
    while low < high:
        middle = (low + high) // 2
        if _at_least(middle, samples, share) <= 1 - confidence:
            high = middle
        else:
            low = middle + 1
    return low


def fewest_samples(percent: int, confidence: float = CONFIDENCE) -> int:
    """How many samples an upper bound of a percentile takes: 299 for p99 at 95 %."""
    samples = max(1, math.floor(math.log(1 - confidence) / math.log(percent / 100)))
    while upper_rank(samples, percent, confidence) is None:
        samples += 1
    return samples


def _percentile(ordered: Sequence[float], percent: int) -> Percentile:
    count = len(ordered)
    if not count:
        return Percentile(percent, 0, None, None)
    rank = upper_rank(count, percent)
    upper = None if rank is None else ordered[rank - 1]
    return Percentile(percent, count, ordered[nearest_rank(count, percent) - 1], upper)


def _at_least(least: int, trials: int, share: float) -> float:
    """P(Binomial(trials, share) >= least), summed on the side of `least` where the terms only become smaller."""
    if least > trials * share:
        return _sum(least, trials, trials, share, 1)
    return 1 - _sum(least - 1, 0, trials, share, -1)


def _sum(first: int, last: int, trials: int, share: float, step: int) -> float:
    """The probabilities of `first` to `last` successes, until what is left is negligible."""
    if (last - first) * step < 0:
        return 0.0
    term = math.exp(
        math.lgamma(trials + 1)
        - math.lgamma(first + 1)
        - math.lgamma(trials - first + 1)
        + first * math.log(share)
        + (trials - first) * math.log1p(-share)
    )
    odds = share / (1 - share)
    total = 0.0
    for successes in range(first, last + step, step):
        total += term
        if term < total * _NEGLIGIBLE:
            break
        ratio = (
            (trials - successes) * odds / (successes + 1) if step > 0 else successes / odds / (trials - successes + 1)
        )
        term *= ratio
    return total


def _checked(samples: Sequence[float]) -> Sequence[float]:
    for sample in samples:
        if not 0 <= sample < math.inf:
            raise ValueError(f"expected durations in seconds, finite and not negative, found {sample!r}")
    return samples
