"""What should run: every line of every runbook, and the check that it is bound to."""

from __future__ import annotations

import functools
import glob
import hashlib
import heapq
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import EVERYTHING, Check
from pytest_kraken_golive.gate.causes import ABOUT_THE_RUN, FILES, THE_RUN
from pytest_kraken_golive.gate.described import nearest, parameters
from pytest_kraken_golive.gate.proposals import Proposals
from pytest_kraken_golive.gate.registry import CheckError, Registry, Signature, validated
from pytest_kraken_golive.runbook.model import Line, Manual, Runbook, RunbookError, Stage
from pytest_kraken_golive.runbook.parse import read_runbook

RUN_FIXTURES = frozenset(
    {
        *("paper_bot", "paper_report", "kraken_client", "kraken_sandbox", "kraken_exchange", "kraken_witness"),
        *("live_commands", "live_service", "order_bench", "latency"),
    }
)
"""Fixtures that use the bot or the exchange: their lines run one after the other, in one process."""

BOT_FIXTURES = frozenset({"paper_bot", "paper_report"})
"""Those that show what the bot did, to which the deployment's files led it."""


MEASURES = "latency"
"""The fixture of lines that run last and alone."""

NO_BREAK = ".no-break"
"""What ends the name of an item that says that a line's check has no break."""


class _BoundCheck(functools.partial[None]):
    """A check with its parameters; pytest evaluates `skipif("…")` in the globals of what it calls."""

    @property
    def __globals__(self) -> dict[str, Any]:
        found: dict[str, Any] = self.func.__globals__
        return found


@dataclass(frozen=True)
class PlannedLine:
    """A line with all that is needed to run it."""

    id: str
    """Its name in the run."""
    line: Line
    """What the runbook says."""
    runbook: Runbook
    """Where it says so."""
    check: Check | None
    """None: unbound."""
    signature: Signature | None
    """What the check asks for."""
    params: dict[str, Any]
    """The check's parameters, typed and complete."""
    order: int
    """Its place among all lines of the run."""
    proposals: tuple[str, ...] = ()
    """For an unbound line: comments that bind it to checks which may fit."""
    source: str = ""
    """The digest of its check's source; see `gate.check_source`."""
    drift: str | None = None
    """Why it is suspect; see `gate.drift`."""

    @property
    def manual(self) -> Manual | None:
        """Who must sign for it; None where its check alone decides."""
        return self.line.binding.manual if self.line.binding is not None else None

    @property
    def is_bound(self) -> bool:
        """Whether a check proves it, or people judge it."""
        return self.check is not None or self.manual is not None

    @property
    def digest(self) -> str:
        """Of all that it is: words, binding, its check's source."""
        return hashlib.sha256(f"{self.line.digest} {self.source}".encode()).hexdigest()

    @property
    def distance(self) -> int:
        """How far from the cause of a fault it looks; see `gate.causes`."""
        if self.check is not None and self.check.name == "paper_run":
            return THE_RUN
        about_the_run = self.signature is not None and not BOT_FIXTURES.isdisjoint(self.signature.fixtures)
        return ABOUT_THE_RUN if about_the_run else FILES

    @property
    def depends_on_run(self) -> bool:
        """Whether it looks at the bot or the exchange, rather than at files alone."""
        return self.signature is not None and bool(RUN_FIXTURES & set(self.signature.fixtures))

    @property
    def is_quiet(self) -> bool:
        """Whether it measures, and so runs when nothing else does."""
        return self.signature is not None and MEASURES in self.signature.fixtures

    def call(self) -> Callable[..., None]:
        """The check with its parameters filled in: what remains are its fixtures.

        A partial that keeps the check's name, documentation and marks, but not its wrapped signature: pytest would
        follow that and take every parameter for a fixture.
        """
        assert self.check is not None
        bound = _BoundCheck(self.check.function, **self.params)
        functools.update_wrapper(bound, self.check.function)
        del bound.__dict__["__wrapped__"]
        return bound


