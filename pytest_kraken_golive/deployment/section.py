"""A named part of a document: the nouns of runtime.yaml and core.yaml are made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from ..contract import Found
from .documents import Document
from .kinds import as_mapping, as_number, unlike
from .naming import Name, resolved


class Section:
    """A mapping inside a document. It is read when it is asked, so a fault in it reaches only who asks.

    A key is refused that stands beside one that is read, and is the same but for case, separators or letters that look
    alike: a program may read either. Keys that have no property here are kept: read them with `at`, `text`, `number`,
    `flag`, `names` or `mapping`.
    """

    DOCUMENTED: ClassVar[tuple[str, ...]] = ()
    """Properties that stand for keys of the same name, which may be left out."""

    def __init__(self, document: Document, *path: str) -> None:
        self._document = document
        self._path = path

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._document.shown} {'.'.join(self._path)})"

    @property
    def name(self) -> str:
        """The last key of its path."""
        return self._path[-1]

    @property
    def route(self) -> tuple[str, ...]:
        """The keys that lead to it."""
        return self._path

    @property
    def found(self) -> Found:
        """The whole mapping and its place.

        Raises:
            NotProven: it is absent.
            Fault: it is no mapping, or has keys that are not text.
        """
        return as_mapping(self._document.at(self._to()))

    def required(self) -> Self:
        """The section itself, if it is there; errors as with `found`."""
        _ = self.found
        return self

    @classmethod
    def named(cls, document: Document, name: Name, *path: str) -> Self:
        """The section of a name below a path; errors as with `found`, and `Fault` at the place of a wrong name."""
        return cls(document, *path, resolved(name, document, path)).required()

    def documented(self) -> list[Found]:
        """The values of the documented keys that are there.

        Raises:
            Fault: one has a wrong type, or a key is a misspelling of one, whether that is absent or stands beside it.
        """
        self.refuse_slips(*self.DOCUMENTED)
        return [getattr(self, name) for name in self.DOCUMENTED if self.given(name)]

    def has(self, *key: str) -> bool:
        """Whether the key is there, with whatever value."""
        return self._document.has(self._to(*key))

    def given(self, *key: str) -> bool:
        """Whether a key that may be left out is there; a misspelling of it is a `Fault`, see `Document.given`."""
        return self._document.given(self._to(*key))

    def refuse_slips(self, *known: str) -> None:
        """Do nothing if no key of the section must have been meant to be one of these; else a `Fault`."""
        for meant in known:
            self._document.refuse_misspelt(self._path, meant, known=known, closed=False)

    def closed(self, *key: str, known: Sequence[str]) -> Found:
        """The mapping below these keys, whose own keys are either known or unlike any known one.

        For small mappings in which a line depends on every key: an unknown key beside them is kept, unless it must be
        a misspelling, or, where a known one is absent, has its words and more, or some of them.

        Raises:
            NotProven: it is absent.
            Fault: it is no mapping, or a key in it was meant to be a known one.
        """
        found = self.mapping(*key)
        for meant in known:
            self._document.refuse_misspelt((*self._path, *key), meant, known=known, closed=True)
        return found

    def at(self, *key: str) -> Found:
        """The raw value below these keys; errors as with `Document.at`."""
        return self._document.at(self._to(*key))

    def text(self, *key: str) -> Found:
        """As `Document.text`."""
        return self._document.text(self._to(*key))

    def number(self, *key: str) -> Found:
        """As `Document.number`."""
        return self._document.number(self._to(*key))

    def whole(self, *key: str) -> Found:
        """As `Document.whole`."""
        return self._document.whole(self._to(*key))

    def flag(self, *key: str) -> Found:
        """As `Document.flag`."""
        return self._document.flag(self._to(*key))

    def names(self, *key: str) -> Found:
        """As `Document.names`."""
        return self._document.names(self._to(*key))

    def mapping(self, *key: str) -> Found:
        """As `Document.mapping`."""
        return self._document.mapping(self._to(*key))

    def _to(self, *key: str) -> tuple[str, ...]:
        """The whole key path; a key on the way that has a twin in disguise is a `Fault`."""
        path = (*self._path, *key)
        self._document.refuse_disguised(path)
        return path

    def keys(self, *key: str) -> Found:
        """The names of the entries below these keys, in the file's order, as a list of text; errors as `mapping`."""
        found = self.mapping(*key)
        return Found(list(found.value), found.where)

    def at_least(self, least: float, *key: str) -> Found:
        """A finite number that is not below `least`.

        Raises:
            NotProven: absent.
            Fault: no number, or below.
        """
        return not_below(self.number(*key), least)


def not_below(found: Found, least: float) -> Found:
    """The same if the number is not below `least`, else a `Fault`."""
    if as_number(found).value < least:
        raise unlike(found, f"a number of at least {least}", f"write {least} or more")
    return found
