"""What was recorded is played: the same answers, no secret, and never another order's."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import httpx
import pytest
from taped import KEY, SECRET, Stage

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.kraken import KrakenClient
from pytest_kraken_golive.kraken.orders import NewOrder
from pytest_kraken_golive.recording.offline import OffLimits, go_offline, go_online
from pytest_kraken_golive.recording.tape import Player, Recorder
from pytest_kraken_golive.sandbox import AccountSettings, SandboxServer, SandboxSettings
from pytest_kraken_golive.sandbox.settings import PERMISSIONS


@pytest.fixture(scope="module")
def exchange() -> Iterator[SandboxServer]:
    """One exchange for a module: it is only ever asked through tapes."""
    account = AccountSettings(name="trader", api_key=KEY, api_secret=SECRET, permissions=list(PERMISSIONS))
    with SandboxServer(SandboxSettings(accounts=[account], limits=False)) as server:
        yield server


@pytest.fixture
def stage(exchange: SandboxServer, tmp_path: Path) -> Stage:
    """The exchange, and an empty project."""
    return Stage(exchange, tmp_path)


def order(side: Literal["buy", "sell"], price: str | None = None) -> NewOrder:
    limit = Decimal(price or ("20000" if side == "buy" else "200000"))
    return NewOrder(pair="XBTUSD", side=side, ordertype="limit", volume=Decimal("0.01"), price=limit)


def booked(stage: Stage) -> int:
    total: int = stage.server.exchange.observed()["requests"]["total"]
    return total


def test_a_session_is_played_back_without_the_exchange(stage: Stage) -> None:
    def session(client: KrakenClient) -> list[Any]:
        bought = client.place_order(order("buy"))
        sold = [client.place_order(order("sell")) for _ in range(2)]
        seen = client.open_orders()
        cancelled = [client.cancel_order(one.txid) for one in [bought, *sold] if one.txid]
        return [client.api_key_info().permissions, bought, sold, seen, cancelled, client.get_account_balance()]

    live = stage.record(session)
    before = booked(stage)
    assert stage.play(session) == live
    assert booked(stage) == before
    assert len({one.cl_ord_id for one in [live[1], *live[2]]}) == 3


def test_no_secret_is_in_the_file_in_any_form(stage: Stage) -> None:
    def session(client: KrakenClient) -> None:
        client.api_key_info()
        client.get_websockets_token()
        client.place_order(order("buy"))
        client.cancel_all()

    stage.record(session)
    for secret in (KEY, SECRET):
        raw = secret.encode()
        packed = base64.b64encode(raw).decode().rstrip("=")
        forms = [secret, packed, quote(secret, safe=""), raw.hex(), raw.hex().upper()]
        assert [form for form in forms if form in stage.text] == []
    assert base64.b64decode(SECRET).decode() not in stage.text
    for word in ("API-Key", "api-sign", "nonce:", "otp", "AA88 N84G"):
        assert word not in stage.text


def test_a_sell_never_gets_the_answer_of_a_buy(stage: Stage) -> None:
    stage.record(lambda client: client.place_order(order("buy")))
    with pytest.raises(Fault, match=r"type: expected 'buy', found 'sell'.*Next: record it again: pytest --golive"):
        stage.play(lambda client: client.place_order(order("sell", "20000")))


@pytest.mark.parametrize(
    ("times", "message"), [(0, "recorded and never asked for: POST"), (2, "once more than recorded")]
)
def test_a_line_asks_exactly_as_often_as_it_did(stage: Stage, times: int, message: str) -> None:
    stage.record(lambda client: client.get_account_balance())
    with pytest.raises(Fault, match=message):
        stage.play(lambda client: [client.get_account_balance() for _ in range(times)])


def test_what_a_client_swallows_is_kept(stage: Stage) -> None:
    """A client that catches everything and makes something up does not hide that nothing was recorded."""
    stage.record(lambda client: client.get_account_balance())
    with stage.player() as player, stage.client(player) as client:
        client.get_account_balance()
        with contextlib.suppress(Exception):
            client.open_orders()
    assert "OpenOrders" in str(player.trouble)


def test_without_a_recording_nothing_is_proven(stage: Stage) -> None:
    with pytest.raises(NotProven, match=r"no recording.*--kraken=record config/runbooks/mine.md::a-line"):
        stage.play(lambda client: client.server_time())


def test_a_line_that_fails_or_asks_nothing_leaves_no_recording(stage: Stage) -> None:
    with pytest.raises(ValueError, match="substring"):
        stage.record(lambda client: client.place_order(order("buy")).order.index("no such word"))
    assert not stage.place.path.exists()
    stage.record(lambda client: client.server_time())
    assert stage.place.path.exists()
    stage.record(lambda client: client.base_url)
    assert not stage.place.path.exists()


def test_balances_are_left_out_where_the_policy_says_so(stage: Stage) -> None:
    stage.record(lambda client: (client.get_account_balance(), client.trade_balance()), balances=False)
    bodies = [json.loads(one.answered.body)["result"] for one in stage.cassette().interactions]
    assert {value for body in bodies for value in body.values()} == {"***"}


class _Odd(BaseHTTPRequestHandler):
    """An exchange that packs its answers, and gives cookies and whatever it was sent."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        nonce = json.loads(sent)["nonce"]
        answer = {"error": [], "result": {"echo": nonce, "said": f"key {self.headers['API-Key']}", "price": 1.10}}
        body = gzip.compress(json.dumps(answer).encode())
        self.send_response(200)
        for name, value in (
            ("Set-Cookie", "session=canary-cookie"),
            ("CF-Ray", "canary-ray"),
            ("Content-Type", "application/json; charset=utf-8"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(body))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Odd)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_packed_answers_cookies_and_json_with_a_charset_hold_no_secret(stage: Stage, odd: str) -> None:
    """By a client of somebody else's whose key nobody told us."""

    def ask(side: str, nonce: str) -> Any:
        headers = {"API-Key": "a-key-that-nobody-knows", "Content-Type": "application/json; charset=utf-8"}
        fields = {"nonce": nonce, "otp": "551177", "orders": [{"type": side, "otp": "551177", "token": "canary-token"}]}
        with httpx.Client(trust_env=False) as client:
            return client.post(f"{odd}/0/private/AddOrderBatch", json=fields, headers=headers).json()["result"]["price"]

    with stage.recorder(url=odd, origin=odd):
        assert ask("buy", "1795187412345678901") == 1.1
    text = stage.text
    for secret in ("a-key-that-nobody-knows", "551177", "canary", "1795187412345678901"):
        assert secret not in text
    assert "orders" in text
    with stage.player():
        assert ask("buy", "1795187412345678999") == 1.1
    with pytest.raises(Fault, match="orders"), stage.player():
        ask("sell", "1795187412345679000")


