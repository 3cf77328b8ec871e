"""Copy a deployment's files so that a bot can run among them: everything that a copy can hold, and no way back."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Callable, Collection
from pathlib import Path

Ignore = Callable[[str, list[str]], Collection[str]]
"""As `shutil.ignore_patterns` makes one: folder and names to those left out."""


def copy_tree(source: Path, target: Path, ignore: Ignore | None = None, *, living: bool = False) -> list[str]:
    """Copy a folder into another, which may exist.

    A link that leads to something in the folder leads to its copy. One that leads out of it becomes what it leads to,
    since who writes through it would write to the real thing; one that leads nowhere, or around the folder, stays as
    it is. What is no file, no folder and no link, such as a pipe or a socket, cannot be copied and is left out.

    Args:
        source: the folder.
        target: gets its content.
        ignore: what else is left out.
        living: somebody may be removing files meanwhile; what is gone when its turn comes is left out without a word.

    Returns:
        What was left out because it cannot be copied, relative to the folder.

    Raises:
        OSError: a file cannot be read or written; names it.
    """
    copying = _Copying(source, target, ignore, living)
    copying.folder(source, target)
    return copying.left_out


class _Copying:
    def __init__(self, source: Path, target: Path, ignore: Ignore | None, living: bool) -> None:
        self.left_out: list[str] = []
        self._source = source
        self._real = _real(source)
        self._target = target
        self._ignore = ignore
        self._gone: tuple[type[OSError], ...] = (FileNotFoundError,) if living else ()
        self._under_way: list[Path] = []
        """The folders, without links, that are being copied, each within the one before."""

    def folder(self, folder: Path, target: Path) -> None:
        """Copy a folder's content."""
        target.mkdir(parents=True, exist_ok=True)
        self._under_way.append(_real(folder))
        names = sorted(os.listdir(folder))
        ignored = set() if self._ignore is None else set(self._ignore(str(folder), names))
        for name in names:
            if name not in ignored:
                with contextlib.suppress(*self._gone):
                    self._one(folder / name, target / name)
        self._under_way.pop()
        shutil.copystat(folder, target)

    def _one(self, one: Path, target: Path) -> None:
        if one.is_symlink() and (leads_to := self._stays_a_link(one, target)) is not None:
            os.symlink(leads_to, target, target_is_directory=one.is_dir())
            return
        kind = one.stat().st_mode
        if stat.S_ISDIR(kind):
            self.folder(one, target)
        elif stat.S_ISREG(kind):
            shutil.copy2(one, target)
        else:
            self.left_out.append(one.relative_to(self._source).as_posix())

    def _stays_a_link(self, link: Path, target: Path) -> str | None:
        """Where a link's copy leads; None where the copy is of what the link leads to."""
        leads_to = _real(link)
        if leads_to.is_relative_to(self._real):
            return os.path.relpath(self._target / leads_to.relative_to(self._real), target.parent)
        around = any(folder.is_relative_to(leads_to) for folder in self._under_way)
        return os.readlink(link) if around or not leads_to.exists() else None


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
