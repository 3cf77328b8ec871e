"""How a bot without licence ended: what is a refusal, and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kraken_golive.checks.unlicensed import require_refusal
from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.bot_run import BotState


def state(**values: Any) -> BotState:
    return BotState(**{"exit_status": 3, "ended_by": "itself", "output": "no valid licence", **values})


def test_a_refusal() -> None:
    require_refusal(state(), {"orders": []}, Evidence())
    require_refusal(state(exit_status=1, output="FileNotFoundError: License"), {"orders": []}, Evidence())


@pytest.mark.parametrize(
    ("values", "orders"),
    [
        ({}, [{"txid": "O1"}]),
        ({"exit_status": 0}, []),
        ({"exit_status": 0, "ended_by": "its standard input was closed"}, []),
    ],
)
def test_a_bot_that_starts_all_the_same(values: dict[str, Any], orders: list[Any]) -> None:
    with pytest.raises(AssertionError, match=r"(?s)bot without licence.*Next: "):
        require_refusal(state(**values), {"orders": orders}, Evidence())


@pytest.mark.parametrize(
    "values",
    [
        {"exit_status": None, "problem": "there is no copy. Next: name it."},
        {"exit_status": -9, "ended_by": "it was killed: no report after 60 s"},
        {"exit_status": 1, "ended_by": "it was killed: no report after 60 s"},
        {"exit_status": 1, "output": "the port is taken"},
    ],
)
def test_what_does_not_show_that_the_licence_is_why(values: dict[str, Any]) -> None:
    with pytest.raises(NotProven, match=r"(?s)bot without licence.*Next: "):
        require_refusal(state(**values), {"orders": []}, Evidence())
