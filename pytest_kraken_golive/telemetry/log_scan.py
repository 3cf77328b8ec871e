"""Looks through logs of any size for what is grave and for what carries no severity: ten times the time of `wc -l`.

Most lines of a log are harmless and alike. The first is read as `log_shapes` reads it; from then on one expression runs
over its like without stopping, so that only the others are looked at one by one. Nothing is passed over unread: a line
that this expression does not match, from its beginning, is looked at.

A killed program leaves half a line, and the next one may write on behind it. So harmless lines are also searched for
the beginning of a grave line further in. That is a third of the work, and can be switched off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ..contract import NotProven
from .log_blocks import Block, blocks
from .log_shapes import HARMLESS, TOKEN, WORDS, Severity, Shape, compiled, level_of
from .log_since import Since

EXAMPLES = 10
"""So many lines of each kind are kept."""

_MAX_SHAPES = 8
_SHOWN_BYTES = 300
_RUN = 64
"""So many harmless lines are matched at once: they need not be counted."""
_NOTHING = re.compile(rb"(?!)")
_GRAVE = tuple(severity for severity in Severity if severity not in HARMLESS)
_GRAVE_WORDS = tuple(word for word, severity in WORDS.items() if severity in _GRAVE)
_WORDLESS = rb"\s*+(?:(?!\{|" + TOKEN + rb")\S++\s++)*+"
"""Words up to one that could tell a severity, or could be the beginning of JSON."""


@dataclass(frozen=True)
class LogLine:
    """A line that somebody should read."""

    file: str
    """As messages call it."""
    number: int
    """1-based."""
    text: str
    """Its beginning; bytes that are no ASCII are written as `\\xff`."""

    def __str__(self) -> str:
        return f"{self.file}:{self.number}: {self.text}"


@dataclass
class LogScan:
    """What was found in all files together. Counts are complete; of the lines themselves the first are kept."""

    files: int = 0
    """Read to their end."""
    size: int = 0
    """In bytes, after decompression and decoding."""
    lines: int = 0
    """Those that were looked at, blank ones too."""
    grave: Counter[Severity] = field(default_factory=Counter)
    """Lines of `WARNING` and above."""
    grave_lines: dict[Severity, list[LogLine]] = field(default_factory=dict)
    """The first of each."""
    unmarked: int = 0
    """Lines that carry no known severity: tracebacks, other programs' output, damage. Read them too."""
    unmarked_lines: list[LogLine] = field(default_factory=list)
    """The first of them."""
    merged: int = 0
    """Harmless lines in which a grave one begins."""
    merged_lines: list[LogLine] = field(default_factory=list)
    """The first of them."""
    pattern_hits: Counter[bytes] = field(default_factory=Counter)
    """How often each pattern was found."""
    pattern_lines: dict[bytes, list[LogLine]] = field(default_factory=dict)
    """The first lines of each."""
    torn: list[LogLine] = field(default_factory=list)
    """Last lines without an end, one per file at most."""
    long_lines: int = 0
    """Lines of which only the beginning was looked at."""
    nul_bytes: int = 0
    """Holes that a power cut leaves, or UTF-16 without a mark."""
    damage: list[str] = field(default_factory=list)
    """Where a compressed file could not be read on."""

    def clean(self, at_least: Severity = Severity.WARNING) -> bool:
        """Whether something was read and nothing asks for a reader: no line from this severity on, none unread."""
        grave = [severity for severity in self.grave if _rank(severity) >= _rank(at_least)]
        return bool(self.lines) and not (
            grave or self.unmarked or self.merged or self.pattern_hits or self.torn or self.long_lines
            or self.nul_bytes or self.damage
        )  # fmt: skip


