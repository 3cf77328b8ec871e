"""Looks for known secrets in files, whatever they are packed in: the last defence, after all that was masked.

Files are read in pieces, so that their size does not matter. A compressed file is looked at unpacked. In small files of
text, Base64 is decoded too, also where it is broken over lines or holds something compressed.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import bz2
import codecs
import errno
import functools
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.sieve import Sieve, ends_of_lines

PIECE = 1 << 16
"""Fits the processor's cache, with what is made of it."""
OVERLAP = 4096
"""Longer than any form of a secret: what lies across two pieces is found."""
LARGEST_UNPACKED = 16 << 20
"""In larger files Base64 is looked at as it stands: the secret's own Base64 is found, no packed file within it."""

DEEPEST = 4
"""So many times Base64 may be packed in Base64."""

_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Joined = Callable[[str], str]
_JOINED: tuple[Joined, ...] = (
    functools.partial(
        re.compile(r"\\\r?\n[ \t]*(?:\\(?=[ \t]))?").sub, ""
    ),  # YAML's double quotes, a shell, a string of C
    functools.partial(re.compile(r"\r?\n[ \t]+").sub, " "),  # YAML's plain text and single quotes, a mail's head
    lambda text: binascii.a2b_qp(text.encode("latin-1", "replace")).decode("latin-1"),  # a mail's body
    lambda text: text.replace("\0", ""),  # UTF-16 that does not say so
)
"""Ways in which a text goes over lines, or is spread, undone."""


@dataclass(frozen=True)
class Leak:
    """A place where a secret stands."""

    path: Path
    """The file."""
    line: int
    """1-based, in what the file holds when it is unpacked."""
    packed: str | None = None
    """How it is packed: `gzip`, `bzip2`, `xz`, `zip`, `Base64`."""

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

    def __post_init__(self) -> None:
        self._sieve = Sieve(self.redactor.anchors)

    def below(self, places: Iterable[Path]) -> list[Leak]:
        """The leaks in files and in all files below folders, at most one for each file.

        Raises:
            OSError: a file cannot be read: what nobody can look at is not clean.
        """
        return [leak for path in _files(places) if (leak := self.look_at(path)) is not None]

    def look_at(self, path: Path) -> Leak | None:
        """The first leak in one file or its name; errors as with `below`."""
        self.files += 1
        if self.redactor.place_in(path.name) is not None:
            return Leak(path, 1, "its name")
        with path.open("rb") as file:
            begins = file.read(_LONGEST_MAGIC)
            head = begins[: len(_GZIP)]
            for magic, (packed, unpacked) in _PACKED.items():
                file.seek(0)
                if begins.startswith(magic) and (leak := self._read(path, unpacked(file), "latin-1", packed)):
                    return leak
            file.seek(0)
            leak = self._read(path, _pieces(file), "latin-1", None)  # every byte is a character of it
            if leak is None and head in _UTF16:
                file.seek(0)
                leak = self._read(path, _pieces(file), "utf-16", None)
            return leak

    def _read(self, path: Path, pieces: Iterable[bytes], encoding: str, packed: str | None) -> Leak | None:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        line, kept, read, packed_within = 1, "", 0, False
        whole: list[str] = []
        for data in pieces:
            read += len(data)
            self.size += len(data)
            text = kept + decoder.decode(data)
            found = self._line_in(text)
            if found is not None:
                return Leak(path, line + found + sum(one.count("\n") for one in whole), packed)
            packed_within = packed_within or (read <= LARGEST_UNPACKED and self._sieve.may_be_packed(text))
            cut = max(0, len(text) - OVERLAP)
            whole.append(text[:cut])
            if read > LARGEST_UNPACKED:
                line += sum(one.count("\n") for one in whole)
                whole.clear()
            kept = text[cut:]
        return self._unpack(path, "".join([*whole, kept])) if packed_within and read <= LARGEST_UNPACKED else None

    def _line_in(self, text: str) -> int | None:
        """The 0-based line in which a secret stands, also where it goes over lines; None where there is none."""
        if not self._sieve.may_hold(text):
            return None
        place = self.redactor.place_in(text)
        if place is not None:
            return text.count("\n", 0, place)
        return next((self._last_line(text, other) for other in _JOINED if self._holds(other, text)), None)

    def _holds(self, joined: Joined, text: str) -> bool:
        changed = joined(text)
        return changed != text and self.redactor.place_in(changed) is not None

    def _last_line(self, text: str, joined: Joined) -> int:
        """Where the first lines that hold it end: fewer do not."""
        lines = text.split("\n")
        return bisect.bisect_left(
            range(len(lines)), True, key=lambda last: self._holds(joined, "\n".join(lines[: last + 1]))
        )

    def _unpack(self, path: Path, text: str) -> Leak | None:
        for written in ends_of_lines(text):
            for found in self._sieve.stretches(written):
                if self._is_in(found[0], DEEPEST):
                    return Leak(path, 1 + written.count("\n", 0, found.start()), "Base64")
        return None

    def _is_in(self, packed: str, deep: int) -> bool:
        """Whether a stretch of Base64 holds a secret, itself or packed once more."""
        for inner in _decoded(packed):
            if self._line_in(inner) is not None:
                return True
            if deep and any(self._is_in(found[0], deep - 1) for found in self._sieve.stretches(inner)):
                return True
        return False


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


def _through(opened: Callable[[IO[bytes]], Any]) -> Callable[[IO[bytes]], Iterator[bytes]]:
    """Reads with one of the standard library's readers, up to where a file is torn."""

    def unpacked(file: IO[bytes]) -> Iterator[bytes]:
        reader = opened(file)
        try:
            while data := reader.read1(PIECE):
                yield data
        except (OSError, EOFError, lzma.LZMAError):
            return

    return unpacked


def _members(file: IO[bytes]) -> Iterator[bytes]:
    """What the files in a zip hold, one after the other.

    Raises:
        OSError: one of them is encrypted, or packed in a way that nobody here can undo.
    """
    try:
        packed = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        return
    for about in packed.infolist():
        try:
            with packed.open(about) as inside:
                while data := inside.read(PIECE):
                    yield data
        except (zipfile.BadZipFile, zlib.error, EOFError):
            continue
        except (RuntimeError, NotImplementedError) as error:
            raise OSError(errno.EIO, f"{about.filename} in it cannot be unpacked", file.name) from error
        yield b"\n"


_PACKED: Final[dict[bytes, tuple[str, Callable[[IO[bytes]], Iterator[bytes]]]]] = {
    _GZIP: ("gzip", _unzipped),
    b"BZh": ("bzip2", _through(bz2.BZ2File)),
    b"\xfd7zXZ\x00": ("xz", _through(lzma.LZMAFile)),
    b"PK\x03\x04": ("zip", _members),
}
"""How files are packed, and what unpacks them, by how they begin."""
_LONGEST_MAGIC: Final = max(map(len, _PACKED))


def _decoded(text: str) -> Iterator[str]:
    """What a stretch of Base64 stands for, itself and unpacked."""
    digits = re.sub(r"\s", "", text).rstrip("=").replace("-", "+").replace("_", "/")
    usable = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        data = base64.b64decode(usable + "=" * (-len(usable) % 4))
    except binascii.Error:
        return
    for _ in range(DEEPEST):
        yield data.decode("latin-1")
        if not data.startswith(_GZIP):
            return
        try:
            data = zlib.decompressobj(wbits=_GZIP_BITS).decompress(data, LARGEST_UNPACKED)
        except zlib.error:
            return
