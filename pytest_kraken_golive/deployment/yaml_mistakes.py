"""What a person has to correct in a text that is no YAML: a parser says where it gave up, which is often a line later.

A colon, quote or bracket that is missing is noticed where the next line makes no sense, so the line named here is the
one where the key, quote or bracket begins.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from .source import Lines

_NO_COLON = "a line without a colon, where a key is needed"
_CONFLICT = "<<<<<<< "
_ROW_END = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r":([ \t]|$)")


@dataclass(frozen=True)
class Mistake:
    """Where a text stops being YAML, in words for people."""

    line: int | None
    """1-based; None if the parser does not say."""
    found: str
    """What is wrong there."""
    do: str
    """The next step."""


def mistake(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """The most helpful place and words for an error of the parser."""
    lines, mark = Lines(text), error.problem_mark or error.context_mark
    stopped = None if mark is None else lines.at(mark.index)
    begun = None if error.context_mark is None else lines.at(error.context_mark.index)
    said = " ".join(part for part in (error.context, error.problem) if part)
    if stopped is None or mark is None:
        return Mistake(None, f"text that is none: {said}", "correct it")
    return (
        _merge_conflict(text)
        or _begun_before(str(error.context), begun, stopped)
        or _open_bracket(str(error.context), text, lines, mark.index)
        or _quote_that_ran_on(text, lines, mark.index, stopped)
        or _in_the_line(str(error.problem), text, stopped)
        or Mistake(stopped, f"text that is none: {said}{_since(begun, stopped)}", "correct this line")
    )


def _merge_conflict(text: str) -> Mistake | None:
    for number, line in enumerate(_ROW_END.split(text), 1):
        if line.startswith(_CONFLICT):
            return Mistake(number, "the mark of a merge conflict", "decide which side is right and remove the marks")
    return None


def _begun_before(context: str, begun: int | None, stopped: int) -> Mistake | None:
    """Errors of which the parser knows the beginning."""
    if begun is None:
        return None
    if context == "while scanning a simple key":
        return Mistake(begun, _NO_COLON, "write `key: value`, with the space")
    if context == "while scanning a quoted scalar":
        return Mistake(begun, f"a quote that is never closed (until line {stopped})", "close it")
    return None


def _open_bracket(context: str, text: str, lines: Lines, stop: int) -> Mistake | None:
    """The innermost bracket that is open where the parser gave up inside of brackets."""
    if not context.startswith("while parsing a flow"):
        return None
    opened: list[yaml.Token] = []
    for token in _tokens(text):
        if token.start_mark.index >= stop:
            break
        if isinstance(token, (yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken)):
            opened.append(token)
        elif opened and isinstance(token, (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken)):
            opened.pop()
    if not opened:
        return None
    sort = "[ ]" if isinstance(opened[-1], yaml.FlowSequenceStartToken) else "{ }"
    return Mistake(
        lines.at(opened[-1].start_mark.index),
        f"brackets {sort} that are opened here and lack an item, a comma or their end (noticed in line "
        f"{lines.at(stop)})",
        "close them, or put one comma between two items",
    )


def _quote_that_ran_on(text: str, lines: Lines, stop: int, stopped: int) -> Mistake | None:
    """A quote that is closed by the next one, lines later: what follows looks like the mistake."""
    for token in _tokens(text):
        if token.start_mark.index >= stop:
            return None
        begins, ends = lines.at(token.start_mark.index), lines.at(token.end_mark.index)
        quoted = isinstance(token, yaml.ScalarToken) and token.style in {"'", '"'}
        if quoted and begins < ends == stopped:
            return Mistake(begins, f"a quote that is not closed before line {ends}", "close it in this line")
    return None


def _tokens(text: str) -> Iterator[yaml.Token]:
    """The tokens up to where the scanner gives up."""
    with contextlib.suppress(yaml.YAMLError):
        yield from yaml.scan(text, Loader=yaml.SafeLoader)


_IN_THE_LINE = (
    ("'\\t'", "a tab, where only spaces indent or separate", "replace the tab by spaces"),
    ("that cannot start any token", "a value that begins with a reserved character ({problem})", "put it in quotes"),
    ("unknown escape character", "a backslash in double quotes ({problem})", "use single quotes, or write \\\\"),
    (
        "expected <block end>",
        "a line that fits nothing above it: an indentation of its own, or text behind a value",
        "indent it like its neighbours, and leave nothing behind a quote or bracket",
    ),
)
"""Part of what the parser says, what it means, and what to do."""


def _in_the_line(problem: str, text: str, stopped: int) -> Mistake | None:
    """Errors that the parser finds in the line itself, or because of the line above."""
    if problem == "mapping values are not allowed here":
        return _one_colon_too_many(_ROW_END.split(text), stopped)
    for part, found, do in _IN_THE_LINE:
        if part in problem:
            return Mistake(stopped, found.format(problem=problem), do)
    return None


def _one_colon_too_many(rows: list[str], stopped: int) -> Mistake:
    if len(_KEY.findall(rows[stopped - 1])) > 1:
        return Mistake(stopped, "a second colon in a value", "put the value in quotes, or break the line")
    above = next((number for number in range(stopped - 1, 0, -1) if _says_something(rows[number - 1])), None)
    if above is not None and not _KEY.search(rows[above - 1]):
        return Mistake(
            above, "a line without a colon, where a key is needed", "write `key:`, and a space before a value"
        )
    fault = "a key that is indented below a line that has a value of its own"
    return Mistake(stopped, fault, "indent it like its neighbours")


def _says_something(row: str) -> bool:
    return bool(row.strip()) and not row.lstrip().startswith("#")


def _since(begun: int | None, stopped: int) -> str:
    return "" if begun is None or begun == stopped else f" (begun in line {begun})"
