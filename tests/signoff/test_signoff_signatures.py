"""Which signatures count: each way to be fooled that we know of, and in words why it does not work."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_kraken_golive.signoff.payloads import LinePayload, RunPayload, Subject, canonical, sealed
from pytest_kraken_golive.signoff.signatures import (
    Needs,
    RunSubject,
    Signatures,
    file_name,
    line_signatures,
    run_signatures,
)
from pytest_kraken_golive.signoff.signers import KnownSigner

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
SUBJECT = {part: str(place) * 64 for place, part in enumerate(("line", "runbook", "config", "evidence"), 1)}
RUN = RunSubject("r1", "GO", "deployment, real", "c" * 40, "a" * 64, "b" * 64, NOW - dt.timedelta(hours=1))
KEYS = {one: Ed25519PrivateKey.from_private_bytes(bytes([place]) * 32) for place, one in enumerate(("alice", "bob"))}
ROLES = {"alice": {"trader", "risk"}, "bob": {"risk"}}


def known(one: str, key: Ed25519PrivateKey | None = None) -> KnownSigner:
    public = (key or KEYS[one]).public_key().public_bytes_raw()
    return KnownSigner(one, one.title(), public, frozenset(ROLES[one]))


SIGNERS = {one: known(one) for one in KEYS}


@dataclass
class Folder:
    """`signatures/` of a report folder."""

    path: Path

    def line(self, by: str = "alice", role: str = "risk", line_id: str = "x", **more: object) -> Path:
        payload = LinePayload.model_validate(
            {
                "signs": "kraken-golive line 1",
                "line_id": line_id,
                "subject": Subject(**SUBJECT),
                "signer": by,
                "name": by.title(),
                "role": role,
                "signed_at": "2026-11-30T11:30:00Z",
                "statement": "I looked.",
                **more,
            }
        )
        return self.put(f"lines/{line_id}/{file_name(payload)}", self.seal(payload, by))

    def run(self, by: str = "alice", role: str = "risk", **more: object) -> Path:
        payload = RunPayload.model_validate(
            {
                "signs": "kraken-golive run 1",
                "run_id": RUN.run_id,
                "verdict": RUN.verdict,
                "scope": RUN.scope,
                "commit": RUN.commit,
                "verdict_sha256": RUN.verdict_sha256,
                "manifest_sha256": RUN.manifest_sha256,
                "signer": by,
                "name": by.title(),
                "role": role,
                "signed_at": "2026-11-30T11:30:00Z",
                "statement": "I looked.",
                **more,
            }
        )
        return self.put(f"run/{file_name(payload)}", self.seal(payload, by))

    def seal(self, payload: LinePayload | RunPayload, by: str) -> bytes:
        return sealed(payload, known(by).key_text, KEYS[by].sign)

    def put(self, name: str, data: bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def of_line(
        self, subject: Mapping[str, str] = SUBJECT, signers: Mapping[str, KnownSigner] = SIGNERS, **needs: object
    ) -> Signatures:
        return line_signatures(self.path, "x", subject, signers=signers, needs=asked(**needs))

    def of_run(self, subject: RunSubject = RUN, **needs: object) -> Signatures:
        return run_signatures(self.path, subject, signers=SIGNERS, needs=asked(**needs))


def asked(**needs: object) -> Needs:
    given: dict[str, object] = {"roles": ["risk"], "persons": 1, "now": NOW, "max_age": dt.timedelta(hours=24)}
    return Needs(**{**given, **needs})  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def only_void(found: Signatures) -> str:
    assert not found.valid
    assert not found.suffice
    assert len(found.void) == 1
    assert "Next: " in found.void[0].reason
    return str(found.void[0])


def test_a_signature_counts(folder: Folder) -> None:
    folder.line()
    found = folder.of_line()
    assert found.suffice
    assert not found.void
    assert [one.document() for one in found.valid] == [
        {
            "signer": "alice",
            "name": "Alice",
            "role": "risk",
            "signed_at": "2026-11-30T11:30:00Z",
            "statement": "I looked.",
        }
    ]


def test_without_a_signature_it_says_what_is_missing(folder: Folder) -> None:
    assert folder.of_line().lacking == ("nobody has signed as risk", "0 of 1 needed persons have signed")


@pytest.mark.parametrize(
    ("part", "word"),
    [("line", "text or parameters"), ("runbook", "runbook"), ("config", "configuration"), ("evidence", "evidence")],
)
def test_what_changes_after_it_was_signed_voids_it(folder: Folder, part: str, word: str) -> None:
    folder.line()
    said = only_void(folder.of_line({**SUBJECT, part: "9" * 64}))
    assert f"alice signed another {word} than there is now" in said
    assert folder.of_line().suffice, "what is as it was signed is what was signed"


def test_an_absent_part_of_the_subject_fits_nothing(folder: Folder) -> None:
    folder.line()
    only_void(folder.of_line({part: digest for part, digest in SUBJECT.items() if part != "config"}))


def test_a_signature_copied_to_another_line_is_void(folder: Folder) -> None:
    other = folder.line(line_id="y")
    (folder.path / "lines/x").mkdir()
    shutil.copy(other, folder.path / "lines/x" / other.name)
    assert "it was signed for the line 'y', not for x" in only_void(folder.of_line())


def test_a_signature_of_a_line_is_none_of_a_run_and_the_other_way_round(folder: Folder) -> None:
    line, run = folder.line(), folder.run()
    line_bytes = line.read_bytes()
    line.write_bytes(run.read_bytes())
    run.write_bytes(line_bytes)
    assert "malformed" in only_void(folder.of_line())
    assert "malformed" in only_void(folder.of_run())


def test_the_same_signature_under_another_name_counts_once(folder: Folder) -> None:
    path = folder.line()
    shutil.copy(path, path.with_name("bob.risk.json"))
    found = folder.of_line(persons=2)
    assert not found.suffice
    assert "expected the name alice.risk.json" in str(found.void[0])


@pytest.mark.parametrize(
    ("signed_at", "words"),
    [
        ("2026-11-29T11:59:59Z", "older than 24 hours"),
        ("2026-11-30T12:01:01Z", "in the future"),
        ("9999-12-31T23:59:59Z", "in the future"),
    ],
)
def test_a_signature_of_another_time_is_void(folder: Folder, signed_at: str, words: str) -> None:
    folder.line(signed_at=signed_at)
    assert words in only_void(folder.of_line())


def test_setting_the_clock_back_makes_no_old_signature_young(folder: Folder) -> None:
    """Who sets the clock back has signatures in the future; who signed with such a clock signed before the run."""
    folder.line()
    assert "in the future" in only_void(folder.of_line(now=NOW - dt.timedelta(days=2)))
    folder.run(signed_at="2026-11-30T10:58:59Z")
    assert "before the run had ended" in only_void(folder.of_run())


def test_a_stranger_does_not_count(folder: Folder) -> None:
    folder.line()
    assert "'alice' is no signer of the policy, which has bob" in only_void(
        folder.of_line(signers={"bob": known("bob")})
    )


def test_a_key_swapped_in_the_policy_voids_what_the_old_one_signed(folder: Folder) -> None:
    folder.line()
    signers = {"alice": known("alice", Ed25519PrivateKey.generate())}
    assert "its key is not the one that the policy lists for alice" in only_void(folder.of_line(signers=signers))


def test_who_signs_in_the_name_of_another_does_not_count(folder: Folder) -> None:
    path = folder.line("alice")
    payload = json.loads(path.read_text())["payload"]
    path.write_bytes(folder.seal(LinePayload.model_validate(payload), "bob"))
    assert "its key is not the one that the policy lists for alice" in only_void(folder.of_line())


def test_a_role_that_is_not_held_does_not_count(folder: Folder) -> None:
    folder.line("bob", "trader")
    assert "bob does not hold the role 'trader', but risk" in only_void(folder.of_line(roles=["trader"]))


def test_each_role_must_be_signed(folder: Folder) -> None:
    folder.line("bob", "risk")
    assert folder.of_line(roles=["risk", "trader"]).lacking == ("nobody has signed as trader",)
    folder.line("alice", "trader")
    assert folder.of_line(roles=["risk", "trader"]).suffice


def test_two_persons_are_two_keys(folder: Folder) -> None:
    folder.line("alice", "risk")
    folder.line("alice", "trader")
    found = folder.of_line(roles=["risk", "trader"], persons=2)
    assert found.lacking == ("1 of 2 needed persons have signed",)
    folder.line("bob", "risk")
    assert folder.of_line(roles=["risk", "trader"], persons=2).suffice


def test_a_role_that_nobody_asked_for_makes_no_second_person(folder: Folder) -> None:
    folder.line("alice", "trader")
    folder.line("bob", "risk")
    assert folder.of_line(persons=2).lacking == ("1 of 2 needed persons have signed",)


@pytest.mark.parametrize("persons", [0, -1])
def test_nobody_needs_nobody(persons: int) -> None:
    with pytest.raises(ValueError, match="at least one person"):
        asked(persons=persons)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"verdict_sha256": "d" * 64}, "verdict.json"),
        ({"manifest_sha256": "d" * 64}, "bundle's manifest"),
        ({"run_id": "r2"}, "run"),
        ({"verdict": "NO-GO"}, "verdict"),
        ({"scope": "rehearsal, sandbox"}, "scope"),
        ({"commit": None}, "commit"),
    ],
)
def test_a_run_is_signed_as_it_is(folder: Folder, change: dict[str, Any], word: str) -> None:
    folder.run()
    assert folder.of_run().suffice
    assert f"alice signed another {word} than there is now" in only_void(
        folder.of_run(dataclasses.replace(RUN, **change))
    )


def test_links_and_large_files_are_void(folder: Folder) -> None:
    path = folder.line()
    kept = path.rename(folder.path / "kept.json")
    os.symlink(kept, path)
    assert "found a link" in only_void(folder.of_line())
    path.unlink()
    path.write_bytes(kept.read_bytes() + b" " * 70_000)
    assert "at most 65536 bytes" in only_void(folder.of_line())
    path.unlink()
    path.mkdir()
    assert "found a link or something else" in only_void(folder.of_line())


Edit = Callable[[str], str]


EDITS: dict[str, tuple[Edit, str]] = {
    "crlf": (lambda text: text.replace("\n", "\r\n"), "edited"),
    "another_line": (lambda text: text + "\n", "edited"),
    "spaces": (lambda text: text.replace('","', '", "'), "edited"),
    "statement": (lambda text: text.replace("I looked.", "I looked!"), "edited"),
    "duplicate_key": (lambda text: text.replace('"role":"risk"', '"role":"risk","role":"risk"'), "malformed"),
    "algorithm_case": (lambda text: text.replace('"Ed25519"', '"ed25519"'), "malformed"),
    "huge_number": (lambda text: text.replace('"x"', "1" * 5000, 1), "malformed"),
    "infinite": (lambda text: text.replace('"x"', "1e999", 1), "malformed"),
    "nan": (lambda text: text.replace('"x"', "NaN", 1), "malformed"),
    "more_keys": (lambda text: text.replace('"signs"', '"more":1,"signs"'), "malformed"),
    "signs_nothing": (lambda text: text.replace('"signs":"kraken-golive line 1",', ""), "malformed"),
    "other_time_form": (lambda text: text.replace("2026-11-30T11:30:00Z", "2026-11-30T11:30:00+00:00"), "malformed"),
    "empty": (lambda text: "", "malformed"),
    "a_list": (lambda text: "[]", "malformed"),
    "too_large": (lambda text: "[" * 100_000, "at most"),
    "too_deep": (lambda text: "[" * 10_000, "malformed"),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_file_is_void(folder: Folder, name: str) -> None:
    edit, words = EDITS[name]
    path = folder.line()
    path.write_bytes(edit(path.read_text()).encode())
    assert words in only_void(folder.of_line())


def test_another_spelling_of_the_signature_is_void(folder: Folder) -> None:
    path = folder.line()
    document = json.loads(path.read_text())
    value = document["signature"]["value"]
    other = value[:-3] + chr(ord(value[-3]) + 1) + "=="
    assert base64.b64decode(other) == base64.b64decode(value)
    document["signature"]["value"] = other
    path.write_bytes(canonical(document))
    assert "edited" in only_void(folder.of_line())


def test_a_text_that_shows_as_another_is_void(folder: Folder) -> None:
    path = folder.line()
    document = json.loads(path.read_text())
    document["payload"]["statement"] = "fine\x1b[2K\rnot fine"
    path.write_bytes(canonical(document))
    assert "control characters" in only_void(folder.of_line())


def test_what_was_never_finished_is_no_signature(folder: Folder) -> None:
    folder.line()
    (folder.path / "lines/x/.alice.risk.json.abc").write_text("{")
    assert folder.of_line().suffice


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_changed_byte_is_overlooked(folder: Folder, data: st.DataObject) -> None:
    path = folder.run()
    whole = path.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[place]))
    path.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
    only_void(folder.of_run())
