"""Smoke test of the Kraken client against a real HTTP server: retry, rate limit, signature, and a whole order.

The runbook's line `smoke-test` runs this file. The fixtures come with pytest-kraken-golive. The client waits on a clock
of the test, so nothing takes longer than the server does, whose account is therefore one without rate limits.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import (
    CallRecord,
    HttpStatusError,
    KrakenClient,
    NewOrder,
    OrderOutcomeUnknown,
    PermanentError,
    RetryPolicy,
    RisingNonces,
    Unlimited,
    decode_secret,
    sign,
)

PAIR = "XBTUSD"
Connect = Callable[..., KrakenClient]


class Calls:
    """How often the exchange was asked for an endpoint since this was made."""

    def __init__(self, sandbox: Any) -> None:
        self._sandbox = sandbox
        self._before = sandbox.books()

    def of(self, endpoint: str) -> int:
        now, before = (books["by_endpoint"].get(endpoint, 0) for books in (self._sandbox.books(), self._before))
        return int(now - before)

    def orders(self) -> list[dict[str, Any]]:
        return list(self._sandbox.books()["orders"][len(self._before["orders"]) :])


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start=time.time())


@pytest.fixture
def connect(kraken_sandbox: Any, clock: VirtualClock) -> Iterator[Connect]:
    """Makes clients of the sandbox that wait on the test's clock; faults end with the test."""
    clients: list[KrakenClient] = []

    def make(**options: Any) -> KrakenClient:
        api_key, api_secret = kraken_sandbox.credentials
        settings = {"base_url": kraken_sandbox.url, "use_sandbox": True, "environ": {}, "clock": clock}
        # Other clients use the same key in real time, so its nonces must not run ahead with the test's clock.
        settings |= {"limits": Unlimited(), "nonces": RisingNonces()}
        credentials = {"api_key": api_key, "api_secret": api_secret}
        clients.append(KrakenClient(**(credentials | settings | options)))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    kraken_sandbox.clear_faults()


def far_below(client: KrakenClient) -> NewOrder:
    """A small limit order that the market will not reach."""
    (info,) = client.asset_pairs(PAIR).values()
    price = (client.ticker(PAIR).bid.price / 2).quantize(Decimal(1).scaleb(-info.pair_decimals))
    return NewOrder(pair=PAIR, side="buy", ordertype="limit", volume=Decimal("0.001"), price=price, post_only=True)


def test_reads(kraken_client: Any) -> None:
    assert kraken_client.get_account_balance()
    assert {"query-funds", "modify-trades"} <= set(kraken_client.api_key_info().permissions)


def test_market_data(connect: Connect) -> None:
    client = connect()
    assert client.system_status().status == "online"
    assert abs(client.server_time().unixtime - time.time()) < 60
    ticker = client.ticker(PAIR)  # one answer: between two of them the market moves
    assert ticker.bid.price < ticker.ask.price
    book = client.depth(PAIR, count=5)
    assert [level.price for level in book.asks] == sorted(level.price for level in book.asks)
    assert [level.price for level in book.bids] == sorted((level.price for level in book.bids), reverse=True)
    assert client.ohlc(PAIR).candles
    assert client.trades(PAIR, count=5).pair == book.pair
    assert client.assets("XBT")
    assert client.trade_volume(PAIR).fees


def test_retry_a_read_survives_a_bad_gateway(connect: Connect, kraken_sandbox: Any, clock: VirtualClock) -> None:
    calls = Calls(kraken_sandbox)
    kraken_sandbox.fault("http", "Balance", times=1, status=502)
    assert connect().get_account_balance()
    assert calls.of("Balance") == 2
    assert clock.monotonic() >= 1


def test_retry_is_bounded(connect: Connect, kraken_sandbox: Any) -> None:
    calls = Calls(kraken_sandbox)
    kraken_sandbox.fault("http", "Balance", times=9, status=520)
    with pytest.raises(HttpStatusError, match="520"):
        connect(retry=RetryPolicy(attempts=3)).get_account_balance()
    assert calls.of("Balance") == 3


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "truncated", "stale_nonce"])
def test_retry_a_read_survives_a_broken_connection_or_a_stale_nonce(
    connect: Connect, kraken_sandbox: Any, kind: str
) -> None:
    kraken_sandbox.fault(kind, "Balance")
    assert connect().get_account_balance()


