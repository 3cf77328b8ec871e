"""Small real orders for measuring: each is placed, followed to its end within a bounded time, and written as events."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.catalogue import UNKNOWN_ORDER, is_about
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError
from pytest_kraken_golive.kraken.market_data import AssetPair, Depth
from pytest_kraken_golive.kraken.models import OrderInfo
from pytest_kraken_golive.kraken.orders import NewOrder, Side
from pytest_kraken_golive.telemetry.events import Event, EventType

_BEYOND = Decimal("0.005")
"""How far beyond the best price an order's limit lies: it trades at once, and never at any price."""
_LOOK_AGAIN_S = 0.25

Append = Callable[..., Event]
"""Writes an event: `append(type, **payload)`."""


@dataclass
class Attempt:
    """An order that was sent."""

    number: int
    """Its place among the orders of the trial."""
    cl_ord_id: str
    """Its client id."""
    side: Side
    """`buy` or `sell`."""
    best_price: Decimal
    """The best price of the other side directly before."""
    latency_s: float
    """Seconds until the answer, without waiting for a bucket."""
    wait_s: float
    """Seconds that it waited for a bucket of the client's own."""
    placed_at_s: float
    """The clock's monotonic seconds at which the answer was there."""
    txid: str | None = None
    """None: refused, or checked only."""
    reason: str | None = None
    """Why it was not placed; None where it was accepted."""
    info: OrderInfo | None = None
    """As it stood at its end; None while it is not known."""

    @property
    def filled(self) -> bool:
        """Whether all of it was filled."""
        return self.info is not None and self.info.status == "closed" and self.info.vol_exec >= self.info.vol > 0


