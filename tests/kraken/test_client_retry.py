from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from scripted_exchange import ScriptedExchange, error, ok, page

from pytest_kraken_golive.kraken import (
    AfterCheckError,
    AnswerLostError,
    BackOffError,
    ClientClosedError,
    HttpStatusError,
    KrakenClient,
    KrakenError,
    LockoutError,
    MalformedAnswerError,
    NewOrder,
    NonceError,
    NotSentError,
    OrderOutcomeUnknown,
    PermanentError,
    RequestRefused,
    RetryPolicy,
    SlowError,
    UnknownError,
)

BALANCE = ok({"ZUSD": "1"})
PLACED = ok({"txid": ["OUF4EM-FRGI2-MQMWZD"], "descr": {"order": "buy 1.00000000 XBTUSD @ limit 100.0"}})
CHECKED = ok({"descr": {"order": "buy 1.00000000 XBTUSD @ limit 100.0"}})


def name_of(reply: object) -> str:
    if isinstance(reply, httpx.Response):
        return f"{reply.status_code} {reply.text[:60]}"
    return reply.__name__ if isinstance(reply, type) else repr(reply)


ORDER = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal("1"), price=Decimal("100.0"))

PASSING: list[httpx.Response | Exception] = [
    page(502),
    page(520),
    page(200),
    httpx.Response(429),
    httpx.Response(200, content=b'{"error":[]'),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("closed"),
    ConnectionResetError(104, "reset"),
    error("EAPI:Rate limit exceeded"),
    error("EService:Unavailable"),
    error("EService:Busy"),
    error("EService: Throttled"),
    error("EService:Timeout"),
    error("EGeneral:Internal error"),
    error("EGeneral:Too many requests"),
]


def place(client: KrakenClient) -> object:
    return client.place_order(ORDER)


CALLS: list[tuple[Callable[[KrakenClient], Any], httpx.Response]] = [
    (lambda client: client.get_account_balance(), BALANCE),
    (lambda client: client.server_time(), ok({"unixtime": 1, "rfc1123": "x"})),
    (lambda client: client.cancel_order("OUF4EM-FRGI2-MQMWZD"), ok({"count": 1})),
    (lambda client: client.place_order(ORDER, validate=True), CHECKED),
]


@pytest.mark.parametrize("passing", PASSING, ids=name_of)
@pytest.mark.parametrize(("act", "good"), CALLS, ids=["Balance", "Time", "CancelOrder", "validate"])
def test_what_may_be_repeated_survives_what_passes(
    passing: httpx.Response | Exception, act: Callable[[KrakenClient], Any], good: httpx.Response
) -> None:
    exchange = ScriptedExchange(passing, passing, good)
    with exchange.client() as client:
        act(client)
    assert len(exchange.asked) == 3
    assert exchange.clock.monotonic() == 1 + 2, "1 s, then doubling"
    assert [record.attempt for record in exchange.records] == [1, 2, 3]
    assert [record.result == "ok" for record in exchange.records] == [False, False, True]


def test_attempts_are_bounded_and_the_last_error_is_told() -> None:
    exchange = ScriptedExchange(page(502))
    with exchange.client() as client, pytest.raises(HttpStatusError, match="502"):
        client.get_account_balance()
    assert len(exchange.asked) == 5
    assert exchange.clock.monotonic() == 1 + 2 + 4 + 8


def test_waits_double_up_to_a_minute() -> None:
    exchange = ScriptedExchange(page(502))
    with exchange.client(retry=RetryPolicy(attempts=9)) as client, pytest.raises(HttpStatusError):
        client.get_account_balance()
    assert exchange.clock.monotonic() == 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (error("EAPI:Invalid key"), PermanentError),
        (error("EAPI:Invalid signature"), PermanentError),
        (error("EGeneral:Permission denied"), PermanentError),
        (error("EGeneral:Invalid arguments"), RequestRefused),
        (error("EAuth:Too many requests"), SlowError),
        (error("EService:Something new"), UnknownError),
        (error("EService:Busy", "EAPI:Invalid key"), PermanentError),
        (httpx.Response(404), HttpStatusError),
        (ok([]), MalformedAnswerError),
        (httpx.LocalProtocolError("ours"), AnswerLostError),
    ],
)
def test_what_does_not_pass_is_not_repeated(reply: httpx.Response | Exception, wanted: type[KrakenError]) -> None:
    exchange = ScriptedExchange(reply, BALANCE)
    with exchange.client() as client, pytest.raises(wanted):
        client.get_account_balance()
    assert len(exchange.asked) == 1


def test_a_throttled_read_comes_back_at_the_second_it_is_told() -> None:
    exchange = ScriptedExchange()
    exchange._replies = [error(f"EService: Throttled: {int(exchange.clock.time()) + 7}"), BALANCE]
    with exchange.client() as client:
        client.get_account_balance()
    assert exchange.clock.monotonic() == 7


