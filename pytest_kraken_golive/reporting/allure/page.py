"""`kraken-golive report`: one HTML file of a run's results for Allure, of the run that the verdict is about."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_kraken_golive.reporting.allure.folder import VERDICT
from pytest_kraken_golive.reporting.allure.html import OutsideError, made_safe
from pytest_kraken_golive.reporting.allure.surroundings import HISTORY, as_module, from_module
from pytest_kraken_golive.reporting.allure.tool import Allure, PageError, find_allure, last_words, run
from pytest_kraken_golive.whole_file import replace_text

AGAIN = "Next: run `pytest --golive` to its end"


@dataclass(frozen=True)
class Page:
    """A page that was written."""

    path: Path
    allure: Allure
    verdict: str
    """Verdict, scope and reason."""


def build(report_dir: Path, output: Path | None, environ: Mapping[str, str]) -> Page:
    """Build the page of the last run.

    Args:
        report_dir: where the run wrote.
        output: the file to write; by default `allure-report.html` in the reports' folder.
        environ: to look for Allure.

    Raises:
        PageError: names what is missing or wrong.
    """
    report_dir = report_dir.absolute()
    verdict, results = _of_one_run(report_dir)
    allure = find_allure(Path.cwd(), environ)
    path = (output or report_dir / "allure-report.html").absolute()
    with tempfile.TemporaryDirectory(prefix="kraken-golive-report-") as name:
        place = Path(name)
        words = _words(allure, report_dir, results, place, f"{verdict['verdict']} ({verdict['scope']['name']})")
        try:
            done = run(allure.program, words, report_dir, environ)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PageError(f"{allure.program}: {error}. Next: try it by hand.", 1) from error
        page = place / "page" / "index.html"
        if done.returncode != 0 or not page.is_file():
            said = f"exit status {done.returncode}, {last_words(done)}"
            raise PageError(f"{allure.program} {words[0]}: {said}. Next: try it by hand.", 1)
        try:
            safe = made_safe(page.read_text(encoding="utf-8"))
        except OutsideError as error:
            raise PageError(
                f"Allure {allure.version} made a page that would call others, which is not kept: {error}. Next: use "
                "another version of Allure, and report this one.",
                1,
            ) from error
    try:
        replace_text(path, safe)
    except OSError as error:
        raise PageError(f"{path}: cannot be written ({error.strerror}). Next: choose another --output.") from error
    said = f"{verdict['verdict']} ({verdict['scope']['name']}): {verdict['reason']}".split("\n", 1)[0]
    return Page(path, allure, said)


def _of_one_run(report_dir: Path) -> tuple[dict[str, Any], Path]:
    """The verdict and the results that belong to it."""
    file = report_dir / "verdict.json"
    try:
        text = file.read_bytes()
        verdict: dict[str, Any] = json.loads(text)
        ended = verdict["run_id"] is not None
        place = verdict["scope"]["allure_results"] if ended else None
    except FileNotFoundError as error:
        raise PageError(f"{file}: there is no verdict. {AGAIN}, or name its --report-dir.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PageError(f"{file}: is no verdict that this version wrote. {AGAIN}.") from error
    if not ended:
        raise PageError(f"{file}: {verdict['reason']}, so there are no results. {AGAIN}.")
    if place is None:
        raise PageError(f"{file}: the run wrote no results for Allure (-p no:allure_pytest). {AGAIN} without that.")
    for results in (report_dir / Path(place).name, _root_of(report_dir, verdict) / place):
        try:
            if (results / VERDICT).read_bytes() == text:
                return verdict, results
        except OSError:
            continue
    raise PageError(f"{place}: holds no results of the run that {file} is about. {AGAIN}.")


def _root_of(report_dir: Path, verdict: dict[str, Any]) -> Path:
    """The project's root: the folder above the reports that has the runbooks; else where the command was called."""
    runbooks = [book["path"] for book in verdict["runbooks"]]
    return next(
        (folder for folder in report_dir.parents if all((folder / path).is_file() for path in runbooks)), Path.cwd()
    )


def _words(allure: Allure, report_dir: Path, results: Path, place: Path, title: str) -> list[str]:
    """Allure's command line. Allure 3 reads its configuration from the results, and looks back at earlier runs."""
    page = str(place / "page")
    if allure.major == 2:  # noqa: PLR2004 - Allure 2
        return ["generate", str(results), "--single-file", "--clean", "--report-name", title, "--output", page]
    try:
        config = from_module((results / "allurerc.mjs").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PageError(f"{results / 'allurerc.mjs'}: is not what the run wrote ({error}). {AGAIN}.") from error
    history = report_dir / HISTORY
    # A page that is built twice is still one run.
    known = history.is_file() and history.stat().st_mtime > (report_dir / "verdict.json").stat().st_mtime
    file = place / "allurerc.mjs"
    file.write_text(as_module({**config, "appendHistory": not known}), encoding="utf-8")
    return ["generate", str(results), "--config", str(file), "--output", page]
