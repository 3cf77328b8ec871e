from __future__ import annotations

import base64
import os
import stat
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore, SecretStore, key_fingerprint

KEY = "kraken_paper_trading"
API_KEY = "Kp4nary+Key/0123456789abcdef"
SECRET = base64.b64encode(b"planted canary of sixty-four bytes: 0123456789abcdefghijklmnopqr").decode()
POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")


@pytest.fixture
def store(tmp_path: Path) -> DirectorySecretStore:
    store = DirectorySecretStore(tmp_path / "secrets", "secrets")
    store.put(KEY, Credentials(SecretStr(API_KEY), SecretStr(SECRET)))
    return store


def said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_what_was_put_comes_back_and_shows_nothing(store: SecretStore) -> None:
    credentials = store.credentials(KEY)
    assert credentials.api_key.get_secret_value() == API_KEY
    assert credentials.api_secret.get_secret_value() == SECRET
    assert credentials.fingerprint == key_fingerprint(API_KEY)
    assert len(credentials.fingerprint) == 12
    for text in (repr(credentials), str(credentials), f"{credentials}", repr(store), store.place(KEY)):
        assert API_KEY not in text
        assert SECRET not in text


@POSIX
def test_files_are_private_from_the_start(store: DirectorySecretStore, tmp_path: Path) -> None:
    store.put(KEY, store.credentials(KEY))  # an older pair is replaced
    folder = tmp_path / "secrets" / KEY
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "api_key", folder / "api_secret")]
    assert modes == [0o700, 0o600, 0o600]


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610])
def test_files_that_others_can_touch_are_a_fault(store: DirectorySecretStore, tmp_path: Path, mode: int) -> None:
    (tmp_path / "secrets" / KEY / "api_secret").chmod(mode)
    with pytest.raises(Fault) as caught:
        store.credentials(KEY)
    message = (
        f"secrets/{KEY}/api_secret: expected a file that only its owner can read (mode 0600), found mode {mode:04o}"
    )
    assert message in str(caught.value)
    assert f"Next: chmod 600 secrets/{KEY}/api_secret" in str(caught.value)


@pytest.mark.parametrize("line_end", ["", "\n", "\r\n", "\n\n"])
def test_a_trailing_line_end_is_not_part_of_the_value(
    store: DirectorySecretStore, tmp_path: Path, line_end: str
) -> None:
    (tmp_path / "secrets" / KEY / "api_secret").write_bytes((SECRET + line_end).encode())
    assert store.credentials(KEY).api_secret.get_secret_value() == SECRET


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SECRET[:-3].encode(), "expected a secret in Base64"),
        (SECRET.replace("c", "!", 1).encode(), "expected a secret in Base64"),
        (b"====", "expected a secret in Base64"),
        ((SECRET + " ").encode(), "white space or invisible characters"),
        ((SECRET + "\n" + SECRET).encode(), "white space or invisible characters"),
        (SECRET.encode() + b"\x00", "white space or invisible characters"),
        (SECRET.encode("utf-16"), "found bytes that are none"),
        (SECRET.encode() * 100, "more than 4096 bytes"),
    ],
)
def test_a_broken_secret_is_a_fault_that_does_not_show_it(
    store: DirectorySecretStore, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "secrets" / KEY / "api_secret").write_bytes(content)
    with pytest.raises(Fault) as caught:
        store.credentials(KEY)
    assert f"secrets/{KEY}/api_secret: " in str(caught.value)
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)
    assert not any(SECRET[at : at + 8] in said(caught.value) for at in range(len(SECRET) - 8))


@given(st.binary(max_size=60))
def test_no_content_shows_in_a_message(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("secrets")
    store = DirectorySecretStore(folder, "secrets")
    store.put(KEY, Credentials(SecretStr(API_KEY), SecretStr(SECRET)))
    (folder / KEY / "api_secret").write_bytes(b"Sc4nary/" + content)
    message = ""
    try:
        store.credentials(KEY)
    except (Fault, NotProven) as error:
        message = said(error)
    assert "Sc4nary" not in message


def test_absent_and_empty_are_not_proven(store: DirectorySecretStore, tmp_path: Path) -> None:
    with pytest.raises(
        NotProven, match=r"secrets/other/api_key: expected a file with the credential, found none\. Next"
    ):
        store.credentials("other")
    path = tmp_path / "secrets" / KEY / "api_key"
    path.write_bytes(b"\n")
    with pytest.raises(NotProven, match=r"api_key: expected a credential, found nothing\. Next"):
        store.credentials(KEY)
    path.unlink()
    path.mkdir()
    with pytest.raises(NotProven, match=r"api_key: expected a file"):
        store.credentials(KEY)


@POSIX
def test_a_named_pipe_does_not_hang(store: DirectorySecretStore, tmp_path: Path) -> None:
    path = tmp_path / "secrets" / KEY / "api_key"
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(NotProven, match="found something else"):
        store.credentials(KEY)


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "C:x", "a\x00b", ".hidden", "a b", "ä"])
def test_names_that_leave_the_store_are_refused(store: DirectorySecretStore, name: str) -> None:
    for use in (store.credentials, store.place):
        with pytest.raises(Fault, match="keychain_key: expected a name"):
            use(name)
    with pytest.raises(Fault):
        store.put(name, store.credentials(KEY))
