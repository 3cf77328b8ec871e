"""Stock lines have breaks: a line that no sabotage turns red proves nothing when green.

`make prove`, a step of CI, tries every line of both runbooks with all of its breaks; nothing of that is done twice.
"""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Check
from pytest_kraken_golive.gate.session import STOCK_CHECKS
from pytest_kraken_golive.runbook.parse import read_runbook

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@pytest.mark.parametrize("runbook", sorted((ROOT / "config" / "runbooks").glob("*.md")), ids=lambda path: path.stem)
def test_every_line_has_three_breaks_at_least(runbook: Path) -> None:
    modules = [importlib.import_module(f"pytest_kraken_golive.checks.{name}") for name in STOCK_CHECKS]
    checks = {one.name: one for module in modules for one in vars(module).values() if isinstance(one, Check)}
    bound = {line.binding.id: line.binding.check for line in read_runbook(runbook, runbook.name).lines if line.binding}
    assert bound
    few = {line: check for line, check in bound.items() if check and len(_breaks(checks[check])) < 3}
    assert few == {}


def _breaks(check: Check) -> list[str]:
    return [one.name for one in check.breaks if not one.of_recording]
