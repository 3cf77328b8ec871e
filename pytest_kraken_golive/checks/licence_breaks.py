"""Ways in which a licence looks good and is not. What is well signed is signed by the rehearsal's own issuer."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

from pytest_kraken_golive.contract import Break, Copy, sabotage

LICENCE = "var/licenses/active/license.json"
FINGERPRINT = "var/licenses/active/fingerprint.json"
REVOCATIONS = "var/licenses/active/revocations.json"
RUNTIME = "config/runtime.yaml"
CORE = "config/core.yaml"

Payload = dict[str, Any]


def _signed(file: str, act: Callable[[Payload], None]) -> Callable[[Any], None]:
    """Alter a payload and sign it again, as an issuer would."""
    return lambda copy: copy.sign_again(file, act)


def _at(days: float) -> str:
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return moment.isoformat(timespec="seconds")


def _broken(name: str, file: str, expect: str, act: Callable[[Payload], None]) -> Break:
    return Break(name, _signed(file, act), expect)


def _set(**values: object) -> Callable[[Payload], None]:
    return lambda payload: payload.update({key: value() if callable(value) else value for key, value in values.items()})


def _drop(key: str) -> Callable[[Payload], None]:
    return lambda payload: payload.pop(key, None)


@sabotage("signature")
def altered_after_signing(copy: Copy) -> None:
    """One word more in the list of profiles."""
    copy.edit(LICENCE, "payload.profiles", ["desktop", "kraken", "everything"])


@sabotage("algorithm")
def another_algorithm(copy: Copy) -> None:
    """The label promises another algorithm."""
    copy.edit(LICENCE, "signature.algorithm", "HMAC-SHA384")


@sabotage("key_id")
def unknown_signer(copy: Copy) -> None:
    """Signed by somebody whose key nobody trusts."""
    copy.edit(LICENCE, "signature.key_id", "somebody")


@sabotage("signature")
def signature_gone(copy: Copy) -> None:
    """A licence that nobody signed."""
    copy.drop(LICENCE, "signature")


@sabotage(LICENCE)
def licence_gone(copy: Copy) -> None:
    """There is no licence."""
    copy.remove(LICENCE)


@sabotage(LICENCE)
def licence_is_a_list(copy: Copy) -> None:
    """A bare list instead of a signed document."""
    copy.write(LICENCE, '["desktop", "kraken"]')


@sabotage("allowed_issuers")
def issuer_not_allowed(copy: Copy) -> None:
    """The deployment allows other issuers."""
    copy.edit(RUNTIME, "licensing.license.allowed_issuers", ["somebody-else"])


@sabotage("max_validity_days")
def validity_limit_lower(copy: Copy) -> None:
    """The licence is longer than the deployment allows."""
    copy.edit(RUNTIME, "licensing.license.max_validity_days", 7)


LICENCE_BREAKS: list[Break] = [
    altered_after_signing,
    another_algorithm,
    unknown_signer,
    signature_gone,
    licence_gone,
    licence_is_a_list,
    issuer_not_allowed,
    validity_limit_lower,
    _broken("expired", LICENCE, "expired", _set(issued_at=lambda: _at(-30), expires_at=lambda: _at(-1))),
    _broken("issued_in_future", LICENCE, "in the future", _set(issued_at=lambda: _at(2))),
    _broken("over_long", LICENCE, "max_validity_days", _set(expires_at=lambda: _at(5000))),
    _broken("no_licence_id", LICENCE, "license_id", _drop("license_id")),
    _broken("desktop_only", LICENCE, "without kraken", _set(profiles=["desktop"])),
    _broken("no_profiles", LICENCE, "profiles", _drop("profiles")),
    _broken("another_schema", LICENCE, "core.oem.license", _set(schema="core.trial.license")),
    _broken("another_version", LICENCE, "schema_version", _set(schema_version="9.9")),
    _broken("another_issuer", LICENCE, "issuer", _set(issuer="somebody")),
    _broken("time_without_zone", LICENCE, "zone", _set(expires_at="2027-01-01T00:00:00")),
]


@sabotage("expected true, found false")
def not_enforced(copy: Copy) -> None:
    """The bot runs without a licence."""
    copy.edit(RUNTIME, "licensing.enforcement", False)


@sabotage("licensing.enforcement")
def enforcement_absent(copy: Copy) -> None:
    """Nobody says whether it is enforced."""
    copy.drop(RUNTIME, "licensing.enforcement")


@sabotage("true or false")
def enforcement_in_quotes(copy: Copy) -> None:
    """A text that many programs take for true, whatever it says."""
    copy.edit(RUNTIME, "licensing.enforcement", "false")


@sabotage("copies of one value to agree")
def core_contradicts(copy: Copy) -> None:
    """core.yaml's licence block says the opposite: seen in the field."""
    copy.edit(CORE, "license.enforcement", False)


@sabotage("grace_period_hours: expected less than max_validity_days")
def grace_without_end(copy: Copy) -> None:
    """An expired licence does for a century."""
    copy.edit(RUNTIME, "licensing.grace_period_hours", 1_000_000)


@sabotage("grace_period_hours")
def grace_is_text(copy: Copy) -> None:
    """A unit that no program reads."""
    copy.edit(RUNTIME, "licensing.grace_period_hours", "24h")


