"""What a service finds when it starts: the events so far, and orders that a killed predecessor left without an end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pytest_kraken_golive.bot.execution_paths import cancel
from pytest_kraken_golive.bot.executor import write_end
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.models import OrderInfo
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.flags import Component
from pytest_kraken_golive.telemetry.rollback import EventSink
from pytest_kraken_golive.telemetry.trading_metrics import ENDINGS

_ORDER = ("exchange", "cl_ord_id", "pair", "side", "volume")
_OPEN = frozenset({"open", "pending"})


@dataclass
class Past:
    """What the events say about the time before this start."""

    open: dict[str, Event] = field(default_factory=dict)
    """Client id to the `order_submitted` of an order without an end."""
    undecided: set[str] = field(default_factory=set)
    """Client ids that were decided on since the last start, without a word about what became of them."""
    position: dict[str, Decimal] = field(default_factory=dict)
    """Pair to what was bought and not sold again, in base."""

    def follow(self, events: Iterable[Event]) -> Iterator[Event]:
        """Pass the events on, and take note of what they say."""
        for event in events:
            self._note(event)
            yield event

    def _note(self, event: Event) -> None:
        order = event.payload.get("cl_ord_id")
        if event.type == EventType.STARTUP:
            self.undecided.clear()
        elif not isinstance(order, str):
            return
        elif event.type == EventType.FF_DECISION and event.payload.get("component") == Component.EXECUTION.value:
            self.undecided.add(order)
        elif event.type == EventType.ORDER_SUBMITTED:
            self.undecided.discard(order)
            self.open[order] = event
        elif event.type in ENDINGS:
            self.undecided.discard(order)
            self.open.pop(order, None)
            self._move(event)

    def _move(self, event: Event) -> None:
        volume = event.amount("volume_filled")
        pair, side = event.payload.get("pair"), event.payload.get("side")
        if volume and isinstance(pair, str):
            self.position[pair] = self.position.get(pair, Decimal(0)) + (volume if side == "buy" else -volume)


def settle_open_orders(past: Past, client: KrakenClient, events: EventSink) -> None:
    """Give every order without an end its end: what still rests is cancelled.

    Raises:
        Fault: an event lacks the order's id.
        KrakenError: the exchange does not say.
    """
    by_txid = {event.text("txid"): event for event in past.open.values()}
    for txid, event in by_txid.items():
        info = _ended(client, txid)
        order = {name: event.payload[name] for name in _ORDER if name in event.payload}
        write_end(events, order, info, "left by a service that ended without stopping")
    past.open.clear()


def find_unreported(past: Past, client: KrakenClient) -> list[dict[str, Any]]:
    """Orders that reached the exchange although no event says so, because the service was killed in between.

    What rests of them is cancelled. They are told in the event `startup`: how long the exchange took to accept them is
    not known, so that they are in no metrics.
    """
    found = []
    for name in sorted(past.undecided):
        orders = {**client.closed_orders(cl_ord_id=name).closed, **client.open_orders(cl_ord_id=name)}
        for txid in orders:
            info = _ended(client, txid)
            moved = info.vol_exec if info.descr.type == "buy" else -info.vol_exec
            past.position[info.descr.pair] = past.position.get(info.descr.pair, Decimal(0)) + moved
            amounts = {"volume_filled": info.vol_exec, "cost": info.cost, "fee": info.fee}
            found.append({"cl_ord_id": name, "txid": txid, "status": info.status, **amounts})
    past.undecided.clear()
    return found


def own_open_orders(client: KrakenClient, prefix: str) -> list[str]:
    """Ids of the open orders whose client id begins with this; nobody else's."""
    return [txid for txid, info in client.open_orders().items() if (info.cl_ord_id or "").startswith(prefix)]


def _ended(client: KrakenClient, txid: str) -> OrderInfo:
    info = client.query_orders(txid).get(txid)
    if info is not None and info.status in _OPEN:
        cancel(client, txid)
        info = client.query_orders(txid).get(txid)
    if info is None:
        raise Fault(
            f"{txid}: expected the exchange to know the order, found that it does not. Next: look at its books."
        )
    return info
