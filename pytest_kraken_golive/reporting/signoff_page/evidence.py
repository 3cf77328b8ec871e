"""What a line saw, as the page shows it: by source, each value once, long ones folded, pictures as pictures."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pytest_kraken_golive.contract import show
from pytest_kraken_golive.reporting.signoff_page.texts import lasted

SHORT = 160
"""Characters of a value that stand in its row; a longer one is folded."""
LONGEST = 20_000
"""Characters of a folded value; what is beyond is counted, and stands in verdict.json."""

NO_ANSWER = "no whole answer came back"

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
    call: tuple[str, str] | None
    """What was asked of the exchange and what it answered, where the value is that."""
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
    for number, record in enumerate(records):
        same = json.dumps(record, sort_keys=True)
        if is_call(record["value"]):
            same += str(number)  # each stays at its place in the order
        counts[same] = counts.get(same, 0) + 1
        by_source.setdefault(record["source"], {})[same] = record
    return [
        Source(name, tuple(_seen(record, counts[same]) for same, record in seen.items()))
        for name, seen in by_source.items()
    ]


def _seen(record: dict[str, Any], times: int) -> Seen:
    value, whole, picture, call = record["value"], None, None, None
    if is_call(value):
        call = (_cut(_whole(value["asked"])), _cut(_answer_whole(value["answered"])))
        short = _answer_short(value)
    elif isinstance(value, str) and _PICTURE.match(value):
        # Shown as an image it can run nothing, fetch nothing and lend no style to the page.
        picture = f"data:image/svg+xml,{quote(value, errors='replace')}"
        label = _LABEL.search(value)
        short = html.unescape(label[1]) if label else "a picture"
    else:
        short = show(value, limit=LONGEST)
        if len(short) > SHORT:
            whole = _cut(_whole(value))
            short = _short(short)
    return Seen(record.get("line"), record.get("key"), record.get("note"), short, whole, picture, call, times)


def is_call(value: Any) -> bool:
    """Whether a value is a call of the exchange; see `recording.excerpt`."""
    return (
        isinstance(value, dict)
        and value.keys() - {"duration_s"} == {"asked", "answered"}
        and isinstance(value["asked"], dict)
        and isinstance(value["answered"], (dict, type(None)))
    )


def _answer_short(value: dict[str, Any]) -> str:
    """`200, ok, 2 ms`; `200, EAPI:Invalid signature, 8 ms`; `no whole answer`."""
    answer, lasts = value["answered"], value.get("duration_s")
    if answer is None:
        return NO_ANSWER
    errors = answer.get("error")
    said = "no answer of its interface" if errors is None else ", ".join(map(str, errors)) or "ok"
    parts = [str(answer.get("status")), said, *([lasted(lasts)] if isinstance(lasts, (int, float)) else [])]
    return _short(", ".join(parts))


def _answer_whole(answer: dict[str, Any] | None) -> str:
    return NO_ANSWER if answer is None else _whole(answer)


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 40]}…"


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}… ({len(text)} characters; all of them stand in verdict.json)"


def _whole(value: Any) -> str:
    """A text as it is; of a list or a mapping each item in a row."""
    if isinstance(value, dict):
        return "\n".join(f"{key}: {json.dumps(item, ensure_ascii=False)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(json.dumps(item, ensure_ascii=False) for item in value)
    return str(value)
