"""What an unbound line could be bound to: comments to paste, filled in as far as the line's own words go."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.gate.described import choices, comment, needed, purpose
from pytest_kraken_golive.gate.registry import Registry
from pytest_kraken_golive.runbook.model import Line, Raw

_SHOWN = 3
_IN_NAME = 2.0
"""A word of a check's name says more than one of its description."""
_ENOUGH = 1.5
"""Proposals share with the line as much as so many words that only one check has."""
_ALSO = 0.5
"""What fits half as well as the best is worth a look."""

_WORD = re.compile(r"[a-z]{3,}")
_TOKEN = re.compile(r"[\w./:-]*\w")
_EVERYWHERE = frozenset(
    {"the", "and", "for", "that", "this", "with", "not", "are", "has", "its", "all", "than", "does"}
)


class Proposals:
    """Knows the checks and the values that the lines of a run bind them with."""

    def __init__(self, registry: Registry, bound: Iterable[Mapping[str, Raw]]) -> None:
        self._registry = registry
        self._values: dict[str, set[str]] = {}
        for params in bound:
            for name, value in params.items():
                if isinstance(value, str):
                    self._values.setdefault(name, set()).add(value)
        self._words = {check: _words(f"{check.name} {purpose(check)}") for check in registry.checks.values()}
        self._names = {check: _words(check.name) for check in registry.checks.values()}
        self._spread = Counter(word for words in self._words.values() for word in words)

    def comments(self, line: Line, line_id: str) -> tuple[str, ...]:
        """Comments that bind the line to the checks which fit its words best, the best first."""
        tokens = _TOKEN.findall(line.text)
        filled = {check: self._filled(check, tokens) for check in self._words}
        kinds = [name for name, values in self._values.items() if not values.isdisjoint(tokens)]  # what its names name
        return tuple(
            comment(check, self._registry.signature(check), line_id, filled[check])
            for check in self._fitting(_words(" ".join([line.text, *kinds])), filled)
        )

    def _fitting(self, wanted: set[str], filled: Mapping[Check, Mapping[str, str]]) -> list[Check]:
        scores = {check: self._score(check, wanted) for check in self._words}
        scores = {check: score + self._said(check, filled[check]) for check, score in scores.items() if score}
        best = sorted(scores, key=lambda check: (-scores[check], check.name))[:_SHOWN]
        rare = math.log(len(self._words) + 1)
        least = max(_ENOUGH * rare, _ALSO * max(scores.values(), default=0.0))
        return [check for check in best if scores[check] >= least]

    def _score(self, check: Check, wanted: set[str]) -> float:
        shared = wanted & self._words[check]
        return sum(
            math.log((len(self._words) + 1) / self._spread[word]) * (_IN_NAME if word in self._names[check] else 1.0)
            for word in shared
        )

    def _said(self, check: Check, filled: Mapping[str, str]) -> int:
        """How many of the check's values the line says, less those that it does not."""
        return 2 * len(filled) - len(needed(self._registry.signature(check)))

    def _filled(self, check: Check, tokens: list[str]) -> dict[str, str]:
        """The values of parameters as far as the line says them: as other lines do, or as the only name in it."""
        signature = self._registry.signature(check)
        filled = {}
        for name in needed(signature):
            known = self._values.get(name, set()) | set(choices(signature, name))
            said = next((token for token in tokens if token in known), None)
            if said is not None:
                filled[name] = said
        open_ = [name for name in needed(signature) if name not in filled]
        elsewhere = set[str]().union(*self._values.values())
        names = [token for token in dict.fromkeys(tokens) if "_" in token and token not in elsewhere]
        if len(open_) == len(names) == 1 and signature.params[open_[0]].annotation in (str, "str"):
            filled[open_[0]] = names[0]
        return filled


def _words(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text.lower().replace("_", " ")) if word not in _EVERYWHERE}


def _stem(word: str) -> str:
    """A word without its plural: `breaches` and `breach` are one, and so are `policies` and `policy`."""
    for ending, instead in (("ies", "y"), ("ches", "ch"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending) and not word.endswith("ss"):
            return word.removesuffix(ending) + instead
    return word
