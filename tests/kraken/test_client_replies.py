"""Answers as they come over a socket: whole ones are read however they are cut, and nothing else passes as one."""

from __future__ import annotations

import gc
import http.client
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from pytest_kraken_golive.kraken import replies
from pytest_kraken_golive.kraken.kept import KeptConnections

pytestmark = pytest.mark.skipif(not replies.AVAILABLE, reason="there is no httptools for this interpreter")
BODY = b'{"error":[],"result":{}}'
SIZED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 24\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + BODY[:8] + b"\r\n10\r\n" + BODY[8:]
WHOLE = CHUNKED + b"\r\n0\r\n\r\n"


def read(*pieces: bytes, ends: bool = False) -> tuple[replies.Reply, bool]:
    """What is read when these pieces come, one with each look."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)

        class Cut:
            """A socket from which one piece comes at a time."""

            def __init__(self) -> None:
                self.waiting = list(pieces)

            def recv(self, most: int) -> bytes:
                if not self.waiting:
                    if ends:
                        theirs.close()
                    return ours.recv(most)
                theirs.sendall(self.waiting.pop(0))
                return ours.recv(most)

        return replies.read_reply(Cut())  # type: ignore[arg-type]  # it only receives


@pytest.mark.parametrize("whole", [SIZED, WHOLE], ids=["sized", "chunked"])
def test_an_answer_is_read_wherever_it_is_cut(whole: bytes) -> None:
    for at in range(1, len(whole)):
        reply, reusable = read(whole[:at], whole[at:])
        assert (reply.status, reply.body, reusable) == (200, BODY, True)
    reply, reusable = read(*(whole[at : at + 1] for at in range(len(whole))))
    assert (reply.status, reply.body, reusable) == (200, BODY, True)


@pytest.mark.parametrize("whole", [SIZED, CHUNKED], ids=["sized", "chunked"])
def test_an_answer_that_ends_early_is_none(whole: bytes) -> None:
    for at in range(len(whole)):
        with pytest.raises(httpx.RemoteProtocolError):
            read(*([whole[:at]] if at else []), ends=True)


@pytest.mark.parametrize(
    "text",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 24\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    ],
)
def test_what_is_no_answer_raises(text: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        read(text, ends=True)


def test_a_connection_is_used_again_only_after_a_clean_answer() -> None:
    for text, ends, reusable in (
        (SIZED, False, True),
        (SIZED.replace(b"Content-Type", b"Connection: close\r\nContent-Type"), False, False),
        (SIZED.replace(b"HTTP/1.1", b"HTTP/1.0"), False, False),
        (SIZED + SIZED, False, False),
        (SIZED + b"more", False, False),
        (b"HTTP/1.1 200 OK\r\n\r\n" + BODY, True, False),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, False, True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + SIZED, False, True),
    ):
        reply, again = read(text, ends=ends)
        assert (reply.status, reply.body) == (200, BODY), text
        assert again is reusable, text
    reply, _ = read(b"HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n" + SIZED)
    assert [name for name, _ in reply.headers] == [b"Content-Type", b"Content-Length"]
    reply, _ = read(SIZED + SIZED.replace(b"200 OK", b"502 Bad"))
    assert (reply.status, len(reply.headers)) == (200, 2), "what came too much is not mixed in"


def test_nothing_is_left_to_the_garbage_collector() -> None:
    """A collection in the middle of an order costs as much as several orders."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                theirs.sendall(SIZED)
                replies.read_reply(ours)
            assert gc.collect() == 0
        finally:
            gc.enable()


def test_an_answer_in_drops_or_without_end_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, "_LONGEST_S", 0.0)
    with pytest.raises(TimeoutError):
        read(SIZED[:9], SIZED[9:20], SIZED[20:])
    monkeypatch.setattr(replies, "_LONGEST_S", 60.0)
    monkeypatch.setattr(replies, "_MOST", len(SIZED) - 1)
    with pytest.raises(httpx.RemoteProtocolError):
        read(SIZED[:9], SIZED[9:])


@pytest.fixture
def heard() -> Iterator[tuple[str, list[bytes]]]:
    """URL of a server that answers each connection once, and what it heard."""
    found: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                link, _ = listening.accept()
                with link:
                    data = link.recv(65536)
                    while not data.endswith(b"a=1"):
                        data += link.recv(65536)
                    found.append(data)
                    link.sendall(SIZED.replace(b"Content-Type", b"Connection: close\r\nContent-Type"))

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", found
        thread.join(60)


def test_a_request_is_the_same_where_a_recorder_listens(
    heard: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Recorded(http.client.HTTPConnection):
        """What a recorder puts in the place of the library's."""

    url, found = heard
    headers = {"API-Key": "k", "API-Sign": "s==", "Content-Type": "application/x-www-form-urlencoded"}
    answers = []
    for kind in (http.client.HTTPConnection, Recorded):
        monkeypatch.setattr(http.client, "HTTPConnection", kind)
        answers.append(KeptConnections(url).exchange("POST", "/0/private/Balance", headers, b"a=1", 5))
    assert answers[0] == answers[1]
    first, second = ({*text.split(b"\r\n\r\n")[0].split(b"\r\n")} for text in found)
    assert first == second
    assert first >= {b"POST /0/private/Balance HTTP/1.1", f"Host: {url[7:]}".encode(), b"Content-Length: 3"}


@pytest.mark.parametrize("text", ["k\r\nX-Other: 1", "k\nX", "k\x00"])
def test_no_value_ends_its_line(text: str) -> None:
    for target, headers in (("/0/private/Balance", {"API-Key": text}), (f"/0/{text}", {})):
        with pytest.raises(ValueError, match="end early") as caught:
            replies.written("POST", target, "127.0.0.1", headers, b"")
        assert text not in str(caught.value)
    with pytest.raises(ValueError, match="end early"):
        replies.written("GET", "/0/public/Time HTTP/1.1", "127.0.0.1", {}, None)
