"""Looks for known secrets in files, whatever they are packed in: the last defence, after all that was masked.

Files are read in pieces, so that their size does not matter. A compressed file is looked at unpacked. In small files of
text, Base64 is decoded too, also where it is broken over lines or holds something compressed.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pytest_kraken_golive.redact import Redactor

PIECE = 1 << 20
OVERLAP = 4096
"""Longer than any form of a secret: what lies across two pieces is found."""
LARGEST_UNPACKED = 16 << 20
"""In larger files Base64 is looked at as it stands: the secret's own Base64 is found, no packed file within it."""

_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\s+[A-Za-z0-9+/_-]{4,})*={0,2}")


@dataclass(frozen=True)
class Leak:
    """A place where a secret stands."""

    path: Path
    """The file."""
    line: int
    """1-based, in what the file holds when it is unpacked."""
    packed: str | None = None
    """How it is packed: `gzip`, `Base64`."""

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}"
        return place if self.packed is None else f"{place} ({self.packed})"


@dataclass
class Sweep:
    """Looks through files for what a redactor knows."""

    redactor: Redactor
    """Knows the secrets."""
    files: int = 0
    """Files that were looked at so far."""
    size: int = 0
    """Bytes that were looked at so far, unpacked."""

    def below(self, places: Iterable[Path]) -> list[Leak]:
        """The leaks in files and in all files below folders, at most one for each file.

        Raises:
            OSError: a file cannot be read: what nobody can look at is not clean.
        """
        return [leak for path in _files(places) if (leak := self.look_at(path)) is not None]

    def look_at(self, path: Path) -> Leak | None:
        """The first leak in one file; errors as with `below`."""
        self.files += 1
        with path.open("rb") as file:
            head = file.read(len(_GZIP))
            file.seek(0)
            if head == _GZIP and (leak := self._read(path, _unzipped(file), "latin-1", "gzip")) is not None:
                return leak
            file.seek(0)
            leak = self._read(path, _pieces(file), "latin-1", None)  # every byte is a character of it
            if leak is None and head in _UTF16:
                file.seek(0)
                leak = self._read(path, _pieces(file), "utf-16", None)
            return leak

    def _read(self, path: Path, pieces: Iterable[bytes], encoding: str, packed: str | None) -> Leak | None:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        line, kept, read = 1, "", 0
        whole: list[str] = []
        for data in pieces:
            read += len(data)
            self.size += len(data)
            text = kept + decoder.decode(data)
            place = self.redactor.place_in(text)
            if place is not None:
                return Leak(path, line + text.count("\n", 0, place), packed)
            cut = max(0, len(text) - OVERLAP)
            line += text.count("\n", 0, cut)
            kept = text[cut:]
            if read <= LARGEST_UNPACKED:
                whole.append(text[:cut])
        return self._unpack(path, "".join([*whole, kept])) if read <= LARGEST_UNPACKED else None

    def _unpack(self, path: Path, text: str) -> Leak | None:
        for found in _BASE64.finditer(text):
            if any(self.redactor.place_in(inner) is not None for inner in _decoded(found[0])):
                return Leak(path, 1 + text.count("\n", 0, found.start()), "Base64")
        return None


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
        elif place.is_file():
            yield place


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while data := file.read(PIECE):
        yield data


def _unzipped(file: IO[bytes]) -> Iterator[bytes]:
    """What a gzip file holds, member by member, up to where it is torn."""
    member = zlib.decompressobj(wbits=_GZIP_BITS)
    for packed in _pieces(file):
        data = packed
        while data:
            try:
                yield member.decompress(data, PIECE)
            except zlib.error:
                return
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, zlib.decompressobj(wbits=_GZIP_BITS)
    yield member.flush()


def _decoded(text: str) -> Iterator[str]:
    """What a stretch of Base64 stands for, itself and unpacked."""
    digits = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    usable = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        data = base64.b64decode(usable + "=" * (-len(usable) % 4))
    except binascii.Error:
        return
    yield data.decode("latin-1")
    if data.startswith(_GZIP):
        unpacked = zlib.decompressobj(wbits=_GZIP_BITS)
        try:
            yield unpacked.decompress(data, LARGEST_UNPACKED).decode("latin-1")
        except zlib.error:
            return