def test_a_throttle_beyond_a_minute_is_handed_to_the_caller() -> None:
    exchange = ScriptedExchange(error("EService: Throttled: 1999999999"))
    with exchange.client() as client, pytest.raises(BackOffError) as caught:
        client.get_account_balance()
    assert caught.value.retry_at_s == 1999999999
    assert len(exchange.asked) == 1


def test_retry_after_is_honoured() -> None:
    exchange = ScriptedExchange(httpx.Response(503, headers={"retry-after": "20"}), BALANCE)
    with exchange.client() as client:
        client.get_account_balance()
    assert exchange.clock.monotonic() == 20


def test_an_invalid_nonce_is_replaced_once_by_a_higher_one_for_any_call() -> None:
    for act, good in [*CALLS[::2], (place, PLACED)]:
        exchange = ScriptedExchange(error("EAPI:Invalid nonce"), good)
        with exchange.client() as client:
            act(client)
        first, second = (int(asked.fields["nonce"]) for asked in exchange.asked)
        assert second > first
        assert exchange.asked[0].headers["api-sign"] != exchange.asked[1].headers["api-sign"]


def test_a_second_invalid_nonce_is_an_error() -> None:
    for act in (CALLS[0][0], place):
        exchange = ScriptedExchange(error("EAPI:Invalid nonce"))
        with exchange.client() as client, pytest.raises(NonceError):
            act(client)
        assert len(exchange.asked) == 2


def test_a_nonce_replaced_within_a_read_leaves_the_back_off_its_attempts() -> None:
    exchange = ScriptedExchange(page(502), error("EAPI:Invalid nonce"), page(502), BALANCE)
    with exchange.client() as client:
        client.get_account_balance()
    assert len(exchange.asked) == 4


def test_a_lockout_stops_every_call_for_fifteen_minutes() -> None:
    exchange = ScriptedExchange(error("EGeneral:Temporary lockout"), BALANCE)
    with exchange.client() as client:
        with pytest.raises(LockoutError):
            client.get_account_balance()
        for act in (client.get_account_balance, client.server_time, lambda: client.place_order(ORDER)):
            exchange.clock.advance(299)
            with pytest.raises(LockoutError, match="Not sent"):
                act()
        assert len(exchange.asked) == 1
        exchange.clock.advance(3.1)
        client.get_account_balance()
    assert len(exchange.asked) == len(exchange.records) == 2


UNKNOWN: list[httpx.Response | Exception] = [
    page(502),
    page(504),
    page(520),
    page(200),
    httpx.Response(429),
    httpx.Response(503, headers={"retry-after": "1"}),
    httpx.Response(200, content=b'{"error":[],"resu'),
    ok({"descr": {"order": "x"}}),
    ok({"descr": {"order": "x"}, "txid": []}),
    ok({"descr": {"order": "x"}, "txid": [""]}),
    ok({"descr": {"order": "x"}, "txid": ["O1", "O2"]}),
    ok({"txid": ["O1"]}),
    ok(None),
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("closed"),
    httpx.DecodingError("gzip"),
    ConnectionResetError(104, "reset"),
    error("EService:Busy"),
    error("EService:Unavailable"),
    error("EService:Timeout"),
    error("EService:Deadline elapsed"),
    error("EGeneral:Internal error"),
    error("EDatabase:Internal error"),
    error("EGeneral:Invalid arguments:cl_ord_id not unique"),
    error("EOrder:Something new"),
]


@pytest.mark.parametrize("reply", UNKNOWN, ids=name_of)
def test_an_order_whose_outcome_is_unknown_is_sent_once_and_says_so(reply: httpx.Response | Exception) -> None:
    exchange = ScriptedExchange(reply, PLACED)
    with exchange.client() as client, pytest.raises(OrderOutcomeUnknown) as caught:
        client.place_order(ORDER, find_out=False)
    (asked,) = exchange.asked
    assert caught.value.cl_ord_id == asked.fields["cl_ord_id"]
    assert caught.value.cl_ord_id in str(caught.value)
    assert caught.value.deadline_s == exchange.clock.time() + 10
    assert caught.value.__cause__ is caught.value.reason
    assert exchange.clock.monotonic() == 0


NOT_PLACED: list[tuple[httpx.Response | Exception, type[KrakenError]]] = [
    (error("EOrder:Insufficient funds"), RequestRefused),
    (error("EOrder:Post only order"), RequestRefused),
    (error("EAPI:Rate limit exceeded"), BackOffError),
    (error("EOrder:Rate limit exceeded"), BackOffError),
    (error("EService: Throttled: 1"), BackOffError),
    (error("EService:Market in cancel_only mode"), BackOffError),
    (error("EAPI:Invalid key"), PermanentError),
    (error("EGeneral:Temporary lockout"), LockoutError),
    (httpx.ConnectError("refused"), NotSentError),
    (httpx.ConnectTimeout("slow"), NotSentError),
    (httpx.PoolTimeout("full"), NotSentError),
]


@pytest.mark.parametrize(("reply", "wanted"), NOT_PLACED, ids=name_of)
def test_an_order_that_was_refused_is_sent_once_and_its_error_says_that(
    reply: httpx.Response | Exception, wanted: type[KrakenError]
) -> None:
    exchange = ScriptedExchange(reply, PLACED)
    with exchange.client() as client, pytest.raises(wanted) as caught:
        client.place_order(ORDER)
    assert not caught.value.may_have_acted
    assert len(exchange.asked) == 1


