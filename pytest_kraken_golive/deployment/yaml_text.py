"""YAML with the line of every key, and without what a loader silently swallows.

The data are those of `yaml.SafeLoader`, which is what bots use. Refused, with file, line and key path: duplicate keys
(compared as constructed, so that `1` and `0x1` or `yes` and `true` are one key), keys that are collections, tags beyond
the safe ones, values that a tag cannot be made of, several documents, aliases that contain themselves or grow out of
bounds.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Hashable
from typing import Any

import yaml

from ..contract import Fault, show
from .source import Lines
from .spots import MAX_DEPTH, Duplicate, KeyPath, Spot, place, refuse_duplicates, too_deep
from .yaml_mistakes import mistake

MAX_NODES = 200_000
"""Values of a document with its aliases written out. Beyond it is an attack ("billion laughs"), or no configuration."""

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# The loader's constructors let the errors of int(), float(), datetime() and of a failed match through.
_CONSTRUCTORS_ERRORS = (ValueError, OverflowError, LookupError, TypeError, AttributeError)
_ODD = re.compile(r"[-+]?0[0-7_]*[1-7][0-7_]+|[-+]?[0-9][0-9_]*(?::[0-9]+)+(?:\.[0-9_]*)?")
"""Numbers to the base of eight (YAML 1.1: a leading zero) and of sixty (colons), which YAML 1.2 reads otherwise."""
_MERGE = "tag:yaml.org,2002:merge"
_VALUE = "tag:yaml.org,2002:value"


def parse_yaml(text: str, shown: str) -> tuple[Any, Spot] | None:
    """The data of a YAML text and their places; None if there is no document in it.

    A text that was read before is not read again; its data are the caller's own all the same.

    Raises:
        Fault: the text is not what the module's docstring asks for.
    """
    known = _parsed(text, shown)
    return None if known is None else (copy.deepcopy(known[0]), known[1])


@functools.lru_cache(maxsize=16)
def _parsed(text: str, shown: str) -> tuple[Any, Spot] | None:
    lines = Lines(text)
    strange = _NOT_YAML.search(text)
    if strange:
        raise Fault(
            f"{shown}:{lines.at(strange.start())}: expected text, found the character U+{ord(strange.group()):04X} "
            f"(character {strange.start()} of the file). Next: remove it, or save the file as UTF-8."
        )
    # Not the faster C loader: it takes texts that this one refuses (a tab after a value), and a bot must be able to
    # read what the gate has passed. A deep text ends the process there, and is a RecursionError here.
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value and not node.style):
            return None
        reader = _Reader(loader, shown, lines)
        spot = reader.spot(node, ())
        refuse_duplicates(shown, reader.duplicates)
        return loader.construct_document(node), spot
    except yaml.MarkedYAMLError as error:
        raise _fault(error, shown, lines, text) from error
    except yaml.YAMLError as error:
        raise Fault(f"{shown}: expected YAML, found text that is none: {error}. Next: correct it.") from error
    except RecursionError as error:
        raise too_deep(shown, lines.at(loader.index)) from error
    except _CONSTRUCTORS_ERRORS as error:
        raise Fault(f"{shown}: expected YAML, found a value that cannot be read: {error}. Next: correct it.") from error
    finally:
        loader.dispose()


def _fault(error: yaml.MarkedYAMLError, shown: str, lines: Lines, text: str) -> Fault:
    if error.problem == "but found another document" and error.problem_mark is not None:
        where = f"{shown}:{lines.at(error.problem_mark.index)}"
        return Fault(f"{where}: expected one document, found a second one. Next: put it in a file of its own.")
    about = mistake(error, text)
    where = shown if about.line is None else f"{shown}:{about.line}"
    return Fault(f"{where}: expected YAML, found {about.found}. Next: {about.do}.")


class _Reader:
    """Walks the nodes of a document once, before the loader makes data of them (which rewrites merged mappings)."""

    def __init__(self, loader: yaml.SafeLoader, shown: str, lines: Lines) -> None:
        self._loader = loader
        self._shown = shown
        self._lines = lines
        self._done: dict[int, tuple[Spot, int, int]] = {}  # with the number of values and of levels below
        self._open: set[int] = set()
        self._expanded = 0
        self._deepest = 0
        self.duplicates: list[Duplicate] = []

    def spot(self, node: yaml.Node, path: KeyPath) -> Spot:
        """The place of a node and of all below it; aliases share theirs."""
        line = self._line(node)
        known = self._done.get(id(node))
        if known is not None:
            spot, size, height = known
            self._grow(size, line, path)
            self._reached(len(path) + height, line)
            return spot
        if id(node) in self._open:
            raise Fault(
                f"{place(self._shown, line, path)}: expected a value, found an alias that contains itself. "
                "Next: write the value out."
            )
        size, deepest = self._expanded, self._deepest
        self._deepest = 0
        self._reached(len(path), line)
        self._grow(1, line, path)
        self._open.add(id(node))
        spot = self._make(node, line, path)
        self._open.discard(id(node))
        self._done[id(node)] = (spot, self._expanded - size, self._deepest - len(path))
        self._deepest = max(deepest, self._deepest)
        return spot

    def _make(self, node: yaml.Node, line: int, path: KeyPath) -> Spot:
        if node.tag not in self._loader.yaml_constructors:
            raise Fault(
                f"{place(self._shown, line, path)}: expected a value of a kind that a safe loader reads, found the tag "
                f"{show(node.tag, 80)}. Next: remove the tag."
            )
        if isinstance(node, yaml.MappingNode):
            return Spot(line, entries=self._entries(node, path))
        if isinstance(node, yaml.SequenceNode):
            return Spot(line, items=[self.spot(item, (*path, index)) for index, item in enumerate(node.value)])
        value = self._construct(node, path)
        is_number = type(value) in {int, float} and isinstance(node, yaml.ScalarNode) and not node.style
        return Spot(line, odd=node.value if is_number and _ODD.fullmatch(node.value) else None)

    def _entries(self, node: yaml.MappingNode, path: KeyPath) -> dict[Hashable, tuple[int, Spot]]:
        own: dict[Hashable, tuple[int, Spot]] = {}
        merged: dict[Hashable, tuple[int, Spot]] = {}
        merge_line: int | None = None
        for key_node, value_node in node.value:
            line = self._line(key_node)
            if key_node.tag == _MERGE:
                if merge_line is not None:
                    self.duplicates.append(Duplicate((*path, "<<"), merge_line, line))
                merge_line = line
                merged.update(self._merged(value_node, path))
                continue
            key = self._key(key_node, path)
            if key in own:
                self.duplicates.append(Duplicate((*path, key), own[key][0], line))
            own[key] = (line, self.spot(value_node, (*path, key)))
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: KeyPath) -> dict[Hashable, tuple[int, Spot]]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        entries: dict[Hashable, tuple[int, Spot]] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise Fault(
                    f"{place(self._shown, self._line(source), (*path, '<<'))}: expected a mapping to merge, "
                    f"found {show(source.value, 60)}. Next: name the anchor of a mapping."
                )
            spot = self.spot(source, path)
            for key, entry in (spot.entries or {}).items():
                entries.setdefault(key, entry)  # of several sources, the first that has a key wins
        return entries

    def _key(self, node: yaml.Node, path: KeyPath) -> Hashable:
        if not isinstance(node, yaml.ScalarNode):
            raise Fault(
                f"{place(self._shown, self._line(node), path)}: expected a plain key, found a collection as key. "
                "Next: name the entry with text."
            )
        self._grow(1, self._line(node), path)
        if node.tag == _VALUE:
            return "="  # as the safe loader does it
        key = self._construct(node, path)
        if not isinstance(key, Hashable):
            raise Fault(
                f"{place(self._shown, self._line(node), path)}: expected a plain key, found {show(key, 60)}. "
                "Next: name the entry with text."
            )
        return key

    def _construct(self, node: yaml.Node, path: KeyPath) -> Any:
        try:
            return self._loader.construct_object(node, deep=True)
        except yaml.constructor.ConstructorError as error:
            problem = str(error.problem)
        except _CONSTRUCTORS_ERRORS as error:
            problem = str(error)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        raise Fault(
            f"{place(self._shown, self._line(node), path)}: expected a value of the kind {show(kind, 80)} that "
            f"a safe loader reads, found {show(node.value, 60)}: {problem[:200]}. Next: correct or quote it."
        )

    def _grow(self, size: int, line: int, path: KeyPath) -> None:
        self._expanded += size
        if self._expanded > MAX_NODES:
            raise Fault(
                f"{place(self._shown, line, path)}: expected at most {MAX_NODES} values with the aliases written "
                "out, found more. Next: write the values out instead of nesting aliases."
            )

    def _reached(self, level: int, line: int) -> None:
        self._deepest = max(self._deepest, level)
        if level > MAX_DEPTH:
            raise too_deep(self._shown, line)

    def _line(self, node: yaml.Node) -> int:
        return self._lines.at(node.start_mark.index)
