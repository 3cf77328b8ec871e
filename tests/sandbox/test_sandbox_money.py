from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_user import Venue, account, order

from pytest_kraken_golive.sandbox import fees
from pytest_kraken_golive.sandbox.appraisal import needed

CENT = Decimal("0.00001")


@pytest.mark.parametrize(
    ("volume_usd", "maker", "taker"),
    [
        ("0", "0.4000", "0.8000"),
        ("2499.99", "0.4000", "0.8000"),
        ("2500", "0.3000", "0.6000"),
        ("10000", "0.2200", "0.3800"),
        ("999999", "0.0800", "0.2000"),
        ("10000000", "0.0000", "0.1000"),
        ("500000000", "0.0000", "0.0500"),
    ],
)
def test_the_ladder(volume_usd: str, maker: str, taker: str) -> None:
    venue = Venue(accounts=[account(volume_30d_usd=volume_usd)])
    result = venue.result("TradeVolume", {"pair": "XBTUSD"})
    assert result["fees"]["XXBTZUSD"]["fee"] == taker
    assert result["fees_maker"]["XXBTZUSD"]["fee"] == maker
    assert result["volume"] == f"{Decimal(volume_usd):.4f}"


def test_next_and_current_rungs() -> None:
    assert fees.fee_answer(Decimal(0), maker=False) == {
        "fee": "0.8000",
        "minfee": "0.0500",
        "maxfee": "0.8000",
        "nextfee": "0.6000",
        "nextvolume": "2500.0000",
        "tiervolume": "0.0000",
    }
    top = fees.fee_answer(Decimal(10**9), maker=False)
    assert (top["nextfee"], top["nextvolume"], top["tiervolume"]) == (None, None, "500000000.0000")


def test_fills_count_for_the_tier_for_thirty_days() -> None:
    venue = Venue(prices={"XBTUSD": 50_000})

    def paid() -> Decimal:
        shown = venue.order(venue.add(ordertype="market", volume="0.06"))
        return round(Decimal(shown["fee"]) / Decimal(shown["cost"]), 4)

    assert paid() == Decimal("0.008")
    assert paid() == Decimal("0.006")
    assert Decimal(venue.result("TradeVolume")["volume"]) > 5_999
    venue.clock.advance(30 * 86_400)
    assert venue.result("TradeVolume")["volume"] == "0.0000"
    assert paid() == Decimal("0.008")


def test_euros_count_in_dollars() -> None:
    venue = Venue(prices={"XBTUSD": 50_000, "XBTEUR": 40_000})
    shown = venue.order(venue.add(pair="XBTEUR", ordertype="market", volume="0.001"))
    assert Decimal(venue.result("TradeVolume")["volume"]) == round(Decimal(shown["cost"]) * Decimal("1.25"), 4)


@pytest.mark.parametrize(
    ("rounding", "expected"), [("half_even", "0.40001"), ("half_up", "0.40001"), ("up", "0.40001")]
)
def test_fees_are_rounded_to_the_cost_decimals(rounding: str, expected: str) -> None:
    venue = Venue(prices={"XBTUSD": 50_000}, rounding=rounding)
    venue.clock.advance(0)
    shown = venue.order(venue.add(ordertype="market", volume="0.00100001"))
    exact = Decimal(shown["cost"]) * Decimal("0.008")
    assert abs(Decimal(shown["fee"]) - exact) < CENT
    assert (Decimal(shown["fee"]) >= exact) or rounding != "up"
    assert Decimal(shown["fee"]) in {Decimal(expected), Decimal(expected) - CENT}


def test_open_orders_hold_what_they_may_cost() -> None:
    venue = Venue()
    venue.add(price="50000", volume="0.1")
    venue.add(type="sell", price="100000", volume="0.5")
    extended = venue.result("BalanceEx")
    assert extended["ZUSD"]["hold_trade"] == "5040.0000"
    assert extended["XXBT"]["hold_trade"] == "0.5000000000"
    assert venue.errors("AddOrder", order(type="sell", price="100000", volume="1.6")) == ["EOrder:Insufficient funds"]
    assert venue.errors("AddOrder", order(price="50000", volume="1.9")) == ["EOrder:Insufficient funds"]
    venue.result("CancelAll")
    assert {entry["hold_trade"] for entry in venue.result("BalanceEx").values()} <= {"0.0000", "0.0000000000"}
    assert venue.errors("AddOrder", order(price="50000", volume="1.9")) == []


