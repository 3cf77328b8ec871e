"""Writes the lock of a test's project as `kraken-golive accept --all` would, without a pytest of its own."""

from __future__ import annotations

import ast
import datetime as dt
import functools
import importlib
from pathlib import Path

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.gate.check_source import Sources
from pytest_kraken_golive.gate.session import STOCK_CHECKS
from pytest_kraken_golive.runbook.lock import FILE, NO_CHECK, Accepted, Lock
from pytest_kraken_golive.runbook.model import RunbookError
from pytest_kraken_golive.runbook.parse import read_runbook

STOCK_SOURCES = Sources()
WRITTEN_BY_RUNS = ("reports/", ".tmp/")
DAY = dt.date(2026, 1, 1)


def accept_all(root: Path) -> None:
    """Accept every line of every runbook below a folder, as far as they can be read."""
    own = own_checks(root)
    lock = Lock()
    for path in sorted(root.rglob("*.md")):
        shown = path.relative_to(root).as_posix()
        if shown.startswith(WRITTEN_BY_RUNS):
            continue
        try:
            book = read_runbook(path, shown)
        except RunbookError:
            continue
        for line in book.lines:
            bound = line.binding
            if bound is None:
                continue
            source = (own.get(bound.check) or stock_digest(bound.check)) if bound.check else NO_CHECK
            if source is not None:
                what = Accepted.of(line.text_digest, line.binding_digest, source)
                lock.accept(shown, bound.id, what, by="a test", on=DAY)
    if lock.books:
        file = root / FILE
        file.parent.mkdir(exist_ok=True)
        text = lock.text({})
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


@functools.cache
def stock_checks() -> dict[str, Check]:
    modules = [importlib.import_module(f"pytest_kraken_golive.checks.{name}") for name in STOCK_CHECKS]
    return {one.name: one for module in modules for one in vars(module).values() if isinstance(one, Check)}


def stock_digest(name: str) -> str | None:
    return STOCK_SOURCES.digest_of(stock_checks()[name]) if name in stock_checks() else None


def own_checks(root: Path) -> dict[str, str]:
    """The digests of the checks that the project's own Python files define by decorator."""
    found = {}
    sources = Sources(root)
    for path in sorted(root.glob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue
        for part in tree.body:
            for mark in getattr(part, "decorator_list", []):
                if isinstance(part, ast.FunctionDef) and isinstance(mark, ast.Call) and mark.args:
                    name = mark.args[0]
                    if isinstance(mark.func, ast.Name) and mark.func.id == "check" and isinstance(name, ast.Constant):
                        found[str(name.value)] = sources.digest(path, part.name)
    return found