@dataclass
class Trial:
    """Sends orders of one pair, and answers for all of them.

    Without `places` orders are only checked by the exchange: none is placed, and no event is written.
    """

    client: KrakenClient
    """Talks to the exchange."""
    pair_name: str
    """Altname."""
    pair: AssetPair
    """The exchange's rules."""
    append: Append
    """Writes events."""
    clock: Clock
    """Measures."""
    places: bool
    """Whether orders are real."""
    exchange: str
    """The exchange's label in events."""
    fee_assumed_pct: Decimal
    """Taker fee that is assumed, in percent."""
    longest_wait_s: float
    """How long a fill is waited for (`SMC_BENCH_MAX_WAIT`)."""
    prefix: str = field(default_factory=lambda: f"kgbench{secrets.token_hex(3)}")
    """How the client ids of its orders begin."""
    attempts: list[Attempt] = field(default_factory=list)
    """All that was sent."""

    def smallest_volume(self) -> Decimal:
        """The pair's minimum, at the present price."""
        price = self.client.depth(self.pair_name, 1).bids[0].price
        least = max(self.pair.ordermin or Decimal(0), (self.pair.costmin or Decimal(0)) / (price * (1 - _BEYOND)))
        return _stepped(least, Decimal(1).scaleb(-self.pair.lot_decimals), ROUND_CEILING)

    def round(self, volume: Decimal, count: int, **tags: Any) -> list[Attempt]:
        """Send orders one after the other - a buy, a sell, a buy, ... - and follow them to their ends.

        Args:
            volume: of each.
            count: how many.
            tags: written into their events.

        Raises:
            KrakenError: the exchange cannot be asked for prices, or what became of an order is not known.
        """
        book = self.client.depth(self.pair_name, 1)
        sent = [self._send("sell" if place % 2 else "buy", volume, book, tags) for place in range(count)]
        self._follow([one for one in sent if one.txid is not None], tags)
        return sent

    def left_open(self) -> dict[str, OrderInfo]:
        """Its orders that are open, by the exchange's own answer."""
        if not self.places:
            return {}
        return {
            txid: order
            for txid, order in self.client.open_orders().items()
            if (order.cl_ord_id or "").startswith(self.prefix)
        }

    def _send(self, side: Side, volume: Decimal, book: Depth, tags: Mapping[str, Any]) -> Attempt:
        best = (book.asks if side == "buy" else book.bids)[0].price
        limit = best * (1 + _BEYOND) if side == "buy" else best * (1 - _BEYOND)
        tick = self.pair.tick_size or Decimal(1).scaleb(-self.pair.pair_decimals)
        order = NewOrder(
            pair=self.pair_name,
            side=side,
            ordertype="limit",
            volume=volume,
            price=_stepped(limit, tick, ROUND_FLOOR if side == "buy" else ROUND_CEILING),
            cl_ord_id=f"{self.prefix}-{len(self.attempts)}",
        )
        began_s, waited_s = self.clock.monotonic(), self.client.waited_s
        txid, reason = None, None
        try:
            txid = self.client.place_order(order, validate=not self.places).txid
        except KrakenError as error:
            if error.may_have_acted:
                raise
            reason = error.errors[0] if isinstance(error, ExchangeError) else type(error).__name__
        wait_s = self.client.waited_s - waited_s
        ended_s = self.clock.monotonic()
        latency_s = max(0.0, ended_s - began_s - wait_s)
        attempt = Attempt(
            len(self.attempts), str(order.cl_ord_id), side, best, latency_s, wait_s, ended_s, txid, reason
        )
        self.attempts.append(attempt)
        self._write_start(attempt, volume, tags)
        return attempt

    def _write_start(self, one: Attempt, volume: Decimal, tags: Mapping[str, Any]) -> None:
        order = {**self._order(one), **tags, "volume": volume, "best_price": one.best_price}
        if one.reason is not None:
            self.append(EventType.ORDER_REJECTED, **order, latency_s=one.latency_s, reason=one.reason)
        elif one.txid is not None:
            self.append(
                EventType.ORDER_SUBMITTED,
                **order,
                txid=one.txid,
                latency_s=one.latency_s,
                fee_assumed_pct=self.fee_assumed_pct,
            )

    def _order(self, one: Attempt) -> dict[str, Any]:
        return {"exchange": self.exchange, "cl_ord_id": one.cl_ord_id, "pair": self.pair_name, "side": one.side}

    def _follow(self, sent: Sequence[Attempt], tags: Mapping[str, Any]) -> None:
        """Wait for the ends of orders, so long as may be, then cancel what is open."""
        open_ = {one.txid: one for one in sent if one.txid is not None}
        cancelled = False
        while open_:
            for txid, info in self.client.query_orders(*open_).items():
                if info.status not in {"open", "pending"}:
                    one = open_.pop(txid)
                    one.info = info
                    self._write_end(one, info, tags)
            if not open_:
                return
            if self.clock.monotonic() - min(one.placed_at_s for one in open_.values()) >= self.longest_wait_s:
                if cancelled:
                    return  # still not final; `left_open` tells
                cancelled = True
                self._cancel(list(open_))
            else:
                self.clock.sleep(min(_LOOK_AGAIN_S, self.longest_wait_s))

    def _cancel(self, txids: Sequence[str]) -> None:
        try:
            self.client.cancel_orders(txids)
        except ExchangeError as error:
            if not is_about(error.errors[0], UNKNOWN_ORDER):  # else none of them is open any more
                raise

    def cancel_what_is_open(self) -> None:
        """Cancel those of its orders that the exchange still calls open, and nothing else."""
        if txids := list(self.left_open()):
            self._cancel(txids)

    def _write_end(self, one: Attempt, info: OrderInfo, tags: Mapping[str, Any]) -> None:
        order = {**self._order(one), **tags}
        if one.filled:
            seconds = max(0.0, float((info.closetm or info.opentm) - info.opentm))
            self.append(
                EventType.ORDER_FILL, **order, fill_time_s=seconds, cost=info.cost, fee=info.fee, price=info.price
            )
        else:
            self.append(EventType.ORDER_FILL_TIMEOUT, **order, reason=f"not filled within {self.longest_wait_s:g} s")


def _stepped(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step
