"""Sends orders with one client, timed one by one. Runs in the environment that has the client.

python order_sender.py CLIENT URL [CA]     (reads numbers, prints as many times in ns for each, as JSON)
"""

# ruff: noqa: PLC0415 - each client is imported only where it is the one that is measured

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode, urlsplit

KEY = "bench"
SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
PATH = "/0/private/AddOrder"
ORDER = {"ordertype": "limit", "type": "buy", "volume": "0.001", "pair": "XBTUSD", "price": "50000.0"}
Send = Callable[[], object]


def signed() -> tuple[bytes, dict[str, str]]:
    nonce = str(time.time_ns())
    body = urlencode({"nonce": nonce, **ORDER}).encode()
    digest = hashlib.sha256(nonce.encode() + body).digest()
    sign = hmac.new(base64.b64decode(SECRET), PATH.encode() + digest, "sha512").digest()
    form = "application/x-www-form-urlencoded"
    return body, {"API-Key": KEY, "API-Sign": base64.b64encode(sign).decode(), "Content-Type": form}


def trust(ca: str | None) -> ssl.SSLContext | None:
    return None if ca is None else ssl.create_default_context(cafile=ca)


def raw(url: str, ca: str | None) -> Send:
    """The floor: a request that is signed beforehand, over a socket."""
    parts = urlsplit(url)
    link: socket.socket = socket.create_connection((parts.hostname or "", parts.port or 0))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = trust(ca)
    if context is not None:
        link = context.wrap_socket(link, server_hostname=parts.hostname)
    body, headers = signed()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = (
        f"POST {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body
    )

    def send() -> object:
        link.sendall(request)
        data = link.recv(65536)
        while not data.endswith(b"}}}"):
            data += link.recv(65536)
        return data

    return send


def ours(url: str, ca: str | None) -> Send:
    from pytest_kraken_golive.kraken import KrakenClient, NewOrder, RateLimits
    from pytest_kraken_golive.kraken.kept import KeptConnections
    from pytest_kraken_golive.kraken.limits import BucketLimit

    wide = BucketLimit(10**9, 10**9)  # paced, and never waiting
    client = KrakenClient(
        KEY,
        SECRET,
        base_url=url,
        environ={},
        limits=RateLimits(wide, wide, wide, wide),
        transport=KeptConnections(url, trust(ca)),
    )
    volume, price = Decimal("0.001"), Decimal("50000.0")
    return lambda: client.place_order(
        NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=volume, price=price)
    )


def naive_httpx(url: str, ca: str | None) -> Send:
    import httpx

    client = httpx.Client(base_url=url, verify=trust(ca) or True, trust_env=False)

    def send() -> object:
        body, headers = signed()
        return client.post(PATH, content=body, headers=headers).raise_for_status().json()

    return send


def kraken_sdk_sync(url: str, ca: str | None) -> Send:
    from kraken.spot import Trade  # type: ignore[import-not-found]  # where it lives

    trade = Trade(key=KEY, secret=SECRET, url=url)
    return lambda: trade.create_order(ordertype="limit", side="buy", volume=0.001, pair="XBTUSD", price=50000)


def kraken_sdk_async(url: str, ca: str | None) -> Send:
    import asyncio

    from kraken.spot import SpotAsyncClient

    loop = asyncio.new_event_loop()

    async def made() -> Any:
        return SpotAsyncClient(key=KEY, secret=SECRET, url=url)

    client = loop.run_until_complete(made())
    return _on(loop, lambda: client.request("POST", PATH, params=dict(ORDER)))


def _on(loop: Any, call: Callable[[], Any]) -> Send:
    """Time inside the loop: starting and stopping it is not the client's doing."""

    async def several(count: int) -> list[int]:
        times = []
        for _ in range(count):
            began = time.perf_counter_ns()
            await call()
            times.append(time.perf_counter_ns() - began)
        return times

    def send() -> object:
        raise NotImplementedError

    send.several = lambda count: loop.run_until_complete(several(count))  # type: ignore[attr-defined]  # see main
    return send


def _ccxt(module: Any, url: str) -> Any:
    exchange = module.kraken({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    exchange.urls["api"] = {**exchange.urls["api"], "public": url, "private": url}
    market = {
        "id": "XXBTZUSD",
        "symbol": "BTC/USD",
        "base": "BTC",
        "quote": "USD",
        "baseId": "XXBT",
        "quoteId": "ZUSD",
        "type": "spot",
        "spot": True,
        "active": True,
        "wsId": "XBT/USD",
        "altname": "XBTUSD",
        "precision": {"amount": 1e-8, "price": 0.1},
        "limits": {},
        "info": {"altname": "XBTUSD"},
    }
    exchange.set_markets([market])
    return exchange


def ccxt_sync(url: str, ca: str | None) -> Send:
    import ccxt  # type: ignore[import-not-found]  # where it lives

    exchange = _ccxt(ccxt, url)
    exchange.verify = ca or True
    return lambda: exchange.create_order("BTC/USD", "limit", "buy", 0.001, 50000)


def ccxt_async(url: str, ca: str | None) -> Send:
    import asyncio

    import ccxt.async_support  # type: ignore[import-not-found]  # where it lives

    loop = asyncio.new_event_loop()

    async def connected() -> Any:
        made = _ccxt(ccxt.async_support, url)
        made.cafile = ca or made.cafile
        return made

    exchange = loop.run_until_complete(connected())
    return _on(loop, lambda: exchange.create_order("BTC/USD", "limit", "buy", 0.001, 50000))


def krakenex(url: str, ca: str | None) -> Send:
    import krakenex as library  # type: ignore[import-not-found]  # where it lives

    api = library.API(key=KEY, secret=SECRET)
    api.uri = url
    return lambda: api.query_private("AddOrder", dict(ORDER))


SENDERS: dict[str, Callable[[str, str | None], Send]] = {
    "raw": raw,
    "ours": ours,
    "httpx": naive_httpx,
    "kraken-sdk-async": kraken_sdk_async,
    "kraken-sdk-sync": kraken_sdk_sync,
    "ccxt-async": ccxt_async,
    "ccxt-sync": ccxt_sync,
    "krakenex": krakenex,
}


def main() -> None:
    send = SENDERS[sys.argv[1]](sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
    several = getattr(send, "several", None)
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        if several is not None:
            times = several(count)
        else:
            times = []
            for _ in range(count):
                began = time.perf_counter_ns()
                send()
                times.append(time.perf_counter_ns() - began)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
