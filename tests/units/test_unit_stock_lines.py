"""What the stock runbook asks and a run does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_kraken_golive.gate.stock_lines import STOCK_LINES, not_asked
from pytest_kraken_golive.runbook.parse import read_runbook
from pytest_kraken_golive.scaffold import FILES, PRODUCTION

ROOT = Path(__file__).parents[2]
PAPER = STOCK_LINES["paper"]


@pytest.mark.parametrize("file", [name for name in FILES + PRODUCTION if name.startswith("config/runbooks/")])
def test_the_list_is_that_of_the_stock_runbook(file: str) -> None:
    book = read_runbook(ROOT / file, shown=file)
    lines = {line.binding.id: line.binding.check for line in book.lines if line.binding is not None}
    assert STOCK_LINES[book.stage] == lines, "write the runbook's lines into gate/stock_lines.py"


def test_a_deleted_line_is_named_and_a_whole_runbook_leaves_none() -> None:
    assert not_asked(["paper"], PAPER.items()) == []
    left = {line: check for line, check in PAPER.items() if line not in {"entrypoint-breaches", "breach-counts"}}
    assert not_asked(["paper"], left.items()) == [
        {"line": "entrypoint-breaches", "check": "entrypoint_breaches"},
        {"line": "breach-counts", "check": "summary_empty"},
    ]


def test_a_line_under_another_name_counts_and_one_bound_to_another_check_does_not() -> None:
    renamed = [("no-breaches" if line == "entrypoint-breaches" else line, check) for line, check in PAPER.items()]
    assert not_asked(["paper"], renamed) == []
    weaker = [(line, "monitored_metrics" if line == "paper-run" else check) for line, check in PAPER.items()]
    assert not_asked(["paper"], weaker) == [{"line": "paper-run", "check": "paper_run"}]


def test_a_stage_without_a_stock_runbook_asks_for_nothing() -> None:
    assert not_asked([], []) == []