def test_everything_can_be_spent_to_the_last_unit() -> None:
    venue = Venue(accounts=[account(balances={"USD": "100.8"}), account("other", balances={"XBT": 1})])
    venue.add(price="70000", volume="0.00142857")
    for _ in range(20):
        venue.add("other", type="sell", price="70000", volume="0.00007")
    held = venue.exchange.account("trader")
    assert held.balances["ZUSD"] >= held.holds["ZUSD"] >= 0
    venue.exchange.set_price("XBTUSD", Decimal(69_000))
    assert held.holds["ZUSD"] == 0
    assert 0 <= held.balances["ZUSD"] < Decimal("0.5")


def test_trade_balance_adds_everything_up() -> None:
    venue = Venue(prices={"XBTUSD": 50_000, "XBTEUR": 40_000}, accounts=[account(balances={"XXBT": 1, "ZEUR": 1000})])
    assert venue.result("TradeBalance")["eb"] == "51250.0000"
    assert venue.result("TradeBalance", {"asset": "EUR"})["eb"] == "41000.0000"
    assert venue.errors("TradeBalance", {"asset": "NOPE"}) == ["EQuery:Unknown asset"]


# --- conservation -----------------------------------------------------------------------------------------------------

BALANCES = {"ZUSD": "60000", "ZEUR": "60000.12345", "XXBT": "1.5", "SOL": "300"}


PAIRS = ["XBTUSD", "XBTUSD", "XBTEUR", "SOLUSD"]
TRIGGERED = ["stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit", "trailing-stop", "trailing-stop-limit"]


def draw_action(draw: random.Random) -> dict[str, Any]:
    """Something that a client, the market or time may do; mostly orders near the market."""
    user = draw.choice(["trader", "other"])
    kind = draw.random()
    if kind < 0.6:
        return {"user": user, "order": draw_order(draw)}
    if kind < 0.7:
        change = draw.choice(["amend", "edit"])
        return {
            "user": user,
            change: draw.randint(0, 50),
            "offset_bp": draw.randint(-30, 30),
            "share": draw.random() * 2,
        }
    if kind < 0.8:
        return {"cancel": draw.randint(0, 50), "user": user}
    if kind < 0.9:
        return {"advance_s": draw.choice([0.3, 1.0, 7.0, 600.0, 40_000.0])}
    if kind < 0.97:
        return {"move_bp": draw.randint(-200, 200), "pair": draw.choice(["XBTUSD", "XBTEUR", "SOLUSD"])}
    return {"switch_s": draw.randint(0, 30), "user": user}


def draw_order(draw: random.Random) -> dict[str, Any]:
    """Terms of an order; prices follow when the market is known."""
    ordertype = draw.choice(["limit"] * 6 + ["market", "market", "iceberg", *TRIGGERED])
    return {
        "pair": draw.choice(PAIRS),
        "type": draw.choice(["buy", "sell"]),
        "ordertype": ordertype,
        "offset_bp": draw.choice([0, 0, draw.randint(-5, 5), draw.randint(-60, 60)]),
        "lots": int(10 ** draw.uniform(3.5, 7.6)),
        "timeinforce": draw.choice(["GTC", "GTC", "GTC", "IOC", "FOK"]) if ordertype == "limit" else "GTC",
        "oflags": draw.choice(["", "fcib", "post"] if ordertype == "limit" else ["", "fcib"]),
        "stptype": draw.choice(["cancel-newest", "cancel-oldest", "cancel-both"]),
        "trigger": draw.choice(["last", "index"]),
        "starttm": draw.choice(["0"] * 5 + ["+5"]),
        "expiretm": draw.choice(["0"] * 5 + ["+20"]),
        "viqc": draw.random() < 0.3,
        "close": draw.random() < 0.15,
    }


