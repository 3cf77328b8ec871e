from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Fault, Found, NotProven, Where
from pytest_kraken_golive.deployment import issue
from pytest_kraken_golive.deployment.documents import parse_document
from pytest_kraken_golive.deployment.fingerprint import Fingerprint, FingerprintRecord, collect, derived
from pytest_kraken_golive.deployment.instants import as_instant, fresh, instant, now
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
from pytest_kraken_golive.deployment.signed import SignedDocument, canonical_json, public_key

ISSUER = issue.SigningKey.new("issuer-1")
CLOCK = VirtualClock()
NOW = now(CLOCK)
MACHINE = Fingerprint({"hostname": "desk", "system": "linux"})


def document(data: object, shown: str = "license.json") -> Any:
    return parse_document(json.dumps(data, indent=1).encode(), shown, yaml=False)


def licence(change: Callable[[dict[str, Any]], object] = lambda payload: None, **options: Any) -> Licence:
    payload = issue.licence_payload(MACHINE.value, NOW - timedelta(days=1), **options)
    change(payload)
    return Licence(document(issue.signed(payload, ISSUER)))


def configured(value: object) -> Found:
    return Found(value, Where("config/runtime.yaml", 120, "licensing.license.x"))


def test_a_good_licence_holds_all_rules(tmp_path: Path) -> None:
    path = tmp_path / "active" / "license.json"
    issue.write_signed(path, issue.licence_payload(MACHINE.value, NOW - timedelta(days=1)), ISSUER)
    good = Licence.load(path, "var/licenses/active/license.json")
    assert good.authentic(ISSUER.trusted).value == "issuer-1"
    assert in_force(good, CLOCK).value == NOW + timedelta(days=364)
    assert validity_at_most(good, configured(400)).value == 365
    assert one_of(good.issuer, configured(["oem-licensing"])).value == "oem-licensing"
    assert of_schema(good, configured("core.oem.license"), configured(["1.0"])).value == "1.0"
    assert covers(good.profiles, ["desktop", "kraken"]).where.key == "payload.profiles"
    assert good.fingerprint.value == MACHINE.value
    assert good.license_id.value == "rehearsal-0001"
    assert good.features.value == ["paper_trading"]
    assert good.valid_from.value == good.issued_at.value


def test_canonical_json_is_sorted_dense_utf8_and_finite() -> None:
    assert (
        canonical_json({"b": [1, {"z": None, "a": "é"}], "a": True}) == '{"a":true,"b":[1,{"a":"é","z":null}]}'.encode()
    )
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"a": float("nan")})


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.lists(st.booleans()), max_size=5))
def test_whatever_is_signed_verifies_and_a_changed_payload_does_not(payload: dict[str, Any]) -> None:
    # Half a surrogate pair has no UTF-8 form, so it cannot be signed.
    data = issue.signed(payload, ISSUER)
    assert SignedDocument(document(data)).authentic(ISSUER.trusted).value == "issuer-1"
    data["payload"]["added"] = 1
    with pytest.raises(Fault, match=r"payload was changed after it was signed"):
        SignedDocument(document(data)).authentic(ISSUER.trusted)


def relabel(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda data: data["signature"].update(changes)


def digest(algorithm: str) -> str:
    return base64.b64encode(hashlib.new(algorithm, b"x").digest()).decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            relabel(algorithm="HMAC-SHA384", value=digest("sha256")),
            "expected the algorithm Ed25519, found the text 'HMAC",
        ),
        (relabel(value=digest("sha256")), "found 32 bytes, the length of a SHA-256 digest"),
        (relabel(value=digest("sha384")), "found 48 bytes, the length of a SHA-384 digest"),
        (relabel(value="no base64!"), "signature.value: expected a signature in Base64"),
        (relabel(value=base64.b64encode(bytes(64)).decode()), "expected a signature that fits the payload"),
        (
            relabel(key_id="mallory"),
            "signature.key_id: expected one of the trusted keys issuer-1, found the text 'mallory'",
        ),
        (relabel(key_id=["issuer-1"]), "signature.key_id: expected text"),
        (lambda data: data["payload"].update(issuer="me"), "the payload was changed"),
        (lambda data: data.update(payload=[]), "payload: expected a mapping"),
    ],
)
def test_a_wrong_signature_is_a_fault(change: Callable[[dict[str, Any]], None], message: str) -> None:
    data = issue.signed(issue.licence_payload(MACHINE.value, NOW), ISSUER)
    change(data)
    with pytest.raises(Fault) as caught:
        Licence(document(data)).authentic(ISSUER.trusted)
    assert message in str(caught.value)
    assert str(caught.value).startswith("license.json:")
    assert "Next: " in str(caught.value)


def test_no_key_and_no_signature_are_not_proven() -> None:
    with pytest.raises(NotProven, match="expected a public key"):
        licence().authentic({})
    with pytest.raises(NotProven, match=r"signature.algorithm: expected this key"):
        Licence(document({"payload": {}})).authentic(ISSUER.trusted)
    with pytest.raises(NotProven, match=r"payload: expected this key"):
        Licence(document({"schema": "core.oem.license"})).authentic(ISSUER.trusted)


