"""The HTTP face of the exchange: one ASGI application per door, bare for speed.

It times, counts and sabotages; what a request means is the exchange's business.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from .exchange import Exchange
from .faults import Hit, cloudflare_page
from .refusals import BAD_REQUEST, INVALID_NONCE, THROTTLED
from .settings import FaultSettings
from .skew import SkewedClock
from .wire import Call, with_warnings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

TRANSPORT = "pytest_kraken_golive.transport"
"""Where `server` puts the connection's transport into the scope, so that a fault can reset it."""
_MOST_BYTES = 1_000_000
Headers = tuple[tuple[bytes, bytes], ...]
_JSON_HEADERS: Headers = ((b"content-type", b"application/json; charset=utf-8"),)
_EDGE_HEADERS: Headers = (
    (b"content-type", b"text/html; charset=UTF-8"),
    (b"server", b"cloudflare"),
    (b"cf-ray", b"0000000000000000-SBX"),
)


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

    def __init__(self, exchange: Exchange, name: str, refuse: Callable[[float], None]) -> None:
        """Open it.

        Args:
            exchange: what is behind it.
            name: under which its requests are booked.
            refuse: lets the port refuse connections for so many seconds.
        """
        self._exchange = exchange
        self._name = name
        self._refuse = refuse
        self._latency_s = exchange.settings.latency_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise RuntimeError(f"only HTTP is served here, not {scope['type']}")
        visit = _Visit(self._exchange, self._name)
        transcript = self._exchange.doors[self._name].transcript
        if transcript is not None:
            receive, send = transcript.listening(scope, receive, send, scope["extensions"][TRANSPORT])
        try:
            body = await _read(receive)
            call = _call(scope, body or b"", self._name, visit.arrived_at)
            hit = self._exchange.take_up(call)
            if body is None or hit is not None or self._latency_s:
                await self._serve_troubled(visit, call, hit, Wire(scope, receive, send), whole=body is not None)
            else:
                await _respond(visit, send, 200, _JSON_HEADERS, self._exchange.answer(call))
        except _Gone:
            pass
        except asyncio.CancelledError:
            # The server ends before the answer is due: the client learns that there will be none.
            await _hang_up(Wire(scope, receive, send), reset=True)
        finally:
            visit.end()

    async def _serve_troubled(self, visit: _Visit, call: Call, hit: Hit | None, wire: Wire, *, whole: bool) -> None:
        """Serve a request that waits, that meets a fault, or whose body was too large to be taken whole."""
        exchange = self._exchange
        delay_s = self._latency_s + (0.0 if hit is None else hit.wait_s)
        if delay_s:
            await _pause(exchange.clock, delay_s)
        if not whole:
            await _respond(visit, wire.send, 200, _JSON_HEADERS, exchange.refused(call, BAD_REQUEST))
        elif hit is None or hit.order.kind == "latency":
            await _respond(visit, wire.send, 200, _JSON_HEADERS, exchange.answer(call))
        else:
            if hit.order.kind == "refused":
                self._refuse(hit.order.refuse_s)
            await _serve_fault(visit, hit.order, call, wire)


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

    def refuse(self, call: Call, *errors: str) -> bytes:
        """Answer with an error array."""
        return self._exchange.refused(call, *errors)

    def second_ahead(self, seconds: float) -> int:
        """A Unix second of the exchange's clock."""
        return math.ceil(self._exchange.clock.time() + seconds)


def _call(scope: Scope, body: bytes, door: str, arrived_at: float) -> Call:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    client = scope.get("client")
    return Call(
        verb=scope["method"],
        path=scope["raw_path"].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        body=body,
        content_type=headers.get(b"content-type", b"").decode("latin-1"),
        api_key=headers.get(b"api-key", b"").decode("latin-1"),
        api_sign=headers.get(b"api-sign", b"").decode("latin-1"),
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


async def _pause(clock: SkewedClock, seconds: float) -> None:
    """Let service take its time; in virtual time that is a jump of the clock."""
    if clock.is_virtual:
        clock.sleep(seconds)
        await asyncio.sleep(0)
    else:
        await asyncio.sleep(seconds)


async def _respond(visit: _Visit, send: Send, status: int, headers: Headers, body: bytes) -> None:
    # Before anything leaves: a client that sends its next request on seeing this answer is not two at once.
    visit.end()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _serve_fault(visit: _Visit, fault: FaultSettings, call: Call, wire: Wire) -> None:
    match fault.kind:
        case "stale_nonce":
            await _respond(visit, wire.send, 200, _JSON_HEADERS, visit.refuse(call, INVALID_NONCE))
        case "throttled":
            error = f"{THROTTLED}: {visit.second_ahead(fault.throttle_s)}"
            await _respond(visit, wire.send, 200, _JSON_HEADERS, visit.refuse(call, error))
        case "http":
            if fault.handled:
                visit.answer(call)
            await _respond(visit, wire.send, fault.status, _EDGE_HEADERS, cloudflare_page(fault.status))
        case "error":
            answer = visit.answer(call) if fault.handled else b""
            body = with_warnings(answer, fault.errors) if fault.only_warns else visit.refuse(call, *fault.errors)
            await _respond(visit, wire.send, 200, _JSON_HEADERS, body)
        case "truncated" | "truncated_chunk":
            await _serve_half(visit, visit.answer(call), wire, chunked=fault.kind == "truncated_chunk")
        case _:
            if fault.kind == "reset_after":
                visit.answer(call)
            visit.end()
            await _hang_up(wire, reset=True)


async def _serve_half(visit: _Visit, body: bytes, wire: Wire, *, chunked: bool) -> None:
    """Send the first half of a body and close the connection."""
    visit.end()
    half = body[: len(body) // 2]
    framing = (b"transfer-encoding", b"chunked") if chunked else (b"content-length", str(len(body)).encode())
    await wire.send({"type": "http.response.start", "status": 200, "headers": [*_JSON_HEADERS, framing]})
    if chunked:
        # Past the server, which would send no chunk but whole ones.
        _transport(wire).write(b"%x\r\n" % len(body) + half)
    else:
        await wire.send({"type": "http.response.body", "body": half, "more_body": True})
    await _hang_up(wire, reset=False)


def _transport(wire: Wire) -> asyncio.Transport:
    found: asyncio.Transport = wire.scope["extensions"][TRANSPORT]
    return found


async def _hang_up(wire: Wire, *, reset: bool) -> None:
    """Close the connection: with a TCP reset, or after what was written has gone out."""
    transport = _transport(wire)
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
