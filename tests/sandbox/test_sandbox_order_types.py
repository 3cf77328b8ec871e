from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sandbox_user import Venue, account, order


@pytest.fixture
def venue() -> Venue:
    """XBTUSD stands still at 50,000."""
    return Venue(prices={"XBTUSD": 50_000}, accounts=[account(), account("other")])


def move(venue: Venue, mid: float) -> None:
    venue.exchange.set_price("XBTUSD", Decimal(str(mid)), hold=True)


def hold(venue: Venue, asset: str, user: str = "trader") -> Decimal:
    return venue.exchange.account(user).holds.get(asset, Decimal(0))


# --- triggers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ordertype", "side", "level"),
    [
        ("stop-loss", "sell", 49_000),
        ("stop-loss", "buy", 51_000),
        ("take-profit", "sell", 51_000),
        ("take-profit", "buy", 49_000),
    ],
)
@pytest.mark.parametrize("signal", ["last", "index"])
def test_a_stop_waits_for_its_price_and_then_takes_the_market(
    venue: Venue, ordertype: str, side: str, level: int, signal: str
) -> None:
    beyond = 10 if level > 50_000 else -10
    txid = venue.add(type=side, ordertype=ordertype, price=str(level), volume="0.01", trigger=signal)
    shown = venue.order(txid)
    assert shown["descr"]["order"] == f"{side} 0.01000000 XBTUSD @ {ordertype.replace('-', ' ')} {level}.0"
    assert (shown["descr"]["price"], shown["descr"]["price2"]) == (f"{level}.0", "0")
    assert shown.get("trigger") == (None if signal == "last" else "index")
    move(venue, level - beyond)
    assert venue.order(txid)["status"] == "open"
    move(venue, level + beyond)
    shown = venue.order(txid)
    assert (shown["status"], shown["misc"]) == ("closed", "stopped" if ordertype == "stop-loss" else "touched")
    assert abs(Decimal(shown["price"]) - level) < 20
    assert hold(venue, "ZUSD") == hold(venue, "XXBT") == 0


def test_a_stop_with_a_limit_rests_at_its_limit_once_fired(venue: Venue) -> None:
    txid = venue.add(type="sell", ordertype="stop-loss-limit", price="49000", price2="48900", volume="0.01")
    assert venue.order(txid)["descr"]["order"] == "sell 0.01000000 XBTUSD @ stop loss 49000.0 -> limit 48900.0"
    move(venue, 48_000)
    shown = venue.order(txid)
    assert (shown["status"], shown["vol_exec"], shown["limitprice"]) == ("open", "0.00000000", "48900.00000")
    assert Decimal(venue.best()[1]) < 48_900
    move(venue, 48_950)
    assert venue.order(txid)["status"] == "closed"
    assert venue.order(txid)["price"] == "48900.0"


def test_a_stop_beyond_its_price_fires_at_once(venue: Venue) -> None:
    assert venue.order(venue.add(type="sell", ordertype="stop-loss", price="50500"))["status"] == "closed"


def test_a_stop_fires_in_the_step_in_which_the_market_trades_there() -> None:
    venue = Venue(prices={"XBTUSD": 50_000}, volatility=5.0)
    txid = venue.add(type="sell", ordertype="stop-loss", price="49900", volume="0.001")
    venue.clock.advance(86_400)
    shown = venue.order(txid)
    assert shown["status"] == "closed"
    (fill,) = venue.exchange.account("trader").orders[txid].fills
    book, engine = venue.exchange.engine.books["XXBTZUSD"], venue.exchange.engine
    fired = engine.step_of(fill.at)
    start = engine.step_of(shown["opentm"])
    assert book.price(book.invented_trade(fired)[0]) <= 49_900
    assert all(book.price(book.invented_trade(step)[0]) > 49_900 for step in range(start, fired))


def test_a_clients_own_trade_fires_the_stops_of_others(venue: Venue) -> None:
    rows = venue.public("Depth", pair="XBTUSD", count=30)["result"]["XXBTZUSD"]["bids"]
    level = Decimal(rows[20][0])
    stop = venue.add(type="sell", ordertype="stop-loss", price=f"{level:.1f}", volume="0.001")
    volume = sum((Decimal(row[1]) for row in rows[:21]), Decimal(0))
    venue.exchange.alter_account("other", balances={"XXBT": volume + 1})
    venue.add("other", type="sell", ordertype="market", volume=str(volume))
    assert venue.order(stop)["status"] == "closed"