def test_the_new_nonce_of_an_order_does_not_make_its_loss_a_refusal() -> None:
    exchange = ScriptedExchange(error("EAPI:Invalid nonce"), page(502), PLACED)
    with exchange.client() as client, pytest.raises(OrderOutcomeUnknown) as caught:
        client.place_order(ORDER, find_out=False)
    assert len(exchange.asked) == 2
    assert {asked.fields["cl_ord_id"] for asked in exchange.asked} == {caught.value.cl_ord_id}


def test_an_order_carries_a_uuid4_and_a_deadline_counted_from_sending() -> None:
    exchange = ScriptedExchange(PLACED)
    with exchange.client() as client:
        placed = [client.place_order(ORDER) for _ in range(2)]
    first, second = exchange.asked
    assert first.fields["cl_ord_id"] != second.fields["cl_ord_id"]
    assert uuid.UUID(first.fields["cl_ord_id"]).version == 4
    assert placed[0].cl_ord_id == first.fields["cl_ord_id"]
    assert placed[0].txid == "OUF4EM-FRGI2-MQMWZD"
    assert datetime.fromisoformat(first.fields["deadline"]).timestamp() == exchange.clock.time() + 10
    assert "validate" not in first.fields


def test_a_checked_order_that_came_to_stand_is_not_called_checked() -> None:
    exchange = ScriptedExchange(PLACED)
    with exchange.client() as client, pytest.raises(OrderOutcomeUnknown, match="validate=true"):
        client.place_order(ORDER, validate=True)
    assert len(exchange.asked) == 1


def test_a_checked_order_has_no_id() -> None:
    exchange = ScriptedExchange(CHECKED)
    with exchange.client() as client:
        placed = client.place_order(ORDER, validate=True)
    assert (placed.txid, placed.validated_only) == (None, True)
    assert exchange.asked[0].fields["validate"] == "true"


def test_a_cancellation_whose_first_answer_was_lost_says_that_it_may_have_worked() -> None:
    exchange = ScriptedExchange(page(502), error("EOrder:Unknown order"))
    with exchange.client() as client, pytest.raises(PermanentError, match="may have cancelled the order itself"):
        client.cancel_order(cl_ord_id="abc")
    exchange = ScriptedExchange(error("EOrder:Unknown order"))
    with exchange.client() as client, pytest.raises(PermanentError) as caught:
        client.cancel_order(cl_ord_id="abc")
    assert "lost" not in str(caught.value)


def test_validate_is_a_flag() -> None:
    exchange = ScriptedExchange(PLACED)
    with exchange.client() as client, pytest.raises(TypeError, match="validate"):
        client.place_order(ORDER, validate="false")  # type: ignore[arg-type]  # the wrong type is the test
    assert not exchange.asked


def test_each_attempt_is_observed_once() -> None:
    exchange = ScriptedExchange(
        error("EAPI:Rate limit exceeded"), httpx.ReadTimeout("slow"), page(502), error("EAPI:Invalid nonce"), BALANCE
    )
    with exchange.client() as client:
        client.get_account_balance()
    seen = [(record.result, record.kind, record.rate_limited, record.network_error) for record in exchange.records]
    assert seen == [
        ("error", None, True, False),
        ("transport", "read_timeout", False, True),
        ("broken", "http_502", False, True),
        ("error", None, False, False),
        ("ok", None, False, False),
    ]
    assert exchange.records[0].errors == ("EAPI:Rate limit exceeded",)
    assert {record.endpoint for record in exchange.records} == {"Balance"}


def test_an_observer_that_fails_does_not_cost_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    def fail(record: object) -> None:
        raise RuntimeError("observer")

    exchange = ScriptedExchange(PLACED)
    with exchange.client(on_call=fail) as client:
        assert client.place_order(ORDER).txid
    assert "the observer of calls failed" in caplog.text


def test_an_observer_may_call() -> None:
    exchange = ScriptedExchange(BALANCE)
    clients: list[KrakenClient] = []

    def look_again(record: object) -> None:
        if len(exchange.asked) == 1:
            clients[0].get_account_balance()

    with exchange.client(on_call=look_again) as client:
        clients.append(client)
        client.get_account_balance()
    assert len(exchange.asked) == 2


def test_a_closed_client_sends_nothing() -> None:
    exchange = ScriptedExchange(BALANCE)
    client = exchange.client()
    client.close()
    client.close()
    with pytest.raises(ClientClosedError):
        client.place_order(ORDER)
    assert not exchange.asked


def test_after_check_is_no_reason_to_repeat_a_validation() -> None:
    exchange = ScriptedExchange(error("EGeneral:Invalid arguments:cl_ord_id not unique"))
    with exchange.client() as client, pytest.raises(AfterCheckError):
        client.place_order(ORDER, validate=True)
    assert len(exchange.asked) == 1
