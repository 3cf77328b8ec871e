from __future__ import annotations

from decimal import Decimal

import pytest
from sandbox_user import Venue, account, order

from pytest_kraken_golive.sandbox import PublicLimit
from pytest_kraken_golive.sandbox.limits import EngineLimit, RestLimit, engine_charge
from pytest_kraken_golive.sandbox.settings import Tier
from pytest_kraken_golive.sandbox.wire import Call


def test_documented_example_add_amend_cancel_charges_eight() -> None:
    counter = EngineLimit("intermediate")
    assert counter.take(engine_charge("add"), 0.0)
    assert counter.take(engine_charge("amend", 7.0), 7.0)
    assert counter.take(engine_charge("cancel", 36.0), 43.0)
    assert counter.charged == 8


def test_documented_example_fifty_adds_and_ten_seconds() -> None:
    counter = EngineLimit("intermediate")
    assert all(counter.take(engine_charge("add"), 100.0) for _ in range(50))
    assert counter.value(110.0) == pytest.approx(26.6)


@pytest.mark.parametrize(
    ("age_s", "amend", "edit", "cancel"),
    [(4.9, 4, 7, 8), (5, 3, 6, 6), (10, 2, 5, 5), (15, 1, 3, 4), (45, 1, 2, 2), (90, 1, 1, 1), (300, 1, 1, 0)],
)
def test_age_penalties(age_s: float, amend: int, edit: int, cancel: int) -> None:
    assert engine_charge("amend", age_s) == amend
    assert engine_charge("edit", age_s) == edit
    assert engine_charge("cancel", age_s) == cancel


@pytest.mark.parametrize(
    ("tier", "most", "decay_per_s"), [("starter", 15, 0.33), ("intermediate", 20, 0.5), ("pro", 20, 1.0)]
)
def test_the_rest_counter_by_tier(tier: Tier, most: int, decay_per_s: float) -> None:
    venue = Venue(tier=tier)
    for _ in range(most):
        assert venue.errors("Balance") == []
    assert venue.errors("Balance") == ["EAPI:Rate limit exceeded"]
    venue.clock.advance(1.99 / decay_per_s)
    assert venue.errors("Balance") == ["EAPI:Rate limit exceeded"]
    venue.clock.advance(2.01 / decay_per_s)
    assert venue.errors("Balance") == []


def test_going_on_extends_the_block_but_not_without_end() -> None:
    counter = RestLimit("starter")
    while counter.take(1, 0.0):
        pass
    assert not any(counter.take(1, 0.0) for _ in range(1000))
    assert counter.value(0.0) == 16
    assert counter.take(1, 2 / 0.33 + 0.01)


@pytest.mark.parametrize("cost", [2, 4])
def test_trade_history_costs_more_and_orders_nothing(cost: int) -> None:
    venue = Venue(tier="pro", history_cost=cost)
    txids = [venue.add() for _ in range(30)]
    venue.clock.advance(300)
    for txid in txids:
        assert venue.errors("CancelOrder", {"txid": txid}) == []
    for _ in range(20 // cost):
        assert venue.errors("TradesHistory") == []
    assert venue.errors("TradesHistory") == ["EAPI:Rate limit exceeded"]


def test_the_engine_counts_refused_orders_too_and_each_pair_apart() -> None:
    venue = Venue(tier="starter")
    for _ in range(60):
        assert venue.errors("AddOrder", order(volume="0")) == ["EGeneral:Invalid arguments:volume minimum not met"]
    assert venue.errors("AddOrder", order()) == ["EOrder:Rate limit exceeded"]
    assert venue.errors("AddOrder", order(pair="ETH/USD", price="1000", volume="0.01")) == []
    venue.clock.advance(1)
    assert venue.errors("AddOrder", order()) == []
    assert venue.errors("AddOrder", order()) == ["EOrder:Rate limit exceeded"]


def test_cancelling_young_orders_fills_the_counter() -> None:
    venue = Venue(tier="starter")
    txids = [venue.add() for _ in range(7)]
    answers = [venue.errors("CancelOrder", {"txid": txid}) for txid in txids]
    assert answers == [[]] * 6 + [["EOrder:Rate limit exceeded"]]
    assert venue.order(txids[6])["status"] == "open"
    assert venue.result("CancelAll") == {"count": 1}


def test_open_orders_are_limited_by_tier_and_pair() -> None:
    venue = Venue(tier="starter")
    for _ in range(60):
        venue.add(volume="0.0001")
        venue.clock.advance(1)
    assert venue.errors("AddOrder", order(volume="0.0001")) == ["EOrder:Orders limit exceeded"]
    assert venue.errors("AddOrder", order(pair="XBTEUR", volume="0.0001")) == []


def test_limits_can_be_off_for_one_account_or_for_all() -> None:
    venue = Venue(tier="starter", accounts=[account(), account("free", limits=False)])
    for _ in range(70):
        assert venue.errors("Balance", user="free") == []
        assert venue.errors("AddOrder", order(volume="0.0001"), "free") == []
    assert sum(bool(venue.errors("Balance")) for _ in range(20)) == 5
    unlimited = Venue(tier="starter", limits=False, public_limit=PublicLimit(capacity=1, per_s=0.1))
    for _ in range(50):
        assert unlimited.errors("Balance") == []
        assert unlimited.public("Time")["error"] == []


def test_an_accounts_own_tier_counts() -> None:
    venue = Venue(tier="starter", accounts=[account(), account("big", tier="pro")])
    assert sum(not venue.errors("Balance") for _ in range(30)) == 15
    assert sum(not venue.errors("Balance", user="big") for _ in range(30)) == 20


def test_public_calls_are_limited_by_address_and_door() -> None:
    venue = Venue(public_limit=PublicLimit(capacity=3, per_s=1), doors=["main", "side"])

    def call(door: str, peer: str) -> bool:
        answer = venue.send(Call("GET", "/0/public/Time", door=door, peer=peer))
        if answer["error"]:
            assert answer == {"error": ["EAPI:Rate limit exceeded"], "result": None}
        return not answer["error"]

    assert [call("main", "127.0.0.1") for _ in range(4)] == [True, True, True, False]
    assert call("main", "127.0.0.2")
    assert call("side", "127.0.0.1")
    venue.clock.advance(1)
    assert [call("main", "127.0.0.1") for _ in range(2)] == [True, False]


def test_the_dead_mans_switch_is_not_the_engines_counter() -> None:
    venue = Venue(tier="starter")
    venue.result("CancelAllOrdersAfter", {"timeout": "60"})
    venue.add()
    assert venue.exchange.account("trader").engine("XXBTZUSD").charged == 1
    assert venue.balance("ZUSD") == Decimal(100_000)
