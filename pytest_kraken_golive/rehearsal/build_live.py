"""Make the copy that a production rehearsal works on: the paper copy, and all that real money needs beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from pydantic import SecretStr

from pytest_kraken_golive.bot.names import LARGEST_ORDER
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.issue import SigningKey
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.build import Blueprint, exchange_for, rehearse
from pytest_kraken_golive.rehearsal.copying import copy_tree
from pytest_kraken_golive.rehearsal.order import BOT_DOOR, EXCHANGE
from pytest_kraken_golive.sandbox.settings import AccountSettings

SPARE = "live"
"""The account where the configuration names no keychain key."""
LARGEST_ORDER_USD = "50"
LATENCY_S = 0.002
"""How long this exchange takes over a call: hundreds of orders are timed one after the other."""

STARTING_LIMITS = {
    "KRAKEN_RL_GLOBAL_CAP": "20",
    "KRAKEN_RL_GLOBAL_FR": "2.0",
    "KRAKEN_RL_MD_CAP": "15",
    "KRAKEN_RL_MD_FR": "2.0",
    "KRAKEN_RL_ORDER_CAP": "10",
    "KRAKEN_RL_ORDER_FR": "1.5",
    "KRAKEN_RL_ORDER_STATUS_CAP": "10",
    "KRAKEN_RL_ORDER_STATUS_FR": "1.5",
}


def rehearse_live(
    rootdir: Path, root: Path, policy: Policy, entrypoint: str, *, issuer: SigningKey | None = None
) -> Blueprint:
    """Copy the project's `config/` and make up a deployment that is ready for production, but for its exchange.

    Its `.env` holds the credentials of the live account, production mode, the starting limits and the feature flags; a
    git repository keeps `.env` out. The exchange is one that plays production.

    Args:
        rootdir: the project.
        root: an empty folder.
        policy: the project's policy.
        entrypoint: which one goes live.
        issuer: signs licence and lists; by default one that is made up.

    Raises:
        OSError: a file cannot be copied or written.
    """
    blueprint = rehearse(rootdir, root, policy, entrypoint, issuer=issuer)
    live = _account_of(blueprint, entrypoint)
    others = [account for account in blueprint.sandbox.accounts if account.name != live.name]
    blueprint.sandbox = exchange_for([live, *others])
    blueprint.sandbox.latency_s = LATENCY_S
    _write_env(root / ".env", live)
    _switch_on(Deployment(root))
    _keep_in_git(root)
    return blueprint


def copy_for_drill(blueprint: Blueprint, root: Path) -> bool:
    """Copy the deployment once more, with an account and a key pair of its own, for a drill that restarts it.

    A key's rate limits are shared by all that use it, so what runs there holds nobody up. Where the service has a fixed
    port, two of them cannot run side by side, and there is no such copy.

    Args:
        blueprint: of the copy that goes live, as breaks have left it; its exchange gets another account and a door.
        root: where the other copy is to be; its name is that of account and door.

    Returns:
        Whether it was made.
    """
    try:
        if Deployment(blueprint.root).runtime.prometheus.port.value != 0:
            return False
    except (Fault, NotProven):
        return False  # nothing will start; the lines say so
    exchange = blueprint.sandbox
    live = exchange.accounts[0]
    own = AccountSettings(name=root.name)
    copy_tree(blueprint.root, root)
    with_pair(root, live, own)
    exchange.accounts.append(live.model_copy(update={"name": own.name, **_pair_of(own)}))
    exchange.doors.append(root.name)
    exchange.faults += [one.model_copy(update={"door": root.name}) for one in exchange.faults if one.door == BOT_DOOR]
    return True


def with_pair(root: Path, former: AccountSettings, new: AccountSettings) -> None:
    """Let a copy trade with another account's key pair, wherever it is kept: in `.env` and in the folder of secrets."""
    pairs = [
        (was.get_secret_value().encode(), will_be.get_secret_value().encode())
        for was, will_be in ((former.api_key, new.api_key), (former.api_secret, new.api_secret))
    ]
    for file in [root / ".env", *(path for path in Deployment(root).secrets_path.rglob("*") if path.is_file())]:
        if file.is_file():  # a break may have taken it away
            data = file.read_bytes()
            for was, will_be in pairs:
                data = data.replace(was, will_be)
            file.write_bytes(data)


