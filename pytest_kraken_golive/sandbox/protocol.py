"""uvicorn's HTTP protocol as the exchange uses it: answers leave in one piece, and faults can reach the connection."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from .app import TRANSPORT, Application, Receive, Scope, Send


class _Gathering:
    """A transport that sends at once what is written in one turn of the event loop.

    The server writes head and body of an answer apart, and each piece would wake its client.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send bytes when the turn ends."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Close when everything is sent."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._transport.write(data)


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # over httptools, or h11 where that is missing
    """One connection. The scope of its requests holds its transport."""

    app: Application

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Serve a connection that was accepted."""
        gathering = _Gathering(transport)
        super().connection_made(gathering)
        self.app = functools.partial(_with_transport, self.app, gathering)


def _with_transport(
    app: Application, transport: _Gathering, scope: Scope, receive: Receive, send: Send
) -> Awaitable[None]:
    scope.setdefault("extensions", {})[TRANSPORT] = transport
    return app(scope, receive, send)
