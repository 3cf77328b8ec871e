"""The last benchmark and the rungs of the volume ladder, as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ..contract import Fault, show
from .figures import duration, is_measurement, points
from .sources import BENCHMARK

Table = dict[str, list[str]]
"""Columns by heading, all of one length."""

LADDERS = ("volume_ladder", "ladder")
"""Keys below which rungs stand, for each exchange: a list, or a mapping with `rungs`."""

_FIGURES = (
    ("samples", "place_order.samples"),
    ("p50", "place_order.p50_s"),
    ("p95", "place_order.p95_s"),
    ("p99", "place_order.p99_s"),
    ("wait for a bucket", "place_order.wait_s"),
    ("fee accuracy", "fee_accuracy_abs_pct"),
)


def benchmark_tables(data: Mapping[str, Any]) -> tuple[float, list[tuple[str, Table]]]:
    """When it was measured (epoch seconds), and the tables with their titles.

    Raises:
        Fault: there is no time or no exchange in it.
    """
    by_exchange = data.get("by_exchange")
    if not isinstance(by_exchange, Mapping):
        raise _unlike("by_exchange", "figures per exchange", by_exchange)
    tables = [("Benchmark", _comparison(by_exchange))]
    for exchange, figures in by_exchange.items():
        rungs = _rungs(figures)
        if rungs:
            tables.append((f"Volume ladder on {exchange}", _ladder(rungs)))
    return _epoch(data.get("generated_at")), tables


def _comparison(by_exchange: Mapping[str, Any]) -> Table:
    table: Table = {"Figure": [name for name, _ in _FIGURES]}
    for exchange, figures in by_exchange.items():
        table[str(exchange)] = [_written(path, _at(figures, path)) for _, path in _FIGURES]
    return table


def _written(key: str, value: Any) -> str:
    if value is None:
        return "? no data"
    if isinstance(value, Mapping):  # the percentiles of a measurement
        value = value.get("p95", value.get("mean"))
    if not is_measurement(value):
        return f"{value}" if isinstance(value, str) else f"! {show(value, 40)}"
    if key.endswith("_s"):
        return duration(value)
    return points(value) if key.endswith("_pct") else f"{value:g}"


def _rungs(figures: Any) -> list[Mapping[str, Any]]:
    found = next((figures[key] for key in LADDERS if key in figures), None) if isinstance(figures, Mapping) else None
    rungs = found.get("rungs") if isinstance(found, Mapping) else found
    return [rung for rung in rungs if isinstance(rung, Mapping)] if isinstance(rungs, list) else []


def _ladder(rungs: list[Mapping[str, Any]]) -> Table:
    """A row for each rung, a column for each plain value that any of them has."""
    names = dict.fromkeys(name for rung in rungs for name, value in _plain(rung))
    return {name: [_written(name, rung.get(name)) for rung in rungs] for name in names}


def _plain(rung: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((str(name), value) for name, value in rung.items() if not isinstance(value, (Mapping, list)))


def _at(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _epoch(text: Any) -> float:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _unlike("generated_at", "a time with its zone", text)
    return moment.timestamp()


def _unlike(key: str, expected: str, found: object) -> Fault:
    return Fault(f"{BENCHMARK} {key}: expected {expected}, found {show(found, 60)}. Next: kraken-golive bench.")
