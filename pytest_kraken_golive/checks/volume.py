"""The volume ladder: read from the events that it left, held against the exchange's books and its own answer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import performance_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.commands_seen import Commands, reader, run_or_record, what_it_said
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.market_data import AssetPair
from pytest_kraken_golive.operations.bench import EVENTS
from pytest_kraken_golive.operations.ladder import Rung, ladders_of, shown
from pytest_kraken_golive.policy import Ladder, Policy
from pytest_kraken_golive.rehearsal.commands import CommandRun
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.rehearsal.stage import Rehearsal
from pytest_kraken_golive.telemetry.events import read_events

BENCH: Final = "bench"
_SLACK_S: Final = 1.0
_NEAR_THE_MINIMUM: Final = Decimal(2)
"""The first volume may exceed the exchange's smallest one for its smallest cost's sake, and for a step's."""


@check(
    "volume_ladder",
    breaks=[*broken.LADDER, real.real_ladder_of_another],
    touches="orders",
    unarmed="reads",
    judges="account",
    begins=["bench"],
)
def volume_ladder(
    golive_world: Rehearsal,
    live_commands: Commands,
    live_settings: LiveSettings,
    policy: Policy,
    evidence: Evidence,
    *,
    pair: str,
    rungs: Annotated[int, Field(ge=1)],
) -> None:
    """The volume was raised from the pair's minimum, stopped by the first degradation, and no order stayed open."""
    exchange = golive_world.exchange
    run = run_or_record(live_commands, golive_world, live_settings, BENCH, evidence)
    name, ladder = _ladder_of(run, live_commands.root)
    for row in shown(ladder):
        evidence.record(EVENTS, row, key=f"ladder {name}, rung {row['rung']}")
    with reader(exchange) as client:
        try:
            facts = next(iter(client.asset_pairs(pair).values()))
            open_ = {txid: str(one.cl_ord_id) for txid, one in client.open_orders().items()}
        except KrakenError as error:
            raise Fault(f"exchange {exchange.url}: {error}") from error
    _require_climb(ladder, facts, policy.ladder)
    _require_pair(ladder, {pair, facts.altname})
    _require_stop(ladder, policy.ladder)
    held = [rung for rung in ladder if rung.degradation(policy.ladder) is None]
    for rung in held:
        assert rung.orders >= policy.ladder.orders, (
            f"{EVENTS} rung {rung.number}: expected {policy.ladder.orders} orders (config/golive.yaml ladder.orders), "
            f"found {rung.orders}. Next: send as many, and write all as events."
        )
    assert len(held) >= rungs, (
        f"{EVENTS} ladder {name}: expected {rungs} rungs without degradation, found {len(held)}; the last "
        f"shows {ladder[-1].degradation(policy.ladder) or 'none'}. Next: see why; trade no larger volume than held."
    )
    _require_booked(name, ladder, exchange, run.started_at, evidence)
    left = [txid for txid, cl_ord_id in open_.items() if cl_ord_id.startswith(f"{name}-")]
    evidence.record("exchange", left, key="OpenOrders of the ladder")
    assert not left, (
        f"exchange OpenOrders: expected none of the ladder's orders, found {', '.join(left)}. "
        "Next: cancel them, and let the benchmark do so when it ends."
    )


def _ladder_of(run: CommandRun, root: Path) -> tuple[str, list[Rung]]:
    """The ladder that a benchmark's run has climbed.

    Raises:
        NotProven: there is no event log, or no ladder in the run's time.
        Fault: the log is broken.
    """
    path = root / EVENTS
    since, until = run.started_at - _SLACK_S, run.ended_at + _SLACK_S
    ladders = ladders_of(one for one in read_events(path, EVENTS, live=True) if since <= one.ts <= until)
    if not ladders and run.exit_status:
        raise NotProven(
            f"{EVENTS}: expected a ladder climbed by the benchmark's run, found none: the command {BENCH} ended with "
            f"status {run.exit_status}. {what_it_said(run)} Next: correct what it says, and run it again."
        )
    if not ladders:
        raise NotProven(
            f"{EVENTS}: expected a ladder climbed by the benchmark's run, found none. "
            "Next: arm the benchmark (KRAKEN_MAX_ORDER_USD), and let it write its orders as events."
        )
    name = list(ladders)[-1]
    return name, ladders[name]


