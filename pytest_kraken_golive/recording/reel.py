"""The way into the HTTP libraries: vcr's, which knows most of them. What it hears is led to a tape."""

from __future__ import annotations

from typing import Any

from vcr.cassette import Cassette as VcrCassette  # type: ignore[import-untyped]  # vcr brings no types
from vcr.persisters.filesystem import CassetteNotFoundError  # type: ignore[import-untyped]
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]

from pytest_kraken_golive.recording.cleaning import is_exchange_call
from pytest_kraken_golive.recording.tape import Running


class Reel(VcrCassette):  # type: ignore[misc]  # vcr brings no types
    """Leads what vcr hears to a tape."""

    def __init__(self, *, tape: Running, plays: bool, path: str) -> None:
        mode = RecordMode.NONE if plays else RecordMode.ALL
        super().__init__(path, persister=_NoFile, record_mode=mode)
        self._tape = tape

    def can_play_response_for(self, request: Any) -> bool:
        """Whether the tape answers it; raises where it should and cannot."""
        return is_exchange_call(request.uri) and self._tape.guarded(lambda: self._tape.meet(request))

    def play_response(self, request: Any) -> dict[str, Any]:
        """The tape's answer."""
        return self._tape.play(request)

    def append(self, request: Any, response: dict[str, Any]) -> None:
        """An answer has come."""
        if is_exchange_call(request.uri):
            self._tape.guarded(lambda: self._tape.keep(request, response))

    def filter_request(self, request: Any) -> Any:
        """What is none of the exchange's calls passes."""
        return request if is_exchange_call(request.uri) else None


class _NoFile:
    """Nothing is read or written by vcr itself."""

    @staticmethod
    def load_cassette(path: str, serializer: Any) -> None:
        """There is none."""
        raise CassetteNotFoundError

    @staticmethod
    def save_cassette(path: str, data: Any, serializer: Any) -> None:
        """Never asked for: as vcr sees it, nothing changes."""
        raise NotImplementedError
