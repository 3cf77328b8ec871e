"""Test files that the runbook names: run by themselves, and believed for what they made happen at an exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pytest_kraken_golive.checks.own_client import require_copes
from pytest_kraken_golive.checks.suite_breaks import SIGNING_BREAKS, SMOKE_BREAKS
from pytest_kraken_golive.checks.suite_scenes import SIGNING, SMOKE, Scene, missing
from pytest_kraken_golive.contract import Evidence, NotProven, check
from pytest_kraken_golive.rehearsal.child_pytest import BAD_GATEWAY, RATE_LIMITED, SIGNED, SuiteResult, run_suite

DOCS = 'see "Your own test files" in `kraken-golive docs your-own-parts`'


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


def require_believable(result: SuiteResult, node: str) -> None:
    """What passed can fail, and is about the client that the project uses.

    Raises:
        NotProven: a test that must fail did not, or a test makes a reference client beside the project's own.
    """
    if result.canary is not None:
        raise NotProven(
            f"{node}: a test that must fail was run beside it, and did not fail as it must ({result.canary}), so its "
            f"other tests prove nothing. Next: look at what {_conftests(result)} does to outcomes."
        )
    if result.client is not None and result.made_reference:
        raise NotProven(
            f"{result.made_reference[0]}: makes a reference client (KrakenClient), but the project's own is "
            f"{result.client.name} ({result.client.file}), so the test says nothing about it. "
            "Next: let the test use kraken_client."
        )


def _conftests(result: SuiteResult) -> str:
    return " and ".join(file for file in result.files if file.endswith("conftest.py")) or "a plugin"


def _judge(result: SuiteResult, node: str, scenes: Sequence[Scene], evidence: Evidence) -> None:
    tests = {"exit_status": result.exit_status, "collected": result.collected, "left_out": result.left_out}
    evidence.record("pytest", result.command, key="command")
    evidence.record("pytest", {**tests, "tests": [asdict(case) for case in result.cases]}, key=node)
    evidence.record("pytest", {"plugins": result.plugins, "sha256": result.files}, key="what could change a result")
    booked = {scene.key: scene.seen(result.books, result.cases) for scene in scenes}
    booked["requests"] = result.books["requests"]["total"]
    evidence.record("exchange", booked, key=node, note="booked by the exchange that was started for these tests alone")
    require_all_passed(result, node)
    require_believable(result, node)
    absent = missing(scenes, result.books, result.cases)
    if absent:
        raise NotProven(f"{node}: passed, but {absent}; {DOCS}.")
    if result.client is not None:
        evidence.record(result.client.file, require_copes(result.client, result.books), key="kraken_client")


@check("signing_test", breaks=SIGNING_BREAKS, touches="validate")
def signing_test(golive_project: Path, evidence: Evidence, *, node: str) -> None:
    """The signing test passes against published vectors and against an exchange that verifies by itself.

    A client of the project's own is asked to sign a call, whatever its tests do.
    """
    _judge(run_suite(golive_project, node, [SIGNED]), node, SIGNING, evidence)


@check("smoke_test", breaks=SMOKE_BREAKS, touches="orders")
def smoke_test(golive_project: Path, evidence: Evidence, *, node: str) -> None:
    """Retry, rate limit and signature scenarios pass against a real HTTP server.

    A client of the project's own is brought into each, whatever its tests do.
    """
    _judge(run_suite(golive_project, node, [SIGNED, BAD_GATEWAY, RATE_LIMITED]), node, SMOKE, evidence)
