"""Whose signatures count: the signers of the policy, with their keys read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.policy_signers import signer_key


@dataclass(frozen=True)
class KnownSigner:
    """Somebody whose signature counts."""

    id: str
    """What commands and files call this person."""
    name: str
    """As reports show it."""
    key: bytes
    """The 32 bytes of the Ed25519 public key."""
    roles: frozenset[str]
    """What this person may sign as."""

    @property
    def key_text(self) -> str:
        """The key in Base64."""
        return base64.b64encode(self.key).decode()

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The key, to verify with."""
        return Ed25519PublicKey.from_public_bytes(self.key)


Signers = Mapping[str, KnownSigner]


def signers_of(policy: Policy) -> dict[str, KnownSigner]:
    """The signers of a policy that was read, by their ids."""
    return {
        one: KnownSigner(one, signer.name, signer_key(signer.key), frozenset(signer.roles))
        for one, signer in policy.signers.items()
    }
