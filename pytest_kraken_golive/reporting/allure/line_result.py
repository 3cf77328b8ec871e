"""A line of the verdict's document as a test result of Allure."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from typing import Any

from pytest_kraken_golive.reporting.allure.words import STATUSES, message, severity

Json = dict[str, Any]

OURS = frozenset({"epic", "feature", "story", "parentSuite", "suite", "subSuite", "framework", "language", "package"})
"""Labels that say where a line stands: nobody else has a say in them."""


def full_name(runbook: str, line_id: str) -> str:
    """What tells a line apart from all others, wherever in its runbook it stands: `config.runbooks.paper#key`."""
    return f"{package(runbook)}#{line_id}"


def package(runbook: str) -> str:
    """A runbook's path as Allure writes that of a module."""
    *folders, name = runbook.split("/")
    return ".".join(part for part in (*folders, name.rsplit(".", 1)[0]) if part)


def identity(named: str) -> Json:
    """What makes Allure know a result again: of the run, and over the runs."""
    digest = hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()
    return {"uuid": uuid_of(named), "fullName": named, "testCaseId": digest, "historyId": digest}


def uuid_of(named: str) -> str:
    """The same in every process and every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, named))


def line_result(
    line: Json, book: Json, scope: str, *, ended_at: float, link: str | None, steps: Sequence[Json], own: Json
) -> Json:
    """The result of a line.

    Args:
        line: of the document.
        book: its runbook in the document.
        scope: the verdict's, in words.
        ended_at: seconds since 1970.
        link: where the runbook's line can be read; None: nowhere.
        steps: from the evidence, with their attachments.
        own: what the check itself told Allure: steps, attachments, labels, links, parameters, description, trace.
    """
    status = STATUSES[line["outcome"]]
    place = f"{book['path']}:{line['line']}"
    stop = int(ended_at * 1000)
    bound = "no check" if line["check"] is None else f"check `{line['check']}`"
    details = {"message": message(line), "trace": own.get("trace")}
    return {
        **identity(full_name(book["path"], line["id"])),
        "name": line["text"],
        "titlePath": [*book["path"].split("/"), *_headings(line, book)],
        "description": "\n\n".join([f"`{line['id']}` at `{place}`, {bound}", *_texts(own.get("description"))]),
        "status": status,
        "statusDetails": {name: text for name, text in details.items() if text},
        "stage": "finished",
        "start": stop - int(line["duration_s"] * 1000),
        "stop": stop,
        "steps": [*steps, *own.get("steps", ())],
        "attachments": own.get("attachments", []),
        # What a line demands may change without its becoming another line.
        "parameters": [
            *({"name": name, "value": _shown(value), "excluded": True} for name, value in line["params"].items()),
            {"name": "runbook line", "value": place, "excluded": True},
            *own.get("parameters", ()),
        ],
        "labels": _labels(line, book, scope, own.get("labels", ())),
        "links": [*([] if link is None else [{"type": "tms", "name": place, "url": link}]), *own.get("links", ())],
    }


def _headings(line: Json, book: Json) -> list[str]:
    """Those above the line, without the document's title."""
    above = list(line["section"])
    return above[1:] if above[:1] == [book["title"]] else above


def _labels(line: Json, book: Json, scope: str, own: Sequence[Json]) -> list[Json]:
    feature, *rest = _headings(line, book) or [book["title"]]
    labels = {
        "epic": book["title"],
        "feature": feature,
        "story": " / ".join(rest),
        "parentSuite": book["title"],
        "suite": feature,
        "subSuite": " / ".join(rest),
        "framework": "pytest",
        "language": "python",
        "package": package(book["path"]),
        "severity": severity(line),
        "owner": book.get("owner") or "",
        "check": line["check"] or "",
        "outcome": line["outcome"],
        "stage": book["stage"],
        "scope": scope,
    }
    theirs = [label for label in own if label["name"] not in OURS]
    chosen = {label["name"] for label in theirs} & {"severity", "owner"}
    found = [{"name": name, "value": value} for name, value in labels.items() if value and name not in chosen]
    found.append({"name": "tag", "value": line["outcome"]})
    return [*found, *theirs]


def _texts(text: str | None) -> list[str]:
    return [text] if text else []


def _shown(value: object) -> str:
    """As the runbook writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