@dataclass
class Plan:
    """The lines of a run, in document order, and what was wrong on the way to them."""

    runbooks: list[Runbook] = field(default_factory=list)
    lines: dict[str, PlannedLine] = field(default_factory=dict)
    check_files: list[Path] = field(default_factory=list)
    """Files of the project's own that its checks are written in; see `gate.drift`."""

    @property
    def stages(self) -> list[Stage]:
        """The stages of its runbooks, each once, in their order."""
        return list(dict.fromkeys(book.stage for book in self.runbooks))

    @property
    def worldly_stages(self) -> list[Stage]:
        """Those with a line that asks for more than a place for its evidence: perhaps for deployment or exchange."""
        asked = {
            planned.runbook.stage
            for planned in self.lines.values()
            if planned.signature is not None and set(planned.signature.fixtures) - {"evidence"}
        }
        return [stage for stage in self.stages if stage in asked]

    def of(self, runbook: Path) -> list[PlannedLine]:
        """The lines of one runbook."""
        return [planned for planned in self.lines.values() if planned.runbook.path == runbook]

    def line_of(self, nodeid: str) -> PlannedLine | None:
        """The line that a pytest node id names; None for any other test."""
        path, _, name = nodeid.rpartition("::")
        planned = self.lines.get(name)
        if planned is None or not path.endswith(planned.runbook.path.name):
            return None
        return planned

    def in_order(self, ids: Iterable[str]) -> list[str]:
        """The ids in the order in which they run.

        First what needs no run of the bot, which takes its time meanwhile; then paper, then production, whose drills
        take longest; each in document order, but a line waits for those whose check its own comes after. A circle of
        such checks gives way where it begins.
        """
        lines = [self.lines[line_id] for line_id in ids]
        lines.sort(
            key=lambda one: (one.depends_on_run, one.depends_on_run and one.runbook.stage == "production", one.order)
        )
        names = [planned.check.name if planned.check else "" for planned in lines]
        pending = Counter(names)
        after = [
            set(names if EVERYTHING in planned.check.after else planned.check.after) - {name}
            if planned.check
            else set()
            for planned, name in zip(lines, names, strict=True)
        ]
        waiting = dict.fromkeys(range(len(lines)))
        done: list[str] = []
        ready = [place for place in waiting if not any(pending[name] for name in after[place])]
        while waiting:
            place = heapq.heappop(ready) if ready else next(iter(waiting))
            del waiting[place]
            done.append(lines[place].id)
            pending[names[place]] -= 1
            if not pending[names[place]]:
                for other in waiting:
                    if names[place] in after[other] and not any(pending[name] for name in after[other]):
                        heapq.heappush(ready, other)
        return done


def refuse_unknown_ids(plan: Plan, arguments: Iterable[str]) -> None:
    """See that every id that the command line asks for is a line of its runbook.

    Raises:
        RunbookError: names those that are not, and what they may have meant.
    """
    problems = []
    for argument in arguments:
        path, _, name = argument.partition("::")
        book = next((book for book in plan.runbooks if name and Path(path).resolve() == book.path), None)
        line_id = name.partition("[")[0].removesuffix(NO_BREAK)  # one of its breaks
        if book is not None and line_id not in (known := [planned.id for planned in plan.of(book.path)]):
            problems.append(
                f"{book.shown}: there is no line {line_id!r}{nearest(line_id, known)}. Next: correct the id."
            )
    if problems:
        raise RunbookError(problems)


def find_runbooks(patterns: Iterable[str]) -> list[Path]:
    """The files that the patterns name, each once, in the order of the patterns.

    Raises:
        RunbookError: a pattern that matches nothing.
    """
    found: dict[Path, None] = {}
    missing = []
    for pattern in patterns:
        is_pattern = glob.has_magic(pattern) and not Path(pattern).is_file()
        matches = sorted(glob.glob(pattern, recursive=True)) if is_pattern else [pattern]
        files = [Path(match).resolve() for match in matches if Path(match).is_file()]
        if not files:
            missing.append(f"{pattern}: no runbook there. Next: {_where_else(Path(pattern))}.")
        found.update(dict.fromkeys(files))
    if missing:
        raise RunbookError(missing)
    return list(found)


def _where_else(pattern: Path) -> str:
    """Where a runbook is, or how to get one."""
    for folder in pattern.parents:
        if any((folder / "config" / "runbooks").glob("*.md")):
            return f"run pytest in {folder}, where config/runbooks is, or name one (`kraken-golive init` writes one)"
    return "`kraken-golive init` writes one, or name yours with --golive-runbook"


