"""The OEM licence: `license.json` and what must be true of it. Revocations and fingerprint: the modules beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit

from ..clock import Clock
from ..contract import Fault, Found, NotProven, Where, show
from .central import is_this_machine
from .documents import as_text, unlike
from .instants import as_instant, now
from .signed import SignedDocument

GET_VALID = "get a valid licence from the issuer"

REHEARSAL = "rehearsal"
"""The ids of keys that are made up for a rehearsal begin so. What they sign is good for a sandbox here alone."""


def is_of_rehearsal(key_id: str) -> bool:
    """Whether this is the id of a key that was made up for a rehearsal."""
    return key_id.casefold().startswith(REHEARSAL)


class Licence(SignedDocument):
    """`license.json`. A property raises `NotProven` where the key is absent and `Fault` where it is wrong."""

    @property
    def license_id(self) -> Found:
        """Its number, which revocations name."""
        return self.payload.text("license_id")

    @property
    def issuer(self) -> Found:
        """Who issued it."""
        return self.payload.text("issuer")

    @property
    def schema(self) -> Found:
        """What kind of document it says it is."""
        return self.payload.text("schema")

    @property
    def schema_version(self) -> Found:
        """The version of its schema."""
        return self.payload.text("schema_version")

    @property
    def issued_at(self) -> Found:
        """When it was issued; aware UTC."""
        return as_instant(self.payload.at("issued_at"))

    @property
    def valid_from(self) -> Found:
        """When it begins: `valid_from` if the licence has it, else `issued_at`; aware UTC."""
        return as_instant(self.payload.at("valid_from")) if self.payload.has("valid_from") else self.issued_at

    @property
    def expires_at(self) -> Found:
        """When it ends; aware UTC."""
        return as_instant(self.payload.at("expires_at"))

    @property
    def profiles(self) -> Found:
        """What it allows, as a list: the `profiles`, or the one `profile`.

        Raises:
            NotProven: it has neither.
            Fault: wrong types, or a `profile` that is not among the `profiles`.
        """
        if not self.payload.has("profile"):
            return self.payload.names("profiles")
        one = self.payload.text("profile")
        if not self.payload.has("profiles"):
            return Found([one.value], one.where)
        several = self.payload.names("profiles")
        if one.value not in several.value:
            raise unlike(one, f"one of its own profiles {show(several.value)} ({several.where})", GET_VALID)
        return several

    @property
    def features(self) -> Found:
        """What it switches on, as a list of words."""
        return self.payload.names("features")

    @property
    def fingerprint(self) -> Found:
        """The fingerprint that it is bound to; see `bound_fingerprint`."""
        return bound_fingerprint(self, "fingerprint")


def bound_fingerprint(document: SignedDocument, key: str) -> Found:
    """A SHA-256 fingerprint of a payload, as lower-case hex: {algorithm, value}, or the value alone.

    Raises:
        NotProven: absent.
        Fault: another algorithm, or no SHA-256 in hex.
    """
    found = document.payload.at(key)
    if isinstance(found.value, dict):
        algorithm = document.payload.text(key, "algorithm")
        if algorithm.value.casefold().replace("-", "") != "sha256":
            raise unlike(algorithm, "the algorithm sha256", "collect the fingerprint again")
        found = document.payload.text(key, "value")
    text = as_text(found).value.lower()
    if len(text) != 64 or not set(text) <= set("0123456789abcdef"):  # noqa: PLR2004 - hex digits of a SHA-256
        raise unlike(found, "a SHA-256 of 64 hex digits", "collect the fingerprint again")
    return Found(text, found.where)


def in_force(licence: Licence, clock: Clock) -> Found:
    """The licence's `expires_at`, if it has begun and not ended. A grace period does not count for a go-live.

    Raises:
        Fault: issued in the future, not begun yet, expired, or ended before it began.
    """
    moment = now(clock)
    issued, begins, ends = licence.issued_at, licence.valid_from, licence.expires_at
    for start, what in ((issued, "issued"), (begins, "valid")):
        if start.value > moment:
            raise Fault(
                f"{start.where}: expected a licence that is {what} by now ({moment.isoformat()}), found "
                f"{start.value.isoformat()}, which is in the future. Next: check the clock, or {GET_VALID}."
            )
    if ends.value <= max(issued.value, begins.value):
        raise Fault(
            f"{ends.where}: expected an end after its beginning ({begins.value.isoformat()}, {begins.where}), found "
            f"{ends.value.isoformat()}. Next: {GET_VALID}."
        )
    if ends.value <= moment:
        raise Fault(
            f"{ends.where}: expected a licence that ends after now ({moment.isoformat()}), found that it expired at "
            f"{ends.value.isoformat()}. Next: {GET_VALID}."
        )
    return ends


def good_for(licence: Licence, url: str, reason: str) -> Found:
    """The licence's key id, if it may trade there: what a rehearsal's key signed is good for no exchange but a sandbox.

    Args:
        licence: the licence, found authentic.
        url: where orders go.
        reason: which settings decided that.

    Raises:
        Fault: a rehearsal's key signed it, and the URL leads away from this machine.
    """
    found = licence.key_id
    if is_of_rehearsal(found.value) and not is_this_machine(urlsplit(url).hostname or ""):
        raise unlike(
            found,
            f"the key of an issuer, since orders go to {url} ({reason})",
            f"{GET_VALID}: this one is a rehearsal's, good for a sandbox on this machine alone",
        )
    return found


def validity_at_most(licence: Licence, days: Found) -> Found:
    """The time from issue to expiry in days, if it is not over-long.

    Args:
        licence: the licence.
        days: runtime.yaml's `max_validity_days`.

    Raises:
        Fault: it is longer; the message names both places.
    """
    issued, ends = licence.issued_at, licence.expires_at
    length = ends.value - issued.value
    if length > timedelta(days=days.value):
        raise Fault(
            f"{ends.where}: expected at most {days.value} days from issue to expiry ({days.where}), found "
            f"{length / timedelta(days=1):.1f} ({issued.value.isoformat()} to {ends.value.isoformat()}). "
            f"Next: {GET_VALID}."
        )
    return Found(length / timedelta(days=1), ends.where)


def one_of(found: Found, allowed: Found, do: str = GET_VALID) -> Found:
    """The same if the value is in a list of the configuration: an issuer, a schema version.

    Raises:
        Fault: it is not; the message names both places.
    """
    if found.value not in allowed.value:
        raise unlike(found, f"one of {show(allowed.value)} ({allowed.where})", do)
    return found


def of_schema(licence: Licence, schema: Found, versions: Found) -> Found:
    """The licence's schema version, if it is of the required schema and an allowed version.

    Raises:
        Fault: it is not; the message names both places.
    """
    if licence.schema.value != schema.value:
        raise unlike(licence.schema, f"the schema {show(schema.value)} ({schema.where})", GET_VALID)
    return one_of(licence.schema_version, versions)


def covers(profiles: Found, wanted: Sequence[str]) -> Found:
    """The same if every wanted profile is in the list.

    Raises:
        Fault: the message names those that are missing.
    """
    missing = [name for name in wanted if name not in profiles.value]
    if missing:
        raise Fault(
            f"{profiles.where}: expected a licence for {', '.join(wanted)}, found {show(profiles.value)} without "
            f"{', '.join(missing)}. Next: get a licence for these profiles from the issuer."
        )
    return profiles


def same_fingerprint(*found: Found) -> Found:
    """The first of several fingerprints, if they are all the same.

    Raises:
        Fault: they differ; the message names all places.
        NotProven: fewer than two were given.
    """
    if len(found) < 2:  # noqa: PLR2004 - one alone is always the same
        where = found[0].where if found else Where("fingerprint")
        raise NotProven(f"{where}: expected two fingerprints to compare, found {len(found)}. Next: collect both.")
    if len({one.value for one in found}) > 1:
        places = ", ".join(f"{one.value[:16]}… in {one.where}" for one in found)
        raise Fault(
            f"{found[0].where}: expected one fingerprint in all places, found different ones: {places}. "
            "Next: collect the fingerprint on the bot's machine, and have the licence bound to it."
        )
    return found[0]
