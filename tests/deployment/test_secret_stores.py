"""Secret stores: each against the real thing, or a server that speaks its wire format."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from pydantic import SecretStr

from pytest_kraken_golive.contract import Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secret_stores import (
    KeyringSecretStore,
    VariableSecretStore,
    VaultSecretStore,
    vault_from,
)
from pytest_kraken_golive.deployment.secrets import SecretStore
from pytest_kraken_golive.deployment.variables import Variables

KEY, SECRET = "public-half", "c2VjcmV0LWhhbGY="
TOKEN = "hvs.of-this-test"


class VaultServer(BaseHTTPRequestHandler):
    """HashiCorp Vault, HTTP API: KV version 2, `GET /v1/<mount>/data/<path>`."""

    data: ClassVar[dict[str, dict[str, Any]]] = {}

    def do_GET(self) -> None:
        """Read a secret's latest version."""
        assert self.headers["X-Vault-Request"] == "true"
        found = self.data.get(self.path)
        if self.headers["X-Vault-Token"] != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
        elif found is None:
            self._answer(404, {"errors": []})
        elif "moved" in found:
            self.send_response(307)
            self.send_header("Location", found["moved"])
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            metadata = {"created_time": "2026-11-20T09:00:00Z", "deletion_time": "", "destroyed": False, "version": 3}
            self._answer(200, {"request_id": "1", "data": {"data": found, "metadata": metadata}, "warnings": None})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def vault_url() -> Iterator[str]:
    VaultServer.data = {"/v1/kv/data/bots/live": {"api_key": KEY, "api_secret": SECRET}}
    with ThreadingHTTPServer(("127.0.0.1", 0), VaultServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def vault(url: str, token: str = TOKEN) -> VaultSecretStore:
    return VaultSecretStore(url, SecretStr(token), mount="kv", path="bots")


def test_vault_hands_out_the_pair(vault_url: str) -> None:
    store = vault(vault_url)
    credentials = store.credentials("live")
    assert credentials.api_key.get_secret_value() == KEY
    assert credentials.api_secret.get_secret_value() == SECRET
    assert store.place("live") == f"{vault_url} kv/bots/live"


def test_vault_that_refuses_is_not_proven_and_keeps_the_token(vault_url: str) -> None:
    with pytest.raises(NotProven, match=r"permission denied.*Next: check address") as caught:
        vault(vault_url, "hvs.wrong").credentials("live")
    assert "hvs.wrong" not in repr(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, NotProven, "did not hand it out"),
        ({"api_key": KEY}, NotProven, "expected a field api_secret"),
        ({"api_key": KEY, "api_secret": 7}, Fault, "api_secret: expected text, found int"),
        ({"api_key": KEY, "api_secret": ""}, NotProven, "expected a credential, found nothing"),
        ({"api_key": f" {KEY}", "api_secret": SECRET}, Fault, "api_key: expected a credential, found white space"),
        ({"api_key": KEY, "api_secret": "not-base64!"}, Fault, "expected a secret in Base64"),
        ({"moved": "http://127.0.0.1:9/"}, NotProven, "did not hand it out|expected a KV version 2"),
    ],
)
def test_vault_with_something_else(
    vault_url: str, data: dict[str, Any] | None, error: type[Exception], message: str
) -> None:
    VaultServer.data = {} if data is None else {"/v1/kv/data/bots/live": data}
    with pytest.raises(error, match=message):
        vault(vault_url).credentials("live")


def test_vault_that_is_not_there_is_not_proven() -> None:
    with pytest.raises(NotProven, match="did not hand it out"):
        vault("http://127.0.0.1:9").credentials("live")


def test_vault_without_tls_is_refused_beyond_loopback() -> None:
    where = Where("config/runtime.yaml", 3, "secret_store.url")
    found = [Found(text, where) for text in ("http://vault.example.org:8200", "kv", "bots")]
    with pytest.raises(Fault, match=r"config/runtime\.yaml:3 secret_store\.url: expected 'an address with https"):
        vault_from(Variables({}), found[0], found[1], found[2])


