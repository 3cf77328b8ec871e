"""Kept connections to one exchange, over the standard library's `http.client`, behind httpx's transport interface.

Half of an order's time at a common client goes into its layers; here a request goes out in one piece, and its answer is
read by a parser in C (`replies`). A recorder such as vcrpy puts a connection of its own in the place of the library's:
then request and answer go through that one's own methods, so that it sees them.

Nothing is ever sent again from here: a connection that was closed while it was idle is seen before it is used, and one
that breaks later raises, for then nobody knows what became of the request.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from pytest_kraken_golive.kraken import replies
from pytest_kraken_golive.kraken.replies import Piece, Reply

# Below the five seconds after which common servers drop an idle connection, so that ours is not the one that notices.
_KEEP_ALIVE_S: Final = 4.0
_DEFAULT_TIMEOUT_S: Final = 10.0
_OURS: Final = frozenset({"host", "content-length"})
_FAILURES: Final = (OSError, http.client.HTTPException, ValueError)
_CORK: Final[int | None] = getattr(socket, "TCP_CORK", None)
"""Linux: holds back what is written until it is whole."""


@dataclass(slots=True)
class _Kept:
    """An open connection."""

    link: http.client.HTTPConnection
    """Has a socket."""
    ended: Callable[[], bool]
    """True where the other side has closed it, or has sent what nobody asked for."""
    idle_since_s: float
    """Monotonic seconds of its last answer."""


class KeptConnections(httpx.BaseTransport):
    """Sends requests to one host, each over a connection of its own for as long as it takes. Safe for threads.

    Proxy variables are ignored, redirects are not followed, cookies are not kept.

    Args:
        url: scheme, host and port.
        context: for https; by default one that trusts the usual authorities. Made only where it is needed: loading
            them takes 20 ms.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port
        self._named = parts.netloc
        secure = parts.scheme == "https"
        self._context = (context or httpx.create_ssl_context(trust_env=False)) if secure else None
        self._idle: list[_Kept] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"KeptConnections({self._host})"

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx's and read the whole answer.

        Raises:
            httpx.TransportError: as any transport; what is below `ConnectError` and `ConnectTimeout` was not sent.
            httpx.DecodingError: the body cannot be unpacked.
        """
        timeouts = request.extensions.get("timeout", {})
        timeout_s = timeouts.get("read") or _DEFAULT_TIMEOUT_S
        target = request.url.raw_path.decode("ascii")
        headers = {name: value for name, value in request.headers.items() if name not in _OURS}
        body = request.read() if "content-length" in request.headers else None
        reply = self.exchange(request.method, target, headers, body, timeout_s)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body, request=request)

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Reply:
        """Send a request, once, and read the whole answer.

        Args:
            method: `GET` or `POST`.
            target: path and query.
            headers: without length and host, which are added.
            body: what is sent.
            timeout_s: seconds for each of connecting, sending and each part of the answer.

        Raises:
            httpx.TransportError: as `handle_request`.
        """
        kept = self._take(timeout_s)
        try:
            if replies.AVAILABLE and _is_the_librarys(kept.link):
                reply, reusable = _spoken(kept.link.sock, _piece(method, target, self._named, headers, body))
            else:
                reply, reusable = _through_library(kept.link, method, target, headers, body)
        except BaseException:
            kept.link.close()
            raise
        if reusable:
            self._give_back(kept)
        else:
            kept.link.close()
        return reply

    def _take(self, timeout_s: float) -> _Kept:
        oldest_s = time.monotonic() - _KEEP_ALIVE_S
        while True:
            with self._lock:
                kept = self._idle.pop() if self._idle else None
            if kept is None:
                return self._connected(timeout_s)
            # A recorder puts a class of its own in the place of the library's: older connections would pass it by.
            if kept.idle_since_s > oldest_s and type(kept.link) is self._kind() and not kept.ended():
                if kept.link.sock.gettimeout() != timeout_s:
                    kept.link.sock.settimeout(timeout_s)
                return kept
            kept.link.close()

    def _kind(self) -> type[http.client.HTTPConnection]:
        return http.client.HTTPConnection if self._context is None else http.client.HTTPSConnection

    def _connected(self, timeout_s: float) -> _Kept:
        link = (
            http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
            if self._context is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=timeout_s, context=self._context)
        )
        try:
            link.connect()
        except TimeoutError as error:
            link.close()
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            link.close()
            raise httpx.ConnectError(str(error)) from error
        except BaseException:
            link.close()
            raise
        # Only now, and never by itself: the library would open a new connection without a word.
        link.auto_open = 0
        return _Kept(link, _watch(link), 0.0)

    def _give_back(self, kept: _Kept) -> None:
        kept.idle_since_s = time.monotonic()
        with self._lock:
            self._idle.append(kept)

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for kept in idle:
            kept.link.close()


def _is_the_librarys(link: http.client.HTTPConnection) -> bool:
    """Whether nobody has put a class of his own in the place of the library's, whenever that was done."""
    return type(link).__module__ == http.client.__name__


