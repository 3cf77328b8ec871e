"""The issuer's side, for rehearsals and tests: keys, and signed licence files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .fingerprint import VERSION, Fingerprint
from .signed import ALGORITHM, canonical_json


@dataclass(frozen=True)
class SigningKey:
    """A key pair of an issuer."""

    key_id: str
    """What signatures call it."""
    private: Ed25519PrivateKey = field(repr=False)
    """Signs."""

    @classmethod
    def new(cls, key_id: str) -> SigningKey:
        """A random key pair."""
        return cls(key_id, Ed25519PrivateKey.generate())

    @property
    def public(self) -> Ed25519PublicKey:
        """Verifies."""
        return self.private.public_key()

    @property
    def public_text(self) -> str:
        """The public key as the Base64 of its 32 bytes, as `signed.public_key` reads it."""
        return base64.b64encode(self.public.public_bytes_raw()).decode()

    @property
    def trusted(self) -> dict[str, Ed25519PublicKey]:
        """The public key by its id, as `SignedDocument.authentic` takes it."""
        return {self.key_id: self.public}


def signed(payload: Mapping[str, Any], key: SigningKey) -> dict[str, Any]:
    """The document {payload, signature}."""
    value = base64.b64encode(key.private.sign(canonical_json(payload))).decode()
    return {
        "payload": dict(payload),
        "signature": {"algorithm": ALGORITHM, "key_id": key.key_id, "value": value},
    }


def write_signed(path: Path, payload: Mapping[str, Any], key: SigningKey) -> None:
    """Write the document to a file, with its folder; an older file is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(signed(payload, key), indent=2, ensure_ascii=False) + "\n", "utf-8", newline="\n")


def licence_payload(
    fingerprint: str,
    issued_at: datetime,
    *,
    license_id: str = "rehearsal-0001",
    issuer: str = "oem-licensing",
    profiles: Sequence[str] = ("desktop", "kraken"),
    valid_for: timedelta = timedelta(days=365),
    features: Sequence[str] = ("paper_trading",),
) -> dict[str, Any]:
    """The payload of a licence.

    Args:
        fingerprint: SHA-256 (hex) of the machine that it is bound to.
        issued_at: aware; written to the second.
        license_id: its number.
        issuer: who issues it.
        profiles: what it allows.
        valid_for: time from issue to expiry.
        features: what it switches on.
    """
    return {
        "schema": "core.oem.license",
        "schema_version": "1.0",
        "license_id": license_id,
        "issued_at": issued_at.isoformat(timespec="seconds"),
        "expires_at": (issued_at + valid_for).isoformat(timespec="seconds"),
        "issuer": issuer,
        "profiles": list(profiles),
        "fingerprint": {"algorithm": "sha256", "value": fingerprint},
        "features": list(features),
    }


def fingerprint_payload(fingerprint: Fingerprint, collected_at: datetime) -> dict[str, Any]:
    """The payload of a fingerprint record; `collected_at` is aware."""
    return {
        "version": VERSION,
        "collected_at": collected_at.isoformat(timespec="seconds"),
        "components": dict(fingerprint.components),
        "fingerprint": {"algorithm": "sha256", "value": fingerprint.value},
    }


def revocations_payload(
    sequence: int, generated_at: datetime, revoked: Sequence[tuple[str, str, datetime]] = ()
) -> dict[str, Any]:
    """The payload of a list of revocations; each entry is license id, reason and an aware time."""
    return {
        "sequence": sequence,
        "generated_at": generated_at.isoformat(timespec="seconds"),
        "revoked": [
            {"license_id": license_id, "reason": reason, "revoked_at": at.isoformat(timespec="seconds")}
            for license_id, reason, at in revoked
        ],
    }
