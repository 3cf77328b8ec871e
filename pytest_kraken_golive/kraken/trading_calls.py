"""The endpoints that trade. Source: Kraken: trading."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_kraken_golive.kraken import calls, models
from pytest_kraken_golive.kraken.account_calls import AccountCalls
from pytest_kraken_golive.kraken.changes import Changes
from pytest_kraken_golive.kraken.errors import OrderOutcomeUnknown
from pytest_kraken_golive.kraken.interlock import Interlock, exposures_of
from pytest_kraken_golive.kraken.models import AmendResult, CancelResult, DeadMansSwitch, EditResult, PlacedOrder
from pytest_kraken_golive.kraken.orders import Amendment, Edit, NewOrder
from pytest_kraken_golive.kraken.placing import BatchItem, Placing

_BATCH = (2, 15)
_CANCEL_BATCH = (1, 50)
_SWITCH_BELOW_S = 86_400


class TradingCalls(AccountCalls):
    """What moves money. In production mode all of it needs `arming`, see `interlock`."""

    _interlock: Interlock
    _placing: Placing
    _changes: Changes

    def place_order(self, order: NewOrder, *, validate: bool = False, find_out: bool = True) -> PlacedOrder:
        """Place an order: exactly once, or with an error that says that it was not placed.

        It is sent once, with a client id and a deadline; only an invalid nonce, which the exchange refuses before it
        looks at the order, leads to a second sending. Where the answer is lost, the order is looked for: at once, and
        if it is not seen, again after the exchange can no longer accept it (its deadline and 2 s; the call waits for
        that). An order whose client id belongs to an unsettled one is not sent before that one's fate is known.

        Args:
            order: the order.
            validate: True: the exchange checks the order and places nothing; tried again like a read.
            find_out: False: a lost answer raises OrderOutcomeUnknown at once; `find_out` then does the search.

        Raises:
            LiveOrderRefused: the interlock kept it back; nothing was sent.
            OrderOutcomeUnknown: it may stand, and the books could not be read, or were not to be.
            OrderNotPlaced: its answer was lost; it does not stand and never will.
            KrakenError: any other class: the exchange refused it, or it was not sent.
        """
        _demand_flag(validate)
        if validate:
            return self._placing.check(order)
        if self._interlock.guards:
            self._interlock.demand_cap(calls.ADD_ORDER.name, exposures_of([order]))
        return self._placing.place(order, find_out=find_out)

    def find_out(self, unknown: OrderOutcomeUnknown) -> PlacedOrder:
        """What became of an order whose outcome was unknown: the order, where it stands or stood.

        Raises:
            OrderNotPlaced: it does not stand and never will.
            OrderOutcomeUnknown: the books could not be read; ask again later.
        """
        return self._placing.find_out(unknown)

    def place_orders(self, orders: Sequence[NewOrder], *, validate: bool = False) -> tuple[BatchItem, ...]:
        """Place 2 to 15 orders of one pair with one call, each as `place_order` does.

        Returns:
            One item for each order, in their order: the placed order, or the error that `place_order` would raise.

        Raises:
            LiveOrderRefused: the interlock kept them back (their notionals add up); nothing was sent.
            KrakenError: the exchange refused the call as a whole, or it was not sent.
        """
        _demand_flag(validate)
        _demand_count("orders", orders, _BATCH)
        if len({order.pair for order in orders}) > 1:
            raise ValueError("orders: expected orders of one pair, found several pairs.")
        names = [order.cl_ord_id for order in orders if order.cl_ord_id is not None]
        if len(set(names)) < len(names):
            raise ValueError("orders: expected client ids that differ, found one twice.")
        if self._interlock.guards and not validate:
            self._interlock.demand_cap(calls.ADD_ORDER_BATCH.name, exposures_of(orders))
        return self._placing.place_all(orders, validate=validate)

    def amend_order(self, change: Amendment) -> AmendResult:
        """Amend an order, once; where the answer is lost, the order is looked at after the change's deadline.

        Raises:
            LiveOrderRefused: the interlock kept it back; nothing was sent.
            ChangeNotMade: its answer was lost; the order stands as before.
            OutcomeUnknown: its answer was lost, and the order does not show what became of the change.
            KrakenError: any other class: the exchange refused it, or it was not sent.
        """
        self._demand_cap_of_change(calls.AMEND_ORDER.name, change)
        return self._changes.amend(change)

    def edit_order(self, change: Edit, *, validate: bool = False) -> EditResult:
        """Replace an order by another, once; raises like `amend_order`."""
        _demand_flag(validate)
        if not validate:
            self._demand_cap_of_change(calls.EDIT_ORDER.name, change)
        return self._changes.edit(change, validate=validate)

    def _demand_cap_of_change(self, endpoint: str, change: Amendment | Edit) -> None:
        self._interlock.demand_arming(endpoint)
        if self._interlock.guards:
            self._interlock.demand_cap(endpoint, [self._changes.exposure(change)])

    def cancel_order(self, txid: str | None = None, *, cl_ord_id: str | None = None) -> CancelResult:
        """Cancel an order by its order id or its client id. `EOrder:Unknown order`: it is not open (any more)."""
        if (txid is None) == (cl_ord_id is None):
            raise ValueError("cancel_order: expected either txid or cl_ord_id, found both or neither.")
        self._interlock.demand_arming(calls.CANCEL_ORDER.name)
        return self._call(calls.CANCEL_ORDER, models.read_cancelled, txid=txid, cl_ord_id=cl_ord_id)

    def cancel_orders(self, txids: Sequence[str] = (), *, cl_ord_ids: Sequence[str] = ()) -> CancelResult:
        """Cancel up to 50 orders with one call; those that are not open do not count."""
        _demand_count("txids and cl_ord_ids", [*txids, *cl_ord_ids], _CANCEL_BATCH)
        self._interlock.demand_arming(calls.CANCEL_ORDER_BATCH.name)
        named = {"orders": list(txids), "cl_ord_ids": [{"cl_ord_id": name} for name in cl_ord_ids]}
        fields = {name: value for name, value in named.items() if value}
        return self._dispatch.call(calls.CANCEL_ORDER_BATCH, lambda: fields, models.read_cancelled)

    def cancel_all(self) -> CancelResult:
        """Cancel every open order of the account. After a lost answer the count is that of the repetition."""
        self._interlock.demand_arming(calls.CANCEL_ALL.name)
        return self._call(calls.CANCEL_ALL, models.read_cancelled)

    def cancel_all_orders_after(self, timeout_s: int) -> DeadMansSwitch:
        """Have every open order cancelled after that many seconds, unless this is called again; 0 turns it off.

        Kraken: renew a timeout of 60 every 15 to 30 s; turn it off before maintenance.
        """
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int) or not 0 <= timeout_s < _SWITCH_BELOW_S:
            raise ValueError(f"timeout_s: expected 0 to {_SWITCH_BELOW_S - 1} whole seconds, found {timeout_s!r}.")
        self._interlock.demand_arming(calls.CANCEL_ALL_ORDERS_AFTER.name)
        return self._call(calls.CANCEL_ALL_ORDERS_AFTER, models.read_switch, timeout=str(timeout_s))


def _demand_flag(validate: object) -> None:
    if not isinstance(validate, bool):
        raise TypeError(f"validate: expected True or False, found {validate!r}.")


def _demand_count(name: str, given: Sequence[object], bounds: tuple[int, int]) -> None:
    if not bounds[0] <= len(given) <= bounds[1]:
        raise ValueError(f"{name}: expected {bounds[0]} to {bounds[1]}, found {len(given)}.")
