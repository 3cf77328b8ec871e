"""Make the copy of a deployment that a rehearsal takes live: its files, credentials, licence, and who may know what."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_kraken_golive.bot.licence import ISSUER_KEYS
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.fingerprint import collect
from pytest_kraken_golive.deployment.issue import (
    SigningKey,
    fingerprint_payload,
    licence_payload,
    revocations_payload,
    signed,
    write_signed,
)
from pytest_kraken_golive.deployment.layout import RUNTIME, SECRETS, Deployment
from pytest_kraken_golive.deployment.licence import REHEARSAL
from pytest_kraken_golive.deployment.secrets import Credentials, DirectorySecretStore, SecretStore
from pytest_kraken_golive.deployment.source import decode, read_bytes
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.copying import copy_tree
from pytest_kraken_golive.rehearsal.order import BOT_DOOR, CHECKS_DOOR
from pytest_kraken_golive.sandbox.settings import AccountSettings, SandboxSettings

LONGEST_LICENCE = dt.timedelta(days=90)
FOLDERS = ("logs", "runtime", "reports", "var")

RAISED_LIMITS = {
    f"KRAKEN_RL_{bucket}_{field}": "1000"
    for bucket in ("GLOBAL", "MD", "ORDER", "ORDER_STATUS")
    for field in ("CAP", "FR")
}
"""The client's own buckets must not hide the queue that is under test."""

SPARE_ACCOUNT = "spare"
"""The account of tests in a project without configuration."""

JOURNAL_CALLS = 20_000
"""For tests the exchange books so many calls one by one: more than a suite makes, and no burden if it makes more."""

LATENCY_S = 0.015
"""How long the exchange takes over a call, so that calls overlap as they do over a network."""


@dataclass
class Blueprint:
    """A copy of a deployment on disk, and what its exchange and its bot are to be started with."""

    root: Path
    """The copy."""
    sandbox: SandboxSettings
    """What the exchange is started with; breaks may change it."""
    bot_environ: dict[str, str] = field(default_factory=dict)
    """What the bot gets beside a clean environment; breaks may change it."""
    bot_words: list[str] | None = None
    """The bot's command, if not the policy's; breaks may change it."""
    central: dict[str, Any] = field(default_factory=dict)
    """The central list of revoked licences."""
    issuer: SigningKey | None = None
    """Who signed licence and lists, made up for this rehearsal; None: the files are those of a real deployment."""
    left_out: list[str] = field(default_factory=list)
    """What of the files could not be copied, such as pipes and sockets."""


def rehearse(
    rootdir: Path,
    root: Path,
    policy: Policy,
    entrypoint: str,
    *,
    issuer: SigningKey | None = None,
    for_tests: bool = False,
) -> Blueprint:
    """Copy the project's `config/` and make up all that a deployment has and a repository has not.

    What the configuration does not say, or says wrongly, is left for the lines to find: this never fails for it.

    Args:
        rootdir: the project.
        root: an empty folder.
        policy: the project's policy.
        entrypoint: whose account comes first.
        issuer: signs licence and lists; by default one that is made up.
        for_tests: outside of a gate: there is an account even without a configuration, and no rate limit.

    Raises:
        OSError: a file cannot be copied or written.
    """
    left_out: list[str] = []
    if (rootdir / "config").is_dir():
        left_out = [f"config/{name}" for name in copy_tree(rootdir / "config", root / "config")]
        _keep_keys_in_a_folder(root)
    for name in FOLDERS:
        (root / name).mkdir()
    (root / ".env").write_text("KRAKEN_USE_SANDBOX=true\n", encoding="utf-8")
    (root / ".env").chmod(0o600)
    deployment = Deployment(root)
    issuer = issuer or SigningKey.new(REHEARSAL)
    central = _licence(deployment, issuer)
    return Blueprint(
        root=root,
        sandbox=exchange_for(_accounts(deployment, entrypoint, spare=for_tests), limits=not for_tests),
        bot_environ=_bot_environ(policy, {issuer.key_id: issuer.public_text}),
        central=central,
        issuer=issuer,
        left_out=left_out,
    )


def observe(deployment: Path, root: Path, policy: Policy, entrypoint: str) -> Blueprint:
    """Copy a real deployment, so that its bot can be run without writing to it.

    The exchange gets the deployment's own keys, and an account that is made up. What a link leads to outside of the
    deployment is copied too; pipes and sockets are left out.

    Args:
        deployment: the root that holds `config/`.
        root: an empty folder.
        policy: the project's policy, whose issuers and central list count.
        entrypoint: whose account comes first.

    Raises:
        OSError: a file cannot be copied; names it.
    """
    ignored = shutil.ignore_patterns("logs", "reports", "runtime", ".git", ".venv", "__pycache__")
    left_out = copy_tree(deployment, root, ignored)
    for name in FOLDERS:
        (root / name).mkdir(exist_ok=True)
    return Blueprint(
        root=root,
        sandbox=exchange_for(_stored(Deployment(root), entrypoint)),
        bot_environ=_bot_environ(policy, policy.licence.issuer_keys),
        left_out=left_out,
    )


def exchange_for(accounts: list[AccountSettings], *, limits: bool = True) -> SandboxSettings:
    """An exchange with these accounts and a port for each who calls it.

    Args:
        accounts: the first is the one that checks use.
        limits: whether it counts calls.
    """
    return SandboxSettings(
        accounts=accounts,
        doors=[CHECKS_DOOR, BOT_DOOR],
        latency_s=LATENCY_S,
        tier="pro",
        limits=limits,
        journal_calls=0 if limits else JOURNAL_CALLS,
    )


