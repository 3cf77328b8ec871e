"""The key that the bot uses: really there, really accepted, and allowed to do no more than it must."""

from __future__ import annotations

import contextlib
from typing import Any

from pytest_kraken_golive.checks.client_shape import granted_by
from pytest_kraken_golive.checks.each_entrypoint import keys_of, paper_names
from pytest_kraken_golive.checks.recording_breaks import (
    RECORDING_BREAKS,
    recorded_key_may_not_close,
    recorded_key_may_withdraw,
)
from pytest_kraken_golive.checks.rights import PERMISSIONS, Words, require_rights
from pytest_kraken_golive.contract import Copy, Evidence, Fault, NotProven, check, sabotage
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.real_money import keys_by_kind
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.kraken.protocol import ExchangeClient
from pytest_kraken_golive.recording.witness import Witness
from pytest_kraken_golive.rehearsal.handle import PaperBot, SandboxHandle

KEY_FOLDER = "secrets/kraken_paper_trading"


@sabotage("api_secret")
def no_secret_file(copy: Copy) -> None:
    """Half of the key pair is missing."""
    copy.remove(f"{KEY_FOLDER}/api_secret")


@sabotage("api_key")
def empty_key_file(copy: Copy) -> None:
    """A file without content."""
    copy.write(f"{KEY_FOLDER}/api_key", "\n")


@sabotage("Base64")
def secret_is_no_base64(copy: Copy) -> None:
    """A secret that was cut while pasting."""
    copy.write(f"{KEY_FOLDER}/api_secret", "not-base64!")


@sabotage("chmod 600")
def readable_by_all(copy: Any) -> None:
    """Everyone on the machine can read the secret."""
    (copy.root / KEY_FOLDER / "api_secret").chmod(0o644)


@sabotage("signed with the key")
def another_key_in_store(copy: Copy) -> None:
    """The store holds a key that the bot does not use."""
    copy.write(f"{KEY_FOLDER}/api_key", "A" * 56)


@sabotage("signed with the key", before_run=True)
def bot_signs_nothing(copy: Any) -> None:
    """A bot that never calls the exchange."""
    copy.run_liar("idle")


@sabotage("the same key pair")
def one_pair_under_two_names(copy: Any) -> None:
    """The key for real money was put under the paper key's name, or the other way round."""
    for name in ("api_key", "api_secret"):
        file = copy.root / "secrets" / "kraken_live_trading" / name
        file.write_bytes((copy.root / KEY_FOLDER / name).read_bytes())


@check(
    "credentials_available",
    breaks=[
        no_secret_file,
        empty_key_file,
        secret_is_no_base64,
        readable_by_all,
        another_key_in_store,
        one_pair_under_two_names,
        bot_signs_nothing,
    ],
    touches="reads",
)
def credentials_available(
    deployment: Deployment,
    core_config: CoreConfig,
    paper_bot: PaperBot,
    kraken_sandbox: SandboxHandle,
    evidence: Evidence,
    *,
    environment: str,
) -> None:
    """The secret store has the key pair, and it is the one with which the bot signs, as the exchange's books say."""
    name = core_config.environment(environment).keychain_key
    evidence.saw(name)
    stored = deployment.secrets.credentials(name.value)
    place = deployment.secrets.place(name.value)
    _require_own_pairs(deployment, core_config, evidence)
    evidence.record(place, {"api_key": f"fingerprint {stored.fingerprint}", "api_secret": "present, Base64"})
    paper_bot.run()
    books = kraken_sandbox.books("bot")["keys"]
    signed = {key: book["signed_calls"] for key, book in books.items()}
    evidence.record("exchange", signed, key="books.bot.keys")
    runtime = deployment.runtime
    paper = {found.value for found in keys_of(paper_names(runtime, core_config), runtime, core_config).values()}
    others = sorted(key for key, book in books.items() if key != stored.fingerprint and book["name"] not in paper)
    assert signed.get(stored.fingerprint), (
        f"{place}: the exchange booked no call of the bot that was signed with the key there (fingerprint "
        f"{stored.fingerprint}); it saw {', '.join(others) or 'no signed call'}. "
        "Next: put the key pair there that the bot is to use, and let the bot read it from there."
    )
    assert not others, (
        f"{place}: the bot also signed with keys of no paper entrypoint: {', '.join(others)}. "
        "Next: let it use the key pairs of its paper environments alone."
    )


