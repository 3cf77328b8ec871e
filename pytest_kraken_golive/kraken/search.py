"""Finding out what became of an order whose answer was lost, before anybody sends anything again.

Kraken: clordid, and what its users learned: after a time-out, a reset or a 5xx the order may stand, be filled, or still
be on its way. Seeing it settles the matter at once. Not seeing it settles nothing until the exchange can no longer
accept it: both clocks, ours and the exchange's own, must be past the deadline that it carried.

Open orders are read before closed ones, so that an order that is filled in between is in the second; fills are read
last, for those that the closed orders do not show yet.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.errors import KrakenError, OrderNotPlaced, OrderOutcomeUnknown
from pytest_kraken_golive.kraken.market_data import ServerTime
from pytest_kraken_golive.kraken.models import ClosedOrders, OrderInfo, PlacedOrder, TradesHistory
from pytest_kraken_golive.kraken.orders import Sent, same_client_id

_MARGIN_S: Final = 2.0
"""Seconds past a deadline within which an order that was accepted just before it may come to be seen."""
_MOST_BEHIND_S: Final = 60.0
"""Seconds for which an exchange's clock that is behind ours is waited for."""
_LONGEST_S: Final = 60.0 + _MARGIN_S
"""Seconds from sending after which every deadline is over (Kraken: Add order)."""
_ROUNDING_S: Final = 0.01
_MOST_PAGES: Final = 40
_IDS_AT_ONCE: Final = 50
_KEPT: Final = 10_000


class Books(Protocol):
    """What the search reads."""

    def server_time(self) -> ServerTime: ...  # noqa: D102 - as of KrakenClient, like all of these

    def open_orders(self, *, cl_ord_id: str | None = None) -> dict[str, OrderInfo]: ...  # noqa: D102

    def closed_orders(  # noqa: D102
        self, *, cl_ord_id: str | None = None, start: float | None = None, offset: int | None = None
    ) -> ClosedOrders: ...

    def trades_history(self, *, start: float | None = None, offset: int | None = None) -> TradesHistory: ...  # noqa: D102

    def query_orders(self, *txids: str) -> dict[str, OrderInfo]: ...  # noqa: D102


class _CannotTell(KrakenError):
    """The books were read, and still say nothing certain."""


@dataclass(frozen=True)
class _Wanted:
    """What to look for."""

    sent: Sent
    """What was sent."""
    not_before_s: float | None
    """An order that was opened earlier, by the exchange's clock, is another one; None: no other can have the id."""
    since_s: float
    """Where in the past the reading begins, by the exchange's clock."""


