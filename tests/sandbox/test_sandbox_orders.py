from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sandbox_user import Venue, account, order


@pytest.fixture
def venue() -> Venue:
    return Venue(prices={"XBTUSD": 50_000, "XBTEUR": 40_000, "ETHUSD": 2_000}, accounts=[account(), account("other")])


def errors(venue: Venue, **params: Any) -> Any:
    return venue.errors("AddOrder", order(**params))


def test_a_limit_order_rests_is_seen_and_is_cancelled(venue: Venue) -> None:
    result = venue.result("AddOrder", order(price="49000.5", volume="0.02", userref="7", oflags="post"))
    assert result["descr"] == {"order": "buy 0.02000000 XBTUSD @ limit 49000.5"}
    (txid,) = result["txid"]
    assert re.fullmatch(r"O[A-Z2-7]{5}-[A-Z2-7]{5}-[A-Z2-7]{6}", txid)
    shown = venue.result("OpenOrders")["open"][txid]
    assert shown["status"] == "open"
    assert shown["userref"] == 7
    assert shown["oflags"] == "post,fciq"
    assert shown["descr"]["price"] == "49000.5"
    assert (shown["vol"], shown["vol_exec"], shown["cost"]) == ("0.02000000", "0.00000000", "0.00000")
    assert venue.result("CancelOrder", {"txid": txid}) == {"count": 1}
    assert venue.errors("CancelOrder", {"txid": txid}) == ["EOrder:Unknown order"]
    closed = venue.result("ClosedOrders")
    assert closed["count"] == 1
    assert closed["closed"][txid]["status"] == "canceled"
    assert closed["closed"][txid]["reason"] == "User requested"
    assert venue.result("OpenOrders") == {"open": {}}


def test_a_market_order_is_filled_at_once(venue: Venue) -> None:
    ask = venue.best()[1]
    txid = venue.add(ordertype="market", volume="0.001")
    shown = venue.order(txid)
    assert shown["status"] == "closed"
    assert shown["reason"] is None
    assert shown["descr"]["price"] == "0"
    assert Decimal(shown["price"]) == ask
    assert Decimal(shown["cost"]) == ask * Decimal("0.001")
    assert Decimal(shown["fee"]) == round(Decimal(shown["cost"]) * Decimal("0.008"), 5)
    (trade_id,) = shown["trades"]
    trade = venue.result("QueryTrades", {"txid": trade_id})[trade_id]
    assert trade["ordertxid"] == txid
    assert trade["maker"] is False
    assert venue.result("TradesHistory")["trades"] == {trade_id: trade}
    assert venue.balance("XXBT") == Decimal("2.001")
    assert venue.balance("ZUSD") == 100_000 - Decimal(shown["cost"]) - Decimal(shown["fee"])


def test_a_large_order_eats_through_the_levels_and_an_ioc_rest_is_cancelled(venue: Venue) -> None:
    rows = venue.public("Depth", pair="XBTUSD", count=2)["result"]["XXBTZUSD"]["asks"]
    volume = sum(Decimal(row[1]) for row in rows)
    txid = venue.add(price=rows[1][0], volume=str(volume + Decimal("0.1")), timeinforce="IOC")
    shown = venue.order(txid)
    assert shown["status"] == "canceled"
    assert shown["reason"] == "Immediate or cancel"
    assert Decimal(shown["vol_exec"]) == volume
    assert len(shown["trades"]) == 2
    cost = sum(Decimal(row[0]) * Decimal(row[1]) for row in rows)
    assert Decimal(shown["cost"]) == cost
    after = venue.public("Depth", pair="XBTUSD", count=1)["result"]["XXBTZUSD"]["asks"]
    assert Decimal(after[0][0]) > Decimal(rows[1][0])


def test_liquidity_comes_back_with_the_next_step(venue: Venue) -> None:
    before = venue.best()
    venue.add(ordertype="market", volume="1")
    assert venue.best()[1] > before[1]
    venue.clock.advance(1)
    assert abs(venue.best()[1] - before[1]) < 1


def test_a_crossing_limit_order_takes_first_and_then_rests(venue: Venue) -> None:
    ask, size = venue.public("Depth", pair="XBTUSD", count=1)["result"]["XXBTZUSD"]["asks"][0][:2]
    txid = venue.add(price=str(Decimal(ask).normalize()), volume=str(Decimal(size) + Decimal("0.5")))
    shown = venue.order(txid)
    assert shown["status"] == "open"
    assert Decimal(shown["vol_exec"]) == Decimal(size)
    assert venue.best()[0] == Decimal(ask)