@pytest.mark.parametrize(("side", "away", "back"), [("sell", 52_000, 51_400), ("buy", 48_000, 48_600)])
@pytest.mark.parametrize("distance", ["+500", "+1%"])
def test_a_trailing_stop_follows_the_best_price(venue: Venue, side: str, away: int, back: int, distance: str) -> None:
    txid = venue.add(type=side, ordertype="trailing-stop", price=distance, volume="0.01")
    shown = venue.order(txid)
    assert shown["descr"]["order"].startswith(f"{side} 0.01000000 XBTUSD @ trailing stop {distance[:2]}")
    before = Decimal(shown["stopprice"])
    move(venue, away)
    shown = venue.order(txid)
    assert shown["status"] == "open"
    expected = 500 if distance == "+500" else away // 100
    assert abs(abs(Decimal(shown["stopprice"]) - away) - expected) < 1
    assert (Decimal(shown["stopprice"]) > before) is (side == "sell")
    move(venue, (away + back) / 2)
    assert venue.order(txid)["stopprice"] == shown["stopprice"]
    move(venue, back)
    assert (venue.order(txid)["status"], venue.order(txid)["misc"]) == ("closed", "stopped")


def test_a_trailing_stop_sees_every_step_between_two_requests() -> None:
    venue = Venue(prices={"XBTUSD": 50_000}, volatility=5.0)
    txid = venue.add(type="sell", ordertype="trailing-stop", price="+150", volume="0.001")
    venue.clock.advance(40_000)
    shown = venue.order(txid)
    (fill,) = venue.exchange.account("trader").orders[txid].fills
    book, engine = venue.exchange.engine.books["XXBTZUSD"], venue.exchange.engine
    fired, start = engine.step_of(fill.at), engine.step_of(shown["opentm"])
    best = Decimal(0)
    for step in range(start, fired + 1):
        price = book.price(book.invented_trade(step)[0])
        best = max(best, price)
        assert (price <= best - 150) is (step == fired)
    assert Decimal(shown["stopprice"]) == best - 150


def test_a_trailing_stop_limit_sets_its_limit_from_its_trigger(venue: Venue) -> None:
    txid = venue.add(type="sell", ordertype="trailing-stop-limit", price="+500", price2="-100", volume="0.01")
    assert venue.order(txid)["descr"]["order"] == "sell 0.01000000 XBTUSD @ trailing stop +500.0 -> limit -100.0"
    move(venue, 51_000)
    stop = Decimal(venue.order(txid)["stopprice"])
    move(venue, 50_000)
    shown = venue.order(txid)
    assert (shown["status"], Decimal(shown["limitprice"])) == ("open", stop - 100)


def test_a_buy_stop_holds_its_trigger_price_and_ends_if_it_can_no_longer_be_paid(venue: Venue) -> None:
    txid = venue.add(ordertype="stop-loss", price="51000", volume="1.9")
    assert hold(venue, "ZUSD") == Decimal("51000") * Decimal("1.9") * Decimal("1.008")
    move(venue, 53_000)
    shown = venue.order(txid)
    assert (shown["status"], shown["reason"], shown["vol_exec"]) == ("canceled", "Insufficient funds", "0.00000000")
    assert hold(venue, "ZUSD") == 0


@pytest.mark.parametrize(
    ("params", "price"),
    [
        ({"price": "-500"}, "49500"),
        ({"price": "-1%"}, "49500"),
        ({"price": "#1%"}, "49500"),
        ({"price": "#250", "type": "sell"}, "50250"),
        ({"price": "+250", "type": "sell"}, "50250"),
        ({"price": "#2%", "ordertype": "stop-loss", "type": "sell"}, "49000"),
        ({"price": "#2%", "ordertype": "take-profit", "type": "sell"}, "51000"),
        ({"price": "#2%", "ordertype": "stop-loss"}, "51000"),
    ],
)
def test_relative_prices_count_from_the_last_trade(venue: Venue, params: dict[str, str], price: str) -> None:
    shown = venue.order(venue.add(**params))
    assert abs(Decimal(shown["descr"]["price"]) - Decimal(price)) < 1
    assert shown["status"] == "open"


