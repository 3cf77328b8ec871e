from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sandbox_user import Venue, account, order

from pytest_kraken_golive.sandbox.settings import PERMISSIONS


@pytest.fixture
def venue() -> Venue:
    """XBTUSD stands still at 50,000 with a spread that orders of clients fit in."""
    return Venue(prices={"XBTUSD": 50_000}, accounts=[account(), account("other")], seed=2)


def amend(venue: Venue, txid: str, **params: str) -> Any:
    return venue.errors("AmendOrder", {"txid": txid, **params})


def executed(venue: Venue, *txids: str) -> list[str]:
    return [venue.order(txid)["vol_exec"].rstrip("0") for txid in txids]


# --- amend ------------------------------------------------------------------------------------------------------------


def test_an_amend_changes_the_order_in_place(venue: Venue) -> None:
    txid = venue.add(price="40000", cl_ord_id="mine")
    answer = venue.result("AmendOrder", {"cl_ord_id": "mine", "order_qty": "0.02", "limit_price": "41000"})
    assert answer["amend_id"].startswith("T")
    shown = venue.order(txid)
    assert (shown["vol"], shown["descr"]["price"], shown["cl_ord_id"]) == ("0.02000000", "41000.0", "mine")
    assert shown["misc"] == "amended"
    assert venue.exchange.account("trader").holds["ZUSD"] == Decimal("0.02") * 41_000 * Decimal("1.008")
    amends = venue.result("OrderAmends", {"order_id": txid})
    assert amends["count"] == 2
    assert [(entry["amend_type"], entry["limit_price"]) for entry in amends["amends"]] == [
        ("original", "40000.0"),
        ("user", "41000.0"),
    ]
    assert amends["amends"][1]["amend_id"] == answer["amend_id"]


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"order_qty": "0.005"}, True),
        ({"order_qty": "0.01"}, True),
        ({"order_qty": "0.02"}, False),
        ({"limit_price": "50000"}, True),
    ],
)
def test_the_place_is_kept_unless_the_volume_grows(venue: Venue, change: dict[str, str], first: bool) -> None:
    changed = venue.add(price="50000", volume="0.01")
    behind = venue.add(price="50000", volume="0.01")
    assert amend(venue, changed, **change) == []
    venue.add("other", type="sell", price="50000", volume="0.004")
    assert executed(venue, changed, behind) == (["0.004", "0."] if first else ["0.", "0.004"])


def test_a_new_price_loses_the_place_and_may_take(venue: Venue) -> None:
    changed = venue.add(price="49999", volume="0.01")
    there = venue.add(price="50000", volume="0.01")
    assert amend(venue, changed, limit_price="50000") == []
    venue.add("other", type="sell", price="50000", volume="0.004")
    assert executed(venue, changed, there) == ["0.", "0.004"]
    assert amend(venue, changed, limit_price="51000") == []
    assert venue.order(changed)["status"] == "closed"


def test_a_volume_at_or_below_what_is_filled_cancels_the_rest(venue: Venue) -> None:
    txid = venue.add(price="50000", volume="0.01")
    venue.add("other", type="sell", price="50000", volume="0.004")
    assert amend(venue, txid, order_qty="0.003") == []
    shown = venue.order(txid)
    assert (shown["status"], shown["vol_exec"], shown["vol"]) == ("canceled", "0.00400000", "0.01000000")
    assert venue.exchange.account("trader").holds["ZUSD"] == 0


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": "x"}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": "0.00001"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"order_qty": "100"}, "EOrder:Insufficient funds"),
        ({"limit_price": "0"}, "EOrder:Invalid price"),
        (
            {"limit_price": "40000.01"},
            "EOrder:Invalid price:BTC/USD price can only be specified up to 1 decimals.",
        ),
        ({"limit_price": "51000", "post_only": "true"}, "EOrder:Post only order"),
        ({"trigger_price": "51000"}, "EGeneral:Invalid arguments:trigger_price"),
        ({"display_qty": "0.001"}, "EGeneral:Invalid arguments:display_qty"),
        ({"order_qty": "0.02", "pair": "ETHUSD"}, "EGeneral:Invalid arguments:pair"),
        ({"order_qty": "0.02", "deadline": "soon"}, "EGeneral:Invalid arguments:deadline"),
    ],
)
def test_a_refused_amend_leaves_the_order_as_it_was(venue: Venue, params: dict[str, str], error: str) -> None:
    txid = venue.add(price="40000")
    before = venue.order(txid)
    assert amend(venue, txid, **params) == [error]
    assert venue.order(txid) == before


