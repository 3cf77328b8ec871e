"""`kraken-golive init`: write what `pytest --golive` needs into a project, and touch nothing that is there."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_kraken_golive.runbook.compare import Difference, differences, nearest_own
from pytest_kraken_golive.runbook.lock import FILE as LOCK
from pytest_kraken_golive.runbook.lock import parse_lock
from pytest_kraken_golive.runbook.model import Runbook, RunbookError
from pytest_kraken_golive.runbook.parse import parse_runbook, read_runbook

PACKAGE = Path(__file__).resolve().parent
STOCK = PACKAGE / "stock"
"""The stock files inside an installed package; see the wheel's build in pyproject.toml."""

FILES = (
    "config/runtime.yaml",
    "config/core.yaml",
    "config/golive.yaml",
    "config/runbooks/paper_go_live.md",
    "tests/exchanges/test_kraken_signing.py",
    "tests/integration/exchanges/test_kraken.py",
    "conftest.py",
    ".env.example",
)
"""Copied as they stand in this project's own repository, which is a deployment itself."""

POLICY = "config/golive.yaml"

PRODUCTION = ("config/runbooks/production_cutover.md",)
"""Written besides where production is wanted: who only trades on paper has nothing to prove about it."""

GITIGNORE = """.env
secrets/
var/
logs/
reports/*
!reports/.gitkeep
__pycache__/
.pytest_cache/
.benchmarks/
.venv/
"""

CASSETTES = "cassettes/.gitkeep"

PYTEST_INI = """[pytest]
testpaths = tests
"""
"""Without one, pytest takes the folder that it is started in for the project's root."""
INI_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")
"""Files that are pytest's alone; others hold a section for it."""
INI_SECTIONS = {"pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]"}
"""What a file holds that configures pytest among others."""


class ScaffoldError(Exception):
    """A file cannot be written; the message says which and why."""


def scaffold(directory: Path, *, production: bool = False) -> tuple[list[str], list[str]]:
    """Write the stock files.

    Args:
        directory: the project; made if need be.
        production: with the runbook of the production cutover.

    Returns:
        The files that were written, and those that were there and kept as they are.

    Raises:
        ScaffoldError: a file or folder cannot be written.
    """
    names = FILES + (PRODUCTION if production else ())
    contents = {name: stock(name) for name in names} | {".gitignore": GITIGNORE, CASSETTES: "", LOCK: stock(LOCK)}
    if not production:
        contents |= {name: without_production(name, contents[name]) for name in (POLICY, LOCK)}
    if not configures_pytest(directory):
        contents["pytest.ini"] = PYTEST_INI
    written: list[str] = []
    kept: list[str] = []
    for name, content in contents.items():
        (written if _write_new(directory / name, content) else kept).append(name)
    return written, kept


def without_production(name: str, text: str) -> str:
    """The policy or the lock for a project that has no production runbook: nothing in it is required or accepted."""
    if name == LOCK:
        lock = parse_lock(text)
        for runbook in PRODUCTION:
            lock.books.pop(runbook, None)
        return lock.text(lock.books)
    rows = text.split("\n")
    for runbook in PRODUCTION:
        first = next(number for number, row in enumerate(rows) if row == f"  {runbook}:")
        last = next((n for n in range(first + 1, len(rows)) if not rows[n].startswith("    ")), len(rows))
        del rows[first:last]
    return "\n".join(rows)


def configures_pytest(directory: Path) -> bool:
    """Whether the project has told pytest where its root is."""
    if any((directory / name).exists() for name in INI_FILES):
        return True
    texts = {name: directory / name for name in INI_SECTIONS}
    return any(
        INI_SECTIONS[name] in path.read_text(encoding="utf-8", errors="replace")
        for name, path in texts.items()
        if path.is_file()
    )


def stock(name: str) -> str:
    """The text of a stock file: from the installed package, or from the repository that the package is in."""
    place = STOCK / name if STOCK.is_dir() else PACKAGE.parent / name
    return place.read_text(encoding="utf-8")


def guides() -> dict[str, str]:
    """The texts of `docs/` by their names, without the ending."""
    folder = (STOCK if STOCK.is_dir() else PACKAGE.parent) / "docs"
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    return dict(sorted(texts.items()))


def _write_new(path: Path, content: str) -> bool:
    """Write a file unless there is one, whoever writes at the same time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        if path.exists() or path.is_symlink():
            return False
        raise ScaffoldError(f"{path.parent}: a file stands where a folder is needed. Next: move it away.") from None
    except OSError as error:
        raise ScaffoldError(f"{path}: cannot be written ({error.strerror}). Next: check the folder.") from error
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as target:
        target.write(content)
    return True


def compare_runbooks(directory: Path) -> tuple[list[str], list[str]]:
    """What the stock runbooks of this version have that a project's copies lack.

    Returns:
        Rows for people, none if nothing differs; and what is wrong with a runbook.
    """
    rows: list[str] = []
    problems: list[str] = []
    for name in (*(name for name in FILES if name.endswith(".md")), *PRODUCTION):
        path = directory / name
        if not path.exists():
            rows.append(
                f"{name}: not there. Next: `kraken-golive init{' --with-production' if name in PRODUCTION else ''}`"
            )
            continue
        try:
            own = read_runbook(path, name)
            newest = parse_runbook(stock(name), path=path, shown=name, sha256="")
        except RunbookError as error:
            problems.extend(error.problems)
            continue
        for one in differences(newest, own):
            rows.extend(_shown(one, name, own))
    return rows, problems


def _shown(one: Difference, name: str, own: Runbook) -> list[str]:
    if one.stock is not None and one.own is None:
        renamed = nearest_own(one, own)
        return [
            f"- {name}: {one.id}: not in yours" + (f" (yours has {renamed!r} instead?)" if renamed else ""),
            f"    {one.stock.text}",
        ]
    if one.own is not None and one.stock is None:
        return [f"+ {one.own.place}: {one.id}: your own", f"    {one.own.text}"]
    place = name if one.own is None else one.own.place
    return [f"~ {place}: {one.id}", *(f"    {row}" for row in one.what)]
