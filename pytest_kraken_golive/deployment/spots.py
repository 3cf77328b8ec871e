"""Where the values of a document stand: a tree of lines that runs beside the data."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ..contract import Fault, Where

KeyPath = tuple[Hashable, ...]
"""The way to a value: keys of mappings and indexes of lists."""

MAX_DEPTH = 100
"""Deeper documents are refused: no configuration is like that, and every reader would run out of stack."""

_DUPLICATES_SHOWN = 10


@dataclass(slots=True)
class Spot:
    """The place of one value."""

    line: int
    """1-based line where the value begins."""
    entries: dict[Hashable, tuple[int, Spot]] | None = None
    """Of a mapping: the line of each key, and the place of its value."""
    items: list[Spot] | None = None
    """Of a list: the places of its items."""
    odd: str | None = None
    """Of a number that people read as another one than the loader (`010`, `5:00`): as it is written."""


@dataclass(frozen=True)
class Duplicate:
    """A key that stands twice in one mapping."""

    path: KeyPath
    """The key's path."""
    first: int
    """Line of the first one."""
    second: int
    """Line of the next one."""


def written(path: Sequence[Hashable]) -> str:
    """A key path as people write it: `a.b.0`, with quotes around keys that hold a dot themselves."""
    return ".".join(f'"{text}"' if "." in text or not text else text for text in map(key_text, path))


def key_text(key: Hashable) -> str:
    """A key as a file would write it: also those that YAML does not read as text, such as `8`, `true` and `null`."""
    return {True: "true", False: "false", None: "null"}[key] if key is None or isinstance(key, bool) else str(key)


def place(shown: str, line: int, path: Sequence[Hashable]) -> str:
    """File, line and key path, as messages begin."""
    return str(Where(shown, line, written(path) or None))


def refuse_duplicates(shown: str, duplicates: Sequence[Duplicate]) -> None:
    """Do nothing if there are none.

    Raises:
        Fault: names both lines and the key path of each duplicate.
    """
    if not duplicates:
        return
    first = duplicates[0]
    further = [f"{written(one.path)} (lines {one.first} and {one.second})" for one in duplicates[1:_DUPLICATES_SHOWN]]
    unnamed = len(duplicates) - _DUPLICATES_SHOWN
    also = f" Likewise: {', '.join(further)}{f' and {unnamed} more' if unnamed > 0 else ''}." if further else ""
    raise Fault(
        f"{place(shown, first.second, first.path)}: expected the key once, found it in line {first.first} and "
        f"again in line {first.second}; most programs silently take the last.{also} "
        "Next: keep one and delete the other."
    )


def too_deep(shown: str, line: int) -> Fault:
    """What is wrong with a document that has more than `MAX_DEPTH` levels."""
    return Fault(
        f"{shown}:{line}: expected at most {MAX_DEPTH} levels, found more. Next: check that this is the right file."
    )
