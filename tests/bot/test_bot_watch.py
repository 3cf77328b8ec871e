from __future__ import annotations

import pytest

from pytest_kraken_golive.bot.metrics import ERRORS, HEALTH, RATE_LIMITED, SEVERITIES, ExchangeMetrics
from pytest_kraken_golive.bot.watch import ExchangeWatch
from pytest_kraken_golive.kraken.catalogue import meaning_of
from pytest_kraken_golive.kraken.observation import CallRecord, Result


class Watched:
    def __init__(self) -> None:
        self.metrics = ExchangeMetrics(["kraken"])
        self.watch = ExchangeWatch("kraken", self.metrics)

    def call(
        self,
        endpoint: str = "Ticker",
        result: Result = "ok",
        errors: tuple[str, ...] = (),
        kind: str | None = None,
        attempt: int = 1,
    ) -> None:
        limited = any(meaning_of(text).rate_limit for text in errors)
        self.watch.on_call(CallRecord(endpoint, attempt, 0.0, 0.1, 0.0, result, errors, (), kind, limited))

    @property
    def health(self) -> float | None:
        return self.metrics.value(HEALTH, {"exchange": "kraken"})

    @property
    def counts(self) -> tuple[float | None, ...]:
        """Rate limits, warnings, errors, critical errors."""
        by_severity = (self.metrics.value(ERRORS, {"exchange": "kraken", "severity": name}) for name in SEVERITIES)
        return (self.metrics.value(RATE_LIMITED, {"exchange": "kraken"}), *by_severity)

    def healthy(self) -> Watched:
        self.watch.on_status(online=True)
        self.call("Balance")
        return self


@pytest.mark.parametrize(
    ("endpoint", "errors", "attempt", "counts"),
    [
        ("Ticker", ("EAPI:Rate limit exceeded",), 1, (1, 0, 0, 0)),
        ("AddOrder", ("EOrder:Rate limit exceeded",), 1, (1, 0, 0, 0)),
        ("Ticker", ("EService: Throttled: 1795167065",), 1, (1, 0, 0, 0)),
        ("Ticker", ("EService:Busy",), 1, (0, 1, 0, 0)),
        ("Ticker", ("EService:Busy",), 2, (0, 0, 1, 0)),
        ("AddOrder", ("EService:Busy",), 1, (0, 0, 0, 1)),
        ("Balance", ("EAPI:Invalid nonce",), 1, (0, 1, 0, 0)),
        ("Balance", ("EAPI:Invalid signature",), 1, (0, 0, 0, 1)),
        ("Balance", ("EGeneral:Temporary lockout",), 1, (0, 0, 0, 1)),
        ("AddOrder", ("EGeneral:Permission denied",), 1, (0, 0, 0, 1)),
        ("AddOrder", ("EOrder:Insufficient funds",), 1, (0, 0, 1, 0)),
        ("AddOrder", ("ENew:Never heard of",), 1, (0, 0, 0, 1)),
        ("Ticker", ("ENew:Never heard of",), 1, (0, 0, 1, 0)),
        ("AddOrder", ("EOrder:Post only order",), 1, (0, 0, 0, 0)),
        ("CancelOrder", ("EOrder:Unknown order",), 1, (0, 0, 0, 0)),
        ("Ticker", ("EService:Busy", "EGeneral:Permission denied"), 1, (0, 0, 0, 1)),
    ],
)
def test_an_answer_with_errors_is_counted_once_under_its_severity(
    endpoint: str, errors: tuple[str, ...], attempt: int, counts: tuple[int, ...]
) -> None:
    watched = Watched()
    watched.call(endpoint, "error", errors, attempt=attempt)
    assert watched.counts == counts


@pytest.mark.parametrize(
    ("endpoint", "attempt", "counts"),
    [("Ticker", 1, (0, 1, 0, 0)), ("Ticker", 2, (0, 0, 1, 0)), ("AddOrder", 1, (0, 0, 0, 1))],
)
@pytest.mark.parametrize(("result", "kind"), [("transport", "read_timeout"), ("broken", "http_502")])
def test_a_lost_or_broken_answer_is_counted_once(
    endpoint: str, attempt: int, counts: tuple[int, ...], result: Result, kind: str
) -> None:
    watched = Watched()
    watched.call(endpoint, result, kind=kind, attempt=attempt)
    assert watched.counts == counts


def test_health_is_known_only_after_status_and_a_private_call() -> None:
    watched = Watched()
    watched.call("Ticker")
    assert watched.health is None
    watched.watch.on_status(online=True)
    assert watched.health is None
    watched.call("Balance")
    assert watched.health == 1


def test_an_exchange_that_is_not_online_is_not_healthy() -> None:
    watched = Watched().healthy()
    watched.watch.on_status(online=False)
    assert watched.health == 0
    watched.watch.on_status(online=True)
    assert watched.health == 1


def test_three_failures_in_a_row_make_it_sick_and_one_success_well() -> None:
    watched = Watched().healthy()
    for expected in (1, 1, 0):
        watched.call(result="transport", kind="connect_error")
        assert watched.health == expected
    watched.call()
    assert watched.health == 1
    for _ in range(2):
        watched.call(result="transport", kind="connect_error")
        watched.call()
    assert watched.health == 1


def test_a_refused_key_makes_it_sick_until_the_key_is_accepted() -> None:
    watched = Watched().healthy()
    watched.call("Balance", "error", ("EAPI:Invalid key",))
    watched.call("Ticker")
    assert watched.health == 0
    watched.call("Balance")
    assert watched.health == 1


def test_a_busy_exchange_does_not_count_as_a_refused_key() -> None:
    watched = Watched().healthy()
    watched.call("AddOrder", "error", ("EService:Busy",))
    watched.call("Ticker")
    assert watched.health == 1


def test_silence_makes_it_sick() -> None:
    watched = Watched().healthy()
    watched.watch.on_silence()
    assert watched.health == 0
