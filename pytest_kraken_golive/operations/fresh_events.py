"""The events that were written after a moment, without reading what was before: the log may be gigabytes long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_kraken_golive.telemetry.events import Event, parse_event
from pytest_kraken_golive.telemetry.post_mortem import EVENTS


class FreshEvents:
    """Begins at the end that the log has now.

    Args:
        root: the deployment.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "runtime" / EVENTS
        self._at = self._path.stat().st_size if self._path.exists() else 0

    def __iter__(self) -> Iterator[Event]:
        """All events since then, each time from the beginning; a line that is being written is left out.

        Raises:
            Fault: a line is no event.
        """
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for data in file:
                # What a killed service left torn at this very place is cut off by the next one.
                if data.endswith(b"\n"):
                    yield parse_event(data, f"runtime/{EVENTS} after byte {self._at}")
