"""Let real Allures build the page of a run with every kind of outcome, and open it in a browser: it calls nobody.

python tests/reporting/real_allure.py FOLDER...

Each folder holds an Allure that npm installed. The pages and their pictures are left in `reports/allure-pages`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))
from chromium import PROGRAM, Tab, browser  # noqa: E402 - found by the line above

CONFTEST = """import pytest
from pytest_kraken_golive import NotProven, check
from pytest_kraken_golive.reporting.histogram import histogram_svg

@check("holds")
def holds(evidence, *, value: str):
    evidence.record("config/core.yaml", value, line=3, key="a.b", note="as it stands")
    evidence.record("exchange", {"orders": 3, "fills": ["0.1", "0.2"]}, key="books")
    evidence.record("latency/x.svg", histogram_svg("orders", [0.001, 0.002, 0.002, 0.003], {"p95": 0.0025}))
    assert value == "yes", f"config/core.yaml:3 a.b: expected yes, found {value}. Next: set it to yes."

@check("absent")
def absent(evidence):
    raise NotProven("var/report.json: absent. Next: let the bot run.")

@check("breaks_down")
def breaks_down(evidence):
    evidence.record("test", 1)
    raise ZeroDivisionError("broke down")
"""

RUNBOOK = """# Small go-live

## Keys

- The key may trade. <!-- golive: {id: trades, check: holds, value: yes} -->
- The key may not withdraw. <!-- golive: {id: withdraws, check: holds, value: no} -->

## Report

### Health

- The report is there. <!-- golive: {id: report, check: absent} -->
- The report is whole. <!-- golive: {id: whole, check: breaks_down} -->
- Somebody has read it.
"""


def gate(folder: Path) -> None:
    """A run that is no GO."""
    (folder / "config" / "runbooks").mkdir(parents=True)
    (folder / "config" / "runbooks" / "small.md").write_text(RUNBOOK, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    words = [sys.executable, "-m", "pytest", "--golive", "-q", "-p", "no:randomly"]
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 10, done.stdout + done.stderr


def page_of(installed: Path, folder: Path) -> Path:
    """The page that the command makes with an Allure."""
    page = folder / f"{installed.name}.html"
    environ = {**os.environ, "PATH": os.pathsep.join([str(installed / "node_modules" / ".bin"), os.environ["PATH"]])}
    words = [sys.executable, "-m", "pytest_kraken_golive.cli", "report", "--output", str(page)]
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    print(f"  {done.stdout.splitlines()[-1]}")
    return page


def look_at(page: Path, tab: Tab, pictures: Path) -> None:
    """Open the page as a person would."""
    tab.show(page.as_uri(), width=1400, height=1400, scheme="light")
    tab.wait_for("document.body.innerText.includes('NO-GO (rehearsal, sandbox)')")
    tab.picture(pictures / f"{page.stem}.png")
    if "Powered by" in tab.text():  # Allure 3
        titles = "[...document.querySelectorAll('[data-testid=\"tree-leaf-title\"]')]"
        line = f"{titles}.find(one => one.innerText.includes('withdraw'))"
        tab.wait_for(f"{line} !== undefined")
        tab.value(f"{line}.click()")
        tab.wait_for("document.body.innerText.includes('Next: set it to yes.')")
        tab.picture(pictures / f"{page.stem}-line.png")


def main(folders: list[str]) -> int:
    """Exit status 1 where a page is not built, shows no verdict, throws, or speaks to anybody."""
    pictures = ROOT / "reports" / "allure-pages"
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="real-allure-") as name:
        folder = Path(name)
        gate(folder)
        for installed in folders:
            page = page_of(Path(installed).absolute(), folder)
            shutil.copy(page, pictures)
            if PROGRAM is None:
                print("  no browser: not opened")
                continue
            (folder / f"browser-{page.stem}").mkdir()
            with browser(folder / f"browser-{page.stem}") as tab:
                look_at(page, tab, pictures)
                assert tab.hosts == set(), tab.hosts
                assert tab.errors == [], tab.errors
            print("  opened: it spoke to nobody, and no script failed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
