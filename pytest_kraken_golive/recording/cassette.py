"""A cassette: one line's calls and answers in a YAML file that says where they come from, and whether it is whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.deployment.documents import Document, load_yaml

FORMAT: Final = 1
"""Raised when an older reader would misunderstand a newer file."""
FOLDER: Final = "cassettes"
EMBEDDED: Final = "embedded"
"""The origin of a recording of the embedded exchange; every other one is a URL."""
_HEAD: Final = (
    "# A recording: what the exchange answered. Edited it counts for nothing. Next: record it again,\n# {command}\n"
)

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Strict):
    """What a request says once all is left out that differs from run to run."""

    method: Text
    """`GET` or `POST`."""
    path: Text
    """Below the host: `/0/private/AddOrder`."""
    fields: Any = None
    """The query's and the body's parameters, without nonce and otp; a form's values are texts."""

    @property
    def endpoint(self) -> str:
        """Kraken's name for it: `AddOrder`."""
        return self.path.rpartition("/")[2]


class Answered(_Strict):
    """What came back, without secrets."""

    status: Annotated[int, Field(ge=100, le=999)]
    """HTTP status."""
    headers: dict[str, str]
    """Those that a client may need."""
    body: str
    """Unpacked."""


class Interaction(_Strict):
    """One call."""

    asked: Asked
    answered: Answered


class Cassette(_Strict):
    """A recording of one line."""

    format: Literal[1] = FORMAT
    line: Text
    """The line's id."""
    origin: Text
    """`embedded`, or scheme, host and port of a remote sandbox."""
    behaviour: str | None
    """The embedded exchange's version; see `sandbox.behaviour`. None: a remote one, which says none."""
    recorded_at: AwareDatetime
    """When it was complete, UTC."""
    of_check: Annotated[int, Field(ge=0)]
    """So many of its calls were made before the check returned; the rest by what tidied up after it."""
    interactions: tuple[Interaction, ...]
    """In the order in which the answers came."""

    @property
    def digest(self) -> str:
        """SHA-256 over all that it says."""
        data = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(data.encode()).hexdigest()


@dataclass(frozen=True)
class Place:
    """Where a line's cassette lies, and how it is made."""

    path: Path
    """The file."""
    shown: str
    """How messages call it, relative to the project."""
    line: str
    """The line's id."""
    command: str
    """What records it."""

    @classmethod
    def of(cls, root: Path, runbook: str, line: str) -> Place:
        """The place of a line's cassette.

        Args:
            root: of the project.
            runbook: its path as people know it: `config/runbooks/paper_go_live.md`.
            line: the line's id.
        """
        shown = f"{FOLDER}/{Path(runbook).stem}/{line}.yaml"
        return cls(root / shown, shown, line, f"pytest --golive --kraken=record {runbook}::{line}")

    @property
    def next_step(self) -> str:
        """What to do about a cassette that cannot be used."""
        return f"Next: record it again: {self.command}"


def read(place: Place) -> Cassette | None:
    """Read a cassette; None where there is none.

    Raises:
        Fault: it is torn, edited, of another format or another line, or lacks something; names file and line.
    """
    if not place.path.is_symlink() and not place.path.exists():
        return None
    try:
        document = load_yaml(place.path, place.shown)
    except (Fault, NotProven) as error:
        said = str(error).partition(" Next: ")[0]
        raise Fault(f"{said} {place.next_step}") from None
    _require_format(document, place)
    data = dict(document.data)
    digest = data.pop("digest", None)
    try:
        cassette = Cassette.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = _where(document, first["loc"])
        found = "" if first["type"] == "missing" else f", found {show(first['input'], 80)}"
        raise Fault(f"{where}: {first['msg']}{found}. {place.next_step}") from None
    if digest != cassette.digest:
        where = _where(document, ("digest",))
        raise Fault(
            f"{where}: expected {cassette.digest}, which is that of the recording, found {show(digest)}: it was edited "
            f"or cut since it was made. {place.next_step}"
        )
    if cassette.line != place.line:
        where = _where(document, ("line",))
        raise Fault(f"{where}: expected {place.line!r}, found the recording of {cassette.line!r}. {place.next_step}")
    return cassette


def _require_format(document: Document, place: Place) -> None:
    found = document.data.get("format")
    if type(found) is not int or found != FORMAT:
        where = _where(document, ("format",))
        raise Fault(f"{where}: expected a recording of format {FORMAT}, found {show(found)}. {place.next_step}")


def _where(document: Document, path: tuple[Any, ...]) -> str:
    """File, line and key; the line is that of the nearest that was written."""
    key = ".".join(str(part) for part in path)
    for length in range(len(path), 0, -1):
        with contextlib.suppress(NotProven, Fault):
            return f"{document.shown}:{document.at(path[:length]).where.line} {key}"
    return f"{document.shown}:{document.at(()).where.line} {key}"


def as_text(cassette: Cassette, place: Place) -> str:
    """The file's content."""
    data = {**cassette.model_dump(mode="json"), "digest": cassette.digest}
    written = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1_000_000)
    return _HEAD.format(command=place.command) + written


def write(text: str, place: Place) -> None:
    """Put a file in its place in one step: whoever is killed when, there is the old one or the new one.

    Raises:
        OSError: it cannot be written.
    """
    place.path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.path.parent, prefix=".recording-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as target:
            target.write(text)
            target.flush()
            os.fsync(target.fileno())
        os.chmod(name, 0o644)
        os.replace(name, place.path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def now_utc() -> dt.datetime:
    """The machine's time, to the second."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