def _piece(method: str, target: str, host: str, headers: Mapping[str, str], body: bytes | None) -> Piece:
    try:
        return replies.written(method, target, host, headers, body)
    except ValueError as error:
        fault = _told(error, httpx.WriteTimeout, httpx.WriteError)
    raise fault


def _spoken(sock: socket.socket, request: Piece) -> tuple[Reply, bool]:
    """Send a request and read its answer over the connection's socket; see `replies.read_reply`."""
    fault: httpx.TransportError
    try:
        sock.sendall(request)
    except OSError as error:
        fault = _told(error, httpx.WriteTimeout, httpx.WriteError)
    else:
        try:
            return replies.read_reply(sock)
        except OSError as error:
            fault = _told(error, httpx.ReadTimeout, httpx.ReadError)
    raise fault


def _through_library(
    link: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[Reply, bool]:
    """The same through the connection's own methods, where a recorder looks."""
    fault: httpx.TransportError
    try:
        # The library writes head and body apart; a server that wakes for the head alone answers later.
        cork = None if body is None or link.sock is None else _CORK
        if cork is not None:
            link.sock.setsockopt(socket.IPPROTO_TCP, cork, 1)
        link.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers.items():
            link.putheader(name, value)
        if body is not None:
            link.putheader("Content-Length", str(len(body)))
        link.endheaders(body)
        if cork is not None:
            link.sock.setsockopt(socket.IPPROTO_TCP, cork, 0)
    except _FAILURES as error:
        fault = _told(error, httpx.WriteTimeout, httpx.WriteError)
    else:
        try:
            answer = link.getresponse()
            found = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
            reply = Reply(answer.status, found, answer.read())
        except _FAILURES as error:
            fault = _told(error, httpx.ReadTimeout, httpx.ReadError)
        else:
            return reply, link.sock is not None  # the library lets go of it after an answer that is the last one
    raise fault


def _told(
    error: Exception, slow: type[httpx.TimeoutException], broken: type[httpx.NetworkError]
) -> httpx.TransportError:
    """What failed, in httpx's words. The library's texts can quote headers, so they are not passed on."""
    if isinstance(error, TimeoutError):
        return slow("timed out")
    if isinstance(error, http.client.HTTPException):
        return httpx.RemoteProtocolError(type(error).__name__)
    if isinstance(error, OSError):
        return broken(type(error).__name__)
    return httpx.LocalProtocolError("the request cannot be written")


def _watch(link: http.client.HTTPConnection) -> Callable[[], bool]:
    """Tells whether an idle connection has something to read, which is its end or worse."""
    sock = link.sock
    if sock is None:  # a recorder connects when it knows the request: such a connection is not kept
        return lambda: True
    if not hasattr(select, "poll"):
        return lambda: bool(select.select([sock], [], [], 0)[0])
    poller = select.poll()
    poller.register(sock, select.POLLIN | select.POLLPRI)
    return lambda: bool(poller.poll(0))
