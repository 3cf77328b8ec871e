"""What git knows about one file: asked of `git` itself, never derived from a `.gitignore`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

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
    """`file:line:pattern` of the repository's rule that keeps it out, not one of the user's own; None: nothing does."""
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


def files_with(folder: Path, texts: Sequence[SecretStr], shown: str, *, tracked: bool) -> list[str]:
    """Files that hold one of these texts; names from the top of the working tree.

    Args:
        folder: in a working tree.
        texts: what is looked for; handed over through a pipe, since other users see a program's arguments.
        shown: how messages call what the texts are.
        tracked: in git's index; or in the working tree, what is ignored left out.

    Raises:
        NotProven: as with `look_up`.
    """
    words = (
        "grep",
        "--cached" if tracked else "--untracked",
        "--files-with-matches",
        "--full-name",
        "-z",
        "--fixed-strings",
        "-f",
        "-",
        "--",
        ":/",
    )
    lines = "\n".join(text.get_secret_value() for text in texts)
    return [name for name in _ask(folder, shown, *words, may_say_no=True, stdin=lines).split("\0") if name]


def _rule(answer: str) -> str | None:
    """`check-ignore -v` says `source:line:pattern`, a tab, the path; a pattern with `!` in front lets the file in."""
    match = _RULE.match(answer)
    return None if match is None or match["pattern"].startswith("!") else match["rule"]


def _ask(folder: Path, shown: str, *words: str, may_say_no: bool = False, stdin: str = "") -> str:
    git = shutil.which("git")
    if git is None:
        raise NotProven(f"{shown}: whether git holds it cannot be asked: there is no program git. Next: install git.")
    # The user's own variables could point git to another repository, index or configuration.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        answer = subprocess.run(  # noqa: S603 - our own words, without a shell
            [git, "--no-pager", "--no-replace-objects", "-c", "core.excludesFile=", *words],
            cwd=folder,
            env={**environ, "LC_ALL": "C"},
            input=stdin.encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotProven(f"{shown}: git does not answer ({error}). Next: run `git {' '.join(words)}` there.") from error
    if answer.returncode == 0 or (may_say_no and answer.returncode == 1):
        return os.fsdecode(answer.stdout)
    said = answer.stderr.decode(errors="replace").strip().split("\n", 1)[0]
    step = (
        f"let git trust it (git config --global --add safe.directory {folder})"
        if "dubious ownership" in said
        else "keep the deployment in a git repository (git init) whose .gitignore names it"
    )
    raise NotProven(f"{shown}: git cannot tell whether it holds it: {said}. Next: {step}.")
