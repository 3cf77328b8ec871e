"""How many orders the sandbox takes: AddOrder through all of it against the same server with a constant answer.

Signed orders with a client id and a deadline, half at the market and half resting, over 16 connections that each wait
for their answer; the servers have one core, the load has another, and they take turns. Prints, never fails.

python tests/benchmarks/bench_sandbox.py [orders] [rounds]
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import os
import random
import selectors
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from children import Program, on_core
from order_server import key

HERE = Path(__file__).resolve().parent
CONNECTIONS = 16
ACCOUNTS = 256
"""So many that none comes near the engine's limit of orders per pair and account."""
PATH = "/0/private/AddOrder"
AT_MARKET = {"XBTUSD": "0.0001", "ETHUSD": "0.002", "SOLUSD": "0.06", "XBTEUR": "0.0001"}
RESTING = {"XBTUSD": "20000.0", "ETHUSD": "500.00", "SOLUSD": "20.00", "XBTEUR": "20000.0"}


def requests(connection: int, count: int) -> list[bytes]:
    """Signed orders of one connection, which has accounts of its own so that nonces arrive in their order."""
    return [_signed(connection + CONNECTIONS * (n % (ACCOUNTS // CONNECTIONS)), n) for n in range(count)]


def _signed(account: int, number: int) -> bytes:
    api_key, secret = key(account)
    draw = random.Random(f"{account}/{number}")
    pair, side = draw.choice(list(AT_MARKET)), draw.choice(["buy", "sell"])
    if draw.random() < 0.5:
        order = {"pair": pair, "type": side, "ordertype": "market", "volume": AT_MARKET[pair]}
    else:
        order = {"pair": pair, "type": "buy", "ordertype": "limit", "volume": "0.1", "price": RESTING[pair]}
    deadline = (datetime.now(UTC) + timedelta(seconds=50)).isoformat(timespec="milliseconds")
    nonce = str(time.time_ns())
    fields = {"nonce": nonce, **order, "cl_ord_id": f"b{nonce[-16:]}", "deadline": deadline}
    body = urlencode(fields).encode()
    digest = hashlib.sha256(nonce.encode() + body).digest()
    sign = base64.b64encode(hmac.digest(base64.b64decode(secret), PATH.encode() + digest, "sha512")).decode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nUser-Agent: bench\r\nAPI-Key: {api_key}\r\n"
        f"API-Sign: {sign}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One connection that sends its next order when the answer to the last one is there."""

    def __init__(self, port: int) -> None:
        self.link = socket.create_connection(("127.0.0.1", port))
        self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._waiting: Iterator[bytes] = iter(())
        self._sent_ns = 0
        self.times_ns: list[int] = []

    def begin(self, waiting: list[bytes]) -> None:
        """Take orders and send the first."""
        self._waiting = iter(waiting)
        self.times_ns = []
        self.send()

    def send(self) -> bool:
        """Send the next order; False if there is none."""
        order = next(self._waiting, None)
        if order is not None:
            self._sent_ns = time.perf_counter_ns()
            self.link.sendall(order)
        return order is not None

    def take(self) -> None:
        """Take an answer; an order that is refused ends the measurement."""
        data = self.link.recv(65536)
        while not data.endswith(b"}"):
            data += self.link.recv(65536)
        self.times_ns.append(time.perf_counter_ns() - self._sent_ns)
        if b'"txid"' not in data:
            raise RuntimeError(f"not accepted: {data.decode(errors='replace')}")


class Load:
    """Connections to one server, and what they measured."""

    def __init__(self, kind: str) -> None:
        words = [sys.executable, str(HERE / "order_server.py"), kind, str(ACCOUNTS)]
        self._server = Program(words, {}, functools.partial(on_core, 0))
        port = int(self._server.line())
        self._connections = [Connection(port) for _ in range(CONNECTIONS)]
        self.rates: list[float] = []
        """Orders per second, by round."""
        self.cpu_s: list[float] = []
        """CPU time of the server per order, by round: steadier than the rate where others use the machine."""
        self.times_ns: list[int] = []

    def run(self, orders: int) -> None:
        """Let all connections send their share."""
        batches = [requests(number, orders // CONNECTIONS) for number in range(CONNECTIONS)]
        with selectors.DefaultSelector() as ready:
            for connection in self._connections:
                ready.register(connection.link, selectors.EVENT_READ, connection)
            began, cpu_s = time.perf_counter(), self._server.cpu_s()
            for connection, batch in zip(self._connections, batches, strict=True):
                connection.begin(batch)
            while ready.get_map():
                for event, _ in ready.select(0):  # never asleep: waking a core costs a virtual machine 100 us
                    event.data.take()
                    if not event.data.send():
                        ready.unregister(event.data.link)
            self.rates.append(orders / (time.perf_counter() - began))
            self.cpu_s.append((self._server.cpu_s() - cpu_s) / orders)
        self.times_ns += [ns for connection in self._connections for ns in connection.times_ns]

    def end(self) -> None:
        """End the server."""
        for connection in self._connections:
            connection.link.close()
        self._server.end()


def main(orders: int, rounds: int) -> None:
    """Measure both in turn."""
    on_core(1)
    orders -= orders % CONNECTIONS
    loads = {kind: Load(kind) for kind in ("constant", "sandbox")}
    try:
        for number in range(rounds + 1):
            for load in loads.values():
                load.run(orders)
                if not number:  # the first round warms up
                    load.rates.clear()
                    load.cpu_s.clear()
                    load.times_ns.clear()
    finally:
        for load in loads.values():
            load.end()
    load_1m = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"AddOrder over {CONNECTIONS} connections, {rounds} rounds of {orders}{load_1m}")
    print(f"  {'':9}  {'per s':>7}  {'CPU each':>8}  {'median':>8}  {'p99':>8}  p99/median")
    for kind, load in loads.items():
        times = sorted(load.times_ns)
        median, p99 = times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000
        rate, cpu = statistics.median(load.rates), statistics.median(load.cpu_s) * 1e6
        print(f"  {kind:9}  {rate:7.0f}  {cpu:5.0f} us  {median:5.0f} us  {p99:5.0f} us  {p99 / median:10.1f}")
    sandbox, constant = loads["sandbox"], loads["constant"]
    share = statistics.median(ours / floor for ours, floor in zip(sandbox.rates, constant.rates, strict=True))
    print(f"  {share:.2f}  sandbox / constant  (wanted: at least 0.33; p99 under 5 times the median)")
    print(f"  {statistics.median(constant.cpu_s) / statistics.median(sandbox.cpu_s):.2f}  the same by CPU time")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + [2000, 7][len(given) :]))
