"""The run's own orders and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pytest_kraken_golive.bot.strategy import Side
from pytest_kraken_golive.kraken.errors import OrderOutcomeUnknown
from pytest_kraken_golive.kraken.models import OrderInfo

_FINAL = frozenset({"closed", "canceled", "expired", "not_placed"})
_GONE = frozenset({"canceled", "expired", "not_placed"})


@dataclass
class OwnOrder:
    """An order that the bot has sent."""

    cl_ord_id: str
    """Its client id, which begins with the run's prefix."""
    symbol: str
    """The pair as the configuration names it."""
    kind: str
    """`limit` or `market`."""
    side: Side
    """Which way."""
    volume: Decimal
    """In base."""
    mid: Decimal
    """Middle of the market when it was decided, in quote."""
    txid: str | None = None
    """The exchange's id; None while it is not known."""
    status: str = "sent"
    """The exchange's word: `open`, `closed`, `canceled`, `expired`; `sent` before, `not_placed` if it never came."""
    filled: Decimal = Decimal(0)
    """Volume filled."""
    cost: Decimal = Decimal(0)
    """Paid or received, in quote."""
    fee: Decimal = Decimal(0)
    """In quote."""
    unknown: OrderOutcomeUnknown | None = None
    """Set where the answer to it was lost: how to find out."""


class OwnOrders:
    """The orders of one entrypoint; used by its thread, and read by others once that has ended."""

    def __init__(self) -> None:
        self._orders: list[OwnOrder] = []

    @property
    def sent(self) -> bool:
        """Whether any order has left."""
        return bool(self._orders)

    def add(self, order: OwnOrder) -> None:
        """Keep an order that was sent."""
        self._orders.append(order)

    def update(self, txid: str, info: OrderInfo) -> None:
        """Keep what the exchange says about an order."""
        for order in self._orders:
            if order.txid == txid:
                order.status, order.filled, order.cost, order.fee = info.status, info.vol_exec, info.cost, info.fee

    def has(self, symbol: str, kind: str) -> bool:
        """Whether such an order has been sent and did not fail to arrive."""
        return any(
            order.symbol == symbol and order.kind == kind and order.status != "not_placed" for order in self._orders
        )

    def txids(self) -> list[str]:
        """The exchange's ids of all orders that are not yet final."""
        return [order.txid for order in self._orders if order.txid is not None and order.status not in _FINAL]

    def unknown(self) -> list[OwnOrder]:
        """Orders whose answer was lost."""
        return [order for order in self._orders if order.txid is None and order.status not in _FINAL]

    def unsettled(self) -> list[OwnOrder]:
        """Orders that may still stand."""
        return [order for order in self._orders if order.status not in _FINAL]

    def standing(self) -> list[OwnOrder]:
        """Orders that rest or have become a position."""
        return [order for order in self._orders if order.status not in _GONE or order.filled > 0]

    def committed(self) -> Decimal:
        """Cost of all orders that were sent, in quote."""
        return sum((order.volume * order.mid for order in self.standing()), Decimal(0))

    def loss(self, mids: Mapping[str, Decimal]) -> Decimal:
        """What the fills are worth less than they cost, fees included, at these prices; negative is a gain."""
        total = Decimal(0)
        for order in self._orders:
            worth = order.filled * mids.get(order.symbol, order.mid)
            total += order.fee + (order.cost - worth if order.side == "buy" else worth - order.cost)
        return total

    def counts(self) -> dict[str, int]:
        """How many were placed, filled (wholly or in part), cancelled, and may still be open."""
        placed = [order for order in self._orders if order.txid is not None]
        return {
            "orders_placed": len(placed),
            "orders_filled": sum(order.filled > 0 for order in placed),
            "orders_cancelled": sum(order.status == "canceled" for order in placed),
            "orders_left_open": len(self.unsettled()),
        }
