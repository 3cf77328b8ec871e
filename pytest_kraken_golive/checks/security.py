"""Secrets stay secret, and requests are signed with them as Kraken demands it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks.real_breaks import SIGNED
from pytest_kraken_golive.checks.security_breaks import LEAKS, SIGNATURES
from pytest_kraken_golive.contract import EVERYTHING, Evidence, Fault, NotProven, Where, check
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError
from pytest_kraken_golive.kraken.signing import decode_secret, sign
from pytest_kraken_golive.redact import Redactor
from pytest_kraken_golive.rehearsal.handle import SandboxHandle
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange
from pytest_kraken_golive.sweep import Sweep

WRITTEN = ("config", "logs", "reports", "runtime", "var")
"""Folders of a deployment that no secret belongs in."""

# Kraken: REST authentication, the example of its guide.
PUBLISHED_SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="  # noqa: S105 - published
PUBLISHED_PATH = "/0/private/AddOrder"
PUBLISHED_NONCE = "1616492376594"
PUBLISHED_BODY = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
PUBLISHED_SIGNATURE = "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="

WRONG_SIGNATURE = "EAPI:Invalid signature"


@check("request_signature", breaks=[*SIGNATURES, *SIGNED], touches="reads")
def request_signature(
    kraken_exchange: Exchange,
    live_settings: LiveSettings,
    evidence: Evidence,
    *,
    algorithm: Literal["HMAC-SHA512"],
) -> None:
    """A call signed with the decoded secret is accepted by an exchange that refuses every other signature."""
    pair = live_settings.key_pair
    _signs_as_published(algorithm, evidence)
    if isinstance(kraken_exchange, RealExchange):
        _judged_by_real(kraken_exchange, pair.secret, evidence)
        return
    before = _signatures(kraken_exchange)
    key, secret = pair.credentials.api_key, pair.credentials.api_secret
    try:
        _call_signed(kraken_exchange, key, secret)
    except KrakenError as error:
        raise AssertionError(
            f"{pair.secret}: a call signed with this secret was refused: {str(error).partition(' Next: ')[0]} "
            "Next: copy key and secret from the exchange once more, both of the same key."
        ) from None
    _refuses_another_secret(kraken_exchange, key, secret)
    for name, count in _signatures(kraken_exchange).items():
        evidence.record("exchange", count - before[name], key=f"books.checks.{name}")
        if count <= before[name]:
            raise NotProven(
                f"exchange: its books show no {name} signature of this line's calls. "
                "Next: look at the exchange's books for who called it meanwhile."
            )


def _judged_by_real(exchange: RealExchange, place: Where, evidence: Evidence) -> None:
    with exchange.client() as client:
        try:
            client.api_key_info()
        except KrakenError as error:
            raise AssertionError(
                f"{place}: a call signed with this secret was refused: {str(error).partition(' Next: ')[0]} "
                "Next: copy key and secret from the exchange once more, both of the same key."
            ) from None
    evidence.record(exchange.url, exchange.accepted["GetApiKeyInfo"], key="GetApiKeyInfo, accepted")
    refusal = exchange.refusal_of_another_secret()
    evidence.record(exchange.url, refusal, key="GetApiKeyInfo with another secret")
    if WRONG_SIGNATURE not in refusal:
        raise NotProven(
            f"exchange {exchange.url}: expected {WRONG_SIGNATURE} for a call with another secret, found "
            f"{', '.join(refusal)}. Next: see why, and run again."
        )


def _signatures(exchange: SandboxHandle) -> dict[str, int]:
    """How many signatures the exchange has accepted and refused so far."""
    books = exchange.books()
    return {"accepted": int(books["requests"]["signed_ok"]), "refused": int(books["signed_wrong"])}


def _signs_as_published(algorithm: str, evidence: Evidence) -> None:
    """The reference client's signer against the published example, and against the formula written out here."""
    secret = base64.b64decode(PUBLISHED_SECRET)
    message = PUBLISHED_PATH.encode() + hashlib.sha256(PUBLISHED_NONCE.encode() + PUBLISHED_BODY).digest()
    written_out = base64.b64encode(hmac.new(secret, message, hashlib.sha512).digest()).decode()
    signed = sign(PUBLISHED_PATH, PUBLISHED_NONCE, PUBLISHED_BODY, decode_secret(PUBLISHED_SECRET))
    evidence.record("Kraken's published example", signed, key="API-Sign", note=algorithm)
    for found in (signed, written_out):
        assert found == PUBLISHED_SIGNATURE, (
            f"API-Sign of Kraken's published example: expected {PUBLISHED_SIGNATURE}, found {found}. "
            "Next: sign with HMAC-SHA512 and the Base64-decoded secret."
        )


