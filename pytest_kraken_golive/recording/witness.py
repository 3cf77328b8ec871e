"""Who can say what a client really asked: the exchange's own books, or the tape in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from pytest_kraken_golive.recording.tape import Player, Recorder


class Witness(Protocol):
    """Tells what was asked, whatever the client says."""

    def count(self, endpoint: str) -> int:
        """How often this line's client got an answer to `GetApiKeyInfo`, say."""
        ...

    def source(self, url: str) -> str:
        """Where answers come from, for the evidence: the URL that the client calls, or the recording."""
        ...


class BookWitness:
    """The embedded exchange's books of the checks' port."""

    def __init__(self, books: Callable[[], dict[str, Any]]) -> None:
        self._books = books

    def count(self, endpoint: str) -> int:
        """How often the exchange was asked."""
        return int(self._books()["by_endpoint"].get(endpoint, 0))

    def source(self, url: str) -> str:
        """The URL."""
        return url


class TapeWitness:
    """What was recorded or played for a line."""

    def __init__(self, tape: Recorder | Player) -> None:
        self._tape = tape

    def count(self, endpoint: str) -> int:
        """How often the tape was asked."""
        return sum(asked.endpoint == endpoint for asked in self._tape.calls)

    def source(self, url: str) -> str:
        """The cassette that is played; the URL that is recorded."""
        return self._tape.place.shown if isinstance(self._tape, Player) else url