def test_public_keys_are_read_from_base64_and_pem() -> None:
    pem = ISSUER.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (ISSUER.public_text, f" {ISSUER.public_text}\n", pem):
        assert public_key(text) == ISSUER.public
    other = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for wrong in ("", "AAAA", "no base64!", other.decode(), "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"):
        with pytest.raises(ValueError, match=r"."):
            public_key(wrong)
    assert "private" not in repr(ISSUER)


def at(days: float) -> str:
    return (NOW + timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issued_at": at(1)}, "payload.issued_at: expected a licence that is issued by now"),
        ({"valid_from": at(1)}, "payload.valid_from: expected a licence that is valid by now"),
        ({"expires_at": at(-0.5)}, "payload.expires_at: expected a licence that ends after now"),
        ({"expires_at": at(0)}, "payload.expires_at: expected a licence that ends after now"),
        ({"expires_at": at(-9)}, "payload.expires_at: expected an end after its beginning"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expected a time in ISO-8601 with its zone (it has no time zone)"),
        ({"expires_at": "2027-01-01"}, "it has no time zone"),
        ({"expires_at": "soon"}, "expected a time in ISO-8601"),
        ({"expires_at": 1890000000}, "expected a time as text"),
        ({"expires_at": None}, "expected a time as text, found nothing"),
        ({"expires_at": "0001-01-01T00:00:00+14:00"}, "it is out of range"),
    ],
)
def test_a_licence_out_of_its_window_is_a_fault(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(Fault) as caught:
        in_force(licence(lambda payload: payload.update(changes)), CLOCK)
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


def test_over_long_validity_names_both_places() -> None:
    with pytest.raises(Fault) as caught:
        validity_at_most(licence(valid_for=timedelta(days=3650)), configured(400))
    assert "expected at most 400 days from issue to expiry (config/runtime.yaml:120" in str(caught.value)
    assert "found 3650.0" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "read", "message"),
    [
        (
            lambda p: p.pop("license_id"),
            lambda one: one.license_id,
            "payload.license_id: expected this key, found none",
        ),
        (lambda p: p.pop("profiles"), lambda one: one.profiles, "payload.profiles: expected this key"),
        (lambda p: p.pop("fingerprint"), lambda one: one.fingerprint, "payload.fingerprint: expected this key"),
        (lambda p: p.pop("expires_at"), lambda one: in_force(one, CLOCK), "payload.expires_at: expected this key"),
    ],
)
def test_what_a_licence_lacks_is_not_proven(
    change: Callable[[dict[str, Any]], object], read: Callable[[Licence], object], message: str
) -> None:
    with pytest.raises(NotProven, match=message):
        read(licence(change))


@pytest.mark.parametrize(
    ("change", "read", "message"),
    [
        (lambda p: p.update(license_id=7), lambda one: one.license_id, "payload.license_id: expected text, found 7"),
        (lambda p: p.update(license_id=" "), lambda one: one.license_id, "expected text that is not blank"),
        (lambda p: p.update(profiles="desktop"), lambda one: one.profiles, "payload.profiles: expected a list"),
        (lambda p: p.update(profiles=["desktop", 1]), lambda one: one.profiles, "payload.profiles.1: expected text"),
        (
            lambda p: p.update(profile="live"),
            lambda one: one.profiles,
            "payload.profile: expected one of its own profiles",
        ),
        (lambda p: p.update(fingerprint="abc"), lambda one: one.fingerprint, "expected a SHA-256 of 64 hex digits"),
        (
            lambda p: p["fingerprint"].update(algorithm="md5"),
            lambda one: one.fingerprint,
            "payload.fingerprint.algorithm: expected the algorithm sha256",
        ),
        (lambda p: p, lambda one: covers(one.profiles, ["kraken", "live"]), "without live"),
        (
            lambda p: p,
            lambda one: one_of(one.issuer, configured(["x"])),
            "expected one of ['x'] (config/runtime.yaml:120",
        ),
        (
            lambda p: p.update(schema="other"),
            lambda one: of_schema(one, configured("core.oem.license"), configured(["1.0"])),
            "payload.schema: expected the schema 'core.oem.license'",
        ),
        (
            lambda p: p.update(schema_version="2.0"),
            lambda one: of_schema(one, configured("core.oem.license"), configured(["1.0"])),
            "payload.schema_version: expected one of ['1.0']",
        ),
    ],
)
def test_what_is_wrong_in_a_licence_is_a_fault(
    change: Callable[[dict[str, Any]], object], read: Callable[[Licence], object], message: str
) -> None:
    with pytest.raises(Fault) as caught:
        read(licence(change))
    assert message in str(caught.value)
    assert "Next: " in str(caught.value)


def test_one_profile_is_a_list_of_one_and_a_bare_fingerprint_is_read() -> None:
    def change(payload: dict[str, Any]) -> None:
        del payload["profiles"]
        payload.update(profile="desktop", fingerprint=MACHINE.value.upper())

    one = licence(change)
    assert one.profiles.value == ["desktop"]
    assert one.fingerprint.value == MACHINE.value