def unread_runbooks(found: Iterable[Path], folder: Path) -> list[str]:
    """Documents below the runbooks' folder that no pattern names: they look like runbooks, and nobody reads them."""
    known = set(found)
    others = [path.resolve() for path in folder.rglob("*") if path.suffix.lower() in {".md", ".markdown"}]
    return [
        f"{path}: lies among the runbooks and is not read. Next: name it in golive_runbooks, or move it elsewhere."
        for path in sorted(others)
        if path not in known
    ]


def make_plan(paths: Iterable[Path], registry: Registry, rootdir: Path) -> Plan:
    """Read the runbooks and bind their lines.

    Raises:
        RunbookError: everything that is wrong with them, at once.
    """
    plan = Plan()
    problems = list(registry.complain())
    taken: dict[str, str] = {}
    for path in paths:
        try:
            runbook = read_runbook(path, shown=shown(path, rootdir))
        except RunbookError as error:
            problems.extend(error.problems)
            continue
        plan.runbooks.append(runbook)
        for line in runbook.lines:
            problems.extend(_add(plan, line, runbook, registry, taken))
    if plan.runbooks and not problems and not any(planned.is_bound for planned in plan.lines.values()):
        names = ", ".join(runbook.shown for runbook in plan.runbooks)
        problems.append(
            f"{names}: no line is bound to a check. Next: bind them; `--golive-checks` lists what there is."
        )
    if problems:
        raise RunbookError(problems)
    _propose(plan, registry)
    return plan


def shown(path: Path, rootdir: Path) -> str:
    """A path as people know it: below the rootdir where that is possible."""
    relative = os.path.relpath(path, rootdir)
    return path.as_posix() if relative.startswith("..") else Path(relative).as_posix()


def _add(plan: Plan, line: Line, runbook: Runbook, registry: Registry, taken: dict[str, str]) -> list[str]:
    bound = line.binding
    line_id = bound.id if bound else unbound_id(line, taken)
    if line_id.casefold() in taken:
        return [
            f"{line.place}: the id {line_id!r} is already at {taken[line_id.casefold()]}. Next: rename one of them."
        ]
    taken[line_id.casefold()] = line.place
    check: Check | None = None
    signature: Signature | None = None
    params: dict[str, Any] = {}
    if bound is not None and bound.check:
        try:
            check, signature, params = _resolve(bound.check, bound.params, registry)
        except CheckError as error:
            return [f"{line.place}: {error}. Next: correct the comment; `--golive-checks` lists checks and parameters."]
    plan.lines[line_id] = PlannedLine(
        line_id,
        line,
        runbook,
        check,
        signature,
        params,
        order=len(plan.lines),
    )
    return []


def _propose(plan: Plan, registry: Registry) -> None:
    """Look for checks that may fit the unbound lines, once it is known how the others are bound."""
    unbound = [planned for planned in plan.lines.values() if not planned.is_bound]
    if unbound:
        bound = [one.line.binding.params for one in plan.lines.values() if one.line.binding is not None]
        proposals = Proposals(registry, bound)
        for planned in unbound:
            comments = proposals.comments(planned.line, planned.id.removeprefix("unbound-"))
            plan.lines[planned.id] = replace(planned, proposals=comments)


def _resolve(name: str, raw: Any, registry: Registry) -> tuple[Check, Signature, dict[str, Any]]:
    check = registry.find(name)
    if check is None:
        raise CheckError(f"there is no check {name!r}{nearest(name, registry.checks)}")
    signature = registry.signature(check)
    try:
        return check, signature, validated(check, signature, raw)
    except CheckError as error:
        raise CheckError(f"{error}; it has: {parameters(signature)}") from error


def unbound_id(line: Line, taken: dict[str, str]) -> str:
    """A name for a line that has none: from its words, so that it stays when lines move."""
    words = re.findall(r"[a-z0-9]+", line.text.lower())
    stem = "unbound-" + ("-".join(words[:5]) or "line")
    name, count = stem, 1
    while name.casefold() in taken:
        count += 1
        name = f"{stem}-{count}"
    return name