def _bot_environ(policy: Policy, issuer_keys: Mapping[str, str]) -> dict[str, str]:
    return {
        ISSUER_KEYS: json.dumps(dict(issuer_keys)),
        "KRAKEN_USE_SANDBOX": "true",
        "KRAKEN_GOLIVE_HOLD": "1",
        "KRAKEN_GOLIVE_RUN_S": f"{policy.paper.run_s:g}",
        "KRAKEN_GOLIVE_WARM_UP_S": f"{policy.paper.warm_up_s:g}",
        **RAISED_LIMITS,
    }


def _accounts(deployment: Deployment, entrypoint: str, *, spare: bool) -> list[AccountSettings]:
    """An account for each keychain key, and its credentials in the store."""
    accounts = []
    for name in _keychain_keys(deployment, entrypoint) or ([SPARE_ACCOUNT] if spare else []):
        account = AccountSettings(name=name)
        try:
            _folder_of(deployment).put(name, Credentials(account.api_key, account.api_secret))
        except Fault:
            continue  # a key whose name is no name: the lines that read it say so
        accounts.append(account)
    return accounts


def store_of(deployment: Deployment) -> SecretStore:
    """The deployment's secret store; at its usual place where the configuration cannot be read."""
    try:
        return deployment.secrets
    except (Fault, NotProven):
        return DirectorySecretStore(deployment.root / SECRETS, SECRETS)


def _folder_of(deployment: Deployment) -> DirectorySecretStore:
    try:
        return DirectorySecretStore(deployment.secrets_path, deployment.shown(deployment.secrets_path))
    except (Fault, NotProven):
        return DirectorySecretStore(deployment.root / SECRETS, SECRETS)


def _keep_keys_in_a_folder(root: Path) -> None:
    """Let a copy's runtime.yaml name the folder as its store: made-up keys never go to a keyring or a Vault."""
    deployment = Deployment(root)
    try:
        kind = deployment.runtime.text("secret_store", "kind")
    except (Fault, NotProven):
        return  # none, or one that the lines will complain of
    if kind.value not in {"environment", "keyring", "vault"} or kind.where.line is None:
        return
    lines = re.split(
        r"(?<=\n)|(?<=\r)(?!\n)", decode(read_bytes(deployment.runtime_path, RUNTIME), RUNTIME, utf16=True)
    )
    at = kind.where.line - 1
    lines[at] = re.sub(rf"""(\bkind["']?\s*:\s*["']?){kind.value}\b""", r"\g<1>directory", lines[at], count=1)
    deployment.runtime_path.write_bytes("".join(lines).encode())


def _stored(deployment: Deployment, entrypoint: str) -> list[AccountSettings]:
    """An account for each keychain key whose credentials the deployment has."""
    accounts = []
    for name in _keychain_keys(deployment, entrypoint):
        try:
            stored = deployment.secrets.credentials(name)
            accounts.append(AccountSettings(name=name, api_key=stored.api_key, api_secret=stored.api_secret))
        except (Fault, NotProven):
            continue  # the line about credentials says so
    return accounts


def _keychain_keys(deployment: Deployment, entrypoint: str) -> list[str]:
    """The names of all keys in core.yaml, the entrypoint's own first; those that cannot be read are left out."""
    try:
        core = deployment.core
        names = list(core.environment_names.value)
    except (Fault, NotProven):
        return []
    with contextlib.suppress(Fault, NotProven):  # the line about the entrypoint says so
        names.insert(0, deployment.runtime.entrypoint(entrypoint).environment.value)
    keys: dict[str, None] = {}
    for name in names:
        try:
            keys[core.environment(name).keychain_key.value] = None
        except (Fault, NotProven):
            continue
    return list(keys)


def _licence(deployment: Deployment, issuer: SigningKey) -> dict[str, Any]:
    """Sign a licence for this machine, its fingerprint and an empty list of revocations; returns the central list."""
    now = dt.datetime.now(dt.UTC)
    machine = collect()
    payload = licence_payload(
        machine.value,
        now - dt.timedelta(minutes=5),
        issuer=_issuer(deployment),
        valid_for=min(LONGEST_LICENCE, _longest(deployment)),
    )
    revocations = revocations_payload(1, now)
    try:
        places = deployment.license_path, deployment.fingerprint_path, deployment.revocations_path
    except (Fault, NotProven):
        return signed(revocations, issuer)
    inside = [place for place in places if place.is_relative_to(deployment.root)]
    payloads = payload, fingerprint_payload(machine, now), revocations
    for place, content in zip(places, payloads, strict=True):
        if place in inside:
            write_signed(place, content, issuer)
    return signed(revocations, issuer)


def _issuer(deployment: Deployment) -> str:
    try:
        allowed = deployment.runtime.licensing.allowed_issuers.value
    except (Fault, NotProven):
        allowed = []
    return str(allowed[0]) if allowed else "rehearsal"


def _longest(deployment: Deployment) -> dt.timedelta:
    try:
        return dt.timedelta(days=float(deployment.runtime.licensing.max_validity_days.value))
    except (Fault, NotProven, OverflowError):
        return LONGEST_LICENCE