def test_an_iceberg_goes_on_showing_a_fifteenth(venue: Venue) -> None:
    txid = venue.add(ordertype="iceberg", price="40000", volume="0.01", displayvol="0.001")
    assert amend(venue, txid, order_qty="0.016") == ["EGeneral:Invalid arguments:displayvol"]
    assert amend(venue, txid, order_qty="0.016", display_qty="0.002") == []
    assert venue.order(txid)["displayvol"] == "0.00200000"
    assert edit(venue, txid, volume="0.04")["error"] == ["EGeneral:Invalid arguments:displayvol"]
    assert edit(venue, txid, volume="0.04", displayvol="0.003")["error"] == []


def test_the_books_show_what_an_order_once_was(venue: Venue) -> None:
    txid = venue.add(price="40000", volume="0.01")
    for volume in ("0.5", "0.001"):
        assert amend(venue, txid, order_qty=volume) == []
    (shown,) = venue.exchange.observed()["orders"]
    assert [entry["volume"] for entry in shown["amends"]] == ["0.01", "0.5", "0.001"]


def test_amends_find_open_orders_only(venue: Venue) -> None:
    done = venue.add(ordertype="market")
    assert amend(venue, done, order_qty="0.1") == ["EOrder:Unknown order"]
    assert venue.errors("AmendOrder", {"cl_ord_id": "x", "order_qty": "1"}) == ["EOrder:Unknown order"]
    assert venue.errors("AmendOrder", {"order_qty": "1"}) == ["EGeneral:Invalid arguments:txid"]
    mine = venue.add()
    assert venue.errors("AmendOrder", {"txid": mine, "order_qty": "1"}, "other") == ["EOrder:Unknown order"]


def test_triggers_are_amended_until_they_fire(venue: Venue) -> None:
    stop = venue.add(type="sell", ordertype="stop-loss-limit", price="45000", price2="44000")
    assert amend(venue, stop, trigger_price="46000", limit_price="45500") == []
    assert venue.order(stop)["descr"]["order"].endswith("stop loss 46000.0 -> limit 45500.0")
    trailing = venue.add(type="sell", ordertype="trailing-stop", price="+500")
    assert amend(venue, trailing, trigger_price="+900") == []
    assert abs(Decimal(venue.order(trailing)["stopprice"]) - 49_100) < 1
    assert amend(venue, trailing, trigger_price="49000") == ["EGeneral:Invalid arguments:trigger_price"]
    assert amend(venue, stop, trigger_price="50500") == []
    assert venue.order(stop)["status"] == "closed"


def test_the_documented_eight(venue: Venue) -> None:
    txid = venue.add(price="40000")
    venue.clock.advance(7)
    assert amend(venue, txid, limit_price="40001") == []
    venue.clock.advance(36)
    venue.result("CancelOrder", {"txid": txid})
    assert venue.exchange.account("trader").engine("XXBTZUSD").charged == 8


# --- edit -------------------------------------------------------------------------------------------------------------


def edit(venue: Venue, txid: str, **params: str) -> Any:
    return venue.private("EditOrder", {"txid": txid, "pair": "XBTUSD", **params})


