from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_exchange import ScriptedExchange, error, ok, page, text_of

from pytest_kraken_golive.kraken import (
    NO_RETRY,
    AfterCheckError,
    AnswerError,
    BackOffError,
    ExchangeError,
    HttpStatusError,
    KrakenError,
    LockoutError,
    MalformedAnswerError,
    NonceError,
    NotJsonError,
    PermanentError,
    RequestRefused,
    SlowError,
    UnknownError,
)
from pytest_kraken_golive.kraken.errors import class_of, exchange_error

CATALOGUE = json.loads((Path(__file__).parent / "data" / "error_catalogue.json").read_text(encoding="utf-8"))
ENTRIES = [entry for entry in CATALOGUE["errors"] if not entry["error"].startswith("W")]
CLASSES = {
    "never": PermanentError,
    "fix": RequestRefused,
    "new_nonce": NonceError,
    "backoff": BackOffError,
    "wait": BackOffError,
    "after_check": AfterCheckError,
    "slow": SlowError,
}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["error"])
def test_every_catalogued_string_raises_the_class_of_its_retry(entry: dict[str, str]) -> None:
    text = (
        entry["error"].replace("<field>", "price").replace("<unix ts>", "1790000123").replace("<", "").replace(">", "")
    )
    wanted = CLASSES[entry["retry"].replace(";", " ").replace(",", " ").split()[0]]
    exchange = ScriptedExchange(error(text))
    with exchange.client(retry=NO_RETRY) as client, pytest.raises(ExchangeError) as caught:
        client.get_account_balance()
    assert isinstance(caught.value, wanted)
    assert caught.value.errors == (text,)
    assert caught.value.endpoint == "Balance"
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("EGeneral:Invalid arguments:volume minimum not met", RequestRefused),
        ("EGeneral:Invalid arguments:cl_ord_id", RequestRefused),
        ("EGeneral:Invalid arguments:cl_ord_id not unique", AfterCheckError),
        ("EOrder:Invalid price:ETH/GBP price can only be specified up to 2 decimals.", RequestRefused),
        ("EService:Throttled:1790000123", BackOffError),
        ("EService: Throttled", BackOffError),
        ("EGeneral:Internal error:17", BackOffError),
        ("EGeneral:Temporary lockout", LockoutError),
        ("EGeneral:Invalid argumentsX", UnknownError),
        ("EGeneral", UnknownError),
        ("E", UnknownError),
        ("EOrder:Something new", UnknownError),
        ("not even an E", UnknownError),
    ],
)
def test_details_do_not_hide_the_class_and_likeness_does_not_make_it(text: str, wanted: type[KrakenError]) -> None:
    assert class_of(text) is wanted


@settings(deadline=None)
@given(st.text(min_size=1, max_size=40).filter(lambda text: not text.startswith("W")))
def test_whatever_string_comes_it_raises(text: str) -> None:
    exchange = ScriptedExchange(error(text))
    with exchange.client(retry=NO_RETRY) as client, pytest.raises(ExchangeError) as caught:
        client.get_account_balance()
    assert caught.value.errors == (text,)


def test_of_several_strings_the_one_that_demands_most_care_decides() -> None:
    assert type(exchange_error("X", ["EAPI:Invalid nonce", "EGeneral:Temporary lockout"])) is LockoutError
    assert type(exchange_error("X", ["EAPI:Invalid nonce", "EService:Busy"])) is BackOffError
    assert type(exchange_error("X", ["EService:Busy", "EOrder:Insufficient funds"])) is RequestRefused
    assert exchange_error("X", ["EOrder:Insufficient funds", "EService:Busy"]).may_have_acted


@settings(deadline=None)
@given(st.lists(st.sampled_from([entry["error"] for entry in ENTRIES]), min_size=2, max_size=4))
def test_order_of_strings_does_not_matter(texts: list[str]) -> None:
    one, other = exchange_error("X", texts), exchange_error("X", texts[::-1])
    assert (type(one), one.may_have_acted, one.rate_limited) == (type(other), other.may_have_acted, other.rate_limited)


@pytest.mark.parametrize("text", ["EService: Throttled: 1790000123", "EService:Throttled:1790000123"])
def test_a_throttled_time_is_read(text: str) -> None:
    found = exchange_error("X", [text])
    assert isinstance(found, BackOffError)
    assert found.retry_at_s == 1790000123.0
    assert found.rate_limited


def test_warnings_are_kept_and_do_not_raise() -> None:
    exchange = ScriptedExchange(ok({"ZUSD": "1"}, "WDatabase:No change"))
    with exchange.client() as client:
        assert client.get_account_balance()
        assert client.warnings == (("Balance", "WDatabase:No change"),)
    assert exchange.records[0].warnings == ("WDatabase:No change",)


