from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_user import Venue, account, order


@pytest.fixture
def venue() -> Venue:
    return Venue(prices={"XBTUSD": 50_000}, limits=False, accounts=[account(balances={"USD": 1000, "XBT": 1})])


def test_the_ledger_begins_with_the_deposits_and_ends_with_the_balances(venue: Venue) -> None:
    venue.add(ordertype="market", volume="0.01")
    venue.exchange.alter_account("trader", balances={"ZUSD": Decimal(700)})
    answer = venue.result("Ledgers")
    entries = list(answer["ledger"].values())
    assert answer["count"] == len(entries) == 5
    assert sorted(entry["type"] for entry in entries) == ["adjustment", "deposit", "deposit", "trade", "trade"]
    for asset, balance in venue.result("Balance").items():
        ours = [entry for entry in entries if entry["asset"] == asset]
        assert ours[0]["balance"] == balance
        assert sum(Decimal(entry["amount"]) - Decimal(entry["fee"]) for entry in ours) == Decimal(balance)


def test_a_trade_names_its_ledger_entries_and_they_name_it(venue: Venue) -> None:
    venue.add(ordertype="market", volume="0.01")
    ((txid, trade),) = venue.result("TradesHistory", {"ledgers": "true"})["trades"].items()
    assert "ledgers" not in venue.result("TradesHistory")["trades"][txid]
    entries = venue.result("QueryLedgers", {"id": ",".join(trade["ledgers"])})
    assert {entry["refid"] for entry in entries.values()} == {txid}
    amounts = {entry["asset"]: Decimal(entry["amount"]) for entry in entries.values()}
    assert amounts["XXBT"] == Decimal(trade["vol"])
    assert -amounts["ZUSD"] == round(Decimal(trade["cost"]), 4)


def test_ledger_entries_have_the_same_ids_whenever_somebody_looks() -> None:
    often, once = Venue(), Venue()
    for _ in range(3):
        often.add(ordertype="market", volume="0.01")
        often.result("Ledgers")
        once.add(ordertype="market", volume="0.01")
    ids = [list(venue.result("Ledgers")["ledger"]) for venue in (often, once)]
    assert ids[0] == ids[1]
    assert len(ids[0]) > len(once.result("TradesHistory")["trades"]) * 2


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 122),
        ({"asset": "XBT"}, 61),
        ({"asset": "XXBT,ZUSD"}, 122),
        ({"asset": "all", "type": "deposit"}, 2),
        ({"type": "withdrawal"}, 0),
        ({"aclass": "tokenized_asset"}, 0),
        ({"start": "1790000010", "type": "trade"}, 100),
        ({"start": "1790000010", "end": "1790000020"}, 20),
    ],
)
def test_ledger_entries_are_filtered_and_paged(venue: Venue, params: dict[str, str], count: int) -> None:
    for _ in range(60):
        venue.clock.advance(1)
        venue.add(ordertype="market", volume="0.0001")
    seen: dict[str, Any] = {}
    for offset in range(0, 150, 50):
        page = venue.result("Ledgers", {**params, "ofs": str(offset)})
        assert page["count"] == count
        assert len(page["ledger"]) == max(0, min(50, count - offset))
        seen |= page["ledger"]
    assert len(seen) == count
    times = [entry["time"] for entry in seen.values()]
    assert times == sorted(times, reverse=True)
    assert "count" not in venue.result("Ledgers", {"without_count": "true"})


@pytest.mark.parametrize(
    ("name", "params", "error"),
    [
        ("Ledgers", {"type": "gift"}, "EGeneral:Invalid arguments:type"),
        ("Ledgers", {"asset": "NOPE"}, "EQuery:Unknown asset"),
        ("Ledgers", {"start": "LAAAAA-AAAAA-AAAAAA"}, "EGeneral:Invalid arguments:start"),
        ("Ledgers", {"ofs": "-1"}, "EGeneral:Invalid arguments:ofs"),
        ("QueryLedgers", {}, "EGeneral:Invalid arguments:id"),
        ("QueryLedgers", {"id": "LAAAAA-AAAAA-AAAAAA"}, "EGeneral:Invalid arguments:id"),
        ("TradesHistory", {"type": "some"}, "EGeneral:Invalid arguments:type"),
        ("TradesHistory", {"consolidate_taker": "x"}, "EGeneral:Invalid arguments:consolidate_taker"),
        ("ClosedOrders", {"closetime": "never"}, "EGeneral:Invalid arguments:closetime"),
        ("OpenOrders", {"rebase_multiplier": "x"}, "EGeneral:Invalid arguments:rebase_multiplier"),
        ("OpenPositions", {"consolidation": "pair"}, "EGeneral:Invalid arguments:consolidation"),
        ("OrderAmends", {}, "EGeneral:Invalid arguments:order_id"),
        ("OrderAmends", {"order_id": "OAAAAA-AAAAA-AAAAAA"}, "EOrder:Unknown order"),
    ],
)
def test_unknown_values_are_named(venue: Venue, name: str, params: dict[str, str], error: str) -> None:
    assert venue.errors(name, params) == [error]


