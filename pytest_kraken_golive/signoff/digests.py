"""SHA-256 of files: what a verdict and a bundle are tied to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from pytest_kraken_golive.signoff.places import VERDICT

ABSENT = "absent"
"""Stands for the digest of a file that is not there."""


def digest_files(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file's bytes, by path; `absent` where there is none."""
    return {str(path): _digest(path) for path in sorted(set(paths))}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ABSENT


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The paths whose digest is not what it was."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def config_files(folders: Sequence[Path]) -> list[Path]:
    """Every file below these folders.

    A folder below them in which a gate has left its verdict, because pytest was started there, is none of it.
    """
    found = [path for folder in folders if folder.is_dir() for path in folder.rglob("*")]
    reports = {path.parent for path in found if path.name == VERDICT}.difference(folders)
    files = [path for path in found if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in files if reports.isdisjoint(path.parents)]