def _pair_of(account: AccountSettings) -> dict[str, SecretStr]:
    return {"api_key": account.api_key, "api_secret": account.api_secret}


def know_live_account(blueprint: Blueprint, deployment: Path) -> None:
    """Let the exchange know the key pair that a real deployment would go live with, wherever that is kept.

    Args:
        blueprint: of the copy; where the deployment has no usable pair it stays as it is, and the lines say so.
        deployment: the real one, whose bot may see this process's variables.
    """
    try:
        pair = LiveSettings.of(Deployment(deployment, process=os.environ)).key_pair.credentials
    except (Fault, NotProven):
        return
    live = AccountSettings(name=SPARE, api_key=pair.api_key, api_secret=pair.api_secret)
    others = [account for account in blueprint.sandbox.accounts if account.api_key != live.api_key]
    blueprint.sandbox = exchange_for([live, *others])


def _account_of(blueprint: Blueprint, entrypoint: str) -> AccountSettings:
    """The account behind the entrypoint's keychain key; one of its own where the configuration names none."""
    deployment = Deployment(blueprint.root)
    try:
        environment = deployment.runtime.entrypoint(entrypoint).environment.value
        wanted = deployment.core.environment(environment).keychain_key.value
    except (Fault, NotProven):
        return AccountSettings(name=SPARE)  # the lines that read them say so
    known = {account.name: account for account in blueprint.sandbox.accounts}
    return AccountSettings(name=SPARE) if wanted not in known else known[wanted]


def _switch_on(deployment: Deployment) -> None:
    """Switch real orders on, as a person does after the sign-off that this rehearsal is for."""
    try:
        enabled = deployment.runtime.live_enabled
    except (Fault, NotProven):
        return  # the service says so
    if enabled.value is False and enabled.where.line is not None:
        lines = deployment.runtime_path.read_text(encoding="utf-8").splitlines(keepends=True)
        lines[enabled.where.line - 1] = lines[enabled.where.line - 1].replace("false", "true", 1)
        deployment.runtime_path.write_text("".join(lines), encoding="utf-8")


def _write_env(path: Path, account: AccountSettings) -> None:
    values = {
        "KRAKEN_API_KEY": account.api_key.get_secret_value(),
        "KRAKEN_API_SECRET": account.api_secret.get_secret_value(),
        "KRAKEN_USE_SANDBOX": "false",
        "KRAKEN_BASE_URL": EXCHANGE,
        **STARTING_LIMITS,
        LARGEST_ORDER: LARGEST_ORDER_USD,
        "SMC_BENCH_MAX_WAIT": "5",
        "FEATURE_TOGGLES_ENABLED": "true",
    }
    for component in ("EXECUTION", "POLLER", "FEES"):
        values |= {
            # The new path for every order, so that each run shows it; the drill shows the old one.
            f"FF_{component}_MODE": "new",
            f"FF_{component}_ROLLOUT_PCT": "50",
            f"FF_{component}_MAX_CONSEC_FAIL": "3",
            f"FF_{component}_ROLLBACK_TIMEOUT_S": "300",
        }
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    path.chmod(0o600)


def _keep_in_git(root: Path) -> None:
    """A repository whose first commit holds the configuration, and keeps out what must stay out."""
    (root / ".gitignore").write_text(".env\nsecrets/\nvar/\nlogs/\nruntime/\nreports/\n", encoding="utf-8")
    git = shutil.which("git")
    if git is None:
        return  # the line about .env says so
    identity = ["-c", "user.name=rehearsal", "-c", "user.email=rehearsal@localhost"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for words in (["init", "--quiet", "--template="], ["add", "--all"], ["commit", "--quiet", "-m", "Rehearsal"]):
        subprocess.run(  # noqa: S603 - our own words, without a shell
            [git, *identity, *words],
            cwd=root,
            env={**environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},  # no hooks, no signing
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
        )
