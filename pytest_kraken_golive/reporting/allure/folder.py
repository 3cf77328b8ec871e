"""The folder of Allure's results: one for each line of the plan, written when the verdict is decided.

While the run goes on, lines write nothing but what their checks themselves told Allure, a part for each line. So a
worker that dies leaves no half of a result behind, and takes none with it.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.reporting.allure.evidence import Attached, attached, step
from pytest_kraken_golive.reporting.allure.forge import Links
from pytest_kraken_golive.reporting.allure.line_result import identity, line_result
from pytest_kraken_golive.reporting.allure.surroundings import allure3_config, as_module, environment, executor
from pytest_kraken_golive.reporting.allure.words import STATUSES, categories
from pytest_kraken_golive.reporting.verdict_file import as_text

Json = dict[str, Any]

OURS = "golive-"
"""How the names of our files begin: what an earlier run left is known, and replaced."""
LINE = f"{OURS}line-"
PARTS = f"{OURS}parts"
VERDICT = f"{OURS}verdict-attachment.json"
"""The verdict that the results belong to, byte for byte."""
VERDICT_RESULT = f"{OURS}verdict-result.json"
GLOBALS = f"{OURS}run-globals.json"

GREEN = frozenset({"passed", "skipped"})


@dataclass
class Run:
    """What the document does not hold."""

    root: Path
    """The project's, below which cassettes lie."""
    redactor: Redactor
    links: Links
    environ: Mapping[str, str]
    ended_at: Mapping[str, float | None] = field(default_factory=dict)
    """By line, seconds since 1970; absent or None: it did not run."""


class AllureFolder:
    """Where Allure's results of this run go."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, unfinished: str, *, clean: bool = False) -> None:
        """Remove what an earlier run wrote, and say that this one has not ended: a killed run leaves that behind.

        Args:
            unfinished: what a reader is told until the end.
            clean: whether nothing else may stay in the folder either.
        """
        if clean:
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)
        self._clear()
        shutil.rmtree(self.path / PARTS, ignore_errors=True)
        error = {"message": f"NO-GO: {unfinished}", "timestamp": _milliseconds(dt.datetime.now(dt.UTC))}
        self._write(GLOBALS, json.dumps({"attachments": [], "errors": [error]}))

    def keep(self, line_id: str, part: str) -> None:
        """What a check told Allure itself, as masked JSON, until the results are written."""
        (self.path / PARTS).mkdir(exist_ok=True)
        self._write(f"{PARTS}/{LINE}{line_id}.json", part)

    def write(self, document: Json, run: Run) -> None:
        """Write a result for every line of the document, and all that stands around them.

        Called again, it replaces what it wrote.

        Raises:
            OSError: a file cannot be written.
        """
        document = run.redactor.data(document)
        finished = dt.datetime.fromisoformat(document["finished_at"]).timestamp()
        self._clear()
        parts = self._parts()
        for book in document["runbooks"]:
            for line in book["lines"]:
                own = parts.get(line["id"], {})
                ended_at = run.ended_at.get(line["id"]) or finished
                self._write_line(line, book, document["scope"]["name"], ended_at=ended_at, own=own, run=run)
        self._write(VERDICT, as_text(document))
        self._write(GLOBALS, json.dumps(_globals(document, finished), ensure_ascii=False))
        if (said := _verdict_as_result(document, finished)) is not None:
            self._write(VERDICT_RESULT, json.dumps(said, ensure_ascii=False))
        self._write("environment.properties", environment(document))
        self._write("categories.json", json.dumps(categories(), indent=1))
        self._write("allurerc.mjs", as_module(allure3_config(document)))
        ci = executor(run.environ)
        if ci is not None:
            self._write("executor.json", json.dumps(run.redactor.data(ci)))

    def close(self) -> None:
        """Leave nothing behind that is no result."""
        shutil.rmtree(self.path / PARTS, ignore_errors=True)

    def _write_line(self, line: Json, book: Json, scope: str, *, ended_at: float, own: Json, run: Run) -> None:
        status = STATUSES[line["outcome"]]
        steps = []
        for number, seen in enumerate(line["evidence"]):
            one = step(seen, line, status)
            files = attached(seen, run.root)
            if files:
                stem = f"{LINE}{line['id']}-{number}"
                one["attachments"] = [self._attach(stem, file, run.redactor) for file in files]
            steps.append(one)
        result = line_result(
            line,
            book,
            scope,
            ended_at=ended_at,
            link=run.links.to(book["path"], line["line"]),
            steps=steps,
            own=own,
        )
        self._write(f"{LINE}{line['id']}-result.json", json.dumps(result, ensure_ascii=False))

    def _parts(self) -> dict[str, Json]:
        """What checks told Allure themselves, by line."""
        files = (self.path / PARTS).glob(f"{LINE}*.json")
        return {path.stem.removeprefix(LINE): json.loads(path.read_text(encoding="utf-8")) for path in files}

    def _attach(self, stem: str, file: Attached, redactor: Redactor) -> Json:
        name = f"{stem}-attachment.{file.ending}"
        self._write(name, redactor.text(file.text))
        return {"name": file.name, "source": name, "type": file.type}

    def _clear(self) -> None:
        for path in self.path.glob(f"{OURS}*"):
            if path.is_file():
                path.unlink()

    def _write(self, name: str, text: str) -> None:
        """A whole file or none."""
        path = self.path / name
        half = path.with_name(f"{path.name}.tmp")
        half.write_text(text, encoding="utf-8", errors="backslashreplace")
        os.replace(half, path)


def _globals(document: Json, finished: float) -> Json:
    """What the run has beside its results: the verdict, and what speaks against it."""
    at = int(finished * 1000)
    good = document["verdict"] == "GO"
    said = f"{document['verdict']} ({document['scope']['name']}): {document['reason']}"
    errors = [] if good else [{"message": text, "timestamp": at} for text in (said, *document["troubles"])]
    verdict = {"name": "verdict.json", "source": VERDICT, "type": "application/json", "timestamp": at}
    return {"attachments": [verdict], "errors": errors}


def _verdict_as_result(document: Json, finished: float) -> Json | None:
    """A result of its own where all others are green and the verdict is not GO: Allure 2 shows nothing else."""
    outcomes = [line["outcome"] for book in document["runbooks"] for line in book["lines"]]
    if document["verdict"] == "GO" or not all(STATUSES[outcome] in GREEN for outcome in outcomes):
        return None
    at = int(finished * 1000)
    return {
        **identity("golive#verdict"),
        "name": f"The verdict is {document['verdict']}",
        "status": "failed" if document["verdict"] == "NO-GO" else "unknown",
        "statusDetails": {"message": "\n".join([document["reason"], *document["troubles"]])},
        "stage": "finished",
        "start": at,
        "stop": at,
        "attachments": [{"name": "verdict.json", "source": VERDICT, "type": "application/json"}],
        "labels": [
            {"name": "epic", "value": "The run as a whole"},
            {"name": "parentSuite", "value": "The run as a whole"},
            {"name": "severity", "value": "blocker"},
        ],
    }


def _milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
