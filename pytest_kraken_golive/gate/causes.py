"""Which of the lines in the way follow from another: the one nearest the cause is named first, the others point to it.

A line follows for certain where it says so itself:

- it gives the very reason that a line before it gives;
- its message, or the value that it complains of, names the place at which another line is at fault: the bot's report
  quotes what is wrong in the configuration, a copy of a value disagrees with the wrong one;
- it looks at the report of a bot that refused to run;
- it comes after another check, as it declares, and names that as what is missing;
- it is at fault at the very place at which another line is, and does not ask for another value there;
- it is about a run for which nobody, and so not the bot either, could read the configuration.

A line about the run may follow from a fault of the run, or of the files that led to it. But it may have a fault of its
own, so whatever shows it says what it found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.gate.result import Cause, LineResult

LOOKED = frozenset({Outcome.FAILED, Outcome.NOT_PROVEN, Outcome.ERROR})
"""Outcomes of lines that looked at something; an unbound line looked at nothing."""

FILES, THE_RUN, ABOUT_THE_RUN = range(3)
"""Distances from a cause: lines that look at files, the line that judges the run, and those about what it left."""

REFUSED = 3
"""Exit status of a bot that refuses its configuration, and so has not traded."""

_PLACE = re.compile(r"(?P<source>[^\s:]+)(?::(?P<line>\d+))?(?: (?P<key>[^\s:]+))?:\s")
_WORD = re.compile(r"[^\s\"'`(),\[\]{}]+")
_EXPECTED = re.compile(r": expected (?P<value>.*?), found ")
_SPECIFIC = 2
"""Dots in a key path from which on it names one thing wherever it is written."""


class Place(NamedTuple):
    """Where a message says that the fault is."""

    file: str
    """With its line, where that is known."""
    key: str | None

    @classmethod
    def of(cls, message: str) -> Place | None:
        """The place with which a message begins; None if it begins otherwise, or names no file."""
        found = _PLACE.match(message)
        if found is None or not (found["line"] or "/" in found["source"]):
            return None
        return cls(found["source"] + (f":{found['line']}" if found["line"] else ""), found["key"])

    @property
    def source(self) -> str:
        """The file alone."""
        return self.file.partition(":")[0]


def with_causes(lines: Sequence[LineResult]) -> list[LineResult]:
    """The lines, with those that follow from another one pointing to it."""
    looked = sorted((line for line in lines if line.outcome in LOOKED), key=lambda line: (line.distance, line.order))
    if len(looked) < 2:  # noqa: PLR2004 - one alone follows from nothing
        return list(lines)
    causes = _Causes(looked).found()
    return [replace(line, cause=causes[line.id]) if line.id in causes else line for line in lines]


class _Causes:
    """The search among lines that are in the way, the least distant first."""

    def __init__(self, looked: Sequence[LineResult]) -> None:
        self._looked = looked
        self._places = {line.id: Place.of(line.message) for line in looked}
        self._at: dict[str | Place, str] = {}
        """The first line at fault at a place, and at a key path that can be told without its file."""
        self._said_at: dict[Place, str] = {}
        """What it says about the place."""
        self._saying: dict[str, str] = {}
        self._sure: dict[str, str] = {}
        self._checks: dict[str | None, str] = {}
        unread = (line.id for line in looked if line.unread is not None and line.unread.endswith((".yaml", ".yml")))
        self._unread = next(unread, None)
        """The first line for which a configuration file could not be read at all."""
        self._run = next((line for line in looked if line.distance == THE_RUN), None)
        for line in looked:
            self._checks.setdefault(line.check, line.id)
            place = self._places[line.id]
            for message in (line.message, *line.also):
                self._take_place(line.id, message)
            if place is not None or "Next:" in line.message:  # else two faults may have the same few words
                self._saying.setdefault(line.message, line.id)

    def _take_place(self, line_id: str, message: str) -> None:
        place = Place.of(message)
        if place is None:
            return
        self._at.setdefault(place, line_id)
        self._said_at.setdefault(place, message)
        if place.key is not None and place.key.count(".") >= _SPECIFIC:
            self._at.setdefault(place.key, line_id)

    def found(self) -> dict[str, Cause]:
        """The cause of each line that has one."""
        for line in self._looked:
            for candidate in self._named_by(line):
                if self._root(candidate) != line.id and self._explains_all(line):
                    self._sure[line.id] = candidate
                    break
        return {line.id: cause for line in self._looked if (cause := self._cause(line)) is not None}

    def _explains_all(self, line: LineResult) -> bool:
        """Whether the further faults of a line are those of other lines too: else it has one that nobody else tells."""
        places = [Place.of(message) for message in line.also]
        return all(place is not None and self._at[place] != line.id for place in places)

    def _cause(self, line: LineResult) -> Cause | None:
        if line.id in self._sure:
            return Cause(self._root(line.id), sure=True)
        nearest = self._before_the_run
        if line.distance < ABOUT_THE_RUN or nearest is None or nearest == line.id:
            return None
        return Cause(nearest, sure=False)

    @cached_property
    def _before_the_run(self) -> str | None:
        """What lines about the run may follow from: the run itself, or else the configuration that it had."""
        if self._run is not None:
            return self._root(self._run.id)
        return next((line.id for line in self._looked if self._is_about_configuration(line)), None)

    def _is_about_configuration(self, line: LineResult) -> bool:
        place = self._places[line.id]
        is_first = line.distance == FILES and line.id not in self._sure
        return is_first and place is not None and place.source.endswith((".yaml", ".yml"))

    def _root(self, line_id: str) -> str:
        while line_id in self._sure:
            towards = self._sure[line_id]
            self._sure[line_id] = self._sure.get(towards, towards)  # the next one finds it sooner
            line_id = towards
        return line_id

    def _named_by(self, line: LineResult) -> Iterator[str]:
        """Lines from which this one follows for certain, the best first."""
        same = self._saying.get(line.message, line.id)
        if same != line.id:
            yield same
        own = self._places[line.id]
        if own is not None and self._wants_the_same(line, own):
            yield self._at[own]
        for place in _places_in(_said(line, own)):
            other = self._at.get(place)
            if other is not None and self._places[other] != own:
                yield other
        if self._is_about_refused_run(line, own) and self._run is not None:
            yield self._run.id
        if self._unread is not None and line.distance >= THE_RUN:
            yield self._unread
        for check in line.after:
            if check in self._checks and re.search(rf"\b{re.escape(check)}\b", line.message):
                yield self._checks[check]

    def _wants_the_same(self, line: LineResult, place: Place) -> bool:
        wanted = {_EXPECTED.search(message) for message in (line.message, self._said_at[place])}
        values = {found["value"] for found in wanted if found is not None}
        return len(values) < 2  # noqa: PLR2004 - two values for one place are two faults

    def _is_about_refused_run(self, line: LineResult, own: Place | None) -> bool:
        run = self._run
        if run is None or own is None or line.distance != ABOUT_THE_RUN:
            return False
        report = self._places[run.id]
        refused = any(seen.get("key") == "exit_status" and seen["value"] == REFUSED for seen in run.evidence)
        return refused and report is not None and report.key in {"errors", "status"} and own.source == report.source


def _said(line: LineResult, own: Place | None) -> str:
    """The message, and in full the value that it complains of, which a message may cut."""
    if own is None or own.key is None:
        return line.message
    full = [json.dumps(seen["value"]) for seen in line.evidence if seen.get("key") == own.key]
    return " ".join([line.message, *full])


def _places_in(text: str) -> Iterator[str | Place]:
    """All that could be a place in a text, as `_Causes` keeps them."""
    before = ""
    for found in _WORD.finditer(text):
        word = found[0].rstrip(":.,;")
        if before:
            yield Place(before, word)
        yield Place(word, None)
        yield word
        before = word
