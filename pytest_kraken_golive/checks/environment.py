"""What a production bot is told by its environment: credentials, and who else could read them."""

from __future__ import annotations

import base64
from pathlib import Path

from pytest_kraken_golive.bot.names import LARGEST_ORDER, LIMIT_VARIABLES
from pytest_kraken_golive.bot.settings import KeyPair, LiveSettings, live_keychain_key
from pytest_kraken_golive.checks import environment_breaks as broken
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, check
from pytest_kraken_golive.deployment.git_files import files_with, look_up
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.private_file import require_private
from pytest_kraken_golive.deployment.secret_stores import KEY_VARIABLE, SECRET_VARIABLE
from pytest_kraken_golive.deployment.secrets import API_KEY, API_SECRET, DirectorySecretStore
from pytest_kraken_golive.kraken.credentials import Credentials as Signer
from pytest_kraken_golive.kraken.endpoint import USE_SANDBOX_VARIABLE


def see_variables(settings: LiveSettings, evidence: Evidence, *names: str) -> None:
    """Record the variables that are set, masked; none may be misspelt, or hidden by another value of the process."""
    settings.refuse_misspelt(*names)
    for name in names:
        if name in settings.variables:
            evidence.saw(settings.shown(name))
    for one in settings.shadowed(*names):
        raise Fault(
            f"{one.where}: expected the value of {one.shadows}, or none, found another, which hides it from every "
            f"program that is started here. Next: unset {one.name} in the environment, or make both the same."
        )


def _see_pair(settings: LiveSettings, evidence: Evidence, secret_bytes: int) -> KeyPair:
    see_variables(settings, evidence, KEY_VARIABLE, SECRET_VARIABLE)
    pair = settings.key_pair
    credentials = pair.credentials
    length = len(base64.b64decode(credentials.api_secret.get_secret_value()))
    evidence.record(str(pair.key), f"fingerprint {credentials.fingerprint}", key="api_key")
    evidence.record(str(pair.secret), f"Base64 of {length} bytes", key="api_secret")
    if length != secret_bytes:
        raise Fault(
            f"{pair.secret}: expected Base64 of {secret_bytes} bytes, found {length} bytes. "
            "Next: copy the private key from the exchange once more, whole; it is not the API key."
        )
    if credentials.api_key.get_secret_value() == credentials.api_secret.get_secret_value():
        raise Fault(
            f"{pair.key}: expected the API key, found the same text as at {pair.secret}: every call would show the "
            "secret. Next: put the API key there, and replace the key pair at the exchange if it was ever used so."
        )
    try:
        Signer(credentials.api_key, credentials.api_secret)
    except ValueError as error:
        raise Fault(f"{pair.key}: {error}") from None
    return pair


@check("credentials_present", breaks=broken.CREDENTIALS)
def credentials_present(live_settings: LiveSettings, evidence: Evidence, *, secret_bytes: int) -> None:
    """Key and secret are set, usable, and the secret is Base64 of as many bytes as Kraken's have."""
    _see_pair(live_settings, evidence, secret_bytes)


def _require_outside_git(path: Path, shown: str, evidence: Evidence) -> None:
    """The file is ignored by git, not tracked, and was never committed."""
    known = look_up(path, shown)
    seen = {"tracked": known.tracked, "commits": known.commits, "ignored_by": known.ignored_by}
    evidence.record("git", seen, key=shown)
    replace = "and replace the key pair at the exchange: whoever has the repository has it"
    assert not known.tracked, (
        f"{shown}: expected a file outside version control, found it in git's index. "
        f"Next: git rm --cached {shown}, {replace}."
    )
    assert not known.commits, (
        f"{shown}: expected a file that was never committed, found it in {len(known.commits)} commit(s), the latest "
        f"{known.commits[0][:12]}. Next: remove it from the history (git filter-repo), {replace}."
    )
    assert known.ignored_by, (
        f"{shown}: expected a rule that keeps it out of git, found none: the next `git add .` takes it. "
        f"Next: add a line {path.name} to .gitignore."
    )
    target = path.resolve()
    if path.is_symlink() and target.is_relative_to(Path(known.repository).resolve()):
        _require_outside_git(target, f"{shown} (a link to {target})", evidence)


def _require_secret_file(path: Path, shown: str, evidence: Evidence) -> None:
    private = require_private(path, shown)
    evidence.record(shown, private.access, key="access")
    _require_outside_git(path, shown, evidence)


@check("env_file_private", breaks=broken.PRIVATE_FILE)
def env_file_private(deployment: Deployment, evidence: Evidence) -> None:
    """Only its owner can read `.env`, and git never had it."""
    _require_secret_file(deployment.env_path, deployment.shown(deployment.env_path), evidence)


@check("secret_store", breaks=[*broken.PRIVATE_FILE_IF_THERE, *broken.STORE])
def secret_store(deployment: Deployment, live_settings: LiveSettings, evidence: Evidence, *, secret_bytes: int) -> None:
    """The credentials are in a private `.env`, or in a secret manager in its place; never in two that differ."""
    pair = _see_pair(live_settings, evidence, secret_bytes)
    files = [deployment.env_path] if deployment.env_path.exists() or deployment.env_path.is_symlink() else []
    if pair.in_variables:
        _require_no_rival(deployment, pair)
    else:
        files += _files_of_store(deployment, pair, evidence)
    for path in files:
        _require_secret_file(path, deployment.shown(path), evidence)
    for path in _copies_beside(deployment.env_path, pair):
        evidence.record(deployment.shown(path), require_private(path, deployment.shown(path)).access, key="access")
    if files:
        _require_no_copy_in_git(deployment.root, pair, evidence)


