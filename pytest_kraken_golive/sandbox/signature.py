"""Verification of API-Sign, written for the exchange alone: the client's signer shares no line with it.

Kraken: API-Sign = base64(HMAC-SHA512(base64-decoded secret, path + SHA256(nonce + body))).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Protocol


class _Mac(Protocol):
    def copy(self) -> _Mac: ...
    def update(self, msg: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Verifier:
    """Verifies the signatures of one key. The keyed state is prepared once."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: str) -> None:
        """Take the Base64 secret.

        Raises:
            ValueError: the secret is not Base64; its value is not shown.
        """
        try:
            key = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the API secret is not Base64 (its value is not shown)") from None
        self._keyed: _Mac = hmac.new(key, digestmod=hashlib.sha512)

    def accepts(self, signature: str, path: bytes, nonce: str, body: bytes) -> bool:
        """Whether the signature belongs to exactly these bytes.

        Args:
            signature: value of the API-Sign header.
            path: path of the request as sent, without host and query.
            nonce: text of the nonce as it stands in the body.
            body: the body's bytes as received.
        """
        mac = self._keyed.copy()
        mac.update(path + hashlib.sha256(nonce.encode(errors="replace") + body).digest())
        # As text, so that one signature has one form: Base64 has spare bits that a decoder ignores.
        return hmac.compare_digest(base64.b64encode(mac.digest()), signature.encode())
