"""A process that has imported what every gate run imports, and forks one for each run: most of a small run is imports.

The run is a process of its own, with its own arguments, folder, environment and exit status, as if it had been started
by `python -m`. What depends on the interpreter's own start is to be started afresh instead: its options, its
`PYTHON…` variables, and what must not be imported without a gate. pytest's plugins and the checks are never imported
here: pytest itself imports them, with assertions rewritten.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

LONGEST_RUN_S = 120.0
OF_EVERY_RUN = ("pytest_kraken_golive.gate.start", "allure_commons.reporter", "attr", "execnet")
PACKAGE = "pytest_kraken_golive."


def interpreters_own(environ: Mapping[str, str]) -> dict[str, str]:
    """What an interpreter reads when it starts."""
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LC_", "LANG"))}


class ReadyProcess:
    """The process that forks, as this one sees it. It ends when its standard input does."""

    def __init__(self, own: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what has been read ahead, select would wait for
            cwd=Path(__file__).parent,
            env={**own, "PATH": os.environ["PATH"]},  # none of a test's, by which what it leaves behind is known
        )

    def run(self, words: list[str], environ: Mapping[str, str], files: tuple[Path, Path]) -> int:
        """Run `python -m` with these words here, to its end, and give its exit status.

        What it prints goes to the two files.

        Raises:
            TimeoutError: it took too long, and was killed.
        """
        order = {"words": words, "environ": dict(environ), "cwd": os.getcwd(), "files": [str(one) for one in files]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps(order).encode() + b"\n"
        assert self._process.stdin.write(line) == len(line)
        pid = int(self._process.stdout.readline())
        if not select.select([self._process.stdout], [], [], LONGEST_RUN_S)[0]:
            os.kill(pid, signal.SIGKILL)
            self._process.stdout.readline()
            raise TimeoutError(f"python -m {' '.join(words)}: no end after {LONGEST_RUN_S} s")
        return int(self._process.stdout.readline())


@functools.cache
def ready(*own: tuple[str, str]) -> ReadyProcess:
    """The ready process for these variables of the interpreter."""
    return ReadyProcess(dict(own))


def become(order: dict[str, Any]) -> None:
    """Be a process that has just been started."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environ"])
    for descriptor, place, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["files"][0], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, order["files"][1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(place, flags, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as an interpreter does
    sys.argv[1:] = order["words"][1:]
    sys.path[0] = order["cwd"]
    sys.path[1:1] = order["environ"].get("PYTHONPATH", "").split(os.pathsep)
    tempfile.tempdir = None


def orders(of: IO[bytes]) -> dict[str, Any] | None:
    """In a fork: what it is to run. In the process that forks: None, when there will be no more."""
    while line := of.readline():
        if (pid := os.fork()) == 0:
            order: dict[str, Any] = json.loads(line)
            return order
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
    return None


def what_checks_import() -> list[str]:
    """The modules that the stock checks import, but for checks."""
    found = set()
    for path in (Path(__file__).parents[2] / "pytest_kraken_golive" / "checks").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found |= {one.module for one in tree.body if isinstance(one, ast.ImportFrom) and one.module}
    return sorted(one for one in found if one.startswith(PACKAGE) and not one.startswith(f"{PACKAGE}checks"))


def serve() -> None:
    """Import, and run what is ordered, each in a fork."""
    from _pytest.config import default_plugins  # noqa: PLC0415 - only the process that forks needs it

    for name in (*(f"_pytest.{one}" for one in default_plugins), *OF_EVERY_RUN, *what_checks_import()):
        importlib.import_module(name)
    importlib.import_module("pytest_kraken_golive.reporting.signoff_page.render")._environment().get_template(
        "page.html.j2"
    )
    gc.collect()
    gc.freeze()
    with contextlib.suppress(KeyboardInterrupt):
        order = orders(sys.stdin.buffer)
        if order is not None:
            become(order)
            runpy.run_module(order["words"][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    serve()
