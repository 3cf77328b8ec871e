"""A call as evidence: nothing secret in it, no more of it than a person reads, and never a fault of the line."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.recording.cassette import Answered, Asked, Interaction
from pytest_kraken_golive.recording.excerpt import LONGEST, MOST, taken_down, taped
from pytest_kraken_golive.redact import Redactor


def call(body: str = "", answer: str | None = '{"error":[]}', **more: Any) -> dict[str, Any]:
    return {
        "method": "POST",
        "target": "/0/private/AddOrder",
        "body": body,
        "body_size": len(body),
        "status": 200,
        "answer": answer,
        "answer_size": len(answer or ""),
        "duration_s": 0.001234567,
    } | more


def values(*calls: dict[str, Any], redactor: Redactor | None = None) -> list[Any]:
    taken = {"total": len(calls), "left_out": 0, "first": list(calls), "last": []}
    return [record.value for record in taken_down(taken, redactor or Redactor(), by="the exchange")]


def test_a_call_is_what_was_asked_and_what_was_answered() -> None:
    answer = '{"error":[],"result":{"txid":["OABC"],"token":"s3cr3t","again":"1700000000000001"}}'
    assert values(call("nonce=1700000000000001&otp=123456&pair=XBTUSD&volume=1.10", answer)) == [
        {
            "asked": {
                "method": "POST",
                "path": "/0/private/AddOrder",
                "fields": {"pair": "XBTUSD", "volume": "1.10"},
            },
            "answered": {
                "status": 200,
                "error": [],
                "result": {"txid": ["OABC"], "token": "***", "again": "***"},
            },
            "duration_s": 0.001235,
        }
    ]


@pytest.mark.parametrize(
    ("made", "answered"),
    [
        (call(status=0, duration_s=None), None),
        (call(answer="<html>", status=520), {"status": 520, "body": "<html>"}),
        (call(answer="[1]"), {"status": 200, "body": "[1]"}),
        (call(answer=None, answer_size=300_000), {"status": 200, "body": "not shown: a body of 300000 bytes"}),
    ],
)  # fmt: skip
def test_answers_that_are_none(made: dict[str, Any], answered: Any) -> None:
    assert values(made)[0]["answered"] == answered


def test_an_answer_that_is_no_text_is_not_shown() -> None:
    (value,) = values(call(answer="\xff"))
    assert value["answered"]["body"].startswith("not shown: a body that is no UTF-8 text")


@pytest.mark.parametrize("body", ["{broken", "no form", "\xff"])
def test_a_request_that_nobody_can_read_is_not_shown_and_no_fault(body: str) -> None:
    (value,) = values(call(body))
    assert value["asked"]["fields"].startswith("not shown: ")
    assert value["answered"] == {"status": 200, "error": []}


def test_long_ones_are_cut_and_balances_are_masked() -> None:
    rows = {"result": {f"pair-{n}": "x" * 50 for n in range(200)}, "error": []}
    (value,) = values(call(urlencode({"orders": "y" * 5000}), json.dumps(rows)))
    assert value["asked"]["fields"].startswith('{"orders": "yyy')
    for text in (value["asked"]["fields"], value["answered"]["result"]):
        assert LONGEST < len(text) < LONGEST + 30
        assert text.endswith(" characters)")
    balance = call(target="/0/private/Balance", answer='{"error":[],"result":{"ZUSD":"7.50"}}')
    assert values(balance)[0]["answered"]["result"] == {"ZUSD": "***"}


def test_of_a_recording_first_and_last_are_shown_and_the_others_counted() -> None:
    answered = Answered(status=200, headers={}, body='{"error":[],"result":{}}')
    made = [
        Interaction(asked=Asked(method="GET", path="/0/public/Depth", fields={"count": str(n)}), answered=answered)
        for n in range(2 * MOST + 3)
    ]
    found = [
        one.value if one.key != "GET /0/public/Depth" else one.value["asked"]["fields"]["count"]
        for one in taped(made, Redactor(), played=True)
    ]
    assert found == ["0", "1", "2", "3", "4", 3, "8", "9", "10", "11", "12"]


@given(st.binary(min_size=24, max_size=64), st.text(max_size=20), st.booleans())
def test_no_secret_comes_through(raw: bytes, around: str, as_json: bool) -> None:
    secret = base64.b64encode(raw).decode()
    fields = {"pair": around, "memo": f"{around}{secret}", secret: "1"}
    body = json.dumps(fields) if as_json else urlencode(fields)
    answer = json.dumps({"error": [f"E{secret}"], "result": {secret: [secret, {"x": secret}]}})
    shown = json.dumps(
        values(call(body, answer, target=f"/0/private/AddOrder?k={secret}"), redactor=Redactor([secret]))
    )
    assert Redactor([secret]).text(shown) == shown
