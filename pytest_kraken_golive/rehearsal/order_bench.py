"""Orders of the gate's own, for measuring: on an account without limits in a rehearsal, never left open.

At a real exchange they are validated; real ones leave where orders are armed, and end by themselves.
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.limits import Unlimited
from pytest_kraken_golive.kraken.market_data import AssetPair
from pytest_kraken_golive.kraken.models import PlacedOrder
from pytest_kraken_golive.kraken.orders import NewOrder, Side
from pytest_kraken_golive.kraken.retry import NO_RETRY
from pytest_kraken_golive.rehearsal.handle import SandboxHandle
from pytest_kraken_golive.rehearsal.real_exchange import RealExchange
from pytest_kraken_golive.rehearsal.run_client import LONGEST_OPEN_S

_FAR = Decimal("0.5")
"""A resting order's share of the best bid: nobody trades there."""
_NEAR = Decimal("1.01")
_CANCELLED_AT_ONCE = 50
_DEADLINE_S = 5.0


@dataclass
class OrderBench:
    """Places orders through a client, and knows them all."""

    client: KrakenClient
    """The client that is measured."""
    exchange: SandboxHandle | RealExchange
    """Which tells what really arrived."""
    note: str
    """On what it is measured, for the evidence."""
    places: bool = True
    """False: orders are only validated."""
    prefix: str = field(default_factory=lambda: f"kgb{secrets.token_hex(4)}")
    """How the client ids of its orders begin."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def timed_note(self) -> str:
        """The same, of the calls that are timed."""
        real = self.exchange if isinstance(self.exchange, RealExchange) else None
        return self.note if real is None else f"validated, not placed; {real.name}; the deployment's key and limits"

    def pair(self, name: str) -> AssetPair:
        """The exchange's rules for a pair.

        Raises:
            NotProven: it names no smallest volume or price step.
        """
        found = next(iter(self.client.asset_pairs(name).values()))
        if found.ordermin is None or found.tick_size is None:
            raise NotProven(
                f"exchange AssetPairs {name}: expected ordermin and tick_size, found none. Next: ask again."
            )
        return found

    def resting(self, name: str) -> NewOrder:
        """The smallest buy of a pair, at a price where nobody trades; a new client id each time it is placed."""
        pair = self.pair(name)
        price = _stepped(self.client.depth(name, 1).bids[0].price * _FAR, pair.tick_size or Decimal(1), ROUND_FLOOR)
        return NewOrder(
            pair=name,
            side="buy",
            ordertype="limit",
            volume=smallest_volume(pair, price),
            price=price,
            post_only=True,
            deadline_s=_DEADLINE_S,
        )

    def taking(self, name: str, side: Side = "buy") -> NewOrder:
        """The smallest order of a pair that trades at once, or not at all."""
        pair, book = self.pair(name), self.client.depth(name, 1)
        tick = pair.tick_size or Decimal(1)
        best = book.asks[0].price * _NEAR if side == "buy" else book.bids[0].price / _NEAR
        return NewOrder(
            pair=name,
            side=side,
            ordertype="limit",
            volume=smallest_volume(pair, book.bids[0].price),
            price=_stepped(best, tick, ROUND_CEILING if side == "buy" else ROUND_FLOOR),
            time_in_force="IOC",
            deadline_s=_DEADLINE_S,
        )

    def place(self, order: NewOrder) -> PlacedOrder:
        """Place an order under a client id of its own, or have it validated; raises as the client does."""
        named = replace(order, cl_ord_id=f"{self.prefix}-{next(self._numbers)}")
        return self.client.place_order(named, validate=not self.places)

    def time_one(self, order: NewOrder) -> PlacedOrder:
        """The call that is timed: hundreds of real orders would rest at a real exchange, so there it validates."""
        if isinstance(self.exchange, RealExchange):
            return self.client.place_order(order, validate=True)
        return self.place(order)

    def left_open(self) -> list[str]:
        """Its orders that are open, by the exchange's own answer."""
        return [
            txid
            for txid, order in self.client.open_orders().items()
            if (order.cl_ord_id or "").startswith(f"{self.prefix}-")
        ]

    def cancel_what_is_open(self) -> None:
        """Cancel what the exchange calls open of its own orders, and nothing else.

        Raises:
            Fault: an order is open all the same.
        """
        open_ = self.left_open()
        for first in range(0, len(open_), _CANCELLED_AT_ONCE):
            self.client.cancel_orders(open_[first : first + _CANCELLED_AT_ONCE])
        if open_ and (left := self.left_open()):
            raise Fault(
                f"exchange OpenOrders: expected none of this line's own, found {', '.join(left)}. Next: cancel it."
            )


@contextlib.contextmanager
def open_bench(exchange: SandboxHandle | RealExchange) -> Iterator[OrderBench]:
    """A bench on an account of its own, without limits and without buckets; what it leaves open is cancelled.

    At a real exchange it has the deployment's account, key and buckets.
    """
    if isinstance(exchange, RealExchange):
        with _bench_of_real(exchange) as bench:
            yield bench
        return
    account = exchange.open_account(f"bench-{secrets.token_hex(4)}", limits=False)
    with KrakenClient(
        account.api_key, account.api_secret, base_url=exchange.url, use_sandbox=True, environ={}, limits=Unlimited()
    ) as client:
        bench = OrderBench(client, exchange, "embedded exchange, on an account without limits; live, not replayed")
        try:
            yield bench
        finally:
            bench.cancel_what_is_open()


@contextlib.contextmanager
def _bench_of_real(exchange: RealExchange) -> Iterator[OrderBench]:
    arming = exchange.arming
    says = f"{exchange.name}; the deployment's key and limits"
    note = f"validated, not placed; {says}"
    if arming is not None:
        note = f"real orders, each at most {arming.max_notional_usd} USD; {says}"
    with exchange.client(places=arming is not None, retry=NO_RETRY) as client:
        prefix = f"{exchange.permit.prefix}-{secrets.token_hex(1)}"
        bench = OrderBench(client, exchange, note, arming is not None, prefix)
        try:
            yield bench
        finally:
            if bench.places:
                _leave_none_open(bench)


def _leave_none_open(bench: OrderBench) -> None:
    """Cancel; where the exchange takes no more calls of an account that places and cancels, wait for their end.

    Raises:
        Fault: an order is open all the same, or nobody knows.
    """
    try:
        bench.cancel_what_is_open()
    except KrakenError:
        time.sleep(LONGEST_OPEN_S)
        try:
            left = bench.left_open()
        except KrakenError as error:
            raise Fault(f"exchange: whether an order of {bench.prefix}-… is open is not known: {error}") from error
        if left:
            raise Fault(f"exchange OpenOrders: expected none of this line's own, found {', '.join(left)}.") from None


def smallest_volume(pair: AssetPair, price: Decimal) -> Decimal:
    """The smallest volume that may be ordered at a price."""
    least = max(pair.ordermin or Decimal(0), (pair.costmin or Decimal(0)) / price)
    return _stepped(least, Decimal(1).scaleb(-pair.lot_decimals), ROUND_CEILING)


def _stepped(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding) * step
