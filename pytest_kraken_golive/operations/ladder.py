"""Progressive volume: rungs from the pair's minimum upward, until the first that degrades.

A rung's figures are read from its orders' events, by the command that climbs and by whoever judges it later. The event
`volume_rung` closes a rung: {exchange, ladder, rung, volume, duration_s, degraded}.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.operations.trial import Trial
from pytest_kraken_golive.policy import Ladder
from pytest_kraken_golive.telemetry.events import Event, EventType


@dataclass
class Rung:
    """What the events say of one rung."""

    number: int
    """From 1."""
    volumes: set[Decimal] = field(default_factory=set)
    """Volumes of its orders: one."""
    pairs: set[str] = field(default_factory=set)
    """Pairs of its orders, as far as their events say."""
    by_id: dict[str, Decimal] = field(default_factory=dict)
    """The volume of each order, by its client id."""
    orders: int = 0
    """Orders sent."""
    filled: int = 0
    """Those that were filled."""
    latency_max_s: float = 0.0
    """The slowest answer to an order."""
    slippage_max_pct: Decimal | None = None
    """How much worse than the best price before it the worst fill was; None without a fill."""
    duration_s: float | None = None
    """How long it took; None: it has no end."""
    said: str | None = None
    """The degradation that the climber saw; None: none."""
    _best: dict[str, tuple[str, Decimal]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Count one event of this rung.

        Raises:
            NotProven: the payload lacks what is counted.
            Fault: it holds something wrong.
        """
        if event.type == EventType.VOLUME_RUNG:
            self.duration_s = event.seconds("duration_s")
            self.said = event.payload.get("degraded")
        elif event.type in (EventType.ORDER_SUBMITTED, EventType.ORDER_REJECTED):
            self.orders += 1
            self.latency_max_s = max(self.latency_max_s, event.seconds("latency_s"))
            volume, cl_ord_id = _amount(event, "volume"), event.text("cl_ord_id")
            if cl_ord_id in self.by_id:
                raise Fault(
                    f"{event.where}: expected another order than {cl_ord_id}, of which an event tells already. "
                    "Next: give each order a client id of its own, and write it once."
                )
            self.by_id[cl_ord_id] = volume
            self.volumes.add(volume)
            self.pairs |= {event.text("pair")} if "pair" in event.payload else set()
            self._best[cl_ord_id] = event.text("side"), _amount(event, "best_price")
        elif event.type == EventType.ORDER_FILL:
            self.filled += 1
            self._slipped(event)

    def _slipped(self, event: Event) -> None:
        known = self._best.get(event.text("cl_ord_id"))
        if known is None:
            raise Fault(f"{event.where}: expected the fill of an order of the rung, found another. Next: see the log.")
        side, best = known
        worse = _amount(event, "price") - best if side == "buy" else best - _amount(event, "price")
        slipped = max(Decimal(0), worse / best * 100)
        self.slippage_max_pct = max(slipped, self.slippage_max_pct or Decimal(0))

    def degradation(self, rules: Ladder) -> str | None:
        """What is worse than it may be; None if nothing is."""
        share = self.filled / self.orders if self.orders else 0.0
        slipped = float(self.slippage_max_pct or 0)
        if self.duration_s is not None and self.duration_s > rules.window_s:
            return f"duration {self.duration_s:.3g} s, at most {rules.window_s:g} s"
        if share < rules.success_min:
            return f"success {self.filled} of {self.orders}, at least {rules.success_min:.0%}"
        if self.latency_max_s > rules.latency_max_s:
            return f"latency {self.latency_max_s:.3g} s, at most {rules.latency_max_s:g} s"
        if slipped > rules.slippage_max_pct:
            return f"slippage {slipped:.3g} %, at most {rules.slippage_max_pct:g} %"
        return None


def climb(trial: Trial, rules: Ladder) -> list[Rung]:
    """Climb until a rung degrades or there are no more; raises as `Trial.round` does."""
    rungs: list[Rung] = []
    volume = trial.smallest_volume()
    own: list[Event] = []
    write = trial.append

    def heard(type_: EventType, /, **payload: object) -> Event:
        event = write(type_, **payload)
        own.append(event)
        return event

    trial.append = heard
    try:
        for number in range(1, rules.rungs + 1):
            began_s = trial.clock.monotonic()
            tags = {"ladder": trial.prefix, "rung": number}
            trial.round(volume, rules.orders, **tags)
            rung = Rung(number, duration_s=trial.clock.monotonic() - began_s)
            for event in own:
                rung.take(event)
            rung.said = rung.degradation(rules)
            end = {"volume": volume, "duration_s": rung.duration_s, "degraded": rung.said}
            write(EventType.VOLUME_RUNG, exchange=trial.exchange, **tags, **end)
            rungs.append(rung)
            own.clear()
            if rung.said is not None:
                break
            volume *= rules.factor
    finally:
        trial.append = write
    return rungs


def ladders_of(events: Iterable[Event]) -> dict[str, list[Rung]]:
    """The ladders in an event log by name, the latest last; each with its rungs in the order of their first event.

    Raises:
        NotProven: an event lacks what is counted.
        Fault: it holds something wrong.
    """
    ladders: dict[str, dict[int, Rung]] = {}
    for event in events:
        if "ladder" in event.payload:
            number = event.payload.get("rung")
            if type(number) is not int:
                raise Fault(
                    f"{event.where} payload.rung: expected a whole number, found {number!r}. Next: see the log."
                )
            rungs = ladders.setdefault(event.text("ladder"), {})
            rungs.setdefault(number, Rung(number)).take(event)
    return {name: list(rungs.values()) for name, rungs in ladders.items()}


def shown(rungs: Sequence[Rung]) -> list[dict[str, object]]:
    """Rungs as files and evidence show them."""
    return [
        {
            "rung": rung.number,
            "volume": [format(volume, "f") for volume in sorted(rung.volumes)],
            "orders": rung.orders,
            "filled": rung.filled,
            "latency_max_s": round(rung.latency_max_s, 6),
            "slippage_max_pct": None if rung.slippage_max_pct is None else round(float(rung.slippage_max_pct), 6),
            "duration_s": None if rung.duration_s is None else round(rung.duration_s, 6),
            "degraded": rung.said,
        }
        for rung in rungs
    ]


def _amount(event: Event, key: str) -> Decimal:
    value = event.amount(key)
    if value is None or value <= 0:
        raise Fault(f"{event.where} payload.{key}: expected an amount above zero, found {value}. Next: see the log.")
    return value
