"""Run a test of the project in a pytest of its own, and believe its report rather than its exit status alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.rehearsal.program import Program, clean_environment

TIMEOUT_S = 180.0
CHILD_VARIABLE = "GOLIVE_CHILD"
"""Set in the child: a gate inside a gate would run without end."""

ARGUMENTS = (
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:rerunfailures",
    "-p",
    "no:randomly",
    "-o",
    "addopts=",
)
STRICT = ("-o", "xfail_strict=true", "-o", "junit_family=xunit2")


@dataclass(frozen=True)
class SuiteResult:
    """What became of a suite."""

    command: str
    """As a person would type it."""
    exit_status: int
    cases: list[dict[str, str]]
    """Each test: id, outcome (passed, failed, error, skipped) and message."""
    tail: str
    """The end of what pytest printed, where no test ran."""


def run_suite(project: Path, node: str) -> SuiteResult:
    """Run one node id in a clean child process.

    Args:
        project: pytest's rootdir.
        node: file, or file and test, relative to the project.

    Raises:
        NotProven: there is no such file, or the tests did not end in time.
    """
    file = node.partition("::")[0]
    if not (project / file).is_file():
        raise NotProven(f"{file}: no such test file in the project. Next: `kraken-golive init` writes one.")
    with tempfile.TemporaryDirectory(prefix="kraken-golive-suite-") as folder:
        report, output = Path(folder) / "junit.xml", Path(folder) / "output"
        words = [*ARGUMENTS, *STRICT, f"--rootdir={project}", f"--junitxml={report}", node]
        environ = clean_environment(project, {CHILD_VARIABLE: "1", "PYTHONDONTWRITEBYTECODE": "1"})
        program = Program([sys.executable, "-m", "pytest", *words], cwd=project, environ=environ, output=output)
        try:
            status = program.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            program.kill("it took too long")
            raise NotProven(f"{node}: did not end within {TIMEOUT_S:g} s and was killed. Next: run it alone.") from None
        cases = _cases(report) if report.is_file() else []
        tail = "" if cases else f"pytest said: …{program.tail()[-600:].strip()}"
    return SuiteResult(f"pytest {node}", status, cases, tail)


def _cases(report: Path) -> list[dict[str, str]]:
    try:
        root = ET.parse(report).getroot()  # noqa: S314 - written a moment ago by the pytest that we started
    except ET.ParseError as error:
        raise NotProven(f"the suite's report cannot be read ({error}). Next: run the suite alone.") from error
    return [_case(one) for one in root.iter("testcase")]


def _case(one: ET.Element) -> dict[str, str]:
    name = f"{one.get('classname', '')}::{one.get('name', '')}"
    for outcome, tag in (("error", "error"), ("failed", "failure"), ("skipped", "skipped")):
        found = one.find(tag)
        if found is not None:
            message = (found.get("message") or found.text or "").strip().split("\n", 1)[0]
            if found.get("type") == "pytest.xfail":
                message = f"an expected failure {message}".strip()
            return {"id": name, "outcome": outcome, "message": message[:500]}
    return {"id": name, "outcome": "passed", "message": ""}
