"""`kraken-golive report`: one page of the run that the verdict is about, which calls nobody.

Allure itself is played by a program that writes the page of the real one in small; `make test-allure` asks the real
ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["reporting_project"]

TAG = """<script async src="https://www.googletagmanager.com/gtag/js?id=G-X"></script>
<script>
  window.dataLayer = window.dataLayer || [];
  function gtag(){dataLayer.push(arguments);}
  gtag('js', new Date());
</script>"""

PAGE = f"""<!DOCTYPE html><html><head><title>Allure</title><link rel="icon" href="data:image/svg+xml,x"></head><body>
<script src="data:text/javascript;base64,MQ=="></script>{TAG}<script>window.mine = 1</script>
<a href="https://example.org">a link that a person may follow</a></body></html>"""

ALLURE = """#!{python}
import json, os, pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["--version"]:
    print("{version}")
    raise SystemExit(0)
words = sys.argv[1:]
config = words[words.index("--config") + 1] if "--config" in words else None
called = {{
    "words": words, "environ": dict(os.environ), "cwd": os.getcwd(),
    "config": None if config is None else pathlib.Path(config).read_text(),
}}
(here / "called.json").write_text(json.dumps(called))
if {status}:
    print("Could not read the results", file=sys.stderr)
    raise SystemExit({status})
output = pathlib.Path(words[words.index("--output") + 1])
output.mkdir()
(output / "index.html").write_bytes((here / "page.html").read_bytes())
"""


class Installed:
    """An Allure of this version in a folder."""

    def __init__(self, folder: Path, version: str, page: str = PAGE, status: int = 0) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "page.html").write_text(page, encoding="utf-8")
        program = folder / "allure"
        program.write_text(ALLURE.format(python=sys.executable, version=version, status=status), encoding="utf-8")
        program.chmod(0o755)

    @property
    def called(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "called.json").read_text(encoding="utf-8"))
        return found


def report(project: Project, *words: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command where nothing but this folder is on the PATH."""
    environ = {**os.environ, "PATH": str(path or project.root / "nothing"), "KRAKEN_API_SECRET": "not for others"}
    command = [sys.executable, "-m", "pytest_kraken_golive.cli", "report", *words]
    return subprocess.run(command, cwd=project.root, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def gated(project: Project) -> Project:
    """A project after a run."""
    project.small(a="yes", b="yes")
    project.gate().require("GO", 0)
    return project


def test_the_page_calls_nobody(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "3.18.0")
    done = report(gated, path=allure.folder)
    assert done.returncode == 0, done.stderr
    assert "GO (rehearsal, sandbox): all 2 lines are proven" in done.stdout
    page = (gated.root / "reports" / "allure-report.html").read_text(encoding="utf-8")
    assert "googletagmanager" not in page
    assert "gtag(" not in page
    assert "window.mine = 1" in page
    assert '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';' in page
    assert allure.called["environ"]["ALLURE_NO_ANALYTICS"] == "true"
    assert "KRAKEN_API_SECRET" not in allure.called["environ"]
    assert allure.called["words"][:2] == ["generate", str(gated.root / "reports" / "allure-results")]


def test_allure_3_has_groups_and_history(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "3.18.0")
    report(gated, path=allure.folder)
    config = json.loads(allure.called["config"].removeprefix("export default ").rstrip(";\n"))
    assert config["name"] == "GO (rehearsal, sandbox)"
    assert config["appendHistory"] is True
    assert {"Not proven", "Waived", "Not run"} <= {group["name"] for group in config["categories"]}
    history = Path(allure.called["cwd"], config["historyPath"])
    assert history == gated.root / "reports" / "allure-history.jsonl"
    history.write_text("{}\n", encoding="utf-8")  # as Allure does
    os.utime(history, (4e9, 4e9))
    report(gated, path=allure.folder)
    assert '"appendHistory": false' in allure.called["config"]  # one run, however often its page is built


def test_allure_2(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "2.46.1")
    done = report(gated, "--output", "out/page.html", path=allure.folder)
    assert done.returncode == 0, done.stderr
    assert "with Allure 2.46.1" in done.stdout
    assert "--single-file" in allure.called["words"]
    assert allure.called["config"] is None
    assert (gated.root / "out" / "page.html").is_file()


def test_the_projects_own_allure_comes_first(gated: Project) -> None:
    Installed(gated.root / "bin", "2.46.1")
    Installed(gated.root / "node_modules" / ".bin", "3.18.0")
    assert "with Allure 3.18.0" in report(gated, path=gated.root / "bin").stdout


def test_where_there_is_no_allure_it_says_what_to_install(gated: Project) -> None:
    done = report(gated)
    assert done.returncode == 2
    for word in ("npm install allure", "allure-commandline", "Node.js", "Java", "Next:"):
        assert word in done.stderr
    assert not (gated.root / "reports" / "allure-report.html").exists()


def test_another_program_called_allure_is_not_taken(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "1.0.0")
    done = report(gated, path=allure.folder)
    assert done.returncode == 2
    assert "1.0.0" in done.stderr


def test_a_page_that_would_call_others_is_refused(gated: Project) -> None:
    old = gated.write("reports/allure-report.html", "the old page")
    outside = '<script src="https://cdn.example.org/a.js"></script>'
    allure = Installed(gated.root / "bin", "3.99.0", PAGE.replace("</body>", f"{outside}</body>"))
    done = report(gated, path=allure.folder)
    assert done.returncode == 1
    assert "https://cdn.example.org/a.js" in done.stderr
    assert "Traceback" not in done.stderr
    assert old.read_text(encoding="utf-8") == "the old page"


def test_allure_that_fails_is_quoted(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "3.18.0", status=3)
    done = report(gated, path=allure.folder)
    assert done.returncode == 1
    assert "exit status 3, Could not read the results" in done.stderr


def test_only_the_results_of_the_verdicts_own_run(gated: Project) -> None:
    allure = Installed(gated.root / "bin", "3.18.0")
    gated.edit("reports/verdict.json", '"verdict": "GO"', '"verdict": "NO-GO"')
    done = report(gated, path=allure.folder)
    assert done.returncode == 2
    assert "no results of the run" in done.stderr
    gated.gate("-p", "no:allure_pytest").require("GO", 0)  # the results of the former run are still there
    done = report(gated, path=allure.folder)
    assert done.returncode == 2
    assert "no:allure_pytest" in done.stderr
    gated.gate("--golive-runbook=nowhere.md")
    done = report(gated, path=allure.folder)
    assert done.returncode == 2
    assert "could not start" in done.stderr
    assert not (allure.folder / "called.json").exists()


def test_results_in_a_folder_of_ones_own(project: Project) -> None:
    project.small(a="no")
    assert project.gate("--alluredir=mine/results", "--golive-report-dir=out").exit_status == 10
    allure = Installed(project.root / "bin", "3.18.0")
    done = report(project, "--report-dir", "out", path=allure.folder)
    assert done.returncode == 0, done.stderr
    assert "NO-GO (rehearsal, sandbox): a: expected yes, found no" in done.stdout
    assert allure.called["words"][1] == str(project.root / "mine" / "results")
    assert (project.root / "out" / "allure-report.html").is_file()


def test_without_a_verdict(project: Project) -> None:
    for verdict in (None, "not JSON", "[]", "{}"):
        if verdict is not None:
            project.write("reports/verdict.json", verdict)
        done = report(project)
        assert done.returncode == 2
        assert "Next: run `pytest --golive`" in done.stderr
        assert "Traceback" not in done.stderr
