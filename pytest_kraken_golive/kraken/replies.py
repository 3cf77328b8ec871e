"""One HTTP exchange over an open socket: a request that leaves in one piece, an answer that httptools reads.

The standard library's parser takes a third of an order's time, most of it for headers that nobody looks at. Here a
parser in C reads the same answers, and is as strict: what is not a whole answer raises.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx

try:
    import httptools
except ImportError:  # no wheel for this interpreter: `kept` then reads with the standard library
    httptools = None  # type: ignore[assignment]

AVAILABLE: Final = httptools is not None
"""Whether this way of talking can be used."""
Headers = list[tuple[bytes, bytes]]
"""Names, in any case, and values, as they came."""

_AT_ONCE: Final = 65_536
_MOST: Final = 64 * 1024 * 1024
"""Bytes beyond which an answer is none; all pairs of Kraken's take one million."""
_LONGEST_S: Final = 60.0
"""Seconds from an answer's first part to its last: the key's other calls wait meanwhile."""
_FIRST_FINAL: Final = 200
_FRAMES: Final = frozenset({b"content-length", b"transfer-encoding"})
_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\x7f]")


class Piece(bytes):
    """A whole request, with key and signature, which nothing prints: test reports show the arguments of frames."""

    def __repr__(self) -> str:
        return "Piece(***)"


class Reply(NamedTuple):
    """An answer as it came."""

    status: int
    """HTTP status."""
    headers: Headers
    """Its headers."""
    body: bytes
    """The whole body, as packed as it came."""


class _Answer:
    """What the parser tells while it reads; its names are httptools' own."""

    __slots__ = ("body", "complete", "headers", "keeps", "parser", "status", "surplus", "unframed")

    def __init__(self) -> None:
        self.parser: Any = None
        """The parser that tells it."""
        self.headers: Headers = []
        self.body: list[bytes] = []
        self.complete = False
        self.status = 0
        self.keeps = False
        """Whether the connection may be used again (the parser tells it only in time)."""
        self.surplus = False
        """Whether more came than this answer."""
        self.unframed = False
        """Whether its head is there and does not say where it ends: then it ends with the connection."""

    def on_message_begin(self) -> None:
        self.surplus = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.complete:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.complete:
            self.status = self.parser.get_status_code()
            self.unframed = not any(name.lower() in _FRAMES for name, _ in self.headers)

    def on_body(self, data: bytes) -> None:
        if not self.complete:
            self.body.append(data)

    def on_message_complete(self) -> None:
        if self.complete:
            return
        self.complete = self.status >= _FIRST_FINAL
        self.keeps = self.parser.should_keep_alive()
        if not self.complete:  # `100 Continue` and its like: the answer is yet to come
            self.headers.clear()
            self.unframed = False


def written(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> Piece:
    """A request in one piece.

    Args:
        method: `GET` or `POST`.
        target: path and query.
        host: as the Host header has it.
        headers: without length and host.
        body: what is sent.

    Raises:
        ValueError: something would end its line. The message does not show it.
    """
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if " " in target or _UNWRITABLE.search("".join(lines)):
        raise ValueError("a line of the request would end early")
    return Piece("\r\n".join([*lines, "\r\n"]).encode("latin-1") + (body or b""))


def read_reply(sock: socket.socket) -> tuple[Reply, bool]:
    """The next answer, and whether the connection can be used again.

    Raises:
        OSError: nothing came in time, or the connection broke.
        httpx.RemoteProtocolError: what came is not a whole answer.
    """
    answer = _Answer()
    parser = answer.parser = httptools.HttpResponseParser(answer)
    ended = broken = False
    size, until_s = 0, None
    try:
        while not (answer.complete or ended or broken):
            data = sock.recv(_AT_ONCE)
            ended = not data
            size += len(data)
            if size > _MOST:
                raise httpx.RemoteProtocolError("an answer without end")
            if until_s is None:
                until_s = time.monotonic() + _LONGEST_S
            elif time.monotonic() > until_s:
                raise TimeoutError("an answer in drops")
            try:
                parser.feed_data(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade):
                broken = True
    finally:
        answer.parser = None  # they hold each other, and would wait for the garbage collector
    if not answer.complete and not (ended and answer.unframed and not broken):
        raise httpx.RemoteProtocolError("no whole answer")
    reusable = answer.keeps and not (ended or broken or answer.surplus)
    return Reply(answer.status, answer.headers, b"".join(answer.body)), reusable