def _files_of_store(deployment: Deployment, pair: KeyPair, evidence: Evidence) -> list[Path]:
    """The files below the deployment's root in which its secret store keeps the key pair; none for a secret manager."""
    store = deployment.secrets
    evidence.record(repr(store), f"fingerprint {pair.credentials.fingerprint}", note="stands in for .env")
    name = live_keychain_key(deployment.core)
    evidence.saw(name)
    if not isinstance(store, DirectorySecretStore) or not deployment.secrets_path.is_relative_to(deployment.root):
        return []
    return [deployment.secrets_path / name.value / file for file in (API_KEY, API_SECRET)]


def _copies_beside(env_path: Path, pair: KeyPair) -> list[Path]:
    """Files such as `.env.bak` and `.env~` that hold the secret as `.env` does."""
    secret = pair.credentials.api_secret.get_secret_value().encode()
    beside = sorted(path for path in env_path.parent.glob(f"{env_path.name}?*") if path.is_file())
    return [path for path in beside if secret in path.read_bytes()]


def _require_no_copy_in_git(root: Path, pair: KeyPair, evidence: Evidence) -> None:
    """No file of the repository, and none that `git add .` would take, holds the key or the secret."""
    credentials = pair.credentials
    texts = [credentials.api_key, credentials.api_secret]
    found = files_with(root, texts, str(pair.key), tracked=True)
    evidence.record("git", found, key="tracked files with the key or the secret")
    assert not found, (
        f"{pair.key}: expected the key pair in no file under version control, found it in {', '.join(found)}. "
        "Next: take it out, and replace the key pair at the exchange: whoever has the repository has it."
    )
    found = files_with(root, texts, str(pair.key), tracked=False)
    evidence.record("git", found, key="files that are not ignored, with the key or the secret")
    assert not found, (
        f"{pair.key}: expected the key pair in no file that the next `git add .` takes, found it in "
        f"{', '.join(found)}. Next: delete the file, or take the key pair out."
    )


def _require_no_rival(deployment: Deployment, pair: KeyPair) -> None:
    """The secret store that runtime.yaml names has the same live key pair, or none."""
    runtime = deployment.runtime
    kind = runtime.text("secret_store", "kind") if runtime.given("secret_store", "kind") else None
    if kind is not None and kind.value in {"keyring", "vault"}:
        raise Fault(
            f"{pair.key}: expected the credentials in the {kind.value} that {kind.where} names, found them here too, "
            "where they win. Next: take them out of .env and the environment, or let secret_store.kind be environment."
        )
    try:
        name = live_keychain_key(deployment.core).value
        stored = deployment.secrets.credentials(name)
    except NotProven:
        return  # the store has none: nothing to contradict
    if (stored.api_key, stored.api_secret) != (pair.credentials.api_key, pair.credentials.api_secret):
        other = f"another (fingerprint {stored.fingerprint})"
        if stored.api_key == pair.credentials.api_key:
            other = f"that key with another secret than that of {pair.secret}"
        raise Fault(
            f"{deployment.secrets.place(name)}: expected the key pair of {pair.key} (fingerprint "
            f"{pair.credentials.fingerprint}), found {other}. "
            "Next: keep one of them, so that nobody has to know which one wins."
        )


@check("deploy_environment", breaks=broken.DEPLOY)
def deploy_environment(
    deployment: Deployment, live_settings: LiveSettings, evidence: Evidence, *, use_sandbox: bool, secret_bytes: int
) -> None:
    """`.env` itself carries all that the deployed service needs; only credentials may be in a secret manager."""
    live_settings.refuse_misspelt()
    see_variables(live_settings, evidence, USE_SANDBOX_VARIABLE, *LIMIT_VARIABLES)
    variables = live_settings.variables
    pair = _see_pair(live_settings, evidence, secret_bytes)
    if pair.in_variables and not _stands_in(deployment):
        variables.written(KEY_VARIABLE)
        variables.written(SECRET_VARIABLE)
    for name in (USE_SANDBOX_VARIABLE, *LIMIT_VARIABLES):
        variables.written(name)
    assert live_settings.use_sandbox.value is use_sandbox, live_settings.use_sandbox.unlike(use_sandbox)
    if LARGEST_ORDER in variables:
        evidence.saw(live_settings.shown(LARGEST_ORDER))
    _ = (
        live_settings.endpoint,
        live_settings.limits,
        live_settings.flags,
        live_settings.arming,
    )  # raise what is wrong with a value
    for hidden in live_settings.shadowed():
        see_variables(live_settings, evidence, hidden.name)


def _stands_in(deployment: Deployment) -> bool:
    """Whether runtime.yaml names the process environment as the store of credentials."""
    runtime = deployment.runtime
    return runtime.given("secret_store", "kind") and runtime.text("secret_store", "kind").value == "environment"
