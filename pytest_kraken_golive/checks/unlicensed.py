"""The bot refuses to start without a licence: shown by doing, in a copy of the deployment that has none."""

from __future__ import annotations

from pytest_kraken_golive.checks.bot_conduct import require_good_conduct
from pytest_kraken_golive.checks.bot_network import require_loopback_only, require_own_calls
from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.unlicensed import Contrast

DO = "let the bot check its licence before anything else, say what is wrong with it, and end with a status above 0"


def require_refusal(run: Contrast, evidence: Evidence) -> None:
    """Judge how the bot ended without a licence, beside how the same bot ran with it.

    What is demanded of a bot's conduct is demanded of this run too: it speaks to nobody but this machine, and what it
    may not do with a licence it may not do without one.

    Args:
        run: how both went.
        evidence: takes what counts.

    Raises:
        AssertionError: it used its key, spoke to another host, or ended as if all were well.
        NotProven: it could not be run so, did not end by itself, did not run with its licence either, or did not say
            that the licence is why.
    """
    state, books = run.state, run.books
    evidence.record("bot without licence", state.command)
    evidence.record("bot without licence", state.exit_status, key="exit_status")
    if state.exit_status is None:
        raise NotProven(f"bot without licence: it was not run: {state.problem}")
    _used_no_key(run, evidence)
    require_loopback_only(state.network, evidence, who="bot without licence")
    if books["requests"]["total"]:
        require_own_calls(state.network, evidence, who="bot without licence")
    require_good_conduct(books, evidence, who="bot without licence")
    assert state.exit_status != 0, (
        f"bot without licence: expected that it refuses to start, found exit status 0 ({state.ended_by}). Next: {DO}."
    )
    if state.exit_status < 0 or (state.ended_by or "").startswith("it was killed"):
        raise NotProven(f"bot without licence: it did not end by itself ({state.ended_by}). Next: {DO}.")
    _ran_with_it(run)
    evidence.record("bot without licence", run.said, key="output", note="of the licence, and not said with a licence")
    if not run.said:
        raise NotProven(
            f"bot without licence: it ended with status {state.exit_status}, and beside the names of files it said "
            "nothing of a licence that the bot with a licence does not say too, so another reason may be behind it. "
            f"It said: …{state.output[-300:].strip()} Next: {DO}."
        )


def _used_no_key(run: Contrast, evidence: Evidence) -> None:
    """Not one call that takes a key, whatever the exchange answered."""
    calls, orders = run.books["requests"]["private"], len(run.books["orders"])
    evidence.record("exchange", {"signed_calls": calls, "orders": orders}, key="books of the bot without licence")
    assert not calls, (
        f"bot without licence: expected that it refuses to start, found {calls} signed calls of it at the exchange "
        f"({', '.join(sorted(run.books['by_endpoint']))}; {orders} orders). Next: {DO}."
    )


def _ran_with_it(run: Contrast) -> None:
    licensed = run.licensed
    if licensed.report is None or licensed.exit_status not in {None, 0}:
        raise NotProven(
            "bot without licence: with a licence it did not run well either "
            f"({licensed.problem or f'exit status {licensed.exit_status}'}), so nothing says that the licence is why. "
            "Next: see the line about the paper run."
        )
