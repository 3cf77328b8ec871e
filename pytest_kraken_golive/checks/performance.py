"""How fast, how surely and at what cost orders are placed, and how the volume may be raised."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field

from pytest_kraken_golive.bot.fees import AssumedFees
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import performance_breaks as broken
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.commands_seen import (
    Commands,
    fresh_file,
    reader,
    run_of,
    run_or_record,
    see_success,
    seen,
)
from pytest_kraken_golive.contract import Evidence, Fault, Found, NotProven, Words, check
from pytest_kraken_golive.deployment.documents import Document
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.kraken.models import TradeInfo
from pytest_kraken_golive.operations.bench import FILE as RESULTS
from pytest_kraken_golive.policy import Latency as Budgets
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.commands import CommandRun
from pytest_kraken_golive.rehearsal.in_place import InPlaceCommands
from pytest_kraken_golive.rehearsal.order_bench import OrderBench
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.rehearsal.stage import Rehearsal
from pytest_kraken_golive.telemetry.latency import Latency, LatencyMeter
from pytest_kraken_golive.telemetry.percentiles import Percentile, fewest_samples, surely_above

BENCH: Final = "bench"
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Percent = Annotated[Decimal, Field(ge=0, le=5, allow_inf_nan=False)]
AtLeastOne = Annotated[int, Field(ge=1)]
_TOO_SMALL: Final = Decimal(100)
"""How much less than the smallest volume the exchange must refuse."""


def _require_own_client(overridden: Mapping[str, str]) -> None:
    own = overridden.get("kraken_client")
    if own is not None and "order_bench" not in overridden:
        raise NotProven(
            f"order_bench: it measures the reference client, not the client of {own}. "
            "Next: override the fixture order_bench as well, with a bench of that client."
        )


# ---- latency ----


@check(
    "place_order_latency",
    breaks=[*broken.LATENCY, *real.SIGNED],
    touches="orders",
    unarmed="validate",
    judges="account",
)
def place_order_latency(
    latency: LatencyMeter,
    order_bench: OrderBench,
    policy: Policy,
    golive_overridden: Mapping[str, str],
    evidence: Evidence,
    *,
    pair: str,
) -> None:
    """Placing an order takes no longer than its budgets; waiting for a bucket is no part of it, and told apart."""
    _require_own_client(golive_overridden)
    budgets, client = policy.latency, order_bench.client
    limits = _limits(budgets)
    order = order_bench.resting(pair)
    before = order_bench.exchange.count("AddOrder")
    try:
        measured = latency.measure(
            lambda: order_bench.time_one(order),
            budgets.samples,
            waited=lambda: client.waited_s,
            longest_s=budgets.longest_s,
            enough=lambda samples_s: _hopeless(samples_s, limits),
        )
    except KrakenError as error:
        raise Fault(f"exchange {client.base_url}: {error}") from error
    evidence.record("latency", measured.data(), key="place_order, seconds", note=order_bench.timed_note)
    marks = {f"p{percent} at most": limit for percent, limit in limits.items()}
    place, picture = latency.keep_picture(measured, marks)
    evidence.record(place, picture, note="picture (SVG): how often which duration was measured")
    arrived = order_bench.exchange.count("AddOrder") - before
    if arrived < len(measured.samples_s):
        raise NotProven(
            f"exchange: its books show {arrived} AddOrder of {len(measured.samples_s)} that were measured, so it "
            "was not this exchange that answered. Next: measure live, never a replay."
        )
    asked = [(one, limits[one.percent]) for one in (measured.p50, measured.p95, measured.p99) if one.percent in limits]
    for one, limit in asked:  # first what is too slow, then what is not known well enough
        _require_within(one, limit, measured)
    for one, limit in asked:
        _require_bound(one, limit, measured)


def _limits(budgets: Budgets) -> dict[int, float]:
    asked = {50: budgets.p50_max_s, 95: budgets.p95_max_s, 99: budgets.p99_max_s}
    return {percent: limit for percent, limit in asked.items() if limit is not None}


def _hopeless(samples_s: Sequence[float], limits: Mapping[int, float]) -> str | None:
    for percent, limit in limits.items():
        if surely_above(samples_s, percent, limit):
            return f"p{percent} is above {limit:g} s beyond doubt"
    return None


def _require_within(one: Percentile, limit_s: float, measured: Latency) -> None:
    """Raise if a percentile is above its limit, by its value or beyond doubt."""
    if one.value is None:
        raise NotProven(f"latency p{one.percent}: expected samples, found none. Next: run it again.")
    if one.value > limit_s or surely_above(measured.samples_s, one.percent, limit_s):
        raise AssertionError(
            f"latency place_order p{one.percent}: expected at most {limit_s:g} s ({_budget(one)}), found "
            f"{one.value:.4g} s over {one.samples} samples{_ended(measured)}. "
            "Next: see the histogram; look for a slow network, a busy machine, or waits inside the client."
        )


def _require_bound(one: Percentile, limit_s: float, measured: Latency) -> None:
    """Raise unless the samples suffice to say that a percentile is within its limit."""
    if one.upper is None:
        or_less = ", or ask for no p99 (p99_max_s: null)" if one.percent == measured.p99.percent else ""
        raise NotProven(
            f"latency place_order p{one.percent}: expected {fewest_samples(one.percent)} samples, found {one.samples}"
            f"{_ended(measured)}: fewer bound nothing. "
            f"Next: raise latency.longest_s in config/golive.yaml, and for few samples latency.samples{or_less}."
        )
    if one.upper > limit_s:
        raise NotProven(
            f"latency place_order p{one.percent}: measured {one.value:.4g} s, but with {one.samples} samples it may be "
            f"up to {one.upper:.4g} s, and {limit_s:g} s are allowed ({_budget(one)}). "
            "Next: measure more, on a quiet machine."
        )


def _budget(one: Percentile) -> str:
    return f"config/golive.yaml latency.p{one.percent}_max_s"


def _ended(measured: Latency) -> str:
    return f" ({measured.ended})" if measured.ended else ""


# ---- success ----


@check(
    "place_order_success",
    breaks=[*broken.SUCCESS, *real.SIGNED],
    touches="orders",
    unarmed="validate",
    judges="account",
)
def place_order_success(
    order_bench: OrderBench,
    golive_overridden: Mapping[str, str],
    evidence: Evidence,
    *,
    pair: str,
    orders: AtLeastOne,
    min_rate: Share,
) -> None:
    """Orders are accepted: an order id came back that the exchange knows; an error array in an HTTP 200 is none."""
    _require_own_client(golive_overridden)
    order = order_bench.resting(pair)
    accepted, checked, reasons = [], [], []
    for _ in range(orders):
        try:
            placed = order_bench.place(order)
        except KrakenError as error:
            reasons.append(str(error))
            continue
        if placed.txid is not None and not placed.validated_only:
            accepted.append(placed.txid)
        elif not order_bench.places and placed.validated_only and placed.order.strip():
            checked.append(placed.order)
    known = order_bench.client.query_orders(*accepted) if accepted else {}
    well = [txid for txid in accepted if txid in known] + checked
    evidence.record("exchange", {"sent": orders, "accepted": len(well), "refused": reasons[:3]}, note=order_bench.note)
    with_what = "with an id that it knows" if order_bench.places else "with their description"
    assert len(well) >= min_rate * orders, (
        f"exchange AddOrder: expected at least {min_rate:.0%} of {orders} orders accepted, {with_what}, "
        f"found {len(well)} of {orders}. The first that was not: {reasons[0] if reasons else 'Next: look it up.'}"
    )
    _require_refusal(order_bench, pair, evidence)


def _require_refusal(bench: OrderBench, pair: str, evidence: Evidence) -> None:
    """The exchange refuses an order in an HTTP 200; who counts that as a success counts everything."""
    small = bench.resting(pair)
    tiny = type(small)(
        pair=pair, side=small.side, ordertype="limit", volume=small.volume / _TOO_SMALL, price=small.price
    )
    before = dict(_errors(bench.exchange))
    try:
        placed = bench.place(tiny)
    except KrakenError as error:
        after = _errors(bench.exchange)
        said = sorted(text for text, count in after.items() if count > before.get(text, 0))
        evidence.record("exchange", said, key="AddOrder below the smallest volume", note=f"counted as failure: {error}")
        if not said:
            raise NotProven(f"exchange: its books show no refusal of a too small order: {error}") from error
        return
    raise Fault(
        f"client: expected a failure for an order that is too small, found success ({placed.txid}). "
        "Next: let the client take an error array for a failure, whatever the HTTP status."
    )


def _errors(exchange: Exchange) -> Mapping[str, int]:
    """The error strings that the exchange has answered with, and how often."""
    if isinstance(exchange, RealExchange):
        return exchange.errors
    errors: dict[str, int] = exchange.books()["errors"]
    return errors


# ---- fees ----


@check(
    "fee_accuracy",
    breaks=[*broken.FEES, *real.SIGNED],
    touches="reads",
    judges="account",
    begins=["bench"],
)
def fee_accuracy(
    golive_world: Rehearsal,
    live_commands: Commands,
    live_settings: LiveSettings,
    runtime_config: RuntimeConfig,
    evidence: Evidence,
    *,
    pair: str,
    tolerance_pct: Percent,
) -> None:
    """The assumed rates are those that the exchange reports, and those that its real fills were charged with."""
    assumed = AssumedFees.of(runtime_config)
    exchange = golive_world.exchange
    if isinstance(exchange, RealExchange):
        if isinstance(live_commands, InPlaceCommands) and live_commands.why_not(BENCH) is None:
            live_commands.run(BENCH)
        since_s, until_s = time.time() - golive_world.policy.service.drill_max_age_h * 3600, time.time()
        which = f"since {time.strftime('%Y-%m-%d', time.gmtime(since_s))}"
    else:
        run = run_of(live_commands, live_settings, exchange, BENCH)
        since_s, until_s, which = run.started_at - 1, run.ended_at + 1, "from the benchmark"
    with reader(exchange) as client:
        try:
            pair_id = next(iter(client.asset_pairs(pair)))
            reported = client.trade_volume(pair)
            fills = [one for one in client.trades_history(start=since_s).trades.values() if one.pair == pair_id]
        except KrakenError as error:
            raise Fault(f"exchange {exchange.url}: {error}") from error
    rates = {
        "maker": (reported.fees_maker or {}).get(pair_id),
        "taker": (reported.fees or {}).get(pair_id),
    }
    for kind, found in (("maker", assumed.maker), ("taker", assumed.taker)):
        tier = rates[kind]
        if tier is None:
            raise NotProven(f"exchange TradeVolume: expected the {kind} fee of {pair}, found none. Next: ask again.")
        evidence.record(found.where.source, found.value, line=found.where.line, key=found.where.key, note="assumed")
        evidence.record("exchange", tier.fee, key=f"TradeVolume {pair} {kind}, percent")
        assert abs(found.value - tier.fee) <= tolerance_pct, (
            f"{found.where}: expected what the exchange reports, {tier.fee.normalize():f} % ({kind}, TradeVolume "
            f"{pair}), found {found.value} %. Next: correct the rate; it falls with the account's 30-day volume."
        )
    recent = [one for one in fills if since_s <= float(one.time) <= until_s]
    if not recent:
        raise NotProven(
            f"exchange TradesHistory: expected a fill of {pair} {which}, found no fill, so no fee was charged. "
            "Next: let its orders be real: KRAKEN_MAX_ORDER_USD in .env, --golive-arm-orders and --golive-arm-drills."
        )
    for fill in recent:
        _require_charged(fill, assumed, tolerance_pct)
    charged = {f"{one.fee} of {one.cost}" for one in recent}
    evidence.record("exchange", sorted(charged)[:5], key="TradesHistory fee of cost", note=f"{len(recent)} fills")


def _require_charged(fill: TradeInfo, assumed: AssumedFees, tolerance_pct: Decimal) -> None:
    if fill.maker is None:
        raise NotProven("exchange TradesHistory: expected `maker` with a fill, found none. Next: ask again.")
    if fill.cost <= 0:
        raise Fault(f"exchange TradesHistory: expected a cost above zero, found {fill.cost}. Next: see the fill.")
    rate = assumed.maker if fill.maker else assumed.taker
    # The exchange rounds fees to the last decimal that it shows: half of it is no difference.
    rounding = Decimal(1).scaleb(int(fill.fee.as_tuple().exponent)) / fill.cost * 100
    pct = fill.fee / fill.cost * 100
    assert abs(pct - rate.value) <= tolerance_pct + rounding, (
        f"{rate.where}: expected what the exchange charged, {pct:.4f} % ({fill.fee} of {fill.cost}), found "
        f"{rate.value} %. Next: correct the rate, and what the bot reckons with."
    )


# ---- the benchmark's file ----


@check(
    "benchmark_file",
    breaks=broken.FILE,
    touches="orders",
    unarmed="reads",
    begins=["bench"],
)
def benchmark_file(
    golive_world: Rehearsal,
    live_commands: Commands,
    live_settings: LiveSettings,
    evidence: Evidence,
    *,
    exchanges: Annotated[list[str], Field(min_length=1)],
) -> None:
    """The benchmark ended well; its file holds a snapshot, and figures of each exchange that its books bear out."""
    bound = live_settings.bench_wait_s
    evidence.saw(bound)
    run = run_or_record(live_commands, golive_world, live_settings, BENCH, evidence)
    see_success(run, BENCH, live_settings, evidence)
    document = fresh_file(live_commands.root, RESULTS, run, live_settings)
    sent = _sent_by(run, document, golive_world.exchange, exchanges, evidence)
    for name in exchanges:
        samples = _see_placing(document, f"by_exchange.{name}.place_order", run, evidence)
        if samples.value > sent:
            raise Fault(
                f"{samples.where}: expected at most {sent}, as the exchange booked AddOrder, found {samples.value}. "
                "Next: let the benchmark count what it sent."
            )
        _see_waiting(document, f"by_exchange.{name}.polling_fill", bound, evidence)
        for kind in ("maker_pct", "taker_pct"):
            evidence.saw(document.number(f"by_exchange.{name}.fee_base.{kind}"))
        accuracy = document.number(f"by_exchange.{name}.fee_accuracy_abs_pct")
        evidence.saw(accuracy)
        assert accuracy.value >= 0, accuracy.unlike("an absolute difference, 0 or more", "see how it is reckoned")
    document.mapping("metrics_snapshot")
    attempts = document.whole("metrics_snapshot.attempts_total")
    evidence.saw(attempts)
    evidence.saw(document.at("metrics_snapshot.success_rate") if attempts.value else attempts)
    assert 0 < attempts.value <= sent, attempts.unlike(
        f"1 to {sent}, as the exchange booked orders", "let the snapshot be of the bot's collector, after the benchmark"
    )


def _sent_by(run: CommandRun, document: Document, exchange: Exchange, names: list[str], evidence: Evidence) -> int:
    """How many orders the exchange says that it got from the benchmark.

    Raises:
        NotProven: a real one has none of them: it does not tell of orders that were only validated.
    """
    if not isinstance(exchange, RealExchange):
        return seen(run, "by_endpoint", "AddOrder")
    prefixes = [str(document.text(f"by_exchange.{name}.order_prefix").value) for name in names]
    booked = [one for prefix in prefixes for one in exchange.booked(f"{prefix}-", run.started_at - 60)]
    evidence.record(exchange.url, len(booked), key="orders of the benchmark", note="by OpenOrders and ClosedOrders")
    if not booked:
        raise NotProven(
            f"exchange {exchange.url}: expected orders of the benchmark ({', '.join(prefixes)}-…), found none. "
            "Next: let them be real (KRAKEN_MAX_ORDER_USD in .env, --golive-arm-orders), and run it with this key."
        )
    return len(booked)


def _see_placing(document: Document, key: str, run: CommandRun, evidence: Evidence) -> Found:
    """The number of samples; the percentiles must be of so many, in order, and no longer than the whole benchmark."""
    samples = document.whole(f"{key}.samples")
    assert samples.value > 0, samples.unlike("at least one sample", "let the benchmark send orders")
    last = document.number(f"{key}.p50_s")
    for name, least in (("p50_s", 1), ("p95_s", 1), ("p99_s", fewest_samples(99))):
        found = document.at(f"{key}.{name}")
        if name == "p99_s" and found.value is None:
            continue
        found = document.number(f"{key}.{name}")
        evidence.saw(found, f"of {samples.value} samples")
        assert samples.value >= least, (
            f"{found.where}: expected null, since a p99 takes {least} samples, found {found.value} of {samples.value}. "
            "Next: write null, or measure more."
        )
        assert found.value >= last.value > 0, found.unlike(
            f"at least {last.value} ({last.where})", "see how it is reckoned"
        )
        last = found
    lasted_s = run.ended_at - run.started_at
    assert last.value <= lasted_s, last.unlike(
        Words(f"at most the {lasted_s:.1f} s that the benchmark took"), "let it write seconds, not milliseconds"
    )
    wait = document.number(f"{key}.wait_s")
    evidence.saw(wait, "waited for buckets of the client's own, apart from the latency")
    assert wait.value >= 0, wait.unlike("0 or more", "see how it is measured")
    return samples


def _see_waiting(document: Document, key: str, bound: Found, evidence: Evidence) -> None:
    found = document.mapping(key)
    evidence.saw(found)
    limit = document.number(f"{key}.max_wait_s")
    assert limit.value == bound.value, limit.unlike(
        bound.value, f"let the benchmark wait no longer for a fill than SMC_BENCH_MAX_WAIT says ({bound.where})"
    )
    filled, orders = document.whole(f"{key}.filled"), document.whole(f"{key}.orders")
    assert 0 <= filled.value <= orders.value, filled.unlike(f"at most {orders.value}", "see how fills are counted")
    if filled.value:
        mean = document.number(f"{key}.fill_time_mean_s")
        assert 0 <= mean.value <= bound.value + 1, mean.unlike(f"at most {bound.value}", "see how fills are waited for")
