from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_user import Venue, account, order

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.sandbox import Exchange
from pytest_kraken_golive.sandbox.market import Market
from pytest_kraken_golive.sandbox.prices import Noise, Prices

PAIR = Market().pairs["XXBTZUSD"]


@given(st.integers(0, 2**32), st.integers(0, 2**31), st.integers(0, 8))
def test_a_block_of_steps_stays_within_its_bounds(seed: int, block: int, size: int) -> None:
    noise = Noise(seed, "pair", 1.0)
    start = (block >> size) << size
    low, high = noise.bounds(start, size)
    slack = 1e-12
    for step in range(start, start + (1 << size)):
        assert low - slack <= noise.value(step) <= high + slack


@settings(deadline=None)
@given(st.integers(0, 2**20), st.integers(0, 2**30), st.integers(0, 300), st.integers(-40, 40), st.integers(-40, 40))
def test_the_search_finds_the_first_step_that_reaches_an_order(
    seed: int, low: int, length: int, buy_bp: int, sell_bp: int
) -> None:
    prices = Prices(PAIR, seed, Decimal(84_000), 2.0)
    mid = prices.mid(low)
    buy, sell = mid * (10_000 + buy_bp) // 10_000, mid * (10_000 + sell_bp) // 10_000
    expected = None
    for step in range(low, low + length + 1):
        bid, ask = prices.best(step)
        if ask <= buy or bid >= sell:
            expected = step
            break
    assert Prices(PAIR, seed, Decimal(84_000), 2.0).first_step(low, low + length, buy, sell) == expected


def test_a_year_without_a_look_is_settled_at_once() -> None:
    venue = Venue(volatility=1.0)
    txid = venue.add(price="10000", volume="0.001")
    venue.clock.advance(365 * 86_400)
    assert venue.order(txid)["status"] == "open"


def test_prices_move_and_stay_near_their_start() -> None:
    prices = Prices(PAIR, 3, Decimal(84_000), 1.0)
    mids = [prices.mid(step * 600) / 10 for step in range(2_000)]
    assert len(set(mids)) > 1_900
    assert 0.75 < min(mids) / 84_000 < max(mids) / 84_000 < 1.25
    daily = [abs(later / earlier - 1) for earlier, later in zip(mids, mids[144:], strict=False)]
    assert 0.002 < sum(daily) / len(daily) < 0.05


