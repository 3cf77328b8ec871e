from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.bot.strategy import Book, MarketView, PairRules, RiskLimits, smallest_volume, top_of_book

VIEW = MarketView(
    bid=Decimal("81289.9"),
    ask=Decimal("81290.0"),
    bid_depth=Decimal(3),
    ask_depth=Decimal(2),
    last_trade=Decimal("81290.0"),
    last_close=Decimal("81200.0"),
)
RULES = PairRules("XXBT", "ZUSD", Decimal("0.00005"), Decimal("0.5"), Decimal("0.1"), 8)
BOOK = Book(
    equity=Decimal(100_000),
    available={"ZUSD": Decimal(50_000), "XXBT": Decimal("0.5")},
    committed=Decimal(0),
    loss=Decimal(0),
    positions=0,
    rests=False,
    took=False,
)
LIMITS = RiskLimits(Decimal("0.05"), 5, Decimal("0.02"))


def test_first_it_rests_behind_the_top_then_it_takes_then_it_waits() -> None:
    first = top_of_book(VIEW, RULES, BOOK, LIMITS)
    assert (first.kind, first.side, first.volume, first.price) == (
        "limit", "buy", Decimal("0.00005"), Decimal("81208.6"),
    )  # fmt: skip
    second = top_of_book(VIEW, RULES, replace(BOOK, rests=True), LIMITS)
    assert (second.kind, second.side, second.volume, second.price) == ("market", "buy", Decimal("0.00005"), None)
    third = top_of_book(VIEW, RULES, replace(BOOK, rests=True, took=True), LIMITS)
    assert (third.kind, third.reason) == ("hold", "nothing left to do")


def test_a_falling_market_is_sold_above_the_top() -> None:
    falling = replace(VIEW, bid_depth=Decimal(1), last_trade=Decimal(81000), last_close=Decimal(82000))
    decision = top_of_book(falling, RULES, BOOK, LIMITS)
    assert (decision.kind, decision.side, decision.price) == ("limit", "sell", Decimal("81371.3"))


def test_it_takes_the_side_that_it_can_pay_for() -> None:
    only_coins = replace(BOOK, available={"XXBT": Decimal(1)})
    assert top_of_book(VIEW, RULES, only_coins, LIMITS).side == "sell"
    nothing = replace(BOOK, available={})
    assert top_of_book(VIEW, RULES, nothing, LIMITS).reason == "nothing to pay with"


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (replace(VIEW, bid=VIEW.ask), "no sound top of book"),
        (replace(VIEW, bid=Decimal(0)), "no sound top of book"),
        (replace(VIEW, ask=Decimal(82000)), "spread too wide"),
    ],
)
def test_a_market_that_says_nothing_is_left_alone(view: MarketView, reason: str) -> None:
    decision = top_of_book(view, RULES, BOOK, LIMITS)
    assert (decision.kind, decision.reason) == ("hold", reason)


@pytest.mark.parametrize(
    ("book", "rule"),
    [
        (replace(BOOK, positions=5), "max_open_positions"),
        (replace(BOOK, committed=Decimal(4999)), "max_position_pct"),
        (replace(BOOK, equity=Decimal(10)), "max_position_pct"),
        (replace(BOOK, loss=Decimal(2000)), "max_daily_loss_pct"),
    ],
)
def test_the_risk_profile_holds_it_back_and_is_named(book: Book, rule: str) -> None:
    decision = top_of_book(VIEW, RULES, book, LIMITS)
    assert (decision.kind, decision.rule) == ("hold", rule)


prices = st.decimals("0.01", "100000", places=2)


@given(price=prices, order_min=st.decimals("0", "10", places=8), cost_min=st.decimals("0", "50", places=5))
def test_the_smallest_volume_meets_both_minimums(price: Decimal, order_min: Decimal, cost_min: Decimal) -> None:
    rules = replace(RULES, order_min=order_min, cost_min=cost_min)
    volume = smallest_volume(price, rules)
    assert volume >= order_min
    assert volume * price >= cost_min
    assert volume == volume.quantize(Decimal("0.00000001"))


@given(bid=prices, spread=st.decimals("0.01", "1", places=2), tick=st.sampled_from(["0.01", "0.1", "1", "0.5"]))
def test_a_resting_order_is_on_the_price_step_and_never_takes(bid: Decimal, spread: Decimal, tick: str) -> None:
    step = Decimal(tick)
    view = replace(VIEW, bid=bid, ask=bid + spread, last_trade=bid, last_close=bid)
    decision = top_of_book(view, replace(RULES, tick=step), BOOK, LIMITS)
    if decision.kind == "limit" and decision.price is not None:
        assert decision.price % step == 0
        assert decision.price < view.ask if decision.side == "buy" else decision.price > view.bid


@given(
    committed=st.decimals("0", "10000", places=2),
    equity=st.decimals("0", "200000", places=2),
    part=st.decimals("0", "0.2", places=3),
    rests=st.booleans(),
)
def test_no_order_goes_beyond_the_position_limit(
    committed: Decimal, equity: Decimal, part: Decimal, rests: bool
) -> None:
    book = replace(BOOK, committed=committed, equity=equity, rests=rests)
    decision = top_of_book(VIEW, RULES, book, replace(LIMITS, max_position=part))
    if decision.kind != "hold":
        assert committed + decision.volume * (decision.price or VIEW.mid) <= part * equity
