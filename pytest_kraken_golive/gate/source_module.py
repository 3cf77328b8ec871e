"""A Python file as a digest of checks sees it: which of its statements a name stands for, and what those name in turn.

It is read and never imported, so that it is the same in every process and on every Python.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Reference(NamedTuple):
    """Something that a file names and that is written in another one."""

    dots: int
    """Before the module, as in `from . import x`."""
    path: tuple[str, ...]
    """Module, and what of it is meant; where the module ends is seen on the disk."""


@dataclass(frozen=True)
class Named:
    """What statements name."""

    here: frozenset[str]
    """Names of the file itself."""
    elsewhere: frozenset[Reference]
    fixtures: frozenset[str]
    """Arguments of functions, which pytest fills by their names."""
    texts: frozenset[str]
    """Short texts, some of which may be names of files."""


@dataclass(frozen=True)
class SourceModule:
    """The top level of a file."""

    path: Path
    rows: list[str]
    parts: dict[str, list[ast.stmt]]
    """By name: the statements that define it, or change what it stands for."""
    imported: dict[str, list[Reference]]
    """By name: what it stands for."""
    stars: list[Reference] = field(default_factory=list)
    """Modules of which everything is imported."""
    body: list[ast.stmt] = field(default_factory=list)

    def statements(self, name: str | None) -> list[ast.stmt]:
        """Those that a name stands for; with None all of them."""
        return self.body if name is None else self.parts.get(name, [])

    def text_of(self, statements: list[ast.stmt]) -> str:
        """As they are written, decorators included; blanks at the ends of lines do not count."""
        rows = []
        for one in statements:
            decorators: list[ast.expr] = getattr(one, "decorator_list", [])
            first = min([one.lineno, *(mark.lineno for mark in decorators)])
            rows += [row.rstrip() for row in self.rows[first - 1 : one.end_lineno]]
        return "\n".join(rows)

    def named(self, statements: list[ast.stmt]) -> Named:
        """What they name, but for what is said about a check in its decorator: of that the words count alone."""
        here: set[str] = set()
        elsewhere: set[Reference] = set()
        fixtures: set[str] = set()
        texts: set[str] = set()
        for one in statements:
            own: dict[str, list[Reference]] = {}
            nodes = list(_inside(one))
            for node in nodes:
                if isinstance(node, (ast.Import, ast.ImportFrom)) and node is not one:
                    elsewhere.update(_take_imports(node, own))
            inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
            for node in nodes:
                chain = _chain(node) if id(node) not in inner else None
                if chain is not None:
                    here.add(chain[0])
                    for known in (*own.get(chain[0], ()), *self.imported.get(chain[0], ())):
                        elsewhere.add(Reference(known.dots, (*known.path, *chain[1:])))
                    elsewhere.update(Reference(star.dots, (*star.path, *chain)) for star in self.stars)
                elif isinstance(node, _FUNCTIONS):
                    fixtures.update(arg.arg for arg in (*node.args.posonlyargs, *node.args.args))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" not in node.value:
                    texts.add(node.value)
        return Named(frozenset(here), frozenset(elsewhere), frozenset(fixtures), frozenset(texts))


def read_module(path: Path) -> SourceModule | None:
    """Read a file; None where it is no Python."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    parts: dict[str, list[ast.stmt]] = {}
    imported: dict[str, list[Reference]] = {}
    stars: list[Reference] = []
    for statement in tree.body:
        for name in dict.fromkeys(_names_of(statement)):
            parts.setdefault(name, []).append(statement)
        if not isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
            for node in ast.walk(statement):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    stars += _take_imports(node, imported)
    return SourceModule(path, text.splitlines(), parts, imported, stars, tree.body)


def is_marked(statement: ast.stmt) -> bool:
    """Whether a function has the decorator that makes a check of it."""
    return any(_makes_check(mark) for mark in getattr(statement, "decorator_list", []))


def _makes_check(mark: ast.expr) -> bool:
    chain = _chain(mark.func) if isinstance(mark, ast.Call) else None
    return chain is not None and chain[-1] == "check"


def _inside(statement: ast.stmt) -> Iterator[ast.AST]:
    about = {
        id(inner) for mark in getattr(statement, "decorator_list", []) if _makes_check(mark) for inner in ast.walk(mark)
    }
    return (node for node in ast.walk(statement) if id(node) not in about)


def _names_of(statement: ast.stmt) -> Iterator[str]:
    """What a statement defines or changes; one that has others in it, all that is defined in these."""
    if isinstance(statement, (*_FUNCTIONS, ast.ClassDef)):
        yield statement.name
    elif isinstance(statement, _SIMPLE):
        targets: list[ast.expr] = [statement.value] if isinstance(statement, ast.Expr) else []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
            targets = [statement.target]
        yield from (node.id for one in targets for node in ast.walk(one) if isinstance(node, ast.Name))
    elif not isinstance(statement, (ast.Import, ast.ImportFrom)):
        for node in ast.walk(statement):
            if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
                yield node.name
            elif isinstance(node, ast.Name) and (isinstance(node.ctx, ast.Store) or not isinstance(statement, ast.If)):
                yield node.id


def _take_imports(node: ast.Import | ast.ImportFrom, into: dict[str, list[Reference]]) -> list[Reference]:
    """Note what the names stand for that a statement imports; gives modules of which everything is imported."""
    stars = []
    for one in node.names:
        if isinstance(node, ast.Import):
            names = tuple(one.name.split("."))
            found, name = (names, one.asname) if one.asname else (names[:1], names[0])
            into.setdefault(name, []).append(Reference(0, found))
        else:
            module = tuple((node.module or "").split(".")) if node.module else ()
            if one.name == "*":
                stars.append(Reference(node.level, module))
            else:
                into.setdefault(one.asname or one.name, []).append(Reference(node.level, (*module, one.name)))
    return stars


def _chain(node: ast.AST) -> tuple[str, ...] | None:
    """`a.b.c` as its words; None for anything else."""
    words: list[str] = []
    while isinstance(node, ast.Attribute):
        words.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return (node.id, *reversed(words))
