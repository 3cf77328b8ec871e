"""Which signatures count, and in words why the others do not. Pure: files, keys and a time in, an answer out."""

from __future__ import annotations

import base64
import datetime as dt
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import BaseModel, ConfigDict, ValidationError

from pytest_kraken_golive.contract import Fault, NotProven, show
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.signed import SignedDocument
from pytest_kraken_golive.policy_signers import signer_key
from pytest_kraken_golive.signoff.payloads import LinePayload, Payload, RunPayload, canonical
from pytest_kraken_golive.signoff.places import LINES, RUN
from pytest_kraken_golive.signoff.signers import Signers

MAX_BYTES = 65_536
SKEW = dt.timedelta(seconds=60)
"""By how much the clocks of two machines may differ."""

P = TypeVar("P", LinePayload, RunPayload)


@dataclass(frozen=True)
class Signature:
    """A signature that counts, or would if somebody vouched for its key."""

    signer: str
    """Id in the policy."""
    name: str
    """The person's name, as the policy has it now."""
    role: str
    """As what this person signed."""
    signed_at: dt.datetime
    """Aware UTC."""
    statement: str
    """In the person's own words."""
    key: bytes
    """The 32 bytes of the public key: different people have different ones."""
    file: str
    """`<signer>.<role>.json`."""

    def document(self) -> dict[str, str]:
        """As verdict and page show it."""
        signed_at = self.signed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        own = {"signer": self.signer, "name": self.name, "role": self.role}
        return {**own, "signed_at": signed_at, "statement": self.statement}


@dataclass(frozen=True)
class Void:
    """A signature that does not count."""

    file: str
    """Where it lies, below the folder of signatures."""
    reason: str
    """Why, in words, with the next step."""
    altered: bool
    """Whether the file, or what it was put under, is not what was signed; else who signed, or when, does not count."""

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True)
class Signatures:
    """What was signed under one line or run."""

    valid: tuple[Signature, ...]
    """Those that count."""
    void: tuple[Void, ...]
    """Those that do not."""
    lacking: tuple[str, ...]
    """What is missing until they suffice, in words."""

    @property
    def suffice(self) -> bool:
        """Whether everybody has signed who must."""
        return not self.lacking


@dataclass(frozen=True)
class Needs:
    """Who must sign, and when a signature counts."""

    roles: Sequence[str]
    """Each must be signed by somebody who holds it; none: whatever role a signer holds."""
    persons: int
    """How many different people, at least 1."""
    now: dt.datetime
    """The present, aware UTC."""
    max_age: dt.timedelta | None
    """An older signature is void; None: none is too old."""

    def __post_init__(self) -> None:
        if self.persons < 1:
            raise ValueError(f"expected at least one person who must sign, found {self.persons}")

    def lacking(self, valid: Sequence[Signature]) -> tuple[str, ...]:
        """What is missing, in words; nothing if these suffice."""
        signed = {one.role for one in valid}
        roles = [f"nobody has signed as {role}" for role in self.roles if role not in signed]
        people = {one.key for one in valid if not self.roles or one.role in self.roles}
        few = len(people) < self.persons
        persons = [f"{len(people)} of {self.persons} needed persons have signed"] if few else []
        return (*roles, *persons)


@dataclass(frozen=True)
class RunSubject:
    """The run that a signature must be about."""

    run_id: str
    verdict: str
    scope: str
    commit: str | None
    verdict_sha256: str
    """Of `verdict.json`."""
    manifest_sha256: str | None
    """Of the bundle's manifest; None where there is no bundle to compare with."""
    finished_at: dt.datetime
    """Nobody can have signed it before."""


def line_signatures(
    folder: Path, line_id: str, subject: Mapping[str, str], *, signers: Signers | None, needs: Needs
) -> Signatures:
    """The signatures of one line.

    Args:
        folder: `<report dir>/signatures`.
        line_id: the line.
        subject: what it says and rests on now: digests under `line`, `runbook`, `config` and `evidence`.
        signers: whose signatures count; None: it is only looked whether they are whole, and none suffices.
        needs: who must sign.
    """

    def fits(payload: LinePayload) -> None:
        if payload.line_id != line_id:
            raise _Refused(
                f"it was signed for the line {show(payload.line_id, 80)}, not for {line_id}. Next: sign this line",
                altered=True,
            )
        signed = payload.subject.model_dump()
        other = [part for part, digest in signed.items() if subject.get(part) != digest]
        if other:
            words = {"line": "text or parameters", "config": "configuration"}
            named = ", ".join(words.get(part, part) for part in other)
            raise _Refused(
                f"{payload.signer} signed another {named} than there is now. Next: look at the line and sign it again",
                altered=True,
            )

    return _collect((folder, f"{LINES}/{line_id}"), LinePayload, fits, signers=signers, needs=needs)


def run_signatures(folder: Path, subject: RunSubject, *, signers: Signers | None, needs: Needs) -> Signatures:
    """The signatures of a run; arguments as with `line_signatures`."""

    def fits(payload: RunPayload) -> None:
        compared = {
            "verdict.json": (payload.verdict_sha256, subject.verdict_sha256),
            "run": (payload.run_id, subject.run_id),
            "verdict": (payload.verdict, subject.verdict),
            "scope": (payload.scope, subject.scope),
            "commit": (payload.commit, subject.commit),
            "bundle's manifest": (payload.manifest_sha256, subject.manifest_sha256 or payload.manifest_sha256),
        }
        other = [name for name, (signed, present) in compared.items() if signed != present]
        if other:
            raise _Refused(
                f"{payload.signer} signed another {', '.join(other)} than there is now: it is of another run, or was "
                "changed after it was signed. Next: run the gate again, and sign that",
                altered=True,
            )
        if payload.moment < subject.finished_at - SKEW:
            raise _Refused(
                f"it is dated {payload.signed_at}, before the run had ended. Next: correct the signer's clock, and "
                "sign again",
                altered=False,
            )

    return _collect((folder, RUN), RunPayload, fits, signers=signers, needs=needs)


