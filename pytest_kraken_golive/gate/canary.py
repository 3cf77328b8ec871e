"""A check that must fail, run before any line in every process that runs lines: if it does not, nothing here counts."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from pytest_kraken_golive.stash import CANARY

FAILED_AS_IT_MUST = "failed as it must"


class CanaryFile(pytest.Module):
    """The canary's place in the tree of nodes."""

    def collect(self) -> list[Any]:
        """Nothing: the canary is made by hand."""
        return []

    def _getobj(self) -> Any:
        return ModuleType("canary")


class CanaryItem(pytest.Function):
    """The canary as an item, which goes through the same hooks as every line."""

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """As Python prints it: for the source code pytest looks through all modules, and nobody sees it."""
        return excinfo.getrepr(style="native")


def release(session: pytest.Session, beside: pytest.Item) -> None:
    """Run the canary through pytest's whole protocol, and keep how it came out.

    Args:
        session: of this process.
        beside: a line; the canary stands in its file, so that it meets the same conftests.
    """
    from pytest_kraken_golive.checks.canary import canary  # noqa: PLC0415 - after it is rewritten

    module = CanaryFile.from_parent(session, path=beside.path)
    session.config.stash[CANARY] = came_out(session, CanaryItem.from_parent(module, name="canary", callobj=canary))


def came_out(session: pytest.Session, item: pytest.Item) -> str:
    """Run a canary through pytest's whole protocol: `FAILED_AS_IT_MUST`, or what is wrong."""
    from pytest_kraken_golive.checks.canary import EXPECTED, OBSERVED  # noqa: PLC0415 - after it is rewritten

    failed_before = session.testsfailed
    reports = runtestprotocol(item, log=False, nextitem=session.items[0] if session.items else None)
    session.testsfailed = failed_before
    return _judge(reports, f"{OBSERVED!r} == {EXPECTED!r}")


def _judge(reports: list[pytest.TestReport], comparison: str) -> str:
    by_phase = {report.when: report for report in reports}
    call = by_phase.get("call")
    if call is None:
        problem = next((report.longreprtext for report in reports if report.failed), "no report")
        return f"its setup failed: {problem[-300:]}"
    if call.outcome != "failed" or hasattr(call, "wasxfail"):
        return f"a check that must fail was reported as {call.outcome}: a plugin or conftest changes outcomes"
    if comparison not in call.longreprtext:
        return "its assertion was not rewritten, so messages are lost"
    return FAILED_AS_IT_MUST
