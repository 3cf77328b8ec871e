"""The lines of a log file in constant memory, whatever is in it: gzip, UTF-16, endless lines, a torn end."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

MAX_LINE_BYTES = 64 * 1024
"""Of a longer line only the beginning is kept."""

_GZIP = b"\x1f\x8b"
_BOM_BYTES = 4


class Line(NamedTuple):
    """One line of a file."""

    number: int
    """1-based."""
    data: bytes
    """Its bytes without the line end, at most `MAX_LINE_BYTES`; UTF-16 is given as UTF-8."""
    whole: bool = True
    """False: the line is longer."""
    ended: bool = True
    """False: the file stops in it."""
    damage: str | None = None
    """Why nothing can be read from here on, or that its characters could not be read."""


class _File(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...

    def seek(self, offset: int, /) -> int: ...


class _Lined(Protocol):
    def readline(self, size: int, /) -> bytes: ...


def lines(path: Path) -> Iterator[Line]:
    """The lines of a file, one by one. Whether it is gzip is seen by its content, not by its name.

    Raises:
        OSError: the file cannot be read. (A damaged gzip file ends in a line that says so.)
    """
    with path.open("rb") as raw:
        zipped = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        if not zipped:
            yield from _lines(raw)
            return
        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield from _lines(unzipped)


def _lines(file: _File) -> Iterator[Line]:
    number = 0
    try:
        start = file.read(_BOM_BYTES)
        file.seek(0)
        wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        source: _Lined = _Transcoded(file) if wide else file
        while (line := _next(source, number + 1)) is not None:
            number += 1
            if wide and "\ufffd".encode() in line.data:
                line = Line(number, line.data, line.whole, line.ended, "it holds bytes that are no UTF-16")
            yield line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        damage = f"the compressed file breaks off or is damaged here ({error})"
        yield Line(number + 1, b"", ended=False, damage=damage)


def _next(file: _Lined, number: int) -> Line | None:
    data = file.readline(MAX_LINE_BYTES)
    if not data:
        return None
    if data.endswith(b"\n"):
        return Line(number, data.rstrip(b"\r\n"))
    rest = b""
    whole = True
    while part := file.readline(MAX_LINE_BYTES):
        whole = False
        rest = part
        if rest.endswith(b"\n"):
            break
    return Line(number, data, whole, ended=rest.endswith(b"\n"))


class _Transcoded:
    """Reads UTF-16 with a byte order mark as if it were UTF-8; what cannot be read becomes U+FFFD."""

    def __init__(self, file: _File) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._buffer = b""
        self._over = False

    def readline(self, size: int, /) -> bytes:
        """A line with its end, or `size` bytes of a longer one; empty at the end of the file."""
        while b"\n" not in self._buffer and len(self._buffer) < size and not self._over:
            data = self._file.read(MAX_LINE_BYTES)
            self._over = not data
            # A half of a surrogate pair can come through "replace"; UTF-8 has none either.
            text = self._decoder.decode(data, final=self._over)
            self._buffer += text.encode("utf-8", "replace")
        end = self._buffer.find(b"\n", 0, size) + 1 or min(size, len(self._buffer))
        line, self._buffer = self._buffer[:end], self._buffer[end:]
        return line
