"""A small project in a temporary folder, and gate runs of it in a process of their own.

Test modules name this file in `pytest_plugins`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from accepted import accept_all
from ready import LONGEST_RUN_S, interpreters_own, ready

REPOSITORY = Path(__file__).parents[2]

FEWER_PLUGINS = "-p no:randomly -p no:anyio -p no:hypothesispytest -p no:benchmark"
"""What the runs do not need costs them half of their time."""

Run = Callable[[list[str], Mapping[str, str], tuple[Path, Path]], int]
"""Runs a module with words and variables, writes what it prints to two files, gives its exit status."""

PRELUDE = '''\
from __future__ import annotations

import pytest

from pytest_kraken_golive import Evidence, NotProven, check


@check("holds")
def holds(evidence: Evidence, *, value: str) -> None:
    """The value is yes."""
    evidence.record("test", value)
    assert value == "yes", f"expected yes, found {value}"

'''


@dataclass(frozen=True)
class GateRun:
    """What a run left behind."""

    exit_status: int
    out: str
    err: str
    verdict: dict[str, Any]
    """`reports/verdict.json`; empty if there is none."""

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def last(self) -> str:
        """The last line on standard output."""
        return ([line for line in self.out.splitlines() if line.strip()] or [""])[-1]

    @property
    def lines(self) -> dict[str, dict[str, Any]]:
        return {line["id"]: line for book in self.verdict["runbooks"] for line in book["lines"]}

    @property
    def outcomes(self) -> dict[str, str]:
        return {line_id: line["outcome"] for line_id, line in self.lines.items()}

    def message(self, line_id: str) -> str:
        return str(self.lines[line_id]["message"])

    def require(self, decision: str, exit_status: int, reason: str = "") -> None:
        """Exit status, last line and verdict file say one and the same."""
        sign = {"GO": "✔", "NO-GO": "✘", "INCOMPLETE": "…"}[decision]
        found = (self.exit_status, self.verdict.get("verdict"))
        assert found == (exit_status, decision), f"{found}: {self.last or self.err}"
        assert self.last.startswith(f"{sign} {decision} (rehearsal, sandbox): "), self.last
        assert reason in self.last
        assert reason in self.verdict["reason"]

    def require_refusal(self, *words: str) -> None:
        """A usage error: exit status 4, a message without a trace-back, and a file that says NO-GO."""
        assert (self.exit_status, self.verdict.get("verdict")) == (4, "NO-GO"), self.said
        assert "Traceback" not in self.said
        assert "INTERNALERROR" not in self.said
        for word in words:
            assert word in self.err, f"{word!r} is not in:\n{self.err}"


class Project:
    """The project of a test."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.root = pytester.path
        self.temporary = self.root / ".tmp"
        """Where its runs put their temporary folders."""
        self.temporary.mkdir()
        self.accepts = True
        """Whether its lines are accepted as they are before each run."""
        self.ini()

    def ini(self, *lines: str, addopts: str = "") -> None:
        self.write("pytest.ini", "\n".join(["[pytest]", f"addopts = {FEWER_PLUGINS} {addopts}", *lines]))

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def conftest(self, text: str = "") -> None:
        """The check `holds`, and what the test adds."""
        self.write("conftest.py", PRELUDE + text)

    def runbook(self, *lines: str, name: str = "x") -> Path:
        """A runbook with these lines; `a holds value=yes` is a line `a` bound to `holds` with a parameter."""
        written = "".join(f"- {line if '<!--' in line or '!' in line else bound(line)}\n" for line in lines)
        return self.write(f"config/runbooks/{name}.md", f"# Small\n\n{written}")

    def deployment(self, *line_ids: str) -> None:
        """This repository's `config/`, with a runbook of those of its lines."""
        for file in ("runtime.yaml", "core.yaml", "golive.yaml"):
            shutil.copyfile(REPOSITORY / "config" / file, self.write(f"config/{file}", ""))
        self.without_required()
        text = (REPOSITORY / "config" / "runbooks" / "paper_go_live.md").read_text(encoding="utf-8")
        bindings = {found["id"]: found[0] for found in re.finditer(r"<!-- golive: {id: (?P<id>[^,]+),.*?-->", text)}
        self.runbook(*(f"Line {line_id}. {bindings[line_id]}" for line_id in line_ids), name="paper")

    def without_required(self) -> None:
        """The policy requires lines that the test's runbook has not."""
        path = self.root / "config/golive.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"(?m)^required:\n(?: .*\n)+", "", text), encoding="utf-8")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file, where it stands first; the text must be there."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def state(self, folder: str) -> dict[str, tuple[bytes, int]]:
        """Content and time of every file below a folder."""
        if self.accepts:
            accept_all(self.root)
        files = [path for path in sorted((self.root / folder).rglob("*")) if path.is_file()]
        return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}

    def small(self, text: str = "", **values: str) -> None:
        """A conftest with `text` in it and a runbook of lines that hold: `small(a="yes", b="no")`."""
        self.conftest(text)
        self.runbook(*(f"{line_id} holds value={value}" for line_id, value in values.items()))

    def gate(self, *arguments: str, cwd: Path | None = None) -> GateRun:
        """Run `pytest --golive` to its end; whatever happens, it leaves no process and no temporary folder."""
        return self._judge(run_ready, ["--golive", *arguments], cwd)

    def pytest(self, *arguments: str, python: tuple[str, ...] = (), cwd: Path | None = None) -> GateRun:
        """Run pytest to its end, in an interpreter that is started for it."""
        return self._judge(functools.partial(run_afresh, python), list(arguments), cwd)

    def command(self, *words: str) -> tuple[int, str]:
        """Run `kraken-golive` to its end: its exit status, and what it said."""
        status, printed, errors = self._run(run_ready, ["pytest_kraken_golive.cli", *words], None)
        assert "Traceback" not in printed + errors
        return status, printed + errors

    def _judge(self, run: Run, words: list[str], cwd: Path | None) -> GateRun:
        if self.accepts:
            accept_all(self.root)
        status, printed, errors = self._run(run, ["pytest", *words], cwd)
        self.require_nothing_left()
        assert "INTERNALERROR" not in printed + errors
        return GateRun(status, printed, errors, self.verdict())

    def _run(self, run: Run, words: list[str], cwd: Path | None) -> tuple[int, str, str]:
        here = Path.cwd()
        os.chdir(cwd or self.root)
        files = (self.root / "stdout", self.root / "stderr")
        try:
            status = run(words, {**os.environ, "PYTHONPATH": os.getcwd()}, files)
        finally:
            os.chdir(here)
            printed, errors = (path.read_text(encoding="utf-8") if path.exists() else "" for path in files)
            print(printed, errors, sep="\n")
        return status, printed, errors

    def verdict(self) -> dict[str, Any]:
        file = self.root / "reports" / "verdict.json"
        verdict: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return verdict

    def start(self, *arguments: str) -> psutil.Popen:
        """Start `pytest --golive` and come back at once; the test ends it."""
        words = [sys.executable, "-m", "pytest", "--golive", *arguments]
        if self.accepts:
            accept_all(self.root)
        with (self.root / "out.txt").open("wb") as out:
            return psutil.Popen(
                words, cwd=self.root, stdout=out, stderr=out, stdin=subprocess.DEVNULL, preexec_fn=hear_ctrl_c
            )

    def require_nothing_left(self, within_s: float = 10.0) -> None:
        """No process of a run lives on, and no temporary folder stays."""
        until = time.monotonic() + within_s
        while (left := [*self.processes(), *self.temporary.glob("kraken-golive*")]) and time.monotonic() < until:
            time.sleep(0.02)
        assert not left, f"left behind: {left}"

    def processes(self) -> list[str]:
        """Processes that were started by a run of this project, however far down, and still live."""
        found = []
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess):
                if self._is_ours(one):
                    found.append(" ".join(one.cmdline())[:200])
        return found

    def end_all(self) -> None:
        """Whatever a failed test left running."""
        for one in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess):
                if self._is_ours(one):
                    one.kill()

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            mine: Mapping[str, str] = process.environ()
            return mine.get("TMPDIR") == str(self.temporary) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False


