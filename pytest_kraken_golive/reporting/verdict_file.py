"""`reports/verdict.json` and its page: NO-GO from the first moment, each replaced in one step at the very end."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from pytest_kraken_golive.contract import EvidenceRecord, Outcome
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.whole_file import replace_text

SCHEMA_VERSION = 1
PAGE = "signoff.html"
"""Beside `verdict.json`: what people read and sign; see `reporting.signoff_page`."""


def iso(moment: dt.datetime) -> str:
    """ISO-8601 in UTC, to the millisecond."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class VerdictFile:
    """The verdict file of one run, and the page that people read and sign.

    Args:
        report_dir: where both lie.
        root: the project's, to which paths in the verdict are relative.
    """

    def __init__(self, report_dir: Path, root: Path | None = None) -> None:
        self.path = report_dir / "verdict.json"
        self._page = report_dir / PAGE
        self._root = root or report_dir.parent

    def say_no_go(self, reason: str) -> dict[str, Any]:
        """Write a NO-GO that stands until something better is known; a killed run leaves it behind.

        Returns:
            What was written.
        """
        document = no_go(reason)
        replace_text(self.path, as_text(document))
        self._page.unlink(missing_ok=True)  # no page at all rather than that of an earlier run
        replace_text(self._page, self._rendered(document))
        return document

    def put(self, document: dict[str, Any], redactor: Redactor | None = None) -> dict[str, Any]:
        """Replace what stands there by the run's verdict; the document is as `gate.document` builds it.

        Returns:
            What was written: a NO-GO in its place where a secret would have been written.
        """
        told = document if redactor is None else redactor.data(document)
        text = as_text(told)
        if redactor is not None and redactor.text(text) != text:
            # Over the borders of two texts: masking it would not leave JSON.
            return self.say_no_go("a secret stands in the verdict's own form. Next: choose secrets that are no JSON")
        if redactor is not None and any(redactor.text(word) != word for word in _own_words(document)):
            return self.say_no_go(
                "a secret is a word of the verdict's own form. Next: choose secrets that are no common words"
            )
        page = self._rendered(told)
        if redactor is not None and redactor.text(page) != page:
            return self.say_no_go(
                f"a secret stands in {self._page.name}'s own form. Next: choose secrets that are no common words"
            )
        replace_text(self.path, text)
        try:
            replace_text(self._page, page)
        except OSError:
            replace_text(self.path, as_text(no_go(f"{self._page.name} could not be written")))
            raise
        return told

    def _rendered(self, document: dict[str, Any]) -> str:
        from pytest_kraken_golive.reporting.signoff_page import (  # noqa: PLC0415 - uses this module
            proof_beside,
            render,
            root_seen_from,
        )

        folder = self._page.parent
        return render(document, proof=proof_beside(folder, document), root=root_seen_from(folder, self._root))


def no_go(reason: str) -> dict[str, Any]:
    """The verdict where nothing else is known."""
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": None,
        "verdict": "NO-GO",
        "reason": reason,
        "blockers": [],
        "troubles": [reason],
        "production_signoff": False,
        "scope": None,
        "started_at": iso(dt.datetime.now(dt.UTC)),
        "finished_at": None,
        "valid_until": None,
        "commit": None,
        "dirty": None,
        "counts": {},
        "runbooks": [],
    }


def _own_words(document: dict[str, Any]) -> set[str]:
    """The words without which nobody can read a verdict: names of fields, and outcomes."""
    lines = [line for book in document["runbooks"] for line in book["lines"][:1]]
    named = [document, document["scope"] or {}, *document["runbooks"], *lines]
    return {*Outcome, document["verdict"], *(name for one in named for name in one), *EvidenceRecord.__annotations__}


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
