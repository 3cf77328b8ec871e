from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.telemetry.percentiles import (
    fewest_samples,
    nearest_rank,
    percentile,
    summary,
    surely_above,
    upper_rank,
)

SAMPLES = st.lists(st.floats(0, 1e6, allow_nan=False), min_size=1, max_size=400)


def at_most(successes: int, trials: int, percent: int) -> Fraction:
    """P(Binomial <= successes), exactly."""
    share = Fraction(percent, 100)
    return sum(
        (comb(trials, one) * share**one * (1 - share) ** (trials - one) for one in range(successes + 1)), Fraction(0)
    )


@given(st.integers(1, 350), st.sampled_from([1, 50, 90, 95, 99]))
def test_the_bound_is_the_least_rank_that_the_binomial_allows(samples: int, percent: int) -> None:
    rank = upper_rank(samples, percent)
    wanted = Fraction(95, 100)
    if rank is None:
        assert at_most(samples - 1, samples, percent) < wanted
        return
    assert at_most(rank - 1, samples, percent) >= wanted
    assert rank == 1 or at_most(rank - 2, samples, percent) < wanted


@pytest.mark.parametrize(("percent", "fewest"), [(50, 5), (95, 59), (99, 299)])
def test_a_bound_takes_so_many_samples(percent: int, fewest: int) -> None:
    assert fewest_samples(percent) == fewest
    assert upper_rank(fewest, percent) == fewest
    assert upper_rank(fewest - 1, percent) is None


@given(SAMPLES, st.integers(1, 99))
def test_a_percentile_is_the_least_sample_that_enough_others_do_not_exceed(samples: list[float], percent: int) -> None:
    found = percentile(samples, percent)
    assert found.value in samples
    assert sum(one <= found.value for one in samples) * 100 >= percent * len(samples)
    assert sum(one < found.value for one in samples) * 100 < percent * len(samples)
    assert found.upper is None or found.upper >= found.value


@given(SAMPLES, st.randoms())
def test_the_order_of_samples_does_not_matter(samples: list[float], shuffler: random.Random) -> None:
    shuffled = list(samples)
    shuffler.shuffle(shuffled)
    assert summary(shuffled) == summary(samples)


def test_p99_is_given_from_299_samples_on_and_never_without() -> None:
    few, enough = summary([0.1] * 298).data(), summary([*[0.1] * 298, 9.0]).data()
    assert (few["p99"], few["p99_upper"], few["samples"]) == (None, None, 298)
    assert (enough["p99"], enough["p99_upper"]) == (0.1, 9.0)


def test_without_samples_there_are_no_figures() -> None:
    assert {value for key, value in summary([]).data().items() if key != "samples"} == {None}


def test_the_bound_holds_as_often_as_it_says() -> None:
    draw = random.Random(7)
    held = sum((percentile([draw.random() for _ in range(60)], 95).upper or 0) >= 0.95 for _ in range(500))
    assert held >= 0.93 * 500


def test_a_million_samples_are_no_trouble() -> None:
    rank = upper_rank(1_000_000, 50)
    assert rank is not None
    assert nearest_rank(1_000_000, 50) < rank < 502_000


@pytest.mark.parametrize("sample", [-0.1, float("nan"), float("inf")])
def test_what_is_no_duration_is_refused(sample: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        summary([0.1, sample])


def test_what_is_above_a_limit_beyond_doubt() -> None:
    assert not surely_above([9.0] * 13, 50, 1.0)  # one of 8,192 measurements would show that by chance
    assert surely_above([9.0] * 14, 50, 1.0)
    assert surely_above([0.1] * 10 + [9.0] * 3, 99, 1.0) == (1 - at_most(2, 13, 1) < Fraction(1, 10_000))
    assert not surely_above([1.0] * 400, 50, 1.0)
    assert not surely_above([], 50, 1.0)


@given(SAMPLES, st.sampled_from([50, 95, 99]))
def test_nothing_is_surely_above_the_slowest(samples: list[float], percent: int) -> None:
    assert not surely_above(samples, percent, max(samples))