def act(venue: Venue, action: dict[str, Any]) -> None:
    """Do one thing; refusals are fine, internal errors are not."""
    errors: list[str] = []
    if "advance_s" in action:
        venue.clock.advance(action["advance_s"])
        venue.exchange.observed()
    elif "move_bp" in action:
        mid = sum(venue.best(action["pair"])) / 2
        venue.exchange.set_price(action["pair"], round(mid * (10_000 + action["move_bp"]) / 10_000, 1))
    elif "switch_s" in action:
        errors = venue.errors("CancelAllOrdersAfter", {"timeout": str(action["switch_s"])}, action["user"])
    elif "order" in action:
        errors = venue.errors("AddOrder", _order(venue, action["order"]), action["user"])
    else:
        errors = _change(venue, action)
    assert "EGeneral:Internal error" not in errors


def _change(venue: Venue, action: dict[str, Any]) -> list[str]:
    """Cancel, amend or edit one of the open orders, if there is one."""
    (name,) = action.keys() & {"cancel", "amend", "edit"}
    opened = sorted(venue.exchange.account(action["user"]).open)
    if not opened:
        return []
    txid = opened[action[name] % len(opened)]
    if name == "cancel":
        return list(venue.errors("CancelOrder", {"txid": txid}, action["user"]))
    entry = venue.exchange.account(action["user"]).open[txid]
    volume = f"{entry.volume * Decimal(action['share']):.8f}"
    trails = entry.ordertype.startswith("trailing")
    price = "+1%" if trails else _price(venue, entry.pair.altname, action["offset_bp"])
    limit = {} if entry.price is None else {"limit_price": "+0" if trails else price}
    if name == "amend":
        return list(venue.errors("AmendOrder", {"txid": txid, "order_qty": volume, **limit}, action["user"]))
    terms = {"txid": txid, "pair": entry.pair.altname, "volume": volume, "price": price}
    return list(venue.errors("EditOrder", terms, action["user"]))


def _price(venue: Venue, pair: str, offset_bp: int) -> str:
    bid, _ = venue.best(pair)
    return f"{round(bid * (10_000 + offset_bp) / 10_000, 1)}"


def _order(venue: Venue, terms: dict[str, Any]) -> dict[str, str]:
    names = ("pair", "type", "ordertype", "oflags", "timeinforce", "stptype", "trigger", "starttm", "expiretm")
    params = {name: terms[name] for name in names}
    scale = Decimal("1e-6") if terms["pair"] == "SOLUSD" else Decimal("1e-8")
    volume = terms["lots"] * scale
    params["volume"] = f"{volume:.8f}"
    if terms["ordertype"] in {"market", "iceberg"} or terms["timeinforce"] in {"IOC", "FOK"}:
        params["expiretm"] = "0"
    if terms["ordertype"] == "market" and terms["type"] == "buy" and terms["viqc"]:
        params |= {"oflags": "viqc", "volume": f"{volume * 1000:.2f}"}
    if terms["ordertype"] == "iceberg":
        params["displayvol"] = f"{volume / 3:.8f}"
    if params["oflags"] == "post":
        params["timeinforce"] = "GTC"
    if terms["ordertype"].startswith("trailing"):
        params |= {"price": f"+{abs(terms['offset_bp']) + 1}", "price2": "+0.1%"}
    elif terms["ordertype"] != "market":
        params |= {name: _price(venue, terms["pair"], terms["offset_bp"]) for name in ("price", "price2")}
    if terms["close"]:
        params |= {"close[ordertype]": "stop-loss-limit", "close[price]": "#0.2%", "close[price2]": "#0.2%"}
    return params


