"""One run in the guardrail logs: from its start mark to its stop mark.

A bot logs only warnings and up, so a clean log would be empty and prove nothing; the marks show that this run logged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..contract import Fault, NotProven
from .guardrail_line import START, STOP, Record, Unparsed
from .guardrail_log import GuardrailLog, outside_of, stream

_UNPARSED_KEPT = 20
_MARKS_KEPT = 2


def run_window(log: GuardrailLog, run_id: str) -> RunWindow:
    """Find a run's start and stop marks.

    Raises:
        NotProven: no log, no start or no stop mark of this run.
        Fault: several starts or stops, or a stop before the start.
    """
    # Text that JSON may write in another way cannot be searched for in the raw line.
    holding = run_id if run_id.isascii() and run_id.isprintable() and not set(run_id) & set('"\\/<>&') else ""
    marks: dict[str, list[Record]] = {"start": [], "stop": []}
    for line in log.read(holding):
        if (
            isinstance(line, Record)
            and line.kind in marks
            and line.run_id == run_id
            and len(marks[line.kind]) < _MARKS_KEPT
        ):
            marks[line.kind].append(line)
    start, stop = (_only(marks[kind], mark, log, run_id) for kind, mark in (("start", START), ("stop", STOP)))
    if stop.timestamp < start.timestamp or (stop.file == start.file and stop.line < start.line):
        raise Fault(
            f"{stop.place}: expected {STOP} of run {run_id} after its start ({start.place}, "
            f"{start.timestamp.isoformat()}), found it before, at {stop.timestamp.isoformat()}. "
            "Next: check the machine's clock, and run again."
        )
    return RunWindow(log, start, stop)


def _only(marks: list[Record], mark: str, log: GuardrailLog, run_id: str) -> Record:
    if not marks:
        raise NotProven(
            f"{log.shown}: expected a line {mark} run_id={run_id}, found none in {len(log.files)} files. "
            "Next: run the bot to its end; a log without this run's marks is not a clean log."
        )
    if len(marks) > 1:
        raise Fault(
            f"{marks[1].place}: expected one line {mark} run_id={run_id}, found another one in {marks[0].place}. "
            "Next: give every run an id of its own, and run again."
        )
    return marks[0]


@dataclass(frozen=True)
class RunWindow:
    """The part of the logs between a run's marks. Iterating reads the files anew, in constant memory.

    It gives every record whose time lies in the window, in whichever file, and every line that could not be understood
    and may belong to it: its time is unknown, so the lines around it decide. Of a long row of such lines the first
    twenty are given, and one that says how many more there are.
    """

    log: GuardrailLog
    """All logs."""
    start: Record
    """The start mark."""
    stop: Record
    """The stop mark."""

    def __iter__(self) -> Iterator[Record | Unparsed]:
        row = _Row()
        file = within = ""
        for line in self.log.read(outside=outside_of(self.start.timestamp, self.stop.timestamp)):
            if line.file != file:
                file = line.file
                if stream(file) != within:
                    yield from self._kept(row, None)
                    row, within = _Row(), stream(file)
            if isinstance(line, Unparsed):
                row.add(line)
                continue
            yield from self._kept(row, line)
            row = _Row(before=line)
            if self._holds(line):
                yield line
        yield from self._kept(row, None)

    def between_marks(self, record: Record) -> bool:
        """Whether it stands between the marks in their own file, whatever time it has."""
        after_start = record.file == self.start.file and record.line > self.start.line
        before_stop = record.file == self.stop.file and record.line < self.stop.line
        return after_start and before_stop if self.start.file == self.stop.file else after_start or before_stop

    def _kept(self, row: _Row, after: Record | None) -> Iterator[Unparsed]:
        if row.before is not None and (row.before.timestamp > self.stop.timestamp or self._past_stop(row.before, 0)):
            return
        if after is not None and (after.timestamp < self.start.timestamp or self._before_start(after, 0)):
            return
        yield from row.lines()

    def _holds(self, record: Record) -> bool:
        in_time = self.start.timestamp <= record.timestamp <= self.stop.timestamp
        return in_time and not self._before_start(record, 1) and not self._past_stop(record, 1)

    def _before_start(self, record: Record, distance: int) -> bool:
        """Whether it stands at least that many lines above the start mark; times have only seconds."""
        return record.file == self.start.file and record.line + distance <= self.start.line

    def _past_stop(self, record: Record, distance: int) -> bool:
        return record.file == self.stop.file and record.line >= self.stop.line + distance


@dataclass
class _Row:
    """Lines that were not understood, one after the other."""

    before: Record | None = None
    _first: list[Unparsed] = field(default_factory=list)
    _more: int = 0
    _last: Unparsed | None = None

    def add(self, line: Unparsed) -> None:
        if len(self._first) < _UNPARSED_KEPT:
            self._first.append(line)
            return
        self._more += 1
        self._last = line

    def lines(self) -> Iterator[Unparsed]:
        yield from self._first
        if self._last is not None:
            reason = f"{self._more} more lines up to this one could not be understood; here: {self._last.reason}"
            yield Unparsed(self._last.file, self._last.line, self._last.text, reason, self._last.torn)
