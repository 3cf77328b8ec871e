"""`verdict.json` read by somebody who has to rely on it: strictly, and held against itself."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pytest_kraken_golive.contract import GOOD, Fault, NotProven, Outcome, show
from pytest_kraken_golive.deployment.documents import Document, parse_document
from pytest_kraken_golive.deployment.instants import instant
from pytest_kraken_golive.deployment.json_text import strict_data
from pytest_kraken_golive.deployment.source import decode, read_bytes
from pytest_kraken_golive.reporting.verdict_file import SCHEMA_VERSION
from pytest_kraken_golive.signoff.payloads import Sha256, Subject, Text


def _moment(value: Any) -> Any:
    return instant(value) if isinstance(value, str) else value


Moment = Annotated[dt.datetime, BeforeValidator(_moment)]


class _Record(BaseModel):
    """What it holds beside these keys is not read here."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class LineWaiver(_Record):
    """A waiver that was used."""

    reason: str
    approver: str
    ticket: str | None
    expires_at: Moment
    """Aware UTC."""


class Waiver(LineWaiver):
    """A waiver of the policy."""

    line: str
    used: bool


class Manual(_Record):
    """What a person must sign."""

    roles: list[str]
    persons: Annotated[int, Field(ge=1)]
    subject: Subject | None
    """None: the line has not run, so there is nothing to sign yet."""


class Line(_Record):
    """A line's outcome."""

    id: Text
    text: str
    check: str | None
    outcome: Literal[tuple(str(one) for one in Outcome)]  # type: ignore[valid-type]
    message: str
    evidence: list[Any]
    waiver: LineWaiver | None = None
    manual: Manual | None = None


class Book(_Record):
    """A runbook with its lines."""

    path: str
    sha256: Sha256
    stage: Literal["paper", "production"]
    lines: list[Line]


class Scope(_Record):
    """What the verdict is about, as observed."""

    name: Text
    deployment: str
    exchange: str
    hosts: list[str]
    answered: dict[str, dict[str, int]] | None = None
    """Exchanges besides the sandbox that answered, by URL: how often to which call; None: nobody looked."""
    overridden_fixtures: dict[str, str]
    replaced_checks: list[str]
    own_checks: list[str]
    not_asked: list[dict[str, str]]
    digests: dict[str, str]


class Verdict(_Record):
    """A finished run's verdict."""

    schema_version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    run_id: Text
    verdict: Literal["GO", "NO-GO", "INCOMPLETE"]
    reason: str
    blockers: list[str]
    troubles: list[str]
    production_signoff: bool
    scope: Scope
    started_at: Moment
    finished_at: Moment
    valid_until: Moment
    commit: Text | None
    dirty: bool | None
    counts: dict[str, int]
    runbooks: list[Book]
    waivers: list[Waiver] = Field(default_factory=list)


@dataclass(frozen=True)
class VerdictRecord:
    """A verdict file that was read."""

    path: Path
    sha256: str
    """Of its bytes."""
    data: Verdict

    @property
    def lines(self) -> dict[str, Line]:
        """Every line by its id."""
        return {line.id: line for book in self.data.runbooks for line in book.lines}

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        return f"{self.data.verdict} ({self.data.scope.name}): {self.data.reason.splitlines()[0]}"


class Unfinished(Fault):
    """The run that wrote the file did not reach its end: its verdict is NO-GO."""


def read_verdict(path: Path, shown: str) -> VerdictRecord:
    """Read a verdict file.

    Raises:
        NotProven: there is none, or it cannot be read.
        Unfinished: its run did not reach its end.
        Fault: it is no such file, of another schema, or contradicts itself.
    """
    raw = read_bytes(path, shown)
    read = strict_data(decode(raw, shown, utf16=False), shown)
    try:
        data = Verdict.model_validate(read)
    except ValidationError as error:
        raise _explained(parse_document(raw, shown, yaml=False), error) from error
    wrong = next(_contradictions(data), None)
    if wrong is not None:
        raise Fault(f"{shown} contradicts itself: {wrong}. Next: it was edited or damaged; run the gate again.")
    return VerdictRecord(path, hashlib.sha256(raw).hexdigest(), data)


def _explained(document: Document, refused: ValidationError) -> Fault:
    """What is wrong with a file that is JSON and no finished verdict of this schema."""
    version = document.at("schema_version")
    if version.value != SCHEMA_VERSION or isinstance(version.value, bool):
        return Fault(version.unlike(SCHEMA_VERSION, "read it with the version of pytest-kraken-golive that wrote it"))
    if document.at("run_id").value is None or document.at("finished_at").value is None:
        return Unfinished(
            f"{document.shown}: the run did not reach its end: {show(document.at('reason').value)}. "
            "Next: run pytest --golive to its end."
        )
    first = refused.errors(include_url=False)[0]
    path = [str(part) for part in first["loc"]]
    place = f"{document.shown} {'.'.join(path)}"
    for length in range(len(path), 0, -1):
        try:
            place = f"{document.shown}:{document.at(path[:length]).where.line} {'.'.join(path)}"
            break
        except (NotProven, Fault):
            continue
    found = "none" if first["type"] == "missing" else show(first["input"], 80)
    return Fault(f"{place}: {first['msg']}, found {found}. Next: run the gate again; nobody else writes this file.")


def _contradictions(data: Verdict) -> Iterator[str]:
    """What does not follow from the lines."""
    lines = [line for book in data.runbooks for line in book.lines]
    ids = Counter(line.id for line in lines)
    yield from (f"the line {line_id} stands there {count} times" for line_id, count in ids.items() if count > 1)
    if data.counts != Counter(str(line.outcome) for line in lines):
        yield "counts are not those of its lines"
    for line in lines:
        if line.outcome == Outcome.PASSED and not line.evidence:
            yield f"the line {line.id} passed without evidence"
        if line.outcome == Outcome.WAIVED and line.waiver is None:
            yield f"the line {line.id} is waived by no waiver"
        if line.outcome == Outcome.SIGNED and (line.manual is None or line.manual.subject is None):
            yield f"the line {line.id} is signed, and nobody has to sign it"
    if not data.started_at <= data.finished_at <= data.valid_until:
        yield "it ends before it begins"
    if data.verdict == "GO":
        yield from _against_go(data, lines)
    elif data.production_signoff:
        yield f"{data.verdict} is a production sign-off"


def _against_go(data: Verdict, lines: list[Line]) -> Iterator[str]:
    if not lines:
        yield "GO without a line"
    for line in lines:
        if line.outcome not in GOOD:
            yield f"GO although the line {line.id} is {line.outcome}"
    if data.troubles or data.blockers:
        yield f"GO in spite of {(data.troubles or data.blockers)[0]}"
    digests = data.scope.digests
    for book in data.runbooks:
        if digests.get(book.path) != book.sha256:
            yield f"the digest of {book.path} is not that of the scope"
