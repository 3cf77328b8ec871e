"""What a check does, as a digest of its source: that of its function, and of all that it names of its project's own.

The source is read from files and not from memory, so that it is the same in every process and on every Python.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Check

UNREAD = "unread"
"""Instead of a digest, where there is no source: nothing that was accepted equals it."""


class Sources:
    """Reads the files that checks are written in, each once."""

    def __init__(self) -> None:
        self._modules: dict[Path, _Module | None] = {}
        self._digests: dict[tuple[Path, str], str] = {}

    def digest_of(self, check: Check) -> str:
        """The digest of a check's source, or `UNREAD`."""
        function: Any = check.function
        return self.digest(Path(function.__code__.co_filename), function.__qualname__.partition(".")[0])

    def digest(self, file: Path, name: str) -> str:
        """SHA-256 over a function of a file, its decorators, and what both name, however indirectly; or `UNREAD`.

        What is named counts where it is written in a module of the file's own folder or below; the rest is somebody
        else's and has a version. Blanks at the ends of lines do not count.
        """
        if (file, name) not in self._digests:
            self._digests[file, name] = self._digest(file, name)
        return self._digests[file, name]

    def _digest(self, file: Path, name: str) -> str:
        found: dict[tuple[Path, str], str] = {}
        waiting = [(file, name)]
        while waiting:
            place = waiting.pop()
            module = self._module(place[0])
            if place in found or module is None or place[1] not in module.parts:
                continue
            found[place] = module.text_of(place[1])
            waiting += _named(module, module.parts[place[1]], file.parent)
        if not found:
            return UNREAD
        texts = {f"{path.relative_to(file.parent).as_posix()}::{part}": text for (path, part), text in found.items()}
        return hashlib.sha256("\0".join(f"{key}\0{texts[key]}" for key in sorted(texts)).encode()).hexdigest()

    def _module(self, path: Path) -> _Module | None:
        if path not in self._modules:
            self._modules[path] = _read(path)
        return self._modules[path]


@dataclass(frozen=True)
class _Module:
    """The top level of a source file, by name."""

    path: Path
    rows: list[str]
    parts: dict[str, ast.stmt]
    """Functions, classes and assigned names."""
    imported: dict[str, tuple[str | None, str, int]]
    """Name here: module (None: the folder's own), name there, dots before the module."""

    def text_of(self, name: str) -> str:
        part = self.parts[name]
        decorators: list[ast.expr] = getattr(part, "decorator_list", [])
        first = min([part.lineno, *(one.lineno for one in decorators)])
        return "\n".join(row.rstrip() for row in self.rows[first - 1 : part.end_lineno])


def _read(path: Path) -> _Module | None:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError):
        return None
    parts: dict[str, ast.stmt] = {}
    imported: dict[str, tuple[str | None, str, int]] = {}
    for statement in _top(tree.body):
        for name in _names_of(statement):
            parts[name] = statement
        if isinstance(statement, ast.ImportFrom):
            for one in statement.names:
                imported[one.asname or one.name] = (statement.module, one.name, statement.level)
        elif isinstance(statement, ast.Import):
            for one in statement.names:
                if one.asname or "." not in one.name:
                    imported[one.asname or one.name] = (one.name, "", 0)
    return _Module(path, text.splitlines(), parts, imported)


def _top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, those under `if` and `try` included."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With)):
            blocks = [statement.body, getattr(statement, "orelse", []), getattr(statement, "finalbody", [])]
            blocks += [handler.body for handler in getattr(statement, "handlers", [])]
            for block in blocks:
                yield from _top(block)


def _names_of(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))


def _named(module: _Module, part: ast.stmt, folder: Path) -> Iterator[tuple[Path, str]]:
    """Where the things are that a part of a module names; of its decorators only the text counts, not the breaks."""
    decorators = {id(inner) for one in getattr(part, "decorator_list", []) for inner in ast.walk(one)}
    for node in ast.walk(part):
        if id(node) in decorators:
            continue
        if isinstance(node, ast.Name):
            if node.id in module.parts:
                yield module.path, node.id
            elif node.id in module.imported:
                yield from _from(module, node.id, None, folder)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in module.imported:
            yield from _from(module, node.value.id, node.attr, folder)


def _from(module: _Module, name: str, attribute: str | None, folder: Path) -> Iterator[tuple[Path, str]]:
    source, there, dots = module.imported[name]
    names = [part for part in (source or "").split(".") if part]
    bases = [module.path.parents[dots - 1]] if dots else [folder, *folder.parents]
    for base in bases:
        whole = base.joinpath(*names, there) if there else base.joinpath(*names)
        if attribute is not None and (file := _file(whole, folder)) is not None:
            yield file, attribute
            return
        if attribute is None and there and (file := _file(base.joinpath(*names), folder)) is not None:
            yield file, there
            return


def _file(stem: Path, folder: Path) -> Path | None:
    """The module of this name, where it belongs to the folder."""
    for path in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
        if path.is_relative_to(folder) and path.is_file():
            return path
    return None
