"""The structured log: appends events to `runtime/events.jsonl` so that a kill leaves nothing torn and loses nothing.

- **Acknowledged** is an event whose `append` has returned: its whole line has been handed to the system in one write.
  It survives the death of the process, `kill -9` included. To survive a power cut too takes `fsync=True`.
- **Torn**: what stands behind the last whole line when the log is opened was never acknowledged. It is moved aside to
  `events.jsonl.torn-OFFSET`, never deleted, and `log_recovered` says so.
- **Time** never goes back in the file. If the clock does, `clock_went_back` says by how much, once, and events keep the
  last time until the clock has caught up.
- **One process** at a time writes it; a second one is refused. Threads may share one logger, signal handlers may not.
- The file is not rotated: trends and the derivation of the metrics need all of it. Ten million orders are some 4 GB.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import SecretBytes, SecretStr

from ..clock import Clock, SystemClock
from ..contract import Fault
from ..redact import Redactor
from ..whole_file import replace_file, sync_folder
from .events import MAX_LINE_BYTES, Event, EventType, parse_event
from .single_writer import SingleWriter

TAIL_BYTES = 4 * MAX_LINE_BYTES
"""How far from the end of the file the last whole event is looked for."""


class StructuredLogger:
    """Appends events to a file. Close it, or use it as a context manager; a kill does no harm.

    Args:
        path: the file; it and its folder are made if need be.
        redactor: masks secrets in whatever is written.
        clock: stamps the events.
        fsync: whether each event is on the disk when it is acknowledged: survives a power cut, costs milliseconds.
        shown: how messages call the file.

    Raises:
        Fault: another writer has the file open, or it holds something else than events.
        OSError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        redactor: Redactor,
        clock: Clock | None = None,
        *,
        fsync: bool = False,
        shown: str = "runtime/events.jsonl",
    ) -> None:
        self._path = path
        self._redactor = redactor
        self._clock = clock or SystemClock()
        self._fsync = fsync
        self._shown = shown
        self._mutex = threading.Lock()
        self._is_back = False
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = SingleWriter(path, shown)
        try:
            binary = getattr(os, "O_BINARY", 0)  # Windows would write two bytes for a line's end
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | binary, 0o644)
            try:
                self._last_ts = self._recover()
            except BaseException:
                os.close(self._handle)
                raise
        except BaseException:
            self._writer.close()
            raise

    def append(self, type: EventType, /, **payload: object) -> Event:
        """Write one event; when this returns, it is acknowledged.

        Args:
            type: what happened.
            payload: JSON data; a `Decimal` is written as text.

        Raises:
            TypeError: the payload holds what is no JSON, or a `SecretStr`, which has no place in a log.
            ValueError: a number is not finite, or the event is too long.
            Fault: the log is closed, or this is a child of the process that opened it.
            OSError: it could not be written; the file ends with the event before.
        """
        data = self._redactor.data(_json_data(payload, str(type)))
        with self._mutex:
            self._writer.demand_own_process()
            if self._handle < 0:
                raise Fault(f"{self._shown}: expected an open log, found it closed. Next: close it last.")
            now = self._clock.time()
            if now < self._last_ts and not self._is_back:
                back = {"by_s": round(self._last_ts - now, 6)}
                self._write(Event(self._last_ts, EventType.CLOCK_WENT_BACK, back))
            self._is_back = now < self._last_ts
            event = Event(max(now, self._last_ts), EventType(type), data)
            self._write(event)
            self._last_ts = event.ts
            return event

    def close(self) -> None:
        """Let another one write the file."""
        with self._mutex:
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1
                self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, event: Event) -> None:
        data = event.line()
        before = os.fstat(self._handle).st_size
        try:
            written = os.write(self._handle, data)
            if written != len(data):
                raise OSError(f"{self._shown}: only {written} of {len(data)} bytes could be written: is the disk full?")
        except OSError:
            os.ftruncate(self._handle, before)  # or the next event would follow on the same line
            raise
        if self._fsync:
            os.fsync(self._handle)

    def _recover(self) -> float:
        """Move aside what a killed writer left behind its last whole event; the time of that event."""
        size = os.fstat(self._handle).st_size
        start = max(0, size - TAIL_BYTES)
        os.lseek(self._handle, start, os.SEEK_SET)
        tail = _read(self._handle, size - start)
        last, end = _last_event(tail, self._shown)
        if last is None and (start > 0 or b"\n" in tail):
            raise Fault(
                f"{self._shown}: expected events, found {size} bytes of something else. "
                "Next: move the file away; the bot begins a new one."
            )
        self._last_ts = last.ts if last is not None else 0.0
        if end < len(tail):
            # First the copy, then the cut, then the report: killed in between, the next start goes on from there.
            replace_file(self._aside(f"{start + end}.unreported"), tail[end:])
            os.ftruncate(self._handle, start + end)
        sync_folder(self._path.parent)
        self._report_torn()
        return self._last_ts

    def _report_torn(self) -> None:
        for path in sorted(self._path.parent.glob(f"{self._path.name}.torn-*.unreported")):
            kept = path.with_suffix("")
            torn = {
                "torn_bytes": path.stat().st_size,
                "at_byte": int(kept.suffix.partition("-")[2]),
                "kept_in": kept.name,
            }
            event = Event(max(self._clock.time(), self._last_ts), EventType.LOG_RECOVERED, torn)
            self._write(event)
            self._last_ts = event.ts
            os.replace(path, kept)

    def _aside(self, end: str) -> Path:
        return self._path.with_name(f"{self._path.name}.torn-{end}")


def _read(handle: int, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.read(handle, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _last_event(tail: bytes, shown: str) -> tuple[Event | None, int]:
    """The last whole event and where its line ends. A power cut can leave lines of zeros behind it."""
    end = tail.rfind(b"\n") + 1
    while end > 0:
        begin = tail.rfind(b"\n", 0, end - 1) + 1
        try:
            return parse_event(tail[begin : end - 1], shown), end
        except Fault:
            end = begin
    return None, 0


def _json_data(value: object, where: str) -> Any:
    """The value as JSON data.

    Raises:
        TypeError: it holds something else, or a secret; names the key.
    """
    if isinstance(value, Mapping):
        return {_key(key, where): _json_data(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_data(item, f"{where}.{index}") for index, item in enumerate(value)]
    if isinstance(value, (SecretStr, SecretBytes)):
        raise TypeError(f"{where}: expected data for a log, found a secret. Next: leave it out.")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{where}: expected a finite number, found {value}")
        return f"{value:f}"
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or type(value) in (bool, int, float):
        return value
    raise TypeError(f"{where}: expected JSON data, found {type(value).__name__}. Next: write it as text or number.")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{where}: expected keys that are text, found {type(key).__name__}")
    return str.__str__(key)
