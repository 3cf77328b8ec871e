"""Tells of most texts at once that no known secret is in them, so that the slow search is for the few others.

Every form of a secret holds a run of plain characters, its anchor, and most anchors are longer than any word of a log:
text without a long run holds none of them, however many there are.
"""

from __future__ import annotations

import binascii
import re
import string
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

_LONG: Final = 19
"""Anchors of so many characters are looked for in long runs alone; shorter ones in the whole text, one by one. A float
has a digit less."""
_PLAIN: Final = string.ascii_letters + string.digits
_SPREAD: Final = "=\n\r\0"
"""What may stand within an anchor: a mail's escapes and line ends, UTF-16."""
_RUNS: Final = bytes(ord("a" if chr(byte) in _PLAIN + _SPREAD else " ") for byte in range(256))
_DIGITS: Final = bytes(
    ord("a" if chr(byte) in _PLAIN + "+/_-" else " " if chr(byte).isspace() else ".") for byte in range(256)
)
_ODD_BREAK: Final = re.compile(rb"=\r(?!\n)")
"""From here to the line's end a mail's reader skips everything: such a text has no runs that are certain."""
_MAILED: Final = re.compile(rb"=(?:[\r\n]|[3-7][0-9A-Fa-f])")
"""What stands for a plain character in a mail, or for none."""
_CONTINUED: Final = re.compile(rb"\\\r?\n[ \t]*(?:\\(?=[ \t]))?")
_SHORTEST_WORD: Final = 16
_LONGEST_NEEDED: Final = 1024
"""Within one piece of a file there are never fewer characters, where stretches go from one into the next."""
_WORD: Final = b"a" * _SHORTEST_WORD
_WORD_AND_MORE: Final = re.compile(_WORD + rb" +(?:aaaa|\Z)")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\s+[A-Za-z0-9+/_-]{4,})*={0,2}")
_GZIP_HEAD: Final = 10


class Sieve:
    """Lets through whatever may hold a secret.

    Args:
        anchors: plain characters, of which one is in each text that holds a secret.
    """

    def __init__(self, anchors: Iterable[str]) -> None:
        found = sorted({anchor.encode("ascii") for anchor in anchors}, key=len)
        self._short = [anchor for anchor in found if len(anchor) < _LONG]
        self._long = [anchor for anchor in found if len(anchor) >= _LONG]
        bytes_needed = min(map(_least_bytes, found), default=0)
        self._needed = b"a" * min(max(_SHORTEST_WORD, -(-bytes_needed * 4 // 3)), _LONGEST_NEEDED)

    def may_hold(self, text: str) -> bool:
        """Whether a secret may be in a text: as it is, in UTF-16, over lines, or in a mail."""
        data = text.encode("latin-1", "replace")
        if self._is_in(data):
            return True
        if b"\\" not in data:
            return False
        joined, places = _CONTINUED.subn(b"", data)
        return bool(places) and self._is_in(joined)

    def may_be_packed(self, text: str) -> bool:
        """Whether a stretch of Base64 that is long enough to hold a secret may be in a text, or begin or end there."""
        return any(
            _WORD in kinds and (self._needed in kinds or _with_more(kinds, 0) < len(kinds))
            for kinds in map(_kinds, ends_of_lines(text))
        )

    def stretches(self, text: str) -> Iterator[re.Match[str]]:
        """The stretches of Base64 that are long enough to hold a secret."""
        kinds = _kinds(text)
        at, one, several = 0, -1, -1
        while True:
            one = one if one >= at else _place(kinds, self._needed, at)
            several = several if several >= at else _with_more(kinds, at)
            if (first := min(one, several)) == len(kinds):
                return
            start = max(at, kinds.rfind(b".", at, first) + 1, kinds.rfind(b" ", at, first) + 1)
            found = _BASE64.match(text, start)
            assert found is not None, "where many digits are, a stretch begins"
            at = found.end()
            if at - start >= len(self._needed):
                yield found

    def _is_in(self, data: bytes) -> bool:
        runs = _long_runs(data) if self._long else b""
        return _any_in(self._short, data) or _any_in(self._long, runs)


def ends_of_lines(text: str) -> Iterator[str]:
    """A text as it is, and with the ends of lines that JSON writes."""
    yield text
    if "\\" in text and "\\n" in text:
        yield text.replace("\\n", "\n")


def _kinds(text: str) -> bytes:
    """What each character is: a digit of Base64, a space, or another."""
    try:
        data = text.encode("latin-1")
    except UnicodeEncodeError:
        data = re.sub(r"\s", " ", text).encode("latin-1", "replace")
    return data.translate(_DIGITS)


def _any_in(anchors: list[bytes], data: bytes) -> bool:
    return bool(anchors and data) and any(anchor in one for one in _unspread(data) for anchor in anchors)


def _unspread(data: bytes) -> Iterator[bytes]:
    yield data
    if b"\0" in data:
        yield data.replace(b"\0", b"")
    if b"=" in data and _MAILED.search(data) is not None:
        yield binascii.a2b_qp(data)


def _long_runs(data: bytes) -> bytes:
    """The runs that may hold a long anchor, apart from each other; each of them once."""
    if b"\r" in data and _ODD_BREAK.search(data) is not None:
        return data
    kinds = data.translate(_RUNS)
    runs: set[bytes] = set()
    start = kinds.find(b"a" * _LONG)
    while start >= 0:
        end = _place(kinds, b" ", start)
        runs.add(data[start:end])
        start = kinds.find(b"a" * _LONG, end)
    return b" ".join(runs)


def _place(data: bytes, piece: bytes, at: int) -> int:
    """Where a piece is, from a place on; the end if it is not there."""
    found = data.find(piece, at)
    return found if found >= 0 else len(data)


def _with_more(kinds: bytes, at: int) -> int:
    """Where a word may go on in the next, from a place on; the end if none does."""
    found = _WORD_AND_MORE.search(kinds, at) if _WORD + b" " in kinds else None
    return found.start() if found is not None else len(kinds)


def _least_bytes(anchor: bytes) -> int:
    """So many bytes must be there for an anchor to be in them, as it is or in a gzip file."""
    packer = zlib.compressobj(9, wbits=-9, memLevel=1)  # the least memory: there may be hundreds of anchors
    return min(len(anchor), _GZIP_HEAD + len(packer.compress(anchor) + packer.flush()))
