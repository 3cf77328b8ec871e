"""Where in a log a moment begins: what was written before it, by an earlier deploy say, is not looked at.

A log is written in the order of time. It is looked at from its first line on whose stamp is not before the moment; all
that follows belongs to it, stamped or not. A stamp without a zone may be of any: such a line is before the moment only
if it is so wherever on earth it was written. A log without stamps that are understood is looked at as a whole.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)\d*[ ]?(Z|[+-]\d\d:?\d\d)?")
_HEAD_BYTES = 200
_LAST_LINES = 50
_WEST = timedelta(hours=-12)


class Since:
    """Finds the moment in the blocks of one file, given one after the other.

    Args:
        moment: aware.
    """

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._stamped = False
        self.reached = False
        """Whether the moment has come; all further blocks are looked at."""

    def cut(self, data: bytes) -> int:
        """Where the first line begins that is to be looked at; the length of the block if there is none in it."""
        # Programs that share a log may change places by a few lines, so the last one alone does not tell.
        last = list(itertools.islice(filter(None, map(_latest, _backwards(data))), _LAST_LINES))
        self._stamped = self._stamped or bool(last)
        if not self._stamped:
            self.reached = True
            return 0
        return self._forwards(data) if any(stamp >= self._moment for stamp in last) else len(data)

    def _forwards(self, data: bytes) -> int:
        at = 0
        for line in data.split(b"\n"):
            stamp = _latest(line)
            if stamp is not None and stamp >= self._moment:
                self.reached = True
                return at
            at += len(line) + 1
        return len(data)


def _backwards(data: bytes) -> Iterator[bytes]:
    end = len(data) - 1
    while end > 0:
        at = data.rfind(b"\n", 0, end) + 1
        yield data[at:end]
        end = at - 1


def _latest(line: bytes) -> datetime | None:
    """The latest moment that the line's stamp can mean; None without a stamp."""
    found = _STAMP.search(line, 0, _HEAD_BYTES)
    if found is None:
        return None
    day, time, zone = (part.decode() if part else None for part in found.groups())
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{zone or ''}".replace(",", "."))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC) - _WEST
