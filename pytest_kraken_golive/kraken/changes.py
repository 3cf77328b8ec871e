"""Changing an order: sent once, and looked up where the answer was lost. Source: Kraken: Amend order, Edit order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken import calls, models
from pytest_kraken_golive.kraken.dispatch import Dispatch
from pytest_kraken_golive.kraken.errors import (
    ChangeNotMade,
    KrakenError,
    MalformedAnswerError,
    OutcomeUnknown,
    exchange_error,
)
from pytest_kraken_golive.kraken.interlock import Exposure, exposure_of_change
from pytest_kraken_golive.kraken.models import AmendResult, ClosedOrders, EditResult, OrderAmend, OrderAmends, OrderInfo
from pytest_kraken_golive.kraken.order_prices import LIMITS
from pytest_kraken_golive.kraken.orders import Amendment, Edit, same_client_id
from pytest_kraken_golive.kraken.search import Search

T = TypeVar("T")
_NS_PER_S = 1_000_000_000


class Orders(Protocol):
    """What is read to see whether a change was made."""

    def open_orders(self, *, cl_ord_id: str | None = None) -> dict[str, OrderInfo]:
        """Open orders by order id."""
        ...

    def closed_orders(self, *, cl_ord_id: str | None = None) -> ClosedOrders:
        """The latest closed orders."""
        ...

    def query_orders(self, *txids: str) -> dict[str, OrderInfo]:
        """Orders by order id."""
        ...

    def order_amends(self, txid: str) -> OrderAmends:
        """The changes of an order."""
        ...


class Changes:
    """Amends and edits the orders of one client.

    Args:
        dispatch: makes the calls.
        search: knows when a deadline is surely over.
        orders: reads orders.
        clock: for deadlines.
    """

    def __init__(self, dispatch: Dispatch, search: Search, orders: Orders, clock: Clock) -> None:
        self._dispatch = dispatch
        self._search = search
        self._orders = orders
        self._clock = clock

    def open_order(self, txid: str | None, cl_ord_id: str | None) -> tuple[str, OrderInfo] | None:
        """The open order of that id or client id, with its id; None where there is none."""
        for found, info in self._orders.open_orders(cl_ord_id=cl_ord_id).items():
            if found == txid or (cl_ord_id is not None and same_client_id(info.cl_ord_id, cl_ord_id)):
                return found, info
        return None

    def exposure(self, change: Amendment | Edit) -> Exposure | None:
        """What the order comes to by the change; None where it is not open."""
        found = self.open_order(change.txid, change.cl_ord_id if isinstance(change, Amendment) else None)
        if found is None:
            return None
        info = found[1]
        if isinstance(change, Edit):
            new = (change.price, change.price2)
        elif info.descr.ordertype in LIMITS:
            new = (change.limit_price, None)
        else:
            new = (change.trigger_price, change.limit_price)
        return exposure_of_change(info, change.volume, new)

    def amend(self, change: Amendment) -> AmendResult:
        """Amend an order; see `TradingCalls.amend_order`."""
        name = change.txid or change.cl_ord_id or ""
        sent_at_s, sent_monotonic_s = self._clock.time(), self._clock.monotonic()

        def look() -> AmendResult | None:
            txid = change.txid or self._txid_of(change.cl_ord_id or "")
            if txid is None:
                return None
            since_s = self._search.exchange_time_of(sent_at_s, sent_monotonic_s)
            for amend in self._orders.order_amends(txid).amends:
                if amend.timestamp >= since_s * _NS_PER_S and _shows(amend, change):
                    return AmendResult(amend_id=amend.amend_id, found=True)
            raise _NotMade

        return self._make(calls.AMEND_ORDER, name, change, change.fields, read=models.read_amended, look=look)

    def _txid_of(self, cl_ord_id: str) -> str | None:
        """Id of the order of a client id, open or closed; None where it cannot be told."""
        found = self.open_order(None, cl_ord_id)
        if found is not None:
            return found[0]
        closed = self._orders.closed_orders(cl_ord_id=cl_ord_id).closed
        named = [txid for txid, info in closed.items() if same_client_id(info.cl_ord_id, cl_ord_id)]
        return named[0] if len(named) == 1 else None

    def edit(self, change: Edit, *, validate: bool) -> EditResult:
        """Edit an order; see `TradingCalls.edit_order`."""

        def look() -> EditResult | None:
            info = self._orders.query_orders(change.txid).get(change.txid)
            if info is not None and info.status == "open":
                raise _NotMade
            return None  # its successor bears no name by which it could be told from other orders

        def read(endpoint: str, result: Any) -> EditResult:
            return _edited(endpoint, models.read_edited(endpoint, result), validate=validate)

        def fields(deadline_at_s: float) -> dict[str, str]:
            return change.fields(deadline_at_s, validate=validate)

        if validate:
            at_s = self._clock.time
            return self._dispatch.call(calls.VALIDATE_EDIT, lambda: fields(at_s() + change.deadline_s), read)
        return self._make(calls.EDIT_ORDER, change.txid, change, fields, read=read, look=look)

    def _make(
        self,
        call: calls.Call,
        name: str,
        change: Amendment | Edit,
        fields: Callable[[float], dict[str, str]],
        *,
        read: Callable[[str, Any], T],
        look: Callable[[], T | None],
    ) -> T:
        deadline_at_s = self._clock.time() + change.deadline_s

        def stamped() -> dict[str, str]:
            nonlocal deadline_at_s
            deadline_at_s = self._clock.time() + change.deadline_s
            return fields(deadline_at_s)

        try:
            return self._dispatch.call(call, stamped, read)
        except KrakenError as error:
            if not error.may_have_acted:
                raise
            reason = error
        try:
            self._search.wait_past(deadline_at_s)
            found = look()
        except _NotMade:
            raise ChangeNotMade(call.name, name, reason) from reason
        except KrakenError as looked:
            step = f"look at order {name} and at the open orders; looking failed too: {looked}"
            raise OutcomeUnknown(call.name, f"the change of order {name}", reason, step) from reason
        if found is None:
            step = f"look at order {name}, which is no longer open as it was, and at the open orders"
            raise OutcomeUnknown(call.name, f"the change of order {name}", reason, step) from reason
        return found


class _NotMade(Exception):
    """The change is certain not to have been made."""


def _shows(amend: OrderAmend, change: Amendment) -> bool:
    """Whether a change on the exchange's books is this one, as far as its prices are fixed."""
    told = (
        (amend.order_qty, change.volume),
        (amend.display_qty, change.display_volume),
        (amend.limit_price, change.limit_price),
        (amend.trigger_price, change.trigger_price),
    )
    fixed = all(found == wanted for found, wanted in told if isinstance(wanted, Decimal))
    return fixed and amend.amend_type == "user"


def _edited(endpoint: str, result: EditResult, *, validate: bool) -> EditResult:
    if result.error_message or (result.status is not None and result.status.lower() != "ok"):
        raise exchange_error(endpoint, [result.error_message or f"EOrder:status {result.status}"])
    if bool(result.txid) == validate:
        problem = "an order id although validate=true" if validate else "none"
        raise MalformedAnswerError(endpoint, f"expected {'no ' if validate else 'an '}order id, found {problem}")
    return result
