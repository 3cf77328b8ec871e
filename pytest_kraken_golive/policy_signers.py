"""`signers:` and `sign_off:` of `config/golive.yaml`: whose signatures count, and who must sign for production."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pytest_kraken_golive.contract import Fault, show

Place = Callable[..., str]
"""Gives file, line and key of a key path, for messages."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A signer's id, or a role: both become parts of file names, on systems too that do not tell A from a."""

SSH = "ssh-ed25519 "
"""How a line of a public key of OpenSSH begins."""
_NAMED = "a name of lower-case letters, digits, '_' and '-'"
_NEXT_KEY = "Next: kraken-golive sign --new-key FILE prints an entry to paste"

_SMALL_ORDER = frozenset(
    bytes.fromhex(point)
    for point in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Points of small order (without their sign bit): keys for which anybody can make signatures (RFC 8032, RFC 7748)."""


class Signer(BaseModel):
    """Somebody whose signature counts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    """As reports show it."""
    key: str
    """Ed25519 public key: the Base64 of its 32 bytes, or a line `ssh-ed25519 AAAA…` as OpenSSH writes it."""
    roles: list[str]
    """What this person may sign as."""


class SignOff(BaseModel):
    """Who must sign a run before it counts for production."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    roles: list[str] = Field(default_factory=list)
    """Each must be signed by somebody who holds it."""
    persons: Annotated[int, Field(ge=1, le=100)] = 1
    """How many different people must sign."""
    max_age_h: Annotated[float, Field(gt=0, le=24 * 400, allow_inf_nan=False)] = 168.0
    """How long a signature counts, that of a line too."""


def signer_key(text: str) -> bytes:
    """The 32 bytes of a signer's public key.

    Raises:
        ValueError: it is none, or one for which anybody can sign; the message never repeats the text.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - heavy, only where there are signers
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key  # noqa: PLC0415 - as above

    from pytest_kraken_golive.deployment.signed import public_key  # noqa: PLC0415 - as above

    text = text.strip()
    if "PRIVATE" in text.upper():
        raise ValueError("a private key, which belongs to nobody but its owner: replace it by a new pair")
    try:
        if text.startswith(SSH):
            loaded = load_ssh_public_key(text.encode())
            key = loaded if isinstance(loaded, Ed25519PublicKey) else None
        else:
            key = public_key(text)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if key is None:
        raise ValueError(_instead(text))
    raw = key.public_bytes_raw()
    if raw[:31] + bytes([raw[31] & 0x7F]) in _SMALL_ORDER:
        raise ValueError("a point of small order, for which anybody can make signatures")
    return raw


def _instead(text: str) -> str:
    """What stands where a public key was expected, in words: it may be a secret."""
    if text.startswith(SSH):
        return "a line of OpenSSH that holds no such key"
    try:
        return f"the Base64 of {len(base64.b64decode(text, validate=True))} bytes"
    except (ValueError, binascii.Error):
        return f"text of {len(text)} characters that is no Base64"


def require_signers(signers: Mapping[str, Signer], sign_off: SignOff, place: Place) -> None:
    """Do nothing if each signer has a name, a key of their own and roles, and each role asked for is held by one.

    Raises:
        Fault: names file, line and key.
    """
    owners: dict[bytes, str] = {}
    for one, signer in signers.items():
        _require_name(one, place("signers", one), "signer's id")
        if not signer.name.strip() or not signer.name.isprintable():
            raise Fault(
                f"{place('signers', one, 'name')}: expected a person's name, found {show(signer.name, 80)}. "
                "Next: write it as reports should show it."
            )
        _require_roles(signer.roles, one, place)
        key = _key(signer, place("signers", one, "key"))
        if key in owners:
            raise Fault(
                f"{place('signers', one, 'key')}: expected a key of {one}'s own, found that of {owners[key]}. "
                "Next: let each person make their own key; two people with one key are one person."
            )
        owners[key] = one
    held = {role for signer in signers.values() for role in signer.roles}
    for index, role in enumerate(sign_off.roles):
        where = place("sign_off", "roles", str(index))
        if role in sign_off.roles[:index]:
            raise Fault(f"{where}: expected each role once, found {role} twice. Next: take one out.")
        if role not in held:
            raise Fault(
                f"{where}: expected a role that a signer holds ({', '.join(sorted(held)) or 'there is none'}), "
                f"found {show(role, 80)}. Next: give it to a signer, or take it out."
            )


def _require_roles(roles: list[str], signer: str, place: Place) -> None:
    if not roles:
        raise Fault(
            f"{place('signers', signer, 'roles')}: expected at least one role, found []. "
            "Next: write what this person may sign as, for example [risk]."
        )
    for index, role in enumerate(roles):
        where = place("signers", signer, "roles", str(index))
        _require_name(role, where, "role")
        if role in roles[:index]:
            raise Fault(f"{where}: expected each role once, found {role} twice. Next: take one out.")


def _require_name(text: str, place: str, kind: str) -> None:
    if not NAME.fullmatch(text):
        raise Fault(f"{place}: expected as {kind} {_NAMED}, found {show(text, 80)}. Next: rename it.")


def _key(signer: Signer, place: str) -> bytes:
    wrong = ""
    try:
        return signer_key(signer.key)
    except ValueError as error:
        wrong = str(error)
    raise Fault(f"{place}: expected the Base64 of the 32 bytes of an Ed25519 public key, found {wrong}. {_NEXT_KEY}.")
