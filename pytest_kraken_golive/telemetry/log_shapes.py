"""Where a line of a log says how severe it is, and how to recognise the next line of the same kind at once.

The severity of a text line is the first severity word among its first `HEAD_WORDS` words: alone, in brackets or quotes,
or behind `level=` and the like. Harmless words count in capitals only, unless they are marked as a level
(`level=info`, `[info]`, `info:`): prose says "info" too. Grave words count in any writing.
The severity of a line that begins with `{` is that of the first key named as a level in its JSON.
"""

from __future__ import annotations

import functools
import json
import re
from enum import StrEnum
from typing import Any, NamedTuple

HEAD_WORDS = 8
"""Time, host, process, logger: the level is not further in than that."""


class Severity(StrEnum):
    """How severe, from harmless to grave."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


WORDS = {
    "TRACE": Severity.DEBUG,
    "DEBUG": Severity.DEBUG,
    "INFO": Severity.INFO,
    "NOTICE": Severity.INFO,
    "WARNING": Severity.WARNING,
    "WARN": Severity.WARNING,
    "ERROR": Severity.ERROR,
    "ERR": Severity.ERROR,
    "SEVERE": Severity.ERROR,
    "CRITICAL": Severity.CRITICAL,
    "CRIT": Severity.CRITICAL,
    "FATAL": Severity.CRITICAL,
    "PANIC": Severity.CRITICAL,
    "ALERT": Severity.CRITICAL,
    "EMERG": Severity.CRITICAL,
    "EMERGENCY": Severity.CRITICAL,
}
"""The words that are known; a line with another one carries no known severity."""

HARMLESS = frozenset({Severity.DEBUG, Severity.INFO})
LEVEL_KEYS = ("severity", "level", "levelname", "log_level", "loglevel", "lvl")
"""Keys that name a level, in JSON and before `=`."""


class Shape(NamedTuple):
    """The beginning of a line, through its severity word, as expressions that match its like and nothing else."""

    start: bytes
    """What every line of it begins with, literally; empty if that is not known."""
    before: bytes
    """What stands before the severity word."""
    mild: bytes
    """Harmless severity words, written as here."""
    after: bytes
    """What stands right behind the severity word."""
    rest: bytes
    """The rest of the line, with its end."""

    @property
    def harmless(self) -> bytes:
        """Matches a harmless line."""
        return self.before + self.mild + self.after + self.rest

    def grave(self, severity: Severity) -> bytes:
        """Matches a line of a severity that is not harmless."""
        return self.begins(severity) + self.rest

    def begins(self, *severities: Severity) -> bytes:
        """Matches the beginning of a line of one of these severities, none of which is harmless."""
        words = [word for word, severity in WORDS.items() if severity in severities]
        return self.before + _written(words, any_case=True) + self.after


class Level(NamedTuple):
    """What a line says about its severity."""

    severity: Severity | None
    """None: nothing that is known."""
    shape: Shape | None = None
    """How to recognise its like; None where that is not certain."""


def level_of(line: bytes) -> Level:
    """The severity of a line, given without its end."""
    return _json_level(line) if line.lstrip().startswith(b"{") else _text_level(line)


def _written(words: list[str], *, any_case: bool) -> bytes:
    forms = [form for word in words for form in ((word, word.lower(), word.title()) if any_case else (word,))]
    return b"(?:" + "|".join(sorted(forms, key=lambda form: form.upper() != "INFO")).encode() + b")"  # most lines first


_CAPITALS = _written([word for word, severity in WORDS.items() if severity in HARMLESS], any_case=False)
_MILD = _written([word for word, severity in WORDS.items() if severity in HARMLESS], any_case=True)
_GRAVE = _written([word for word, severity in WORDS.items() if severity not in HARMLESS], any_case=True)

_END = rb"(?![A-Za-z0-9_])"
_KEYS = b"(?:" + "|".join(LEVEL_KEYS).encode() + b")"
_MARK = rb"(?:" + _KEYS + rb"""=["']?|[\[(<|"'*]+)"""
TOKEN = (
    rb"(?<!\S)(?:(" + _MARK + rb")((?:" + _MILD + b"|" + _GRAVE + b")" + _END + b")|"
    rb"()(" + _MILD + rb"(?=:)|(?:" + _CAPITALS + b"|" + _GRAVE + b")" + _END + b"))"
)
"""A severity word with what marks it as one: the mark and the word are its groups, the first two or the last two."""

_HEAD = re.compile(rb"\s*+(?:\S++\s++){0,%d}\S*+" % (HEAD_WORDS - 1))
_WORD = re.compile(rb"\S+|\s+")
_DAY = re.compile(rb"(\d{4}-)\d\d-\d\d(?=[T\s])")
_FIELD = re.compile(rb"(?!" + _KEYS + rb"=)[A-Za-z_][\w.]*=")
_PAIR = re.compile(rb'"([^"\\]*)"(\s*:\s*)("[^"\\]*"|[-+.\w]+)(\s*,\s*)')
_JSON_LEVEL = rb'("' + _KEYS + rb'"\s*:\s*")(' + _MILD + b"|" + _GRAVE + rb')"'

compiled = functools.cache(re.compile)
"""For the long ones: to compile them takes a tenth of a second, which a process that reads no log should not pay."""


def _text_level(line: bytes) -> Level:
    head = _HEAD.match(line)
    found = compiled(TOKEN).search(line, 0, head.end() if head else 0)
    if found is None:
        return Level(None)
    mark, word = found.group(1) or found.group(3) or b"", found.group(2) or found.group(4)
    after = line[found.end() : found.end() + 1]
    before = b"".join(_like(word) for word in _WORD.findall(line[: found.start()])) + re.escape(mark)
    mild = _MILD if mark or after == b":" else _CAPITALS
    day = _DAY.match(line)
    start = day.group(1) if day is not None else b""
    return Level(_severity(word), Shape(start, before, mild, re.escape(after) or _END, rb".*+\n"))


def _like(word: bytes) -> bytes:
    """An expression for a word before the severity, or for white space: it matches no severity word and no JSON."""
    if word.isspace():
        return re.escape(word)
    day = _DAY.match(word)
    if day is not None:
        return re.escape(day.group(1)) + rb"\d\d-\d\d\S*+"  # the year alone: a log may go over midnight
    if word[:1].isdigit():
        return rb"\d\S*+"
    field = _FIELD.match(word)
    if field is not None:
        return re.escape(field.group()) + rb"\S*+"
    return rb"(?!\{|" + TOKEN.replace(b"(" + _MARK, b"(?:" + _MARK) + rb")\S++"


def _json_level(line: bytes) -> Level:
    try:
        pairs = json.loads(line, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return Level(None)
    levels = [value for key, value in pairs if key in LEVEL_KEYS]
    known = [WORDS[value.upper()] for value in levels if isinstance(value, str) and value.upper() in WORDS]
    return Level(known[0], _json_shape(line)) if known else Level(None)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its keys in order, doubles included."""


def _json_shape(line: bytes) -> Shape | None:
    """Every key before the level is matched as it is written, so that no other level can come first."""
    at = line.index(b"{") + 1
    at += len(line[at:]) - len(line[at:].lstrip())
    before, start = re.escape(line[:at]), b""
    json_level = compiled(_JSON_LEVEL)
    while (level := json_level.match(line, at)) is None:
        pair = _PAIR.match(line, at)
        if pair is None or pair.group(1).decode("latin-1") in LEVEL_KEYS:
            return None
        key, colon, value, comma = pair.groups()
        like = rb'"[^"\\\n]*+"' if value.startswith(b'"') else rb"[-+.\w]++"
        start = start or line[: pair.start(3)]
        before += re.escape(b'"' + key + b'"' + colon) + like + re.escape(comma)
        at = pair.end()
    start = start or line[: level.start(2)]
    return Shape(start, before + re.escape(level.group(1)), _MILD, b'"', rb".*+(?:(?<=\})|(?<=\}\r))\n")


def _severity(word: bytes) -> Severity:
    return WORDS[word.decode("ascii").upper()]
