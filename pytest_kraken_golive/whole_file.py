"""Files that are there whole or not at all: readers see the old one or the new one, never half of one."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

_WINDOWS_TRIES = 20
_WINDOWS_PAUSE_S = 0.01


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside the old one and let it take its place; its folder is made if need be.

    A program that is killed leaves the old file, or the new one, and perhaps a hidden `.NAME.*.part` beside it, which
    the next call removes. One process at a time may write the same file.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.part"):
        left.unlink(missing_ok=True)
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.part"
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name with nothing in it
        _take_its_place(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def replace_text(path: Path, text: str) -> None:
    """The same for text, as UTF-8; what is no text, as a file's name may be, is written as its escapes."""
    replace_file(path, text.encode(errors="backslashreplace"))


def sync_folder(folder: Path) -> None:
    """Let names in a folder survive a power cut too; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _take_its_place(part: Path, path: Path) -> None:
    for left in reversed(range(_WINDOWS_TRIES)):
        try:
            os.replace(part, path)
        except PermissionError:  # Windows, while somebody reads the old file
            if os.name != "nt" or not left:
                raise
            time.sleep(_WINDOWS_PAUSE_S)
        else:
            return
