"""The bot refuses to start without a licence: shown by doing, in a copy of the deployment that has none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.bot_run import BotState

LICENCE = re.compile(r"licen[cs]e", re.IGNORECASE)
DO = "let the bot check its licence before anything else, say what is wrong with it, and end with a status above 0"


def require_refusal(state: BotState, books: Mapping[str, Any], evidence: Evidence) -> None:
    """Judge how the bot ended without a licence.

    Args:
        state: how it ended.
        books: what the exchange saw of it.
        evidence: takes both.

    Raises:
        AssertionError: it traded, or ended as if all were well.
        NotProven: it could not be run so, did not end by itself, or did not say that the licence is why.
    """
    evidence.record("bot without licence", state.command)
    evidence.record("bot without licence", state.exit_status, key="exit_status")
    evidence.record("exchange", len(books["orders"]), key="books.unlicensed.orders")
    assert not books["orders"], (
        f"bot without licence: expected that it refuses to start, found {len(books['orders'])} orders of it in the "
        f"exchange's books. Next: {DO}."
    )
    if state.exit_status is None:
        raise NotProven(f"bot without licence: it was not run: {state.problem}")
    assert state.exit_status != 0, (
        f"bot without licence: expected that it refuses to start, found exit status 0 ({state.ended_by}). Next: {DO}."
    )
    if state.exit_status < 0 or (state.ended_by or "").startswith("it was killed"):
        raise NotProven(f"bot without licence: it did not end by itself ({state.ended_by}). Next: {DO}.")
    if not LICENCE.search(_said(state)):
        raise NotProven(
            f"bot without licence: it ended with status {state.exit_status} and did not say that the licence is why. "
            f"It said: …{state.output[-300:].strip()} Next: {DO}."
        )


def _said(state: BotState) -> str:
    """What it printed, and the errors of its report, if it left one."""
    if state.report is None:
        return state.output
    report = json.loads(Path(state.report).read_bytes())
    return f"{state.output}\n{report.get('errors')}"