# --- volume and time --------------------------------------------------------------------------------------------------


def test_an_iceberg_shows_a_part_and_goes_to_the_back_with_each(venue: Venue) -> None:
    iceberg = venue.add(ordertype="iceberg", price="50000", volume="0.03", displayvol="0.01")
    plain = venue.add(price="50000", volume="0.01")
    shown = venue.public("Depth", pair="XBTUSD", count=1)["result"]["XXBTZUSD"]["bids"][0]
    assert [Decimal(text) for text in shown[:2]] == [50_000, Decimal("0.02")]
    venue.add("other", type="sell", price="50000", volume="0.02")
    assert venue.order(iceberg)["vol_exec"] == "0.01000000"
    assert venue.order(plain)["status"] == "closed"
    venue.add("other", type="sell", price="50000", volume="0.02", timeinforce="FOK")
    assert venue.order(iceberg)["status"] == "closed"


def test_fill_or_kill_is_all_or_nothing(venue: Venue) -> None:
    price, volume = venue.public("Depth", pair="XBTUSD", count=1)["result"]["XXBTZUSD"]["asks"][0][:2]
    terms = {"price": f"{Decimal(price):.1f}", "timeinforce": "FOK"}
    killed = venue.order(venue.add(**terms, volume=str(Decimal(volume) + Decimal("0.001"))))
    assert (killed["status"], killed["reason"], killed["vol_exec"]) == ("canceled", "Fill or kill", "0.00000000")
    assert venue.order(venue.add(**terms, volume=volume))["status"] == "closed"
    assert hold(venue, "ZUSD") == 0


def test_orders_expire(venue: Venue) -> None:
    now = int(venue.clock.time())
    by_delay = venue.add(expiretm="+10")
    by_time = venue.add(timeinforce="GTD", expiretm=str(now + 20))
    assert venue.order(by_delay)["expiretm"] == now + 10
    venue.clock.advance(9.9)
    assert venue.order(by_delay)["status"] == "open"
    venue.clock.advance(100)
    assert [venue.order(txid)["status"] for txid in (by_delay, by_time)] == ["expired", "expired"]
    assert [venue.order(txid)["closetm"] for txid in (by_delay, by_time)] == [now + 10, now + 20]
    assert hold(venue, "ZUSD") == 0


def test_scheduled_orders_wait_for_their_start(venue: Venue) -> None:
    txid = venue.add(price="51000", starttm="+30")
    assert venue.order(txid)["status"] == "pending"
    assert txid in venue.result("OpenOrders")["open"]
    venue.clock.advance(29)
    assert venue.order(txid)["status"] == "pending"
    venue.clock.advance(5)
    assert venue.order(txid)["status"] == "closed"
    cancelled = venue.add(starttm="+30")
    assert venue.result("CancelOrder", {"txid": cancelled}) == {"count": 1}
    venue.clock.advance(60)
    assert venue.order(cancelled)["status"] == "canceled"


def test_a_start_that_falls_into_a_halt_waits_for_its_end(venue: Venue) -> None:
    txid = venue.add(price="51000", starttm="+5")
    venue.exchange.set_status("cancel_only")
    venue.clock.advance(60)
    assert venue.order(txid)["status"] == "pending"
    venue.exchange.set_status("online")
    assert venue.order(txid)["status"] == "closed"


def test_no_stop_fires_in_a_halt(venue: Venue) -> None:
    txid = venue.add(type="sell", ordertype="stop-loss", price="49000")
    venue.exchange.set_status("post_only")
    move(venue, 48_000)
    venue.clock.advance(10)
    assert venue.order(txid)["status"] == "open"
    venue.exchange.set_status("online")
    assert venue.order(txid)["status"] == "closed"


# --- money ------------------------------------------------------------------------------------------------------------


