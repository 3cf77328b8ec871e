"""Lines that measure run last and alone, with workers too; what was not measured is not proven."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

MEASURES = """
import os
import time

RAN = []

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    RAN.append(item.name)

@check("measures")
def measures(latency, evidence: Evidence, *, most_s: float) -> None:
    waited = [0.0]

    def call() -> None:
        time.sleep(0.009)
        waited[0] += 0.008  # as if a bucket had held it back so long

    found = latency.measure(call, 20, waited=lambda: waited[0])
    evidence.record("ran", RAN)
    evidence.record("worker", os.environ.get("PYTEST_XDIST_WORKER"))
    evidence.record("measured", {"samples": len(found.samples_s), "waits": round(sum(found.waits_s), 6)})
    evidence.record(*latency.keep_picture(found, {"most": most_s}))
    assert found.p50.value < most_s, f"expected {most_s}, found {found.p50.value}"
"""


def _seen(run: object, line: str) -> dict[str, object]:
    lines = run.lines  # type: ignore[attr-defined]  # a GateRun
    return {one["source"]: one["value"] for one in lines[line]["evidence"]}


def test_it_runs_last_and_alone_with_and_without_workers(project: Project) -> None:
    project.conftest(MEASURES)
    project.write("pytest.ini", "[pytest]\naddopts = -p no:randomly -p no:anyio -p no:hypothesispytest\n")
    project.runbook("slow measures most_s=0.0001", "fast measures most_s=0.9", "a holds value=yes", "b holds value=yes")
    for words in ((), ("-n", "2")):
        run = project.gate(*words)
        run.require("NO-GO", 10, "slow: expected 0.0001")
        assert run.outcomes == {"slow": "failed", "fast": "passed", "a": "passed", "b": "passed"}, words
        seen = _seen(run, "fast")
        assert seen["worker"] is None
        ran = seen["ran"]
        assert isinstance(ran, list)
        assert ran[-2:] == ["slow", "fast"]
        assert seen["measured"] == {"samples": 20, "waits": 0.16}
        assert str(seen["latency/fast.svg"]).startswith("<svg ")
        report = json.loads((project.root / "reports" / "latency" / "benchmark.json").read_text(encoding="utf-8"))
        (own,) = (one for one in report["benchmarks"] if one["name"] == "fast")
        assert own["stats"]["rounds"] == 20
        assert own["stats"]["median"] >= 0.0009
    run = project.gate("-n", "1", "-k", "fast")
    run.require("INCOMPLETE", 11)
    assert run.outcomes["fast"] == "passed"


def test_what_was_not_measured_is_not_proven(project: Project) -> None:
    project.conftest(MEASURES)
    project.write("pytest.ini", "[pytest]\naddopts = -p no:randomly -p no:anyio -p no:hypothesispytest\n")
    project.runbook("fast measures most_s=0.9", "a holds value=yes")
    for words in (("--benchmark-disable",), ("-p", "no:benchmark")):
        run = project.gate(*words)
        run.require("NO-GO", 10, "not measured")
        assert run.outcomes == {"fast": "not_proven", "a": "passed"}, words