def revocations(sequence: int = 3, *revoked: str, generated_at: datetime = NOW) -> Revocations:
    entries = [(name, "stolen", NOW - timedelta(days=2)) for name in revoked]
    return Revocations(
        document(issue.signed(issue.revocations_payload(sequence, generated_at, entries), ISSUER), "r.json")
    )


def test_revocations() -> None:
    local = revocations(3, "other-1")
    assert local.authentic(ISSUER.trusted).value == "issuer-1"
    assert not_revoked(licence().license_id, local).value == ["other-1"]
    with pytest.raises(Fault, match=r"r.json:\d+ payload.revoked.1.license_id: .* revoked since .*'stolen'"):
        not_revoked(licence().license_id, revocations(3, "other-1", "REHEARSAL-0001"))


def test_a_list_is_in_step_by_digest_or_by_sequence_and_entries() -> None:
    local = revocations(3, "a", generated_at=NOW)
    assert in_step(local, revocations(3, "a", generated_at=NOW)).value == 3
    assert in_step(local, revocations(3, "a", generated_at=NOW + timedelta(hours=1))).value == 3
    for central, message in (
        (revocations(4, "a"), "expected the sequence of the central list, 4"),
        (revocations(2, "a"), "one that the central does not have"),
        (revocations(3, "b"), "expected the entries of the central list of the same sequence 3"),
    ):
        with pytest.raises(Fault, match=message):
            in_step(local, central)


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        ({"sequence": 1, "generated_at": at(0), "revoked": ["a"]}, Fault, r"payload.revoked.0: expected an entry"),
        ({"sequence": 1, "generated_at": at(0), "revoked": {}}, Fault, r"payload.revoked: expected a list"),
        ({"sequence": 1, "generated_at": at(0)}, NotProven, r"payload.revoked: expected this key"),
        (
            {"sequence": 1, "revoked": [{"license_id": "a", "reason": "x"}]},
            NotProven,
            r"payload.revoked.0.revoked_at: expected this key",
        ),
        ([{"license_id": "a"}], Fault, r"payload: expected a mapping, found a list"),
    ],
)
def test_a_list_in_another_shape_is_refused(payload: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        _ = (
            Revocations(document({"payload": payload}, "r.json")).payload.found
            and Revocations(document({"payload": payload}, "r.json")).listed
        )


@pytest.mark.parametrize("sequence", [True, "3", 1.5, -1, None])
def test_a_sequence_is_a_whole_number(sequence: object) -> None:
    with pytest.raises(Fault, match=r"payload.sequence: expected"):
        _ = Revocations(document({"payload": {"sequence": sequence}})).sequence


def test_this_machine_s_fingerprint_is_stable_and_recorded() -> None:
    machine = collect()
    assert collect().value == machine.value
    assert machine.components["system"]
    record = FingerprintRecord(
        document(issue.signed(issue.fingerprint_payload(machine, NOW), ISSUER), "fingerprint.json")
    )
    assert record.authentic(ISSUER.trusted)
    assert derived(record).value == machine.value
    assert record.version.value == 1
    assert fresh(record.collected_at, CLOCK, timedelta(days=30), "collect it again").value == NOW
    collected = Found(machine.value, Where("this machine"))
    assert same_fingerprint(record.fingerprint, collected).value == machine.value
    with pytest.raises(
        Fault, match=r"found different ones: .* in license.json:\d+ payload.fingerprint.value, .*this machine"
    ):
        same_fingerprint(licence().fingerprint, collected)
    with pytest.raises(NotProven):
        same_fingerprint(collected)


def test_a_record_whose_components_were_changed_is_a_fault() -> None:
    payload = issue.fingerprint_payload(MACHINE, NOW)
    payload["components"]["hostname"] = "other"
    with pytest.raises(Fault, match=r"payload.fingerprint.value: expected the SHA-256 of the components"):
        derived(FingerprintRecord(document(issue.signed(payload, ISSUER))))


def test_age_is_bounded_on_both_sides() -> None:
    def found(offset: timedelta) -> Found:
        return Found(NOW + offset, Where("f.json", 3, "payload.collected_at"))

    assert fresh(found(-timedelta(days=1)), CLOCK, timedelta(days=1), "x")
    with pytest.raises(Fault, match=r"f.json:3 payload.collected_at: expected an age of at most 1 day.* Next: collect"):
        fresh(found(-timedelta(days=1, seconds=1)), CLOCK, timedelta(days=1), "collect it again")
    with pytest.raises(Fault, match="in the future"):
        fresh(found(timedelta(seconds=1)), CLOCK, timedelta(days=1), "x")


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.timezones()))
def test_instants_are_utc_and_the_same_moment(moment: datetime) -> None:
    read = instant(moment.isoformat())
    assert read.timestamp() == moment.timestamp()  # in a repeated hour, times in two zones are never equal
    assert read.tzinfo is UTC
    assert as_instant(Found(moment.isoformat(), Where("f"))).value == read