def run_ready(words: list[str], environ: Mapping[str, str], files: tuple[Path, Path]) -> int:
    """Run a module in a fork of the ready process."""
    return ready(*interpreters_own(os.environ).items()).run(words, environ, files)


def run_afresh(
    python: tuple[str, ...],
    words: list[str],
    environ: Mapping[str, str],
    files: tuple[Path, Path],
    timeout_s: float = LONGEST_RUN_S,
) -> int:
    """Run a module in a new interpreter, with options of its own."""
    out, err = files
    with out.open("wb") as written, err.open("wb") as errors:
        return subprocess.run(
            [sys.executable, *python, "-m", *words],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=errors,
            timeout=timeout_s,
            check=False,
        ).returncode


def hear_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore Ctrl-C, and so all below it, these tests included."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def bound(line: str) -> str:
    """`a holds value=yes` as a runbook writes it."""
    line_id, check, *parameters = line.split()
    mapping = ", ".join([f"id: {line_id}", f"check: {check}", *(one.replace("=", ": ", 1) for one in parameters)])
    return f"Line {line_id} is true. <!-- golive: {{{mapping}}} -->"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """An empty project whose runs get an environment that no outer pytest steers."""
    for name in list(os.environ):
        outer = name.startswith(("PYTEST_", "KRAKEN_", "GITHUB_")) and name not in {
            "PYTEST_CURRENT_TEST",
            "PYTEST_VERSION",
        }
        if outer or name in {"PYTHONOPTIMIZE", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}:
            monkeypatch.delenv(name)
    made = Project(pytester)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(made.temporary))
    yield made
    made.end_all()
