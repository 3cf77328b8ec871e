"""Executes orders one after the other: flags choose the path of each, and everything that happens is an event."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_kraken_golive.bot.execution_paths import ExecutionPath, Intent, Look, ended, reason_of
from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError, OrderOutcomeUnknown
from pytest_kraken_golive.kraken.models import OrderInfo, PlacedOrder
from pytest_kraken_golive.telemetry.events import EventType
from pytest_kraken_golive.telemetry.flags import Component
from pytest_kraken_golive.telemetry.rollback import Decision, EventSink, FlagBoard, Path_

_ASK_AGAIN_S = 1.0
"""Pause between attempts to find out what became of an order."""

_FEE_ERROR_PCT = Decimal("0.02")
"""In percentage points; a fee further off was assumed wrongly."""


@dataclass(frozen=True)
class Paths:
    """Both paths of each component."""

    execution: Mapping[Path_, ExecutionPath]
    """How an order is executed."""
    poller: Mapping[Path_, Callable[[], Iterator[float]]]
    """How often a placed order is looked at."""
    fees: Mapping[Path_, Callable[[str], Decimal | None]]
    """Which fee a pair is assumed to cost, in percent; None where that is not known."""


class Executor:
    """One order at a time.

    Args:
        exchange: label of the exchange in the events.
        client: talks to it.
        board: decides on the paths.
        paths: what it decides between.
        events: takes what happens.
        clock: measures.
        halted: set when trading is suspended: no new order is sent, and the present one is given up.
    """

    def __init__(
        self,
        exchange: str,
        client: KrakenClient,
        board: FlagBoard,
        paths: Paths,
        *,
        events: EventSink,
        clock: Clock,
        halted: threading.Event,
    ) -> None:
        self._exchange = exchange
        self._client = client
        self._board = board
        self._paths = paths
        self._events = events
        self._clock = clock
        self._halted = halted
        self.last_path: Path_ | None = None
        """The path of the last order that the exchange accepted."""
        self.accepted = 0
        """Orders that the exchange accepted."""
        self.accepted_s = clock.monotonic()
        """When the last of them was accepted, by the monotonic clock; the start, where there was none."""
        self.open_txid: str | None = None
        """The order that is under way."""
        self.given_up = 0
        """Orders that were cancelled because trading was suspended."""
        self.unknown: list[str] = []
        """Client ids of orders of which nobody knows whether they stand."""

    def execute(self, intent: Intent) -> OrderInfo | None:
        """Execute an order; its end, or None if it was not placed or is not known."""
        if self._halted.is_set():
            return None
        decisions = {component: self._board.decide(component, intent.cl_ord_id) for component in Component}
        execution = decisions[Component.EXECUTION]
        path = self._paths.execution[execution.path]
        fee_pct = self._paths.fees[decisions[Component.FEES].path](intent.pair)
        placed = self._place(intent, execution, path, fee_pct)
        if placed is None:
            return None
        try:
            return self._follow(intent, placed, decisions, fee_pct)
        finally:
            self.open_txid = None

    def _place(
        self, intent: Intent, decision: Decision, path: ExecutionPath, fee_pct: Decimal | None
    ) -> PlacedOrder | None:
        began, waited = self._clock.monotonic(), self._client.waited_s
        order = {**self._order(intent), "path": decision.path}

        def latency() -> float:
            return max(0.0, self._clock.monotonic() - began - (self._client.waited_s - waited))

        try:
            placed = self._found_out(lambda: self._client.place_order(path.first(intent)))
        except OrderOutcomeUnknown:
            self.unknown.append(intent.cl_ord_id)
            self._board.settle(decision, succeeded=False)
            return None
        except KrakenError as error:
            self._events.append(EventType.ORDER_REJECTED, **order, latency_s=latency(), **_why(error))
            self._board.settle(decision, succeeded=False)
            return None
        self.open_txid, self.last_path = placed.txid, decision.path
        self.accepted += 1
        self.accepted_s = self._clock.monotonic()
        self._events.append(
            EventType.ORDER_SUBMITTED, **order, txid=placed.txid, fee_assumed_pct=fee_pct, latency_s=latency()
        )
        return placed

    def _found_out(self, place: Callable[[], PlacedOrder]) -> PlacedOrder:
        """Place an order; where its answer is lost, ask until it is known what became of it.

        Raises:
            OrderOutcomeUnknown: trading was suspended before that.
            KrakenError: it does not stand.
        """
        ask = place
        while True:
            try:
                return ask()
            except OrderOutcomeUnknown as error:
                if self._halted.wait(_ASK_AGAIN_S):
                    raise
                unknown = error
                ask = lambda: self._client.find_out(unknown)  # noqa: E731, B023 - asked before the next round

    def _follow(
        self, intent: Intent, placed: PlacedOrder, decisions: Mapping[Component, Decision], fee_pct: Decimal | None
    ) -> OrderInfo | None:
        execution, poller = decisions[Component.EXECUTION], decisions[Component.POLLER]
        if placed.txid is None:
            raise Fault(f"{intent.cl_ord_id}: expected an order id, found a check that placed nothing")
        look = Look(self._client, placed.txid, self._paths.poller[poller.path], self._halted)
        trouble: KrakenError | None = None
        try:
            info = self._paths.execution[execution.path].follow(intent, placed.txid, look)
        except KrakenError as error:
            trouble = error
            try:
                info = self._settled(placed.txid, look)
            except KrakenError:
                self._events.append(EventType.ORDER_FILL_ERROR, **self._order(intent), **_why(error))
                self._board.settle(execution, succeeded=False)
                return None
        suspended = self._halted.is_set()
        reason = None if suspended and not trouble else reason_of(trouble) if trouble else "not filled in time"
        write_end(self._events, self._order(intent), info, reason)
        filled = is_filled(info)
        self.given_up += suspended and not filled
        self._board.settle(poller, succeeded=trouble is None)
        if filled or trouble or not suspended:  # an order that was given up says nothing about its path
            self._board.settle(execution, succeeded=filled)
        if filled and fee_pct is not None:
            right = abs(fee_pct - info.fee / info.cost * 100) <= _FEE_ERROR_PCT
            self._board.settle(decisions[Component.FEES], succeeded=right)
        return info

    def _settled(self, txid: str, look: Look) -> OrderInfo:
        """The end of an order that could not be followed: asked for until it is known, or trading is suspended.

        Raises:
            KrakenError: trading was suspended before that.
        """
        while True:
            try:
                return ended(self._client, txid, look, look.now())
            except KrakenError:
                if self._halted.wait(_ASK_AGAIN_S):
                    raise

    def _order(self, intent: Intent) -> dict[str, Any]:
        return {
            "exchange": self._exchange,
            "cl_ord_id": intent.cl_ord_id,
            "pair": intent.pair,
            "side": intent.side,
            "volume": intent.volume,
        }


def _why(error: KrakenError) -> dict[str, str]:
    return {"reason": reason_of(error), "message": str(error)[:300]}


def is_filled(info: OrderInfo) -> bool:
    """Whether all of an order was filled."""
    return info.status == "closed" and info.vol_exec >= info.vol > 0 and info.cost > 0


def write_end(events: EventSink, order: Mapping[str, Any], info: OrderInfo, reason: str | None) -> None:
    """Write how an order ended: filled, or cancelled with what had been filled.

    Args:
        events: takes it.
        order: what the event says of the order.
        info: its end, as the exchange says.
        reason: why it was not filled; None: it was given up, because trading was suspended.
    """
    amounts = {"volume_filled": info.vol_exec, "cost": info.cost, "fee": info.fee}
    if is_filled(info):
        seconds = max(0.0, (info.closetm or info.opentm) - info.opentm)
        events.append(EventType.ORDER_FILL, **order, fill_time_s=float(seconds), **amounts)
        return
    amounts = {name: value for name, value in amounts.items() if info.vol_exec > 0}
    if reason is None:
        events.append(EventType.ORDER_GIVEN_UP, **order, **amounts)
    else:
        events.append(EventType.ORDER_FILL_TIMEOUT, **order, reason=reason, **amounts)
