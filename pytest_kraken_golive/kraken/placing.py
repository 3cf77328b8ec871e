"""Sending orders, each at most once, and answering for every one of them.

An order leaves with a client id and a deadline. Where its answer is lost it is looked for (`search`) before anybody may
send it again: what is not known to be settled is remembered, and a second order of the same client id finds out first.
Source: Kraken: Add order, clordid, API errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken import calls, models
from pytest_kraken_golive.kraken.catalogue import CL_ORD_ID_TAKEN, is_about
from pytest_kraken_golive.kraken.dispatch import Dispatch
from pytest_kraken_golive.kraken.errors import (
    ExchangeError,
    KrakenError,
    MalformedAnswerError,
    NotSentError,
    OrderNotPlaced,
    OrderOutcomeUnknown,
    RequestRefused,
    exchange_error,
)
from pytest_kraken_golive.kraken.models import AddOrderResult, BatchEntry, BatchResult, PlacedOrder
from pytest_kraken_golive.kraken.orders import NewOrder, Sent, new_cl_ord_id, rfc3339
from pytest_kraken_golive.kraken.recognition import is_meant
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
        altname_of: the exchange's short name of a pair; None where it does not know it.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        search: Search,
        clock: Clock,
        order_ids: Callable[[], str],
        altname_of: Callable[[str], str | None],
    ) -> None:
        self._dispatch = dispatch
        self._search = search
        self._clock = clock
        self._order_ids = order_ids
        self._altname_of = altname_of
        self._lock = threading.Lock()
        self._unsettled: dict[str, OrderOutcomeUnknown | Sent] = {}
        """By client id: orders on their way, and those whose outcome is unknown."""

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
        earlier = self._claimed(order, sent)
        if earlier is not None:
            return earlier
        endpoint = calls.ADD_ORDER.name

        def read(name: str, result: Any) -> PlacedOrder:
            return _placed(name, models.read_placed(name, result), sent, validate=False)

        try:
            placed = self._dispatch.call(calls.ADD_ORDER, lambda: self._fields(order, sent, validate=False), read)
        except KrakenError as error:
            if not error.may_have_acted:
                self._forget(sent)
                raise
            unknown = self._remember(endpoint, sent, error)
            if not find_out:
                raise unknown from error
            return self._fate(order, unknown)
        except BaseException:
            self._remember(endpoint, sent, _interrupted(endpoint))
            raise
        self._settle(sent, placed)
        return placed

    def place_all(self, orders: Sequence[NewOrder], *, validate: bool) -> tuple[BatchItem, ...]:
        """Place 2 to 15 orders of one pair with one call, or have them checked; one item for each, in order."""
        sents = [self._about_to_send(order) for order in orders]
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
        self._claim_all(sents)
        try:
            items = self._dispatch.call(call, fields, read)
        except KrakenError as error:
            if not error.may_have_acted:
                for sent in sents:
                    self._forget(sent)
                raise
            items = tuple(error for _ in sents)
        except BaseException:
            for sent in sents:
                self._remember(call.name, sent, _interrupted(call.name))
            raise
        unsettled = [
            self._remember(call.name, sent, item) if isinstance(item, KrakenError) and item.may_have_acted else None
            for sent, item in zip(sents, items, strict=True)
        ]
        told = zip(orders, sents, items, unsettled, strict=True)
        return tuple(self._told(order, sent, item, unknown) for order, sent, item, unknown in told)

    def _told(self, order: NewOrder, sent: Sent, item: BatchItem, unknown: OrderOutcomeUnknown | None) -> BatchItem:
        """What became of one order of a batch."""
        if isinstance(item, PlacedOrder):
            self._settle(sent, item)
            return item
        if unknown is None:
            self._forget(sent)
            return item
        try:
            return self._fate(order, unknown)
        except KrakenError as error:
            return error

    def _fate(self, order: NewOrder, unknown: OrderOutcomeUnknown) -> PlacedOrder:
        reason = unknown.reason
        if isinstance(reason, ExchangeError) and any(is_about(text, CL_ORD_ID_TAKEN) for text in reason.errors):
            return self._holder_of_id(order, unknown, reason)
        return self.find_out(unknown)

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
        return Sent(cl_ord_id, fresh, now_s, self._clock.monotonic(), now_s + order.deadline_s)

    def _fields(self, order: NewOrder, sent: Sent, *, validate: bool) -> dict[str, str]:
        sent.deadline_at_s = self._clock.time() + order.deadline_s
        return order.fields(sent.cl_ord_id, sent.deadline_at_s, validate=validate)

    def _claimed(self, order: NewOrder, sent: Sent) -> PlacedOrder | None:
        """Take the client id for this order; or this order from an earlier, unsettled attempt, if it stands.

        Raises:
            NotSentError: another thread is sending an order of this client id.
            OrderOutcomeUnknown: nobody can say what became of the earlier attempt.
        """
        while (other := self._first_of(sent)) is not sent:
            if isinstance(other, Sent):
                problem = f"another thread is sending an order of client id {sent.cl_ord_id}; this one was not sent"
                raise NotSentError(calls.ADD_ORDER.name, "under_way", problem)
            try:
                placed = self._search.find_out(other.endpoint or "", other.sent, other.reason)
                if is_meant(order, placed, self._altname_of):
                    self._settle(other.sent, placed)
                    return placed
            except OrderNotPlaced:
                pass
            except OrderOutcomeUnknown:
                raise
            except KrakenError as looked:
                raise OrderOutcomeUnknown(other.endpoint or "", other.sent, other.reason, looked) from looked
            self._forget(other.sent)  # it is known now, and another order than this one
        return None

    def _claim_all(self, sents: Sequence[Sent]) -> None:
        for number, sent in enumerate(sents):
            if self._first_of(sent) is not sent:
                for claimed in sents[:number]:
                    self._forget(claimed)
                raise ValueError("a batch cannot repeat an order whose outcome is not settled: find_out comes first.")

    def _first_of(self, sent: Sent) -> OrderOutcomeUnknown | Sent:
        """What has the client id now: this order, unless another one had it."""
        with self._lock:
            return self._unsettled.setdefault(sent.cl_ord_id, sent)

    def _holder_of_id(self, order: NewOrder, unknown: OrderOutcomeUnknown, error: ExchangeError) -> PlacedOrder:
        """The order that already has this client id, where it is the same order: an earlier attempt came through."""
        endpoint, sent = unknown.endpoint or "", unknown.sent
        of_any_age = replace(sent, fresh_id=True)
        placed = self._search.find_out(endpoint, of_any_age, error)
        try:
            same = is_meant(order, placed, self._altname_of)
        except KrakenError as looked:
            raise OrderOutcomeUnknown(endpoint, sent, error, looked) from error
        self._settle(sent, placed)
        if not same:
            note = f"The order {placed.txid} has this client id and other terms; this one was not placed. "
            refused = RequestRefused(endpoint, error.errors, error.warnings, note)
            refused.may_have_acted = False
            raise refused from error
        return placed

    def _remember(self, endpoint: str, sent: Sent, reason: KrakenError) -> OrderOutcomeUnknown:
        unknown = OrderOutcomeUnknown(endpoint, sent, reason)
        with self._lock:
            self._unsettled[sent.cl_ord_id] = unknown
        return unknown

    def _forget(self, sent: Sent) -> None:
        with self._lock:
            kept = self._unsettled.get(sent.cl_ord_id)
            # Meanwhile the client id may have gone to another order, which is not to be forgotten.
            if kept is sent or (isinstance(kept, OrderOutcomeUnknown) and kept.sent is sent):
                del self._unsettled[sent.cl_ord_id]

    def _settle(self, sent: Sent, placed: PlacedOrder) -> None:
        self._forget(sent)
        if placed.txid is not None:
            self._search.settled(placed.txid, sent)


def _interrupted(endpoint: str) -> KrakenError:
    """Stands for the caller's own exception that cut a call short."""
    return KrakenError(f"{endpoint}: the call was interrupted.", endpoint=endpoint)


def _placed(endpoint: str, result: AddOrderResult, sent: Sent, *, validate: bool) -> PlacedOrder:
    ids = result.txid or ()
    if validate and ids:
        raise _PlacedUnasked(endpoint, "expected a check without an order, found an order id although validate=true")
    if not validate and (len(ids) != 1 or not ids[0]):
        raise MalformedAnswerError(endpoint, f"expected one order id in result.txid, found {len(ids)}")
    txid = ids[0] if ids else None
    return _accepted(sent, txid, result.descr.order, result.descr.close, validate=validate)


def _batch_fields(orders: Sequence[NewOrder], sents: Sequence[Sent], *, validate: bool) -> dict[str, Any]:
    entries = [order.entry(sent.cl_ord_id) for order, sent in zip(orders, sents, strict=True)]
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
    return _accepted(sent, entry.txid, entry.descr.order, entry.close or entry.descr.close, validate=validate)


def _accepted(sent: Sent, txid: str | None, line: str, close: str | None, *, validate: bool) -> PlacedOrder:
    return PlacedOrder(cl_ord_id=sent.cl_ord_id, txid=txid, order=line, close=close or None, validated_only=validate)
