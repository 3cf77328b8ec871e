"""What a verdict is tied to: digests of all that decides it, at the start, in workers, at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_kraken_golive.gate.plan import Plan

ABSENT = "absent"
VERDICT = "verdict.json"
"""What tells a folder of reports."""


def digest_files(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file's bytes, by path; `absent` where there is none."""
    return {str(path): _digest(path) for path in sorted(set(paths))}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ABSENT


def judged_files(rootdir: Path, deployment: Path | None, plan: Plan, *, cassettes: bool = False) -> list[Path]:
    """The files that decide what is judged, and by what: runbooks, policy, configuration, licence, named tests.

    With `cassettes` also what is played. A folder below them in which a gate has left its verdict, because pytest was
    started there, is none of it.
    """
    root = deployment or rootdir
    watched = [rootdir / "config", root / "config", root / "var" / "licenses"]
    watched += [rootdir / "cassettes"] if cassettes else []
    found = [path for folder in watched if folder.is_dir() for path in folder.rglob("*")]
    reports = {path.parent for path in found if path.name == VERDICT}.difference(watched)
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    files = [path for path in files if reports.isdisjoint(path.parents)]
    runbooks = [book.path for book in plan.runbooks]
    return [*files, *runbooks, *_named_tests(rootdir, plan), root / ".env", rootdir / "conftest.py"]


def _named_tests(rootdir: Path, plan: Plan) -> list[Path]:
    """The test files that lines name as their `node`, and every conftest between them and the project's root."""
    found: list[Path] = []
    for planned in plan.lines.values():
        node = planned.params.get("node")
        if not isinstance(node, str):
            continue
        file = rootdir / node.partition("::")[0]
        folders = [folder for folder in file.parents if folder.is_relative_to(rootdir)]
        found += [path for path in (file, *(folder / "conftest.py" for folder in folders)) if path.is_file()]
    return found


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The paths whose digest is not what it was."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
