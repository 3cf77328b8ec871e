"""Secret stores beside a directory of files: variables, the system's keyring, HashiCorp Vault.

runtime.yaml's `secret_store.kind` chooses one: `directory` (the default), `environment`, `keyring` or `vault`. A store
that is chosen and not there is not proven; nothing falls back to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import SecretStr

from ..contract import Fault, Found, NotProven
from .secrets import API_KEY, API_SECRET, Credentials, SecretStore, credentials_from, plain_name
from .section import Section
from .variables import Variables

KEY_VARIABLE: Final = "KRAKEN_API_KEY"
SECRET_VARIABLE: Final = "KRAKEN_API_SECRET"  # noqa: S105 - the name of a variable
TOKEN_VARIABLE: Final = "VAULT_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_S: Final = 10


class VariableSecretStore:
    """One key pair in `KRAKEN_API_KEY` and `KRAKEN_API_SECRET`, from `.env` or the environment of the process.

    Args:
        variables: where they are looked up.
    """

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def __repr__(self) -> str:
        return "VariableSecretStore()"

    def place(self, keychain_key: str) -> str:
        """The variable that holds the key; one pair serves every name."""
        return str(self._variables.place(KEY_VARIABLE))

    def credentials(self, keychain_key: str) -> Credentials:
        """The key pair; errors as with `SecretStore.credentials`."""
        pair = [self._variables.secret(name) for name in (KEY_VARIABLE, SECRET_VARIABLE)]
        return credentials_from({str(where): value for value, where in pair})


class KeyringSecretStore:
    """Key pairs in the user's keyring: service `<service>/<keychain key>`, user names `api_key` and `api_secret`.

    Args:
        service: the first part of the service's name.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __repr__(self) -> str:
        return f"KeyringSecretStore({self._service!r})"

    def place(self, keychain_key: str) -> str:
        """The service that holds the key pair."""
        return f"keyring {self._service}/{plain_name(keychain_key)}"

    def credentials(self, keychain_key: str) -> Credentials:
        """The key pair; errors as with `SecretStore.credentials`."""
        place = self.place(keychain_key)
        try:
            import keyring  # noqa: PLC0415 - an extra
            from keyring.errors import KeyringError  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise _without_extra(place, "keyring") from error
        service = f"{self._service}/{keychain_key}"
        found: dict[str, SecretStr] = {}
        for user in (API_KEY, API_SECRET):
            try:
                value = keyring.get_password(service, user)
            except KeyringError as error:
                raise NotProven(
                    f"{place}: the keyring does not answer: {error}. Next: unlock it for the user who runs this."
                ) from error
            if value is None:
                raise NotProven(
                    f"{place}: expected a password of {user}, found none. Next: keyring set {service} {user}."
                )
            found[f"{place} {user}"] = SecretStr(value)
        return credentials_from(found)


