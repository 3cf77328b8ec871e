"""Test files that the runbook names: run by themselves, in a clean process, and believed only if they really ran."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_kraken_golive.checks.suite_breaks import SIGNING_BREAKS, SMOKE_BREAKS
from pytest_kraken_golive.contract import Evidence, NotProven, check
from pytest_kraken_golive.rehearsal.child_pytest import SuiteResult, run_suite
from pytest_kraken_golive.scaffold import FILES, stock


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


def _judge(result: SuiteResult, node: str, evidence: Evidence) -> None:
    evidence.record("pytest", result.command, key="command")
    evidence.record("pytest", {"exit_status": result.exit_status, "tests": result.cases}, key=node)
    if not result.cases:
        raise NotProven(
            f"{node}: no test ran (exit status {result.exit_status}). {result.tail} Next: check the node id."
        )
    not_passed = [case for case in result.cases if case["outcome"] != "passed"]
    failed = [case for case in not_passed if case["outcome"] != "skipped"]
    assert not failed, (
        f"{failed[0]['id']}: {failed[0]['outcome']}: {failed[0]['message']}. Next: run it alone: pytest {node}"
    )
    if not_passed:
        raise NotProven(
            f"{not_passed[0]['id']}: skipped ({not_passed[0]['message']}), which proves nothing. Next: let it run."
        )
    assert result.exit_status == 0, (
        f"{node}: all tests passed, yet pytest's exit status is {result.exit_status}. {result.tail}"
    )


@check("signing_test", breaks=SIGNING_BREAKS, touches="validate")
def signing_test(golive_project: Path, golive_overridden: Mapping[str, str], evidence: Evidence, *, node: str) -> None:
    """The signing test passes against published vectors and against an exchange that verifies by itself."""
    _require_own_tests(golive_project, golive_overridden, node)
    _judge(run_suite(golive_project, node), node, evidence)


@check("smoke_test", breaks=SMOKE_BREAKS, touches="orders")
def smoke_test(golive_project: Path, golive_overridden: Mapping[str, str], evidence: Evidence, *, node: str) -> None:
    """Retry, rate limit and signature scenarios pass against a real HTTP server."""
    _require_own_tests(golive_project, golive_overridden, node)
    _judge(run_suite(golive_project, node), node, evidence)
