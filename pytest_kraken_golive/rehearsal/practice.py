"""A deployment to practise the production cutover on: the project's configuration, and a sandbox that plays production.

Unlike the copies of a rehearsal it stays until somebody removes it, and is handled like a real deployment. All that
tells it from one is its exchange, which is on this machine, and its licence: a key signed it that was made up here, is
kept nowhere, and is called a rehearsal's. No live service trades anywhere else with such a licence, and no verdict is a
sign-off while it counts.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.central import is_this_machine
from pytest_kraken_golive.deployment.issue import SigningKey
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.licence import REHEARSAL
from pytest_kraken_golive.operations.deploy import only_live_entrypoint
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.build_live import rehearse_live, with_pair
from pytest_kraken_golive.rehearsal.order import EXCHANGE
from pytest_kraken_golive.sandbox.admin import TOKEN_HEADER
from pytest_kraken_golive.sandbox.settings import AccountSettings

DEPLOYMENT, CENTRAL = "deployment", "revocations.json"
_START = "Next: kraken-golive sandbox --ready-file FILE in another terminal, and name that file."
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Practice:
    """What was made."""

    deployment: Path
    """Its root."""
    central: Path
    """The central list of revoked licences."""
    issuer_keys: dict[str, str]
    """Key id to public key: who signed the licence."""
    url: str
    """The exchange that plays production."""

    def text(self) -> str:
        """What a person does next."""
        keys = json.dumps(self.issuer_keys)
        return (
            f"{self.deployment}: a deployment that takes {self.url} for production\n"
            "While you practise, config/golive.yaml says whose licences count and where the central list is:\n"
            f"  licence: issuer_keys: {keys}\n"
            f"  revocations: central: {json.dumps(str(self.central))}\n"
            "and so does the shell that deploys by hand:\n"
            f"  export {ISSUER_KEYS}='{keys}'\n"
            'Next: "Practise it without money" in `kraken-golive docs production`; it begins with\n'
            f"  pytest --golive --golive-deployment={self.deployment} --kraken=real"
        )


def practise(rootdir: Path, folder: Path, ready_file: Path) -> Practice:
    """Make a deployment from the project's `config/` that trades on a sandbox that runs.

    Args:
        rootdir: the project.
        folder: gets the deployment and the central list of revocations; is made, or empty.
        ready_file: what `kraken-golive sandbox --ready-file` wrote.

    Raises:
        NotProven: there is no configuration, or no sandbox runs.
        Fault: the folder is not empty or lies in `config/`, the configuration is broken, or the file is no sandbox's.
        OSError: a file cannot be written.
    """
    sandbox = _Sandbox.at(ready_file)
    entrypoint = only_live_entrypoint(Deployment(rootdir))
    if folder.resolve().is_relative_to((rootdir / "config").resolve()):
        raise Fault(f"{folder}: expected a folder outside of config/, which is copied. Next: name another.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Fault(f"{folder}: expected no such folder yet, or an empty one. Next: remove it, or name another.")
    root = folder.resolve() / DEPLOYMENT
    root.mkdir(parents=True)
    issuer = SigningKey.new(f"{REHEARSAL}-{secrets.token_hex(4)}")
    blueprint = rehearse_live(rootdir, root, Policy(), entrypoint, issuer=issuer)
    live, *others = blueprint.sandbox.accounts
    with_pair(root, live, sandbox.account)
    for other in others:
        with_pair(root, other, sandbox.open_account(f"{other.name}-{secrets.token_hex(4)}"))
    env = root / ".env"
    env.write_text(env.read_text(encoding="utf-8").replace(EXCHANGE, sandbox.url), encoding="utf-8")
    central = root.parent / CENTRAL
    central.write_text(json.dumps(blueprint.central, indent=2) + "\n", encoding="utf-8")
    return Practice(root, central, {issuer.key_id: issuer.public_text}, sandbox.url)


@dataclass(frozen=True)
class _Sandbox:
    """A sandbox that runs."""

    url: str
    admin_url: str
    token: SecretStr
    account: AccountSettings
    """The one that it opened when it started."""

    @classmethod
    def at(cls, ready_file: Path) -> _Sandbox:
        """What a ready file says; errors as of `practise`."""
        try:
            said = json.loads(ready_file.read_bytes())
            url, admin = str(said["url"]), str(said["admin_url"])
            account = _account("live", said)
            away = [one for one in (url, admin) if not is_this_machine(urlsplit(one).hostname or "")]
            found = cls(url, admin, SecretStr(said["admin_token"]), account)
        except FileNotFoundError:
            raise NotProven(f"{ready_file}: expected a sandbox that runs, found no such file. {_START}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Fault(f"{ready_file}: expected what a sandbox wrote, found something else. {_START}") from error
        if away:
            raise Fault(f"{ready_file} url: expected an exchange on this machine, found {away[0]}. {_START}")
        found._ask("GET", "/ready")
        return found

    def open_account(self, name: str) -> AccountSettings:
        """Another account, with a key pair of its own."""
        return _account(name, self._ask("POST", "/accounts", {"name": name}))

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {TOKEN_HEADER: self.token.get_secret_value()}
        url = f"{self.admin_url}{path}"
        try:
            with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
                return client.request(method, url, headers=headers, json=body).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotProven(f"{url}: expected a sandbox that runs, found {type(error).__name__}. {_START}") from None


def _account(name: str, said: dict[str, Any]) -> AccountSettings:
    return AccountSettings(name=name, api_key=SecretStr(said["api_key"]), api_secret=SecretStr(said["api_secret"]))
