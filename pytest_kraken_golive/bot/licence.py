"""The bot's own licence check: first thing in a run, before anything is opened, asked for or traded."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.contract import Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment.fingerprint import collect
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.licence import Licence, in_force, same_fingerprint
from pytest_kraken_golive.deployment.revocations import Revocations, not_revoked
from pytest_kraken_golive.deployment.signed import public_key

ISSUER_KEYS = "KRAKEN_GOLIVE_ISSUER_KEYS"
"""Variable with the issuers' public keys: JSON, key id to Base64. The deployment's own files must not name them."""


def require_licence(deployment: Deployment, environ: Mapping[str, str], clock: Clock) -> Licence | None:
    """Refuse to run without a licence that is authentic, in force, this machine's and not revoked.

    Only `licensing.enforcement: false` spares it; where nobody says so it is demanded.

    Args:
        deployment: whose licence it is.
        environ: the process's variables, without those of the deployment's `.env`.
        clock: the present.

    Returns:
        The licence; None where none is demanded.

    Raises:
        NotProven: there is none, or no issuer's key to verify it with.
        Fault: it is not good; the message says why.
    """
    if not _enforced(deployment):
        return None
    keys = _issuer_keys(environ)
    path = deployment.license_path
    licence = Licence.load(path, deployment.shown(path))
    licence.authentic(keys)
    in_force(licence, clock)
    same_fingerprint(licence.fingerprint, Found(collect().value, Where("this machine")))
    listed = deployment.revocations_path
    revocations = Revocations.load(listed, deployment.shown(listed))
    revocations.authentic(keys)
    not_revoked(licence.license_id, revocations)
    return licence


def _enforced(deployment: Deployment) -> bool:
    try:
        return bool(deployment.runtime.licensing.enforcement.value)
    except (NotProven, Fault):
        return True


def _issuer_keys(environ: Mapping[str, str]) -> dict[str, Ed25519PublicKey]:
    text = environ.get(ISSUER_KEYS)
    if not text:
        raise NotProven(
            f"{ISSUER_KEYS}: not set, so the licence cannot be verified. Next: set it to the issuers' public keys, "
            'as JSON: {"key id": "Base64 of 32 bytes"}.'
        )
    try:
        return {str(key_id): public_key(one) for key_id, one in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise Fault(f"{ISSUER_KEYS}: expected JSON, key id to public key ({error}). Next: correct it.") from error