def test_warnings_beside_errors_are_kept_too() -> None:
    exchange = ScriptedExchange(error("WDatabase:No change", "EAPI:Bad request"))
    with exchange.client() as client, pytest.raises(RequestRefused) as caught:
        client.get_account_balance()
    assert caught.value.warnings == ("WDatabase:No change",)
    assert caught.value.errors == ("EAPI:Bad request",)


def test_an_error_raises_even_beside_a_result() -> None:
    exchange = ScriptedExchange(text_of({"error": ["EAPI:Bad request"], "result": {"ZUSD": "1"}}))
    with exchange.client() as client, pytest.raises(RequestRefused):
        client.get_account_balance()


@pytest.mark.parametrize("result", [{}, None], ids=["empty", "null"])
def test_the_result_beside_an_error_may_be_anything(result: Any) -> None:
    exchange = ScriptedExchange(text_of({"error": "EQuery:Unknown asset pair", "result": result}))
    with exchange.client() as client, pytest.raises(RequestRefused, match="Unknown asset pair"):
        client.ticker("NOPE")


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        (page(502), HttpStatusError),
        (page(520), HttpStatusError),
        (httpx.Response(301, headers={"location": "https://elsewhere.example/"}), HttpStatusError),
        (httpx.Response(404, json={"error": [], "result": {"ZUSD": "1"}}), HttpStatusError),
        (httpx.Response(204), HttpStatusError),
        (page(200), NotJsonError),
        (httpx.Response(200, content=b""), NotJsonError),
        (httpx.Response(200, content=b'{"error":[],"result":{"ZUSD":"1'), NotJsonError),
        (httpx.Response(200, content=b'{"error":[],"result":{"ZUSD":NaN}}'), NotJsonError),
        (httpx.Response(200, content=b"\xff\xfe\xfa"), NotJsonError),
        (httpx.Response(200, content=b"[" * 100_000), NotJsonError),
        (httpx.Response(200, content=b'{"error":[],"result":{"ZUSD":' + b"9" * 5000 + b"}}"), NotJsonError),
        (text_of([]), MalformedAnswerError),
        (text_of(None), MalformedAnswerError),
        (text_of("EAPI:Bad request"), MalformedAnswerError),
        (text_of({"result": {"ZUSD": "1"}}), MalformedAnswerError),
        (text_of({"error": None, "result": {"ZUSD": "1"}}), MalformedAnswerError),
        (text_of({"error": "", "result": {"ZUSD": "1"}}), MalformedAnswerError),
        (text_of({"error": [7], "result": {"ZUSD": "1"}}), MalformedAnswerError),
        (text_of({"error": {}, "result": {"ZUSD": "1"}}), MalformedAnswerError),
        (text_of({"error": []}), MalformedAnswerError),
        (text_of({"error": [], "result": None}), MalformedAnswerError),
        (text_of({"error": [], "result": []}), MalformedAnswerError),
        (text_of({"error": [], "result": "ZUSD"}), MalformedAnswerError),
        (text_of({"error": [], "result": {"ZUSD": "much"}}), MalformedAnswerError),
        (text_of({"error": [], "result": {"ZUSD": "NaN"}}), MalformedAnswerError),
        (text_of({"error": [], "result": {"ZUSD": " 1"}}), MalformedAnswerError),
        (text_of({"error": [], "result": {"ZUSD": True}}), MalformedAnswerError),
        (text_of({"error": [], "result": {"ZUSD": None}}), MalformedAnswerError),
    ],
)
def test_a_broken_answer_is_a_typed_error_that_shows_nothing_of_it(
    reply: httpx.Response, wanted: type[AnswerError]
) -> None:
    exchange = ScriptedExchange(reply)
    with exchange.client(retry=NO_RETRY) as client, pytest.raises(AnswerError) as caught:
        client.get_account_balance()
    assert type(caught.value) is wanted
    assert str(caught.value).startswith("Balance: ")
    assert "cloudflare" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert exchange.records[0].network_error


def test_a_redirect_is_not_followed() -> None:
    exchange = ScriptedExchange(httpx.Response(302, headers={"location": "http://127.0.0.1:9/0/public/Time"}))
    with exchange.client(retry=NO_RETRY) as client, pytest.raises(HttpStatusError, match="302"):
        client.get_account_balance()
    assert len(exchange.asked) == 1


def test_a_malformed_field_is_named_by_its_place() -> None:
    exchange = ScriptedExchange(
        text_of({"error": [], "result": {"apiKeyName": "x", "apiKey": "canary", "permissions": 7}})
    )
    with (
        exchange.client() as client,
        pytest.raises(MalformedAnswerError, match=r"GetApiKeyInfo: result\.permissions") as e,
    ):
        client.api_key_info()
    assert "canary" not in str(e.value)
