"""What a verdict is tied to: digests of runbooks, policy and configuration, at the start, in workers, at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ABSENT = "absent"


def digest_files(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file's bytes, by path; `absent` where there is none."""
    return {str(path): _digest(path) for path in sorted(set(paths))}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ABSENT


def judged_files(
    rootdir: Path, deployment: Path | None, runbooks: Iterable[Path], *, cassettes: bool = False
) -> list[Path]:
    """The files that decide what is judged, and by what: runbooks, policy, configuration, licence, what is played."""
    root = deployment or rootdir
    watched = [rootdir / "config", root / "config", root / "var" / "licenses"]
    watched += [rootdir / "cassettes"] if cassettes else []
    found = [path for folder in watched if folder.is_dir() for path in folder.rglob("*")]
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return [*files, *runbooks, root / ".env", rootdir / "conftest.py"]


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The paths whose digest is not what it was."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