def test_a_market_buy_may_be_sized_in_quote_units(venue: Venue) -> None:
    txid = venue.add(ordertype="market", volume="100", oflags="viqc")
    shown = venue.order(txid)
    assert (shown["status"], shown["vol"], shown["oflags"]) == ("closed", "100.00000000", "fciq,viqc")
    assert 100 - Decimal("0.001") < Decimal(shown["cost"]) <= 100
    assert shown["vol_exec"] == f"{Decimal(shown['cost']):.8f}"
    bought = venue.balance("XXBT") - 2
    assert bought == venue.exchange.account("trader").orders[txid].executed
    assert Decimal("0.0019") < bought < Decimal("0.0021")
    assert venue.errors("AddOrder", order(ordertype="market", volume="0.4", oflags="viqc")) == [
        "EGeneral:Invalid arguments:volume minimum not met"
    ]


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_fees_are_taken_in_base_units_if_preferred(venue: Venue, side: str) -> None:
    txid = venue.add(type=side, ordertype="market", volume="0.1", oflags="fcib")
    shown = venue.order(txid)
    entries = venue.result("Ledgers", {"type": "trade"})["ledger"].values()
    (base,) = (entry for entry in entries if entry["asset"] == "XXBT")
    assert Decimal(base["fee"]) == Decimal("0.1") * Decimal("0.008")
    assert Decimal(shown["fee"]) == (Decimal(shown["cost"]) * Decimal("0.008")).quantize(Decimal("0.00001"))
    moved = Decimal("0.0992") if side == "buy" else Decimal("-0.1008")
    assert venue.balance("XXBT") - 2 == moved
    assert abs(venue.balance("ZUSD") - 100_000) == Decimal(shown["cost"])


def test_a_sell_holds_its_fee_too_where_it_is_due_in_base_units(venue: Venue) -> None:
    venue.add(type="sell", price="90000", volume="1", oflags="fcib")
    assert hold(venue, "XXBT") == Decimal("1.008")
    assert venue.errors("AddOrder", order(type="sell", price="90000", volume="0.99", oflags="fcib")) == [
        "EOrder:Insufficient funds"
    ]


def test_a_fill_is_followed_by_its_close(venue: Venue) -> None:
    close = {"close[ordertype]": "stop-loss-limit", "close[price]": "#5%", "close[price2]": "44000"}
    result = venue.result("AddOrder", order(ordertype="market", volume="0.02", userref="9", **close))
    assert result["descr"]["close"] == "close position @ stop loss #5.0000% -> limit 44000.0"
    (txid,) = result["txid"]
    ((follower, shown),) = venue.result("OpenOrders")["open"].items()
    assert (shown["refid"], shown["userref"], shown["vol"]) == (txid, 9, "0.02000000")
    assert shown["descr"]["type"] == "sell"
    assert abs(Decimal(shown["descr"]["price"]) - 47_500) < 10
    move(venue, 47_000)
    assert venue.order(follower)["status"] == "closed"
    assert venue.balance("XXBT") == 2


def test_a_close_may_be_nested_in_json(venue: Venue) -> None:
    close = {"ordertype": "limit", "price": "60000"}
    params = {**order(ordertype="market", volume="0.02"), "close": close}
    answer = venue.private("AddOrder", params, as_json=True)
    assert answer["result"]["descr"]["close"] == "close position @ limit 60000.0"
    ((_, shown),) = venue.result("OpenOrders")["open"].items()
    assert (shown["refid"], shown["descr"]["price"]) == (answer["result"]["txid"][0], "60000.0")


def test_a_resting_order_is_followed_fill_by_fill(venue: Venue) -> None:
    close = {"close[ordertype]": "limit", "close[price]": "60000"}
    venue.add(price="50000", volume="0.02", **close)
    venue.add("other", type="sell", price="50000", volume="0.005")
    venue.add("other", type="sell", price="50000", volume="0.015")
    followers = venue.result("OpenOrders")["open"].values()
    assert sorted(entry["vol"] for entry in followers) == ["0.00500000", "0.01500000"]
    assert {entry["descr"]["order"].split(" @ ")[1] for entry in followers} == {"limit 60000.0"}


def test_validate_reads_everything_and_places_nothing(venue: Venue) -> None:
    terms: dict[str, Any] = {"ordertype": "stop-loss-limit", "price": "49000", "price2": "48000", "type": "sell"}
    assert "txid" not in venue.result("AddOrder", order(**terms, validate="true"))
    assert venue.errors("AddOrder", order(**terms, validate="true", volume="5")) == ["EOrder:Insufficient funds"]
    assert venue.result("OpenOrders") == {"open": {}}
