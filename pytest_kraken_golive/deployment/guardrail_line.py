"""One line of a guardrail log, as text or as JSON.

Text: `2026-11-20T09:31:05+0000 WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2`.
JSONL: {"timestamp", "event", "severity", "source", "environment", "payload" {...}}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .instants import instant

SEVERITIES = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
"""From harmless to grave."""

START = "GUARDRAIL_START"
STOP = "GUARDRAIL_STOP"

_ALIASES = {"WARN": "WARNING", "FATAL": "CRITICAL"}
_EVENTS = {
    "RATE_LIMIT": "rate_limit",
    "IO_RATE_LIMIT_WAIT": "rate_limit",
    "TIMEOUT": "timeout",
    "IO_TIMEOUT": "timeout",
    "COMPLIANCE": "compliance",
    START: "start",
    STOP: "stop",
}
_RATE_LIMITED = re.compile(r"RATE_?LIMIT(ED|_?WAIT|_?EXCEEDED|_?HIT|_?REACHED)|THROTTLED|TOO_?MANY_?REQUESTS")
_NETWORK = frozenset(
    ("ERROR", "EXCEPTION", "TIMEOUT", "FAILED", "FAILURE", "REFUSED", "UNREACHABLE", "DISCONNECTED", "LOST", "RESET")
)
"""Names of events that bots have of their own for what a guardrail is there to see."""
_TEXT = re.compile(r"(\S+) +([A-Za-z]+) +([A-Z][A-Z0-9_]*)(?: +(\S.*))?")
# Matched from one pair to the next, never searched for: the time stays linear in the line's length.
_PAIR = re.compile(r" *([A-Za-z_][\w.]*)=(.*?)(?= [A-Za-z_][\w.]*=|$)")
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* +[A-Z]+ ")
_CUT = 200


@dataclass(frozen=True, slots=True)
class Record:
    """A line that was understood."""

    file: str
    """As messages call it."""
    line: int
    """1-based."""
    timestamp: datetime
    """Aware UTC."""
    severity: str
    """One of `SEVERITIES`."""
    event: str
    """As written: RATE_LIMIT, io_timeout, ..."""
    fields: Mapping[str, Any]
    """Of a text line its key=value pairs, as text; of a JSON line its payload, with the other keys beside it."""

    @property
    def kind(self) -> str:
        """What happened, in either form: rate_limit, timeout, network, compliance, start, stop or other."""
        event = self.event.upper()
        if event in _EVENTS:
            return _EVENTS[event]
        if _RATE_LIMITED.search(event):
            return "rate_limit"
        return "network" if not _NETWORK.isdisjoint(re.split(r"[\W_]+", event)) else "other"

    @property
    def run_id(self) -> str | None:
        """The run that a start or stop mark names."""
        value = self.fields.get("run_id")
        return value if isinstance(value, str) else None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of a start or stop mark, sorted; written as a list, or as words with commas between them."""
        value = self.fields.get("tags", ())
        words = value.strip("[]").split(",") if isinstance(value, str) else value
        return tuple(sorted(str(word).strip().strip("'\"") for word in words if str(word).strip()))

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A line that was not understood. It may hold anything, so it is never dropped."""

    file: str
    """As messages call it."""
    line: int
    """1-based."""
    text: str
    """The line, cut where it is long; bytes that are no text are written as `\\xff`."""
    reason: str
    """What is wrong with it."""
    torn: bool = False
    """Whether it is the end of a file that was cut off."""

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"


def read_line(text: str, file: str, line: int) -> Record | Unparsed:
    """Understand one line, given without its line end."""
    try:
        if text.lstrip().startswith("{"):
            return _json_record(text, file, line)
        return _text_record(text, file, line)
    except (ValueError, RecursionError) as error:
        return Unparsed(file, line, cut(text), str(error)[:_CUT] or type(error).__name__)


def cut(text: str) -> str:
    """The beginning of a text, on one line."""
    short = text[:_CUT].encode("unicode_escape").decode("ascii") if not text[:_CUT].isprintable() else text[:_CUT]
    return short if len(text) <= _CUT else f"{short}…"


def _text_record(text: str, file: str, line: int) -> Record:
    match = _TEXT.fullmatch(text.rstrip())
    if match is None:
        raise ValueError("expected time, severity, event and key=value pairs")
    stamp, severity, event, rest = match.groups()
    return Record(file, line, instant(stamp), _severity(severity), event, _pairs(rest or ""))


def _pairs(rest: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    at = 0
    while at < len(rest):
        match = _PAIR.match(rest, at)
        if match is None:
            raise ValueError(f"expected key=value pairs, found {cut(rest[at:].strip())[:60]!r}")
        key, value = match.groups()
        if key in fields:
            raise ValueError(f"the key {key} stands twice")
        if _STAMP.search(value):
            raise ValueError("a second line begins inside of this one")
        fields[key] = value.strip()
        at = match.end()
    return fields


def _json_record(text: str, file: str, line: int) -> Record:
    data = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    for key in ("timestamp", "event", "severity"):
        if not isinstance(data.get(key), str):
            raise ValueError(f"expected {key} as text, found {data.get(key)!r}")
    payload = data.get("payload", {})
    if not isinstance(payload, dict):
        raise ValueError("expected payload as a mapping")
    beside = {key: value for key, value in data.items() if key not in ("timestamp", "event", "severity", "payload")}
    return Record(
        file, line, instant(data["timestamp"]), _severity(data["severity"]), data["event"], {**beside, **payload}
    )


def _severity(word: str) -> str:
    upper = word.upper()
    known = _ALIASES.get(upper, upper)
    if known not in SEVERITIES:
        raise ValueError(f"expected a known severity, found {word[:40]!r}")
    return known


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) != len(pairs):
        raise ValueError("a key stands twice")
    return data


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")
