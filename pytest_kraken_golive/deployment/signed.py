"""Documents of the form {payload, signature}: Ed25519 over canonical JSON.

The signature decides, not its label: in the field, files said HMAC-SHA384 and carried a SHA-256 digest.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ..contract import Fault, Found, NotProven, show
from .documents import Document, load_json, unlike
from .section import Section

ALGORITHM = "Ed25519"
SIGNATURE_BYTES = 64
"""Length of an Ed25519 signature (RFC 8032)."""

_DIGESTS = {20: "a SHA-1", 32: "a SHA-256", 48: "a SHA-384"}


def canonical_json(payload: Mapping[str, Any]) -> bytes:
    """What is signed: JSON with sorted keys, without spaces, in UTF-8.

    Raises:
        ValueError: it holds what JSON does not have, such as NaN.
    """
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def public_key(text: str) -> Ed25519PublicKey:
    """A public key from PEM, or from the Base64 of its 32 bytes.

    Raises:
        ValueError: it is neither, or a key of another kind.
    """
    if text.lstrip().startswith("-----BEGIN"):
        try:
            key = load_pem_public_key(text.strip().encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ValueError(f"the PEM text holds no public key: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"the key is no Ed25519 key but a {type(key).__name__}")
        return key
    try:
        return Ed25519PublicKey.from_public_bytes(base64.b64decode(text.strip(), validate=True))
    except (ValueError, binascii.Error) as error:
        raise ValueError("expected PEM, or the Base64 of the 32 bytes of an Ed25519 public key") from error


class SignedDocument(Section):
    """A JSON file of the form {payload, signature {algorithm, key_id, value}}. Each value is read when asked for."""

    def __init__(self, document: Document) -> None:
        super().__init__(document)

    @classmethod
    def load(cls, path: Path, shown: str) -> Self:
        """Read the file; `shown` is how messages call it. Errors as with `load_json`."""
        return cls(load_json(path, shown))

    @property
    def document(self) -> Document:
        """The whole file."""
        return self._document

    @property
    def payload(self) -> Section:
        """What is signed."""
        return Section(self._document, "payload").required()

    @property
    def algorithm(self) -> Found:
        """The signature's label."""
        return self.text("signature", "algorithm")

    @property
    def key_id(self) -> Found:
        """Which key is said to have signed."""
        return self.text("signature", "key_id")

    def authentic(self, keys: Mapping[str, Ed25519PublicKey]) -> Found:
        """The `key_id`, if the signature is right.

        Args:
            keys: the public keys that are trusted, by their ids. They must not come from what is judged.

        Raises:
            NotProven: no key is trusted, or payload or signature is absent.
            Fault: another algorithm, an unknown key, no Base64, another length, or a signature that does not fit.
        """
        payload = self.payload.found
        if not keys:
            raise NotProven(
                f"{self._document.shown}: expected a public key to verify its signature with, found none. "
                "Next: state the keys of the issuers in the gate's policy."
            )
        if self.algorithm.value.casefold() != ALGORITHM.casefold():
            raise unlike(self.algorithm, f"the algorithm {ALGORITHM}", f"have it signed with {ALGORITHM}")
        key = keys.get(self.key_id.value)
        if key is None:
            raise unlike(
                self.key_id, f"one of the trusted keys {', '.join(sorted(keys))}", "have it signed by one of these"
            )
        try:
            key.verify(self._signature(), canonical_json(payload.value))
        except InvalidSignature as error:
            raise Fault(
                f"{self.text('signature', 'value').where}: expected a signature that fits the payload, found one that "
                f"does not: the payload was changed after it was signed, or {show(self.key_id.value)} did not sign it. "
                "Next: get the file from its issuer again."
            ) from error
        return self.key_id

    def _signature(self) -> bytes:
        found = self.text("signature", "value")
        try:
            signature = base64.b64decode(found.value, validate=True)
        except (ValueError, binascii.Error) as error:
            raise unlike(found, "a signature in Base64", "get the file from its issuer again") from error
        if len(signature) != SIGNATURE_BYTES:
            digest = _DIGESTS.get(len(signature))
            like = f", the length of {digest} digest" if digest else ""
            raise Fault(
                f"{found.where}: expected an {ALGORITHM} signature of {SIGNATURE_BYTES} bytes whatever its label, "
                f"found {len(signature)} bytes{like}. Next: have it signed with {ALGORITHM}."
            )
        return signature
