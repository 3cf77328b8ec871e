"""Strict JSON with the line of every key.

The data are those of the standard library's `json`, which also takes what JSON does not have: bare `NaN` and
`Infinity`, numbers too large for a float, duplicate keys, unpaired surrogates. They are refused here, with file, line
and key path.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable
from typing import Any

from ..contract import Fault, show
from .source import Lines
from .spots import MAX_DEPTH, Duplicate, KeyPath, Spot, place, refuse_duplicates, too_deep

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BARE = re.compile(r"[^\s,:\[\]{}\"]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_LONG_NUMBER = re.compile(r"\d{1000,}")


def parse_json(text: str, shown: str) -> tuple[Any, Spot] | None:
    """The data of a JSON text and their places; None if it is blank.

    Raises:
        Fault: the text is no JSON, is cut off, or holds something that JSON does not have.
    """
    if not text.strip():
        return None
    lines = Lines(text)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise _fault(error, text, shown, lines) from error
    except RecursionError as error:
        raise too_deep(shown, 1) from error
    except ValueError as error:  # the interpreter's limit on the digits of an integer
        digits = _LONG_NUMBER.search(text)
        line = lines.at(digits.start()) if digits else 1
        raise Fault(f"{shown}:{line}: expected a number, found one with too many digits. Next: correct it.") from error
    scanner = _Scanner(text, shown, lines)
    spot = scanner.value(())
    refuse_duplicates(shown, scanner.duplicates)
    return data, spot


def strict_data(text: str, shown: str) -> Any:
    """The same data without their places, several times faster; for large files that programs write.

    Raises:
        Fault: as with `parse_json`, which is asked where something may be wrong; how deep they may be nested is the
            interpreter's limit alone.
    """
    try:
        if _ESCAPED_SURROGATE.search(text) is None:
            return json.loads(text, object_pairs_hook=_each_once, parse_constant=_refused, parse_float=_finite)
    except (ValueError, RecursionError):
        pass  # the slow way says what it is, and where
    parsed = parse_json(text, shown)
    return None if parsed is None else parsed[0]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a key stands there twice")
    return entries


def _refused(word: str) -> Any:
    raise ValueError(word)


def _finite(token: str) -> float:
    number = float(token)
    if not math.isfinite(number):
        raise ValueError(token)
    return number


def _fault(error: json.JSONDecodeError, text: str, shown: str, lines: Lines) -> Fault:
    place = f"{shown}:{lines.at(error.pos)}"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return Fault(
            f"{place}: expected JSON to its end, found that it breaks off ({error.msg}, character {error.pos}). "
            "Next: let the program that writes this file finish, or write it again."
        )
    return Fault(
        f"{place}: expected JSON, found text that is none: {error.msg} (character {error.pos}). "
        "Next: correct this line, or write the file again."
    )


class _Scanner:
    """Goes over a text that `json` has accepted, and notes where each value stands."""

    def __init__(self, text: str, shown: str, lines: Lines) -> None:
        self._text = text
        self._shown = shown
        self._lines = lines
        self._at = 0
        self.duplicates: list[Duplicate] = []

    def value(self, path: KeyPath) -> Spot:
        """The place of the value that comes next, and of all below it."""
        self._skip()
        line = self._lines.at(self._at)
        if len(path) > MAX_DEPTH:
            raise too_deep(self._shown, line)
        match self._text[self._at]:
            case "{":
                return Spot(line, entries=self._entries(path))
            case "[":
                return Spot(line, items=self._items(path))
            case '"':
                self._string(path)
            case _:
                self._literal(path)
        return Spot(line)

    def _entries(self, path: KeyPath) -> dict[Hashable, tuple[int, Spot]]:
        entries: dict[Hashable, tuple[int, Spot]] = {}
        while self._next_item("}"):
            line = self._lines.at(self._at)
            key = self._string(path)
            self._skip()
            self._at += 1  # the colon
            if key in entries:
                self.duplicates.append(Duplicate((*path, key), entries[key][0], line))
            entries[key] = (line, self.value((*path, key)))
        return entries

    def _items(self, path: KeyPath) -> list[Spot]:
        items: list[Spot] = []
        while self._next_item("]"):
            items.append(self.value((*path, len(items))))
        return items

    def _next_item(self, closing: str) -> bool:
        """Step over an opening bracket or a comma; at the closing bracket step over it and say False."""
        self._skip()
        found = self._text[self._at]
        self._at += 1
        self._skip()
        if found == closing:
            return False
        if self._text[self._at] == closing:  # an empty collection
            self._at += 1
            return False
        return True

    def _string(self, path: KeyPath) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            raise AssertionError(f"{self._shown}: json accepted what is no string at {self._at}")
        value: str = json.loads(match.group())
        if _SURROGATE.search(value):
            raise self._unlike(path, "text", f"half a character in {show(value, 60)}")
        self._at = match.end()
        return value

    def _literal(self, path: KeyPath) -> None:
        match = _BARE.match(self._text, self._at)
        if match is None:
            raise AssertionError(f"{self._shown}: json accepted what is no value at {self._at}")
        token = match.group()
        if token not in ("true", "false", "null") and not math.isfinite(_number(token)):
            raise self._unlike(path, "a finite number (JSON has no other)", token)
        self._at = match.end()

    def _unlike(self, path: KeyPath, expected: str, found: str) -> Fault:
        return Fault(
            f"{place(self._shown, self._lines.at(self._at), path)}: expected {expected}, found {found}. "
            "Next: correct the program that writes it."
        )

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        if match is not None:
            self._at = match.end()


def _number(token: str) -> float:
    """The token's value; an integer is finite, however large."""
    return float(token) if not token.lstrip("-").isdigit() else 0.0