@pytest.mark.parametrize("placed", [False, True])
def test_retry_an_order_is_never_sent_twice(connect: Connect, kraken_sandbox: Any, placed: bool) -> None:
    client = connect()
    order = far_below(client)
    calls = Calls(kraken_sandbox)
    kraken_sandbox.fault("http", "AddOrder", status=502, handled=placed)
    with pytest.raises(OrderOutcomeUnknown) as unknown:
        client.place_order(order, find_out=False)
    assert calls.of("AddOrder") == 1
    assert len(calls.orders()) == placed
    standing = client.open_orders(cl_ord_id=unknown.value.cl_ord_id)
    assert len(standing) == placed, "its client id finds the order whose answer was lost"
    for txid in standing:
        assert client.find_out(unknown.value).txid == txid
        client.cancel_order(txid)


def test_rate_limit_a_read_backs_off_without_hammering(
    connect: Connect, kraken_sandbox: Any, clock: VirtualClock
) -> None:
    seen: list[CallRecord] = []
    calls = Calls(kraken_sandbox)
    kraken_sandbox.fault("error", "Balance", times=2, error="EAPI:Rate limit exceeded")
    assert connect(on_call=seen.append).get_account_balance()
    assert calls.of("Balance") == 3
    assert [record.rate_limited for record in seen] == [True, True, False]
    starts = [record.started_at_s for record in seen]
    assert starts[1] - starts[0] >= 1
    assert starts[2] - starts[1] >= 2
    assert clock.monotonic() >= 3


def test_signature_a_wrong_secret_is_refused(connect: Connect, kraken_sandbox: Any) -> None:
    calls = Calls(kraken_sandbox)
    with pytest.raises(PermanentError) as refused:
        connect(api_secret="AAAA").get_account_balance()
    assert refused.value.errors == ("EAPI:Invalid signature",)
    assert calls.of("Balance") == 1


@pytest.mark.parametrize("altered", [False, True])
def test_signature_a_body_altered_after_signing_is_refused(kraken_sandbox: Any, altered: bool) -> None:
    api_key, api_secret = kraken_sandbox.credentials
    path, nonce = "/0/private/BalanceEx", str(time.time_ns())
    body = f"nonce={nonce}&asset=XBT"
    headers = {
        "API-Key": api_key.get_secret_value(),
        "API-Sign": sign(path, nonce, body.encode(), decode_secret(api_secret)),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    where = urlsplit(kraken_sandbox.url)
    link = http.client.HTTPConnection(where.hostname or "", where.port, timeout=5)
    try:
        link.request("POST", path, body.replace("XBT", "ETH") if altered else body, headers)
        answer = json.loads(link.getresponse().read())
    finally:
        link.close()
    assert answer["error"] == (["EAPI:Invalid signature"] if altered else [])


def test_an_order_is_placed_found_and_cancelled(connect: Connect, kraken_sandbox: Any) -> None:
    client = connect()
    order = far_below(client)
    checked = client.place_order(order, validate=True)
    assert (checked.txid, checked.validated_only) == (None, True)

    calls = Calls(kraken_sandbox)
    placed = client.place_order(order)
    assert placed.txid is not None
    found = client.open_orders()[placed.txid]
    assert (found.status, found.vol, found.cl_ord_id) == ("open", order.volume, placed.cl_ord_id)
    assert client.balance_ex()

    assert client.cancel_order(cl_ord_id=placed.cl_ord_id).count == 1
    assert client.query_orders(placed.txid)[placed.txid].status == "canceled"
    assert placed.txid in client.closed_orders().closed
    with pytest.raises(PermanentError, match="Unknown order"):
        client.cancel_order(placed.txid)
    assert [entry["txid"] for entry in calls.orders()] == [placed.txid]


def test_a_market_order_is_filled_and_pays_its_fee(connect: Connect) -> None:
    client = connect()
    bought = client.place_order(NewOrder(pair=PAIR, side="buy", ordertype="market", volume=Decimal("0.001")))
    assert bought.txid is not None
    order = client.query_orders(bought.txid, trades=True)[bought.txid]
    assert (order.status, order.vol_exec) == ("closed", Decimal("0.001"))
    fills = [fill for fill in client.trades_history().trades.values() if fill.ordertxid == bought.txid]
    assert sum(fill.vol for fill in fills) == order.vol_exec
    assert sum(fill.fee for fill in fills) == order.fee > 0