class _Refused(Exception):
    """A signature does not count."""

    def __init__(self, reason: str, *, altered: bool) -> None:
        super().__init__(reason)
        self.altered = altered


def _collect(
    place: tuple[Path, str], kind: type[P], fits: Callable[[P], None], *, signers: Signers | None, needs: Needs
) -> Signatures:
    base, shown = place
    folder = base / shown
    valid: list[Signature] = []
    void: list[Void] = []
    for name in _names(folder):
        try:
            payload, key = _opened(_bytes(folder / name), f"{shown}/{name}", kind)
            if name != file_name(payload):
                raise _Refused(f"expected the name {file_name(payload)}. Next: sign again", altered=True)
            person = payload.name if signers is None else _vouched(payload, key, signers)
            fits(payload)
            _require_time(payload, needs)
        except _Refused as refused:
            void.append(Void(f"{shown}/{name}", str(refused), refused.altered))
        else:
            when = payload.moment
            valid.append(Signature(payload.signer, person, payload.role, when, payload.statement, key, name))
    lacking = needs.lacking(valid) if signers is not None else ("nobody vouches for the keys: there is no policy",)
    return Signatures(tuple(valid), tuple(void), lacking)


def file_name(payload: Payload) -> str:
    """How the file of a signature is called; neither id nor role has a full stop."""
    return f"{payload.signer}.{payload.role}.json"


def _names(folder: Path) -> list[str]:
    """What lies in the folder; what begins with a full stop was never finished."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _bytes(path: Path) -> bytes:
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode):
            raise _Refused("expected a file, found a link or something else. Next: remove it", altered=True)
        if about.st_size > MAX_BYTES:
            raise _Refused(f"expected at most {MAX_BYTES} bytes, found {about.st_size}. Next: remove it", altered=True)
        return path.read_bytes()
    except OSError as error:
        raise _Refused(f"it cannot be read: {error.strerror}. Next: make it readable", altered=True) from error


class _Seal(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    algorithm: Literal["Ed25519"]
    key_id: str
    value: str


class _Envelope(BaseModel, Generic[P]):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    payload: P
    signature: _Seal


def _opened(data: bytes, shown: str, kind: type[P]) -> tuple[P, bytes]:
    """Payload and public key of a signature's file that is whole: its one form, and signed by that key.

    Raises:
        _Refused: it is malformed, or was edited.
    """
    model: Any = _Envelope[kind]  # type: ignore[valid-type]
    try:
        document = parse_document(data, shown, yaml=False)
        envelope = model.model_validate(document.data)
        key = signer_key(envelope.signature.key_id)
    except (Fault, NotProven) as error:
        raise _Refused(f"it is malformed: {error}", altered=True) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _Refused(f"it is malformed: {place}: {first['msg']}. Next: sign again", altered=True) from error
    except ValueError as error:
        raise _Refused(f"it is malformed: signature.key_id is {error}. Next: sign again", altered=True) from error
    edited = "it was edited after it was signed. Next: sign again"
    seal = envelope.signature
    if canonical(envelope.model_dump()) != data or seal.key_id != base64.b64encode(key).decode():
        raise _Refused(edited, altered=True)
    try:
        signed = SignedDocument(document)
        signed.authentic({seal.key_id: Ed25519PublicKey.from_public_bytes(key)})
    except (Fault, NotProven) as error:
        raise _Refused(edited, altered=True) from error
    if base64.b64encode(base64.b64decode(seal.value)).decode() != seal.value:  # two texts of Base64 are one signature
        raise _Refused(edited, altered=True)
    payload: P = envelope.payload
    return payload, key


def _vouched(payload: Payload, key: bytes, signers: Signers) -> str:
    """The signer's name, if the policy lists this person with this key and role."""
    known = signers.get(payload.signer)
    if known is None:
        raise _Refused(
            f"{show(payload.signer, 80)} is no signer of the policy, which has {', '.join(sorted(signers)) or 'none'}. "
            "Next: have it signed by one of them",
            altered=False,
        )
    if known.key != key:
        raise _Refused(
            f"its key is not the one that the policy lists for {known.id}: the key was changed, or somebody else "
            "signed. Next: sign again with the listed key",
            altered=False,
        )
    if payload.role not in known.roles:
        raise _Refused(
            f"{known.id} does not hold the role {show(payload.role, 80)}, but {', '.join(sorted(known.roles))}. "
            "Next: have it signed by somebody who holds it",
            altered=False,
        )
    return known.name


def _require_time(payload: Payload, needs: Needs) -> None:
    age = needs.now - payload.moment
    if age < -SKEW:
        raise _Refused(
            f"it is dated {payload.signed_at}, in the future. Next: correct the clocks, and sign again", altered=False
        )
    if needs.max_age is not None and age > needs.max_age:
        hours = needs.max_age / dt.timedelta(hours=1)
        raise _Refused(
            f"it is of {payload.signed_at}, older than {hours:g} hours (sign_off.max_age_h). Next: sign again",
            altered=False,
        )
