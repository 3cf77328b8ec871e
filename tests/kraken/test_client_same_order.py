"""Which order on the books is the one that was meant: same client id, another order; clocks that are set; threads."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import httpx
import pytest
from scripted_exchange import ScriptedExchange, error, ok, page
from test_client_outcomes import NAME, NO_OPEN, NOW, PLACED, START_S, TAKEN, after_loss, batch_of, entry, order

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import (
    ConditionalClose,
    NewOrder,
    NotSentError,
    OrderOutcomeUnknown,
    Relative,
    RequestRefused,
)
from pytest_kraken_golive.kraken.models import PlacedOrder

FACTS = {"base": "XXBT", "quote": "ZUSD", "pair_decimals": 1, "cost_decimals": 5, "lot_decimals": 8}
PAIRS = {"XXBTZUSD": {"altname": "XBTUSD", **FACTS}}
STOP = ConditionalClose(ordertype="stop-loss-limit", price=Decimal(90), price2=Decimal(89))
CLOSING = "close position @ stop loss 90.0 -> limit 89.0"


def standing(line: str, close: str = "") -> dict[str, Any]:
    """An older open order under the same client id."""
    shown = entry(opened_s=START_S - 500)
    return {**shown, "descr": {**shown["descr"], "order": line, "close": close}}


def holder(line: str, close: str = "", **answers: Any) -> ScriptedExchange:
    """The client id is taken by the order of that line."""
    held = ok({"open": {"O1": standing(line, close)}})
    return after_loss(**{"AddOrder": [TAKEN], "OpenOrders": [held], "AssetPairs": [ok(PAIRS)], **answers})


LINE = "buy 1.00000000 XBTUSD @ limit 100.0"
STOP_LIMIT = order(ordertype="stop-loss-limit", price2=Decimal(99))
ICEBERG = order(ordertype="iceberg", display_volume=Decimal("0.5"))
TRAILING = order(ordertype="trailing-stop", price=Relative("+", Decimal(5), percent=True))


@pytest.mark.parametrize(
    ("meant", "line", "close"),
    [
        (order(), LINE, ""),
        (order(), LINE + " with 2:1 leverage", ""),
        (order(pair="XXBTZUSD"), LINE, ""),
        (ICEBERG, LINE, ""),
        (STOP_LIMIT, "buy 1.00000000 XBTUSD @ stop loss 100.0 -> limit 99.0", ""),
        (TRAILING, "buy 1.00000000 XBTUSD @ trailing stop +5.0000%", ""),
        (order(ordertype="market", price=None), "buy 1.00000000 XBTUSD @ market", ""),
        (order(close=STOP), LINE, CLOSING),
    ],
)
def test_the_same_order_under_its_name_is_an_earlier_attempt(meant: NewOrder, line: str, close: str) -> None:
    with holder(line, close).client() as client:
        placed = client.place_order(meant)
    assert (placed.txid, placed.found, placed.close) == ("O1", True, close or None)


@pytest.mark.parametrize(
    ("meant", "line", "close"),
    [
        (order(), LINE.replace("XBTUSD", "ETHUSD"), ""),
        (STOP_LIMIT, "buy 1.00000000 XBTUSD @ stop loss 100.0 -> limit 98.0", ""),
        (STOP_LIMIT, "buy 1.00000000 XBTUSD @ stop loss 100.0", ""),
        (order(ordertype="stop-loss"), "buy 1.00000000 XBTUSD @ stop loss 100.0 -> limit 99.0", ""),
        (order(), "buy 1.00000000 XBTUSD @ market", ""),
        (order(), "", ""),
        (order(close=STOP), LINE, ""),
        (order(), LINE, CLOSING),
        (order(close=STOP), LINE, CLOSING.replace("89.0", "88.0")),
    ],
)
def test_another_order_under_its_name_is_a_refusal(meant: NewOrder, line: str, close: str) -> None:
    with holder(line, close).client() as client, pytest.raises(RequestRefused, match="O1 has this client id") as caught:
        client.place_order(meant)
    assert not caught.value.may_have_acted


def test_the_same_terms_in_another_pair_are_another_order() -> None:
    exchange = holder(LINE, AssetPairs=[ok({"XETHZUSD": {"altname": "ETHUSD", **FACTS}})])
    with exchange.client() as client, pytest.raises(RequestRefused, match="O1 has this client id"):
        client.place_order(order(pair="XETHZUSD"))


def test_a_pair_that_cannot_be_compared_leaves_it_unknown() -> None:
    exchange = holder(LINE, AssetPairs=[page(502)])
    with exchange.client() as client, pytest.raises(OrderOutcomeUnknown, match="looking for it failed too"):
        client.place_order(order(pair="XXBTZUSD"))


@pytest.mark.parametrize("volume", [Decimal(1), Decimal(2)])
def test_an_order_of_a_batch_whose_name_is_taken_is_looked_at_like_a_single_one(volume: Decimal) -> None:
    refused = {"error": "EGeneral:Invalid arguments:cl_ord_id not unique"}
    exchange = holder(LINE, AddOrderBatch=[batch_of(refused, {"error": "EOrder:Insufficient funds"})])
    with exchange.client() as client:
        first, second = client.place_orders([order(volume=volume), order(cl_ord_id="b")])
    if volume == 1:
        assert isinstance(first, PlacedOrder)
        assert (first.txid, first.found) == ("O1", True)
    else:
        assert isinstance(first, RequestRefused)
        assert "O1 has this client id" in str(first)
    assert isinstance(second, RequestRefused)


def test_an_interrupted_batch_is_found_out_before_it_is_sent_again() -> None:
    class Interrupted(BaseException):
        pass

    exchange = after_loss(AddOrder=[PLACED], OpenOrders=[ok({"open": {"O1": entry("a")}})])

    def interrupted(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("AddOrderBatch"):
            raise Interrupted
        return exchange.transport().handle_request(request)

    with exchange.client(transport=httpx.MockTransport(interrupted)) as client:
        with pytest.raises(Interrupted):
            client.place_orders([order(cl_ord_id="a"), order(cl_ord_id="b")])
        with pytest.raises(ValueError, match="find_out comes first"):
            client.place_orders([order(cl_ord_id="c"), order(cl_ord_id="b")])
        assert client.place_order(order(cl_ord_id="a")).txid == "O1"
        assert client.place_order(order(cl_ord_id="c")).txid == "ONEW", "its name was given back"


def test_another_order_is_not_told_to_be_the_lost_one_of_its_name() -> None:
    exchange = after_loss(OpenOrders=[ok({"open": {"O1": entry()}})], Time=[NOW])
    with exchange.client() as client:
        with pytest.raises(OrderOutcomeUnknown) as caught:
            client.place_order(order(), find_out=False)
        exchange.answer(AssetPairs=[ok(PAIRS)])
        placed = client.place_order(order(volume=Decimal(2)))
        assert placed.txid == "ONEW", "the other order was sent, when the fate of the first was known"
        assert client.find_out(caught.value).txid == "O1"


def test_what_was_found_is_found_again() -> None:
    exchange = after_loss(OpenOrders=[ok({"open": {"O1": entry()}})], Time=[NOW])
    with exchange.client() as client:
        with pytest.raises(OrderOutcomeUnknown) as caught:
            client.place_order(order(), find_out=False)
        assert [client.find_out(caught.value).txid for _ in range(3)] == ["O1"] * 3


# ---- clocks ----


class SetClock(VirtualClock):
    """A clock that somebody sets, while monotonic time goes on."""

    set_s = 0.0

    def time(self) -> float:
        return super().time() + self.set_s


@pytest.mark.parametrize("set_s", [-3600.0, -30.0, 30.0, 3600.0])
def test_a_clock_that_is_set_meanwhile_hides_no_order(set_s: float) -> None:
    """The order must be found by its own name, although it seems older than its sending."""
    clock = SetClock()
    start_s = clock.time()
    exchange = after_loss(
        Time=[ok({"unixtime": int(start_s) + since, "rfc1123": "x"}) for since in (0, 200)],
        OpenOrders=[NO_OPEN, ok({"open": {"O1": entry(opened_s=start_s)}})],
    )
    exchange.clock = clock
    with exchange.client() as client:
        with pytest.raises(OrderOutcomeUnknown) as caught:
            client.place_order(order(), find_out=False)
        clock.set_s = set_s
        assert client.find_out(caught.value).txid == "O1"
    assert clock.monotonic() <= 62, "nor does it make the call wait for hours"


def test_an_exchange_that_stands_still_is_not_waited_for_by_a_clock_that_was_set_back() -> None:
    clock = SetClock()
    exchange = after_loss(Time=[ok({"unixtime": int(clock.time()), "rfc1123": "x"})])
    exchange.clock = clock
    with exchange.client() as client:
        with pytest.raises(OrderOutcomeUnknown) as caught:
            client.place_order(order(), find_out=False)
        clock.set_s = -3600
        with pytest.raises(OrderOutcomeUnknown, match="behind ours"):
            client.find_out(caught.value)
    assert clock.monotonic() < 250


# ---- threads ----


def test_two_threads_do_not_send_one_name() -> None:
    exchange = ScriptedExchange(PLACED)
    sending, go_on = threading.Event(), threading.Event()
    sent: list[str] = []

    def slowly(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        sending.set()
        assert go_on.wait(60)
        return exchange.transport().handle_request(request)

    with exchange.client(transport=httpx.MockTransport(slowly)) as client:
        told: list[PlacedOrder] = []
        thread = threading.Thread(target=lambda: told.append(client.place_order(order())))
        thread.start()
        assert sending.wait(60)
        try:
            with pytest.raises(NotSentError, match=f"another thread .* {NAME}"):
                client.place_order(order())
        finally:
            go_on.set()
            thread.join(60)
        assert [placed.txid for placed in told] == ["ONEW"]
        assert len(sent) == 1
        assert client.place_order(order()).txid == "ONEW", "the name is free again"


def test_a_refused_order_gives_its_name_back() -> None:
    exchange = ScriptedExchange(error("EOrder:Insufficient funds"), PLACED)
    with exchange.client() as client:
        with pytest.raises(RequestRefused):
            client.place_order(order())
        assert client.place_order(order()).txid == "ONEW"
