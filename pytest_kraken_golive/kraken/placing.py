"""Sending orders, each at most once, and answering for every one of them.

An order leaves with a client id and a deadline. Where its answer is lost it is looked for (`search`) before anybody may
send it again: what is not known to be settled is remembered, and a second order of the same client id finds out first.
Source: Kraken: Add order, clordid, API errors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken import calls, models
from pytest_kraken_golive.kraken.catalogue import CL_ORD_ID_TAKEN, is_about
from pytest_kraken_golive.kraken.dispatch import Dispatch
from pytest_kraken_golive.kraken.errors import (
    ExchangeError,
    KrakenError,
    MalformedAnswerError,
    OrderNotPlaced,
    OrderOutcomeUnknown,
    RequestRefused,
    exchange_error,
)
from pytest_kraken_golive.kraken.models import AddOrderResult, BatchEntry, BatchResult, PlacedOrder
from pytest_kraken_golive.kraken.orders import NewOrder, Sent, new_cl_ord_id, rfc3339
from pytest_kraken_golive.kraken.search import Search

BatchItem = PlacedOrder | KrakenError
"""What became of one order of a batch: the order, or the error that `place_order` would have raised for it."""


class _PlacedUnasked(MalformedAnswerError):
    """An order id came back for an order that was only to be checked."""


class Placing:
    """Places the orders of one client. Safe for threads.

    Args:
        dispatch: makes the calls.
        search: finds what was sent.
        clock: for deadlines.
        order_ids: gives client ids to orders that bring none.
    """

    def __init__(self, dispatch: Dispatch, search: Search, clock: Clock, order_ids: Callable[[], str]) -> None:
        self._dispatch = dispatch
        self._search = search
        self._clock = clock
        self._order_ids = order_ids
        # Threads share it without a lock: each step is one step of a dict.
        self._unsettled: dict[str, OrderOutcomeUnknown | Sent] = {}

    def check(self, order: NewOrder) -> PlacedOrder:
        """Let the exchange check an order; nothing is placed, so it may be repeated like a read."""
        sent = self._about_to_send(order)

        def read(endpoint: str, result: Any) -> PlacedOrder:
            return _placed(endpoint, models.read_placed(endpoint, result), sent, validate=True)

        try:
            return self._dispatch.call(calls.VALIDATE_ORDER, lambda: self._fields(order, sent, validate=True), read)
        except _PlacedUnasked as error:
            raise OrderOutcomeUnknown(calls.ADD_ORDER.name, sent, error) from error

    def place(self, order: NewOrder, *, find_out: bool) -> PlacedOrder:
        """Place an order; `find_out` False leaves the search for a lost one to the caller."""
        sent = self._about_to_send(order)
        earlier = self._earlier_attempt(sent)
        if earlier is not None:
            return earlier
        endpoint = calls.ADD_ORDER.name

        def read(name: str, result: Any) -> PlacedOrder:
            return _placed(name, models.read_placed(name, result), sent, validate=False)

        self._about_to_leave(sent)
        try:
            placed = self._dispatch.call(calls.ADD_ORDER, lambda: self._fields(order, sent, validate=False), read)
        except KrakenError as error:
            if not error.may_have_acted:
                self._forget(sent)
                raise
            unknown = self._remember(endpoint, sent, error)
            if not find_out:
                raise unknown from error
            if isinstance(error, ExchangeError) and any(is_about(text, CL_ORD_ID_TAKEN) for text in error.errors):
                return self._holder_of_id(endpoint, order, sent, error)
            return self.find_out(unknown)
        self._settle(sent, placed)
        return placed

    def place_all(self, orders: Sequence[NewOrder], *, validate: bool) -> tuple[BatchItem, ...]:
        """Place 2 to 15 orders of one pair with one call, or have them checked; one item for each, in order."""
        sents = [self._about_to_send(order) for order in orders]
        found = [None if validate else self._earlier_attempt(sent) for sent in sents]
        if any(found):
            raise ValueError("a batch cannot repeat an order whose outcome is not settled: find_out comes first.")
        call = calls.VALIDATE_BATCH if validate else calls.ADD_ORDER_BATCH

        def fields() -> dict[str, Any]:
            deadline_at_s = self._clock.time() + min(order.deadline_s for order in orders)
            for sent in sents:
                sent.deadline_at_s = deadline_at_s
            return _batch_fields(orders, sents, validate=validate)

        def read(name: str, result: Any) -> tuple[BatchItem, ...]:
            return _batch_items(name, models.read_batch(name, result), sents, validate=validate)

        if validate:
            return self._dispatch.call(call, fields, read)
        for sent in sents:
            self._about_to_leave(sent)
        try:
            items = self._dispatch.call(call, fields, read)
        except KrakenError as error:
            if not error.may_have_acted:
                for sent in sents:
                    self._forget(sent)
                raise
            items = tuple(error for _ in sents)
        return tuple(self._settled(call.name, sent, item) for sent, item in zip(sents, items, strict=True))

    def _settled(self, endpoint: str, sent: Sent, item: BatchItem) -> BatchItem:
        if isinstance(item, PlacedOrder):
            self._settle(sent, item)
            return item
        if not item.may_have_acted:
            self._forget(sent)
            return item
        try:
            return self.find_out(self._remember(endpoint, sent, item))
        except KrakenError as error:
            return error

    def find_out(self, unknown: OrderOutcomeUnknown) -> PlacedOrder:
        """What became of an order whose answer was lost; see `Search.find_out`."""
        try:
            placed = self._search.find_out(unknown.endpoint or "", unknown.sent, unknown.reason)
        except OrderNotPlaced:
            self._forget(unknown.sent)
            raise
        self._settle(unknown.sent, placed)
        return placed

    def _about_to_send(self, order: NewOrder) -> Sent:
        cl_ord_id = self._order_ids() if order.cl_ord_id is None else order.cl_ord_id
        fresh = order.cl_ord_id is None and self._order_ids is new_cl_ord_id
        now_s = self._clock.time()
        return Sent(cl_ord_id, fresh, now_s, now_s + order.deadline_s)

    def _fields(self, order: NewOrder, sent: Sent, *, validate: bool) -> dict[str, str]:
        sent.deadline_at_s = self._clock.time() + order.deadline_s
        return order.fields(sent.cl_ord_id, sent.deadline_at_s, validate=validate)

    def _earlier_attempt(self, sent: Sent) -> PlacedOrder | None:
        """The order of an earlier, unsettled attempt with the same client id; None where there is none to stand."""
        unknown = self._unsettled.get(sent.cl_ord_id)
        if unknown is None:
            return None
        if isinstance(unknown, Sent):  # the caller's own exception cut its call short
            endpoint = calls.ADD_ORDER.name
            interrupted = KrakenError(f"{endpoint}: the call was interrupted.", endpoint=endpoint)
            unknown = OrderOutcomeUnknown(endpoint, unknown, interrupted)
        try:
            return self.find_out(unknown)
        except OrderNotPlaced:
            return None

    def _holder_of_id(self, endpoint: str, order: NewOrder, sent: Sent, error: ExchangeError) -> PlacedOrder:
        """The order that already has this client id, where it is the same order: an earlier attempt came through."""
        of_any_age = Sent(sent.cl_ord_id, True, sent.sent_at_s, sent.deadline_at_s)
        placed = self.find_out(self._remember(endpoint, of_any_age, error))
        if not _same_terms(order, placed.order):
            note = f"The order {placed.txid} has this client id and other terms; this one was not placed. "
            refused = RequestRefused(endpoint, error.errors, error.warnings, note)
            refused.may_have_acted = False
            raise refused from error
        return placed

    def _about_to_leave(self, sent: Sent) -> None:
        self._unsettled[sent.cl_ord_id] = sent

    def _remember(self, endpoint: str, sent: Sent, reason: KrakenError) -> OrderOutcomeUnknown:
        unknown = OrderOutcomeUnknown(endpoint, sent, reason)
        self._unsettled[sent.cl_ord_id] = unknown
        return unknown

    def _forget(self, sent: Sent) -> None:
        self._unsettled.pop(sent.cl_ord_id, None)

    def _settle(self, sent: Sent, placed: PlacedOrder) -> None:
        self._forget(sent)
        if placed.txid is not None:
            self._search.settled(placed.txid)


def _same_terms(order: NewOrder, line: str) -> bool:
    """Whether the exchange's line about an order, `buy 0.10000000 XBTUSD @ stop loss 50.0 -> limit 49.0`, fits."""
    kind = order.ordertype.removesuffix("-limit").split("-")
    side, volume, _, _, *rest = [*line.split(), "", "", "", ""]
    if side != order.side or rest[: len(kind)] != kind:
        return False
    try:
        same_price = not isinstance(order.price, Decimal) or Decimal(rest[len(kind)]) == order.price
        return same_price and Decimal(volume) == order.volume
    except InvalidOperation:
        return False


