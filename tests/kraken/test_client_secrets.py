"""A planted key and secret must be found nowhere that people read."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr
from scripted_exchange import LOOPBACK, ScriptedExchange, error, ok, page, text_of

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import KrakenClient, Unlimited

KEY = "CANARY+KEY/7f3a9c"
RAW = b"canary secret bytes \xff\xfe 0123456789"
SECRET = base64.b64encode(RAW).decode()


def forms(text: str) -> set[str]:
    raw = text.encode()
    return {text, quote(text, safe=""), base64.b64encode(raw).decode().rstrip("="), raw.hex()}


PLANTED = forms(KEY) | forms(SECRET) | {RAW.hex(), repr(RAW)[2:-1]}


def assert_clean(text: str) -> None:
    assert not [form for form in PLANTED if form in text]


def shown(failure: BaseException) -> str:
    """What a report prints about a failure: its whole chain, and the local names of our frames."""
    parts: list[str] = []
    todo = traceback.TracebackException.from_exception(failure, capture_locals=True)
    while todo is not None:
        parts.extend(todo.format_exception_only())
        package = f"pytest_kraken_golive{os.sep}kraken"
        parts.extend(str(frame.locals) for frame in todo.stack if package in frame.filename)
        todo = todo.__cause__ or (None if todo.__suppress_context__ else todo.__context__)  # type: ignore[assignment]
    return "\n".join(parts)


FAILURES: list[httpx.Response | Exception] = [
    error("EAPI:Invalid signature"),
    error("EGeneral:Internal error"),
    page(502),
    text_of({"error": [], "result": {"apiKeyName": KEY, "apiKey": SECRET, "permissions": [7]}}),
    httpx.Response(200, content=f"<html>{KEY} {SECRET}</html>"),
    httpx.ReadTimeout("slow"),
    httpx.LocalProtocolError(f"Illegal header value b'{KEY}'"),
    httpx.RemoteProtocolError(f"bad line {SECRET}"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=range(len(FAILURES)))
def test_no_failure_shows_key_or_secret(failure: httpx.Response | Exception, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    exchange = ScriptedExchange(failure)
    client = KrakenClient(
        KEY,
        SECRET,
        base_url=LOOPBACK,
        environ={},
        transport=exchange.transport(),
        clock=VirtualClock(),
        limits=Unlimited(),
        on_call=exchange.records.append,
    )
    with client, pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it must be clean
        client.api_key_info()
    assert exchange.asked[0].headers["api-key"] == KEY, "the canary was really on its way"
    assert_clean(shown(caught.value))
    assert_clean(caplog.text)
    assert_clean(repr(exchange.records))


@pytest.mark.parametrize(
    "make",
    [
        lambda: KrakenClient(KEY, SECRET, environ={"KRAKEN_API_SECRET": SECRET, "KRAKEN_API_KEY": KEY}),
        lambda: KrakenClient(KEY, SECRET, environ={"KRAKEN_API_SECRET": SECRET, "KRAKEN_USE_SANDBOX": "x"}),
        lambda: KrakenClient(KEY, SECRET, base_url=LOOPBACK, environ={"MINE": KEY, "KRAKEN_RL_MD_FR": ""}),
        lambda: KrakenClient(KEY, SECRET + "!", base_url=LOOPBACK, environ={}),
        lambda: KrakenClient(KEY + "\n", SECRET, base_url=LOOPBACK, environ={}),
        lambda: KrakenClient(KEY, SECRET, base_url=LOOPBACK, environ={"KRAKEN_RL_MD_CAP": "x"}),
        lambda: KrakenClient(KEY, SECRET, base_url=LOOPBACK, environ={}, timeout_s=0),
        lambda: KrakenClient(SecretStr(KEY), SecretStr(SECRET + "!"), base_url=LOOPBACK, environ={}),
    ],
    ids=range(8),
)
def test_a_client_that_cannot_be_made_shows_neither(make: Callable[[], KrakenClient]) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        make()
    assert_clean(shown(caught.value))


def test_no_repr_shows_them() -> None:
    exchange = ScriptedExchange(ok({"apiKeyName": "x", "apiKey": KEY, "permissions": ["query-funds"], "iban": "AA88"}))
    with KrakenClient(KEY, SECRET, base_url=LOOPBACK, environ={}, transport=exchange.transport()) as client:
        info = client.api_key_info()
        assert_clean(repr(client) + str(client) + f"{client}" + repr(vars(client)) + repr(vars(client._dispatch)))
        assert_clean(repr(info) + str(info) + info.model_dump_json() + repr(info.model_dump()))
        assert info.api_key.get_secret_value() == KEY
        with pytest.raises(TypeError, match="pickled"):
            pickle.dumps(client)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\nb", "ä", "a\x00"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="api_key"):
        KrakenClient(key, SECRET, base_url=LOOPBACK, environ={})
