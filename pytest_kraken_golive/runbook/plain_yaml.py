"""Read a YAML mapping without guessing: values stay as written, and nothing in it can repeat, refer or hide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from pytest_kraken_golive.runbook.model import Raw

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the C parser where PyYAML was built with it
_DEEPEST = 12
"""More levels than any parameter needs, far fewer than Python's recursion allows."""


class PlainYamlError(ValueError):
    """The text is no plain YAML mapping.

    Attributes:
        line: 0-based line in the text.
        is_syntax: whether it is no YAML mapping at all, rather than one that says too much.
    """

    def __init__(self, problem: str, line: int, *, is_syntax: bool = False) -> None:
        super().__init__(problem)
        self.line = line
        self.is_syntax = is_syntax


@dataclass(frozen=True)
class PlainMapping:
    """A mapping as written."""

    values: dict[str, Raw]
    """Every key with its value: words, lists and mappings, of no other type."""
    lines: dict[str, int]
    """The 0-based line of each key of the outermost mapping."""
    in_braces: bool
    """Whether it is written as a flow mapping: `{key: value}`."""


def read_mapping(text: str) -> PlainMapping | None:
    """Read one YAML mapping.

    Values stay as written (`NO` is no False, `010` no 8). Anchors and aliases are refused: they can make a value refer
    to itself. Tags are refused: they would be dropped without a sound.

    Returns:
        The mapping; None if the text holds nothing but blanks and comments.

    Raises:
        PlainYamlError: no YAML, no mapping, a key that is twice or no word, an anchor, alias or tag, too many levels.
    """
    try:
        return _document(_events(text))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = min(mark.line, text.count("\n")) if mark else 0
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise PlainYamlError(problem, line, is_syntax=True) from error


def _events(text: str) -> Iterator[Any]:
    for event in yaml.parse(text, Loader=_LOADER):
        if getattr(event, "anchor", None):
            raise PlainYamlError("it has an anchor or alias (& or *); write the value out, or quote it", _line(event))
        tag = getattr(event, "tag", None)
        if tag:
            raise PlainYamlError(f"it has the tag {tag!r} (!); leave it out, or quote the value", _line(event))
        if not isinstance(event, yaml.StreamStartEvent):
            yield event


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line


def _document(events: Iterator[Any]) -> PlainMapping | None:
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    first = next(events)
    if not isinstance(first, yaml.MappingStartEvent):
        raise PlainYamlError("it is no mapping of keys to values", _line(first), is_syntax=True)
    lines: dict[str, int] = {}
    values = _mapping(events, 1, lines)
    next(events)  # the document's end
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        raise PlainYamlError("something follows the mapping", _line(after), is_syntax=True)
    return PlainMapping(values, lines, bool(first.flow_style))


def _mapping(events: Iterator[Any], depth: int, lines: dict[str, int]) -> dict[str, Raw]:
    values: dict[str, Raw] = {}
    for key in events:
        if isinstance(key, yaml.MappingEndEvent):
            break
        if not isinstance(key, yaml.ScalarEvent):
            raise PlainYamlError("a key must be a plain word", _line(key))
        if key.value in values:
            raise PlainYamlError(f"the key {key.value!r} is written twice", _line(key))
        lines[key.value] = _line(key)
        values[key.value] = _value(next(events), events, depth)
    return values


def _value(event: Any, events: Iterator[Any], depth: int) -> Raw:
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if depth == _DEEPEST:
        raise PlainYamlError(f"it has more than {_DEEPEST} levels", _line(event))
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, depth + 1, {})
    values: list[Raw] = []
    for item in events:
        if isinstance(item, yaml.SequenceEndEvent):
            break
        values.append(_value(item, events, depth + 1))
    return values
