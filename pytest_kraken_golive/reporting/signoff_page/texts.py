"""Texts as a page may show them: nothing that a reader does not see, moments and durations in words."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

NOT_RECORDED = "not recorded"
"""What stands where the document does not say something; it is never left out, and never shown as fine."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls of direction, characters without width, and others that make a text read otherwise than it is."""

_MINUTE_S = 60.0


def visible(value: Any) -> Any:
    """What a template puts out; in a text, characters that nobody sees are shown by their number."""
    if type(value) is str and not (value.isascii() and value.isprintable()):
        return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", value)
    return value


def moment(iso: Any) -> str:
    """`30 November 2026, 20:17:00 UTC`; what is no moment stays as it is."""
    if iso is None:
        return NOT_RECORDED
    try:
        at = dt.datetime.fromisoformat(str(iso))
    except ValueError:
        return str(iso)
    if at.tzinfo is None:
        return str(iso)
    utc = at.astimezone(dt.UTC)
    return f"{utc.day} {utc:%B %Y, %H:%M:%S} UTC"


def lasted(seconds: float) -> str:
    """`0.2 s`, `51 s`, `3 min 20 s`."""
    if seconds >= _MINUTE_S:
        return f"{int(seconds // _MINUTE_S)} min {seconds % _MINUTE_S:.0f} s"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def between(started: Any, finished: Any) -> str:
    """How long a run took."""
    try:
        return lasted((dt.datetime.fromisoformat(finished) - dt.datetime.fromisoformat(started)).total_seconds())
    except (TypeError, ValueError):
        return NOT_RECORDED
