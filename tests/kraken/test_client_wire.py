"""The wire against real sockets that misbehave."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import logging
import socket
import struct
import threading
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import vcr  # type: ignore[import-untyped]  # it brings no types
from scripted_exchange import KEY, SECRET

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import (
    NO_RETRY,
    AnswerLostError,
    CallRecord,
    HttpStatusError,
    KrakenClient,
    NewOrder,
    NotSentError,
    OrderOutcomeUnknown,
    TransportError,
    Unlimited,
)
from pytest_kraken_golive.kraken.kept import KeptConnections

Behaviour = Callable[[socket.socket], None]
BODY = b'{"error":[],"result":{"ZUSD":"1.0000"}}'
ORDER = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=Decimal(1), price=Decimal(1))


def part_of(link: socket.socket) -> bytes:
    link.settimeout(10)
    data = link.recv(65536)
    if not data:
        raise ConnectionError("the client has gone")
    return data


def request_of(link: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += part_of(link)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += part_of(link)
    return data


def answer(link: socket.socket, body: bytes = BODY, headers: bytes = b"", length: int | None = None) -> None:
    size = len(body) if length is None else length
    link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (size, headers, body))


def good(link: socket.socket) -> None:
    request_of(link)
    answer(link)


def closes(link: socket.socket) -> None:
    request_of(link)


def resets(link: socket.socket) -> None:
    request_of(link)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def halves(link: socket.socket) -> None:
    request_of(link)
    answer(link, BODY[:10], length=len(BODY))


def babbles(link: socket.socket) -> None:
    request_of(link)
    link.sendall(b"220 mail.example ESMTP\r\n\r\n")


def says_nothing(link: socket.socket) -> None:
    request_of(link)
    with contextlib.suppress(OSError):
        part_of(link)  # until the client gives up


def wrongly_packed(link: socket.socket) -> None:
    request_of(link)
    answer(link, b"no gzip", b"Content-Encoding: gzip\r\n")


class Misbehaving:
    """Serves one connection after the other, each with the next behaviour; the last one is repeated."""

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = list(behaviours)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        self.ended = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            with link:
                if self._behaviours == []:
                    return
                self.connections += 1
                with contextlib.suppress(OSError):
                    (self._behaviours[0] if len(self._behaviours) == 1 else self._behaviours.pop(0))(link)
            self.ended.release()

    def close(self) -> None:
        self._behaviours = []
        with contextlib.suppress(OSError):
            socket.create_connection(self._socket.getsockname(), timeout=1).close()
        self._thread.join()
        self._socket.close()


@pytest.fixture(autouse=True, params=["over the socket", "through the library"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of talking: that of every day, and that of a run in which a recorder has taken the library's place."""

    class Recorded(http.client.HTTPConnection):
        pass

    if request.param == "through the library":
        monkeypatch.setattr(http.client, "HTTPConnection", Recorded)


@pytest.fixture
def serve() -> Iterator[Callable[..., Misbehaving]]:
    servers: list[Misbehaving] = []

    def start(*behaviours: Behaviour) -> Misbehaving:
        servers.append(Misbehaving(*behaviours))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def client_of(url: str, records: list[CallRecord] | None = None, **options: object) -> KrakenClient:
    return KrakenClient(
        KEY,
        SECRET,
        base_url=url,
        environ={},
        clock=VirtualClock(),
        limits=Unlimited(),
        on_call=None if records is None else records.append,
        **options,  # type: ignore[arg-type]  # mixed keyword types
    )


