"""What the client does about an order, or a change of one, whose answer was lost."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from scripted_exchange import ScriptedExchange, error, ok, page

from pytest_kraken_golive.kraken import (
    Amendment,
    ChangeNotMade,
    Edit,
    KrakenClient,
    KrakenError,
    NewOrder,
    OrderNotPlaced,
    OrderOutcomeUnknown,
    OutcomeUnknown,
    RequestRefused,
)
from pytest_kraken_golive.kraken.models import PlacedOrder

START_S = 1_790_000_000
PAGED = ("TradesHistory", "QueryOrders")
NAME = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
LATER = ok({"unixtime": START_S + 10_000, "rfc1123": "x"})
NOW = ok({"unixtime": START_S, "rfc1123": "x"})
NO_OPEN, NO_CLOSED, NO_FILLS = ok({"open": {}}), ok({"closed": {}, "count": 0}), ok({"trades": {}, "count": 0})
PLACED = ok({"txid": ["ONEW"], "descr": {"order": "x"}})
TAKEN = error("EGeneral:Invalid arguments:cl_ord_id not unique")


def order(**more: Any) -> NewOrder:
    settings = {"pair": "XBTUSD", "side": "buy", "ordertype": "limit", "volume": Decimal(1), "price": Decimal(100)}
    return NewOrder(**{**settings, "cl_ord_id": NAME, **more})


def entry(cl_ord_id: str = NAME, *, opened_s: float = START_S, status: str = "open", **more: Any) -> dict[str, Any]:
    descr = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "100", "price2": "0"}
    return {
        "status": status,
        "opentm": opened_s,
        "vol": "1.0",
        "vol_exec": "0",
        "cost": "0",
        "fee": "0",
        "price": "0",
        "oflags": "",
        "cl_ord_id": cl_ord_id,
        "descr": {**descr, "order": "buy 1.00000000 XBTUSD @ limit 100.0"},
        **more,
    }


def fill_of(txid: str) -> dict[str, Any]:
    amounts = {"price": "1", "cost": "1", "fee": "0", "vol": "1"}
    return {"ordertxid": txid, "pair": "X", "time": START_S, "type": "buy", "ordertype": "limit", **amounts}


def after_loss(**answers: Any) -> ScriptedExchange:
    """Loses the answer to an order; its books are empty but for what is given."""
    known: dict[str, Any] = {
        "AddOrder": [page(502), PLACED],
        "Time": [NOW, LATER],
        "OpenOrders": [NO_OPEN],
        "ClosedOrders": [NO_CLOSED],
        "TradesHistory": [NO_FILLS],
    }
    return ScriptedExchange(**{**known, **answers})


def test_an_order_that_stands_is_found_at_once() -> None:
    exchange = after_loss(OpenOrders=[ok({"open": {"OTHER": entry("x"), "O1": entry()}})])
    with exchange.client() as client:
        placed = client.place_order(order())
    assert (placed.txid, placed.found, placed.cl_ord_id) == ("O1", True, NAME)
    assert exchange.endpoints() == ["AddOrder", "Time", "OpenOrders"]
    assert exchange.clock.monotonic() == 0


@pytest.mark.parametrize("shown", [NAME.replace("-", ""), NAME.upper()])
def test_the_exchange_may_write_the_client_id_its_own_way(shown: str) -> None:
    with after_loss(OpenOrders=[ok({"open": {"O1": entry(shown)}})]).client() as client:
        assert client.place_order(order()).txid == "O1"


def test_an_order_that_is_closed_already_is_found_on_a_later_page() -> None:
    others = {f"O{number}": entry("x", status="closed") for number in range(50)}
    pages = [ok({"closed": others, "count": 51}), ok({"closed": {"OMINE": entry(status="closed")}, "count": 51})]
    exchange = after_loss(ClosedOrders=pages)
    with exchange.client() as client:
        assert client.place_order(order()).txid == "OMINE"
    assert [asked.fields.get("ofs") for asked in exchange.asked if asked.path.endswith("ClosedOrders")] == [None, "50"]


def test_an_order_that_only_its_fills_show_is_found() -> None:
    exchange = after_loss(
        TradesHistory=[ok({"trades": {"T1": fill_of("OTHER"), "T2": fill_of("OMINE")}, "count": 2})],
        QueryOrders=[ok({"OTHER": entry("x", status="closed"), "OMINE": entry(status="closed")})],
    )
    with exchange.client() as client:
        assert client.place_order(order()).txid == "OMINE"


def test_an_order_is_found_on_a_later_page_of_fills() -> None:
    """Fifty fills to a page, and at most fifty orders to a question."""
    fills = {f"T{number:02}": fill_of(f"O{number:02}") for number in range(60)}
    names = list(fills)
    pages = [ok({"trades": {name: fills[name] for name in part}, "count": 60}) for part in (names[:50], names[50:])]
    some = {f"O{number:02}": entry("x", status="closed") for number in range(50)}
    rest = {f"O{number:02}": entry("x" if number < 59 else NAME, status="closed") for number in range(50, 60)}
    exchange = after_loss(TradesHistory=pages, QueryOrders=[ok(some), ok(rest)])
    with exchange.client() as client:
        assert client.place_order(order()).txid == "O59"
    asked = {name: [one.fields for one in exchange.asked if one.path.endswith(name)] for name in PAGED}
    assert [fields.get("ofs") for fields in asked["TradesHistory"]] == [None, "50"]
    assert [len(fields["txid"].split(",")) for fields in asked["QueryOrders"]] == [50, 10]


@pytest.mark.parametrize("endless", ["ClosedOrders", "TradesHistory"])
def test_more_pages_than_anybody_reads_leave_it_unknown(endless: str) -> None:
    others = {f"O{number}": entry("x", status="closed") for number in range(50)}
    fills = {f"T{number}": fill_of("OTHER") for number in range(50)}
    page_of = {"ClosedOrders": ok({"closed": others}), "TradesHistory": ok({"trades": fills})}[endless]
    with after_loss(**{endless: [page_of]}).client() as client, pytest.raises(OrderOutcomeUnknown, match="40 pages"):
        client.place_order(order())


def test_an_order_is_not_placed_only_when_both_clocks_are_past_its_deadline() -> None:
    times = [ok({"unixtime": START_S + since, "rfc1123": "x"}) for since in (-8, -1, 4, 9, 13)]
    exchange = after_loss(Time=times)
    with exchange.client() as client, pytest.raises(OrderNotPlaced, match="may be sent again") as caught:
        client.place_order(order(deadline_s=10))
    assert not caught.value.may_have_acted
    assert exchange.endpoints()[:4] == ["AddOrder", "Time", "OpenOrders", "ClosedOrders"]
    assert exchange.endpoints()[4:] == ["Time"] * 4 + ["OpenOrders", "ClosedOrders", "TradesHistory"]
    assert exchange.clock.monotonic() >= 12


def test_an_exchange_whose_clock_stands_leaves_it_unknown() -> None:
    exchange = after_loss(Time=[NOW])
    with exchange.client() as client, pytest.raises(OrderOutcomeUnknown, match="behind ours"):
        client.place_order(order())


READS = ["Time", "OpenOrders", "ClosedOrders", "TradesHistory"]


@pytest.mark.parametrize("broken", READS)
@pytest.mark.parametrize("reply", [page(502), error("EGeneral:Permission denied"), httpx.ReadTimeout("slow"), ok([])])
def test_books_that_cannot_be_read_leave_it_unknown_until_they_can(
    broken: str, reply: httpx.Response | Exception
) -> None:
    exchange = after_loss(**{broken: [reply]})
    with exchange.client() as client:
        with pytest.raises(OrderOutcomeUnknown, match=NAME) as caught:
            client.place_order(order())
        assert caught.value.looked is not None
        assert "looking for it failed too" in str(caught.value)
        exchange.answer(Time=[LATER], OpenOrders=[ok({"open": {"O1": entry(opened_s=START_S + 99_999)}})])
        assert client.find_out(caught.value).txid == "O1"
    assert exchange.endpoints().count("AddOrder") == 1


def test_an_order_is_not_sent_again_by_its_name_before_its_fate_is_known() -> None:
    exchange = after_loss(OpenOrders=[page(502), NO_OPEN])
    with exchange.client(retry=None) as client:
        with pytest.raises(OrderOutcomeUnknown):
            client.place_order(order(), find_out=False)
        exchange.answer(OpenOrders=[ok({"open": {"O1": entry()}})])
        assert client.place_order(order()).txid == "O1"
    assert exchange.endpoints().count("AddOrder") == 1


def test_an_order_that_was_not_placed_may_be_sent_again_by_its_name() -> None:
    exchange = after_loss()
    with exchange.client() as client:
        with pytest.raises(OrderNotPlaced):
            client.place_order(order())
        assert client.place_order(order()).txid == "ONEW"
    sent = [asked.fields["cl_ord_id"] for asked in exchange.asked if asked.path.endswith("AddOrder")]
    assert sent == [NAME, NAME]


def test_an_older_order_that_had_the_same_name_is_not_taken_for_the_lost_one() -> None:
    old = entry(status="closed", opened_s=START_S - 3)
    exchange = after_loss(ClosedOrders=[ok({"closed": {"OLD": old}, "count": 1})])
    with exchange.client() as client, pytest.raises(OrderNotPlaced):
        client.place_order(order())


def test_an_own_order_of_the_same_moment_and_name_is_not_taken_for_the_lost_one() -> None:
    exchange = after_loss(
        AddOrder=[PLACED, page(502)],
        ClosedOrders=[ok({"closed": {"ONEW": entry(status="closed")}, "count": 1})],
    )
    with exchange.client() as client:
        assert client.place_order(order()).txid == "ONEW"
        with pytest.raises(OrderNotPlaced):
            client.place_order(order())


def test_two_orders_of_one_name_are_not_guessed_at() -> None:
    both = {"O1": entry(opened_s=START_S + 1), "O2": entry(opened_s=START_S + 1)}
    with after_loss(OpenOrders=[ok({"open": both})]).client() as client, pytest.raises(OrderOutcomeUnknown, match="O1"):
        client.place_order(order())


def test_a_name_that_is_taken_by_the_same_order_is_that_order() -> None:
    exchange = after_loss(AddOrder=[TAKEN], OpenOrders=[ok({"open": {"O1": entry(opened_s=START_S - 500)}})])
    with exchange.client() as client:
        assert client.place_order(order()).txid == "O1"


@pytest.mark.parametrize(
    "other",
    [
        {"volume": Decimal(2)},
        {"side": "sell"},
        {"price": Decimal(101)},
        {"ordertype": "market", "price": None},
        {"ordertype": "stop-loss"},
    ],
)
def test_a_name_that_is_taken_by_another_order_is_a_refusal(other: dict[str, Any]) -> None:
    exchange = after_loss(AddOrder=[TAKEN], OpenOrders=[ok({"open": {"O1": entry(opened_s=START_S - 500)}})])
    with exchange.client() as client, pytest.raises(RequestRefused, match="O1 has this client id") as caught:
        client.place_order(order(**other))
    assert not caught.value.may_have_acted


def test_a_caller_who_is_interrupted_finds_out_first() -> None:
    class Interrupted(BaseException):
        pass

    exchange = after_loss(AddOrder=[PLACED], OpenOrders=[ok({"open": {"O1": entry()}})])

    def interrupted(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("AddOrder"):
            raise Interrupted
        return exchange.transport().handle_request(request)

    with exchange.client(transport=httpx.MockTransport(interrupted)) as client:
        with pytest.raises(Interrupted):
            client.place_order(order())
        assert client.place_order(order()).txid == "O1"


# ---- batches ----


def batch_of(*entries: dict[str, Any]) -> httpx.Response:
    return ok({"orders": list(entries)})


GOOD = {"txid": "O1", "descr": {"order": "x"}}


def test_each_order_of_a_batch_has_its_own_outcome() -> None:
    exchange = after_loss(AddOrderBatch=[batch_of(GOOD, {"error": "EOrder:Insufficient funds"}, GOOD)])
    with exchange.client() as client:
        first, second, third = client.place_orders([order(cl_ord_id=None), order(), order(cl_ord_id="c")])
    assert isinstance(first, PlacedOrder)
    assert first.txid == "O1"
    assert isinstance(second, RequestRefused)
    assert isinstance(third, PlacedOrder)
    fields = exchange.asked[0].fields
    assert exchange.asked[0].headers["content-type"] == "application/json"
    assert (fields["pair"], len(fields["orders"]), "deadline" in fields) == ("XBTUSD", 3, True)
    assert uuid.UUID(fields["orders"][0]["cl_ord_id"]).version == 4
    assert "pair" not in fields["orders"][0]


@pytest.mark.parametrize(
    "reply",
    [page(502), batch_of(GOOD), batch_of(GOOD, {"descr": {"order": "x"}}), error("EGeneral:Internal error")],
)
def test_the_orders_of_a_lost_batch_are_found_out_one_by_one(reply: httpx.Response) -> None:
    exchange = after_loss(
        AddOrderBatch=[reply], OpenOrders=[ok({"open": {"O1": entry("a")}})], Time=[NOW, LATER, LATER, LATER]
    )
    with exchange.client() as client:
        first, second = client.place_orders([order(cl_ord_id="a"), order(cl_ord_id="b")])
    assert isinstance(first, PlacedOrder)
    assert first.txid == "O1"
    assert isinstance(second, OrderNotPlaced)


def test_a_batch_may_be_checked() -> None:
    exchange = ScriptedExchange(batch_of({"descr": {"order": "x"}}, {"error": "EOrder:Invalid price"}))
    with exchange.client() as client:
        first, second = client.place_orders([order(), order(cl_ord_id="b")], validate=True)
    assert isinstance(first, PlacedOrder)
    assert first.validated_only
    assert isinstance(second, RequestRefused)
    assert exchange.asked[0].fields["validate"] is True


def test_a_batch_is_of_two_to_fifteen_orders_of_one_pair() -> None:
    with ScriptedExchange(PLACED).client() as client:
        other = order(cl_ord_id="b", pair="ETHUSD")
        for orders in ([order()], [order()] * 16, [order(), other], [order(), order()]):
            with pytest.raises(ValueError, match="orders: expected"):
                client.place_orders(orders)


# ---- changes ----

AMEND = Amendment(txid="O1", volume=Decimal("0.7"), limit_price=Decimal(99))
EDIT = Edit(txid="O1", pair="XBTUSD", volume=Decimal("0.7"))
Act = Callable[[KrakenClient], Any]
CHANGES: list[Act] = [lambda client: client.amend_order(AMEND), lambda client: client.edit_order(EDIT)]


def amend(kind: str = "user", *, at_s: float = START_S + 10_001, **more: Any) -> dict[str, Any]:
    """A change as OrderAmends shows it; the exchange's clock is far ahead of ours here."""
    terms = {"amend_id": "T1", "order_qty": "0.70000000", "remaining_qty": "0.7", "limit_price": "99.0"}
    return {**terms, "amend_type": kind, "timestamp": int(at_s * 10**9), **more}


