"""A journal of single calls, for suites of tests: which was answered, which met trouble, which was asked again."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .app import TRANSPORT, Application, Message, Receive, Scope, Send
from .exchange import Exchange

_LONGEST_PATH = 200


class Journal:
    """The ASGI application behind a port whose calls are booked one by one, up to `SandboxSettings.journal_calls`.

    An entry holds `at_s` (Unix time of arrival), `path`, `status` (HTTP; 0: no whole answer reached the client) and
    `errors` (the error array; None: the answer has none, as an HTML page).
    """

    def __init__(self, app: Application, exchange: Exchange, door: str) -> None:
        self._app = app
        self._exchange = exchange
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, and book it before its answer ends: whoever has the answer finds it booked."""
        entry: dict[str, Any] = {"at_s": self._exchange.clock.time(), "path": scope["path"][:_LONGEST_PATH]}
        entry |= {"status": 0, "errors": None}
        kept = self._exchange.doors[self._door].calls
        if len(kept) < self._exchange.settings.journal_calls:
            kept.append(entry)
        transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        status, body = 0, b""

        async def watched(message: Message) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = int(message["status"])
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False) and not transport.is_closing():  # else: nobody waits any more
                    entry.update(status=status, errors=_errors(body))
            await send(message)

        await self._app(scope, receive, watched)


def _errors(body: bytes) -> list[str] | None:
    try:
        data: Any = json.loads(body)
    except ValueError:
        return None
    found = data.get("error") if isinstance(data, dict) else None
    return found if isinstance(found, list) else None
