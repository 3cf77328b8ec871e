"""The fixture `latency`: calls measured one by one on pytest-benchmark, or not proven.

pytest-benchmark keeps neither percentiles nor the time that a call only waited, and under xdist it measures nothing
without a word. So its timer is made to stand still while a call waits for a bucket, its raw samples are taken, and a
measurement that did not take place is said. What of it is private is touched here alone (and in `gate.quiet_tail`).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.gate.nodes import RunbookLine
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.reporting.histogram import histogram_svg
from pytest_kraken_golive.stash import GATE, WORLDS
from pytest_kraken_golive.telemetry.latency import Latency

FOLDER = "latency"
"""Below the reports' folder: a picture for each line, and pytest-benchmark's own file."""


class _EnoughError(Exception):
    """Ends a measurement between two calls."""


class ThisMachine:
    """Tells pytest-benchmark what it runs on; its own way to find out takes half a second and more."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_generate_machine_info(self) -> dict[str, Any]:
        """What identifies it."""
        system = platform.uname()
        return {
            "node": system.node,
            "machine": system.machine,
            "system": system.system,
            "release": system.release,
            "python_implementation": platform.python_implementation(),
            "python_version": platform.python_version(),
            "cpu": {"count": os.cpu_count()},
        }


class Meter:
    """Measures for one test; see `LatencyMeter`."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._item: Any = request.node
        self._reports: Path | None = None
        if GATE in request.config.stash and isinstance(self._item, RunbookLine):
            self._reports = Options.read(request.config).report_dir

    def measure(
        self,
        call: Callable[[], object],
        samples: int,
        *,
        waited: Callable[[], float] = lambda: 0.0,
        longest_s: float = 60.0,
        enough: Callable[[Sequence[float]], str | None] = lambda samples_s: None,
    ) -> Latency:
        """See `LatencyMeter.measure`."""
        benchmark = self._benchmark()
        if WORLDS in self._request.config.stash:
            self._request.config.stash[WORLDS].settle()
        began_s, own_timer = time.monotonic(), benchmark._timer
        benchmark._timer = lambda: own_timer() - waited()
        waits: list[float] = []
        ended: list[str] = []

        def before() -> None:
            taken: list[float] = benchmark.stats.stats.data
            why = enough(taken)
            if why is None and taken and time.monotonic() - began_s > longest_s:
                why = f"after {longest_s:g} s"
            if why is not None:
                ended.append(why)
                raise _EnoughError
            waits.append(-waited())

        def after() -> None:
            waits[-1] += waited()

        try:
            benchmark.pedantic(call, setup=before, teardown=after, rounds=samples)
        except _EnoughError:
            benchmark.has_error = False  # its own report keeps what was measured
        self._keep_its_report(benchmark, waits)
        return Latency(tuple(benchmark.stats.stats.data), tuple(waits), samples, *ended)

    def keep_picture(self, latency: Latency, budgets: Mapping[str, float]) -> tuple[str, str]:
        """See `LatencyMeter.keep_picture`."""
        name: str = self._item.name
        picture = histogram_svg(name, latency.samples_s, budgets)
        shown = f"{FOLDER}/{name}.svg"
        if self._reports is not None:
            place = self._reports / shown
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(picture, encoding="utf-8")
        return shown, picture

    def _benchmark(self) -> Any:
        """pytest-benchmark's fixture.

        Raises:
            NotProven: it would measure nothing.
        """
        config = self._request.config
        if not config.pluginmanager.hasplugin("benchmark"):
            raise NotProven(
                "latency: not measured, pytest-benchmark is not there or switched off (-p no:benchmark). "
                "Next: run without that."
            )
        session = config._benchmarksession  # type: ignore[attr-defined]  # pytest-benchmark's own
        if session.skip or session.disabled:
            because = (
                "--benchmark-skip"
                if session.skip
                else "a worker of xdist is no quiet place"
                if session.xdist_warning
                else "--benchmark-disable"
            )
            raise NotProven(f"latency: not measured ({because}). Next: run without that.")
        return self._request.getfixturevalue("benchmark")

    def _keep_its_report(self, benchmark: Any, waits: list[float]) -> None:
        benchmark.extra_info["waited_for_buckets_s"] = sum(waits)
        session = self._request.config._benchmarksession  # type: ignore[attr-defined]  # pytest-benchmark's own
        if self._reports is None:
            return
        session.quiet = session.quiet or self._request.config.option.verbose <= 0  # the evidence says more
        if session.json is None:
            place = self._reports / FOLDER
            place.mkdir(parents=True, exist_ok=True)
            session.json = place / "benchmark.json"
