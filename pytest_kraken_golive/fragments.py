"""Pieces of a secret: a message that was cut may hold its first forty characters, and the rest can be guessed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
from collections.abc import Iterator
from urllib.parse import quote

SHORTEST_FRAGMENT = 12
"""So many consecutive characters of a secret are masked. Fewer are found in ordinary words by chance."""

_STEP = 6
"""A run of `SHORTEST_FRAGMENT` characters holds a piece of so many at a multiple of so many: those are looked up."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Fragments:
    """Finds pieces of the spellings that it has learnt."""

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[str, int]]] = {}
        """Each piece of `_STEP` characters, with the spellings that hold it and where."""

    def learn(self, secret: str, raws: list[bytes]) -> None:
        """From now on pieces of this secret are found.

        Args:
            secret: as it is written.
            raws: its bytes, and those that it stands for if it is Base64.
        """
        if is_place(secret):
            return
        for spelling in {*_written(secret), *(one for raw in raws for one in _encoded(raw))}:
            if len(spelling) >= SHORTEST_FRAGMENT:
                for place in range(len(spelling) - _STEP + 1):
                    known = self._places.setdefault(spelling[place : place + _STEP], [])
                    if (spelling, place) not in known:
                        known.append((spelling, place))

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where pieces are in a text, from and to. Takes time in proportion to the text."""
        place = 0
        while place + _STEP <= len(text):
            known = self._places.get(text[place : place + _STEP])
            place += _STEP
            if known is not None:
                start, end = max((_run(text, place - _STEP, *one) for one in known), key=lambda run: run[1] - run[0])
                if end - start >= SHORTEST_FRAGMENT:
                    yield start, end
                    place = max(place, end)


def is_place(secret: str) -> bool:
    """A URL, or the path of something that is there: its pieces are ordinary words. A key may begin so, too."""
    if _URL.match(secret):
        return True
    with contextlib.suppress(OSError, ValueError):  # too long for a name, or with a NUL
        return os.path.exists(os.path.expanduser(secret))
    return False


def _run(text: str, at: int, spelling: str, place: int) -> tuple[int, int]:
    """The longest stretch around a place where text and spelling are the same."""
    back = 0
    while back < min(at, place) and text[at - back - 1] == spelling[place - back - 1]:
        back += 1
    on = _STEP
    longest = min(len(text) - at, len(spelling) - place)
    while on < longest and text[at + on] == spelling[place + on]:
        on += 1
    return at - back, at + on


def _written(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="", errors="surrogateescape")
    yield json.dumps(secret)[1:-1]


def _encoded(raw: bytes) -> Iterator[str]:
    """Hexadecimal; Base64 of both alphabets for each of the three ways in which bytes can lie in a longer text."""
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw).decode()
        own = text[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        ending = text[-(-before * 8 // 6) :].rstrip("=")  # whose last character nothing but the end decides
        for digits in {own, ending}:
            yield digits
            yield digits.replace("+", "-").replace("/", "_")
            yield quote(digits, safe="")
