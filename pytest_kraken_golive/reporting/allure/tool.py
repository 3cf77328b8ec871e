"""The program that turns Allure's results into a page: Allure 3 or Allure 2, where one is installed. Nothing is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MISSING = (
    "no Allure is installed here. Next: install Allure 3 (`npm install allure`, needs Node.js 20 or newer) or Allure 2 "
    "(`npm install allure-commandline`, needs Java 17 or newer) in this folder or one above it, or put `allure` on the "
    "PATH; then try again"
)
PATIENCE_S = 300.0

_KEPT = frozenset(
    {
        *("PATH", "PATHEXT", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "JAVA_HOME", "NODE_OPTIONS"),
        *("SYSTEMROOT", "COMSPEC", "WINDIR", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "PROGRAMFILES"),
    }
)
"""Variables that the program gets: keys of the exchange are none of its business."""

_VERSION = re.compile(r"\b(\d+)\.\d+\.\d+\b")


class PageError(Exception):
    """There is no page; the message says why and what to do."""

    def __init__(self, message: str, exit_status: int = 2) -> None:
        super().__init__(message)
        self.exit_status = exit_status


@dataclass(frozen=True)
class Allure:
    """An installed Allure."""

    program: Path
    major: int
    """2 or 3."""
    version: str


def find_allure(start: Path, environ: Mapping[str, str]) -> Allure:
    """The first Allure that answers: in `node_modules` of the folder or one above it, then on the PATH.

    `npx` is not asked: it goes to its registry for what is not installed.

    Raises:
        PageError: there is none, or what there is does not work.
    """
    said = []
    for program in dict.fromkeys(_candidates(start, environ)):
        try:
            done = run(program, ["--version"], start, environ)
        except (OSError, subprocess.TimeoutExpired) as error:
            said.append(f"{program}: {error}")
            continue
        found = _VERSION.search(done.stdout)
        if done.returncode == 0 and found is not None and int(found[1]) in {2, 3}:
            return Allure(program, int(found[1]), found[0])
        said.append(f"{program} --version: exit status {done.returncode}, {last_words(done)}")
    if said:
        raise PageError(
            "; ".join(said) + ". Next: repair it, or install another one: " + MISSING.partition("Next: ")[2]
        )
    raise PageError(MISSING)


def _candidates(start: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    path = os.pathsep.join(str(folder / "node_modules" / ".bin") for folder in (start, *start.parents))
    for places in (path, environ.get("PATH", "")):
        program = shutil.which("allure", path=places)
        if program is not None:
            yield Path(program)


def run(program: Path, words: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run Allure to its end, without analytics."""
    kept = {name: value for name, value in environ.items() if name.upper() in _KEPT}
    return subprocess.run(  # noqa: S603 - the user's own Allure
        [str(program), *words],
        cwd=cwd,
        env={**kept, "ALLURE_NO_ANALYTICS": "true"},  # Allure 2 takes no other word for yes
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="backslashreplace",
        timeout=PATIENCE_S,
        check=False,
    )


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """The last line that a program printed."""
    lines = [line.strip() for line in (done.stdout + "\n" + done.stderr).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "without a word"