def script(venue: Venue) -> list[str]:
    bid, _ = venue.best()
    return [venue.add(price=str(bid - offset), volume="0.3") for offset in (2, 30, 60)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_looks_often_and_who_looks_once_see_the_same(seed: int) -> None:
    asked, unasked = (Venue(seed=seed, volatility=2.0, limits=False) for _ in range(2))
    assert script(asked) == script(unasked)
    for _ in range(600):
        asked.clock.advance(0.5)
        asked.public("Ticker", pair="XBTUSD")
    unasked.clock.advance(300)

    def state(venue: Venue) -> list[Any]:
        venue.public("Time")
        orders = list(venue.exchange.account("trader").orders.values())
        fills = [[(fill.at, fill.price, fill.volume, fill.fee) for fill in entry.fills] for entry in orders]
        return [[entry.status for entry in orders], fills, venue.public("Depth", pair="XBTUSD")]

    assert state(asked) == state(unasked)
    assert any(state(asked)[1]), "no order was reached: the example proves nothing"


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    def seen(seed: int) -> list[Any]:
        venue = Venue(seed=seed, volatility=1.0)
        venue.clock.advance(77)
        names = ("Ticker", "Depth", "Trades", "Spread", "OHLC")
        return [venue.public(name, pair="SOLUSD") for name in names] + [venue.add(), venue.add()]

    assert seen(5) == seen(5)
    assert all(one != other for one, other in zip(seen(5), seen(6), strict=True))


def test_setting_a_price_sets_the_mid_and_fills_what_it_reaches() -> None:
    venue = Venue(volatility=1.0, accounts=[account(), account("other")])
    low, high = venue.add(price="60000", volume="0.001"), venue.add("other", type="sell", price="99000", volume="0.001")
    venue.exchange.set_price("XBTUSD", Decimal("62345.67"))
    assert sum(venue.best()) / 2 == Decimal("62345.7")
    assert venue.order(low)["status"] == "open"
    venue.exchange.set_price("XBTUSD", Decimal(100_000))
    assert venue.order(high, "other")["status"] == "closed"
    venue.exchange.set_price("XBTUSD", Decimal(50_000), hold=True)
    assert venue.order(low)["status"] == "closed"
    venue.clock.advance(86_400)
    assert sum(venue.best()) / 2 == 50_000
    for wrong in (Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")):
        with pytest.raises(ValueError, match="price"):
            venue.exchange.set_price("XBTUSD", wrong)


@pytest.mark.parametrize("interval", [1, 5, 15, 30, 60, 240, 1440, 10080, 21600])
def test_candles_are_whole_and_stay_as_they_were(interval: int) -> None:
    venue = Venue(volatility=1.0)
    rows = venue.public("OHLC", pair="XBTUSD", interval=interval)["result"]["XXBTZUSD"]
    for row in rows:
        first, high, low, last, average = (Decimal(cell) for cell in row[1:6])
        assert low <= min(first, last, average) <= max(first, last, average) <= high
        assert Decimal(row[6]) > 0
        assert row[7] > 0
    assert {later[0] - earlier[0] for earlier, later in pairwise(rows)} == {interval * 60}
    venue.clock.advance(interval * 60)
    later = venue.public("OHLC", pair="XBTUSD", interval=interval)["result"]["XXBTZUSD"]
    assert later[:-2] == rows[1:-1]


def test_candles_since_a_time() -> None:
    venue = Venue()
    rows = venue.public("OHLC", pair="XBTUSD", interval=5)["result"]["XXBTZUSD"]
    since = venue.public("OHLC", pair="XBTUSD", interval=5, since=rows[-4][0])["result"]["XXBTZUSD"]
    assert since == rows[-3:]
    future = venue.public("OHLC", pair="XBTUSD", interval=5, since=rows[-1][0] + 86_400)["result"]["XXBTZUSD"]
    assert future == rows[-1:]
    for wrong in ("2", "0", "x"):
        answer = venue.public("OHLC", pair="XBTUSD", interval=wrong)
        assert answer["error"] == ["EGeneral:Invalid arguments:interval"]


def test_trades_can_be_followed_without_gap_or_repeat() -> None:
    venue = Venue(volatility=1.0, limits=False)
    cursor = venue.public("Trades", pair="XBTUSD", count=1)["result"]["last"]
    ids: list[int] = []
    for _ in range(6):
        for _ in range(5):
            venue.add(ordertype="market", volume="0.0001")
        venue.clock.advance(7)
        while True:
            page = venue.public("Trades", pair="XBTUSD", since=cursor, count=3)["result"]
            cursor = page["last"]
            ids += [row[6] for row in page["XXBTZUSD"]]
            if not page["XXBTZUSD"]:
                break
    assert ids == sorted(set(ids))
    assert len(ids) == 6 * 5 + 42
    ours = {trade["trade_id"] for trade in venue.result("TradesHistory")["trades"].values()}
    assert ours <= set(ids)


def test_the_book_shows_clients_orders_and_what_was_taken() -> None:
    venue = Venue(prices={"XBTUSD": 50_000})
    bid, _ = venue.best()
    venue.add(price=str(bid), volume="0.12345678")
    rows = venue.public("Depth", pair="XBTUSD", count=500)["result"]["XXBTZUSD"]
    assert Decimal(rows["bids"][0][1]) > Decimal("0.12345678")
    assert rows["bids"][0][1].endswith("5678")
    prices = [Decimal(row[0]) for row in rows["bids"]]
    assert prices == sorted(set(prices), reverse=True)
    asks = [Decimal(row[0]) for row in rows["asks"]]
    assert asks == sorted(set(asks))
    assert len(venue.public("Depth", pair="XBTUSD", count=7)["result"]["XXBTZUSD"]["asks"]) == 7
    for wrong in ("0", "501", "x"):
        assert venue.public("Depth", pair="XBTUSD", count=wrong)["error"] == ["EGeneral:Invalid arguments:count"]


def test_a_market_order_larger_than_the_book_leaves_a_cancelled_rest() -> None:
    venue = Venue(accounts=[account(balances={"XXBT": 1000})])
    txid = venue.add(ordertype="market", type="sell", volume="900")
    shown = venue.order(txid)
    assert shown["status"] == "canceled"
    assert 0 < Decimal(shown["vol_exec"]) < 900
    assert venue.public("Ticker", pair="XBTUSD")["result"]["XXBTZUSD"]["b"] == ["0.00000", "0", "0.000"]
    assert venue.errors("AddOrder", order(ordertype="market", type="sell", volume="1")) == [
        "EOrder:Cost minimum not met"
    ]
    venue.clock.advance(1)
    assert venue.best()[0] > 0


def test_ticker_figures_fit_together() -> None:
    venue = Venue(volatility=1.0)
    for pair in ("XBTUSD", "ETHUSD", "SOLUSD", "XBTEUR"):
        (entry,) = venue.public("Ticker", pair=pair)["result"].values()
        assert Decimal(entry["b"][0]) < Decimal(entry["a"][0])
        for index in (0, 1):
            assert Decimal(entry["l"][index]) <= Decimal(entry["c"][0]) <= Decimal(entry["h"][index])
            assert Decimal(entry["l"][index]) <= Decimal(entry["p"][index]) <= Decimal(entry["h"][index])
        assert entry["t"][0] <= entry["t"][1]
        assert Decimal(entry["v"][0]) <= Decimal(entry["v"][1])


class SetBack(VirtualClock):
    """A machine whose wall clock was set back by some seconds."""

    back_s = 0.0

    def time(self) -> float:
        return super().time() - self.back_s


def test_a_wall_clock_that_is_set_back_breaks_nothing() -> None:
    venue = Venue(volatility=1.0)
    clock = SetBack()
    venue.exchange = Exchange(venue.settings, clock)
    txid = venue.add(price="10000")
    clock.advance(100)
    assert venue.order(txid)["status"] == "open"
    clock.back_s = 5000
    assert venue.order(txid)["status"] == "open"
    for name in ("Ticker", "Trades", "OHLC", "Spread", "Depth"):
        assert venue.public(name, pair="XBTUSD")["error"] == []
    venue.add(ordertype="market")
    clock.advance(6000)
    assert venue.result("TradesHistory")["count"] == 1
