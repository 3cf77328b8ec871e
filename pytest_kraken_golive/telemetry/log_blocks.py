"""The bytes of a log in blocks of whole lines: gzip, UTF-16, endless lines, old line ends and torn ends included."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

BLOCK_BYTES = 1 << 17
"""Fits the processor's cache, which is what makes looking at it several times cheap."""
MAX_LINE_BYTES = 1 << 16
"""Of a longer line the beginning is looked at; that it went on is counted."""

_GZIP = b"\x1f\x8b"
_OLD_END = re.compile(rb"\r(?!\n)")


class Block(NamedTuple):
    """Whole lines, each with its line feed."""

    offset: int
    """Bytes before it, after decompression and decoding."""
    data: bytes
    """The lines. A last line without its end, and the beginning of a long line, have got one."""
    torn: bool = False
    """Its last line is the file's, and had no end."""
    long: bool = False
    """It is the beginning of a line that is longer than `MAX_LINE_BYTES`."""
    damage: str | None = None
    """Why nothing can be read from here on; `data` is empty then."""


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


def blocks(path: Path) -> Iterator[Block]:
    """The blocks of a file. Whether it is gzip or UTF-16 is seen by its content, not by its name.

    Raises:
        OSError: the file cannot be read. (A damaged gzip file ends in a block that says so.)
    """
    with path.open("rb", buffering=0) as raw:
        zipped = raw.read(len(_GZIP)) == _GZIP
        raw.seek(0)
        if not zipped:
            yield from _blocks(_decoded(raw))
            return
        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield from _blocks(_decoded(unzipped))


def _blocks(pieces: Iterator[bytes]) -> Iterator[Block]:
    offset, rest, skipping = 0, b"", False
    try:
        for piece in pieces:
            if skipping:
                end = piece.find(b"\n") + 1 or len(piece)
                skipping = not piece.endswith(b"\n", 0, end)
                offset += end
                piece = piece[end:]  # noqa: PLW2901 - the rest of it
            end = piece.rfind(b"\n") + 1
            if end:
                data = b"".join((rest, memoryview(piece)[:end]))  # one copy instead of two
                yield Block(offset, data)
                offset, rest = offset + len(data), b""
            rest += piece[end:]
            if len(rest) > MAX_LINE_BYTES:
                yield Block(offset, rest[:MAX_LINE_BYTES] + b"\n", long=True)
                offset, rest, skipping = offset + len(rest), b"", True
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        if rest:
            yield Block(offset, rest + b"\n", torn=True)
        yield Block(offset + len(rest), b"", damage=f"the compressed file breaks off or is damaged here ({error})")
        return
    if rest:
        yield Block(offset, rest + b"\n", torn=True)
    elif skipping:
        yield Block(offset, b"", torn=True)


def _decoded(source: _Source) -> Iterator[bytes]:
    """The file in pieces, in a character set of which ASCII is a part, with line feeds at the lines' ends."""
    first = source.read(BLOCK_BYTES)
    decoder = None
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        decoder = codecs.getincrementaldecoder("utf-16")("replace")
    elif first.startswith(codecs.BOM_UTF8):
        first = first[len(codecs.BOM_UTF8) :]
    piece, held = first, b""
    while piece:
        text = piece if decoder is None else decoder.decode(piece).encode("utf-8", "replace")
        text, held = held + text, b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # its line feed may come with the next piece
                text, held = text[:-1], b"\r"
            text = _OLD_END.sub(b"\n", text)
        yield text
        piece = source.read(BLOCK_BYTES)
    end = held if decoder is None else held + decoder.decode(b"", final=True).encode("utf-8", "replace")
    if end:
        yield _OLD_END.sub(b"\n", end)