@pytest.mark.parametrize(
    ("amends", "change", "made"),
    [
        ([amend("original"), amend()], AMEND, True),
        ([], AMEND, False),
        ([amend("original")], AMEND, False),
        ([amend("restated")], AMEND, False),
        ([amend(order_qty="1.0")], AMEND, False),
        ([amend(limit_price="98.0")], AMEND, False),
        ([amend(at_s=START_S + 9_980)], AMEND, False),  # of an earlier change to the same terms
        ([amend(trigger_price="90.0")], Amendment(txid="O1", trigger_price=Decimal(90)), True),
        # What it leaves as it is says nothing about a change.
        ([], Amendment(txid="O1", volume=Decimal(1), trigger_price=Decimal(90)), False),
        ([amend(trigger_price="80.0")], Amendment(txid="O1", trigger_price=Decimal(90)), False),
        ([amend(display_qty="0.1")], Amendment(txid="O1", display_volume=Decimal("0.2")), False),
    ],
)
def test_a_lost_amendment_is_looked_up_among_the_changes_of_the_order(
    amends: list[dict[str, Any]], change: Amendment, made: bool
) -> None:
    exchange = ScriptedExchange(
        AmendOrder=[page(502)],
        Time=[LATER],
        QueryOrders=[ok({"O1": entry()})],
        OrderAmends=[ok({"amends": amends, "count": len(amends)})],
    )
    with exchange.client() as client:
        if made:
            result = client.amend_order(change)
            assert (result.amend_id, result.found) == ("T1", True)
        else:
            with pytest.raises(ChangeNotMade, match="deadline of the change is over") as caught:
                client.amend_order(change)
            assert not caught.value.may_have_acted
    assert exchange.endpoints() == ["AmendOrder", "Time", "Time", "OrderAmends"]
    assert exchange.clock.monotonic() >= 12


