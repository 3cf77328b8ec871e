"""How far a run is: lines done by section, and the time that is left if each line takes what it took the last time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Outcome
from pytest_kraken_golive.reporting.failures import counted
from pytest_kraken_golive.reporting.signoff_page.texts import lasted

MEASURED = "measured"
"""The group of lines that run alone, after all others."""


@dataclass(frozen=True)
class Ahead:
    """A line as far as progress is concerned."""

    section: tuple[str, str]
    """Runbook and section; lines of one are told together."""
    group: str
    """Lines of one group run one after the other, in one process; see `MEASURED`."""


def last_durations(verdict: Path) -> Mapping[str, float]:
    """Seconds that each line took in the run that left this file behind; none where it tells nothing."""
    try:
        document: Any = json.loads(verdict.read_text(encoding="utf-8"))
        lines = [line for book in document["runbooks"] for line in book["lines"]]
        return {line["id"]: float(line["duration_s"]) for line in lines if line["outcome"] != Outcome.NOT_RUN}
    except (OSError, ValueError, KeyError, TypeError):  # no verdict, or a damaged one: this is a guess at most
        return {}


class Progress:
    """What is done and what is left.

    Args:
        lines: all of the run, in their order.
        took: seconds that lines took the last time, by id.
        processes: how many run lines side by side.
    """

    def __init__(self, lines: Mapping[str, Ahead], took: Mapping[str, float], processes: int = 1) -> None:
        self._lines = lines
        self._took = took
        self._processes = processes
        self._selected: dict[str, None] = {}
        self._done: set[str] = set()
        self._begun: dict[str, None] = {}
        self._tried = 0

    def select(self, *line_ids: str) -> None:
        """These will run, too."""
        self._selected.update((line_id, None) for line_id in line_ids if line_id in self._lines)

    def begin(self, line_id: str) -> None:
        """A line begins."""
        self._begun[line_id] = None

    def tried(self, line_id: str) -> None:
        """A break of a line has been tried."""
        self._tried += 1
        self._begun.pop(line_id, None)

    @property
    def runs(self) -> list[str]:
        """The lines that run now, the one that began last at the end."""
        return list(self._begun)

    def end(self, line_id: str) -> bool:
        """A line has ended; whether that was the last of its section."""
        self.select(line_id)
        self._done.add(line_id)
        self._begun.pop(line_id, None)
        section = self._lines[line_id].section
        return all(one in self._done for one in self._selected if self._lines[one].section == section)

    def text(self, line_id: str) -> str:
        """`Performance 3/5 · 41 of 80 lines · about 12 s left`, about the section of a line."""
        section = self._lines[line_id].section
        of_it = [one for one in self._selected if self._lines[one].section == section]
        done = sum(one in self._done for one in of_it)
        parts = [
            f"{section[1] or section[0]}  {done}/{len(of_it)}",
            f"{len(self._done)} of {len(self._selected)} lines",
        ]
        if self._tried:
            parts.append(f"{counted(self._tried, 'break')} tried")
        left = self.left_s()
        if left is not None and left >= 1:
            parts.append(f"about {lasted(round(left)).replace('.0 s', ' s')} left")
        if self._begun:
            parts.append(f"now {self.runs[-1]}")
        return " · ".join(parts)

    def left_s(self) -> float | None:
        """Seconds that are left, as long as lines take what they took; None where that is not known of most of them."""
        ahead = [one for one in self._selected if one not in self._done]
        known = [one for one in ahead if one in self._took]
        if 2 * len(known) < len(ahead) or not known:
            return None
        by_group: dict[str, float] = {}
        for one in known:
            group = self._lines[one].group
            by_group[group] = by_group.get(group, 0.0) + self._took[one]
        alone = by_group.pop(MEASURED, 0.0)
        side_by_side = max([sum(by_group.values()) / self._processes, *by_group.values()])
        return alone + side_by_side