def test_there_are_no_positions(venue: Venue) -> None:
    assert venue.result("OpenPositions", {"docalcs": "true", "consolidation": "market"}) == []
    assert venue.result("TradesHistory", {"type": "closed position"}) == {"trades": {}, "count": 0}


def test_ledger_times_bound_a_range(venue: Venue) -> None:
    venue.clock.advance(5)
    first = venue.add(ordertype="market", volume="0.0001")
    venue.clock.advance(5)
    venue.add(ordertype="market", volume="0.0001")
    (entry, *_) = venue.result("TradesHistory", {"start": first, "ledgers": "true"})["trades"].values()
    assert venue.result("TradesHistory", {"start": first})["count"] == 1
    assert venue.result("Ledgers", {"start": entry["ledgers"][0]})["count"] == 0


# --- anything at all --------------------------------------------------------------------------------------------------

WORDS = ["", "0", "1", "-1", "+5", "#1%", "-200%", "50000", "0.01", "1e5", "NaN", "true", "limit", "ä", "x" * 40, "5"]
TYPES = ["market", "limit", "iceberg", "stop-loss", "take-profit-limit", "trailing-stop", "trailing-stop-limit"]
FIELDS = {
    "pair": ["XBTUSD", "ETHUSD", "NOPE"],
    "type": ["buy", "sell"],
    "ordertype": TYPES,
    "volume": ["0.01", "1"],
    "price": ["50000", "+10", "#5%", "+1%"],
    "price2": ["50000", "+10", "-1%"],
    "oflags": ["post", "viqc", "fcib", "post,fciq"],
    "timeinforce": ["IOC", "GTD", "FOK"],
    "starttm": ["+5"],
    "expiretm": ["+10", "1790000030"],
    "displayvol": ["0.001", "0.01"],
    "trigger": ["index"],
    "cl_ord_id": ["a"],
    "userref": ["5"],
    "stptype": ["cancel-both"],
    "close[ordertype]": TYPES,
    "close[price]": ["#5%", "60000"],
    "close[price2]": ["#1%"],
    "order_qty": ["0.02"],
    "limit_price": ["49000", "+1"],
    "trigger_price": ["49000", "+100"],
    "display_qty": ["0.005"],
    "orders": ["5", "a,b"],
    "cl_ord_ids[0]": ["a"],
    "orders[0][volume]": ["1"],
    "orders[7][type]": ["buy"],
    "timeout": ["5"],
    "validate": ["true"],
    "order_id": [],
    "start": ["1790000000"],
    "ofs": ["1"],
}
ENDPOINTS = [
    "AddOrder",
    "AddOrder",
    "AddOrder",
    "AmendOrder",
    "EditOrder",
    "AddOrderBatch",
    "CancelOrder",
    "CancelOrderBatch",
    "CancelAllOrdersAfter",
    "OpenOrders",
    "ClosedOrders",
    "QueryOrders",
    "OrderAmends",
    "TradesHistory",
    "Ledgers",
]


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_request_brings_the_exchange_to_its_knees(draw: Any) -> None:
    venue = Venue(prices={"XBTUSD": 50_000}, limits=False, volatility=5.0)
    for _ in range(40):
        good = order(ordertype=draw.choice(TYPES), price=draw.choice(FIELDS["price"])) if draw.random() < 0.7 else {}
        names = draw.sample(sorted(FIELDS), draw.randint(0, 5))
        params = good | {name: draw.choice(FIELDS[name] * 4 + WORDS) for name in names}
        orders = sorted(venue.exchange.account("trader").orders)
        if orders and draw.random() < 0.7:
            params["txid"] = draw.choice(orders)
        assert venue.errors(draw.choice(ENDPOINTS), params) != ["EGeneral:Internal error"]
        venue.clock.advance(draw.choice([0, 1, 20]))
