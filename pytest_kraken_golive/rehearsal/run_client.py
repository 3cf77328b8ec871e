"""The client of a run at a real exchange: whatever it is asked, it touches no order but the run's own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import LiveOrderRefused
from pytest_kraken_golive.kraken.models import AmendResult, CancelResult, DeadMansSwitch, EditResult, PlacedOrder
from pytest_kraken_golive.kraken.orders import Amendment, Edit, NewOrder
from pytest_kraken_golive.kraken.placing import BatchItem

LONGEST_OPEN_S = 60
"""What this client places ends by itself after so many seconds, also where the run is killed before it cancels."""
_RESTING_FOREVER = (None, "GTC")


class RunClient(KrakenClient):
    """A `KrakenClient` that marks its orders, lets them expire, and changes or cancels no others.

    Args:
        prefix: how its client ids begin.
        arguments: those of `KrakenClient`.
    """

    def __init__(self, *arguments: Any, prefix: str, **options: Any) -> None:
        self._prefix = prefix
        super().__init__(*arguments, order_ids=self._new_id, **options)

    def place_order(self, order: NewOrder, *, validate: bool = False, find_out: bool = True) -> PlacedOrder:
        """As the client's; a real one gets this run's mark, and an end."""
        order = order if validate else self._own("AddOrder", order)
        return super().place_order(order, validate=validate, find_out=find_out)

    def place_orders(self, orders: Sequence[NewOrder], *, validate: bool = False) -> tuple[BatchItem, ...]:
        """As the client's; real ones get this run's mark, and an end."""
        orders = orders if validate else [self._own("AddOrderBatch", order) for order in orders]
        return super().place_orders(orders, validate=validate)

    def amend_order(self, change: Amendment) -> AmendResult:
        """As the client's, for an order of this run."""
        self._demand_own("AmendOrder", [change.txid or ""], [change.cl_ord_id or ""])
        return super().amend_order(change)

    def edit_order(self, change: Edit, *, validate: bool = False) -> EditResult:
        """As the client's where it is only validated; else never: the new order bears no mark, and may not end."""
        if not validate:
            raise _refused("EditOrder", "the order that takes the old one's place bears no client id")
        return super().edit_order(change, validate=validate)

    def cancel_order(self, txid: str | None = None, *, cl_ord_id: str | None = None) -> CancelResult:
        """As the client's, for an order of this run."""
        self._demand_own("CancelOrder", [txid or ""], [cl_ord_id or ""])
        return super().cancel_order(txid, cl_ord_id=cl_ord_id)

    def cancel_orders(self, txids: Sequence[str] = (), *, cl_ord_ids: Sequence[str] = ()) -> CancelResult:
        """As the client's, for orders of this run."""
        self._demand_own("CancelOrderBatch", txids, cl_ord_ids)
        return super().cancel_orders(txids, cl_ord_ids=cl_ord_ids)

    def cancel_all(self) -> CancelResult:
        """Never: other orders rest in a real account."""
        raise _refused("CancelAll", "it cancels orders that are not this run's")

    def cancel_all_orders_after(self, timeout_s: int) -> DeadMansSwitch:
        """Never: the switch is the account's, not this run's."""
        raise _refused("CancelAllOrdersAfter", "it cancels orders that are not this run's, or disarms the bot's switch")

    def _new_id(self) -> str:
        return f"{self._prefix}-{secrets.token_hex(4)}"

    def _own(self, endpoint: str, order: NewOrder) -> NewOrder:
        """The order with this run's mark and an end."""
        if order.close is not None:
            raise _refused(
                endpoint, "its conditional close would place an order without this run's mark, and without end"
            )
        if order.cl_ord_id is None:
            order = replace(order, cl_ord_id=self._new_id())
        elif not self._is_own(order.cl_ord_id):
            raise _refused(endpoint, f"its client id {order.cl_ord_id} does not begin with this run's {self._prefix}-")
        if order.ordertype == "market" or order.time_in_force not in {*_RESTING_FOREVER, "GTD"}:
            return order
        expires_in_s = min(order.expires_in_s or LONGEST_OPEN_S, LONGEST_OPEN_S)
        return replace(order, time_in_force="GTD", expires_in_s=expires_in_s)

    def _is_own(self, cl_ord_id: str | None) -> bool:
        return (cl_ord_id or "").startswith(f"{self._prefix}-")

    def _demand_own(self, endpoint: str, txids: Sequence[str], cl_ord_ids: Sequence[str] = ()) -> None:
        """Do nothing if every order bears this run's mark, by the exchange's own answer where only its id is given.

        Raises:
            LiveOrderRefused: one does not, or is not known.
        """
        self._interlock.demand_arming(endpoint)
        foreign = [name for name in cl_ord_ids if name and not self._is_own(name)]
        wanted = [txid for txid in txids if txid]
        known = self.query_orders(*wanted) if wanted else {}
        foreign += [txid for txid in wanted if txid not in known or not self._is_own(known[txid].cl_ord_id)]
        if foreign:
            raise _refused(endpoint, f"{foreign[0]} is no order of this run (client ids {self._prefix}-…)")


def _refused(endpoint: str, why: str) -> LiveOrderRefused:
    return LiveOrderRefused(
        f"{endpoint}: refused before sending: {why}. Next: leave other people's orders alone.", endpoint=endpoint
    )
