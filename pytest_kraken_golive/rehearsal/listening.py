"""What this run asked a real exchange and was answered, word for word, taken down at the client's own connections.

A real exchange takes nothing down for us. So the connections of this run's clients do it, while somebody asks for it:
every call that they make, also one that a client repeats by itself. Headers are left out: they hold the key and the
signature. What is kept is bounded, and in the shape of the embedded exchange's transcript.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from pytest_kraken_golive.kraken.kept import KeptConnections
from pytest_kraken_golive.kraken.replies import Reply
from pytest_kraken_golive.kraken.wire import unpacked

FIRST, LAST = 5, 5
"""Calls that are kept from the beginning and from the end; what lies between is counted."""
LONGEST_BODY = 256 << 10
"""Bytes of a body that is kept; of a longer one only its length."""


class Notes:
    """Takes down calls from `begin` to `end`. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first: list[dict[str, Any]] | None = None
        self._last: deque[dict[str, Any]] = deque(maxlen=LAST)
        self._total = 0

    def begin(self) -> None:
        """Begin anew."""
        with self._lock:
            self._first, self._last, self._total = [], deque(maxlen=LAST), 0

    def end(self) -> dict[str, Any] | None:
        """What was taken down, as `sandbox.transcript` shows it; None where nobody had begun."""
        with self._lock:
            first, self._first = self._first, None
            if first is None:
                return None
            left_out = self._total - len(first) - len(self._last)
            return {"total": self._total, "left_out": left_out, "first": first, "last": list(self._last)}

    def ask(self, method: str, target: str, body: bytes | None) -> dict[str, Any]:
        """Take down what is asked before it leaves; the entry of the call, for `answer`."""
        asked = body or b""
        call = {"method": method, "target": target, "body": _shown(asked), "body_size": len(asked)}
        call |= {"status": 0, "answer": "", "answer_size": 0, "duration_s": None}
        with self._lock:
            if self._first is not None:
                (self._first if self._total < FIRST else self._last).append(call)
                self._total += 1
        return call


def answer(call: dict[str, Any], status: int, body: bytes, duration_s: float) -> None:
    """Take down the answer."""
    call |= {"status": status, "answer": _shown(body), "answer_size": len(body), "duration_s": duration_s}


class ListeningConnections(KeptConnections):
    """Connections that take down what passes.

    Args:
        url: scheme, host and port.
        notes: gets it.
    """

    def __init__(self, url: str, notes: Notes) -> None:
        super().__init__(url)
        self._notes = notes

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> Reply:
        """As that of `KeptConnections`."""
        call, began_s = self._notes.ask(method, target, body), time.monotonic()
        reply = super().exchange(method, target, headers, body, timeout_s)
        answer(call, reply.status, unpacked(reply), time.monotonic() - began_s)
        return reply


def _shown(body: bytes) -> str | None:
    return None if len(body) > LONGEST_BODY else body.decode("latin-1")
