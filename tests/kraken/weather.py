"""A way to the exchange on which anything may happen to a request and to its answer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import httpx

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.sandbox import Exchange
from pytest_kraken_golive.sandbox.wire import Call

FAULTS_PER_CALL = 0.4
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
