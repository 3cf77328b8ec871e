"""Thousands of orders through every fault at random, client and exchange on one virtual clock.

Each order that was meant must stand on the exchange's own books exactly once, or its caller was told that it does not.

python tests/kraken/chaos.py [orders] [seed]
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import KrakenClient, KrakenError, NewOrder, OrderOutcomeUnknown, RetryPolicy, Unlimited
from pytest_kraken_golive.kraken.models import PlacedOrder
from pytest_kraken_golive.sandbox import AccountSettings, Exchange, Lockout, SandboxSettings
from pytest_kraken_golive.sandbox.wire import Call

FAULTS_PER_CALL = 0.4
NO_LIMITS = AccountSettings(
    limits=False,
    nonce_window=200 * 10**9,  # what comes late is not stopped by its nonce
    balances={"ZUSD": Decimal(10**12), "XXBT": Decimal(10**6)},
)
PAGE = "<html><title>Bad gateway</title>cloudflare</html>"


class SkewedClock:
    """The exchange's clock: runs with ours, set differently."""

    def __init__(self, clock: VirtualClock, ahead_s: float) -> None:
        self._clock = clock
        self._ahead_s = ahead_s

    def time(self) -> float:
        return self._clock.time() + self._ahead_s

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)


class Weather(httpx.BaseTransport):
    """A way to the exchange on which anything may happen to a request and to its answer."""

    def __init__(self, exchange: Exchange, clock: VirtualClock, draw: random.Random) -> None:
        self._exchange = exchange
        self._clock = clock
        self._draw = draw
        self._late: list[tuple[float, Call]] = []
        self.calm = False
        self.seen: Counter[str] = Counter()
        self._faults: list[Callable[[Call], httpx.Response]] = [
            self._refused,
            self._reset,
            self._timed_out,
            self._late_arrival,
            self._half,
            self._page,
            self._error,
            self._not_executed,
            self._nonsense,
            self._slow,
        ]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.deliver_late()
        self._clock.advance(self._draw.uniform(0.001, 0.02))
        call = _call(request)
        if self.calm or self._draw.random() > FAULTS_PER_CALL:
            return self._answered(call)
        fault = self._draw.choice(self._faults)
        self.seen[f"{fault.__name__.strip('_')} {call.path.rpartition('/')[2]}"] += 1
        return fault(call)

    def deliver_late(self) -> None:
        now_s = self._clock.time()
        for at_s, call in [entry for entry in self._late if entry[0] <= now_s]:
            self._late.remove((at_s, call))
            self._exchange.answer(call)

    def _answered(self, call: Call) -> httpx.Response:
        return httpx.Response(200, content=self._exchange.answer(call))

    def _maybe_handled(self, call: Call) -> None:
        if self._draw.random() < 0.5:
            self._exchange.answer(call)

    def _refused(self, call: Call) -> httpx.Response:
        raise self._draw.choice([httpx.ConnectError("refused"), httpx.ConnectTimeout("slow")])

    def _reset(self, call: Call) -> httpx.Response:
        self._maybe_handled(call)
        raise self._draw.choice(
            [httpx.ReadError("reset"), httpx.WriteError("reset"), httpx.RemoteProtocolError("closed"), OSError("reset")]
        )

    def _timed_out(self, call: Call) -> httpx.Response:
        self._maybe_handled(call)
        self._clock.advance(10)
        raise httpx.ReadTimeout("slow")

    def _late_arrival(self, call: Call) -> httpx.Response:
        self._late.append((self._clock.time() + self._draw.uniform(0.1, 90), call))
        self._clock.advance(self._draw.uniform(0, 10))
        raise httpx.ReadTimeout("slow")

    def _half(self, call: Call) -> httpx.Response:
        body = self._exchange.answer(call)
        return httpx.Response(200, content=body[: self._draw.randrange(len(body))])

    def _page(self, call: Call) -> httpx.Response:
        self._maybe_handled(call)
        return httpx.Response(self._draw.choice([502, 503, 504, 520, 522, 429, 200]), html=PAGE)

    def _error(self, call: Call) -> httpx.Response:
        self._maybe_handled(call)
        text = self._draw.choice(
            [
                "EService:Busy",
                "EService:Unavailable",
                "EGeneral:Internal error",
                "EService:Timeout",
                "EOrder:Never seen",
            ]
        )
        return _errors(text)

    def _not_executed(self, call: Call) -> httpx.Response:
        throttled = f"EService: Throttled: {int(self._clock.time()) + 3}"
        known = ["EAPI:Rate limit exceeded", "EAPI:Invalid nonce", "EOrder:Rate limit exceeded", throttled]
        return _errors(self._draw.choice([*known, "EService:Deadline elapsed"]))

    def _nonsense(self, call: Call) -> httpx.Response:
        self._maybe_handled(call)
        return httpx.Response(
            200, content=self._draw.choice(["{}", "[]", "null", '{"error":[]}', '{"error":[],"result":{}}'])
        )

    def _slow(self, call: Call) -> httpx.Response:
        self._clock.advance(self._draw.uniform(0, 12))
        return self._answered(call)


def _call(request: httpx.Request) -> Call:
    headers = request.headers
    return Call(
        verb=request.method,
        path=request.url.path,
        query=request.url.query.decode(),
        body=request.read(),
        content_type=headers.get("content-type", ""),
        api_key=headers.get("api-key", ""),
        api_sign=headers.get("api-sign", ""),
    )


def _errors(text: str) -> httpx.Response:
    return httpx.Response(200, json={"error": [text]})


@dataclass
class Outcome:
    """What callers were told, and what the books say."""

    told: Counter[str] = field(default_factory=Counter)
    """By what was returned or raised."""
    wrong: list[str] = field(default_factory=list)
    """Orders that stand once too often, or not although their callers were told so."""
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
        self._filled: list[str] = []

    def run(self, orders: int) -> Outcome:
        for _ in range(orders):
            self._place(self._order())
            if self.draw.random() < 0.1:
                self._cancel_all()
        self.weather.calm = True
        self.clock.advance(200)
        self.weather.deliver_late()
        self._compare()
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
        else:
            self.outcome.told[type(result).__name__] += 1
            if result.may_have_acted:
                self.outcome.wrong.append(f"an error that leaves it open: {result}")

    def _cancel_all(self) -> None:
        try:
            self.client.cancel_all()
        except KrakenError:
            self.outcome.told["(cancel_all failed)"] += 1

    def _compare(self) -> None:
        booked: list[dict[str, Any]] = self.exchange.observed()["orders"]
        stands = Counter((entry["cl_ord_id"], entry["txid"]) for entry in booked)
        promised = Counter(self.told)
        self.outcome.wrong += [f"promised, and not on the books: {name}" for name in promised - stands]
        self.outcome.wrong += [f"on the books, and not told: {name}" for name in stands - promised]


def main(orders: int, seed: int) -> int:
    """Run with the exchange's clock as ours, behind, and ahead; exit status 1 where anything is wrong."""
    began = time.perf_counter()
    wrong = []
    for number, ahead_s in enumerate((0.0, -25.0, 1.0)):
        outcome = Chaos(seed + number, ahead_s).run(orders // 3 + (number < orders % 3))
        print(f"exchange's clock {ahead_s:+.0f} s: {dict(outcome.told.most_common())}")
        wrong += outcome.wrong
    print(f"{orders} orders in {time.perf_counter() - began:.1f} s, seed {seed}: {len(wrong)} wrong")
    for line in wrong[:20]:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(main(*(given + [10_000, 7][len(given) :])))
