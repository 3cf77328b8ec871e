"""Changing an order: sent once, and looked up where the answer was lost. Source: Kraken: Amend order, Edit order."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
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
from pytest_kraken_golive.kraken.models import AmendResult, EditResult, OrderInfo
from pytest_kraken_golive.kraken.orders import Amendment, Edit, same_client_id
from pytest_kraken_golive.kraken.search import Search

T = TypeVar("T")
_PLAIN = frozenset({"limit", "iceberg"})


class Orders(Protocol):
    """What is read to see whether a change was made."""

    def open_orders(self, *, cl_ord_id: str | None = None) -> dict[str, OrderInfo]:
        """Open orders by order id."""
        ...

    def query_orders(self, *txids: str) -> dict[str, OrderInfo]:
        """Orders by order id."""
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
        elif info.descr.ordertype in _PLAIN:
            new = (change.limit_price, None)
        else:
            new = (change.trigger_price, change.limit_price)
        return exposure_of_change(info, change.volume, new)

    def amend(self, change: Amendment) -> AmendResult:
        """Amend an order; see `TradingCalls.amend_order`."""
        name = change.txid or change.cl_ord_id or ""

        def look() -> AmendResult | None:
            if change.txid is not None:
                info = self._orders.query_orders(change.txid).get(change.txid)
            else:
                info = (self.open_order(None, change.cl_ord_id) or ("", None))[1]
            made = None if info is None else _is_amended(info, change)
            if made is False and info is not None and info.status == "open":
                raise _NotMade
            return AmendResult() if made else None

        def read(endpoint: str, result: Any) -> AmendResult:
            return AmendResult(amend_id=models.read_amended(endpoint, result).amend_id)

        return self._make(calls.AMEND_ORDER, name, change, change.fields, read=read, look=look)

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
    """The order stands as it stood."""


def _is_amended(info: OrderInfo, change: Amendment) -> bool | None:
    """Whether an order shows what the change asked for; None where it does not show such a thing."""
    shown: list[tuple[object, object]] = []
    if change.volume is not None:
        shown.append((info.vol, change.volume))
    if isinstance(change.limit_price, Decimal) and info.descr.ordertype in _PLAIN:
        shown.append((_number(info.descr.price), change.limit_price))
    return all(found == wanted for found, wanted in shown) if shown else None


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _edited(endpoint: str, result: EditResult, *, validate: bool) -> EditResult:
    if result.error_message or (result.status is not None and result.status.lower() != "ok"):
        raise exchange_error(endpoint, [result.error_message or f"EOrder:status {result.status}"])
    if bool(result.txid) == validate:
        problem = "an order id although validate=true" if validate else "none"
        raise MalformedAnswerError(endpoint, f"expected {'no ' if validate else 'an '}order id, found {problem}")
    return result
