"""What a check does, as a digest of its source: that of its function, and of all that it names of its project's own.

The source is read from files and not from memory, so that it is the same in every process and on every Python.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
import types
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.gate.scope import INSTALLED, PACKAGE
from pytest_kraken_golive.gate.source_module import Reference, SourceModule, is_marked, read_module

UNREAD = "unread"
"""Instead of a digest, where there is no source: nothing that was accepted equals it."""

_JUDGED = frozenset({"config", "var", "logs", "runtime", "reports", "cassettes"})
"""Folders of a project that hold what checks judge, and not what they judge by."""
_VALUES = (str, int, float, bool, Decimal, type(None))

_Place = tuple[Path, str | None]
"""A file, and a name in it; None: all of it."""


class Sources:
    """Reads the files that checks are written in, each once.

    Args:
        rootdir: the project's: what lies below it is its own, wherever a check of its own lies.
    """

    def __init__(self, rootdir: Path | None = None) -> None:
        self._rootdir = rootdir
        self._modules: dict[Path, SourceModule | None] = {}
        self._digests: dict[_Place, str] = {}
        self._places: dict[tuple[Path, Reference, Path], _Place | None] = {}
        self.own_files: set[Path] = set()
        """Files of the project's own that decide what the checks do which were asked about."""

    def digest_of(self, check: Check) -> str:
        """The digest of a check's source, or `UNREAD`.

        A check that was made by wrapping a function, or by a function that makes checks, counts with all of these, and
        with the plain values that they were given.
        """
        layers, values = _layers(check.function)
        places = [_place(layer) for layer in layers]
        own = [place for place in places if self._is_own(place[0])] or places[-1:]
        digests = list(dict.fromkeys(self._of_function(*place) for place in own))
        if not digests or UNREAD in digests:
            return UNREAD
        return digests[0] if len(digests) == 1 and not values else _sha256([*digests, *values])

    def _of_function(self, file: Path, name: str | None) -> str:
        """The digest of a function; of its whole file, where it is made rather than written, for anything may do so."""
        module = self._module(file)
        written = name is not None and module is not None and any(map(is_marked, module.statements(name)))
        return self.digest(file, name if written else None)

    def digest(self, file: Path, name: str | None) -> str:
        """SHA-256 over a function of a file, its decorators, and what both name, however indirectly; or `UNREAD`.

        What is named counts where it is written in the project, or for an installed check in a module of the file's own
        folder or below; the rest is somebody else's and has a version. Blanks at the ends of lines do not count.
        """
        if (file, name) not in self._digests:
            self._digests[file, name] = self._digest(file, name)
        return self._digests[file, name]

    def _digest(self, file: Path, name: str | None) -> str:
        folder = self._folder(file)
        found: dict[_Place, str] = {}
        waiting: list[_Place] = [(file, name)]
        while waiting:
            place = waiting.pop()
            module = self._module(place[0])
            if place in found or module is None:
                continue
            statements = module.statements(place[1])
            if statements:
                found[place] = module.text_of(statements)
                waiting += self._named(module, statements, folder, found)
            elif place[1] is not None:
                known = (*module.imported.get(place[1], ()), *(_of_star(star, place[1]) for star in module.stars))
                waiting += self._elsewhere(module, known, folder)
        if not found:
            return UNREAD
        if folder == self._rootdir:
            self.own_files.update(path for path, _ in found)
        texts = {
            f"{path.relative_to(folder).as_posix()}::{'*' if part is None else part}": text
            for (path, part), text in found.items()
        }
        return _sha256([f"{key}\0{texts[key]}" for key in sorted(texts)])

    def _named(
        self, module: SourceModule, statements: list[Any], folder: Path, found: dict[_Place, str]
    ) -> Iterator[_Place]:
        named = module.named(statements)
        yield from ((module.path, name) for name in named.here if name in module.parts)
        yield from self._elsewhere(module, named.elsewhere, folder)
        conftest = folder / "conftest.py"
        asked = {text for text in named.texts if text.isidentifier()}  # getfixturevalue("…"), usefixtures("…")
        for name in named.fixtures | asked:
            if name in module.parts:
                yield module.path, name
            elif name in module.imported:
                yield from self._elsewhere(module, module.imported[name], folder)
            elif conftest.is_file():
                yield conftest, name
        if any("__file__" in row for row in module.rows):
            for text in named.texts:
                if (data := _data_file(module.path.parent, text, folder)) is not None:
                    found[data, ""] = hashlib.sha256(data.read_bytes()).hexdigest()

    def _elsewhere(self, module: SourceModule, references: Iterator[Reference] | Any, folder: Path) -> Iterator[_Place]:
        for one in references:
            asked = (module.path, one, folder)
            if asked not in self._places:
                self._places[asked] = _located(*asked)
            if (place := self._places[asked]) is not None:
                yield place

    def _module(self, path: Path) -> SourceModule | None:
        if path not in self._modules:
            self._modules[path] = read_module(path)
        return self._modules[path]

    def _is_own(self, file: Path) -> bool:
        root = self._rootdir
        return root is not None and file.is_relative_to(root) and _is_of(file, root)

    def _folder(self, file: Path) -> Path:
        """Below which everything counts that a file names."""
        return self._rootdir if self._rootdir is not None and self._is_own(file) else file.parent