def scan(
    files: Iterable[tuple[Path, str]],
    *,
    since: datetime | None = None,
    patterns: Sequence[bytes] = (),
    inside: bool = True,
    examples: int = EXAMPLES,
) -> LogScan:
    """Look through log files, plain or gzip, text or JSONL.

    Args:
        files: each with the name that messages call it.
        since: aware; what was written before is passed over, see `log_since`.
        patterns: byte strings to be found anywhere; each takes about as long as counting lines does.
        inside: whether harmless lines are searched for the beginning of a grave one.
        examples: so many lines of each kind are kept.

    Raises:
        NotProven: a file is absent or cannot be read.
    """
    found = LogScan()
    for path, shown in files:
        try:
            one = _FileScan(found, shown, patterns, inside=inside, examples=examples)
            one.read(path, None if since is None else Since(since))
        except OSError as error:
            raise NotProven(
                f"{shown}: expected a log that can be read, found none: {error.strerror or error}. "
                "Next: let the program write it, and the user who runs this read it."
            ) from error
        found.files += 1
    return found


class _FileScan:
    """One file; its shapes are its own."""

    def __init__(self, found: LogScan, shown: str, patterns: Sequence[bytes], *, inside: bool, examples: int) -> None:
        self._found = found
        self._shown = shown
        self._patterns = patterns
        self._inside = inside
        self._examples = examples
        self._lines = 0
        self._skipped = 0
        self._shapes: dict[Shape, None] = {}
        self._harmless = self._harmless_run = _NOTHING
        self._grave: dict[Severity, re.Pattern[bytes]] = {}
        self._begins_grave = _NOTHING
        self._needles: set[bytes] = {word.encode() for word in _GRAVE_WORDS}

    def read(self, path: Path, since: Since | None) -> None:
        """All of it, or what was written since a moment."""
        for whole in blocks(path):
            block = whole if since is None or since.reached else self._cut(whole, since)
            self._lines += self._block(block)
            self._found.size += len(block.data)
        self._found.lines += self._lines - self._skipped

    def _cut(self, block: Block, since: Since) -> Block:
        """The part of a block that is looked at."""
        cut = since.cut(block.data)
        skipped = block.data.count(b"\n", 0, cut)
        self._lines += skipped
        self._skipped += skipped
        left = block._replace(data=block.data[cut:])
        return left if since.reached else left._replace(torn=False, long=False)

    def _block(self, block: Block) -> int:
        """Look at a block; how many lines it has."""
        data, found = block.data, self._found
        found.nul_bytes += data.count(b"\0") if b"\0" in data else 0
        found.long_lines += block.long
        if block.damage is not None:
            found.damage.append(f"{self._shown}:{self._lines + 1}: {block.damage}")
        if block.torn:
            last = data.rfind(b"\n", 0, max(0, len(data) - 1)) + 1
            found.torn.append(self._line(data, last))
        for pattern in self._patterns:
            self._find(pattern, data)
        at = lines = 0
        while at < len(data):
            end, harmless = self._harmless_lines(data, at)
            if end > at:
                if self._inside:
                    self._look_inside(data, at, end, harmless)
                lines += harmless
            else:
                end = self._grave_run(data, at) or self._one(data, at)
                lines += data.count(b"\n", at, end)
            at = end
        return lines

    def _harmless_lines(self, data: bytes, at: int) -> tuple[int, int]:
        """Where harmless lines of known shapes end that begin here, and how many they are."""
        lines = 0
        while (run := self._harmless_run.match(data, at)) is not None:
            at = run.end()
            lines += _RUN
        last = self._harmless.match(data, at)
        return (at, lines) if last is None else (last.end(), lines + data.count(b"\n", at, last.end()))

    def _grave_run(self, data: bytes, at: int) -> int:
        """Count grave lines of a known shape; where they end, 0 if there are none."""
        for severity, lines in self._grave.items():
            run = lines.match(data, at)
            if run is not None:
                self._count_grave(severity, data, at, run.end())
                return run.end()
        return 0

    def _count_grave(self, severity: Severity, data: bytes, at: int, end: int) -> None:
        self._found.grave[severity] += data.count(b"\n", at, end)
        self._keep_all(self._found.grave_lines.setdefault(severity, []), data, at, end)

    def _one(self, data: bytes, at: int) -> int:
        """Look at a single line; where the next one to look at begins."""
        end = data.find(b"\n", at)
        line = data[at:end].rstrip(b"\r")
        if not line.strip():
            return end + 1
        severity, shape = level_of(line)
        if severity is None:
            return self._unmarked(data, at, end + 1)
        if shape is not None and shape not in self._shapes:
            self._learn(shape)
        if severity not in HARMLESS:
            self._count_grave(severity, data, at, end + 1)
        elif self._inside:
            self._look_inside(data, at, end + 1, 1)
        return end + 1

    def _unmarked(self, data: bytes, at: int, end: int) -> int:
        """Count this line, and those that follow up to one that could carry a severity."""
        known = compiled(_WORDLESS).match(data, end)
        stop = max(end, data.rfind(b"\n", 0, known.end()) + 1) if known is not None else end
        self._found.unmarked += sum(map(bool, map(bytes.strip, data[at:stop].split(b"\n"))))
        self._keep_all(self._found.unmarked_lines, data, at, stop)
        return stop

    def _learn(self, shape: Shape) -> None:
        if len(self._shapes) == _MAX_SHAPES:
            del self._shapes[next(iter(self._shapes))]  # the oldest
        self._shapes[shape] = None
        harmless = b"(?:" + b"|".join(one.harmless for one in self._shapes) + b")"
        self._harmless, self._harmless_run = re.compile(harmless + b"++"), re.compile(harmless + b"{%d}+" % _RUN)
        self._grave = {
            severity: re.compile(b"(?:" + b"|".join(one.grave(severity) for one in self._shapes) + b")++")
            for severity in _GRAVE
        }
        self._begins_grave = re.compile(b"|".join(one.begins(*_GRAVE) for one in self._shapes))
        if shape.mild.count(b"info"):
            self._needles.update(form.encode() for word in _GRAVE_WORDS for form in (word.lower(), word.title()))

    def _look_inside(self, data: bytes, start: int, end: int, lines: int) -> None:
        """Find grave lines that begin within these harmless ones."""
        beginnings = {shape.start for shape in self._shapes}
        if b"" in beginnings:
            needles = self._needles
        elif sum(data.count(one, start, end) for one in beginnings) == lines:
            return  # each line begins with one of them, so none is further in
        else:
            needles = beginnings
        suspects = {
            data.rfind(b"\n", start, at) + 1 or start for needle in needles for at in _places(data, needle, start, end)
        }
        for line in sorted(suspects):
            if self._begins_grave.search(data, line + 1, data.find(b"\n", line)) is not None:
                self._found.merged += 1
                self._keep(self._found.merged_lines, data, line)

    def _find(self, pattern: bytes, data: bytes) -> None:
        hits = data.count(pattern)
        if hits:
            self._found.pattern_hits[pattern] += hits
            kept = self._found.pattern_lines.setdefault(pattern, [])
            for at in _places(data, pattern, 0, len(data)):
                if len(kept) >= self._examples:
                    break
                self._keep(kept, data, data.rfind(b"\n", 0, at) + 1)

    def _keep_all(self, kept: list[LogLine], data: bytes, at: int, end: int) -> None:
        """Keep lines that are not blank, as long as there is room."""
        while at < end and len(kept) < self._examples:
            next_at = data.find(b"\n", at) + 1
            if data[at:next_at].strip():
                self._keep(kept, data, at)
            at = next_at

    def _keep(self, kept: list[LogLine], data: bytes, at: int) -> None:
        if len(kept) < self._examples:
            kept.append(self._line(data, at))

    def _line(self, data: bytes, at: int) -> LogLine:
        text = data[at : at + _SHOWN_BYTES].partition(b"\n")[0].rstrip(b"\r")
        number = self._lines + data.count(b"\n", 0, at) + 1
        return LogLine(self._shown, number, text.decode("ascii", "backslashreplace"))


def _places(data: bytes, needle: bytes, start: int, end: int) -> Iterable[int]:
    at = data.find(needle, start, end)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1, end)


def _rank(severity: Severity) -> int:
    return list(Severity).index(severity)
