from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_exchange import ScriptedExchange, ok

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import BucketLimit, RateLimits, TokenPacer, Unlimited, calls
from pytest_kraken_golive.kraken.limits import GLOBAL, MARKET_DATA, ORDER, ORDER_STATUS, BucketName

VARIABLES = [
    f"KRAKEN_RL_{bucket}_{what}" for bucket in ("GLOBAL", "MD", "ORDER", "ORDER_STATUS") for what in ("CAP", "FR")
]


def test_starting_values() -> None:
    assert RateLimits.from_environ({}).by_bucket() == {
        "kraken:global": BucketLimit(20, 2.0),
        "kraken:market_data": BucketLimit(15, 2.0),
        "kraken:order": BucketLimit(10, 1.5),
        "kraken:order_status": BucketLimit(10, 1.5),
    }


def test_every_variable_reaches_its_own_bucket() -> None:
    limits = RateLimits.from_environ({name: str(number) for number, name in enumerate(VARIABLES, start=3)})
    assert limits == RateLimits(BucketLimit(3, 4), BucketLimit(5, 6), BucketLimit(7, 8), BucketLimit(9, 10))


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize(
    "value",
    ["", " ", "0", "0.0", "-1", "+1", "nan", "inf", "1e999", "1e-999", "ten", " 5", "5 ", "1_0", "٣", "0x10", "5s"],
)
def test_a_value_that_is_no_positive_finite_number_is_an_error(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match="positive finite") as caught:
        RateLimits.from_environ({variable: value})
    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("value", [0, -1.0, float("nan"), float("inf"), True])
def test_a_bucket_has_a_positive_finite_size(value: float) -> None:
    with pytest.raises(ValueError, match="capacity"):
        BucketLimit(value, 1.0)
    with pytest.raises(ValueError, match="fill_rate"):
        BucketLimit(1.0, value)


def pacer_of(capacity: float, rate: float, clock: VirtualClock) -> TokenPacer:
    limit = BucketLimit(capacity, rate)
    return TokenPacer(RateLimits(limit, limit, limit, limit), clock)


def test_a_burst_passes_and_then_the_rate_holds() -> None:
    clock = VirtualClock()
    pacer = pacer_of(10, 2.0, clock)
    assert [pacer.wait_for([GLOBAL]) for _ in range(10)] == [0.0] * 10
    assert [round(pacer.wait_for([GLOBAL]), 6) for _ in range(3)] == [0.5] * 3
    clock.advance(100)
    assert [pacer.wait_for([GLOBAL]) for _ in range(10)] == [0.0] * 10, "a bucket fills to its capacity"
    assert pacer.wait_for([GLOBAL]) > 0, "and not beyond"


@settings(deadline=None)
@given(
    capacity=st.floats(0.1, 20),
    rate=st.floats(0.05, 50),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_window_holds_more_than_capacity_and_rate_allow(capacity: float, rate: float, gaps: list[float]) -> None:
    clock = VirtualClock()
    pacer = pacer_of(capacity, rate, clock)
    sent: list[float] = []
    for gap in gaps:
        clock.advance(gap)
        pacer.wait_for([GLOBAL])
        sent.append(clock.monotonic())
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            allowed = max(1.0, capacity) + rate * (sent[last] - sent[first])
            assert last - first + 1 <= allowed + 1e-6


def test_tokens_are_taken_together_or_not_at_all() -> None:
    clock = VirtualClock()
    pacer = TokenPacer(
        RateLimits(BucketLimit(100, 1), BucketLimit(1, 0.1), BucketLimit(9, 9), BucketLimit(9, 9)), clock
    )
    pacer.wait_for([GLOBAL, MARKET_DATA])
    assert pacer.wait_for([GLOBAL, MARKET_DATA]) == pytest.approx(10)
    assert pacer.tokens() == pytest.approx({GLOBAL: 99, MARKET_DATA: 0, ORDER: 9, ORDER_STATUS: 9})


@pytest.mark.parametrize(
    ("call", "buckets"),
    [
        *[(call, {GLOBAL, MARKET_DATA}) for call in (calls.TIME, calls.ASSET_PAIRS, calls.DEPTH, calls.OHLC)],
        *[(call, {GLOBAL, ORDER}) for call in (calls.ADD_ORDER, calls.CANCEL_ORDER, calls.CANCEL_ALL)],
        *[(call, {GLOBAL, ORDER_STATUS}) for call in (calls.OPEN_ORDERS, calls.CLOSED_ORDERS, calls.QUERY_ORDERS)],
        (calls.TRADES_HISTORY, {GLOBAL, ORDER_STATUS}),
        *[(call, {GLOBAL}) for call in (calls.BALANCE, calls.GET_API_KEY_INFO, calls.TRADE_VOLUME)],
    ],
)
def test_which_call_draws_on_which_buckets(call: calls.Call, buckets: set[BucketName]) -> None:
    assert set(call.buckets) == buckets


def test_the_client_waits_on_its_clock_and_says_how_long() -> None:
    exchange = ScriptedExchange(ok({"ZUSD": "1"}))
    with exchange.client(limits=None, environ={"KRAKEN_RL_GLOBAL_CAP": "2", "KRAKEN_RL_GLOBAL_FR": "0.5"}) as client:
        for _ in range(3):
            client.get_account_balance()
        assert client.waited_s == pytest.approx(2.0)
        assert client.limits["kraken:global"] == BucketLimit(2, 0.5)
    assert [record.waited_s for record in exchange.records] == pytest.approx([0, 0, 2.0])
    assert [record.duration_s for record in exchange.records] == [0, 0, 0], "waiting is no part of a call's duration"


def test_without_limits_nothing_waits_and_none_are_claimed() -> None:
    exchange = ScriptedExchange(ok({"ZUSD": "1"}))
    with exchange.client(limits=Unlimited()) as client:
        for _ in range(100):
            client.get_account_balance()
        assert (client.waited_s, dict(client.limits)) == (0.0, {})


def test_threads_share_the_tokens() -> None:
    clock = VirtualClock()
    pacer = pacer_of(5, 1000, clock)
    threads = [threading.Thread(target=lambda: [pacer.wait_for([GLOBAL]) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.monotonic() >= (200 - 5) / 1000 - 1e-6