def _is_of(file: Path, folder: Path) -> bool:
    """Whether a file is a folder's own: neither installed in it, nor this package's."""
    return INSTALLED.isdisjoint(file.relative_to(folder).parts) and (
        folder.is_relative_to(PACKAGE) or not file.is_relative_to(PACKAGE)
    )


def _layers(function: Any) -> tuple[list[types.FunctionType], list[str]]:
    """The functions that a check is made of, the outermost first, and the plain values that they were given."""
    layers: dict[int, types.FunctionType] = {}
    values: list[str] = []
    waiting = [function]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, functools.partial):
            waiting.append(one.func)
            values += [repr(value) for value in one.args if isinstance(value, _VALUES)]
            values += [f"{key}={value!r}" for key, value in sorted(one.keywords.items()) if isinstance(value, _VALUES)]
            continue
        if hasattr(one, "__wrapped__"):
            waiting.append(one.__wrapped__)
        if inspect.ismethod(one):
            waiting.append(one.__func__)
        if not isinstance(one, types.FunctionType) or id(one) in layers:
            continue
        layers[id(one)] = one
        for name, cell in zip(one.__code__.co_freevars, one.__closure__ or (), strict=True):
            held = _held(cell)
            if isinstance(held, (types.FunctionType, functools.partial, types.MethodType)):
                waiting.append(held)
            elif isinstance(held, _VALUES):
                values.append(f"{name}={held!r}")
    return list(layers.values()), values


def _held(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty yet
        return cell


def _place(function: types.FunctionType) -> _Place:
    """The file that a function is written in, and its name there; None where it stands in another one."""
    name = function.__code__.co_qualname
    return Path(function.__code__.co_filename), None if "." in name else name


def _of_star(star: Reference, name: str) -> Reference:
    return Reference(star.dots, (*star.path, name))


def _located(module: Path, reference: Reference, folder: Path) -> _Place | None:
    """Where something is written that a module names: the longest part of the path that is a module, and a name."""
    if reference.dots:
        bases = [module.parents[reference.dots - 1]] if reference.dots <= len(module.parents) else []
    else:
        own = [one for one in module.parents if one.is_relative_to(folder)]
        led = [path for path in map(Path, sys.path) if path.is_absolute() and path.is_relative_to(folder)]
        bases = [*own, *_above(folder, reference.path), folder / "src", *led]
    path = reference.path
    for base in bases:
        for length in range(len(path), -1 if reference.dots else 0, -1):
            file = _file(base.joinpath(*path[:length]), folder)
            if file is not None:
                return file, path[length] if length < len(path) else None
    return None


def _above(folder: Path, path: Sequence[str]) -> list[Path]:
    """Folders above this one from which a module's path leads into it."""
    parts = folder.parts
    return [base for up, base in enumerate(folder.parents, 1) if tuple(path[:up]) == parts[-up:]]


def _file(stem: Path, folder: Path) -> Path | None:
    """The module of this name, where it is the folder's own."""
    for path in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
        if path.is_relative_to(folder) and path.is_file() and _is_of(path, folder):
            return path
    return None


def _data_file(beside: Path, text: str, folder: Path) -> Path | None:
    """The file that a text names beside its module, unless that is what checks judge."""
    if not text or len(text) > 255 or text.startswith(("/", "~")) or "\0" in text:  # noqa: PLR2004 - longest name
        return None
    path = beside / text
    try:
        own = path.is_file() and path.resolve().is_relative_to(folder.resolve())
    except OSError:
        return None
    if not own or path.suffix == ".py" or not path.is_relative_to(folder):
        return None
    return None if path.relative_to(folder).parts[0] in _JUDGED else path


def _sha256(texts: list[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
