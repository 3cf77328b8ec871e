"""Run tests of the project in a pytest of their own, against an exchange of ours that books what they do.

Neither the exit status nor the report is believed alone: the parent owns the exchange, so what the tests made happen
there is known however the project arranges its fixtures.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.policy import Policy, load_policy
from pytest_kraken_golive.recording.offline import is_offline
from pytest_kraken_golive.rehearsal.order import DEFAULT_ENTRYPOINTS
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL
from pytest_kraken_golive.rehearsal.program import Program, clean_environment

if TYPE_CHECKING:
    from pytest_kraken_golive.rehearsal.stage import Rehearsal

TIMEOUT_S = 180.0
WITNESS = "pytest_kraken_golive.gate.suite_child"
"""The plugin that joins the exchange in the child, and writes down which tests there were and what became of them."""

SIGNED, BAD_GATEWAY, RATE_LIMITED = "signed", "bad_gateway", "rate_limited"
"""How a client can be asked to behave: sign a call; try a read again after a 5xx; wait when it is rate-limited."""


def _arguments(folder: Path) -> list[str]:
    """What keeps the child's tests as they are: each runs once, in order, and nothing of it stays.

    Plugins are told to do nothing, never left out: an ini file may hold keys of theirs, which would then be unknown.
    """
    told = {"pytest_randomly": ["--randomly-dont-reorganize"], "pytest_rerunfailures": ["--reruns=0"]}
    own = [word for module, words in told.items() if importlib.util.find_spec(module) for word in words]
    values = {"addopts": "", "xfail_strict": "true", "cache_dir": str(folder / "cache")}
    return ["-q", "-p", WITNESS, *own, *(word for key, value in values.items() for word in ("-o", f"{key}={value}"))]


@dataclass(frozen=True)
class SuiteOrder:
    """What the child is told, in a file that its owner alone can read; the variable names the file."""

    VARIABLE = "GOLIVE_SUITE"

    ticket: dict[str, Any]
    """Of the rehearsal that the child joins, without what can sign."""
    account: str
    """Where the child leaves its account of the tests, as JSON."""
    offline: bool
    """Whether the child may not leave this machine either."""
    behaviours: list[str]
    """What a client of the project's own is asked to do, of `SIGNED`, `BAD_GATEWAY`, `RATE_LIMITED`."""

    def write(self, path: Path) -> None:
        """Put it where `take` reads it."""
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            json.dump(asdict(self), target)

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Self:
        """Read it, once: a pytest that the tests start is no suite of ours."""
        return cls(**json.loads(Path(environ.pop(cls.VARIABLE)).read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Case:
    """What became of one test."""

    id: str
    outcome: str
    """passed, failed, error, skipped, or `run again` for a test that needed more than one try."""
    message: str
    started_s: float
    """Unix time before its set-up."""
    ended_s: float
    """Unix time after its tear-down."""

    @classmethod
    def of(cls, told: dict[str, Any]) -> Self:
        """From the child's account: of several reports the worst counts, and there must be one of the call."""
        outcome, message = "error", "pytest reported no call of it"
        reports: list[dict[str, Any]] = told["reports"]
        if any(report["when"] == "call" for report in reports):
            outcome, message = "passed", ""
        for report in reversed(reports):
            if report["outcome"] == "failed":
                outcome, message = "failed" if report["when"] == "call" else "error", report["message"]
            elif report["outcome"] != "passed" and outcome in {"passed", "error"}:
                outcome, message = "skipped", report["message"]
        if outcome == "passed" and any(report["expected_to_fail"] for report in reports):
            outcome, message = "failed", "XPASS: it passes although it is marked as expected to fail"
        if outcome == "passed" and told["calls"] > 1:
            outcome, message = "run again", f"it was called {told['calls']} times before it passed"
        return cls(told["id"], outcome, message, told["started_s"], told["ended_s"])


@dataclass(frozen=True)
class OwnClient:
    """The client that a project puts in the place of the reference client, and what it did when it was asked."""

    file: str
    """That overrides `kraken_client`, relative to the project."""
    name: str
    """Module and name of its class."""
    problem: str | None
    """Why it could not be asked; None if it could."""
    driven: dict[str, dict[str, Any]]
    """By behaviour, as far as it came: `started_s` and `ended_s` (Unix time), and `error`, None where it answered."""


@dataclass(frozen=True)
class SuiteResult:
    """What became of a suite."""

    command: str
    """As a person would type it."""
    exit_status: int
    collected: int
    """How many tests pytest found, before anybody took some out."""
    cases: list[Case]
    """The tests that ran."""
    left_out: list[str]
    """Ids of tests that were found and did not run."""
    problems: list[str]
    """What could not be collected, and why."""
    books: dict[str, Any]
    """What the exchange booked that was started for these tests; see `Exchange.observed`."""
    tail: str
    """The end of what pytest printed."""
    canary: str | None
    """What became of a test that must fail; None if it failed as it must."""
    client: OwnClient | None
    """None: the tests see the reference client."""
    made_reference: list[str]
    """Ids of the tests that made a reference client although the project has one of its own."""
    plugins: list[str]
    """Plugins and conftests that were loaded, beside pytest's own and ours."""
    files: dict[str, str]
    """SHA-256 of the conftests and of the files with tests, relative to the project."""


def run_suite(project: Path, node: str, behaviours: Sequence[str] = ()) -> SuiteResult:
    """Run one node id in a clean child process, with an exchange of its own.

    Args:
        project: pytest's rootdir.
        node: file, or file and test, relative to the project.
        behaviours: what a client of the project's own is asked to do beside the tests.

    Raises:
        NotProven: there is no such file, the tests did not end in time, or left no account of themselves.
    """
    file = node.partition("::")[0]
    if not (project / file).is_file():
        raise NotProven(f"{file}: no such test file in the project. Next: `kraken-golive init` writes one.")
    with tempfile.TemporaryDirectory(prefix="kraken-golive-suite-") as name, _exchange(project) as rehearsal:
        folder = Path(name)
        order, account, output = folder / "order.json", folder / "account.json", folder / "output"
        SuiteOrder(
            {**rehearsal.ticket, "issuer": None, "permit": NOTHING_REAL.data()},
            str(account),
            is_offline(),
            list(behaviours),
        ).write(order)
        environ = clean_environment(project, {SuiteOrder.VARIABLE: str(order), "PYTHONDONTWRITEBYTECODE": "1"})
        words = [sys.executable, "-m", "pytest", *_arguments(folder), f"--rootdir={project}", node]
        program = Program(words, cwd=project, environ=environ, output=output)
        status = _wait(program, node)
        tail = f"pytest said: …{program.tail()[-600:].strip()}"
        told = _read(account, node, status, tail)
        return SuiteResult(
            command=f"pytest {node}",
            exit_status=status,
            collected=told["collected"],
            cases=[Case.of(one) for one in told["tests"]],
            left_out=told["left_out"],
            problems=told["problems"],
            books=_books(rehearsal, node),
            tail=tail,
            canary=told["canary"],
            client=None if told["client"] is None else OwnClient(**told["client"]),
            made_reference=told["made_reference"],
            plugins=told["plugins"],
            files=told["files"],
        )


@contextlib.contextmanager
def _exchange(project: Path) -> Iterator[Rehearsal]:
    from pytest_kraken_golive.rehearsal.stage import Rehearsal  # noqa: PLC0415 - heavy, only when used

    policy = load_policy(project) or Policy()
    rehearsal = Rehearsal.start(project, policy, entrypoint=DEFAULT_ENTRYPOINTS["paper"], for_tests=True)
    try:
        yield rehearsal
    finally:
        rehearsal.close()


def _wait(program: Program, node: str) -> int:
    try:
        return program.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        program.kill("it took too long")
        raise NotProven(f"{node}: did not end within {TIMEOUT_S:g} s and was killed. Next: run it alone.") from None


def _read(account: Path, node: str, status: int, tail: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(account.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise NotProven(
            f"{node}: pytest ended with exit status {status} and left no account of its tests. {tail} "
            f"Next: run it alone: pytest {node}"
        ) from None
    return told


def _books(rehearsal: Rehearsal, node: str) -> dict[str, Any]:
    from pytest_kraken_golive.rehearsal.handle import HostError  # noqa: PLC0415 - heavy, only when used

    try:
        return rehearsal.sandbox.books()
    except HostError as error:
        raise NotProven(f"{node}: {error}, so what the tests did there is not known. Next: run it again.") from error