def test_a_resting_order_is_filled_as_maker_when_the_market_comes(venue: Venue) -> None:
    txid = venue.add(price="49000", volume="0.5")
    venue.exchange.set_price("XBTUSD", Decimal(48_000))
    shown = venue.order(txid)
    (trade_id,) = shown["trades"][:1]
    trade = venue.result("QueryTrades", {"txid": trade_id})[trade_id]
    assert trade["maker"] is True
    assert trade["price"] == "49000.00000"
    assert Decimal(trade["fee"]) == (Decimal(trade["cost"]) * Decimal("0.004")).quantize(Decimal("0.00001"))
    venue.clock.advance(10)
    assert venue.order(txid)["status"] == "closed"
    assert venue.order(txid)["price"] == "49000.0"


def test_clients_meet_in_price_then_time() -> None:
    # An account of its own for the taker, and a spread wide enough for two prices in it.
    venue = Venue(prices={"XBTUSD": 50_000}, accounts=[account(), account("other")], seed=2)
    bid, ask = venue.best()
    assert ask - bid > Decimal("0.3")
    first = venue.add(price="50000", volume="0.001")
    second = venue.add(price="50000", volume="0.001")
    better = venue.add(price="50000.1", volume="0.001")
    taker = venue.add("other", type="sell", price="50000", volume="0.0025")
    assert [venue.order(txid)["vol_exec"] for txid in (better, first, second)] == [
        "0.00100000",
        "0.00100000",
        "0.00050000",
    ]
    assert venue.order(taker, "other")["cost"] == "125.00010"
    assert venue.best()[0] == 50_000
    assert {trade["maker"] for trade in venue.result("TradesHistory")["trades"].values()} == {True}
    assert {trade["maker"] for trade in venue.result("TradesHistory", user="other")["trades"].values()} == {False}


@pytest.mark.parametrize(
    ("stptype", "resting_status", "coming_status"),
    [
        (None, "open", "canceled"),
        ("cancel-newest", "open", "canceled"),
        ("cancel-oldest", "canceled", "open"),
        ("cancel-both", "canceled", "canceled"),
    ],
)
def test_an_account_never_trades_with_itself(
    venue: Venue, stptype: str | None, resting_status: str, coming_status: str
) -> None:
    resting = venue.add(price="50000", volume="0.01")
    coming = venue.add(type="sell", price="50000", volume="0.01", stptype=stptype)
    assert venue.order(resting)["status"] == resting_status
    assert venue.order(coming)["status"] == coming_status
    assert venue.result("TradesHistory")["count"] == 0


