"""What is checked out: the commit, and whether the files differ from it."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git_state(rootdir: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out, and whether tracked files differ from it; None where git cannot tell."""
    status = git(rootdir, "status", "--porcelain", "--untracked-files=no")
    return commit_of(rootdir, "HEAD"), None if status is None else bool(status)


def commit_of(rootdir: Path, name: str) -> str | None:
    """The whole id of the commit that `HEAD`, a branch, a tag or the beginning of an id names; None if none."""
    if name.startswith("-"):  # git would read it as an option
        return None
    return git(rootdir, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def git(rootdir: Path, *words: str) -> str | None:
    """What git answers; None where it cannot."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(rootdir), *words],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
