"""The guardrail logs: all files of `logs/guardrails`, rotated and compressed ones too, read in constant memory.

Files may be several GB. A line that cannot be understood is handed on as `Unparsed`, never dropped; so is a last line
without its end, which a crash or a full disk leaves behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from ..contract import NotProven
from .guardrail_line import Record, Unparsed, cut, read_line
from .log_lines import MAX_LINE_BYTES, Line, lines

Outside = Callable[[bytes], bool]
"""Whether a line is well-formed and not wanted."""

# Stricter than the reader, in which a value may hold spaces: what this matches, it reads for certain.
_PLAIN = re.compile(
    rb"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\+0000 (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) [A-Z][A-Z0-9_]*"
    rb"(?: [A-Za-z_][A-Za-z0-9_.]*=[!-<>-~]+)*"
)
_KEYS = re.compile(rb" ([A-Za-z_][A-Za-z0-9_.]*)=")
_NAME = re.compile(r"(?P<stem>.*?\.(?:log|jsonl))(?:[-._](?P<rotation>.+))?", re.IGNORECASE)


class GuardrailLog:
    """All log files of a folder. Iterating reads them from the oldest rotated file to the live one, each time anew.

    Args:
        folder: the folder; folders below it are not read.
        shown: how messages call it.
    """

    def __init__(self, folder: Path, shown: str) -> None:
        self._folder = folder
        self._shown = shown

    @property
    def shown(self) -> str:
        """How messages call the folder."""
        return self._shown

    @property
    def files(self) -> list[Path]:
        """The files, oldest first: those called `*.log` or `*.jsonl`, with what rotation adds to the name.

        Raises:
            NotProven: there is no such folder, or no such file in it.
        """
        try:
            found = [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()]
        except OSError as error:
            raise NotProven(
                f"{self._shown}: expected a folder of guardrail logs, found none that can be read: {error.strerror} "
                f"({self._folder}). Next: run the bot, or correct io_queue.log_directory."
            ) from error
        if not found:
            raise NotProven(
                f"{self._shown}: expected a guardrail log (*.log or *.jsonl), found none in {self._folder}. "
                "Next: run the bot; it writes its start and stop there."
            )
        return sorted(found, key=_age)

    def read(self, holding: str = "", outside: Outside | None = None) -> Iterator[Record | Unparsed]:
        """All lines of all files.

        Args:
            holding: as with `read_log`, for example a run's id.
            outside: as with `read_log`.

        Raises:
            NotProven: there is no file, or one cannot be read.
        """
        for path in self.files:
            yield from read_log(path, f"{self._shown}/{path.name}", holding, outside)

    def __iter__(self) -> Iterator[Record | Unparsed]:
        return self.read()


def read_log(path: Path, shown: str, holding: str = "", outside: Outside | None = None) -> Iterator[Record | Unparsed]:
    """The lines of one file, one by one; blank lines are passed over.

    Args:
        path: the file.
        shown: how messages call it.
        holding: only lines that hold this text; others are only counted.
        outside: says of a line's bytes that it is well-formed and not wanted. Such a line is passed over, which is
            faster; but those next to an `Unparsed` are given, since they tell when that was written.

    Raises:
        NotProven: the file cannot be read.
    """
    needle = holding.encode()
    passed: Line | None = None
    near = False
    try:
        for line in lines(path):
            if line.damage is None:
                if needle not in line.data:
                    continue
                if outside is not None and not near and outside(line.data):
                    passed = line
                    continue
            read = _understood(line, shown)
            if read is None:
                continue
            near = isinstance(read, Unparsed)
            if near and passed is not None and (before := _understood(passed, shown)) is not None:
                yield before
            passed = None
            yield read
    except OSError as error:
        raise NotProven(
            f"{shown}: expected a log that can be read, found one that cannot: {error.strerror or error}. "
            "Next: let the user who runs this read it."
        ) from error


def outside_of(start: datetime, stop: datetime) -> Outside:
    """For `read_log`: passes over plain text lines in UTC whose second lies before `start` or after `stop`."""
    first, last = (moment.astimezone(UTC).isoformat(timespec="seconds")[:19].encode() for moment in (start, stop))

    def outside(data: bytes) -> bool:
        if first <= data[:19] <= last:
            return False
        if not _PLAIN.fullmatch(data) or not _is_date(data[:10]):
            return False
        keys = _KEYS.findall(data)
        return len(set(keys)) == len(keys)

    return outside


@lru_cache(maxsize=64)
def _is_date(text: bytes) -> bool:
    try:
        date.fromisoformat(text.decode())
    except ValueError:
        return False
    return True


def stream(file: str) -> str:
    """What a log file and its rotations have in common: they are one stream of lines, oldest file first."""
    folder, _, name = file.rpartition("/")
    match = _NAME.fullmatch(name)
    return f"{folder}/{match['stem'].lower() if match else name}"


def _understood(line: Line, shown: str) -> Record | Unparsed | None:
    try:
        text, problem = line.data.decode(), line.damage
    except UnicodeDecodeError as error:
        text = line.data.decode(errors="backslashreplace")
        problem = f"it holds bytes that are no UTF-8, from byte {error.start}"
    text = text.removeprefix("\ufeff") if line.number == 1 else text
    if not line.ended:
        reason = line.damage or "the file breaks off in this line"
        return Unparsed(shown, line.number, cut(text), reason, torn=True)
    if not line.whole:
        problem = f"the line is longer than {MAX_LINE_BYTES} bytes"
    if problem is not None:
        return Unparsed(shown, line.number, cut(text), problem)
    return read_line(text, shown, line.number) if text.strip() else None


def _age(path: Path) -> tuple[str, int, int, str]:
    """Sorts oldest first: dated rotations, numbered ones from the highest, the live file last."""
    match = _NAME.fullmatch(path.name)
    stem = match["stem"].lower() if match else path.name.lower()
    rotation = (match["rotation"] if match else None) or ""
    number = re.match(r"(\d{1,4})(?!\d|-)", rotation)
    if not rotation or rotation.lower() == "gz":
        return stem, 2, 0, rotation
    return (stem, 1, -int(number[1]), rotation) if number else (stem, 0, 0, rotation)
