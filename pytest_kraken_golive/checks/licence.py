"""The licence: authentic, in force, for this machine, and not revoked."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import Field

from pytest_kraken_golive.checks.licence_breaks import (
    ENFORCEMENT_BREAKS,
    FINGERPRINT_BREAKS,
    LICENCE_BREAKS,
    REVOCATION_BREAKS,
)
from pytest_kraken_golive.checks.unlicensed import require_refusal
from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.contract import Evidence, Found, NotProven, Where, Words, check
from pytest_kraken_golive.deployment.agreement import agree_on_licence
from pytest_kraken_golive.deployment.central import fetch_central
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.fingerprint import VERSION, FingerprintRecord, collect, derived
from pytest_kraken_golive.deployment.instants import fresh
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.licence import (
    Licence,
    covers,
    in_force,
    of_schema,
    one_of,
    same_fingerprint,
    validity_at_most,
)
from pytest_kraken_golive.deployment.revocations import Revocations, in_step, not_revoked
from pytest_kraken_golive.deployment.runtime import Licensing, RuntimeConfig
from pytest_kraken_golive.deployment.signed import public_key
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.handle import PaperBot

Names = Annotated[list[str], Field(min_length=1)]


def issuer_keys(policy: Policy) -> dict[str, Any]:
    """The public keys of issuers whose licences count.

    Raises:
        NotProven: the policy names none.
    """
    if not policy.licence.issuer_keys:
        raise NotProven(
            "config/golive.yaml licence.issuer_keys: no issuer's key, so no signature can be checked. "
            "Next: put the issuer's Ed25519 public key there (Base64 of 32 bytes)."
        )
    return {key_id: public_key(text) for key_id, text in policy.licence.issuer_keys.items()}


def _plain(found: Found) -> Found:
    """Moments as text, for the evidence."""
    return Found(found.value.isoformat(), found.where) if isinstance(found.value, dt.datetime) else found


@check("licence_profiles", breaks=LICENCE_BREAKS)
def licence_profiles(
    deployment: Deployment, runtime_config: RuntimeConfig, policy: Policy, evidence: Evidence, *, profiles: Names
) -> None:
    """The licence is authentic, in force, from an allowed issuer, and for these profiles."""
    asked = runtime_config.licensing
    path = deployment.license_path
    licence = Licence.load(path, deployment.shown(path))
    for found in (
        licence.authentic(issuer_keys(policy)),
        licence.license_id,
        of_schema(licence, asked.required_schema, asked.allowed_schema_versions),
        one_of(licence.issuer, asked.allowed_issuers),
        licence.issued_at,
        in_force(licence, SystemClock()),
        validity_at_most(licence, asked.max_validity_days),
        covers(licence.profiles, profiles),
        covers(asked.allowed_profiles, profiles),
    ):
        evidence.saw(_plain(found))


@check("licence_enforcement", breaks=ENFORCEMENT_BREAKS, after=["paper_run"])  # one bot at a time: they share ports
def licence_enforcement(
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    paper_bot: PaperBot,
    evidence: Evidence,
) -> None:
    """A licence is demanded, core.yaml says the same as runtime.yaml, and the bot refuses to start without one."""
    found = runtime_config.licensing.enforcement
    evidence.saw(found)
    assert found.value is True, found.unlike(True)
    for agreed in agree_on_licence(runtime_config, core_config):
        evidence.saw(agreed)
    _require_grace_ends(runtime_config.licensing, evidence)
    require_refusal(paper_bot.without_licence(), evidence)


def _require_grace_ends(licensing: Licensing, evidence: Evidence) -> None:
    """What is tolerated after a licence's end is shorter than a licence: else it is enforced by name alone."""
    if not licensing.given("grace_period_hours"):
        return
    grace = licensing.grace_period_hours
    evidence.saw(grace)
    longest = licensing.max_validity_days
    assert grace.value < longest.value * 24, grace.unlike(
        Words(f"less than max_validity_days, {longest.value} ({longest.where})"), "lower it; it is in hours"
    )


@check("licence_fingerprint", breaks=FINGERPRINT_BREAKS)
def licence_fingerprint(deployment: Deployment, policy: Policy, evidence: Evidence) -> None:
    """The fingerprint on file is authentic, current, this machine's, and the one that the licence is bound to."""
    keys = issuer_keys(policy)
    path = deployment.fingerprint_path
    record = FingerprintRecord.load(path, deployment.shown(path))
    licence = Licence.load(deployment.license_path, deployment.shown(deployment.license_path))
    evidence.saw(record.authentic(keys))
    evidence.saw(licence.authentic(keys))
    assert record.version.value == VERSION, record.version.unlike(
        VERSION, "collect the fingerprint again with the program that goes live"
    )
    max_age = dt.timedelta(hours=policy.licence.fingerprint_max_age_h)
    collected = fresh(record.collected_at, SystemClock(), max_age, "collect the fingerprint again on the bot's machine")
    evidence.saw(_plain(collected))
    here = Found(collect().value, Where("this machine, collected now"))
    evidence.saw(same_fingerprint(derived(record), licence.fingerprint, here))
    evidence.saw(here)


@check("licence_revocations", breaks=REVOCATION_BREAKS)
def licence_revocations(
    deployment: Deployment, runtime_config: RuntimeConfig, policy: Policy, evidence: Evidence
) -> None:
    """The list of revoked licences is authentic, fresh, in step with the central one, and without this licence."""
    required = runtime_config.licensing.revocation_required
    evidence.saw(required)
    assert required.value is True, required.unlike(True)
    keys = issuer_keys(policy)
    path = deployment.revocations_path
    local = Revocations.load(path, deployment.shown(path))
    evidence.saw(local.authentic(keys))
    central = fetch_central(policy.revocations.central, path, deployment.root)
    evidence.saw(central.authentic(keys))
    max_age = dt.timedelta(hours=policy.revocations.max_age_h)
    for one, do in ((local, "fetch the list from the central repository"), (central, "ask its issuer for a new one")):
        evidence.saw(_plain(fresh(one.generated_at, SystemClock(), max_age, do)))
    evidence.saw(in_step(local, central))
    licence = Licence.load(deployment.license_path, deployment.shown(deployment.license_path))
    evidence.saw(not_revoked(licence.license_id, local))
    evidence.saw(not_revoked(licence.license_id, central))
