"""The bundle: whole, the same each time, of this run alone."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.signoff import bundle
from pytest_kraken_golive.signoff.bundle import LOG_HEAD, LOG_TAIL, LOG_WHOLE, BundleError, build, excerpt
from pytest_kraken_golive.signoff.places import discard
from pytest_kraken_golive.signoff.verify import verify

if TYPE_CHECKING:
    from signed_project import Desk

pytest_plugins = ["signed_project"]


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rebuilt(desk: Desk, **more: object) -> dict[str, bytes]:
    build(desk.reports, desk.root, allure=desk.reports / "allure-results", **more)  # type: ignore[arg-type]
    return content(desk.bundle)


def test_it_holds_what_the_verdict_rests_on(desk: Desk) -> None:
    desk.write("config/golive.lock.yaml", "lines: {}\n")
    desk.write("reports/signoff.html", "<!doctype html>")
    desk.finish()
    found = content(desk.bundle)
    assert sorted(found) == [
        "allure-results.zip",
        "logs/bot.log",
        "logs/guardrails/guardrails.log",
        "manifest.json",
        "paper_report.json",
        "project/config/golive.lock.yaml",
        "project/config/golive.yaml",
        "project/config/runbooks/x.md",
        "signoff.html",
        "verdict.json",
    ]
    assert found["verdict.json"] == (desk.reports / "verdict.json").read_bytes()
    manifest = json.loads(found["manifest.json"])
    assert [entry["path"] for entry in manifest["files"]] == sorted(set(found) - {"manifest.json"})


def test_built_twice_it_is_the_same_byte_for_byte(desk: Desk) -> None:
    first = content(desk.bundle)
    for path in desk.reports.rglob("*"):
        if path.is_file() and "bundle" not in path.parts:
            path.write_bytes(path.read_bytes())  # other times, other order in the folder
    assert rebuilt(desk) == first


def test_allure_results_are_stored_sorted_and_without_times(desk: Desk) -> None:
    with zipfile.ZipFile(desk.bundle / "allure-results.zip") as packed:
        assert packed.namelist() == ["a-result.json", "b-result.json"]
        assert {(one.compress_type, one.date_time) for one in packed.infolist()} == {
            (zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0))
        }
    assert b'{"name": "a"}' in (desk.bundle / "allure-results.zip").read_bytes()


def test_a_short_log_is_whole_and_a_long_one_is_cut_at_lines(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"y" * LOG_WHOLE)
    assert excerpt(log) == b"y" * LOG_WHOLE
    rows = [b"%07d\n" % number for number in range(100_000)]
    log.write_bytes(b"".join(rows))
    found = excerpt(log)
    assert len(found) < LOG_HEAD + LOG_TAIL + 100
    head, _, tail = found.partition(b"[... ")
    left_out, _, tail = tail.partition(b" bytes left out ...]\n")
    assert head.splitlines(keepends=True) == rows[: head.count(b"\n")]
    assert tail.splitlines(keepends=True) == rows[-tail.count(b"\n") :]
    assert len(head) + int(left_out) + len(tail) == log.stat().st_size


def test_what_an_earlier_run_left_is_no_evidence_of_this_one(desk: Desk) -> None:
    for name in ("paper_report.json", "bot.log", "allure-results/a-result.json"):
        os.utime(desk.reports / name, (1, 1))
    found = rebuilt(desk)
    assert "paper_report.json" not in found
    assert "logs/bot.log" not in found
    assert b"a-result.json" not in found["allure-results.zip"]


def test_links_are_not_followed(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("outside")
    os.symlink(secret, desk.reports / "logs" / "x.log")
    os.symlink(secret, desk.reports / "allure-results" / "c.json")
    assert b"outside" not in b"".join(rebuilt(desk).values())


def test_a_file_that_changed_since_it_was_judged_makes_no_bundle(desk: Desk) -> None:
    discard(desk.reports)
    desk.write("config/golive.yaml", "paper: {run_s: 1}\n")
    with pytest.raises(BundleError, match=r"config/golive\.yaml is not what the run judged any more"):
        rebuilt(desk)
    assert [path.name for path in desk.reports.glob("*bundle*")] == []


def test_a_secret_in_a_projects_file_makes_no_bundle(desk: Desk) -> None:
    discard(desk.reports)
    with pytest.raises(BundleError, match=r"x\.md:7 holds a secret") as refused:
        rebuilt(desk, leaks_at=lambda text: text.find("Risk has looked") if "Risk has looked" in text else None)
    assert "Risk" not in str(refused.value)


def test_a_runbook_that_lies_elsewhere_is_kept_too(desk: Desk, tmp_path: Path) -> None:
    book = tmp_path / "y.md"
    book.write_bytes((desk.root / "config/runbooks/x.md").read_bytes())
    sha256 = hashlib.sha256(book.read_bytes()).hexdigest()
    desk.document["runbooks"][0] |= {"path": str(book), "sha256": sha256}
    desk.document["scope"]["digests"][str(book)] = sha256
    desk.put()
    assert rebuilt(desk)[f"elsewhere/{sha256[:12]}-y.md"] == book.read_bytes()
    found = verify(desk.bundle, desk.policy, dt.datetime.now(dt.UTC))
    assert not found.problems


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_name_that_not_every_system_can_have_makes_no_bundle(desk: Desk) -> None:
    discard(desk.reports)
    desk.write("reports/logs/a\\b.log", "quiet\n")
    with pytest.raises(BundleError, match="no plain path"):
        rebuilt(desk)
    assert list(desk.reports.glob("*bundle*")) == []


def test_a_run_that_did_not_end_has_no_bundle(desk: Desk) -> None:
    desk.document |= {"run_id": None, "finished_at": None}
    desk.put()
    with pytest.raises(BundleError, match="the verdict was not written"):
        rebuilt(desk)


def test_a_new_run_begins_without_bundle_and_signatures_of_the_old_one(desk: Desk) -> None:
    desk.sign()
    desk.write("reports/signatures/lines/x/alice.risk.json", "{}")
    desk.write("reports/.bundle-killed/old/x", "left by a run that was killed")
    discard(desk.reports)
    left = sorted(path.relative_to(desk.reports).as_posix() for path in desk.reports.rglob("*bundle*"))
    assert left == []
    assert not (desk.reports / "signatures/run").exists()
    assert (desk.reports / "signatures/lines/x/alice.risk.json").exists(), "a line's signature outlives a run"


def test_a_bundle_that_is_a_link_is_unlinked_and_what_it_leads_to_stays(desk: Desk, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    shutil.move(desk.bundle, kept)
    os.symlink(kept, desk.bundle)
    discard(desk.reports)
    assert not os.path.lexists(desk.bundle)
    assert (kept / "manifest.json").exists()


BUILDER = """
import sys
from pathlib import Path
from pytest_kraken_golive.signoff.bundle import build
root = Path(sys.argv[1])
print("ready", flush=True)
while True:
    build(root / "reports", root, allure=root / "reports/allure-results")
"""


def test_who_is_killed_while_building_leaves_a_whole_bundle_or_none(desk: Desk) -> None:
    for number in range(200):
        desk.write(f"reports/allure-results/{number}-result.json", "x" * 1000)
    random = Random(7)
    for _ in range(8):
        discard(desk.reports)
        with subprocess.Popen([sys.executable, "-c", BUILDER, str(desk.root)], stdout=subprocess.PIPE) as builder:
            assert builder.stdout is not None
            assert builder.stdout.readline() == b"ready\n"
            time.sleep(random.uniform(0, 0.15))
            builder.kill()
        assert not desk.bundle.exists() or not verify(desk.bundle, desk.policy, dt.datetime.now(dt.UTC)).problems
    discard(desk.reports)
    assert list(desk.reports.glob("*bundle*")) == [], "what was left beside goes with the next run"


def test_when_writing_fails_nothing_half_written_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    discard(desk.reports)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "bundle")

    monkeypatch.setattr(bundle, "_copy", full)
    with pytest.raises(BundleError, match="bundle: No space left on device"):
        rebuilt(desk)
    assert list(desk.reports.glob("*bundle*")) == []
