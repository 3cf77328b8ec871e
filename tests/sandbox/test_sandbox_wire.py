from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_user import Venue, order

from pytest_kraken_golive.sandbox.refusals import Refusal
from pytest_kraken_golive.sandbox.wire import number, read_body, rfc1123

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.dictionaries(TEXT.filter(bool), TEXT))
def test_form_and_json_bodies_give_the_same_parameters(params: dict[str, str]) -> None:
    assert read_body(urlencode(params).encode(), "application/x-www-form-urlencoded") == params
    assert read_body(json.dumps(params).encode(), "application/json; charset=utf-8") == params


def test_nested_json_takes_the_names_of_the_form() -> None:
    body = {
        "nonce": 1616492376594,
        "volume": 0.10,
        "validate": True,
        "nothing": None,
        "close": {"ordertype": "limit", "price": "+5%"},
        "pair": [{"asset": "XBTUSD", "aclass": "currency"}],
        "txid": ["a", "b"],
    }
    assert read_body(json.dumps(body).encode(), "application/json") == {
        "nonce": "1616492376594",
        "volume": "0.1",
        "validate": "true",
        "close[ordertype]": "limit",
        "close[price]": "+5%",
        "pair[0][asset]": "XBTUSD",
        "pair[0][aclass]": "currency",
        "txid": "a,b",
    }


def test_a_plus_in_a_form_is_a_space_unless_escaped() -> None:
    assert read_body(b"a=+5&b=%2b5&c%5Bd%5D=1", "") == {"a": " 5", "b": "+5", "c[d]": "1"}


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", " 1", "1 ", "1e5", "NaN", "Infinity", "1,5", "٣", "0x10", ".", "9" * 16]
)
def test_what_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="EGeneral:Invalid arguments:volume"):
        number({"volume": text}, "volume")


def test_numbers_in_json_keep_every_digit() -> None:
    venue = Venue()
    fields: dict[str, Any] = order(volume=0.12345678, price=70000.1, userref=12)
    answer = venue.private("AddOrder", fields, as_json=True)
    assert answer["result"]["descr"]["order"] == "buy 0.12345678 XBTUSD @ limit 70000.1"


def test_unknown_parameters_are_ignored() -> None:
    venue = Venue()
    assert venue.errors("AddOrder", order(price="70000", shiny="yes", trading_agreement="agree")) == []
    assert venue.public("Time", x="1")["error"] == []


def test_times_are_english_whatever_the_locale() -> None:
    assert rfc1123(1688669448) == "Thu, 06 Jul 23 18:50:48 +0000"


def test_trade_volume_takes_a_list_of_assets_too() -> None:
    venue = Venue()
    listed = {"pair": [{"asset": "XBTUSD", "aclass": "currency"}, {"asset": "BTC/EUR"}]}
    answer = venue.private("TradeVolume", listed, as_json=True)
    assert set(answer["result"]["fees"]) == {"XXBTZUSD", "BTC/EUR"}
    assert "fees" not in venue.result("TradeVolume")
    assert venue.errors("TradeVolume", {"pair": "NOPE"}) == ["EQuery:Unknown asset pair"]
