"""The private half of a signer's key: read from a private file, made new, never shown."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)
from pydantic import SecretBytes, SecretStr

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.private_file import require_private

MAX_BYTES = 16_384
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PEM = b"-----BEGIN "

Passphrase = Callable[[], SecretStr | None]
"""Asks for the passphrase; called only where the key has one. None: there is nobody to ask."""


class SigningKey:
    """A private Ed25519 key. Its repr names the public half."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def __repr__(self) -> str:
        return f"SigningKey({self.public_text})"

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes of the public half."""
        return self._key.public_key().public_bytes_raw()

    @property
    def public_text(self) -> str:
        """The public half in Base64, as `signers:` lists it."""
        return base64.b64encode(self.public_bytes).decode()

    def sign(self, message: bytes) -> bytes:
        """The signature's 64 bytes."""
        return self._key.sign(message)


def read_key(path: Path, passphrase: Passphrase) -> SigningKey:
    """Read a private key: PEM (PKCS #8), or what `ssh-keygen -t ed25519` writes.

    Args:
        path: a file that nobody but its owner can read.
        passphrase: asked where the key is protected by one.

    Raises:
        NotProven: there is no such file, or it cannot be read.
        Fault: others can read it, it holds no Ed25519 key, or the passphrase is wrong or absent.
    """
    target = require_private(path, str(path)).target
    try:
        with target.open("rb") as file:
            data = SecretBytes(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise NotProven(f"{path}: cannot be read: {error.strerror}. Next: make the user who signs its owner.") from None
    if len(data) > MAX_BYTES or not data.get_secret_value().lstrip().startswith(_PEM):
        raise Fault(
            f"{path}: expected a private key (PEM, or of ssh-keygen -t ed25519), found something else. "
            "Next: kraken-golive sign --new-key FILE makes one."
        )
    return SigningKey(_loaded(data, path, passphrase))


def _loaded(data: SecretBytes, path: Path, passphrase: Passphrase) -> Ed25519PrivateKey:
    """The key; no error of the library goes on, for nobody knows what it quotes."""
    key, protected = _attempt(data, None)
    if protected:
        secret = passphrase()
        if secret is None or not secret.get_secret_value():
            raise Fault(
                f"{path}: expected a passphrase for this key, found none. "
                "Next: sign at a terminal, or name it by --passphrase-env or --passphrase-file."
            )
        key, _ = _attempt(data, secret)
        if key is None:
            raise Fault(f"{path}: the passphrase does not open this key. Next: try again.")
    if not isinstance(key, Ed25519PrivateKey):
        kind = "a damaged one" if key is None else f"a {type(key).__name__.removesuffix('PrivateKey')} key"
        raise Fault(f"{path}: expected an Ed25519 private key, found {kind}. Next: ssh-keygen -t ed25519 makes one.")
    return key


def _attempt(data: SecretBytes, passphrase: SecretStr | None) -> tuple[object, bool]:
    """What the text holds, None if it cannot be read; and whether it cannot for want of a passphrase."""
    raw = data.get_secret_value()
    password = None if passphrase is None else _bytes(passphrase)
    load = load_ssh_private_key if raw.lstrip().startswith(_OPENSSH) else load_pem_private_key
    try:
        return load(raw, password), False
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        return None, password is None and "password" in str(error).lower()


def _bytes(passphrase: SecretStr) -> bytes:
    return passphrase.get_secret_value().encode(errors="surrogateescape")  # a variable need not be text


def read_passphrase(path: Path) -> SecretStr:
    """The passphrase that a private file holds, without its line end.

    Raises:
        NotProven: there is no such file, or it cannot be read.
        Fault: others can read it, or it is no text.
    """
    target = require_private(path, str(path)).target
    try:
        return SecretStr(target.read_bytes()[:MAX_BYTES].decode().rstrip("\r\n"))
    except OSError as error:
        raise NotProven(f"{path}: cannot be read: {error.strerror}. Next: make the user who signs its owner.") from None
    except UnicodeDecodeError:
        pass  # its error holds the bytes
    raise Fault(f"{path}: expected a passphrase in UTF-8, found bytes that are none. Next: write it again.")


def new_key(path: Path, passphrase: SecretStr | None) -> SigningKey:
    """Make a key pair and write the private half, readable by its owner alone.

    Args:
        path: where; an existing file is never overwritten.
        passphrase: protects it; None leaves it open to whoever can read the file.

    Raises:
        Fault: there is a file already, or it cannot be written.
    """
    made = Ed25519PrivateKey.generate()
    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(_bytes(passphrase))
    text = SecretBytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        raise Fault(
            f"{path}: expected no file there, found one. Next: choose another name; no key is replaced."
        ) from None
    except OSError as error:
        raise Fault(f"{path}: cannot be written: {error.strerror}. Next: choose a folder of your own.") from None
    try:
        with open(descriptor, "wb") as file:
            file.write(text.get_secret_value())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise Fault(f"{path}: cannot be written: {error.strerror}. Next: free space, and try again.") from None
    return SigningKey(made)
