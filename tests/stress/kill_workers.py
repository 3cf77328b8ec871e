"""Kill a worker of the gate, again and again, each time somewhere else.

The verdict must be NO-GO every time, and no line may be missing from `verdict.json` or from Allure's results.

python tests/stress/kill_workers.py [times] [seed]
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "reporting"))
sys.path.insert(0, str(Path(__file__).parents[1] / "gate"))
from accepted import accept_all
from allure_results import Results
from ready import interpreters_own, ready

LINES = 12
PHASES = ("collection", "setup", "call", "teardown", "end")
CONFTEST = """import json, os, pathlib, pytest
from pytest_kraken_golive import check

RUNTIME = pathlib.Path(__file__).with_name("runtime")  # beside the check they would count to its source
PLAN = json.loads((RUNTIME / "plan.json").read_text())
MARK = RUNTIME / "killed"

def die(phase, number=None):
    its_turn = [phase, number] == PLAN["at"] and os.environ.get("PYTEST_XDIST_WORKER") in PLAN["workers"]
    if its_turn and not MARK.exists():
        MARK.touch()
        os.kill(os.getpid(), 9)

@pytest.fixture
def doomed(request):
    number = request.node.name
    die("setup", number)
    yield number
    die("teardown", number)

@check("holds")
def holds(evidence, doomed, *, number: int):
    evidence.record("stress", number)
    die("call", doomed)

def pytest_collection_finish(session):
    die("collection")

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    die("end")
"""


def project(folder: Path) -> None:
    """A gate of a few lines that all hold, unless somebody dies."""
    items = "".join(f"- Line {n} <!-- golive: {{id: line-{n}, check: holds, number: {n}}} -->\n" for n in range(LINES))
    (folder / "config" / "runbooks").mkdir(parents=True)
    (folder / "runtime").mkdir()
    (folder / "config" / "runbooks" / "stress.md").write_text(f"# Stress\n\n{items}", encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    accept_all(folder)


def lost(folder: Path, verdict: dict[str, Any]) -> list[str]:
    """Lines that are missing somewhere, or that Allure has otherwise than the verdict."""
    ids = [line["id"] for book in verdict["runbooks"] for line in book["lines"]]
    missing = [f"line-{n} is not in the verdict" for n in range(LINES) if f"line-{n}" not in ids]
    return missing + Results(folder / "reports" / "allure-results").disagreements(verdict)


def run(folder: Path, plan: dict[str, list[str | None]]) -> tuple[bool, str, int, list[str]]:
    """Whether a worker died, the verdict and the exit status of a run, and what was lost."""
    (folder / "runtime" / "killed").unlink(missing_ok=True)
    (folder / "runtime" / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    fewer = [word for name in ("randomly", "hypothesispytest", "benchmark", "anyio") for word in ("-p", f"no:{name}")]
    words = ["pytest", "--golive", "-q", "-n", "2", *fewer]
    said = (folder / "runtime" / "stdout", folder / "runtime" / "stderr")
    status = ready(*interpreters_own(environ).items()).run(words, environ, said)
    verdict = json.loads((folder / "reports" / "verdict.json").read_text(encoding="utf-8"))
    return (folder / "runtime" / "killed").exists(), verdict["verdict"], status, lost(folder, verdict)


def main(times: int, seed: int) -> int:
    """Exit status 1 where a run went on as if nothing had happened, or where nobody could be killed."""
    draw = random.Random(seed)
    kills, wrong = Counter[str](), []
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        project(Path(name))
        os.chdir(name)
        unharmed = run(Path(name), {"at": [], "workers": []})
        if unharmed != (False, "GO", 0, []):
            wrong.append(f"nobody was killed: {unharmed}")
        for number in range(times):
            phase = PHASES[number % len(PHASES)]
            plan: dict[str, list[str | None]] = {"at": [phase, None], "workers": [draw.choice(["gw0", "gw1"])]}
            if phase in {"setup", "call", "teardown"}:  # of a line, whichever worker it falls to
                plan = {"at": [phase, f"line-{draw.randrange(LINES)}"], "workers": ["gw0", "gw1"]}
            seen = run(Path(name), plan)
            kills[phase] += seen[0]
            if seen != (True, "NO-GO", 10, []):
                wrong.append(f"{plan}: killed, verdict, exit status, lost: {seen}")
    print(f"  {'a worker killed in':20}  times")
    for phase in PHASES:
        print(f"  {phase:20}  {kills[phase]:5}")
    print(f"{times} runs, seed {seed}: {len(wrong)} not NO-GO or with a line lost")
    for text in wrong[:20]:
        print(text)
    return 1 if wrong else 0


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    raise SystemExit(main(*(given + [50, 1][len(given) :])))
