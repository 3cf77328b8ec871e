"""What a signature's file holds: a payload that says who signed what, when and as what, and the signature over it.

A file has one form only, canonical JSON: whatever is written otherwise was edited.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pytest_kraken_golive.deployment.instants import instant
from pytest_kraken_golive.deployment.signed import ALGORITHM, canonical_json

STATEMENT_MAX = 2000
"""Characters of a statement."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What would let a text on a terminal look like another one, or like several."""


def visible(text: str) -> str:
    """A text of somebody else in one line that shows as what it is."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def plain_text(text: str) -> str:
    """The same, if it shows as what it is.

    Raises:
        ValueError: it is blank, or holds control characters.
    """
    if not text.strip():
        raise ValueError("it is blank")
    if _CONTROL.search(text):
        raise ValueError("it holds control characters or several lines")
    return text


def _zulu(text: str) -> str:
    """An instant in UTC to the second, in its one form."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text, re.ASCII):
        raise ValueError("it is no time like 2026-11-20T09:31:05Z")
    instant(text)
    return text


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, AfterValidator(plain_text), Field(max_length=STATEMENT_MAX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Subject(_Strict):
    """What the signature of a line binds; no part of it changes with the time of a run."""

    line: Sha256
    """Of the line's text and parameters."""
    runbook: Sha256
    """Of the runbook's bytes."""
    config: Sha256
    """Of the configuration."""
    evidence: Sha256
    """Of the evidence, without times."""


class _Signed(_Strict):
    signer: Text
    """Id of who signed."""
    name: Text
    """This person's name."""
    role: Text
    """As what."""
    signed_at: Annotated[str, AfterValidator(_zulu)]
    """When, in UTC."""
    statement: Text
    """In this person's own words."""

    @property
    def moment(self) -> dt.datetime:
        """When it was signed, as aware UTC."""
        return instant(self.signed_at)


class LinePayload(_Signed):
    """Somebody vouches for a line that only a person can judge."""

    signs: Literal["kraken-golive line 1"]
    """Tells it from whatever else this key may sign."""
    line_id: Text
    """Which line."""
    subject: Subject
    """What it said and rested on."""


class RunPayload(_Signed):
    """Somebody puts their name under a run."""

    signs: Literal["kraken-golive run 1"]
    """As with a line."""
    run_id: Text
    """Of the verdict."""
    verdict: Text
    """`GO`."""
    scope: Text
    """The scope's name."""
    commit: Text | None
    """What was checked out."""
    verdict_sha256: Sha256
    """Of `verdict.json`."""
    manifest_sha256: Sha256
    """Of the bundle's `manifest.json`, which has the digests of all that belongs to the run."""


Payload = LinePayload | RunPayload


def sealed(payload: Payload, key_text: str, sign: Callable[[bytes], bytes]) -> bytes:
    """The bytes of a signature's file.

    Args:
        payload: what is signed.
        key_text: the public key in Base64, so that the file can be checked against itself.
        sign: makes the signature.
    """
    data: dict[str, Any] = payload.model_dump()
    value = base64.b64encode(sign(canonical_json(data))).decode()
    return canonical({"payload": data, "signature": {"algorithm": ALGORITHM, "key_id": key_text, "value": value}})


def canonical(document: Mapping[str, Any]) -> bytes:
    """A document's one form."""
    return canonical_json(document) + b"\n"