@pytest.mark.parametrize(
    ("behaviour", "kinds"),
    [
        (closes, {"remote_protocol_error"}),
        (resets, {"read_error", "remote_protocol_error"}),
        (halves, {"remote_protocol_error"}),
        (babbles, {"remote_protocol_error"}),
        (says_nothing, {"read_timeout"}),
    ],
)
def test_a_broken_connection_loses_the_answer(
    serve: Callable[..., Misbehaving], behaviour: Behaviour, kinds: set[str]
) -> None:
    server = serve(behaviour)
    with client_of(server.url, retry=NO_RETRY, timeout_s=0.2) as client:
        with pytest.raises(AnswerLostError) as caught:
            client.get_account_balance()
        assert caught.value.kind in kinds
        with pytest.raises(OrderOutcomeUnknown):
            client.place_order(ORDER, find_out=False)
    assert server.connections == 2, "neither was sent twice, not even below us"


@pytest.mark.parametrize("behaviour", [closes, resets, halves, babbles])
def test_a_read_survives_a_broken_connection(serve: Callable[..., Misbehaving], behaviour: Behaviour) -> None:
    server = serve(behaviour, good)
    records: list[CallRecord] = []
    with client_of(server.url, records) as client:
        assert client.get_account_balance() == {"ZUSD": Decimal("1.0000")}
    assert [record.network_error for record in records] == [True, False]


def test_nothing_listens(serve: Callable[..., Misbehaving]) -> None:
    server = serve(good)
    server.close()
    with client_of(server.url, retry=NO_RETRY) as client:
        for act in (client.get_account_balance, client.server_time, lambda: client.place_order(ORDER)):
            with pytest.raises(NotSentError, match="nothing was sent") as caught:
                act()
            assert caught.value.kind == "connect_error"


def test_a_body_that_cannot_be_unpacked_is_a_transport_error(serve: Callable[..., Misbehaving]) -> None:
    with client_of(serve(wrongly_packed).url, retry=NO_RETRY) as client, pytest.raises(TransportError) as caught:
        client.server_time()
    assert caught.value.kind == "decoding_error"


def test_a_packed_body_is_unpacked(serve: Callable[..., Misbehaving]) -> None:
    def packed(link: socket.socket) -> None:
        assert b"gzip" in request_of(link)
        answer(link, gzip.compress(b'{"error":[],"result":{}}'), b"Content-Encoding: gzip\r\n")

    with client_of(serve(packed).url) as client:
        assert client.assets() == {}


def test_one_connection_is_kept_and_a_stale_one_is_replaced(serve: Callable[..., Misbehaving]) -> None:
    def twice(link: socket.socket) -> None:
        good(link)
        good(link)

    server = serve(twice, good)
    with client_of(server.url, retry=NO_RETRY) as client:
        for _ in range(2):
            client.get_account_balance()
        assert server.connections == 1
        assert server.ended.acquire(timeout=60)
        # The server has closed the idle connection: the next call must go over a new one.
        client.get_account_balance()
    assert server.connections == 2


