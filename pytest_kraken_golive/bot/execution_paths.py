"""The two ways in which an order is executed, the old one and the new one, and what they have in common.

`legacy`: one limit order that takes at once, within a small distance of what the market asks.
`new`: a limit order that first rests behind its own side's top, and is then amended across the spread: the market has
some time to come nearer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

from pytest_kraken_golive.bot.strategy import Side
from pytest_kraken_golive.kraken.catalogue import UNKNOWN_ORDER, is_about
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError, LiveOrderRefused
from pytest_kraken_golive.kraken.models import OrderInfo
from pytest_kraken_golive.kraken.orders import Amendment, NewOrder

_ACROSS = Decimal("0.001")
"""Part of the price by which a taking limit is beyond the other side's top, so that it is filled whole; and by which a
resting one is behind its own."""
_PATIENCE_S = 5.0
"""An order that is not filled by then is cancelled."""
_FIRST_LOOK_S = 0.2
_STEADY_LOOK_S = 0.3
_FINAL = frozenset({"closed", "canceled", "expired"})


@dataclass(frozen=True)
class Intent:
    """An order that is wanted, before anybody decides how to execute it."""

    pair: str
    """Altname."""
    side: Side
    """`buy` or `sell`."""
    volume: Decimal
    """In base."""
    bid: Decimal
    """Best bid at the time of the decision."""
    ask: Decimal
    """Best ask."""
    tick: Decimal
    """Step of the price."""
    cl_ord_id: str
    """The client id that it will have."""

    @property
    def resting(self) -> Decimal:
        """A little behind the own side's top, on the pair's steps: what rests there is hardly taken by others."""
        price = self.bid * (1 - _ACROSS) if self.side == "buy" else self.ask * (1 + _ACROSS)
        return self._on_step(price, ROUND_FLOOR if self.side == "buy" else ROUND_CEILING)

    @property
    def taking(self) -> Decimal:
        """A little beyond the other side's top, on the pair's steps."""
        price = self.ask * (1 + _ACROSS) if self.side == "buy" else self.bid * (1 - _ACROSS)
        return self._on_step(price, ROUND_CEILING if self.side == "buy" else ROUND_FLOOR)

    def _on_step(self, price: Decimal, rounding: str) -> Decimal:
        return (price / self.tick).quantize(Decimal(1), rounding=rounding) * self.tick

    def order(self, price: Decimal) -> NewOrder:
        """As a limit order at a price."""
        return NewOrder(
            pair=self.pair,
            side=self.side,
            ordertype="limit",
            volume=self.volume,
            price=price,
            cl_ord_id=self.cl_ord_id,
            deadline_s=3.0,
        )


class ExecutionPath(Protocol):
    """One way to execute an order."""

    def first(self, intent: Intent) -> NewOrder:
        """The order that is sent."""
        ...

    def follow(self, intent: Intent, txid: str, look: Look) -> OrderInfo:
        """Stay with a placed order until it is over; the last look at it.

        Raises:
            KrakenError: it could not be followed.
        """
        ...


class Look:
    """Looks at one order again and again, with pauses; ends early when no more orders are wanted.

    Args:
        client: asks the exchange.
        txid: the order.
        pauses: seconds between looks; the last one goes on.
        halted: set when trading is suspended.
    """

    def __init__(
        self, client: KrakenClient, txid: str, pauses: Callable[[], Iterator[float]], halted: threading.Event
    ) -> None:
        self._client = client
        self._txid = txid
        self._pauses = pauses
        self._halted = halted

    def now(self) -> OrderInfo:
        """The order as it is; errors as of the client."""
        return self._client.query_orders(self._txid)[self._txid]

    def rest(self, pause_s: float) -> bool:
        """Let it be for that time; True as soon as trading is suspended."""
        return self._halted.wait(pause_s)

    def until(self, patience_s: float) -> OrderInfo:
        """The order when it is over, when patience is, or when trading is suspended."""
        left = patience_s
        info = self.now()
        for pause in self._pauses():
            if info.status in _FINAL or left <= 0 or self._halted.wait(min(pause, left)):
                break
            left -= pause
            info = self.now()
        return info


def steady() -> Iterator[float]:
    """The old poller: the same pause every time."""
    while True:
        yield _STEADY_LOOK_S


def widening() -> Iterator[float]:
    """The new poller: short pauses first, which double."""
    pause = _FIRST_LOOK_S
    while True:
        yield pause
        pause = min(2 * pause, 1.0)


class LegacyPath:
    """Takes at once.

    Args:
        client: talks to the exchange.
    """

    def __init__(self, client: KrakenClient) -> None:
        self._client = client

    def first(self, intent: Intent) -> NewOrder:
        """A limit order that takes."""
        return intent.order(intent.taking)

    def follow(self, intent: Intent, txid: str, look: Look) -> OrderInfo:
        """Wait for the fill; cancel what is left when patience is over."""
        return ended(self._client, txid, look, look.until(_PATIENCE_S))


class NewPath:
    """Rests first, then takes.

    Args:
        client: talks to the exchange.
        rest_s: for how long.
    """

    def __init__(self, client: KrakenClient, rest_s: float) -> None:
        self._client = client
        self._rest_s = rest_s

    def first(self, intent: Intent) -> NewOrder:
        """A limit order that rests."""
        return intent.order(intent.resting)

    def follow(self, intent: Intent, txid: str, look: Look) -> OrderInfo:
        """Rest a while, amend the limit across the spread, and wait for the fill."""
        if look.rest(self._rest_s):  # the exchange knows best whether it is still open
            cancel(self._client, txid)
            return look.now()
        info = look.now()
        if info.status in _FINAL:
            return info
        try:
            self._client.amend_order(Amendment(txid=txid, limit_price=intent.taking, deadline_s=3.0))
        except (ExchangeError, LiveOrderRefused) as error:
            info = look.now()
            if info.status not in _FINAL:  # else it was filled while the amendment was on its way
                ended(self._client, txid, look, info)
                raise error
        return ended(self._client, txid, look, look.until(_PATIENCE_S))


def ended(client: KrakenClient, txid: str, look: Look, info: OrderInfo) -> OrderInfo:
    """The order when it is over: one that is still open is cancelled first.

    Raises:
        KrakenError: it could not be cancelled or looked at.
    """
    if info.status in _FINAL:
        return info
    cancel(client, txid)
    return look.now()


def cancel(client: KrakenClient, txid: str) -> bool:
    """Cancel an order; False if it was not open any more.

    Raises:
        KrakenError: the exchange refused it for another reason, or does not answer.
    """
    try:
        client.cancel_order(txid)
    except ExchangeError as error:
        if any(is_about(text, UNKNOWN_ORDER) for text in error.errors):
            return False
        raise
    return True


def reason_of(error: KrakenError) -> str:
    """Why an order failed, short enough to be counted: the exchange's first error string, or the kind of failure."""
    return error.errors[0] if isinstance(error, ExchangeError) and error.errors else type(error).__name__
