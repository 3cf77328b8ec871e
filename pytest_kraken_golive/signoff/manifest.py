"""`manifest.json` of a bundle: SHA-256 and size of every file, in one form only."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.signoff.payloads import Sha256, canonical

_NEXT = "Next: get the bundle again from where the gate ran"


def _plain(path: str) -> str:
    if not re.fullmatch(r"[^/\\:\x00-\x1f]+(/[^/\\:\x00-\x1f]+)*", path) or {".", ".."} & set(path.split("/")):
        raise ValueError("it is no plain path below the bundle")
    return path


class Entry(BaseModel):
    """A file of the bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    path: Annotated[str, AfterValidator(_plain)]
    """Relative to the bundle, with `/`."""
    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """What belongs to a bundle."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: Annotated[int, Field(ge=1, le=1)]
    run_id: str
    """That of the verdict."""
    files: list[Entry]
    """Sorted by path; all but the manifest itself and the signatures of the run."""

    def text(self) -> bytes:
        """Its one form."""
        return canonical(self.model_dump())

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 by path."""
        return {entry.path: entry.sha256 for entry in self.files}


def manifest_of(run_id: str, files: Mapping[str, bytes | Path]) -> Manifest:
    """The manifest of these files, by their paths in the bundle; bytes, or the file that has them."""
    return Manifest(
        schema_version=1,
        run_id=run_id,
        files=[Entry(path=path, sha256=digest, bytes=size) for path, (digest, size) in measured(files).items()],
    )


def measured(files: Mapping[str, bytes | Path]) -> dict[str, tuple[str, int]]:
    """SHA-256 and size of each, sorted by path."""
    found = {}
    for path in sorted(files):
        content = files[path]
        if isinstance(content, bytes):
            found[path] = (hashlib.sha256(content).hexdigest(), len(content))
            continue
        with content.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path] = (digest, file.tell())
    return found


@dataclass(frozen=True)
class ReadManifest:
    """A manifest that was read."""

    manifest: Manifest
    sha256: str
    """Of its bytes."""


def read_manifest(data: bytes, shown: str) -> ReadManifest:
    """Read a manifest that is in its one form.

    Raises:
        NotProven: it is empty.
        Fault: it was edited or damaged.
    """
    document = parse_document(data, shown, yaml=False)
    try:
        manifest = Manifest.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Fault(f"{shown} {place}: {first['msg']}: it was edited or damaged. {_NEXT}.") from error
    paths = [entry.path for entry in manifest.files]
    if manifest.text() != data or paths != sorted(set(paths)):
        raise Fault(
            f"{shown}: expected canonical JSON with each path once, found another form: it was edited. {_NEXT}."
        )
    return ReadManifest(manifest, hashlib.sha256(data).hexdigest())