def test_an_edit_is_a_new_order_for_what_is_not_filled(venue: Venue) -> None:
    old = venue.add(price="50000", volume="0.01", userref="7", oflags="post")
    venue.add("other", type="sell", price="50000", volume="0.004")
    answer = edit(venue, old, volume="0.02", price="49000")["result"]
    new = answer.pop("txid")
    assert answer == {
        "status": "ok",
        "originaltxid": old,
        "volume": "0.01600000",
        "price": "49000.0",
        "price2": "0",
        "orders_cancelled": 1,
        "descr": {"order": "buy 0.01600000 XBTUSD @ limit 49000.0"},
    }
    assert (venue.order(old)["status"], venue.order(old)["vol_exec"]) == ("canceled", "0.00400000")
    shown = venue.order(new)
    assert (shown["status"], shown["vol_exec"], shown["userref"], shown["oflags"]) == (
        "open",
        "0.00000000",
        0,
        "post,fciq",
    )


def test_an_edit_can_be_validated(venue: Venue) -> None:
    old = venue.add(price="40000")
    answer = edit(venue, old, price="41000", validate="true")["result"]
    assert "txid" not in answer
    assert answer["orders_cancelled"] == 0
    assert venue.order(old)["status"] == "open"


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"volume": "0.00001"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"volume": "9"}, "EOrder:Insufficient funds"),
        ({"price": "x"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "51000", "oflags": "post"}, "EOrder:Post only order"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:oflags"),
        ({"displayvol": "0.001"}, "EGeneral:Invalid arguments:displayvol"),
        ({"pair": "ETHUSD"}, "EOrder:Unknown order"),
        ({"txid": ""}, "EGeneral:Invalid arguments:txid"),
        ({"cancel_response": "perhaps"}, "EGeneral:Invalid arguments:cancel_response"),
    ],
)
def test_a_refused_edit_keeps_the_old_order(venue: Venue, params: dict[str, str], error: str) -> None:
    old = venue.add(price="40000")
    assert venue.errors("EditOrder", {"txid": old, "pair": "XBTUSD", **params}) == [error]
    assert venue.order(old)["status"] == "open"
    assert venue.result("ClosedOrders")["count"] == 0


def test_an_edit_spends_what_the_old_order_held(venue: Venue) -> None:
    old = venue.add(price="40000", volume="2.4")
    assert edit(venue, old, price="40500")["error"] == []


@pytest.mark.parametrize(
    "terms",
    [{"cl_ord_id": "mine"}, {"close[ordertype]": "limit", "close[price]": "60000"}],
    ids=["client id", "conditional close"],
)
def test_what_cannot_be_edited_is_refused(venue: Venue, terms: dict[str, str]) -> None:
    old = venue.add(price="40000", **terms)
    assert edit(venue, old, price="41000")["error"] == ["EOrder:Invalid order"]
    assert venue.order(old)["status"] == "open"


def test_an_edit_below_the_filled_volume_is_refused(venue: Venue) -> None:
    old = venue.add(price="50000", volume="0.01")
    venue.add("other", type="sell", price="50000", volume="0.004")
    assert edit(venue, old, volume="0.003")["error"] == ["EOrder:Invalid order"]


# --- batches ----------------------------------------------------------------------------------------------------------


def batch(venue: Venue, *orders: dict[str, Any], **params: Any) -> Any:
    terms = [{name: value for name, value in entry.items() if name != "pair"} for entry in orders]
    return venue.private("AddOrderBatch", {"pair": "XBTUSD", "orders": terms, **params}, as_json=True)


def test_a_batch_answers_in_the_order_of_its_orders(venue: Venue) -> None:
    close = {"ordertype": "stop-loss-limit", "price": "37000", "price2": "36000"}
    answer = batch(venue, order(price="40000", close=close), order(price="41000", volume="9"), order(price="42000"))
    assert answer["error"] == []
    first, second, third = answer["result"]["orders"]
    assert first["descr"] == {"order": "buy 0.01000000 XBTUSD @ limit 40000.0"}
    assert first["close"] == "close position @ stop loss 37000.0 -> limit 36000.0"
    assert second == {"error": "EOrder:Insufficient funds"}
    assert set(venue.result("OpenOrders")["open"]) == {first["txid"], third["txid"]}


