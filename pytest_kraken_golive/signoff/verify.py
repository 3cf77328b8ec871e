"""A bundle checked offline: every byte, what belongs together, and who signed."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_kraken_golive.contract import Fault, NotProven, Outcome
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.signoff import manifest
from pytest_kraken_golive.signoff.digests import ABSENT
from pytest_kraken_golive.signoff.manifest import ReadManifest
from pytest_kraken_golive.signoff.places import FOLDER, LINES, MANIFEST, PROJECT_FILES, RUN, VERDICT, kept_as
from pytest_kraken_golive.signoff.record import VerdictRecord, read_verdict
from pytest_kraken_golive.signoff.signatures import (
    Needs,
    RunSubject,
    Signatures,
    line_signatures,
    run_signatures,
)
from pytest_kraken_golive.signoff.signers import Signers, signers_of

_RUN_SIGNATURE = re.compile(rf"{FOLDER}/{RUN}/[^./][^/]*")
"""The files of a bundle that its manifest does not cover: they sign the manifest."""


class Unreadable(Exception):
    """There is no bundle to judge."""


@dataclass(frozen=True)
class Findings:
    """What a look at a bundle showed."""

    record: VerdictRecord | None
    """The verdict in it; None if it cannot be read."""
    manifest_sha256: str | None
    problems: tuple[str, ...]
    """What was altered, is missing, or does not belong; each names its file."""
    signatures: Signatures | None
    """Of the run."""
    vouched: bool
    """Whether a policy says whose keys count."""

    @property
    def exit_status(self) -> int:
        """0 whole and validly signed, 1 altered or void, 3 whole but not signed."""
        if self.problems or self.signatures is None or self.signatures.void:
            return 1
        return 0 if self.signatures.suffice else 3


def verify(bundle: Path, policy: Policy | None, now: dt.datetime) -> Findings:
    """Look at every byte of a bundle.

    Args:
        bundle: its folder.
        policy: whose signatures count, and who must sign. Never the bundle's own copy. None: nobody vouches.
        now: the present. No signature is too old here: a bundle is for later.

    Raises:
        Unreadable: there is no such folder, or no manifest in it.
    """
    read, problems = _whole(bundle)
    record: VerdictRecord | None = None
    try:
        record = read_verdict(bundle / VERDICT, VERDICT)
    except (Fault, NotProven) as error:
        problems.append(str(error))
    if record is not None and read is not None:
        problems += _apart(record, read)
    signers = None if policy is None else signers_of(policy)
    signatures = None
    if record is not None:
        needs = _needs(policy, now)
        subject = subject_of(record, None if read is None else read.sha256)
        signatures = run_signatures(bundle / FOLDER, subject, signers=signers, needs=needs)
        problems += [f"{FOLDER}/{void}" for void in signatures.void]
        if policy is not None and signers is not None:
            problems += _lines(bundle, record, signers, policy)
    return Findings(record, None if read is None else read.sha256, tuple(problems), signatures, policy is not None)


def unlike(bundle: Path, record: VerdictRecord) -> list[str]:
    """What of a bundle is not as the run made it that gave this verdict, each file in words; empty if all is."""
    try:
        read, problems = _whole(bundle)
    except Unreadable as error:
        return [str(error)]
    return [*problems, *(() if read is None else _apart(record, read))]


def subject_of(record: VerdictRecord, manifest_sha256: str | None) -> RunSubject:
    """What a signature of this run must be about."""
    data = record.data
    return RunSubject(
        run_id=data.run_id,
        verdict=data.verdict,
        scope=data.scope.name,
        commit=data.commit,
        verdict_sha256=record.sha256,
        manifest_sha256=manifest_sha256,
        finished_at=data.finished_at,
    )


def _needs(policy: Policy | None, now: dt.datetime) -> Needs:
    if policy is None:
        return Needs(roles=(), persons=1, now=now, max_age=None)
    return Needs(roles=policy.sign_off.roles, persons=policy.sign_off.persons, now=now, max_age=None)


def _whole(bundle: Path) -> tuple[ReadManifest | None, list[str]]:
    """The manifest if it can be read, and what it and the folder do not agree upon."""
    try:
        found, problems = _walk(bundle)
        data = (bundle / MANIFEST).read_bytes() if MANIFEST in found else None
    except OSError as error:
        raise Unreadable(f"{error.filename or bundle}: cannot be read: {error.strerror}") from error
    if data is None and VERDICT not in found:
        raise Unreadable(f"{bundle}: expected a bundle, found no {MANIFEST}. Next: name the folder of one")
    if data is None:
        return None, [*problems, f"{MANIFEST}: is missing"]
    try:
        read = manifest.read_manifest(data, MANIFEST)
    except (Fault, NotProven) as error:
        return None, [*problems, str(error)]
    listed = read.manifest.digests
    free = {name for name in found if _RUN_SIGNATURE.fullmatch(name)} | {MANIFEST}
    problems += [f"{path}: is missing, {MANIFEST} lists it" for path in sorted(set(listed) - found)]
    problems += [
        f"{path}: does not belong to the bundle, {MANIFEST} does not list it"
        for path in sorted(found - set(listed) - free)
    ]
    for entry in read.manifest.files:
        if entry.path in found and _digest(bundle / entry.path) != (entry.sha256, entry.bytes):
            problems.append(f"{entry.path}: was altered: it is not what {MANIFEST} lists")
    return read, problems


def _walk(bundle: Path) -> tuple[set[str], list[str]]:
    """The files below the bundle, and what is neither file nor folder, or an empty folder."""
    found: set[str] = set()
    problems: list[str] = []
    folders = [bundle]
    while folders:
        folder = folders.pop()
        with os.scandir(folder) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
        shown = "" if folder == bundle else f"{folder.relative_to(bundle).as_posix()}/"
        if not inside and shown:
            problems.append(f"{shown}: is an empty folder that does not belong to the bundle")
        for entry in inside:
            about = entry.stat(follow_symlinks=False)
            # A junction of Windows is a folder that leads elsewhere.
            leads_away = getattr(about, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT
            if stat.S_ISDIR(about.st_mode) and not leads_away:
                folders.append(folder / entry.name)
            elif stat.S_ISREG(about.st_mode) and not leads_away:
                found.add(f"{shown}{entry.name}")
            else:
                problems.append(f"{shown}{entry.name}: is a link or something else that is no file")
    return found, problems


def _digest(path: Path) -> tuple[str, int] | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()
    except OSError:
        return None


def _apart(record: VerdictRecord, read: ReadManifest) -> Iterator[str]:
    """What is of another run than the verdict."""
    digests = read.manifest.digests
    if read.manifest.run_id != record.data.run_id:
        yield f"{MANIFEST}: is of the run {read.manifest.run_id}, {VERDICT} of {record.data.run_id}"
    if digests.get(VERDICT) != record.sha256:
        yield f"{MANIFEST}: lists another {VERDICT}"
    judged = record.data.scope.digests
    kept = {book.path: book.sha256 for book in record.data.runbooks}
    kept |= {name: judged[name] for name in PROJECT_FILES if judged.get(name, ABSENT) != ABSENT}
    for path, sha256 in kept.items():
        if digests.get(place := kept_as(path, sha256)) != sha256:
            yield f"{place}: is not the one that the run judged"


def _lines(bundle: Path, record: VerdictRecord, signers: Signers, policy: Policy) -> Iterator[str]:
    """Lines that were signed, and are not by what the bundle holds."""
    for line in record.lines.values():
        if line.outcome != Outcome.SIGNED or line.manual is None or line.manual.subject is None:
            continue
        needs = Needs(
            roles=line.manual.roles,
            persons=line.manual.persons,
            now=record.data.finished_at,
            max_age=dt.timedelta(hours=policy.sign_off.max_age_h),
        )
        subject = line.manual.subject.model_dump()
        signed = line_signatures(bundle / FOLDER, line.id, subject, signers=signers, needs=needs)
        for why in (*signed.lacking, *map(str, signed.void)) if not signed.suffice else ():
            yield f"{FOLDER}/{LINES}/{line.id}: the line counts as signed, but {why}"
