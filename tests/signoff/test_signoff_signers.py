"""`signers:` and `sign_off:` of the policy: what they may say, and what is said about what they may not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.policy import FILE, Policy, load_policy
from pytest_kraken_golive.policy_signers import signer_key
from pytest_kraken_golive.signoff.signers import signers_of

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
PRIVATE = "-----BEGIN OPENSSH PRIVATE KEY-----b3BlbnNzaC1rZXktdjEAAAAA"

Load = Callable[[str], Policy]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def make(content: str) -> Policy:
        path = tmp_path / FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
        policy = load_policy(tmp_path)
        assert policy is not None
        return policy

    return make


def signer(one: str = "alice", *, name: str = "Alice", key: str = KEY, roles: str = "[risk]", more: str = "") -> str:
    return f"  {one}:\n    name: {name}\n    key: {key}\n    roles: {roles}\n{more}"


def test_signers_are_read(load: Load) -> None:
    policy = load(
        "signers:\n" + signer() + signer("bob", key=OTHER, roles="[trader]") + "sign_off: {roles: [trader]}\n"
    )
    known = signers_of(policy)
    assert (known["alice"].key, known["bob"].roles) == (bytes(range(32)), frozenset({"trader"}))
    assert (policy.sign_off.persons, policy.sign_off.max_age_h) == (1, 168.0)


def test_a_public_key_of_openssh_is_read(load: Load) -> None:
    public = Ed25519PrivateKey.generate().public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    policy = load("signers:\n" + signer(key=f"{line} alice@example.org"))
    assert signers_of(policy)["alice"].key == public.public_bytes_raw()


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        (signer(more="    rolls: [x]\n"), ":6 signers.alice.rolls", "no such key"),
        (signer(key="3"), ":4 signers.alice.key", "3"),
        (signer(key="not-base64!"), ":4 signers.alice.key", "text of 11 characters that is no Base64"),
        (signer(key=KEY[:40]), ":4 signers.alice.key", "the Base64 of 30 bytes"),
        (signer(key=f"'{PRIVATE}'"), ":4 signers.alice.key", "a private key"),
        (signer(key="ssh-ed25519 AAAA"), ":4 signers.alice.key", "a line of OpenSSH that holds no such key"),
        (signer() + signer("bob"), ":8 signers.bob.key", "found that of alice"),
        (signer(roles="[]"), ":5 signers.alice.roles", "expected at least one role"),
        (signer(roles="[risk, risk]"), ":5 signers.alice.roles.1", "risk twice"),
        (signer(roles="['Risk Officer']"), ":5 signers.alice.roles.0", "'Risk Officer'"),
        (signer(roles="[a.b]"), ":5 signers.alice.roles.0", "'a.b'"),
        (signer(name="' '"), ":3 signers.alice.name", "expected a person's name"),
        (signer("Alice"), ":2 signers.Alice", "expected as signer's id a name of lower-case"),
        (signer("../x"), ":2 signers.../x", "'../x'"),
        (signer() + "sign_off: {roles: [trader]}\n", ":6 sign_off.roles.0", "a role that a signer holds (risk)"),
        (signer() + "sign_off: {roles: [risk, risk]}\n", ":6 sign_off.roles.1", "risk twice"),
        (signer() + "sign_off: {persons: 0}\n", ":6 sign_off.persons", "0"),
        (signer() + "sign_off: {persons: true}\n", ":6 sign_off.persons", "true"),
        (signer() + "sign_off: {max_age_h: .inf}\n", ":6 sign_off.max_age_h", "inf"),
        (signer() + "sign_off: {person: 2}\n", ":6 sign_off.person", "did you mean persons?"),
        ("  alice: {name: A, roles: [risk]}\n", ":2 signers.alice.key", "expected this key, found none"),
    ],
)
def test_a_fault_names_file_line_and_key(load: Load, content: str, place: str, words: str) -> None:
    with pytest.raises(Fault) as refused:
        load("signers:\n" + content)
    said = str(refused.value)
    assert said.startswith(f"{FILE}{place}: "), said
    assert words in said
    assert "Next: " in said
    assert "b3BlbnNzaC1rZXk" not in said


@pytest.mark.parametrize("point", ["00" * 32, "01" + "00" * 31, "01" + "00" * 30 + "80", "ec" + "ff" * 30 + "7f"])
def test_a_key_for_which_anybody_can_sign_is_no_key(load: Load, point: str) -> None:
    with pytest.raises(Fault, match="small order"):
        load("signers:\n" + signer(key=base64.b64encode(bytes.fromhex(point)).decode()))


def test_anybody_could_sign_with_the_key_of_one() -> None:
    """Why such keys are refused: this signature was made without a private key."""
    point = bytes([1]) + bytes(31)
    Ed25519PublicKey.from_public_bytes(point).verify(point + bytes(32), b"whatever")
    with pytest.raises(ValueError, match="small order"):
        signer_key(base64.b64encode(point).decode())


def test_another_spelling_of_a_key_is_the_same_key(load: Load) -> None:
    """The last digit of this Base64 has two bits that count for nothing."""
    spelled = KEY[:-2] + chr(ord(KEY[-2]) + 1) + "="
    assert base64.b64decode(spelled) == base64.b64decode(KEY)
    with pytest.raises(Fault, match="found that of alice"):
        load("signers:\n" + signer() + signer("bob", key=spelled))