def _placed(endpoint: str, result: AddOrderResult, sent: Sent, *, validate: bool) -> PlacedOrder:
    ids = result.txid or ()
    if validate and ids:
        raise _PlacedUnasked(endpoint, "expected a check without an order, found an order id although validate=true")
    if not validate and (len(ids) != 1 or not ids[0]):
        raise MalformedAnswerError(endpoint, f"expected one order id in result.txid, found {len(ids)}")
    txid = ids[0] if ids else None
    return PlacedOrder(cl_ord_id=sent.cl_ord_id, txid=txid, order=result.descr.order, validated_only=validate)


def _batch_fields(orders: Sequence[NewOrder], sents: Sequence[Sent], *, validate: bool) -> dict[str, Any]:
    entries = [{**order.terms(), "cl_ord_id": sent.cl_ord_id} for order, sent in zip(orders, sents, strict=True)]
    deadline = rfc3339(sents[0].deadline_at_s)
    fields: dict[str, Any] = {"pair": orders[0].pair, "orders": entries, "deadline": deadline}
    return {**fields, "validate": True} if validate else fields


def _batch_items(endpoint: str, result: BatchResult, sents: Sequence[Sent], *, validate: bool) -> tuple[BatchItem, ...]:
    if len(result.orders) != len(sents):
        raise MalformedAnswerError(endpoint, f"expected {len(sents)} orders in result, found {len(result.orders)}")
    return tuple(
        _batch_item(endpoint, entry, sent, validate=validate) for entry, sent in zip(result.orders, sents, strict=True)
    )


def _batch_item(endpoint: str, entry: BatchEntry, sent: Sent, *, validate: bool) -> BatchItem:
    if entry.error is not None:
        return exchange_error(endpoint, [entry.error])
    if entry.descr is None or (validate and entry.txid) or not (validate or entry.txid):
        return MalformedAnswerError(endpoint, f"expected an order id or an error for order {sent.cl_ord_id}")
    line = entry.descr.order
    return PlacedOrder(cl_ord_id=sent.cl_ord_id, txid=entry.txid, order=line, validated_only=validate)
