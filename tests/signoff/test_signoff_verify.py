"""`kraken-golive verify`: what was altered is found, whatever it is, and who signed is said."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.signoff.payloads import canonical
from pytest_kraken_golive.signoff.verify import Findings, verify

if TYPE_CHECKING:
    from signed_project import Desk

pytest_plugins = ["signed_project"]

WHOLE, ALTERED, UNREADABLE, UNSIGNED = 0, 1, 2, 3


def look(desk: Desk) -> Findings:
    return verify(desk.bundle, desk.policy, dt.datetime.now(dt.UTC))


def test_whole_and_not_signed(desk: Desk) -> None:
    done = desk.run("verify")
    assert done.exit_code == UNSIGNED
    assert "GO (deployment, real)" in done.stdout
    assert "not signed: 0 of 1 needed persons have signed" in done.stderr


def test_whole_and_signed(desk: Desk) -> None:
    assert desk.sign().exit_code == 0
    done = desk.run("verify")
    assert done.exit_code == WHOLE, done.stderr
    assert "Alice Adams (alice) as risk" in done.stdout
    assert "whole and signed" in done.stdout


def test_a_bundle_is_for_later_its_signatures_do_not_grow_old(desk: Desk) -> None:
    desk.sign()
    found = verify(desk.bundle, desk.policy, dt.datetime.now(dt.UTC) + dt.timedelta(days=3000))
    assert found.exit_status == WHOLE


def test_every_byte_of_every_file_counts(desk: Desk) -> None:
    """Each byte is changed in one bit, in turn; the file is named each time."""
    for folder in ("logs", "allure-results"):
        shutil.rmtree(desk.reports / folder)
    (desk.reports / "bot.log").unlink()
    desk.finish()
    desk.sign()
    assert look(desk).exit_status == WHOLE
    policy, now, tried = desk.policy, dt.datetime.now(dt.UTC), 0
    for path in [path for path in desk.bundle.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        name = path.relative_to(desk.bundle).as_posix()
        for place in range(len(whole)):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
            found = verify(desk.bundle, policy, now)
            assert found.exit_status == ALTERED, f"{name}: byte {place} is not looked at"
            assert any(name in problem for problem in found.problems), (name, place, found.problems)
            tried += 1
        path.write_bytes(whole)
    assert tried > 3000
    assert look(desk).exit_status == WHOLE


@pytest.mark.parametrize("name", ["verdict.json", "manifest.json", "paper_report.json", "allure-results.zip"])
def test_a_missing_file_is_named(desk: Desk, name: str) -> None:
    (desk.bundle / name).unlink()
    done = desk.run("verify")
    assert done.exit_code == ALTERED
    assert f"altered: {name}: is missing" in done.stderr


@pytest.mark.parametrize("name", ["more.txt", "logs/more.log", "signatures/lines/x/alice.risk.json", ".hidden"])
def test_an_additional_file_is_named(desk: Desk, name: str) -> None:
    desk.write(f"reports/bundle/{name}", "more")
    done = desk.run("verify")
    assert done.exit_code == ALTERED
    assert f"{name}: does not belong to the bundle" in done.stderr


@pytest.mark.parametrize("name", ["mallory.risk.json", "note.txt"])
def test_a_file_among_the_signatures_that_is_none_is_named(desk: Desk, name: str) -> None:
    desk.write(f"reports/bundle/signatures/run/{name}", "{}")
    done = desk.run("verify")
    assert done.exit_code == ALTERED
    assert f"signatures/run/{name}: it is malformed" in done.stderr


def test_a_hidden_file_among_the_signatures_is_named(desk: Desk) -> None:
    desk.write("reports/bundle/signatures/run/.hidden", "x")
    assert look(desk).exit_status == ALTERED


def test_a_link_is_named_even_to_the_same_bytes(desk: Desk, tmp_path: Path) -> None:
    report = desk.bundle / "paper_report.json"
    shutil.move(report, tmp_path / "kept")
    os.symlink(tmp_path / "kept", report)
    found = look(desk)
    assert found.exit_status == ALTERED
    assert "paper_report.json: is a link or something else that is no file" in found.problems


def test_a_linked_folder_is_named(desk: Desk, tmp_path: Path) -> None:
    shutil.move(desk.bundle / "logs", tmp_path / "logs")
    os.symlink(tmp_path / "logs", desk.bundle / "logs")
    assert "logs: is a link or something else that is no file" in look(desk).problems


def test_an_empty_folder_is_named(desk: Desk) -> None:
    (desk.bundle / "more").mkdir()
    assert "more/: is an empty folder that does not belong to the bundle" in look(desk).problems


@pytest.mark.parametrize("name", ["verdict.json", "manifest.json", "signatures/run/alice.risk.json"])
def test_other_line_ends_are_another_file(desk: Desk, name: str) -> None:
    desk.sign()
    path = desk.bundle / name
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    found = look(desk)
    assert found.exit_status == ALTERED
    assert any(name in problem for problem in found.problems)


def altered_with_its_manifest(desk: Desk, name: str, edit: Callable[[bytes], bytes]) -> None:
    """What somebody does who knows how a bundle is made."""
    path, manifest = desk.bundle / name, desk.bundle / "manifest.json"
    path.write_bytes(edit(path.read_bytes()))
    import hashlib  # noqa: PLC0415 - what the forger needs

    data = json.loads(manifest.read_bytes())
    entry = next(entry for entry in data["files"] if entry["path"] == name)
    entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size}
    manifest.write_bytes(canonical(data))


def test_who_alters_the_manifest_too_voids_the_signatures(desk: Desk) -> None:
    desk.sign()
    altered_with_its_manifest(desk, "paper_report.json", lambda _: b'{"status": "success"}')
    found = look(desk)
    assert found.exit_status == ALTERED
    assert "alice signed another bundle's manifest than there is now" in found.problems[0]


def test_who_alters_the_runbook_and_the_manifest_is_found_without_a_signature(desk: Desk) -> None:
    altered_with_its_manifest(desk, "project/config/runbooks/x.md", lambda text: text.replace(b"hold", b"fold"))
    assert "project/config/runbooks/x.md: is not the one that the run judged" in look(desk).problems


def test_a_verdict_of_another_run_does_not_belong(desk: Desk, make_desk: Callable[[], Desk]) -> None:
    other = make_desk()
    other.document["run_id"] = "another"
    other.finish()
    shutil.copy(other.bundle / "verdict.json", desk.bundle / "verdict.json")
    problems = look(desk).problems
    assert "manifest.json: is of the run 0123456789abcdef, verdict.json of another" in problems


def test_the_signature_of_another_run_does_not_count(desk: Desk) -> None:
    desk.sign()
    kept = (desk.bundle / "signatures/run/alice.risk.json").read_bytes()
    desk.document["run_id"] = "another"
    desk.finish()
    desk.write("reports/bundle/signatures/run/alice.risk.json", kept)
    found = look(desk)
    assert found.exit_status == ALTERED
    assert "it is of another run, or was changed after it was signed" in found.problems[0]


def test_the_bundles_own_policy_vouches_for_nobody(desk: Desk) -> None:
    """Who forges a bundle puts a policy with a key of their own into it."""
    desk.write_policy("", mallory=("Mallory", "[risk]"))
    desk.finish()
    assert desk.sign(by="mallory").exit_code == 0
    forged = desk.bundle / "project"
    for words in (["--policy", str(forged / "config/golive.yaml")],):
        done = desk.run("verify", *words)
        assert done.exit_code == UNREADABLE
        assert "cannot vouch for itself" in done.stderr
    os.chdir(forged)
    link = desk.root / "elsewhere.yaml"
    os.symlink(forged / "config/golive.yaml", link)
    assert desk.run("verify", "--policy", str(link)).exit_code == UNREADABLE
    desk.write_policy()
    done = desk.run("verify")
    assert done.exit_code == ALTERED
    assert "'mallory' is no signer of the policy, which has alice, bob" in done.stderr


def test_without_a_policy_nobody_vouches(desk: Desk, tmp_path: Path) -> None:
    desk.sign()
    done = desk.run("verify")
    assert done.exit_code == WHOLE
    (desk.root / "config/golive.yaml").unlink()
    done = desk.run("verify")
    assert done.exit_code == UNSIGNED
    assert "nobody vouches for the keys" in done.stdout
    path = desk.bundle / "signatures/run/alice.risk.json"
    path.write_bytes(path.read_bytes().replace(b"I looked", b"I locked"))
    assert desk.run("verify").exit_code == ALTERED, "an edited one is found without any policy"


def test_two_persons_where_the_policy_asks_for_two(desk: Desk) -> None:
    desk.write_policy("sign_off: {persons: 2, roles: [risk]}\n")
    desk.finish()
    desk.sign(by="alice")
    done = desk.run("verify", "--json")
    assert done.exit_code == UNSIGNED
    assert json.loads(done.stdout)["lacking"] == ["1 of 2 needed persons have signed"]
    desk.sign(by="bob")
    assert desk.run("verify").exit_code == WHOLE


def test_a_line_that_counts_as_signed_is_signed_in_the_bundle(desk: Desk) -> None:
    assert desk.sign("risk-reviewed").exit_code == 0
    desk.line("risk-reviewed")["outcome"] = "signed"
    desk.finish()
    assert look(desk).exit_status == UNSIGNED
    shutil.rmtree(desk.reports / "signatures")
    desk.finish()
    found = look(desk)
    assert found.exit_status == ALTERED
    assert "the line counts as signed, but nobody has signed as risk" in found.problems[0]


def test_what_stands_in_a_bundle_cannot_dress_up_as_the_command(desk: Desk) -> None:
    desk.document["reason"] = "fine\x1b[2J\rwhole and signed"
    desk.finish()
    desk.write("reports/bundle/x\x1b[2Jy", "")
    done = desk.run("verify")
    assert done.exit_code == ALTERED
    assert "\x1b[2J" not in done.output
    assert "\\x1b[2J" in done.stdout
    assert "x\\x1b[2Jy: does not belong" in done.stderr


@pytest.mark.parametrize("where", ["nothing-here", "config"])
def test_no_bundle_cannot_be_read(desk: Desk, where: str) -> None:
    done = desk.run("verify", where)
    assert done.exit_code == UNREADABLE
    assert "cannot be read:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("path", ["../../x", "/etc/passwd", "a//b", "C:/x", "a\\\\b", "./a"])
def test_a_manifest_leads_nowhere_else(desk: Desk, path: str) -> None:
    manifest = desk.bundle / "manifest.json"
    data = json.loads(manifest.read_bytes())
    data["files"].append({"path": path, "sha256": "0" * 64, "bytes": 0})
    manifest.write_bytes(canonical(data))
    found = look(desk)
    assert found.exit_status == ALTERED
    assert any("it is no plain path below the bundle" in problem for problem in found.problems)
