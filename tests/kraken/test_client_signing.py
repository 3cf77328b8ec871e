from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from scripted_exchange import SECRET, ScriptedExchange, ok

from pytest_kraken_golive.kraken import decode_secret, sign
from pytest_kraken_golive.kraken.signing import form_body, json_body

NONCE = "1616492376594"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            "/0/private/Balance",
            b"nonce=1616492376594",
            "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
        ),
        (
            "/0/private/Balance",
            b"nonce=1616492376594&otp=123456",
            "jbyoyzbCFde1u0Rnp3ChMEofg5y4E4qpI247mcYicXoAi4c201b8GKM5LmshBvKP9WVm+UFHd710qkGBE0tRJw==",
        ),
        (
            "/0/private/AddOrder",
            form_body(
                {
                    "nonce": NONCE,
                    "close[ordertype]": "limit",
                    "close[price]": "+5%",
                    "ordertype": "market",
                    "pair": "XBTUSD",
                    "type": "buy",
                    "volume": "1",
                }
            ),
            "mFBnErTRoeqGS6L0jUAIZG7yDDIjpRNZtWmBtS/ZId6uFTGcnJO+ciby0QQmSWirBo4mtOihWlbqbD9Vo0taew==",
        ),
        (
            "/0/private/AddOrder",
            json_body(
                {
                    "nonce": NONCE,
                    "ordertype": "limit",
                    "pair": "XBTUSD",
                    "price": "37500",
                    "type": "buy",
                    "volume": "1.25",
                }
            ),
            "r/o+GpKxXjV/mls/r5CKLu5R+yzK5psqvQ4hXxMX1nzdxTBhV+ui82QGgPZMMitpFwCOAdPEZMmXgZxD2chJEg==",
        ),
    ],
)
def test_computed_vectors_agree(path: str, body: bytes, expected: str) -> None:
    assert sign(path, NONCE, body, decode_secret(SECRET)) == expected


@settings(deadline=None)
@given(
    secret=st.binary(min_size=1, max_size=100),
    nonce=st.integers(0, 2**64 - 1),
    fields=st.dictionaries(st.text(min_size=1, max_size=8).filter(lambda name: name != "nonce"), st.text(max_size=20)),
)
def test_any_form_round_trips_and_is_signed_as_sent(secret: bytes, nonce: int, fields: dict[str, str]) -> None:
    body = form_body({"nonce": str(nonce), **fields})
    assert dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)) == {
        "nonce": str(nonce),
        **fields,
    }
    message = b"/0/private/X" + hashlib.sha256(str(nonce).encode() + body).digest()
    expected = base64.b64encode(hmac.new(secret, message, hashlib.sha512).digest()).decode()
    assert sign("/0/private/X", str(nonce), body, decode_secret(base64.b64encode(secret).decode())) == expected


def test_plus_is_escaped_and_never_a_space() -> None:
    assert form_body({"price": "+5%", "text": "a b"}) == b"price=%2B5%25&text=a+b"
    assert json.loads(json_body({"price": "+5%"})) == {"price": "+5%"}


@pytest.mark.parametrize("length", [1, 3, 37, 64, 65])
def test_a_secret_of_any_length_is_taken(length: int) -> None:
    assert decode_secret(base64.b64encode(b"x" * length).decode()) == b"x" * length


@pytest.mark.parametrize(
    "wrong", ["", " ", SECRET + " ", SECRET[:-1], "plant-canary-secret!", "geheim-ä", f"'{SECRET}'", f"{SECRET}\n"]
)
def test_a_wrong_secret_is_refused_without_being_shown(wrong: str) -> None:
    with pytest.raises(ValueError, match="Base64") as caught:
        decode_secret(SecretStr(wrong))
    if wrong.strip():
        assert wrong.strip() not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_sent_is_what_was_signed() -> None:
    exchange = ScriptedExchange(ok({"ZUSD": "1.0000"}))
    with exchange.client() as client:
        client.get_account_balance()
    (asked,) = exchange.asked
    assert (asked.method, asked.path) == ("POST", "/0/private/Balance")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["user-agent"].startswith("pytest-kraken-golive/")
    body = form_body(asked.fields)
    assert asked.headers["api-sign"] == sign(asked.path, asked.fields["nonce"], body, decode_secret(SECRET))


def test_public_calls_carry_no_key() -> None:
    exchange = ScriptedExchange(ok({"unixtime": 1, "rfc1123": "x"}))
    with exchange.client() as client:
        client.server_time()
    (asked,) = exchange.asked
    assert asked.method == "GET"
    assert not {"api-key", "api-sign"} & set(asked.headers)