@sabotage("expected that it refuses to start", before_run=True)
def bot_asks_for_no_licence(copy: Any) -> None:
    """The file demands a licence, and the bot never looks for one."""
    copy.run_liar("unlicensed")


@sabotage("signed calls", before_run=True)
def bot_without_licence_uses_its_key(copy: Any) -> None:
    """It refuses to start, and has asked for its balance before."""
    copy.run_liar("nosy")


@sabotage("198.51.100.7:443", before_run=True)
def bot_without_licence_calls_home(copy: Any) -> None:
    """It refuses to start, and has told another host of it."""
    copy.run_liar("telltale")


@sabotage("nothing of a licence", before_run=True)
def bot_ends_for_another_reason(copy: Any) -> None:
    """It never looks for a licence, says that it is under one, prints where it runs, and cannot start twice."""
    copy.run_liar("clumsy")


ENFORCEMENT_BREAKS: list[Break] = [
    not_enforced,
    enforcement_absent,
    enforcement_in_quotes,
    core_contradicts,
    grace_without_end,
    grace_is_text,
    bot_asks_for_no_licence,
    bot_without_licence_uses_its_key,
    bot_without_licence_calls_home,
    bot_ends_for_another_reason,
]


@sabotage("signature")
def fingerprint_altered(copy: Copy) -> None:
    """Another machine's value, pasted in."""
    copy.edit(FINGERPRINT, "payload.fingerprint.value", "0" * 64)


@sabotage(FINGERPRINT)
def fingerprint_gone(copy: Copy) -> None:
    """There is none."""
    copy.remove(FINGERPRINT)


def _other_machine(payload: Payload) -> None:
    payload["components"]["hostname"] = "another-machine"


FINGERPRINT_BREAKS: list[Break] = [
    fingerprint_altered,
    fingerprint_gone,
    _broken("too_old", FINGERPRINT, "expected an age", _set(collected_at=lambda: _at(-30))),
    _broken("collected_in_future", FINGERPRINT, "in the future", _set(collected_at=lambda: _at(1))),
    _broken("another_format", FINGERPRINT, "version: expected 1, found 2", _set(version=2)),
    _broken("other_components", FINGERPRINT, "fingerprint", _other_machine),
    _broken(
        "bound_to_another_machine",
        LICENCE,
        "different ones",
        _set(fingerprint={"algorithm": "sha256", "value": "1" * 64}),
    ),
]


@sabotage(REVOCATIONS)
def revocations_gone(copy: Copy) -> None:
    """There is no local list."""
    copy.remove(REVOCATIONS)


@sabotage("signature")
def revocations_altered(copy: Copy) -> None:
    """The list was emptied by hand."""
    copy.edit(REVOCATIONS, "payload.sequence", 99)


@sabotage("revocation_required")
def revocation_not_required(copy: Copy) -> None:
    """The deployment does not ask for a list."""
    copy.edit(RUNTIME, "licensing.license.revocation_required", False)


def _revoke(payload: Payload) -> None:
    payload["revoked"] = [{"license_id": "rehearsal-0001", "reason": "stolen", "revoked_at": _at(-1)}]


@sabotage("revoked since")
def revoked_everywhere(copy: Any) -> None:
    """The licence is on both lists."""
    copy.sign_again(REVOCATIONS, _revoke)
    copy.serve_central(_revoke)


@sabotage("expected the sequence of the central list")
def central_is_newer(copy: Any) -> None:
    """The central list has moved on, with this licence on it."""

    def newer(payload: Payload) -> None:
        payload["sequence"] += 1
        _revoke(payload)

    copy.serve_central(newer)


@sabotage("revocations.central")
def no_central(copy: Any) -> None:
    """Nobody says where the central list is."""
    copy.forget_central()


def _central(**values: object) -> Callable[[Any], None]:
    return lambda copy: copy.serve_central(_set(**values))


def _own_copy(link: Callable[[Any, Any], object]) -> Callable[[Any], None]:
    """Let the policy name what is made of the deployment's own list as the central one."""

    def act(copy: Any) -> None:
        place = copy.root.parent / "central.json"
        link(copy.root / REVOCATIONS, place)
        copy.overrides["central"] = str(place)

    return act


@sabotage("lies in the deployment")
def central_in_deployment(copy: Any) -> None:
    """A copy of the local list, beside it."""
    copy.write("var/central.json", copy.read(REVOCATIONS))
    copy.overrides["central"] = str(copy.root / "var/central.json")


REVOCATION_BREAKS: list[Break] = [
    revocations_gone,
    revocations_altered,
    revocation_not_required,
    revoked_everywhere,
    central_is_newer,
    no_central,
    central_in_deployment,
    Break("central_is_a_hard_link", _own_copy(os.link), "outside of the deployment"),
    Break("central_is_stale", _central(generated_at=lambda: _at(-30)), "expected an age"),
    Break("central_of_tomorrow", _central(generated_at=lambda: _at(1)), "in the future"),
    _broken("list_too_old", REVOCATIONS, "expected an age", _set(generated_at=lambda: _at(-30))),
    _broken("bare_ids", REVOCATIONS, "license_id", _set(revoked=["rehearsal-0001"])),
    _broken("no_list", REVOCATIONS, "revoked", _drop("revoked")),
]
