"""`kraken-golive bench`: latency, fills, fees and progressive volume, with the smallest orders that there are.

`runtime/benchmark_results.json` holds {generated_at, by_exchange, metrics_snapshot}. Orders are real where the settings
arm them (`KRAKEN_MAX_ORDER_USD`); else the exchange only checks them, and nothing about fills is known: null.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.fees import AssumedFees
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.clock import Clock, SystemClock
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.kraken.account_models import TradeVolume
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import KrakenError
from pytest_kraken_golive.operations.ladder import Rung, climb, shown
from pytest_kraken_golive.operations.records import keep_run
from pytest_kraken_golive.operations.trial import Trial
from pytest_kraken_golive.policy import Ladder, Policy, load_policy
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.telemetry.event_log import StructuredLogger
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.percentiles import summary
from pytest_kraken_golive.telemetry.trading_metrics import TradingMetricsCollector
from pytest_kraken_golive.whole_file import replace_file

FILE = "runtime/benchmark_results.json"
EVENTS = "runtime/events.jsonl"
EXCHANGE = "kraken"
PAIR = "XBTUSD"
DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses: measured, and all well; an order failed, or a rung degraded; the configuration is missing or wrong."""


@dataclass
class Benchmark:
    """How it went."""

    data: dict[str, Any] = field(default_factory=dict)
    """As the file has it."""
    problems: list[str] = field(default_factory=list)
    """What did not go well."""
    wrong: str | None = None
    """What is wrong with the settings; then nothing was measured, and no file written."""

    @property
    def exit_status(self) -> int:
        """`DONE`, `FAILED` or `WRONG`."""
        if self.wrong is not None:
            return WRONG
        return FAILED if self.problems else DONE

    def text(self) -> str:
        """For people."""
        lines = []
        for name, found in self.data.get("by_exchange", {}).items():
            place, fill = found["place_order"], found["polling_fill"]
            kind = "real orders" if place["real"] else "validated, not placed"
            lines.append(f"{name}: {place['success']} of {place['samples']} orders accepted ({kind})")
            if place["p50_s"] is not None:
                lines.append(f"  place_order   p50 {place['p50_s'] * 1000:.1f} ms, waited {place['wait_s']:.2f} s")
            lines.append(f"  filled        {fill['filled']} of {fill['orders']} within {fill['max_wait_s']:g} s")
            lines.append(f"  fee           off by {found['fee_accuracy_abs_pct']} percentage points")
            lines += [f"  rung {one['rung']}        {one['degraded'] or 'well'}" for one in found["volume_ladder"]]
        return "\n".join(lines)


def bench(config: Path, process: Mapping[str, str], *, samples: int = 2, clock: Clock | None = None) -> Benchmark:
    """Measure, and write the file.

    Args:
        config: runtime.yaml; the folder above its own is the deployment's root.
        process: the variables of the process.
        samples: orders of the pair's minimum before the ladder.
        clock: measures and stamps.

    Raises:
        OSError: a file cannot be written.
    """
    clock = clock or SystemClock()
    began_s = clock.time()
    deployment = Deployment(config.parent.parent, config, process)
    try:
        settings = LiveSettings.of(deployment)
        settings.refuse_misspelt()
        fees, rules = AssumedFees.of(deployment.runtime), (load_policy(deployment.root) or Policy()).ladder
        wait_s, arming = float(settings.bench_wait_s.value), settings.arming
        pair = settings.key_pair.credentials
        redactor = Redactor([pair.api_key.get_secret_value(), pair.api_secret.get_secret_value()])
        with (
            settings.client(clock=clock, arming=arming) as client,
            StructuredLogger(deployment.root / EVENTS, redactor, clock) as log,
        ):
            run = _Run(client, log, clock, fees, wait_s, places=arming is not None)
            found = run.measure(samples, rules, redactor)
    except (Fault, NotProven) as error:
        return Benchmark(wrong=str(error))
    replace_file(deployment.root / FILE, json.dumps(found.data, indent=2, allow_nan=False).encode() + b"\n")
    keep_run(deployment, "bench", began_s, clock.time(), found.exit_status)
    return found


