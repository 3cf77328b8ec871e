"""What git knows about one file: asked of `git` itself, never derived from a `.gitignore`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..contract import NotProven

_RULE = re.compile(r"(?P<rule>.*?:[0-9]+:(?P<pattern>.*))\t")
TIMEOUT_S = 60.0
"""A history that takes longer to search is not proven."""


@dataclass(frozen=True)
class GitFile:
    """A file in the eyes of git."""

    repository: str
    """Top folder of the working tree."""
    tracked: bool
    """In the index: the next commit holds it."""
    ignored_by: str | None
    """`file:line:pattern` of the rule that keeps it out; None: nothing does."""
    commits: list[str]
    """Every commit of any branch, tag, stash or reflog that touched it, the newest first (at most ten)."""


def look_up(path: Path, shown: str) -> GitFile:
    """Ask git about a file, which need not exist.

    Args:
        path: the file, in a working tree.
        shown: how messages call it.

    Raises:
        NotProven: there is no git, no working tree, a shallow history, or git does not answer.
    """
    folder = path.parent
    top = _ask(folder, shown, "rev-parse", "--show-toplevel").strip()
    if _ask(folder, shown, "rev-parse", "--is-shallow-repository").strip() != "false":
        raise NotProven(
            f"{shown}: expected the whole history of its repository, found a shallow clone, which cannot tell whether "
            "the file was ever committed. Next: git fetch --unshallow."
        )
    tracked = bool(_ask(folder, shown, "ls-files", "-z", "--", f":(literal){path.name}"))
    rule = _ask(folder, shown, "check-ignore", "--no-index", "-v", "--", path.name, may_say_no=True)
    history = _ask(
        folder,
        shown,
        "log",
        "--all",
        "--reflog",
        "--full-history",
        "--format=%H",
        "-10",
        "--",
        f":(literal){path.name}",
    )
    return GitFile(top, tracked, _rule(rule), history.split())


def _rule(answer: str) -> str | None:
    """`check-ignore -v` says `source:line:pattern`, a tab, the path; a pattern with `!` in front lets the file in."""
    match = _RULE.match(answer)
    return None if match is None or match["pattern"].startswith("!") else match["rule"]


def _ask(folder: Path, shown: str, *words: str, may_say_no: bool = False) -> str:
    git = shutil.which("git")
    if git is None:
        raise NotProven(f"{shown}: whether git holds it cannot be asked: there is no program git. Next: install git.")
    # The user's own variables could point git to another repository, index or configuration.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(  # noqa: S603 - our own words, without a shell
            [git, "--no-pager", *words],
            cwd=folder,
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotProven(f"{shown}: git does not answer ({error}). Next: run `git {' '.join(words)}` there.") from error
    if answer.returncode == 0 or (may_say_no and answer.returncode == 1):
        return os.fsdecode(answer.stdout)
    said = answer.stderr.decode(errors="replace").strip().split("\n", 1)[0]
    raise NotProven(
        f"{shown}: git cannot tell whether it holds it: {said}. Next: keep the deployment in a git repository "
        "(git init) whose .gitignore names it, or keep the credentials in a secret store."
    )
