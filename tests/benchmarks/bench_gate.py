"""How fast the gate is: ratios to floors that are measured in the same run. Prints, never fails.

python tests/benchmarks/bench_gate.py [lines]
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1] / "gate"))
from accepted import accept_all

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 3
QUIET = ["-q", "--no-header", "-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts="]
ANYIO = ["-p", "no:anyio"]

CONFTEST = """from pytest_kraken_golive import check

@check("holds")
def holds(evidence, *, number: int):
    evidence.record("bench", number)
    assert number >= 0
"""

FUNCTIONS = """import pytest

@pytest.fixture
def seen():
    return []

@pytest.mark.parametrize("number", range({lines}))
def test_holds(seen, number):
    seen.append(number)
    assert number >= 0
"""


class Spent(NamedTuple):
    """What a command took, in seconds."""

    wall_s: float
    cpu_s: float
    """Its own and its children's; steadier than wall time where others use the machine. 0 on Windows."""


def timed(words: list[str], cwd: Path) -> Spent:
    """Run a command."""
    began, before = time.perf_counter(), os.times()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(words, cwd=cwd, env=environ, capture_output=True, check=False)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(time.perf_counter() - began, cpu_s)


def median(times: list[Spent]) -> Spent:
    """The middle of each."""
    return Spent(statistics.median(one.wall_s for one in times), statistics.median(one.cpu_s for one in times))


def alternated(commands: dict[str, list[str]], cwd: Path) -> dict[str, Spent]:
    """Median of each command, run in turn so that a drifting machine hits all alike."""
    times: dict[str, list[Spent]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, words in commands.items():
            times[name].append(timed(words, cwd))
    return {name: median(values) for name, values in times.items()}


def bench_lines(lines: int) -> None:
    """A line against a plain parametrised test, with Allure and without."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        (place / "config" / "runbooks").mkdir(parents=True)
        (place / "conftest.py").write_text(CONFTEST)
        binding = "<!-- golive: {{id: line-{0}, check: holds, number: {0}}} -->"
        items = "".join(f"- Line {n} {binding.format(n)}\n" for n in range(lines))
        (place / "config" / "runbooks" / "bench.md").write_text(f"# Bench\n\n{items}")
        (place / "test_floor.py").write_text(FUNCTIONS.format(lines=lines))
        (place / "one").mkdir()
        (place / "one" / "test_one.py").write_text(FUNCTIONS.format(lines=1))
        (place / "one" / "one.md").write_text("# One\n\n- Line <!-- golive: {id: one, check: holds, number: 1} -->\n")
        accept_all(place)
        pytest = [sys.executable, "-m", "pytest", *QUIET, *ANYIO]
        plain = ["-p", "no:allure_pytest"]
        seconds = alternated(
            {
                "one function": [*pytest, *plain, "one/test_one.py"],
                "one line": [*pytest, *plain, "--golive", "--golive-runbook=one/one.md"],
                "functions": [*pytest, *plain, "test_floor.py"],
                "lines": [*pytest, *plain, "--golive"],
                "functions, Allure": [*pytest, "--alluredir=reports/floor", "--clean-alluredir", "test_floor.py"],
                "lines, Allure": [*pytest, "--golive"],
            },
            place,
        )
        verdict = json.loads((place / "reports" / "verdict.json").read_text())
        assert (verdict["verdict"], verdict["counts"]) == ("GO", {"passed": lines}), verdict["reason"]
    print(f"{lines} lines, median of {ROUNDS} alternated runs")
    start = {name: seconds["one line" if name.startswith("lines") else "one function"] for name in seconds}
    for name, value in seconds.items():
        each_us = (value.wall_s - start[name].wall_s) / lines * 1e6
        each = f"  ({each_us:.0f} us per test beyond start-up)" if "one" not in name else ""
        print(f"  {value.wall_s:7.2f} s  {value.cpu_s:7.2f} s CPU  {name}{each}")
    for ours, floor in (("lines", "functions"), ("lines, Allure", "functions, Allure")):
        wall, cpu = (
            (seconds[ours][kind] - start[ours][kind]) / (seconds[floor][kind] - start[floor][kind] or math.nan)
            for kind in (0, 1)
        )
        print(f"  {wall:5.2f}  {ours} / {floor}, {cpu:.2f} by CPU time  (wanted: at most 1.3)")


def bench_parsing(lines: int) -> None:
    """Reading a runbook."""
    code = (
        "import time, pathlib\n"
        "from pytest_kraken_golive.runbook.parse import parse_runbook\n"
        "item = '- [ ] L {0} <!-- golive: {{id: l{0}, check: c, n: {0}}} -->\\n'\n"
        f"text = '# B\\n\\n' + ''.join(item.format(n) for n in range({lines}))\n"
        "began = time.perf_counter()\n"
        "book = parse_runbook(text, path=pathlib.Path('b.md'), shown='b.md', sha256='')\n"
        f"assert len(book.lines) == {lines}\n"
        "print(time.perf_counter() - began)\n"
    )
    values = [
        float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for _ in range(ROUNDS)
    ]
    print(f"parsing {lines} lines: {statistics.median(values):.2f} s (wanted: under 1)")


def bench_start_up() -> None:
    """What the plugin costs a run that does not ask for it, timed inside pytest: import and registration."""
    code = (
        "import time, pytest\n"
        "began = time.perf_counter()\n"
        "import pytest_kraken_golive.plugin\n"
        "print((time.perf_counter() - began) * 1000)\n"
    )
    values = [
        float(subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for _ in range(11)
    ]
    print(f"plugin without --golive: {statistics.median(values):.2f} ms to import beside pytest (wanted: under 5)")


def bench_gate() -> None:
    """The whole gate of this repository, and its slowest parts."""
    words = [sys.executable, "-m", "pytest", "--golive", "-q", "-p", "no:randomly"]
    values = [timed(words, ROOT) for _ in range(ROUNDS)]
    verdict = json.loads((ROOT / "reports" / "verdict.json").read_text())
    spent = median(values)
    print(
        f"pytest --golive here: {spent.wall_s:.2f} s ({spent.cpu_s:.2f} s CPU), {verdict['verdict']} (wanted: under 10)"
    )
    lines = [line for book in verdict["runbooks"] for line in book["lines"]]
    slowest = sorted(lines, key=lambda line: -line["duration_s"])[:6]
    for line in slowest:
        print(f"  {line['duration_s']:7.2f} s  {line['id']}")
    rest = sum(line["duration_s"] for line in lines) - sum(line["duration_s"] for line in slowest)
    print(f"  {rest:7.2f} s  the other {len(lines) - len(slowest)} lines")
    outside = spent.wall_s - sum(line["duration_s"] for line in lines)
    print(f"  {outside:7.2f} s  start-up, collection, reports")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    bench_start_up()
    bench_parsing(count)
    bench_gate()
    bench_lines(count)
