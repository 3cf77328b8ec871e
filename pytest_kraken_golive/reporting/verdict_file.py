"""`reports/verdict.json`: NO-GO from the first moment, replaced in one step at the very end."""

from __future__ import annotations

import datetime as dt
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from pytest_kraken_golive.redact import Redactor

SCHEMA_VERSION = 1


def iso(moment: dt.datetime) -> str:
    """ISO-8601 in UTC, to the millisecond."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_atomically(path: Path, text: str) -> None:
    """Write a whole file or none: a reader never sees half of it, whatever is killed when."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        # A file name that is no text must not cost the verdict.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class VerdictFile:
    """The verdict file of one run."""

    def __init__(self, report_dir: Path) -> None:
        self.path = report_dir / "verdict.json"

    def say_no_go(self, reason: str) -> None:
        """Write a NO-GO that stands until something better is known; a killed run leaves it behind."""
        now = iso(dt.datetime.now(dt.UTC))
        self.put(
            {
                "schema_version": SCHEMA_VERSION,
                "run_id": None,
                "verdict": "NO-GO",
                "reason": reason,
                "blockers": [],
                "troubles": [reason],
                "production_signoff": False,
                "scope": None,
                "started_at": now,
                "finished_at": None,
                "valid_until": None,
                "commit": None,
                "dirty": None,
                "counts": {},
                "runbooks": [],
            }
        )

    def put(self, document: dict[str, Any], redactor: Redactor | None = None) -> None:
        """Replace what stands there by the run's verdict; the document is as `gate.document` builds it."""
        if redactor is None:
            write_atomically(self.path, as_text(document))
            return
        text = as_text(redactor.data(document))
        if redactor.text(text) != text:  # over the borders of two texts: masking it would not leave JSON
            self.say_no_go("a secret stands in the verdict's own form. Next: choose secrets that are no JSON")
            return
        write_atomically(self.path, text)


def as_text(document: dict[str, Any]) -> str:
    """The verdict as JSON, with a row for each key and each line of a runbook, so that people can compare two."""
    rows = [f"{_json(key)}: {_json(value)}" for key, value in document.items() if key != "runbooks"]
    rows.append('"runbooks": [' + ",".join(_runbook(book) for book in document["runbooks"]) + "]")
    return "{\n" + ",\n".join(rows) + "\n}\n"


def _runbook(book: dict[str, Any]) -> str:
    head = ", ".join(f"{_json(key)}: {_json(value)}" for key, value in book.items() if key != "lines")
    lines = ",\n".join(f"    {_json(line)}" for line in book["lines"])
    return f'\n  {{{head}, "lines": [\n{lines}\n  ]}}'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
