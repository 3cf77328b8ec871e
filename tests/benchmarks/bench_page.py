"""How fast the sign-off page is written, against the verdict file in the same run. Prints, never fails.

python tests/benchmarks/bench_page.py [lines]
"""

from __future__ import annotations

import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "reporting"))

from verdict_documents import many

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.signoff_page import render
from pytest_kraken_golive.reporting.verdict_file import VerdictFile, as_text
from pytest_kraken_golive.whole_file import replace_text

ROUNDS = 5


def bench(lines: int) -> None:
    """Each step, in turn."""
    document = many(lines, in_the_way=lines // 250)
    redactor = Redactor(secrets.token_urlsafe(48) for _ in range(6))
    page = render(document)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        place = Path(folder)
        steps: dict[str, Callable[[], object]] = {
            "verdict.json alone: masked, written, looked through": lambda: _verdict(place, document, redactor),
            "the page rendered": lambda: render(document),
            "the page looked through for secrets": lambda: redactor.text(page),
            "verdict.json and the page": lambda: VerdictFile(place).put(document, redactor),
        }
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(ROUNDS):
            for name, step in steps.items():
                began = time.process_time()
                step()
                times[name].append(time.process_time() - began)
    print(f"{lines} lines, {len(page) / 1e6:.1f} MB, CPU time, median of {ROUNDS} alternated rounds")
    for name, values in times.items():
        print(f"  {statistics.median(values):7.3f} s  {name}")
    alone, both = (statistics.median(times[name]) for name in (next(iter(times)), list(times)[-1]))
    print(f"  {both - alone:7.3f} s  for the page, {both / alone:.2f} times the verdict file (10,000 lines: under 2 s)")


def _verdict(place: Path, document: dict[str, object], redactor: Redactor) -> None:
    text = as_text(redactor.data(document))
    assert redactor.text(text) == text
    replace_text(place / "verdict.json", text)


if __name__ == "__main__":
    for count in [int(word) for word in sys.argv[1:]] or [80, 10_000]:
        bench(count)
