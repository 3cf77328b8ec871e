"""`revocations.json`: which licences are no longer good, and whether the list is in step with the central one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..contract import Fault, Found, show
from .documents import unlike
from .instants import as_instant
from .section import not_below
from .signed import SignedDocument, canonical_json

FETCH = "fetch the list from the central repository again"


@dataclass(frozen=True)
class Revoked:
    """One entry of the list."""

    license_id: Found
    """Which licence."""
    reason: Found
    """Why."""
    revoked_at: Found
    """Since when; aware UTC."""


class Revocations(SignedDocument):
    """`revocations.json`. A property raises `NotProven` where the key is absent and `Fault` where it is wrong."""

    @property
    def sequence(self) -> Found:
        """Counts the editions of the list; 0 or more."""
        return not_below(self.payload.whole("sequence"), 0)

    @property
    def generated_at(self) -> Found:
        """When this edition was made; aware UTC."""
        return as_instant(self.payload.at("generated_at"))

    @property
    def entries(self) -> list[Revoked]:
        """All entries, with their places.

        Raises:
            NotProven: the list, or a key of an entry, is absent.
            Fault: it is no list of mappings {license_id, reason, revoked_at}; a bare list of ids is refused.
        """
        found = self.document.items(("payload", "revoked"))
        entries = []
        for index in range(len(found.value)):
            path = ("payload", "revoked", index)
            item = self.document.at(path)
            if not isinstance(item.value, dict):
                raise unlike(item, "an entry {license_id, reason, revoked_at}", FETCH)
            entries.append(
                Revoked(
                    self.document.text((*path, "license_id")),
                    self.document.text((*path, "reason")),
                    as_instant(self.document.at((*path, "revoked_at"))),
                )
            )
        return entries

    @property
    def listed(self) -> Found:
        """The ids of all revoked licences, sorted; errors as with `entries`."""
        ids = sorted(entry.license_id.value for entry in self.entries)
        return Found(ids, self.document.at(("payload", "revoked")).where)

    @property
    def digest(self) -> Found:
        """SHA-256 (hex) over the payload in canonical JSON."""
        found = self.payload.found
        return Found(hashlib.sha256(canonical_json(found.value)).hexdigest(), found.where)


def not_revoked(license_id: Found, revocations: Revocations) -> Found:
    """The list of revoked ids, if the licence is not in it. Ids are compared without regard to case.

    Raises:
        Fault: it is; the message says since when and why.
    """
    for entry in revocations.entries:
        if entry.license_id.value.strip().casefold() == license_id.value.strip().casefold():
            raise Fault(
                f"{entry.license_id.where}: expected a list without the licence {show(license_id.value)} "
                f"({license_id.where}), found it revoked since {entry.revoked_at.value.isoformat()}: "
                f"{show(entry.reason.value, 120)}. Next: get a new licence from the issuer."
            )
    return revocations.listed


def _difference(local: Revocations, central: Revocations) -> str:
    """What two lists say differently: their ids, or the entries where those are the same."""
    here, there = local.listed.value, central.listed.value
    if here == there:
        here, there = local.document.at("payload.revoked").value, central.document.at("payload.revoked").value
    return f"{show(here, 120)} here, {show(there, 120)} there"


def in_step(local: Revocations, central: Revocations) -> Found:
    """The local sequence, if the local list is the central one: same digest, or same sequence and entries.

    Raises:
        Fault: the local list is older, newer than the central one, or of its sequence with other entries.
    """
    if local.digest.value == central.digest.value:
        return local.sequence
    if local.sequence.value != central.sequence.value:
        age = "an older one" if local.sequence.value < central.sequence.value else "one that the central does not have"
        raise Fault(
            f"{local.sequence.where}: expected the sequence of the central list, {central.sequence.value} "
            f"({central.sequence.where}), found {local.sequence.value}, {age}. Next: {FETCH}."
        )
    if local.document.at("payload.revoked").value != central.document.at("payload.revoked").value:
        raise Fault(
            f"{local.listed.where}: expected the entries of the central list of the same sequence "
            f"{central.sequence.value} ({central.listed.where}), found others: {_difference(local, central)}. "
            f"Next: {FETCH}."
        )
    return local.sequence
