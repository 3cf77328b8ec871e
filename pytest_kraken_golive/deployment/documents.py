"""Documents whose values know their place: a YAML or JSON file read so that a message can name file, line and key.

Absent is `NotProven`; there and wrong is `Fault`. Nothing is ever replaced by a default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..contract import Fault, Found, NotProven, Where, show
from .json_text import parse_json
from .kinds import (
    as_flag,
    as_mapping,
    as_number,
    as_text,
    as_whole,
    described,
    mistyped,
    unlike,
)
from .misspelt import letters, misspelt, nearest, shortened
from .source import decode, read_bytes
from .spots import KeyPath, Spot, key_text, written
from .yaml_text import parse_yaml

__all__ = ["Document", "KeyPathText", "as_text", "load_json", "load_yaml", "parse_document", "unlike"]

KeyPathText = str | Sequence[str | int]
"""A key path: `a.b.0`, or the parts one by one where a key holds a dot."""

_KEYS_SHOWN = 12


def load_yaml(path: Path, shown: str) -> Document:
    """Read a YAML file whose top level is a mapping.

    Args:
        path: the file.
        shown: how messages call it, usually relative to the deployment's root.

    Raises:
        NotProven: the file is missing, unreadable or empty.
        Fault: it is no YAML, no mapping, or holds duplicate keys; see `yaml_text`.
    """
    return _whole(path, shown, yaml=True)


def load_json(path: Path, shown: str) -> Document:
    """Read a JSON file whose top level is a mapping; arguments and errors as with `load_yaml`, see `json_text`."""
    return _whole(path, shown, yaml=False)


def _whole(path: Path, shown: str, *, yaml: bool) -> Document:
    try:
        return parse_document(read_bytes(path, shown), shown, yaml=yaml)
    except (Fault, NotProven) as error:
        error.unread = shown
        raise


def parse_document(data: bytes, shown: str, *, yaml: bool) -> Document:
    """Make a document of bytes that were read elsewhere, for example fetched from a URL.

    Args:
        data: the file's bytes.
        shown: how messages call their origin.
        yaml: whether they are YAML, else JSON.

    Raises:
        NotProven: there is no document in them.
        Fault: as with `load_yaml` and `load_json`.
    """
    text = decode(data, shown, utf16=yaml)
    parsed = parse_yaml(text, shown) if yaml else parse_json(text, shown)
    if parsed is None:
        raise NotProven(f"{shown}: expected a mapping, found an empty file. Next: write the file's contents.")
    value, spot = parsed
    if not isinstance(value, dict):
        raise Fault(
            f"{shown}:{spot.line}: expected a mapping at the top level, found {described(value)}. "
            "Next: put the values under keys."
        )
    return Document(shown, value, hashlib.sha256(data).hexdigest(), spot)


@dataclass(frozen=True)
class Document:
    """A file's values with their places."""

    shown: str
    """How messages call the file."""
    data: dict[Any, Any]
    """The top-level mapping, as a plain loader gives it. Not to be changed."""
    sha256: str = field(repr=False)
    """Digest (hex) of the bytes that it was read from."""
    _spot: Spot = field(repr=False)
    _by_letters: dict[int, dict[str, list[str]]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _walked: dict[tuple[str, ...], tuple[Found, Spot | None, KeyPath]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def at(self, path: KeyPathText) -> Found:
        """The value at a key path, of whatever type, with its place.

        Args:
            path: `a.b.c`, `a.0.b` for items of lists, or the parts as a tuple where a key holds a dot. A part also
                finds a key that YAML does not read as text, by its usual form: `8` finds the key 8.

        Raises:
            NotProven: there is no such key; the message names the nearest parent that exists, and its keys.
            Fault: a parent is neither mapping nor list.
        """
        return self._walk(_parts(path))[0]

    def has(self, path: KeyPathText) -> bool:
        """Whether there is a value at the key path.

        Raises:
            Fault: a parent is neither mapping nor list.
        """
        try:
            self.at(path)
        except NotProven:
            return False
        return True

    def given(self, path: KeyPathText) -> bool:
        """Whether there is a value at the key path; where there is none, no key may be a misspelling of it.

        For keys that may be left out: what a misspelt one says would otherwise be passed over in silence.

        Raises:
            Fault: as with `has`; or a key at the place looks like the one that is absent.
        """
        parts = _parts(path)
        for index, part in enumerate(parts):
            if not self.has(parts[: index + 1]):
                self.refuse_misspelt(parts[:index], str(part))
                return False
        return True

    def refuse_disguised(self, path: KeyPathText) -> None:
        """Do nothing if no key on the way has a twin in disguise: of another case, with a dash for an underscore, ...

        Raises:
            Fault: one has, so that nobody knows which of them is read.
        """
        parts = _parts(path)
        for index, part in enumerate(parts):
            try:
                parent, spot = self._walk(parts[:index])
            except NotProven:
                return
            if not isinstance(part, str) or not isinstance(parent.value, dict):
                continue
            for key in self._dressed(parent.value).get(letters(part), []):
                if key != part:
                    raise _misspelling(parent, spot, key, part)

    def refuse_misspelt(
        self, path: KeyPathText, meant: str, *, known: Sequence[str] = (), closed: bool = False
    ) -> None:
        """Do nothing if no key of the mapping at the path must have been meant to be this one; else a `Fault`.

        Args:
            path: of the mapping; what is none has no keys.
            meant: a key that may be there.
            known: keys that are what they are, however much they look like it.
            closed: these are all keys of a closed mapping. In such a one, a key with some of the words of an absent
                one, or with all of them and more, is taken for it, too.
        """
        parent, spot = self._walk(_parts(path))
        others = [key for key in parent.value if isinstance(key, str)] if isinstance(parent.value, dict) else []
        beside = meant in others
        loose = closed and not beside
        for key in others:
            if key not in known and (misspelt(key, meant, beside=beside) or (loose and shortened(key, meant))):
                raise _misspelling(parent, spot, key, meant)

    def text(self, path: KeyPathText) -> Found:
        """Text that is not blank.

        Raises:
            NotProven: absent.
            Fault: something else; a date, a number or a flag that was meant as text needs quotes.
        """
        return as_text(self.at(path))

    def number(self, path: KeyPathText) -> Found:
        """A finite number (int or float); a flag and a quoted number are none. Errors as with `text`."""
        return as_number(self._decimal(path))

    def whole(self, path: KeyPathText) -> Found:
        """A whole number, written without a decimal point. Errors as with `text`."""
        return as_whole(self._decimal(path))

    def _decimal(self, path: KeyPathText) -> Found:
        """The value at a path, unless it is a number that YAML does not read as people do."""
        found, spot = self._walk(_parts(path))
        if spot is not None and spot.odd is not None:
            raise Fault(
                f"{found.where}: expected a number in decimal digits, found {spot.odd}, which loaders of YAML 1.1 read "
                f"as {found.value}, and others as another. Next: write the number that is meant, without leading "
                "zeros and colons."
            )
        return found

    def flag(self, path: KeyPathText) -> Found:
        """True or false; a quoted "true" is text. Errors as with `text`."""
        return as_flag(self.at(path))

    def names(self, path: KeyPathText) -> Found:
        """A list of texts that are not blank; it may be empty. Errors as with `text`; they name the item's line."""
        found = self.items(path)
        prefix = path.split(".") if isinstance(path, str) else list(path)
        for index in range(len(found.value)):
            as_text(self.at([*prefix, index]))
        return found

    def items(self, path: KeyPathText) -> Found:
        """A list of whatever; it may be empty. Errors as with `text`."""
        found = self.at(path)
        if not isinstance(found.value, list):
            raise mistyped(found, "a list", "write it as a list, for example [one, two]")
        return found

    def mapping(self, path: KeyPathText) -> Found:
        """A mapping whose keys are all text; it may be empty. Errors as with `text`."""
        return as_mapping(self.at(path))

    def _dressed(self, mapping: dict[Any, Any]) -> dict[str, list[str]]:
        """The keys of a mapping by their letters; made once, for a mapping may have thousands and be read by each."""
        known = self._by_letters.get(id(mapping))
        if known is None:
            known = self._by_letters[id(mapping)] = {}
            for key in mapping:
                if isinstance(key, str):
                    known.setdefault(letters(key), []).append(key)
        return known

    def _walk(self, parts: Sequence[str | int]) -> tuple[Found, Spot | None]:
        found = Found(self.data, Where(self.shown, self._spot.line))
        spot: Spot | None = self._spot
        taken: KeyPath = ()
        way: tuple[str, ...] | None = ()  # every line of a runbook asks for the same few places: they are kept
        for index, part in enumerate(parts):
            way = (*way, part) if way is not None and isinstance(part, str) else None
            if way in self._walked:
                found, spot, taken = self._walked[way]
                continue
            key = _key(found, part, parts[index:])
            taken = (*taken, key)
            line, spot = _step(spot, key, found.where.line)
            found = Found(found.value[key], Where(self.shown, line, written(taken)))
            if way is not None:
                self._walked[way] = found, spot, taken
        return found, spot


def _parts(path: KeyPathText) -> list[str | int]:
    return list(path.split(".")) if isinstance(path, str) else list(path)


def _misspelling(parent: Found, spot: Spot | None, key: str, meant: str) -> Fault:
    """What is wrong with a key that must have been meant to be another one."""
    line, _ = _step(spot, key, parent.where.line)
    path = f"{parent.where.key}.{written([key])}" if parent.where.key else written([key])
    other = f"; {meant} is there too (line {_step(spot, meant, None)[0]})" if meant in parent.value else ""
    seen = show(key, 80) if key.isascii() else ascii(key)  # letters that look alike are told apart by their codes
    step = "take it out." if other else f"did you mean {meant}?"
    return Fault(
        f"{Where(parent.where.source, line, path)}: expected the key {meant}, found {seen}, which is not read{other}. "
        f"Next: {step}"
    )


def _key(parent: Found, part: str | int, rest: Sequence[str | int]) -> Any:
    value = parent.value
    if isinstance(value, dict):
        if isinstance(part, str) and part in value:
            return part
        # 8 and true are keys, too; `1` and `true` would be equal to a dict, but their text is not.
        same = [key for key in value if not isinstance(key, str) and key_text(key) == str(part)]
        if len(same) == 1:
            return same[0]
        raise _absent(parent, part, rest)
    if isinstance(value, list):
        index = _index(part)
        if index is None:
            raise Fault(f"{parent.where}: expected a mapping with {show(part, 80)}, found a list. Next: write keys.")
        if index < len(value):
            return index
        raise _absent(parent, part, rest)
    if value is None:
        raise _absent(parent, part, rest)
    raise Fault(
        f"{parent.where}: expected a mapping with the key {show(part, 80)}, found {described(value)}. "
        "Next: put keys with values below it."
    )


def _index(part: str | int) -> int | None:
    if isinstance(part, bool):
        return None
    if isinstance(part, int):
        return part if part >= 0 else None
    return int(part) if part.isascii() and part.isdigit() and len(part) < 10 else None  # noqa: PLR2004 - no list is longer


def _absent(parent: Found, part: str | int, rest: Sequence[str | int]) -> NotProven:
    value = parent.value
    wanted = f"{parent.where.key}.{written(rest)}" if parent.where.key else written(rest)
    near = None
    if isinstance(value, list):
        there = f"a list of {len(value)} items"
    elif not value:
        there = "nothing in it"
    else:
        names = [key_text(key) for key in value]
        there = f"the keys {', '.join(names[:_KEYS_SHOWN])}{' …' if len(names) > _KEYS_SHOWN else ''}"
        near = nearest(str(part), names)
    nearest_parent = parent.where.key or "the top level"
    place = Where(parent.where.source, parent.where.line, wanted)
    return NotProven(
        f"{place}: expected this key, found none. The nearest parent that exists is {nearest_parent} (line "
        f"{parent.where.line}), with {there}. Next: {_to_add(parent.where, written([part]), near, nearest_parent)}"
    )


def _to_add(where: Where, key: str, near: str | None, parent: str) -> str:
    """What to do about a key that is absent; which of two names is misspelt, nobody knows."""
    if where.by_program:
        return f"let the program that writes this file write {key} below {parent}."
    add = f"add {key} below {parent}"
    return (
        f"{add}, or correct the name." if near is None else f"did you mean {near}? Let both say the same; else {add}."
    )


def _step(spot: Spot | None, key: Hashable, line: int | None) -> tuple[int | None, Spot | None]:
    """The line and place of an entry; below what has no places of its own, the line of what holds it."""
    if spot is not None and spot.entries is not None and key in spot.entries:
        return spot.entries[key]
    if spot is not None and spot.items is not None and isinstance(key, int) and key < len(spot.items):
        return spot.items[key].line, spot.items[key]
    return line, None