class _Run:
    """One run at one exchange."""

    def __init__(
        self,
        client: KrakenClient,
        log: StructuredLogger,
        clock: Clock,
        fees: AssumedFees,
        wait_s: float,
        *,
        places: bool,
    ) -> None:
        self._client = client
        self._log = log
        self._clock = clock
        self._fees = fees
        self._wait_s = wait_s
        self._places = places
        self._collector = TradingMetricsCollector(clock)

    def measure(self, samples: int, rules: Ladder, redactor: Redactor) -> Benchmark:
        problems: list[str] = []
        trial: Trial | None = None
        reported: TradeVolume | None = None
        rungs: list[Rung] = []
        pair_id = PAIR
        try:
            pair_id, facts = next(iter(self._client.asset_pairs(PAIR).items()))
            reported = self._client.trade_volume(PAIR)
            taker = Decimal(self._fees.taker.value)
            trial = Trial(
                self._client, PAIR, facts, self._append, self._clock, self._places, EXCHANGE, taker, self._wait_s
            )
            trial.round(trial.smallest_volume(), samples)
            rungs = climb(trial, rules) if self._places else []
        except KrakenError as error:
            problems.append(redactor.text(str(error)))
        open_ = self._tidy(trial, problems, redactor)
        attempts = trial.attempts if trial is not None else []
        problems += [f"{one.cl_ord_id}: refused ({one.reason})" for one in attempts if one.reason is not None]
        problems += [
            f"{one.cl_ord_id}: not filled within {self._wait_s:g} s" for one in attempts if one.txid and not one.filled
        ]
        problems += [f"rung {rung.number}: {rung.said}" for rung in rungs if rung.said is not None]
        problems += [f"{txid}: still open" for txid in open_]
        figures = {
            "place_order": self._placing(trial),
            "polling_fill": self._filling(trial),
            **self._fee_figures(reported, pair_id),
            "volume_ladder": shown(rungs),
            "open_orders_left": open_,
            "order_prefix": None if trial is None else trial.prefix,
        }
        now = datetime.fromtimestamp(self._clock.time(), UTC).isoformat()
        snapshot = self._collector.snapshot()
        data = {
            "generated_at": now,
            "by_exchange": {EXCHANGE: figures},
            "metrics_snapshot": snapshot,
            "problems": problems,
        }
        return Benchmark(data, problems)

    def _append(self, type_: EventType, /, **payload: object) -> Event:
        event = self._log.append(type_, **payload)
        self._collector.take(event)
        return event

    def _tidy(self, trial: Trial | None, problems: list[str], redactor: Redactor) -> list[str]:
        """Cancel what is open of the run's own; what the exchange still calls open then."""
        if trial is None:
            return []
        try:
            if trial.left_open():
                trial.cancel_what_is_open()
                return sorted(trial.left_open())
        except KrakenError as error:
            problems.append(redactor.text(f"whether an order was left open is not known: {error}"))
        return []

    def _placing(self, trial: Trial | None) -> dict[str, Any]:
        attempts = trial.attempts if trial is not None else []
        accepted = [one for one in attempts if one.reason is None]
        latency = summary([one.latency_s for one in accepted])
        return {
            "samples": len(attempts),
            "success": len(accepted),
            "failure": len(attempts) - len(accepted),
            "real": self._places,
            "p50_s": latency.p50.value,
            "p95_s": latency.p95.value,
            "p99_s": None if latency.p99.upper is None else latency.p99.value,
            "p95_upper_s": latency.p95.upper,
            "wait_s": sum(one.wait_s for one in attempts),
        }

    def _filling(self, trial: Trial | None) -> dict[str, Any]:
        placed = [one for one in (trial.attempts if trial is not None else []) if one.txid is not None]
        ends = [one.info for one in placed if one.filled and one.info is not None]
        times = [max(0.0, float((info.closetm or info.opentm) - info.opentm)) for info in ends]
        return {
            "orders": len(placed),
            "filled": len(ends),
            "fill_time_mean_s": sum(times) / len(times) if times else None,
            "max_wait_s": self._wait_s,
        }

    def _fee_figures(self, reported: TradeVolume | None, pair_id: str) -> dict[str, Any]:
        tables = {} if reported is None else {"maker": reported.fees_maker, "taker": reported.fees}
        rates = {
            kind: None if not table or pair_id not in table else table[pair_id].fee for kind, table in tables.items()
        }
        accuracy = self._collector.snapshot()["by_exchange"].get(EXCHANGE, {}).get("fee_accuracy", {})
        return {
            "fee_base": {
                "maker_pct": float(self._fees.maker.value),
                "taker_pct": float(self._fees.taker.value),
                "source": str(self._fees.taker.where),
            },
            "fee_reported": {f"{kind}_pct": None if rate is None else float(rate) for kind, rate in rates.items()},
            "fee_accuracy_abs_pct": accuracy.get("mean_abs_pct"),
        }