def test_only_the_exchange_that_is_recorded_may_be_asked(stage: Stage, odd: str) -> None:
    with pytest.raises(Fault, match=rf"{urlsplit(stage.url).netloc}: the client asked this host, expected 127.0.0.1:"):
        stage.record(lambda client: client.server_time(), url=odd)


async def _ask_time(url: str) -> Any:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"{url}/0/public/Time")).json()


def test_common_libraries_are_recorded(stage: Stage) -> None:
    def ask() -> list[Any]:
        with urllib.request.urlopen(f"{stage.url}/0/public/SystemStatus") as answer:
            return [json.load(answer), asyncio.run(_ask_time(stage.url))]

    with stage.recorder():
        live = ask()
    before = booked(stage)
    with stage.player():
        assert ask() == live
    assert booked(stage) == before


class RawTransport(httpx.BaseTransport):
    """Speaks over a socket of its own, so that vcr hears nothing of it."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with socket.create_connection((request.url.host, request.url.port or 80)) as link:
            target = request.url.raw_path.decode()
            link.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: link.recv(65_536), b"")).partition(b"\r\n\r\n")
        return httpx.Response(int(head.split()[1]), content=body)


def test_a_transport_that_passes_vcr_by_is_noticed(stage: Stage) -> None:
    def ask(tape: Recorder | Player) -> None:
        with tape.running(), httpx.Client(transport=RawTransport()) as client:
            client.get(f"{stage.url}/0/public/Time")

    before = booked(stage)
    recorder = Recorder(stage.place, stage.redactor, lambda: stage.url, origin="embedded", behaviour="1")
    for tape in (recorder, Player(stage.place, stage.redactor, lambda: stage.url, None)):
        with pytest.raises(OffLimits, match="passes the recorder by"):
            ask(tape)
        assert isinstance(tape.trouble, OffLimits)
    assert booked(stage) == before


def test_what_is_not_the_exchange_passes(stage: Stage, odd: str) -> None:
    """The bot's metrics and the exchange's own books are asked while a recording is played."""
    with stage.player(), socket.create_connection(("127.0.0.1", urlsplit(odd).port or 0)):
        pass


def send_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("198.51.100.7", 53))


@pytest.mark.parametrize(
    "leave",
    [
        lambda: socket.create_connection(("198.51.100.7", 443), 0.1),
        lambda: socket.create_connection(("api.kraken.com", 443), 0.1),
        lambda: socket.getaddrinfo("api.kraken.com", 443),
        lambda: socket.gethostbyname("api.kraken.com"),
        send_datagram,
        lambda: httpx.get("https://198.51.100.7", trust_env=False),
    ],
    ids=["address", "name", "look-up", "old-look-up", "datagram", "httpx"],
)
def test_offline_nothing_leaves_the_machine(leave: Any) -> None:
    go_offline()
    try:
        with pytest.raises((OffLimits, httpx.ConnectError), match="leaves this machine"):
            leave()
    finally:
        go_online()