def _require_climb(ladder: list[Rung], facts: AssetPair, rules: Ladder) -> None:
    """Rungs are whole, in order, bounded, and each is larger than the one before; the first is the smallest."""
    if facts.ordermin is None:
        raise NotProven("exchange AssetPairs: expected ordermin, found none. Next: ask again.")
    below = Decimal(0)
    for place, rung in enumerate(ladder, 1):
        where = f"{EVENTS} rung {place}"
        if rung.number != place or len(rung.volumes) != 1 or not rung.orders:
            raise Fault(
                f"{where}: expected orders of one volume, found rung {rung.number} with {rung.orders} orders of "
                f"{len(rung.volumes)} volumes. Next: let the ladder start at rung 1, and write all orders as events."
            )
        (volume,) = rung.volumes
        if rung.duration_s is None:
            raise NotProven(f"{where}: expected an event volume_rung with duration_s, found none. Next: write it.")
        assert rung.duration_s <= rules.window_s, (
            f"{where}: expected a duration of at most {rules.window_s:g} s (config/golive.yaml ladder.window_s), found "
            f"{rung.duration_s:g} s. Next: bound the window."
        )
        assert volume > below, f"{where}: expected a volume above {below}, found {volume}. Next: raise it step by step."
        assert place == 1 or volume <= below * rules.factor, (
            f"{where}: expected at most {rules.factor} times {below} (config/golive.yaml ladder.factor), "
            f"found {volume}. Next: raise it in smaller steps."
        )
        largest = facts.ordermin * _NEAR_THE_MINIMUM
        assert place > 1 or facts.ordermin <= volume <= largest, (
            f"{where}: expected the pair's minimum, {facts.ordermin}, found {volume}. Next: start at the minimum."
        )
        below = volume


def _require_pair(ladder: list[Rung], names: set[str]) -> None:
    for rung in ladder:
        others = sorted(rung.pairs - names)
        if others:
            raise Fault(
                f"{EVENTS} rung {rung.number}: expected orders of {' or '.join(sorted(names))}, found {others[0]}. "
                "Next: climb on the pair of the line, or change the line."
            )


def _require_stop(ladder: list[Rung], rules: Ladder) -> None:
    for rung in ladder[:-1]:
        why = rung.degradation(rules)
        assert why is None, (
            f"{EVENTS} rung {rung.number}: expected the ladder to stop there ({why}), found that it went on to rung "
            f"{rung.number + 1}. Next: stop at the first degradation."
        )


def _require_booked(name: str, ladder: list[Rung], exchange: Exchange, since_s: float, evidence: Evidence) -> None:
    """The exchange has the orders that the events tell of, with their volumes."""
    if isinstance(exchange, RealExchange):
        known = exchange.booked(f"{name}-", since_s - 60)
    else:
        known = exchange.books("bot")["orders"]
    booked = {
        one["cl_ord_id"]: Decimal(one["volume"]) for one in known if (one["cl_ord_id"] or "").startswith(f"{name}-")
    }
    largest = str(max(booked.values())) if booked else None
    evidence.record("exchange", {"orders": len(booked), "largest": largest}, key="books")
    told = {cl_ord_id: volume for rung in ladder for cl_ord_id, volume in rung.by_id.items()}
    strangers = [cl_ord_id for cl_ord_id, volume in told.items() if booked.get(cl_ord_id) != volume]
    if strangers:
        first = strangers[0]
        raise Fault(
            f"exchange: expected the {len(told)} orders of the ladder {name} in its books, found "
            f"{len(told) - len(strangers)}: of {first} the events say {told[first]}, the books "
            f"{booked.get(first, 'nothing')}. "
            "Next: let events tell of what was sent, and nothing else."
        )