class VaultSecretStore:
    """Key pairs in a KV version 2 engine of HashiCorp Vault, at `<path>/<keychain key>`.

    Args:
        url: Vault's address.
        token: a token that may read there.
        mount: the engine.
        path: the folder of the key pairs.
    """

    def __init__(self, url: str, token: SecretStr, *, mount: str, path: str) -> None:
        self._url = url
        self._token = token
        self._mount = mount
        self._path = path

    def __repr__(self) -> str:
        return f"VaultSecretStore({self._url!r})"

    def place(self, keychain_key: str) -> str:
        """Address, engine and path of the key pair."""
        return f"{self._url} {self._mount}/{self._path}/{plain_name(keychain_key)}"

    def credentials(self, keychain_key: str) -> Credentials:
        """The key pair; errors as with `SecretStore.credentials`."""
        place = self.place(keychain_key)
        data = self._read(f"{self._path}/{keychain_key}", place)
        found: dict[str, SecretStr] = {}
        for name in (API_KEY, API_SECRET):
            value = data.get(name)
            if value is None:
                raise NotProven(f"{place}: expected a field {name}, found none. Next: vault kv patch it there.")
            if not isinstance(value, str):
                raise Fault(f"{place} {name}: expected text, found {type(value).__name__}. Next: write it as text.")
            found[f"{place} {name}"] = SecretStr(value)
        return credentials_from(found)

    def _read(self, path: str, place: str) -> Mapping[str, Any]:
        try:
            import hvac  # noqa: PLC0415 - an extra
            import hvac.exceptions  # noqa: PLC0415 - an extra
            import requests  # noqa: PLC0415 - comes with it
        except ImportError as error:
            raise _without_extra(place, "vault") from error
        problem = ""
        with requests.Session() as session:
            session.trust_env = False  # a proxy must not see what passes here
            client = hvac.Client(
                url=self._url,
                token=self._token.get_secret_value(),
                session=session,
                timeout=TIMEOUT_S,
                allow_redirects=False,
            )
            try:
                answer = client.secrets.kv.v2.read_secret_version(
                    path=path, mount_point=self._mount, raise_on_deleted_version=True
                )
            except (hvac.exceptions.VaultError, requests.RequestException, ValueError) as error:
                problem = f"{type(error).__name__}: {str(error) or 'no reason given'}"
        # Raised outside of the handler: the library's errors hold the request, and with it the token.
        if problem:
            raise NotProven(
                f"{place}: Vault did not hand it out ({problem}). Next: check address, path and {TOKEN_VARIABLE}, and "
                "that its policy may read there."
            )
        data = answer.get("data", {}).get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise NotProven(f"{place}: expected a KV version 2 secret, found none. Next: check the engine's version.")
        return data


def chosen_store(runtime: Section, directory: SecretStore, variables: Callable[[], Variables]) -> SecretStore:
    """The store that runtime.yaml's `secret_store.kind` names; without one, the directory.

    Beside `kind`: `service` of the keyring (`kraken-golive`); `url`, `mount` (`secret`) and `path` (`kraken`) of Vault.

    Args:
        runtime: runtime.yaml.
        directory: the store of kind `directory`.
        variables: read where the store needs them.

    Raises:
        Fault: the kind is unknown, or a value beside it is wrong.
        NotProven: what the store needs is absent.
    """
    if not runtime.given("secret_store", "kind"):
        return directory
    kind = runtime.text("secret_store", "kind")

    def given(key: str, default: str) -> Found:
        known = runtime.given("secret_store", key)
        return runtime.text("secret_store", key) if known else Found(default, kind.where)

    if kind.value == "directory":
        return directory
    if kind.value == "environment":
        return VariableSecretStore(variables())
    if kind.value == "keyring":
        return KeyringSecretStore(given("service", "kraken-golive").value)
    if kind.value == "vault":
        url = runtime.text("secret_store", "url")
        return vault_from(variables(), url, given("mount", "secret"), given("path", "kraken"))
    raise Fault(kind.unlike("directory, environment, keyring or vault", "write one of these, without spaces"))


def vault_from(variables: Variables, url: Found, mount: Found, path: Found) -> VaultSecretStore:
    """A Vault store as runtime.yaml describes it, with the token of `VAULT_TOKEN`.

    Raises:
        NotProven: the token is not set.
        Fault: the address is neither https nor loopback.
    """
    address = str(url.value).rstrip("/")
    if not address.startswith(("https://", "http://127.0.0.1:", "http://localhost:", "http://[::1]:")):
        raise Fault(url.unlike("an address with https (plain http on loopback only)", "correct the address"))
    token, _ = variables.secret(TOKEN_VARIABLE)
    return VaultSecretStore(address, token, mount=mount.value, path=str(path.value).strip("/"))


def _without_extra(place: str, extra: str) -> NotProven:
    return NotProven(
        f"{place}: cannot be read: the package for it is not installed. "
        f"Next: pip install 'pytest-kraken-golive[{extra}]'."
    )