@pytest.mark.parametrize("where", ["open", "closed", "twice", "nowhere"])
def test_a_lost_amendment_by_client_id_is_looked_up_too(where: str) -> None:
    ended = {name: entry(status="closed") for name in {"closed": ["O1"], "twice": ["O1", "O2"]}.get(where, [])}
    exchange = ScriptedExchange(
        AmendOrder=[page(502)],
        Time=[LATER],
        OpenOrders=[ok({"open": {"O1": entry()} if where == "open" else {}})],
        ClosedOrders=[ok({"closed": ended, "count": len(ended)})],
        OrderAmends=[ok({"amends": [amend()], "count": 1})],
    )
    change = Amendment(cl_ord_id=NAME, volume=Decimal("0.7"))
    with exchange.client() as client:
        if where in {"open", "closed"}:
            assert client.amend_order(change).found
            assert exchange.asked[-1].fields["order_id"] == "O1"
        else:
            with pytest.raises(OutcomeUnknown):
                client.amend_order(change)


@pytest.mark.parametrize(("status", "outcome"), [("open", ChangeNotMade), ("canceled", OutcomeUnknown)])
def test_a_lost_edit_was_not_made_if_the_order_still_stands(status: str, outcome: type[KrakenError]) -> None:
    exchange = ScriptedExchange(
        EditOrder=[httpx.ReadTimeout("slow")], Time=[LATER], QueryOrders=[ok({"O1": entry(status=status)})]
    )
    with exchange.client() as client, pytest.raises(outcome):
        client.edit_order(EDIT)
    assert exchange.endpoints().count("EditOrder") == 1


