"""The lines about connections and performance, where somebody lies whom no break can play."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks.connection import environment_summary, public_connection, safe_validation
from pytest_kraken_golive.checks.performance import place_order_latency, place_order_success
from pytest_kraken_golive.checks.volume import _ladder_of
from pytest_kraken_golive.contract import Evidence, Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.orders import NewOrder
from pytest_kraken_golive.operations.validate import validate
from pytest_kraken_golive.policy import Latency as Budgets
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.commands import CommandRun
from pytest_kraken_golive.rehearsal.order_bench import OrderBench, open_bench
from pytest_kraken_golive.telemetry.events import Event
from pytest_kraken_golive.telemetry.latency import Latency

if TYPE_CHECKING:
    from production_world import World

pytest_plugins = ["production_world"]


class Told:
    """Commands of which a test tells how they ended."""

    def __init__(self, world: World, output: str = "", seen: Mapping[str, Any] | None = None, status: int = 0) -> None:
        self.root = world.root
        self._output, self._status = output, status
        self._seen = dict(seen or {"by_endpoint": {}, "signed": {}, "orders": 0, "validated": 0, "errors": {}})

    def run(self, name: str) -> CommandRun:
        now = time.time()
        return CommandRun([name], self._status, self._output, now - 1, now + 1, None, self._seen)


@pytest.fixture
def settings(world: World) -> LiveSettings:
    return LiveSettings.of(Deployment(world.root))


@pytest.fixture
def bench(world: World) -> Iterator[OrderBench]:
    with open_bench(world.rehearsal.sandbox) as opened:
        yield opened


def test_a_file_that_says_ok_of_an_exchange_that_nobody_asked(world: World, settings: LiveSettings) -> None:
    validate(world.root / "config" / "runtime.yaml", {})
    asked: Any = Told(world)
    with pytest.raises(NotProven, match="books show no Depth"):
        public_connection(asked, settings, world.rehearsal.sandbox, Evidence(), endpoint="Depth")


def test_an_output_with_a_secret_in_it_fails_and_does_not_show_it(world: World, settings: LiveSettings) -> None:
    secret = settings.key_pair.credentials.api_secret.get_secret_value()
    asked: Any = Told(world, f"production {secret}")
    with pytest.raises(Fault, match="expected no secret") as caught:
        environment_summary(asked, settings, world.rehearsal.sandbox, Evidence(), mode="production")
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("reproduction\n", "expected the mode production"),
        ("mode production\nglobal 20 2\nmarket_data 15 2\norder 10 1.5\norder_status 10 9", "kraken:order_status"),
        ("mode production\nglobal 200 2.05\nmarket_data 15 2\norder 10 1.5\norder_status 10 1.5", "kraken:global"),
    ],
)
def test_an_output_must_show_mode_and_limits(world: World, settings: LiveSettings, output: str, says: str) -> None:
    asked: Any = Told(world, output)
    with pytest.raises(AssertionError, match=says):
        environment_summary(asked, settings, world.rehearsal.sandbox, Evidence(), mode="production")


def test_an_output_as_other_programs_write_it_will_do(world: World, settings: LiveSettings) -> None:
    output = "Environment: production\n" + "\n".join(
        f"KRAKEN_RL_{name}_CAP={cap}\nKRAKEN_RL_{name}_FR={rate}"
        for name, cap, rate in (("GLOBAL", 20, 2.0), ("MD", 15, 2), ("ORDER", 10, 1.5), ("ORDER_STATUS", 10, 1.5))
    )
    asked: Any = Told(world, output)
    environment_summary(asked, settings, world.rehearsal.sandbox, Evidence(), mode="production")


def test_nothing_is_started_that_would_call_another_exchange(world: World) -> None:
    world.lines("KRAKEN_BASE_URL")  # then it is the real one
    asked: Any = Told(world)
    with pytest.raises(NotProven, match=r"https://api\.kraken\.com.* nothing was started"):
        public_connection(
            asked, LiveSettings.of(Deployment(world.root)), world.rehearsal.sandbox, Evidence(), endpoint="Depth"
        )


class OrderingClient:
    """A client whose balance comes with an order."""

    def __init__(self, bench: OrderBench) -> None:
        self._bench = bench
        self.base_url = bench.client.base_url

    def get_account_balance(self) -> Mapping[str, Decimal]:
        self._bench.place(self._bench.resting("XBTUSD"))
        return self._bench.client.get_account_balance()


def test_a_balance_that_comes_with_an_order_is_no_safe_validation(world: World, bench: OrderBench) -> None:
    client: Any = OrderingClient(bench)
    with pytest.raises(Fault, match=r"expected no order from get_account_balance\(\), found"):
        safe_validation(client, world.rehearsal.sandbox, {}, Evidence())


class Meter:
    """Gives samples that a test has made up, after really calling."""

    def __init__(self, *samples_s: float, calls: int | None = None) -> None:
        self._samples_s, self._calls = samples_s, len(samples_s) if calls is None else calls

    def measure(self, call: Callable[[], object], samples: int, **_: Any) -> Latency:
        for _number in range(self._calls):
            call()
        return Latency(tuple(self._samples_s), (0.0,) * len(self._samples_s), samples)

    def keep_picture(self, latency: Latency, budgets: Mapping[str, float]) -> tuple[str, str]:
        return "latency/x.svg", "<svg/>"


def _judge(bench: OrderBench, meter: Meter, budgets: Budgets, overridden: Mapping[str, str] | None = None) -> None:
    place_order_latency(meter, bench, Policy(latency=budgets), overridden or {}, Evidence(), pair="XBTUSD")


WIDE = Budgets(p50_max_s=1, p95_max_s=2, p99_max_s=3)


@pytest.mark.parametrize(
    ("samples_s", "budgets", "told"),
    [
        ([0.1] * 298, WIDE, (NotProven, "p99: expected 299 samples, found 298")),
        ([0.1] * 58, WIDE.model_copy(update={"p99_max_s": None}), (NotProven, "p95: expected 59 samples, found 58")),
        ([0.1] * 100 + [5.0] * 199, WIDE, (AssertionError, "p50: expected at most 1 s")),
        ([0.1] * 280 + [2.5] * 19, WIDE, (AssertionError, "p95: expected at most 2 s")),
        ([0.1] * 295 + [9.0] * 4, WIDE, (AssertionError, "p99: expected at most 3 s")),
        ([0.1] * 298 + [9.0], WIDE, (NotProven, "p99: measured 0.1 s, but with 299 samples it may be up to 9 s")),
        ([], WIDE, (NotProven, "expected samples, found none")),
    ],
)
def test_percentiles_are_judged_by_what_the_samples_allow_to_say(
    bench: OrderBench,
    monkeypatch: pytest.MonkeyPatch,
    samples_s: Sequence[float],
    budgets: Budgets,
    told: tuple[type[Exception], str],
) -> None:
    error, says = told
    replayed = Meter(*samples_s, calls=0)
    with pytest.raises(NotProven, match="never a replay") if samples_s else pytest.raises(NotProven):
        _judge(bench, replayed, budgets)
    looks = itertools.count(0, 1000)
    monkeypatch.setattr(bench.exchange, "books", lambda: {"by_endpoint": {"AddOrder": next(looks)}})
    with pytest.raises(error, match=says):
        _judge(bench, replayed, budgets)


def test_a_client_of_ones_own_is_not_measured_by_another(bench: OrderBench) -> None:
    with pytest.raises(NotProven, match=r"not the client of conftest\.py"):
        _judge(bench, Meter(), WIDE, {"kraken_client": "conftest.py"})
    with pytest.raises(NotProven, match=r"not the client of conftest\.py"):
        place_order_success(bench, {"kraken_client": "conftest.py"}, Evidence(), pair="XBTUSD", orders=1, min_rate=1.0)


def test_a_client_that_takes_a_refusal_for_success_fails(bench: OrderBench, monkeypatch: pytest.MonkeyPatch) -> None:
    real, first = bench.place, bench.place(bench.resting("XBTUSD"))

    def place(order: NewOrder) -> Any:
        return first if order.volume < bench.pair("XBTUSD").ordermin else real(order)  # type: ignore[operator]

    monkeypatch.setattr(bench, "place", place)
    with pytest.raises(Fault, match="expected a failure for an order that is too small, found success"):
        place_order_success(bench, {}, Evidence(), pair="XBTUSD", orders=2, min_rate=1.0)


def test_a_ladder_that_nobody_could_climb_says_what_the_command_said(world: World) -> None:
    (world.root / "runtime").mkdir(exist_ok=True)
    (world.root / "runtime" / "events.jsonl").write_bytes(Event(1.0, "startup", {}).line())
    run = CommandRun(["bench"], 2, "wrong: process 7 is writing it. Next: stop that one first.\n", 1.0, 2.0)
    with pytest.raises(
        NotProven, match=r"found none: the command bench ended with status 2\. It said: wrong: process 7"
    ):
        _ladder_of(run, world.root)
    with pytest.raises(NotProven, match="KRAKEN_MAX_ORDER_USD"):
        _ladder_of(replace(run, exit_status=0), world.root)


def test_a_bench_leaves_no_order_open(world: World) -> None:
    with open_bench(world.rehearsal.sandbox) as bench:
        for _ in range(55):
            bench.place(bench.resting("XBTUSD"))
        assert len(bench.left_open()) == 55
        bench.cancel_what_is_open()
        assert bench.left_open() == []