def test_vault_without_a_token_is_not_proven() -> None:
    where = Where("config/runtime.yaml", 3, "secret_store.url")
    found = [Found(text, where) for text in ("https://vault.example.org", "kv", "bots")]
    with pytest.raises(NotProven, match="VAULT_TOKEN"):
        vault_from(Variables({}), found[0], found[1], found[2])


class MemoryKeyring(KeyringBackend):
    """A keyring backend, as an operating system would bring one."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # keyring has no types there
        self.passwords: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.passwords.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.passwords[service, username]


@pytest.fixture
def system_keyring() -> Iterator[MemoryKeyring]:
    before, ours = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(ours)
    yield ours
    keyring.set_keyring(before)


def test_the_keyring_hands_out_the_pair(system_keyring: MemoryKeyring) -> None:
    system_keyring.set_password("kraken/live", "api_key", KEY)
    system_keyring.set_password("kraken/live", "api_secret", SECRET)
    assert KeyringSecretStore("kraken").credentials("live").api_secret.get_secret_value() == SECRET


def test_a_keyring_without_it_says_how_to_put_it_there(system_keyring: MemoryKeyring) -> None:
    with pytest.raises(NotProven, match="Next: keyring set kraken/live api_key"):
        KeyringSecretStore("kraken").credentials("live")


def test_a_machine_without_a_keyring_is_not_proven() -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())  # type: ignore[no-untyped-call]  # keyring has no types there
    try:
        with pytest.raises(NotProven, match="the keyring does not answer"):
            KeyringSecretStore("kraken").credentials("live")
    finally:
        keyring.set_keyring(before)


def test_variables_hand_out_the_pair_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text(f"KRAKEN_API_KEY={KEY}\nKRAKEN_API_SECRET='{SECRET} '\n", encoding="utf-8")
    store = VariableSecretStore(Variables.read(path, {}))
    assert store.place("live") == ".env:1 KRAKEN_API_KEY"
    with pytest.raises(Fault, match=r"\.env:2 KRAKEN_API_SECRET: expected a credential, found white space"):
        store.credentials("live")
    store = VariableSecretStore(Variables.read(path, {"KRAKEN_API_SECRET": SECRET}))
    assert store.credentials("live").api_secret.get_secret_value() == SECRET


@pytest.fixture
def store_of(tmp_path: Path, vault_url: str) -> Callable[[str], SecretStore]:
    """The store of a deployment whose runtime.yaml has this section, and whose `.env` has a Vault token."""

    def make(section: str) -> SecretStore:
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / "runtime.yaml").write_text(section.replace("URL", vault_url), encoding="utf-8")
        (tmp_path / ".env").write_text(f"VAULT_TOKEN={TOKEN}\nKRAKEN_API_KEY={KEY}\n", encoding="utf-8")
        return Deployment(tmp_path).secrets

    return make


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ("trading: {}", "secrets/live"),
        ("secret_store: {path: keys}", "keys/live"),
        ("secret_store: {kind: directory}", "secrets/live"),
        ("secret_store: {kind: environment}", ".env:2 KRAKEN_API_KEY"),
        ("secret_store: {kind: keyring, service: bots}", "keyring bots/live"),
    ],
)
def test_the_configuration_chooses_the_store(store_of: Callable[[str], SecretStore], section: str, place: str) -> None:
    assert store_of(section).place("live") == place


def test_the_configuration_chooses_vault(store_of: Callable[[str], SecretStore]) -> None:
    store = store_of("secret_store: {kind: vault, url: URL, mount: kv, path: bots}")
    assert store.credentials("live").api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("section", "error", "message"),
    [
        ("secret_store: {kind: Vault}", Fault, r"runtime\.yaml:1 secret_store\.kind: expected .*found 'Vault'"),
        ("secret_store: {kind: ' vault'}", Fault, r"found ' vault'"),
        ("secret_store: {kind: ''}", Fault, r"text that is not blank"),
        ("secret_store: {knd: vault}", Fault, r"expected the key kind, found 'knd'"),
        ("secret_store: {kind: vault}", NotProven, r"secret_store\.url"),
        ("secret_store: {kind: vault, url: 'http://vault.example.org'}", Fault, "an address with https"),
    ],
)
def test_a_store_that_is_not_known_is_never_another(
    store_of: Callable[[str], SecretStore], section: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        store_of(section)