def _require_own_pairs(deployment: Deployment, core: CoreConfig, evidence: Evidence) -> None:
    """No key pair of a paper account is also that of another kind of account, under whatever names.

    A store that holds one pair for all names (the variables of the process) has nothing to compare.
    """
    kinds = {found.value: kind for found, kind in keys_by_kind(deployment.runtime, core)}
    pairs: dict[str, Credentials] = {}
    for name in kinds:
        with contextlib.suppress(NotProven, Fault):  # what is not there, or of no use, is nobody's key
            pairs[name] = deployment.secrets.credentials(name)
    places = {name: deployment.secrets.place(name) for name in pairs}
    for name, pair in pairs.items():
        for other, its in pairs.items():
            if kinds[name] != kinds[other] and places[name] != places[other] and _overlap(pair, its):
                raise Fault(
                    f"{places[name]}: expected a key pair of its own for {kinds[name]}, found the same key pair as in "
                    f"{places[other]} ({kinds[other]}). Next: make a key pair at the exchange for each, and store it."
                )
    evidence.record("secret store", {name: kinds[name] for name in pairs}, key="key pairs by kind, no two alike")


def _overlap(one: Credentials, other: Credentials) -> bool:
    return one.api_key == other.api_key or one.api_secret == other.api_secret


def _permissions(*names: str) -> Any:
    def act(copy: Any) -> None:
        copy.account("kraken_paper_trading").permissions = list(names)

    return act


ALL_NEEDED = (*PERMISSIONS["read"], *PERMISSIONS["trade"])


@sabotage("withdraw-funds", before_run=True)
def may_withdraw(copy: Any) -> None:
    """The key can take the money away."""
    _permissions(*ALL_NEEDED, "withdraw-funds")(copy)


@sabotage("update-withdraw-address", before_run=True)
def may_change_addresses(copy: Any) -> None:
    """The key can change where money goes."""
    _permissions(*ALL_NEEDED, "update-withdraw-address")(copy)


@sabotage("close-trades", before_run=True)
def may_not_close(copy: Any) -> None:
    """The key can open what it cannot close."""
    _permissions(*(name for name in ALL_NEEDED if name != "close-trades"))(copy)


@sabotage("query-funds", before_run=True)
def may_not_look(copy: Any) -> None:
    """The key can trade and cannot see its balance."""
    _permissions(*(name for name in ALL_NEEDED if name != "query-funds"))(copy)


@sabotage("forbidden_permissions")
def withdrawal_not_forbidden(copy: Copy) -> None:
    """The configuration does not mind a key that can withdraw."""
    copy.edit("config/core.yaml", "environments.kraken_paper.forbidden_permissions", [])


@sabotage("expected no right that is forbidden", before_run=True)
def withdrawal_required(copy: Copy) -> None:
    """The configuration demands a key that can withdraw."""
    copy.edit("config/core.yaml", "environments.kraken_paper.required_permissions", ["read", "trade", "withdraw"])


@sabotage("Invalid key")
def key_unknown_to_exchange(copy: Copy) -> None:
    """The exchange does not know the key."""
    copy.write(f"{KEY_FOLDER}/api_key", "B" * 56)


@check(
    "key_permissions",
    breaks=[
        may_withdraw,
        may_change_addresses,
        may_not_close,
        may_not_look,
        key_unknown_to_exchange,
        withdrawal_not_forbidden,
        withdrawal_required,
        recorded_key_may_withdraw,
        recorded_key_may_not_close,
        *RECORDING_BREAKS,
    ],
    touches="reads",
    judges="account",
    waivable=False,
)
def key_permissions(
    kraken_client: ExchangeClient,
    core_config: CoreConfig,
    kraken_witness: Witness,
    evidence: Evidence,
    *,
    environment: str,
    required: Words,
    forbidden: Words,
) -> None:
    """The exchange itself says that the key may do what is required and nothing that is forbidden."""
    account = core_config.environment(environment)
    for found, asked in ((account.required_permissions, required), (account.forbidden_permissions, forbidden)):
        evidence.saw(found)
        lacking = [word for word in asked if word not in found.value]
        assert not lacking, found.unlike(
            asked, f"add {lacking[0]!r}, so that the bot asks for what the runbook asks for"
        )
    asked_for = account.required_permissions
    unwanted = [word for word in asked_for.value if word in {*forbidden, *account.forbidden_permissions.value}]
    assert not unwanted, (
        f"{asked_for.where}: expected no right that is forbidden, found {', '.join(map(repr, unwanted))}. "
        "Next: remove it there, and grant no key this right."
    )
    before = kraken_witness.count("GetApiKeyInfo")
    granted = granted_by(kraken_client)
    if kraken_witness.count("GetApiKeyInfo") <= before:
        raise NotProven(
            "exchange: its books show no GetApiKeyInfo from kraken_client, so the answer is not the exchange's. "
            "Next: let the client ask the exchange that kraken_sandbox.url names."
        )
    evidence.record(kraken_witness.source(kraken_client.base_url), granted, key="GetApiKeyInfo.permissions")
    require_rights(granted, required, forbidden, "exchange GetApiKeyInfo.permissions")