def test_proxy_variables_are_ignored(serve: Callable[..., Misbehaving], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with client_of(serve(good).url) as client:
        assert client.get_account_balance()


def test_a_plain_server_is_no_https(serve: Callable[..., Misbehaving]) -> None:
    def babbles_at_once(link: socket.socket) -> None:
        part_of(link)
        link.sendall(b"220 mail.example ESMTP\r\n\r\n")

    url = serve(babbles_at_once).url.replace("http:", "https:")
    with client_of(url, retry=NO_RETRY, timeout_s=1) as client, pytest.raises(NotSentError):
        client.place_order(ORDER)


@pytest.mark.parametrize("made_before", [True, False])
def test_a_recorder_sees_every_call_and_no_log_shows_the_key(
    serve: Callable[..., Misbehaving], tmp_path: Path, caplog: pytest.LogCaptureFixture, made_before: bool
) -> None:
    def twice(link: socket.socket) -> None:
        good(link)
        good(link)

    caplog.set_level(logging.DEBUG)
    server = serve(twice, good)
    clients = [client_of(server.url)] if made_before else []
    for client in clients:
        client.get_account_balance()  # over a connection that the recorder does not know
    cassette = str(tmp_path / "cassette.yaml")
    with vcr.use_cassette(cassette) as recorded:
        for client in clients or [client_of(server.url)]:
            client.get_account_balance()
            client.close()
    assert len(recorded.requests) == 1
    connections = server.connections
    with vcr.use_cassette(cassette, record_mode=vcr.mode.NONE), client_of(server.url) as client:
        assert client.get_account_balance() == {"ZUSD": Decimal("1.0000")}
    assert server.connections == connections
    assert any(record.name.startswith("vcr") for record in caplog.records)
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("behaviour", [closes, resets, halves, babbles, says_nothing])
def test_no_frame_that_a_failure_passes_shows_key_or_secret(
    serve: Callable[..., Misbehaving], behaviour: Behaviour
) -> None:
    client = client_of(serve(behaviour).url, retry=NO_RETRY, timeout_s=0.2)
    with client, pytest.raises(AnswerLostError) as caught:
        client.get_account_balance()
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inside = [frame for frame in told.stack if "test_client_wire" not in frame.filename]
    shown = "\n".join(f"{frame.name} {frame.locals}" for frame in inside)
    assert "SignedHeaders(***)" in shown
    assert KEY not in shown
    assert SECRET not in shown


def test_no_frame_that_an_interruption_passes_shows_key_or_secret(
    serve: Callable[..., Misbehaving], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        pass

    def interrupted(*_: object) -> None:
        raise Interrupted

    monkeypatch.setattr("pytest_kraken_golive.kraken.replies.read_reply", interrupted)
    monkeypatch.setattr("http.client.HTTPConnection.getresponse", interrupted)
    with client_of(serve(good).url) as client, pytest.raises(Interrupted) as caught:
        client.place_order(ORDER)
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    inside = [frame for frame in told.stack if "pytest_kraken_golive" in frame.filename]
    shown = "\n".join(f"{frame.name} {frame.locals}" for frame in inside)
    assert "exchange" in shown, "the frames of the wire are among them"
    assert KEY not in shown
    assert SECRET not in shown


def test_a_redirect_is_not_followed(serve: Callable[..., Misbehaving]) -> None:
    elsewhere = serve(good)

    def redirects(link: socket.socket) -> None:
        request_of(link)
        link.sendall(b"HTTP/1.1 307 Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % elsewhere.url.encode())

    with client_of(serve(redirects).url) as client, pytest.raises(HttpStatusError, match="307"):
        client.get_account_balance()
    assert elsewhere.connections == 0


def test_a_connection_whose_server_has_said_too_much_is_not_used_again(serve: Callable[..., Misbehaving]) -> None:
    read, said = threading.Event(), threading.Event()

    def says_more(link: socket.socket) -> None:
        good(link)
        assert read.wait(60)
        answer(link)
        said.set()
        with contextlib.suppress(OSError):
            part_of(link)

    server = serve(says_more, good)
    with client_of(server.url, retry=NO_RETRY) as client:
        client.get_account_balance()
        read.set()
        assert said.wait(60)
        assert client.get_account_balance() == {"ZUSD": Decimal("1.0000")}
    assert server.connections == 2


def test_the_transport_serves_requests_of_httpx_too(serve: Callable[..., Misbehaving]) -> None:
    server = serve(good)
    with httpx.Client(transport=KeptConnections(server.url), trust_env=False) as client:
        assert client.post(server.url + "/0/private/Balance", data={"nonce": "1"}).content == BODY
    with (
        httpx.Client(transport=KeptConnections(serve(closes).url), trust_env=False) as client,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        client.get(server.url)


def test_a_transport_of_ones_own_is_used_and_closed() -> None:
    class Counting(httpx.MockTransport):
        closed = 0

        def close(self) -> None:
            self.closed += 1

    transport = Counting(lambda request: httpx.Response(404))
    with client_of("http://127.0.0.1:1", transport=transport) as client, pytest.raises(HttpStatusError):
        client.get_account_balance()
    assert transport.closed == 1
