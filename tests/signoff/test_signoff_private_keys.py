"""Private keys: who can read them, which kinds there are, and that nothing shows them."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.signoff.private_keys import new_key, read_key

WORDS = SecretStr("correct horse")


def nobody() -> SecretStr | None:
    return None


def test_a_new_key_is_private_and_is_read_again(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key", None)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert read_key(tmp_path / "key", nobody).public_bytes == made.public_bytes


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key", None)
    with pytest.raises(Fault, match="expected no file there"):
        new_key(tmp_path / "key", None)
    assert read_key(tmp_path / "key", nobody).public_bytes == made.public_bytes


def test_a_passphrase_protects(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key", WORDS)
    assert read_key(tmp_path / "key", lambda: WORDS).public_bytes == made.public_bytes
    with pytest.raises(Fault, match="does not open this key"):
        read_key(tmp_path / "key", lambda: SecretStr("wrong"))
    with pytest.raises(Fault, match="--passphrase-env"):
        read_key(tmp_path / "key", nobody)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="there is no ssh-keygen")
@pytest.mark.parametrize("words", ["", "correct horse"])
def test_keys_of_ssh_keygen_are_read(tmp_path: Path, words: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", words, "-f", str(tmp_path / "key")], check=True)
    read = read_key(tmp_path / "key", lambda: SecretStr(words))
    public = base64.b64decode((tmp_path / "key.pub").read_text().split()[1])
    assert public.endswith(read.public_bytes)
    if words:
        with pytest.raises(Fault, match="does not open"):
            read_key(tmp_path / "key", lambda: SecretStr("wrong"))


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    new_key(tmp_path / "key", None)
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(Fault, match=r"expected a file that only its owner can read \(mode 0600\), found mode 0640"):
        read_key(tmp_path / "key", nobody)


def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content, words in ((b"hunter2-hunter2", "something else"), (other, "an? .*key"), (other[:90], "a damaged one")):
        path = tmp_path / "key"
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_bytes(content)
        with pytest.raises(Fault, match=words) as refused:
            read_key(path, nobody)
        assert "hunter2" not in str(refused.value)
        assert other.splitlines()[1].decode() not in str(refused.value)
    with pytest.raises(NotProven, match="expected a file, found none"):
        read_key(tmp_path / "none", nobody)


@pytest.mark.parametrize("words", ["w\udcffx", "\u00e4\u00f6", " "])
def test_whatever_a_variable_holds_is_a_passphrase(tmp_path: Path, words: str) -> None:
    made = new_key(tmp_path / "key", SecretStr(words))
    assert read_key(tmp_path / "key", lambda: SecretStr(words)).public_bytes == made.public_bytes


def test_a_key_never_shows(tmp_path: Path) -> None:
    made = new_key(tmp_path / "key", None)
    inside = (tmp_path / "key").read_text().splitlines()[1]
    assert inside not in f"{made!r} {made} {vars(made)}"
    assert made.public_text in repr(made)