class Search:
    """Finds orders of one account by their client ids. Safe for threads.

    Args:
        books: reads the account.
        clock: our time.
    """

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books = books
        self._clock = clock
        self._lock = threading.Lock()
        self._settled: OrderedDict[str, Sent] = OrderedDict()

    def settled(self, txid: str, sent: Sent) -> None:
        """Note that the order of this id is what became of this one: no other one with the same client id is it."""
        with self._lock:
            self._settled[txid] = sent
            if len(self._settled) > _KEPT:
                self._settled.popitem(last=False)

    def find_out(self, endpoint: str, sent: Sent, reason: KrakenError) -> PlacedOrder:
        """What became of an order: the order, where it stands or stood.

        Raises:
            OrderNotPlaced: it is certain that it does not stand and will not.
            OrderOutcomeUnknown: the books could not be read, or do not say.
        """
        try:
            found = self._found(sent)
        except KrakenError as error:
            looked = error
        else:
            if found is None:
                raise OrderNotPlaced(endpoint, sent, reason) from reason
            txid, info = found
            self.settled(txid, sent)
            line, closing = info.descr.order, info.descr.close or None
            return PlacedOrder(
                cl_ord_id=sent.cl_ord_id, txid=txid, order=line, close=closing, validated_only=False, found=True
            )
        raise OrderOutcomeUnknown(endpoint, sent, reason, looked) from reason

    def _found(self, sent: Sent) -> tuple[str, OrderInfo] | None:
        wanted = self._wanted(sent)
        found = self._among_orders(wanted)
        if found is None:
            self.wait_past(sent.deadline_at_s)
            found = self._among_orders(wanted) or self._among_fills(wanted)
        return found

    def _wanted(self, sent: Sent) -> _Wanted:
        sent_at_s = self.exchange_time_of(sent.sent_at_s, sent.sent_monotonic_s)
        since_s = min(sent_at_s, sent.sent_at_s) - _MOST_BEHIND_S
        return _Wanted(sent, None if sent.fresh_id else sent_at_s, since_s)

    def exchange_time_of(self, at_s: float, monotonic_s: float) -> float:
        """A past moment by the exchange's clock (Unix time, s): this or, if anything, too early.

        Args:
            at_s: the moment by our clock.
            monotonic_s: the same in monotonic seconds.
        """
        # The exchange tells whole seconds, so its clock may be ahead of what it says, never behind.
        exchange_s = self._books.server_time().unixtime
        # Somebody may have set our clock since, and monotonic time may have stood while the machine slept: whichever
        # says that it was longer ago counts, for an order that is taken for an older one would be sent again.
        ago_s = max(self._clock.time() - at_s, self._clock.monotonic() - monotonic_s)
        return exchange_s - ago_s - _ROUNDING_S

    def wait_past(self, deadline_at_s: float) -> None:
        """Wait until nothing that carries this deadline (Unix time, s) can be accepted any more.

        Raises:
            KrakenError: the exchange did not tell its time, or is too far behind ours.
        """
        over_s, began_s = deadline_at_s + _MARGIN_S, self._clock.monotonic()
        # Never longer than any deadline runs: our clock may have been set back since.
        self._clock.sleep(min(over_s - self._clock.time(), _LONGEST_S))
        while (left_s := over_s - self._books.server_time().unixtime) > 0:
            waited_s = self._clock.monotonic() - began_s
            if self._clock.time() > over_s + _MOST_BEHIND_S or waited_s > _LONGEST_S + _MOST_BEHIND_S:
                raise _CannotTell(f"the exchange's clock is more than {_MOST_BEHIND_S:.0f} s behind ours")
            self._clock.sleep(min(left_s, _MOST_BEHIND_S))

    def _among_orders(self, wanted: _Wanted) -> tuple[str, OrderInfo] | None:
        for orders in self._pages_of_orders(wanted):
            mine = [(txid, info) for txid, info in orders.items() if self._is_it(wanted, txid, info)]
            if len(mine) > 1:
                raise _CannotTell(f"several orders have the client id: {', '.join(txid for txid, _ in mine)}")
            if mine:
                return mine[0]
        return None

    def _pages_of_orders(self, wanted: _Wanted) -> Iterator[dict[str, OrderInfo]]:
        yield self._books.open_orders(cl_ord_id=wanted.sent.cl_ord_id)
        seen = 0
        for _ in range(_MOST_PAGES):
            page = self._books.closed_orders(cl_ord_id=wanted.sent.cl_ord_id, start=wanted.since_s, offset=seen or None)
            yield page.closed
            seen += len(page.closed)
            if not page.closed or (page.count is not None and seen >= page.count):
                return
        raise _CannotTell(f"more than {_MOST_PAGES} pages of closed orders")

    def _is_it(self, wanted: _Wanted, txid: str, info: OrderInfo) -> bool:
        # An exchange that does not know the filter answers with every order, so each is looked at.
        if not same_client_id(info.cl_ord_id, wanted.sent.cl_ord_id):
            return False
        if wanted.not_before_s is None:
            return True
        with self._lock:
            return self._settled.get(txid, wanted.sent) is wanted.sent and info.opentm >= wanted.not_before_s

    def _among_fills(self, wanted: _Wanted) -> tuple[str, OrderInfo] | None:
        filled = sorted(self._filled_orders(wanted))
        for begin in range(0, len(filled), _IDS_AT_ONCE):
            for txid, info in self._books.query_orders(*filled[begin : begin + _IDS_AT_ONCE]).items():
                if self._is_it(wanted, txid, info):
                    return txid, info
        return None

    def _filled_orders(self, wanted: _Wanted) -> set[str]:
        seen = 0
        orders: set[str] = set()
        for _ in range(_MOST_PAGES):
            page = self._books.trades_history(start=wanted.since_s, offset=seen or None)
            orders.update(fill.ordertxid for fill in page.trades.values())
            seen += len(page.trades)
            if not page.trades or (page.count is not None and seen >= page.count):
                return orders
        raise _CannotTell(f"more than {_MOST_PAGES} pages of fills")
