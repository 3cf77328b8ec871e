"""The HTTP face of the exchange: one ASGI application per door, bare for speed.

It times, counts and sabotages; what a request means is the exchange's business.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from ..clock import VirtualClock
from .exchange import Exchange
from .faults import cloudflare_page
from .refusals import BAD_REQUEST, INVALID_NONCE
from .settings import FaultSettings
from .wire import Call

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "pytest_kraken_golive.transport"
"""Where `server` puts the connection's transport into the scope, so that a fault can reset it."""
_MOST_BYTES = 1_000_000
_JSON = b"application/json; charset=utf-8"
_HTML = b"text/html; charset=UTF-8"


class _Gone(Exception):
    """The client went away before its request was whole."""


class Wire(NamedTuple):
    """What ASGI gives for one request."""

    scope: Scope
    """The request's head."""
    receive: Receive
    """Gives the next part of the body, or that the client is gone."""
    send: Send
    """Takes the next part of the answer."""


class Door:
    """The ASGI application behind one port."""

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange = exchange
        self._name = name
        self._latency_s = exchange.settings.latency_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is served here, not {scope['type']}")
        visit = _Visit(self._exchange, self._name)
        try:
            await self._serve(visit, scope, receive, send)
        except _Gone:
            pass
        finally:
            visit.end()

    async def _serve(self, visit: _Visit, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._exchange
        body = await _read(receive)
        call = _call(scope, body or b"", self._name, visit.arrived_at)
        exchange.count(call)
        fault = exchange.pick_fault(call)
        delay_s = self._latency_s + (0.0 if fault is None else fault.latency_s)
        if delay_s:
            await _pause(exchange, delay_s)
        if body is None:
            await _respond(visit, send, 200, _JSON, exchange.refused(call, BAD_REQUEST))
        elif fault is None or fault.kind == "latency":
            await _respond(visit, send, 200, _JSON, exchange.answer(call))
        else:
            await _serve_fault(visit, fault, call, Wire(scope, receive, send))


class _Visit:
    """A request in service: counted from its arrival until its answer is about to go out."""

    __slots__ = ("_exchange", "_name", "_there", "arrived_at")

    def __init__(self, exchange: Exchange, name: str) -> None:
        self._exchange = exchange
        self._name = name
        self._there = True
        self.arrived_at = exchange.arrive(name)

    def end(self) -> None:
        """It is over; only the first call counts."""
        if self._there:
            self._there = False
            self._exchange.leave(self._name)

    def answer(self, call: Call) -> bytes:
        """Handle the call."""
        return self._exchange.answer(call)

    def refuse(self, call: Call, error: str) -> bytes:
        """Answer with an error array."""
        return self._exchange.refused(call, error)


def _call(scope: Scope, body: bytes, door: str, arrived_at: float) -> Call:
    key = sign = content_type = ""
    for name, value in scope["headers"]:
        if name == b"api-key":
            key = value.decode("latin-1")
        elif name == b"api-sign":
            sign = value.decode("latin-1")
        elif name == b"content-type":
            content_type = value.decode("latin-1")
    client = scope.get("client")
    return Call(
        verb=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        body=body,
        content_type=content_type,
        api_key=key,
        api_sign=sign,
        door=door,
        peer=client[0] if client else "",
        arrived_at=arrived_at,
    )


async def _read(receive: Receive) -> bytes | None:
    """The body, or None if it is larger than any request here; then the rest of it is read and dropped."""
    body = b""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= _MOST_BYTES:
            body += chunk
        if not message.get("more_body", False):
            return body if size <= _MOST_BYTES else None


async def _pause(exchange: Exchange, seconds: float) -> None:
    """Let service take its time; in virtual time that is a jump of the clock."""
    if isinstance(exchange.clock, VirtualClock):
        exchange.clock.advance(seconds)
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(seconds)


async def _respond(visit: _Visit, send: Send, status: int, content_type: bytes, body: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    # Before anything leaves: a client that sends its next request on seeing this answer is not two at once.
    visit.end()
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _serve_fault(visit: _Visit, fault: FaultSettings, call: Call, wire: Wire) -> None:
    send = wire.send
    if fault.kind == "stale_nonce":
        await _respond(visit, send, 200, _JSON, visit.refuse(call, INVALID_NONCE))
    elif fault.kind == "http":
        if fault.handled:
            visit.answer(call)
        await _respond(visit, send, fault.status, _HTML, cloudflare_page(fault.status))
    elif fault.kind == "error":
        if fault.handled:
            visit.answer(call)
        await _respond(visit, send, 200, _JSON, visit.refuse(call, fault.error))
    elif fault.kind == "truncated":
        body = visit.answer(call)
        headers = [(b"content-type", _JSON), (b"content-length", str(len(body)).encode())]
        visit.end()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _hang_up(wire, reset=False)
    else:
        if fault.kind == "reset_after":
            visit.answer(call)
        visit.end()
        await _hang_up(wire, reset=True)


async def _hang_up(wire: Wire, *, reset: bool) -> None:
    """Close the connection: with a TCP reset, or after what was written has gone out."""
    transport: asyncio.Transport = wire.scope["extensions"][TRANSPORT]
    if reset:
        connection: socket.socket = transport.get_extra_info("socket")
        # Closing with a linger of zero seconds sends a reset; Windows packs the two fields as shorts.
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
    else:
        transport.close()
    while (await wire.receive())["type"] != "http.disconnect":
        pass
