"""What a line saw, as the page shows it: by source, each value once, long ones folded, pictures as pictures."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pytest_kraken_golive.contract import show

SHORT = 160
"""Characters of a value that stand in its row; a longer one is folded."""
LONGEST = 20_000
"""Characters of a folded value; what is beyond is counted, and stands in verdict.json."""

_PICTURE = re.compile(r"\s*<svg[\s>]")
_LABEL = re.compile(r'aria-label="([^"]*)"')


@dataclass(frozen=True)
class Seen:
    """One value."""

    line: int | None
    key: str | None
    note: str | None
    short: str
    """The value, or its beginning."""
    whole: str | None
    """The value where it is long."""
    picture: str | None
    """The address of a picture that holds it all, where the value is one."""
    times: int
    """How often it was recorded."""


@dataclass(frozen=True)
class Source:
    """A file, URL or command, and what was seen there."""

    name: str
    seen: tuple[Seen, ...]


def sources(records: list[dict[str, Any]]) -> list[Source]:
    """A line's evidence by source, in the order in which it was recorded; what was recorded again is counted."""
    if len(records) == 1:
        (record,) = records
        return [Source(record["source"], (_seen(record, 1),))]
    counts: dict[str, int] = {}
    by_source: dict[str, dict[str, dict[str, Any]]] = {}
    for record in records:
        same = json.dumps(record, sort_keys=True)
        counts[same] = counts.get(same, 0) + 1
        by_source.setdefault(record["source"], {})[same] = record
    return [
        Source(name, tuple(_seen(record, counts[same]) for same, record in seen.items()))
        for name, seen in by_source.items()
    ]


def _seen(record: dict[str, Any], times: int) -> Seen:
    value, whole, picture = record["value"], None, None
    if isinstance(value, str) and _PICTURE.match(value):
        # Shown as an image it can run nothing, fetch nothing and lend no style to the page.
        picture = f"data:image/svg+xml,{quote(value, errors='replace')}"
        label = _LABEL.search(value)
        short = html.unescape(label[1]) if label else "a picture"
    else:
        short = show(value, limit=LONGEST)
        if len(short) > SHORT:
            whole = _whole(value)
            if len(whole) > LONGEST:
                whole = f"{whole[:LONGEST]}… ({len(whole)} characters; all of them stand in verdict.json)"
            short = f"{short[: SHORT - 40]}…"
    return Seen(record.get("line"), record.get("key"), record.get("note"), short, whole, picture, times)


def _whole(value: Any) -> str:
    """A text as it is; of a list or a mapping each item in a row."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(json.dumps(item, ensure_ascii=False) for item in value)
    return str(value)