def test_an_invalid_order_refuses_the_whole_batch(venue: Venue) -> None:
    assert batch(venue, order(), order(price="0.01"))["error"] != []
    assert batch(venue, order(), order(volume="0.00001"))["error"] != []
    assert batch(venue, order(), order(ordertype="nothing"))["error"] == ["EGeneral:Invalid arguments:ordertype"]
    assert venue.result("OpenOrders") == {"open": {}}


def test_a_batch_has_two_to_fifteen_orders_of_one_pair(venue: Venue) -> None:
    assert batch(venue, order())["error"] == ["EGeneral:Invalid arguments:orders"]
    assert batch(venue, *[order()] * 16)["error"] == ["EGeneral:Invalid arguments:orders"]
    assert batch(venue, *[order()] * 15)["error"] == []
    assert batch(venue, order(), order(), pair="NOPE")["error"] == ["EQuery:Unknown asset pair"]
    assert venue.exchange.account("trader").engine("XXBTZUSD").charged == 0.5 + 8 + 7.5


def test_a_batch_can_be_validated_and_has_a_deadline(venue: Venue) -> None:
    answer = batch(venue, order(), order(), validate=True)["result"]["orders"]
    assert [set(entry) for entry in answer] == [{"descr"}, {"descr"}]
    assert batch(venue, order(), order(), deadline="x")["error"] == ["EGeneral:Invalid arguments:deadline"]
    assert venue.result("OpenOrders") == {"open": {}}


def test_equal_client_ids_in_a_batch_leave_one_order(venue: Venue) -> None:
    answer = batch(venue, order(cl_ord_id="same"), order(cl_ord_id="same"))["result"]["orders"]
    assert answer[1] == {"error": "EGeneral:Invalid arguments:cl_ord_id not unique"}
    assert len(venue.result("OpenOrders")["open"]) == 1


def test_a_batch_of_cancels_names_ids_references_and_client_ids(venue: Venue) -> None:
    first = venue.add()
    for _ in range(2):
        venue.add(userref="5")
    venue.add(cl_ord_id="mine")
    kept = venue.add()
    params: dict[str, Any] = {"orders": [first, "5"], "cl_ord_ids": [{"cl_ord_id": "mine"}]}
    assert venue.private("CancelOrderBatch", params, as_json=True)["result"] == {"count": 4}
    assert list(venue.result("OpenOrders")["open"]) == [kept]
    assert venue.private("CancelOrderBatch", params, as_json=True)["error"] == ["EOrder:Unknown order"]
    assert venue.errors("CancelOrderBatch") == ["EGeneral:Invalid arguments:orders"]
    too_many = {"orders": [str(number) for number in range(51)]}
    assert venue.private("CancelOrderBatch", too_many, as_json=True)["error"] == ["EGeneral:Invalid arguments:orders"]


def test_a_batch_of_cancels_is_accepted_beyond_the_threshold() -> None:
    venue = Venue(tier="starter")
    txids = [venue.add() for _ in range(20)]
    assert venue.result("CancelOrderBatch", {"orders": ",".join(txids)}) == {"count": 20}
    assert venue.exchange.account("trader").engine("XXBTZUSD").value(venue.clock.monotonic()) == 20 + 20 * 8
    assert venue.errors("AddOrder", order()) == ["EOrder:Rate limit exceeded"]


def test_changes_and_batches_need_both_rights_where_they_cancel_and_place() -> None:
    assert {"modify-trades", "close-trades"} <= set(PERMISSIONS)
    venue = Venue(accounts=[account(permissions=["modify-trades"])])
    txid = venue.add()
    assert amend(venue, txid, order_qty="0.02") == []
    assert edit(venue, txid, price="41000")["error"] == ["EGeneral:Permission denied"]
