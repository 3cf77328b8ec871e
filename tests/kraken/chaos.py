"""Thousands of orders through every fault at random, client and exchange on one virtual clock.

Orders go out one by one and in batches, and are amended, edited and cancelled. Each order that was meant must stand on
the exchange's own books exactly once, or its caller was told that it does not; each change must be there once, or its
caller was told that it was not made, or that nobody can say.

python tests/kraken/chaos.py [orders] [seed]
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from weather import SkewedClock, Weather

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import (
    Amendment,
    Edit,
    KrakenClient,
    KrakenError,
    NewOrder,
    OrderOutcomeUnknown,
    RetryPolicy,
    Unlimited,
    decode_secret,
    sign,
)
from pytest_kraken_golive.kraken.models import AmendResult, CancelResult, EditResult, PlacedOrder
from pytest_kraken_golive.sandbox import AccountSettings, Exchange, Lockout, SandboxSettings
from pytest_kraken_golive.sandbox.wire import Call

NO_LIMITS = AccountSettings(
    limits=False,
    nonce_window=200 * 10**9,  # what comes late is not stopped by its nonce
    balances={"ZUSD": Decimal(10**12), "XXBT": Decimal(10**6)},
)


@dataclass
class Outcome:
    """What callers were told, and what the books say."""

    told: Counter[str] = field(default_factory=Counter)
    """By what was returned or raised."""
    wrong: list[str] = field(default_factory=list)
    """Orders and changes that are there once too often, or not although their callers were told so."""
    seen: Counter[str] = field(default_factory=Counter)
    """Faults by kind and endpoint."""


class Chaos:
    """One run."""

    def __init__(self, seed: int, ahead_s: float = 0.0) -> None:
        self.draw = random.Random(seed)
        self.clock = VirtualClock()
        settings = SandboxSettings(
            seed=seed, accounts=[NO_LIMITS], limits=False, volatility=0.0, lockout=Lockout(failures=10**6)
        )
        self.exchange = Exchange(settings, SkewedClock(self.clock, ahead_s))
        self.weather = Weather(self.exchange, self.clock, self.draw)
        self.client = KrakenClient(
            NO_LIMITS.api_key,
            NO_LIMITS.api_secret,
            base_url="http://127.0.0.1:9",
            environ={},
            transport=self.weather,
            clock=self.clock,
            limits=Unlimited(),
            retry=RetryPolicy(attempts=4, first_wait_s=0.2),
        )
        self.outcome = Outcome()
        self.told: list[tuple[str, str | None]] = []
        self._names = (f"chaos{number}" for number in itertools.count())
        self._volumes = (Decimal(number) / 10**8 for number in itertools.count(10**6))
        """Each change asks for a volume of its own, by which it is known on the books."""
        self._filled: list[str] = []
        self._resting: list[PlacedOrder] = []
        self._cancelled: list[str] = []
        self._changed: dict[Decimal, str] = {}
        """What callers were told of a change, by its volume: made, not made, or unknown."""

    def run(self, orders: int) -> Outcome:
        """Place so many orders, and meanwhile do everything else."""
        sent = 0
        while sent < orders:
            if self.draw.random() < 0.1:
                batch = [self._order() for _ in range(self.draw.randrange(2, 5))]
                sent += len(batch)
                self._place_all(batch)
            else:
                sent += 1
                self._place(self._order())
            self._do_more()
        self.weather.calm = True
        self.clock.advance(200)
        self.weather.deliver_late()
        booked: list[dict[str, Any]] = self.exchange.observed()["orders"]
        self._compare(booked)
        self._compare_changes(booked)
        self.outcome.seen = self.weather.seen
        self.client.close()
        return self.outcome

    def _order(self) -> NewOrder:
        market = self.draw.random() < 0.5
        name = self.draw.choice([None, next(self._names)])
        if market and self._filled and self.draw.random() < 0.1:
            name = self._filled.pop()  # free again, says Kraken, once its order is filled
        return NewOrder(
            pair="XBTUSD",
            side=self.draw.choice(["buy", "sell"]),
            ordertype="market" if market else "limit",
            volume=Decimal(self.draw.randrange(10, 99)) / 100_000,
            price=None if market else Decimal(self.draw.choice([20_000, 30_000])),
            time_in_force=None if market else self.draw.choice([None, "IOC"]),
            cl_ord_id=name,
            deadline_s=self.draw.choice([2.5, 5.0, 10.0, 30.0]),
        )

    def _place(self, order: NewOrder) -> None:
        try:
            self._note(self.client.place_order(order, find_out=self.draw.random() < 0.8), order)
        except OrderOutcomeUnknown as unknown:
            self._resolve(unknown, order)
        except KrakenError as error:
            self._note(error, order)

    def _place_all(self, orders: list[NewOrder]) -> None:
        try:
            items: Sequence[PlacedOrder | KrakenError] = self.client.place_orders(orders)
        except KrakenError as error:
            items = [error] * len(orders)
        for order, item in zip(orders, items, strict=True):
            if isinstance(item, OrderOutcomeUnknown):
                self._resolve(item, order)
            else:
                self._note(item, order)

    def _resolve(self, unknown: OrderOutcomeUnknown, order: NewOrder) -> None:
        self.outcome.told["(unknown at first)"] += 1
        for _ in range(1000):
            if order.cl_ord_id is not None and self.draw.random() < 0.2:
                return self._place(order)  # sent again by its name: the client has to find out first
            try:
                return self._note(self.client.find_out(unknown), order)
            except OrderOutcomeUnknown:
                self.clock.advance(1)
            except KrakenError as error:
                return self._note(error, order)
        raise AssertionError("the search never ended")

    def _note(self, result: PlacedOrder | KrakenError, order: NewOrder) -> None:
        if isinstance(result, PlacedOrder):
            self.outcome.told["found" if result.found else "placed"] += 1
            self.told.append((result.cl_ord_id, result.txid))
            if order.ordertype == "market":
                self._filled.append(result.cl_ord_id)
            elif order.time_in_force is None:
                self._resting.append(result)
        else:
            self.outcome.told[type(result).__name__] += 1
            if result.may_have_acted:
                self.outcome.wrong.append(f"an error that leaves it open: {result}")

    # --- changes and cancels ------------------------------------------------------------------------------------------

    def _do_more(self) -> None:
        if self._resting and self.draw.random() < 0.3:
            placed = self.draw.choice(self._resting[-20:])
            self.draw.choice([self._amend, self._amend, self._cancel, self._cancel_several])(placed)
        if self.draw.random() < 0.1:
            self._edit()
        if self.draw.random() < 0.03:
            self._cancel_all()

    def _amend(self, placed: PlacedOrder) -> None:
        volume = next(self._volumes)
        price = self.draw.choice([None, Decimal(25_000)])
        by_txid = self.draw.random() < 0.5
        change = Amendment(
            txid=placed.txid if by_txid else None,
            cl_ord_id=None if by_txid else placed.cl_ord_id,
            volume=volume,
            limit_price=price,
            deadline_s=self.draw.choice([2.5, 10.0]),
        )
        self._change(volume, lambda: self.client.amend_order(change))

    def _edit(self) -> None:
        """Edit an order of another program: those of this client have ids of the client, which Kraken does not edit."""
        volume = next(self._volumes)
        txid = self._order_of_another_program()
        change = Edit(txid=txid, pair="XBTUSD", volume=volume, deadline_s=self.draw.choice([2.5, 10.0]))
        self._change(volume, lambda: self.client.edit_order(change))

    def _change(self, volume: Decimal, send: Callable[[], AmendResult | EditResult]) -> None:
        try:
            send()
        except KrakenError as error:
            self._changed[volume] = "unknown" if error.may_have_acted else "not made"
            self.outcome.told[f"(change: {type(error).__name__})"] += 1
        else:
            self._changed[volume] = "made"
            self.outcome.told["(change made)"] += 1

    def _order_of_another_program(self) -> str:
        nonce, path = str(int(self.clock.time() * 10**9)), "/0/private/AddOrder"
        order = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "20000", "volume": "0.001"}
        body = urlencode({"nonce": nonce, **order}).encode()
        key, secret = NO_LIMITS.api_key.get_secret_value(), decode_secret(NO_LIMITS.api_secret)
        signed = Call("POST", path, body=body, api_key=key, api_sign=sign(path, nonce, body, secret))
        answer = json.loads(self.exchange.answer(signed))
        txid: str = answer["result"]["txid"][0]
        return txid

    def _cancel(self, placed: PlacedOrder) -> None:
        self._cancelling(placed, lambda: self.client.cancel_order(cl_ord_id=placed.cl_ord_id))

    def _cancel_several(self, placed: PlacedOrder) -> None:
        self._cancelling(placed, lambda: self.client.cancel_orders(cl_ord_ids=[placed.cl_ord_id]))

    def _cancelling(self, placed: PlacedOrder, send: Callable[[], CancelResult]) -> None:
        try:
            if send().count:
                self._cancelled.append(str(placed.txid))
                self._resting.remove(placed)
                self.outcome.told["(cancelled)"] += 1
        except KrakenError:
            self.outcome.told["(cancel failed)"] += 1

    def _cancel_all(self) -> None:
        try:
            self.client.cancel_all()
        except KrakenError:
            self.outcome.told["(cancel_all failed)"] += 1

    # --- the books ----------------------------------------------------------------------------------------------------

    def _compare(self, booked: list[dict[str, Any]]) -> None:
        stands = Counter((entry["cl_ord_id"], entry["txid"]) for entry in booked if entry["cl_ord_id"] is not None)
        promised = Counter(self.told)
        self.outcome.wrong += [f"promised, and not on the books: {name}" for name in promised - stands]
        self.outcome.wrong += [f"on the books, and not told: {name}" for name in stands - promised]
        open_ones = {entry["txid"] for entry in booked if entry["closed_s"] is None}
        self.outcome.wrong += [f"cancelled, and still open: {txid}" for txid in self._cancelled if txid in open_ones]

    def _compare_changes(self, booked: list[dict[str, Any]]) -> None:
        amends = (Decimal(amend["volume"]) for entry in booked for amend in entry["amends"] if amend["type"] == "user")
        edits = (Decimal(entry["volume"]) for entry in booked if entry["cl_ord_id"] is None)
        made = Counter(volume for volume in (*amends, *edits) if volume in self._changed)
        for volume, told in self._changed.items():
            if not {"made": 1, "not made": 0, "unknown": 0}[told] <= made[volume] <= (told != "not made"):
                self.outcome.wrong.append(f"a change was told as {told}, and is on the books {made[volume]} times")


def main(orders: int, seed: int) -> int:
    """Run with the exchange's clock as ours, behind, and ahead; exit status 1 where anything is wrong."""
    began = time.perf_counter()
    outcomes = {
        ahead_s: Chaos(seed + number, ahead_s).run(orders // 3 + (number < orders % 3))
        for number, ahead_s in enumerate((0.0, -25.0, 1.0))
    }
    told = sum((outcome.told for outcome in outcomes.values()), Counter[str]())
    print(f"  {'clock of the exchange':28}" + "".join(f"{ahead_s:+7.0f} s" for ahead_s in outcomes))
    for what, _ in told.most_common():
        print(f"  {what:28}" + "".join(f"{outcome.told[what]:9}" for outcome in outcomes.values()))
    wrong = [line for outcome in outcomes.values() for line in outcome.wrong]
    print(f"{orders} orders in {time.perf_counter() - began:.1f} s, seed {seed}: {len(wrong)} wrong")
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(main(*(given + [10_000, 7][len(given) :])))
