"""Whether a key was meant to be another one: a slip of the fingers, or the same word in another dress.

Unknown keys are kept, so a misspelt one would silently give its place to a default. The rule goes word by word, because
`min_concurrency` is no misspelling of `max_concurrency`, although both differ by two letters of fifteen.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u043a\u043c\u0442\u0432\u043d\u04bb\u0501"
    "\u03b1\u03bf\u03c1\u03bd\u03b9\u03ba\u03c4\u03c5\u03c7\u0131\u0261",
    "aeopcxyijskmtbhhdaopviktuxig",
)
"""Small letters, Cyrillic, Greek and Latin, that most fonts draw like the ASCII letter (Unicode TR 39, excerpt)."""

_SHORTEST_WITH_ONE_SLIP, _SHORTEST_WITH_TWO_SLIPS = 3, 8
_MOST_SLIPS = 3
_SEPARATORS = re.compile(r"[\W_]+")


def misspelt(key: str, meant: str, *, beside: bool = False) -> bool:
    """Whether a key is another one with a few slips: in disguise, its words in another order, or letters wrong.

    A word of three letters may have one slip (a letter wrong, missing, too many, or two swapped), one of eight two.

    Args:
        key: what was written.
        meant: what may have been meant.
        beside: that stands there, too. Then a further word makes another key (`burst_s` beside `burst`), and so does
            an ending that makes another word (`healthy` beside `health`); a plural does not.
    """
    if key == meant:
        return False
    ones, others = _words(key), _words(meant)
    if not ones or not others:
        return False
    if sorted(ones) == sorted(others) or letters(key) == letters(meant):
        return True
    if beside and (len(ones) != len(others) or any(map(_is_derived, ones, others))):
        return False
    if len(ones) != len(others):
        ones, others = ("".join(ones),), ("".join(others),)
    if any(abs(len(one) - len(other)) > _MOST_SLIPS for one, other in zip(ones, others, strict=True)):
        return False
    slips = [_slips(one, other) for one, other in zip(ones, others, strict=True)]
    return sum(slips) <= _MOST_SLIPS and all(count <= _allowed(word) for count, word in zip(slips, others, strict=True))


def shortened(key: str, meant: str) -> bool:
    """Whether a key has all words of the other and more, or some of them: `concurrency` for `max_concurrency`."""
    ones, others = set(_words(key)), set(_words(meant))
    return bool(ones) and (ones < others or others < ones)


def _is_derived(word: str, stem: str) -> bool:
    """Whether one letter at the end makes another word of it: health-y, enable-d, trade-r."""
    return word[:-1] == stem and word[-1:] in {"y", "d", "r"}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The first known name of which this is a misspelling, or which is one of this; None if there is none."""
    return next((other for other in known if misspelt(name, other) or misspelt(other, name)), None)


def _allowed(word: str) -> int:
    return (len(word) >= _SHORTEST_WITH_ONE_SLIP) + (len(word) >= _SHORTEST_WITH_TWO_SLIPS)


@lru_cache(maxsize=4096)
def _words(key: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", key).casefold().translate(_LOOKALIKES)
    seen = "".join(letter for letter in plain if unicodedata.category(letter) not in {"Cf", "Mn"})
    return tuple(word for word in _SEPARATORS.split(seen) if word)


@lru_cache(maxsize=4096)
def letters(key: str) -> str:
    """What a key says without its dress: two keys that have these in common are one word in disguise."""
    return "".join(_words(key)) or key  # a key without a single letter is only like itself


def _slips(one: str, other: str) -> int:
    """Letters to change, add, take out or swap (optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
