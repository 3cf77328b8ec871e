from __future__ import annotations

import itertools
import threading

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_exchange import KEY, SECRET, ScriptedExchange, error

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import KrakenClient, PermanentError, RisingNonces, Unlimited


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), max_size=50))
def test_nonces_rise_whatever_the_clock_does(steps: list[float]) -> None:
    clock = VirtualClock()
    nonces = RisingNonces(clock)
    drawn = [nonces.next()]
    for step in steps:
        clock.advance(step)
        drawn.append(nonces.next())
    assert all(later > earlier for earlier, later in itertools.pairwise(drawn))
    assert all(0 <= nonce < 2**64 for nonce in drawn)


def test_nonces_are_nanoseconds_of_the_clock() -> None:
    clock = VirtualClock(start=1_790_000_000.5)
    nonces = RisingNonces(clock)
    assert [nonces.next(), nonces.next()] == [1_790_000_000_500_000_000, 1_790_000_000_500_000_001]


@pytest.mark.parametrize("clients", [1, 3])
def test_calls_of_a_key_arrive_in_the_order_of_their_nonces(clients: int) -> None:
    arrived: list[int] = []
    inside = threading.Semaphore(1)

    def exchange(request: httpx.Request) -> httpx.Response:
        assert inside.acquire(blocking=False), "two calls of one key were under way at once"
        arrived.append(int(dict(httpx.QueryParams(request.content.decode()))["nonce"]))
        inside.release()
        return httpx.Response(200, json={"error": [], "result": {}})

    nonces = RisingNonces()
    made = [
        KrakenClient(
            KEY,
            SECRET,
            base_url="http://127.0.0.1:9",
            environ={},
            transport=httpx.MockTransport(exchange),
            limits=Unlimited(),
            nonces=nonces,
        )
        for _ in range(clients)
    ]
    threads = [
        threading.Thread(target=lambda client=client: [client.get_account_balance() for _ in range(50)])
        for client in made
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in made:
        client.close()
    assert len(arrived) == clients * 4 * 50
    assert arrived == sorted(set(arrived))


def test_public_calls_do_not_wait_for_the_key() -> None:
    started, release = threading.Event(), threading.Event()

    def exchange(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            started.set()
            assert release.wait(60)
            return httpx.Response(200, json={"error": [], "result": {}})
        return httpx.Response(200, json={"error": [], "result": {"unixtime": 1, "rfc1123": "x"}})

    client = KrakenClient(
        KEY, SECRET, base_url="http://127.0.0.1:9", environ={}, transport=httpx.MockTransport(exchange)
    )
    private = threading.Thread(target=client.get_account_balance)
    private.start()
    assert started.wait(60)
    client.server_time()
    release.set()
    private.join()
    client.close()


def test_a_failed_call_gives_the_key_free() -> None:
    exchange = ScriptedExchange(error("EAPI:Invalid key"))
    with exchange.client() as client:
        for _ in range(2):
            with pytest.raises(PermanentError):
                client.get_account_balance()
    assert len(exchange.asked) == 2