def check_books(venue: Venue, start: dict[str, Decimal]) -> None:
    assert {asset: amount for asset, amount in venue.exchange.totals().items() if amount} == start
    for held in venue.exchange.accounts:
        holds: dict[str, Decimal] = {}
        for entry in held.open.values():
            holds[entry.held_asset] = holds.get(entry.held_asset, Decimal(0)) + entry.held
            assert entry.remaining > 0
            book = venue.exchange.engine.books[entry.pair.id]
            short = held.available(entry.held_asset) == 0
            # What a market order needs that is to start later is asked again then.
            later = entry.status == "pending" and entry.price is None and entry.trigger is None
            assert entry.held > 0 or later
            assert entry.held == needed(entry, book) or short or later
        for asset, amount in held.balances.items():
            assert amount >= held.holds.get(asset, Decimal(0)) >= 0
            assert held.holds.get(asset, Decimal(0)) == holds.get(asset, Decimal(0))
        for entry in held.orders.values():
            assert entry.executed == sum(fill.volume for fill in entry.fills) <= entry.volume
            assert entry.cost == sum(fill.cost for fill in entry.fills)
            assert entry.fee == sum(fill.fee for fill in entry.fills) >= 0
            assert entry.is_open is (entry.txid in held.open) is (entry.closed_at is None)
    for book in venue.exchange.engine.books.values():
        bid, ask = book.best("bids"), book.best("asks")
        assert bid is None or ask is None or bid < ask


def run_stream(seed: int, length: int) -> Venue:
    """A random stream of actions; after each, the books must add up."""
    accounts = [account(balances=BALANCES), account("other", balances=BALANCES)]
    venue = Venue(seed=seed, volatility=3.0, limits=False, accounts=accounts)
    start, draw = venue.exchange.totals(), random.Random(seed)
    for _ in range(length):
        act(venue, draw_action(draw))
        check_books(venue, start)
    return venue


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_no_stream_of_orders_makes_or_loses_money(seed: int) -> None:
    venue = run_stream(seed, 60)
    fees_paid: dict[str, Decimal] = {}
    for held in venue.exchange.accounts:
        expected: dict[str, Decimal] = {}
        for entry in held.ledger.entries.values():
            expected[entry.asset] = expected.get(entry.asset, Decimal(0)) + entry.amount - entry.fee
            assert entry.balance == expected[entry.asset]
            fees_paid[entry.asset] = fees_paid.get(entry.asset, Decimal(0)) + entry.fee
        assert expected == held.balances
        for fill in held.fills.values():
            pair, sign = fill.order.pair, 1 if fill.order.side == "buy" else -1
            booked = {entry.asset: entry for entry in fill.entries}
            assert booked[pair.base].amount == sign * fill.volume
            assert booked[pair.quote].amount == -sign * fill.cost
            assert booked[pair.quote].fee == (0 if fill.order.fee_in_base else fill.fee)
            assert {entry.refid for entry in booked.values()} == {fill.txid}
    assert {asset: fee for asset, fee in fees_paid.items() if fee} == {
        asset: fee for asset, fee in venue.exchange.desk.money.fees_taken.items() if fee
    }


def test_the_streams_hold_what_they_are_to_prove() -> None:
    venues = [run_stream(seed, 80) for seed in range(16)]
    orders = [entry for venue in venues for held in venue.exchange.accounts for entry in held.orders.values()]
    fills = [fill for entry in orders for fill in entry.fills]
    sides: dict[tuple[int, str, int], int] = {}
    for index, venue in enumerate(venues):
        for held in venue.exchange.accounts:
            for fill in held.fills.values():
                key = (index, fill.order.pair.id, fill.trade_id)
                sides[key] = sides.get(key, 0) + 1
    assert len(orders) > 300
    assert sum(fill.maker for fill in fills) > 50
    assert sum(count == 2 for count in sides.values()) > 5
    assert sum(len(entry.fills) > 1 for entry in orders) > 20
    assert {entry.reason for entry in orders} >= {
        None,
        "User requested",
        "Immediate or cancel",
        "Self trade prevention",
        "Fill or kill",
    }
    assert {entry.ordertype for entry in orders if entry.fills} >= {"market", "limit", "iceberg", *TRIGGERED}
    assert {entry.status for entry in orders} >= {"closed", "canceled", "expired"}
    assert sum(len(entry.amends) > 1 for entry in orders) > 10
    assert sum(entry.refid is not None for entry in orders) > 10
    assert sum(entry.fee_in_base and bool(entry.fills) for entry in orders) > 10
    assert sum(entry.budget is not None for entry in orders) > 2