def _call_signed(exchange: SandboxHandle, key: SecretStr, secret: SecretStr) -> None:
    """One call to the exchange itself: a recording cannot verify anything."""
    environ = {"KRAKEN_USE_SANDBOX": "true", "KRAKEN_BASE_URL": exchange.url}
    with KrakenClient(key, secret, environ=environ) as client:
        client.api_key_info()


def _refuses_another_secret(exchange: SandboxHandle, key: SecretStr, secret: SecretStr) -> None:
    """An exchange that accepts whatever is signed proves nothing."""
    other = bytes(byte ^ 0xFF for byte in decode_secret(secret))
    try:
        _call_signed(exchange, key, SecretStr(base64.b64encode(other).decode()))
    except ExchangeError as error:
        if WRONG_SIGNATURE in error.errors:
            return
        raise
    raise NotProven(
        "exchange: it accepted a call that was signed with another secret, so its word about signatures is worth "
        "nothing. Next: let an exchange judge that verifies them."
    )


@check("no_secret_leaks", breaks=LEAKS, waivable=False, after=[EVERYTHING])
def no_secret_leaks(
    deployment: Deployment,
    live_settings: LiveSettings,
    golive_written: list[Path],
    golive_made_up: list[Credentials],
    evidence: Evidence,
) -> None:
    """No log, report, configuration or output holds the key or the secret, in any form; judged when all else is."""
    secrets = _known(deployment, live_settings)
    secrets += [value for pair in golive_made_up for value in (pair.api_key, pair.api_secret)]
    sweep = Sweep(Redactor([value.get_secret_value() for value in secrets]))
    places = [*(deployment.root / name for name in WRITTEN), *golive_written]
    try:
        leaks = sweep.below(places)
    except OSError as error:
        raise NotProven(
            f"{deployment.shown(Path(str(error.filename)))}: expected a file that can be read, found one that "
            f"cannot be read: {error.strerror}. Next: let the user who runs this read it."
        ) from error
    shown = [deployment.shown(place) for place in places]
    evidence.record(
        "files", {"files": sweep.files, "bytes": sweep.size, "secrets": len(secrets)}, note=", ".join(shown)
    )
    if not sweep.files:
        raise NotProven(
            f"{deployment.root}: there is no file in {', '.join(WRITTEN)}: nothing was looked through, so nothing is "
            "proven. Next: run the bot first."
        )
    places_of = [
        f"{deployment.shown(leak.path)}:{leak.line}" + (f" ({leak.packed})" if leak.packed else "") for leak in leaks
    ]
    assert not leaks, (
        f"{places_of[0]}: holds a credential in some form; files that do: {len(leaks)}. "
        f"Next: revoke the key, remove it from {', '.join(places_of[:5])}, and mask what is written there."
    )


def _known(deployment: Deployment, settings: LiveSettings) -> list[SecretStr]:
    """Every credential that the deployment has: what goes live, and what its secret store holds by name.

    Raises:
        NotProven: there is none, so nobody knows what to look for.
        Fault: it cannot be used.
    """
    live = settings.key_pair.credentials
    found: list[SecretStr] = [live.api_key, live.api_secret]
    for name in _keychain_keys(deployment):
        try:
            stored = deployment.secrets.credentials(name)
        except (NotProven, Fault):
            continue  # the lines about this key say so; a store without it leaks nothing of it
        found += [stored.api_key, stored.api_secret]
    return found


def _keychain_keys(deployment: Deployment) -> list[str]:
    names: dict[str, Any] = {}
    for environment in deployment.core.environment_names.value:
        names[deployment.core.environment(environment).keychain_key.value] = None
    return list(names)
