"""Test files that the runbook names: run by themselves, and believed for what they made happen at an exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from pytest_kraken_golive.checks.suite_breaks import SIGNING_BREAKS, SMOKE_BREAKS
from pytest_kraken_golive.checks.suite_scenes import SIGNING, SMOKE, Scene, missing
from pytest_kraken_golive.contract import Evidence, NotProven, check
from pytest_kraken_golive.rehearsal.child_pytest import SuiteResult, run_suite
from pytest_kraken_golive.scaffold import FILES, stock

DOCS = 'see docs/your-own-parts.md, "Your own test files"'


def _require_own_tests(project: Path, overridden: Mapping[str, str], node: str) -> None:
    """The stock tests are about the reference client: for a client of the project's own they prove nothing."""
    file = node.partition("::")[0]
    own = overridden.get("kraken_client")
    if own is None or file not in FILES or not (project / file).is_file():
        return
    if (project / file).read_text(encoding="utf-8") == stock(file):
        raise NotProven(
            f"{file}: tests the reference client, but kraken_client is overridden in {own}. "
            "Next: let this file test your client."
        )


def require_all_passed(result: SuiteResult, node: str) -> None:
    """All tests that were found ran, once, and passed.

    Raises:
        AssertionError: one failed, or pytest itself was not content.
        NotProven: there was none, or one was left out, skipped, or tried until it passed.
    """
    alone = f"Next: run it alone: pytest {node}"
    assert not result.problems, f"{node}: {result.problems[0]}. {alone}"
    if not result.cases:
        raise NotProven(
            f"{node}: no test ran (exit status {result.exit_status}). {result.tail} Next: check the node id."
        )
    for case in result.cases:
        message = case.message.rstrip(".")
        assert case.outcome in {"passed", "skipped", "run again"}, f"{case.id}: {case.outcome}: {message}. {alone}"
    if result.left_out:
        raise NotProven(
            f"{node}: {len(result.left_out)} of its {result.collected} tests did not run: "
            f"{', '.join(result.left_out[:5])}. Next: let them run; look in conftest.py for what takes tests out."
        )
    for case in result.cases:
        if case.outcome != "passed":
            raise NotProven(
                f"{case.id}: {case.outcome} ({case.message}), which proves nothing. Next: let it run, once, and pass."
            )
    assert result.exit_status == 0, (
        f"{node}: all tests passed, yet pytest's exit status is {result.exit_status}. {result.tail} {alone}"
    )


def _judge(result: SuiteResult, node: str, scenes: Sequence[Scene], evidence: Evidence) -> None:
    tests = {"exit_status": result.exit_status, "collected": result.collected, "left_out": result.left_out}
    evidence.record("pytest", result.command, key="command")
    evidence.record("pytest", {**tests, "tests": [asdict(case) for case in result.cases]}, key=node)
    booked = {scene.key: scene.seen(result.books, result.cases) for scene in scenes}
    booked["requests"] = result.books["requests"]["total"]
    evidence.record("exchange", booked, key=node, note="booked by the exchange that was started for these tests alone")
    require_all_passed(result, node)
    absent = missing(scenes, result.books, result.cases)
    if absent:
        raise NotProven(f"{node}: passed, but {absent}; {DOCS}.")


@check("signing_test", breaks=SIGNING_BREAKS, touches="validate")
def signing_test(golive_project: Path, golive_overridden: Mapping[str, str], evidence: Evidence, *, node: str) -> None:
    """The signing test passes against published vectors and against an exchange that verifies by itself."""
    _require_own_tests(golive_project, golive_overridden, node)
    _judge(run_suite(golive_project, node), node, SIGNING, evidence)


@check("smoke_test", breaks=SMOKE_BREAKS, touches="orders")
def smoke_test(golive_project: Path, golive_overridden: Mapping[str, str], evidence: Evidence, *, node: str) -> None:
    """Retry, rate limit and signature scenarios pass against a real HTTP server."""
    _require_own_tests(golive_project, golive_overridden, node)
    _judge(run_suite(golive_project, node), node, SMOKE, evidence)
