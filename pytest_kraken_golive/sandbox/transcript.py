"""A transcript: what came through a door and what was answered, word for word, while somebody asks for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

FIRST, LAST = 5, 5
"""Calls that are kept from the beginning and from the end; what lies between is counted."""
LONGEST_BODY = 256 << 10
"""Bytes of a body that is kept; of a longer one only its length."""

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


@dataclass(slots=True)
class _Taken:
    """One call. Its headers are left out: they hold the key and the signature."""

    method: str
    target: str
    at_s: float
    asked: bytes = b""
    asked_size: int = 0
    status: int = 0
    answered: bytes = b""
    answered_size: int = 0
    duration_s: float | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "method": self.method,
            "target": self.target,
            "body": _shown(self.asked, self.asked_size),
            "body_size": self.asked_size,
            "status": self.status,
            "answer": _shown(self.answered, self.answered_size),
            "answer_size": self.answered_size,
            "duration_s": self.duration_s,
        }


def _shown(body: bytes, size: int) -> str | None:
    return None if size > LONGEST_BODY else body.decode("latin-1")


class Transcript:
    """Takes down a door's calls, from when it is put there until it is taken away."""

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin.

        Args:
            now: gives monotonic seconds.
        """
        self._now = now
        self._first: list[_Taken] = []
        self._last: deque[_Taken] = deque(maxlen=LAST)
        self._total = 0

    def listening(
        self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send, transport: asyncio.Transport
    ) -> tuple[_Receive, _Send]:
        """The two ends of a call, each with an ear at it. What is answered is down before its last part goes out."""
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1")
        call = _Taken(scope["method"], f"{path}?{query}" if query else path, self._now())
        (self._first if self._total < FIRST else self._last).append(call)
        self._total += 1
        status = 0

        async def heard() -> _Message:
            message = await receive()
            body = message.get("body", b"")
            call.asked_size += len(body)
            call.asked = call.asked + body if call.asked_size <= LONGEST_BODY else b""
            return message

        async def said(message: _Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            else:
                body = message.get("body", b"")
                call.answered_size += len(body)
                call.answered = call.answered + body if call.answered_size <= LONGEST_BODY else b""
                if not message.get("more_body", False) and not transport.is_closing():  # else: nobody gets it whole
                    call.status, call.duration_s = status, self._now() - call.at_s
            await send(message)

        return heard, said

    def shown(self) -> dict[str, Any]:
        """As JSON data.

        `total`, `left_out` (calls between the first and the last ones), `first` and `last`, in the order of arrival.
        Each has `method`, `target`, `body` and `answer` (bytes as Latin-1; None: too long to be kept), `body_size` and
        `answer_size` (bytes), `status` (HTTP; 0: no whole answer reached the client) and `duration_s` (None with it).
        """
        return {
            "total": self._total,
            "left_out": self._total - len(self._first) - len(self._last),
            "first": [call.shown() for call in self._first],
            "last": [call.shown() for call in self._last],
        }
