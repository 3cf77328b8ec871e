"""Where credentials come from: a secret store behind a small protocol, here a directory of private files.

No message, repr or log shows a key or secret, not even a part of it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from ..contract import Fault, NotProven, show
from .private_file import require_private_mode

API_KEY = "api_key"
API_SECRET = "api_secret"  # noqa: S105 - the name of a file
_MAX_BYTES = 4096
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Credentials:
    """A key pair for an exchange."""

    api_key: SecretStr
    """The public half, which still identifies the account."""
    api_secret: SecretStr
    """The private half, Base64."""

    @property
    def fingerprint(self) -> str:
        """Names the key without showing it; see `key_fingerprint`."""
        return key_fingerprint(self.api_key.get_secret_value())


def key_fingerprint(api_key: str) -> str:
    """The first 12 hex digits of the SHA-256 of an API key: what reports and books call it."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:12]


class SecretStore(Protocol):
    """Hands out the credentials behind a keychain key."""

    def credentials(self, keychain_key: str) -> Credentials:
        """The credentials of that name.

        Raises:
            NotProven: there are none, or a part of them is missing or empty.
            Fault: they are there and cannot be used: readable by others, a secret that is no Base64.
        """
        ...

    def place(self, keychain_key: str) -> str:
        """Where they are kept, for messages and evidence; never the credentials themselves."""
        ...


class DirectorySecretStore:
    """Keeps each key pair in a folder of its own: `<root>/<keychain key>/api_key` and `api_secret`.

    The files are UTF-8 text and, on POSIX, readable by their owner only (0600). On Windows a file takes the access
    list of its folder, which this does not look at.

    Args:
        root: the store's folder.
        shown: how messages call it; by default its path.
    """

    def __init__(self, root: Path, shown: str | None = None) -> None:
        self._root = root
        self._shown = shown or str(root)

    def __repr__(self) -> str:
        return f"DirectorySecretStore({self._shown})"

    def place(self, keychain_key: str) -> str:
        """The folder of the key pair, for messages."""
        return f"{self._shown}/{plain_name(keychain_key)}"

    def credentials(self, keychain_key: str) -> Credentials:
        """The credentials of that name; errors as with `SecretStore.credentials`."""
        place = self.place(keychain_key)
        folder = self._root / keychain_key
        shown = {f"{place}/{name}": folder / name for name in (API_KEY, API_SECRET)}
        return credentials_from({where: SecretStr(_read(path, where)) for where, path in shown.items()})

    def put(self, keychain_key: str, credentials: Credentials) -> None:
        """Write a key pair, folders 0700 and files 0600; an older one of this name is replaced.

        Raises:
            Fault: the name is none.
            OSError: the files cannot be written.
        """
        plain_name(keychain_key)
        folder = self._root / keychain_key
        for made in (self._root, folder):
            made.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(folder / API_KEY, credentials.api_key)
        _write(folder / API_SECRET, credentials.api_secret)


def plain_name(keychain_key: str) -> str:
    """The name of a key pair, if it is one; raises Fault where it is not."""
    if not _NAME.fullmatch(keychain_key):
        raise Fault(
            f"keychain_key: expected a name of letters, digits, '_', '-' and '.' that begins with a letter or digit, "
            f"found {show(keychain_key, 80)}. Next: name the key as its folder in the secret store is called."
        )
    return keychain_key


def _read(path: Path, shown: str) -> str:
    try:
        # O_NONBLOCK: a named pipe in the store must not make the reader wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError as error:
        raise NotProven(
            f"{shown}: expected a file with the credential, found none. Next: put it there, readable by its owner only."
        ) from error
    except OSError as error:
        raise NotProven(
            f"{shown}: expected a file that can be read, found one that cannot: {error.strerror}. "
            "Next: make the user who runs this its owner."
        ) from error
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise NotProven(f"{shown}: expected a file, found something else. Next: put a file with the value there.")
        require_private_mode(about, shown)
        return _text(os.read(descriptor, _MAX_BYTES + 1), shown)
    finally:
        os.close(descriptor)


def _text(data: bytes, shown: str) -> str:
    if len(data) > _MAX_BYTES:
        raise Fault(f"{shown}: expected one credential, found more than {_MAX_BYTES} bytes. Next: write it again.")
    value: str | None = None
    with contextlib.suppress(UnicodeDecodeError):
        value = data.decode("utf-8").rstrip("\r\n")
    if value is None:  # outside of a handler: the decoder's error holds the bytes
        raise Fault(f"{shown}: expected UTF-8 text, found bytes that are none. Next: write the credential again.")
    return value


def credentials_from(pair: Mapping[str, SecretStr]) -> Credentials:
    """A key pair, if both can be credentials.

    Args:
        pair: key and secret, in this order, each by the place that messages name.

    Raises:
        NotProven: one of them is empty.
        Fault: one holds white space or invisible characters, or the secret is no Base64.
    """
    for shown, secret in pair.items():
        value = secret.get_secret_value()
        if not value:
            raise NotProven(f"{shown}: expected a credential, found nothing. Next: write the credential there.")
        if not value.isprintable() or re.search(r"\s", value):
            raise Fault(
                f"{shown}: expected a credential, found white space or invisible characters in it. "
                "Next: write it again, without them."
            )
    (_, api_key), (place, api_secret) = pair.items()
    _require_base64(api_secret.get_secret_value(), place)
    return Credentials(api_key, api_secret)


def _require_base64(secret: str, shown: str) -> None:
    good = False
    with contextlib.suppress(binascii.Error, ValueError):
        good = bool(base64.b64decode(secret, validate=True))
    if not good:
        raise Fault(
            f"{shown}: expected a secret in Base64, found text of {len(secret)} characters that is none. "
            "Next: copy the private key from the exchange once more, whole."
        )


def _write(path: Path, value: SecretStr) -> None:
    path.unlink(missing_ok=True)  # a new file has the mode from its first moment
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o600), "wb") as file:
        file.write(value.get_secret_value().encode() + b"\n")
