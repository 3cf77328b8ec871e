"""`logs/service.log`: one line per thing that the live service has to say, with its severity at a fixed place.

`2026-11-20T09:31:05+0000 INFO SERVICE_STARTED pid=4711 version=0.1.0`; texts with spaces are written as JSON.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.redact import Redactor

LOG_FILE = "logs/service.log"
OUTPUT_FILE = "logs/service.out.log"
"""What the process itself says, such as why it does not start."""

Level = Literal["INFO", "WARNING", "ERROR"]


class ServiceLog:
    """Appends lines; each is handed to the system whole. Safe between threads.

    Args:
        path: the file; its folder is made if need be.
        redactor: masks secrets.
        clock: stamps.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, redactor: Redactor, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._redactor = redactor
        self._clock = clock
        self._mutex = threading.Lock()

    def write(self, level: Level, event: str, **fields: object) -> None:
        """Write one line."""
        stamp = datetime.fromtimestamp(self._clock.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        pairs = [f"{name}={_word(value)}" for name, value in fields.items()]
        line = self._redactor.text(" ".join([stamp, level, event, *pairs]))
        with self._mutex:
            self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _word(value: object) -> str:
    text = str(value)
    return text if text and text.isprintable() and not any(char in text for char in ' "=') else json.dumps(text)