@pytest.mark.parametrize("crossing", ["reject", "cancel"])
def test_post_only_never_takes(crossing: str) -> None:
    venue = Venue(prices={"XBTUSD": 50_000}, post_only_crossing=crossing)
    if crossing == "reject":
        assert errors(venue, price="51000", oflags="post") == ["EOrder:Post only order"]
        assert venue.result("OpenOrders") == {"open": {}}
        assert venue.result("ClosedOrders")["count"] == 0
    else:
        shown = venue.order(venue.add(price="51000", oflags="post"))
        assert (shown["status"], shown["reason"]) == ("canceled", "Post only order")
    assert venue.exchange.account("trader").available("ZUSD") == 100_000


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"ordertype": None}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "limited"}, "EGeneral:Invalid arguments:ordertype"),
        ({"type": "BUY"}, "EGeneral:Invalid arguments:type"),
        ({"volume": None}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "NaN"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "1e2"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.000100001"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.00004999"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"price": None}, "EGeneral:Invalid arguments:price"),
        ({"price": "0"}, "EOrder:Invalid price"),
        ({"price": "-60000"}, "EOrder:Invalid price"),
        ({"price": "dear"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "49000.05"}, "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals."),
        ({"price": "9000", "volume": "0.00005"}, "EOrder:Cost minimum not met"),
        ({"pair": None}, "EGeneral:Invalid arguments:pair"),
        ({"pair": "XBT/USD"}, "EQuery:Unknown asset pair"),
        ({"pair": "xbtusd"}, "EQuery:Unknown asset pair"),
        ({"price": "50000", "volume": "3"}, "EOrder:Insufficient funds"),
        ({"type": "sell", "price": "90000", "volume": "2.1"}, "EOrder:Insufficient funds"),
        ({"ordertype": "market", "type": "sell", "volume": "2.1"}, "EOrder:Insufficient funds"),
        ({"ordertype": "market", "oflags": "post"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "shiny"}, "EGeneral:Invalid arguments:oflags"),
        ({"timeinforce": "NOW"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"userref": "2147483648"}, "EGeneral:Invalid arguments:userref"),
        ({"userref": "abc"}, "EGeneral:Invalid arguments:userref"),
        ({"validate": "maybe"}, "EGeneral:Invalid arguments:validate"),
        ({"stptype": "cancel-none"}, "EGeneral:Invalid arguments:stptype"),
        ({"price": "5%"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "-100%"}, "EOrder:Invalid price"),
        ({"ordertype": "stop-loss", "price": None}, "EGeneral:Invalid arguments:price"),
        ({"ordertype": "stop-loss-limit"}, "EGeneral:Invalid arguments:price2"),
        (
            {"ordertype": "take-profit", "price": "49000.05"},
            "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals.",
        ),
        ({"ordertype": "trailing-stop", "price": "500"}, "EOrder:Invalid price:Invalid price argument"),
        ({"ordertype": "trailing-stop", "price": "+0"}, "EOrder:Invalid price"),
        (
            {"ordertype": "trailing-stop-limit", "price": "+5%", "price2": "1"},
            "EOrder:Invalid price:Invalid price argument",
        ),
        ({"ordertype": "stop-loss", "trigger": "mark"}, "EGeneral:Invalid arguments:trigger"),
        ({"ordertype": "stop-loss", "oflags": "post"}, "EGeneral:Invalid arguments:oflags"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:displayvol"),
        ({"ordertype": "iceberg", "displayvol": "0.0006"}, "EGeneral:Invalid arguments:displayvol"),
        ({"ordertype": "iceberg", "displayvol": "0.02"}, "EGeneral:Invalid arguments:displayvol"),
        (
            {"ordertype": "iceberg", "displayvol": "0.01", "timeinforce": "IOC"},
            "EGeneral:Invalid arguments:timeinforce",
        ),
        ({"displayvol": "0.01"}, "EGeneral:Invalid arguments:displayvol"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "+4"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "+2678401"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "+20", "starttm": "+30"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "+20", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:expiretm"),
        ({"starttm": "soon"}, "EGeneral:Invalid arguments:starttm"),
        ({"leverage": "5"}, "EOrder:Cannot open position"),
        ({"leverage": "3:1"}, "EOrder:Cannot open position"),
        ({"leverage": "much"}, "EGeneral:Invalid arguments:leverage"),
        ({"reduce_only": "true"}, "EOrder:Reduce only:No position exists"),
        ({"ordertype": "settle-position"}, "EOrder:Unknown position"),
        ({"asset_class": "tokenized_asset"}, "EQuery:Unknown asset pair"),
        ({"asset_class": "futures"}, "EGeneral:Invalid arguments:asset_class"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:viqc"),
        ({"oflags": "viqc", "ordertype": "market", "type": "sell"}, "EGeneral:Invalid arguments:viqc"),
        ({"close[price]": "60000"}, "EGeneral:Invalid arguments:close[ordertype]"),
        ({"close[ordertype]": "market"}, "EGeneral:Invalid arguments:close[ordertype]"),
        ({"close[ordertype]": "limit"}, "EGeneral:Invalid arguments:close[price]"),
        (
            {"close[ordertype]": "limit", "close[price]": "60000.01"},
            "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals.",
        ),
    ],
)
def test_what_is_wrong_is_named(venue: Venue, params: dict[str, Any], error: str) -> None:
    assert errors(venue, **params) == [error]
    assert venue.exchange.account("trader").available("ZUSD") == 100_000
    assert venue.result("OpenOrders") == {"open": {}}


def test_the_documented_wording_is_a_setting() -> None:
    venue = Venue(wording="documented")
    assert errors(venue, volume="0.00001") == ["EOrder:Order minimum not met"]
    assert errors(venue, price="100.01") == ["EOrder:Invalid price"]


def test_the_checks_come_in_order(venue: Venue) -> None:
    wrong = {"volume": "0.00001", "price": "0.01", "pair": "NOPE", "type": "x"}
    expected = [
        ({}, "EGeneral:Invalid arguments:type"),
        ({"type": "buy"}, "EQuery:Unknown asset pair"),
        ({"pair": "XBTUSD"}, "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals."),
        ({"price": "0.1"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"volume": "1"}, "EOrder:Cost minimum not met"),
        ({"price": "200000"}, "EOrder:Insufficient funds"),
    ]
    for better, error in expected:
        wrong |= better
        assert errors(venue, **wrong, oflags="post") == [error]
    assert errors(venue, **wrong | {"price": "60000"}, oflags="post") == ["EOrder:Post only order"]


def test_validate_checks_and_places_nothing(venue: Venue) -> None:
    result = venue.result("AddOrder", order(validate="true", cl_ord_id="probe"))
    assert result == {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 50000.0"}}
    assert errors(venue, validate="true", volume="0.00001") == ["EGeneral:Invalid arguments:volume minimum not met"]
    assert errors(venue, validate="true", volume="100") == ["EOrder:Insufficient funds"]
    assert venue.result("OpenOrders") == {"open": {}}
    books = venue.exchange.observed()
    (key,) = books["keys"].values()
    assert (key["orders"], key["validated"]) == (0, 1)
    assert books["orders"] == []


# --- client order ids -------------------------------------------------------------------------------------------------

UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


@pytest.mark.parametrize("cl_ord_id", [UUID, UUID.replace("-", ""), UUID.upper(), "a", "arb-20240509-00010", "x" * 18])
def test_client_order_ids_of_all_forms_find_their_order(venue: Venue, cl_ord_id: str) -> None:
    txid = venue.add(cl_ord_id=cl_ord_id)
    shown = venue.result("OpenOrders", {"cl_ord_id": cl_ord_id})["open"][txid]
    assert shown["cl_ord_id"] == cl_ord_id
    assert shown["userref"] is None
    assert venue.result("OpenOrders", {"cl_ord_id": "another"}) == {"open": {}}
    assert venue.result("CancelOrder", {"cl_ord_id": cl_ord_id}) == {"count": 1}
    assert list(venue.result("ClosedOrders", {"cl_ord_id": cl_ord_id})["closed"]) == [txid]


@pytest.mark.parametrize("cl_ord_id", ["", "x" * 19, "with space", "ä", UUID[:-1], UUID + "0", UUID.replace("-", "_")])
def test_other_forms_are_refused(venue: Venue, cl_ord_id: str) -> None:
    assert errors(venue, cl_ord_id=cl_ord_id) == ["EGeneral:Invalid arguments:cl_ord_id"]


def test_a_client_order_id_excludes_a_userref(venue: Venue) -> None:
    assert errors(venue, cl_ord_id="a", userref="1") == ["EGeneral:Invalid arguments:cl_ord_id"]


def test_client_order_ids_are_unique_among_the_open_orders_of_an_account_only(venue: Venue) -> None:
    taken = ["EGeneral:Invalid arguments:cl_ord_id not unique"]
    venue.add(cl_ord_id=UUID)
    assert errors(venue, cl_ord_id=UUID) == taken
    assert errors(venue, cl_ord_id=UUID.replace("-", "").upper()) == taken
    assert errors(venue, cl_ord_id=str(uuid.UUID(int=7))) == []
    venue.add("other", cl_ord_id=UUID)
    venue.result("CancelOrder", {"cl_ord_id": UUID})
    venue.add(ordertype="market", cl_ord_id=UUID, volume="0.001")
    venue.add(ordertype="market", cl_ord_id=UUID, volume="0.001")
    assert venue.result("ClosedOrders", {"cl_ord_id": UUID})["count"] == 3


def test_a_userref_names_several_orders(venue: Venue) -> None:
    first, second, third = venue.add(userref="5"), venue.add(userref="5"), venue.add(userref="6")
    assert set(venue.result("OpenOrders", {"userref": "5"})["open"]) == {first, second}
    assert venue.result("CancelOrder", {"txid": "5"}) == {"count": 2}
    assert set(venue.result("OpenOrders")["open"]) == {third}
    assert venue.errors("CancelOrder", {"txid": "0"}) == ["EOrder:Unknown order"]


@pytest.mark.parametrize("params", [{}, {"txid": ""}, {"cl_ord_id": ""}, {"txid": "a", "cl_ord_id": "b"}])
def test_a_cancel_names_one_thing(venue: Venue, params: dict[str, str]) -> None:
    (error,) = venue.errors("CancelOrder", params)
    assert error.startswith("EGeneral:Invalid arguments:")


# --- time -------------------------------------------------------------------------------------------------------------


def _deadline(venue: Venue, seconds: float) -> str:
    at = datetime.fromtimestamp(venue.clock.time() + seconds, UTC)
    return at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("ahead_s", "error"),
    [
        (-1, "EService:Deadline elapsed"),
        (0, "EService:Deadline elapsed"),
        (1.9, "EGeneral:Invalid arguments:deadline"),
        (2, None),
        (60, None),
        (60.1, "EGeneral:Invalid arguments:deadline"),
    ],
)
def test_deadlines_lie_two_to_sixty_seconds_ahead(venue: Venue, ahead_s: float, error: str | None) -> None:
    assert errors(venue, deadline=_deadline(venue, ahead_s)) == ([] if error is None else [error])


def test_a_deadline_that_passes_on_the_way_to_the_engine_has_elapsed(venue: Venue) -> None:
    call = venue.users["trader"].call("AddOrder", order(deadline=_deadline(venue, 5)), arrived_at=venue.clock.time())
    venue.clock.advance(5)
    assert venue.send(call)["error"] == ["EService:Deadline elapsed"]
    call = venue.users["trader"].call("AddOrder", order(deadline=_deadline(venue, 5)), arrived_at=venue.clock.time())
    venue.clock.advance(4)
    assert venue.send(call)["error"] == []


def test_deadlines_in_other_zones_and_fractions(venue: Venue) -> None:
    at = datetime.fromtimestamp(venue.clock.time() + 10, timezone(timedelta(hours=-5)))
    assert errors(venue, deadline=at.isoformat()) == []
    assert errors(venue, deadline=at.strftime("%Y-%m-%dT%H:%M:%S.123456789-05:00")) == []


@pytest.mark.parametrize(
    "deadline", ["", "soon", "2026-09-21", "1790000010", "2026-09-21T14:13:30", "2026-13-01T00:00:00Z"]
)
def test_other_deadlines_are_refused(venue: Venue, deadline: str) -> None:
    assert errors(venue, deadline=deadline) == ["EGeneral:Invalid arguments:deadline"]


def test_the_dead_mans_switch_fires_once_and_for_its_account_only(venue: Venue) -> None:
    mine, others = venue.add(), venue.add("other")
    armed = venue.result("CancelAllOrdersAfter", {"timeout": "60"})
    assert armed == {"currentTime": "2026-09-21T14:13:20Z", "triggerTime": "2026-09-21T14:14:20Z"}
    venue.clock.advance(59)
    assert venue.order(mine)["status"] == "open"
    venue.result("CancelAllOrdersAfter", {"timeout": "60"})
    venue.clock.advance(59)
    assert venue.order(mine)["status"] == "open"
    venue.clock.advance(3600)
    shown = venue.order(mine)
    assert (shown["status"], shown["closetm"]) == ("canceled", 1_790_000_000 + 59 + 60)
    assert venue.order(others, "other")["status"] == "open"
    later = venue.add()
    venue.clock.advance(3600)
    assert venue.order(later)["status"] == "open"


def test_the_switch_can_be_turned_off(venue: Venue) -> None:
    txid = venue.add()
    venue.result("CancelAllOrdersAfter", {"timeout": "5"})
    assert venue.result("CancelAllOrdersAfter", {"timeout": "0"})["triggerTime"] == "0"
    venue.clock.advance(10)
    assert venue.order(txid)["status"] == "open"
    for timeout in ("86400", "-1", "x", ""):
        assert venue.errors("CancelAllOrdersAfter", {"timeout": timeout}) == ["EGeneral:Invalid arguments:timeout"]
    assert venue.errors("CancelAllOrdersAfter") == ["EGeneral:Invalid arguments:timeout"]


# --- modes ------------------------------------------------------------------------------------------------------------


def test_cancel_only_and_post_only_let_through_what_they_say(venue: Venue) -> None:
    resting = venue.add(price="49000")
    venue.exchange.set_status("cancel_only")
    assert venue.public("SystemStatus")["result"]["status"] == "cancel_only"
    assert errors(venue, oflags="post") == ["EService:Market in cancel_only mode"]
    assert venue.result("CancelOrder", {"txid": resting}) == {"count": 1}
    venue.exchange.set_status("post_only")
    assert errors(venue, ordertype="market") == ["EService:Market in post_only mode"]
    assert errors(venue) == ["EService:Market in post_only mode"]
    assert errors(venue, oflags="post", price="49000") == []


def test_no_trades_occur_unless_online(venue: Venue) -> None:
    txid = venue.add(price="49000", volume="0.001")
    venue.exchange.set_status("post_only")
    venue.exchange.set_price("XBTUSD", Decimal(48_000))
    venue.clock.advance(60)
    assert venue.order(txid)["status"] == "open"
    venue.exchange.set_status("online")
    assert venue.order(txid)["status"] == "closed"


def test_maintenance_stops_everything_and_an_armed_switch_fires_on_return(venue: Venue) -> None:
    txid = venue.add()
    venue.result("CancelAllOrdersAfter", {"timeout": "60"})
    venue.exchange.set_status("maintenance")
    for name in ("Balance", "AddOrder", "CancelAll"):
        assert venue.errors(name, order()) == ["EService:Unavailable"]
    assert venue.public("Depth", pair="XBTUSD")["error"] == ["EService:Unavailable"]
    assert venue.public("SystemStatus")["result"]["status"] == "maintenance"
    venue.clock.advance(600)
    assert venue.exchange.observed()["orders"][0]["status"] == "open"
    venue.exchange.set_status("online")
    assert venue.order(txid)["status"] == "canceled"


def test_modes_of_a_pair(venue: Venue) -> None:
    venue.exchange.set_status("limit_only", "ETHUSD")
    assert errors(venue, pair="ETHUSD", ordertype="market") == ["EService:Market in limit_only mode"]
    assert errors(venue, pair="ETHUSD", price="1000") == []
    assert errors(venue, ordertype="market") == []
    assert venue.public("AssetPairs", pair="ETHUSD")["result"]["XETHZUSD"]["status"] == "limit_only"


def test_limit_only_of_the_exchange_is_shown_by_its_pairs(venue: Venue) -> None:
    venue.exchange.set_status("limit_only")
    assert errors(venue, ordertype="market") == ["EService:Market in limit_only mode"]
    resting = venue.add(price="50000")
    venue.exchange.set_price("XBTUSD", Decimal(49_000))
    assert venue.order(resting)["status"] == "closed"
    assert {pair["status"] for pair in venue.public("AssetPairs")["result"].values()} == {"limit_only"}
    assert venue.public("SystemStatus")["result"]["status"] == "online"


# --- listings ---------------------------------------------------------------------------------------------------------


def test_listings_come_in_pages_of_fifty_latest_first(venue: Venue) -> None:
    venue = Venue(limits=False)
    txids = []
    for _ in range(120):
        txids.append(venue.add(ordertype="market", volume="0.0001"))
        venue.clock.advance(1)
    seen: list[str] = []
    for offset in (0, 50, 100, 150):
        page = venue.result("ClosedOrders", {"ofs": str(offset)})
        assert page["count"] == 120
        seen += page["closed"]
    assert seen == txids[::-1]
    trades: list[str] = []
    for offset in (0, 50, 100, 150):
        trades += [
            trade["ordertxid"] for trade in venue.result("TradesHistory", {"ofs": str(offset)})["trades"].values()
        ]
    assert trades == txids[::-1]
    assert "count" not in venue.result("ClosedOrders", {"without_count": "true"})


def test_time_ranges_exclude_their_start_and_include_their_end(venue: Venue) -> None:
    start = int(venue.clock.time())
    txids = []
    for _ in range(4):
        txids.append(venue.add(ordertype="market", volume="0.0001"))
        venue.clock.advance(10)
    both = {"start": str(start), "end": str(start + 20)}
    assert set(venue.result("ClosedOrders", both)["closed"]) == set(txids[1:3])
    assert venue.result("TradesHistory", both)["count"] == 2
    by_id = {"start": txids[0], "end": txids[2], "closetime": "open"}
    assert set(venue.result("ClosedOrders", by_id)["closed"]) == set(txids[1:3])
    assert venue.errors("ClosedOrders", {"start": "yesterday"}) == ["EGeneral:Invalid arguments:start"]


def test_query_orders_takes_up_to_fifty_known_ids(venue: Venue) -> None:
    first, second = venue.add(), venue.add()
    assert set(venue.result("QueryOrders", {"txid": f"{first}, {second}"})) == {first, second}
    assert venue.errors("QueryOrders", {"txid": ",".join([first] * 51)}) == ["EGeneral:Invalid arguments:txid"]
    assert venue.errors("QueryOrders", {"txid": "OAAAAA-AAAAA-AAAAAA"}) == ["EOrder:Unknown order"]
    assert venue.errors("QueryTrades", {"txid": "TAAAAA-AAAAA-AAAAAA"}) == ["EOrder:Invalid order"]
    assert venue.errors("QueryOrders") == ["EGeneral:Invalid arguments:txid"]
