"""From bytes on the disk to text, with a message for everything that can be wrong on the way."""

from __future__ import annotations

import codecs
import re
import stat
from bisect import bisect_right
from pathlib import Path

from ..contract import Fault, NotProven

MAX_BYTES = 64 * 1024 * 1024
"""A configuration file or report beyond this size is refused: it is something else."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def read_bytes(path: Path, shown: str) -> bytes:
    """The bytes of a regular file.

    Args:
        path: the file.
        shown: how messages call it, usually relative to the deployment's root.

    Raises:
        NotProven: the file is missing, unreadable, a directory or another thing that is no file.
        Fault: it is larger than `MAX_BYTES`.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            found = "a directory" if stat.S_ISDIR(about.st_mode) else "something that is neither file nor directory"
            raise NotProven(f"{shown}: expected a file, found {found}. Next: put a file there.")
        if about.st_size > MAX_BYTES:
            raise Fault(
                f"{shown}: expected at most {MAX_BYTES} bytes, found {about.st_size}. "
                "Next: check that this is the right file."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotProven(f"{shown}: expected a file, found none. Next: create it, or correct the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotProven(
            f"{shown}: expected a readable file, found one that cannot be read: {reason}. "
            "Next: let the user who runs this read it."
        ) from error


def decode(data: bytes, shown: str, *, utf16: bool) -> str:
    """The text of a file: UTF-8 with or without a byte order mark and, where the format allows it, UTF-16 with one.

    Raises:
        Fault: the bytes are something else; the message gives the byte offset and the line.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Fault(f"{shown}:1: expected UTF-8 text, found UTF-32 at byte 0. Next: save the file as UTF-8.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if not utf16:
            raise Fault(f"{shown}:1: expected UTF-8 text, found UTF-16 at byte 0. Next: save the file as UTF-8.")
        encoding, skip = "utf-16", 0
    else:
        encoding, skip = "utf-8", len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        return data[skip:].decode(encoding)
    except UnicodeDecodeError as error:
        offset = error.start + skip
        line = data.count(b"\n", 0, offset) + 1
        raise Fault(
            f"{shown}:{line}: expected {encoding.upper()} text, found a byte that is none (0x{data[offset]:02x}) "
            f"at byte {offset}. Next: save the file as UTF-8."
        ) from error


class Lines:
    """Finds the line of a character, counted as editors count: by CR, LF or CR LF."""

    def __init__(self, text: str) -> None:
        self._ends = [match.end() for match in _LINE_END.finditer(text)]

    def at(self, offset: int) -> int:
        """The 1-based line of the character at this offset."""
        return bisect_right(self._ends, offset) + 1