@pytest.mark.parametrize("act", CHANGES, ids=["amend", "edit"])
def test_a_lost_change_that_cannot_be_looked_up_says_what_to_look_for(act: Act) -> None:
    refused = [error("EGeneral:Permission denied")]
    exchange = ScriptedExchange(page(502), Time=[LATER], QueryOrders=refused, OrderAmends=refused)
    with exchange.client() as client, pytest.raises(OutcomeUnknown, match=r"look at order O1.*Permission denied"):
        act(client)


@pytest.mark.parametrize("act", CHANGES, ids=["amend", "edit"])
def test_a_refused_change_is_a_refusal(act: Act) -> None:
    exchange = ScriptedExchange(error("EOrder:Insufficient funds"))
    with exchange.client() as client, pytest.raises(RequestRefused):
        act(client)
    assert len(exchange.asked) == 1


def test_an_edit_that_fails_inside_a_success_is_an_error() -> None:
    failed = ok({"status": "err", "error_message": "EOrder:Insufficient funds", "descr": {"order": "x"}})
    with ScriptedExchange(failed).client() as client, pytest.raises(RequestRefused, match="Insufficient funds"):
        client.edit_order(EDIT)


def test_an_amendment_names_one_order_and_changes_something() -> None:
    for wrong in ({}, {"txid": "O1"}, {"txid": "O1", "cl_ord_id": "x", "volume": Decimal(1)}):
        with pytest.raises(ValueError, match="expected"):
            Amendment(**wrong)


def test_the_dead_mans_switch_says_when_it_fires() -> None:
    armed = ok({"currentTime": "2026-03-24T17:41:56Z", "triggerTime": "2026-03-24T17:42:56Z"})
    off = ok({"currentTime": "2026-03-24T17:41:56Z", "triggerTime": "0"})
    with ScriptedExchange(armed, off).client() as client:
        switch = client.cancel_all_orders_after(60)
        assert switch.trigger_time is not None
        assert (switch.trigger_time - switch.current_time).total_seconds() == 60
        assert client.cancel_all_orders_after(0).trigger_time is None
        for wrong in (-1, 86_400, True, 1.5):
            with pytest.raises(ValueError, match="timeout_s"):
                client.cancel_all_orders_after(wrong)  # type: ignore[arg-type]  # the wrong type is the test
