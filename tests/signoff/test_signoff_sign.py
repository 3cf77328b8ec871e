"""`kraken-golive sign`: what it signs, what it refuses, and that nothing is signed that nobody has read."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pytest_kraken_golive.reporting.verdict_file import VerdictFile

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from signed_project import Desk

pytest_plugins = ["signed_project"]


def signature(desk: Desk, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.reports / "signatures" / name).read_text())
    return found


def require_refused(desk: Desk, done: Result, *words: str, status: int = 1) -> None:
    assert done.exit_code == status, done.output
    for word in words:
        assert word in done.stderr, done.stderr
    assert "Next: " in done.stderr
    assert not list(desk.root.rglob("*.risk.json"))


def test_a_run_is_signed_beside_its_verdict_and_in_its_bundle(desk: Desk) -> None:
    before = {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()}
    done = desk.sign()
    assert done.exit_code == 0
    made = signature(desk, "run/alice.risk.json")["payload"]
    assert (made["signer"], made["name"], made["role"], made["statement"]) == (
        "alice",
        "Alice Adams",
        "risk",
        "I looked.",
    )
    assert (made["run_id"], made["verdict"], made["scope"]) == ("0123456789abcdef", "GO", "deployment, real")
    after = {path: path.read_bytes() for path in desk.root.rglob("*") if path.is_file()}
    new = sorted(path.relative_to(desk.reports).as_posix() for path in after.keys() - before.keys())
    assert new == ["bundle/signatures/run/alice.risk.json", "signatures/run/alice.risk.json", "signoff.html"]
    assert "Alice Adams" in (desk.reports / "signoff.html").read_text()
    assert all(after[path] == content for path, content in before.items()), "neither verdict nor config is written to"


def test_what_is_signed_is_shown(desk: Desk) -> None:
    out = desk.sign().stdout
    for word in ("GO (deployment, real): all 2 lines are proven", "reports/verdict.json", "bundle/manifest.json"):
        assert word in out
    for word in ("Alice Adams (alice) as risk", "I looked.", "production  yes", "2 passed"):
        assert word in out


def test_a_line_is_signed_by_what_it_rests_on(desk: Desk) -> None:
    done = desk.sign("risk-reviewed", by="bob")
    assert done.exit_code == 0, done.output
    assert "Risk has looked." in done.stdout
    assert "Next: pytest --golive" in done.stdout
    payload = signature(desk, "lines/risk-reviewed/bob.risk.json")["payload"]
    assert payload["line_id"] == "risk-reviewed"
    assert payload["subject"] == desk.line("risk-reviewed")["manual"]["subject"]


def test_a_line_of_a_no_go_can_be_signed_and_the_run_cannot(desk: Desk) -> None:
    desk.line("risk-reviewed")["outcome"] = "pending"
    desk.document.update(verdict="NO-GO", reason="risk-reviewed: nobody has signed", production_signoff=False)
    desk.finish()
    require_refused(desk, desk.sign(), "only a GO is signed")
    assert desk.sign("risk-reviewed").exit_code == 0


def test_a_line_that_a_check_judges_is_not_signed(desk: Desk) -> None:
    require_refused(desk, desk.sign("limits"), "limits: nobody has to sign it, for limits judges it")


def test_a_line_that_is_not_there(desk: Desk) -> None:
    require_refused(desk, desk.sign("risk-review"), "did you mean risk-reviewed?")


def test_a_role_that_the_line_does_not_ask_for(desk: Desk) -> None:
    done = desk.sign("risk-reviewed", role="trader")
    assert done.exit_code == 1
    assert "expected a signature as risk, found the role trader" in done.stderr


def test_a_role_that_the_signer_does_not_hold(desk: Desk) -> None:
    done = desk.sign(by="bob", role="trader")
    assert done.exit_code == 1
    assert "bob does not hold the role 'trader', but risk" in done.stderr


def test_a_key_that_is_not_listed(desk: Desk) -> None:
    require_refused(desk, desk.sign(by="mallory"), "found one that is nobody's in the policy")


def test_the_key_of_another(desk: Desk) -> None:
    require_refused(desk, desk.sign("--signer", "bob"), "lists for bob, found one that is that of alice")
    require_refused(desk, desk.sign("--signer", "carol"), "signers.carol: expected an entry, found none")


def test_who_holds_several_roles_says_which(desk: Desk) -> None:
    key = str(desk.key("alice"))
    done = desk.run("sign", "--yes", "--statement", "x", "--key", key)
    require_refused(desk, done, "alice holds the roles risk, trader. Next: say by --role")
    assert desk.run("sign", "--yes", "--statement", "x", "--key", str(desk.key("bob"))).exit_code == 0


def test_a_run_that_did_not_end(desk: Desk) -> None:
    VerdictFile(desk.reports).say_no_go("the run did not reach its end")
    for words in ((), ("risk-reviewed",)):
        require_refused(desk, desk.sign(*words), "the run did not reach its end")


@pytest.mark.parametrize("words", [(), ("risk-reviewed",)], ids=["run", "line"])
def test_a_verdict_of_other_files_than_there_are(desk: Desk, words: tuple[str, ...]) -> None:
    desk.write("config/runtime.yaml", "changed: true\n")
    require_refused(
        desk, desk.sign(*words), "config/runtime.yaml was changed since the run: the verdict is about other"
    )


def test_a_bundle_that_is_not_whole(desk: Desk) -> None:
    desk.write("reports/bundle/paper_report.json", "{ }")
    require_refused(desk, desk.sign(), "paper_report.json: was altered")


def test_no_bundle(desk: Desk) -> None:
    shutil.rmtree(desk.bundle)
    require_refused(desk, desk.sign(), "cannot be read")


def test_a_bundle_of_another_run(desk: Desk) -> None:
    kept = desk.root / "kept"
    shutil.copytree(desk.bundle, kept)
    desk.document["reason"] = "all is proven"
    desk.finish()
    shutil.rmtree(desk.bundle)
    shutil.copytree(kept, desk.bundle)
    require_refused(desk, desk.sign(), "is of another run than reports/verdict.json")


def test_a_second_signature_of_the_same_person_replaces_the_first(desk: Desk) -> None:
    desk.sign()
    first = signature(desk, "run/alice.risk.json")
    done = desk.run("sign", "--yes", "--role", "risk", "--statement", "Again.", "--key", str(desk.key("alice")))
    assert done.exit_code == 0
    assert signature(desk, "run/alice.risk.json")["payload"]["statement"] == "Again." != first["payload"]["statement"]
    assert desk.run("verify").exit_code == 0


def test_without_anybody_to_ask_nothing_is_signed(desk: Desk) -> None:
    key = str(desk.key("bob"))
    done = desk.run("sign", "--statement", "x", "--key", key)
    require_refused(desk, done, "nobody is there to confirm what is signed", status=2)
    done = desk.run("sign", "--yes", "--key", key)
    require_refused(desk, done, "--statement is missing", status=2)
    done = desk.run("sign", "--yes", "--statement", "x")
    require_refused(desk, done, "--key is missing", status=2)


@pytest.mark.parametrize("words", ["", "  ", "x\x1b[2Jy", "x\nwhole and signed", "x" * 2001])
def test_a_statement_is_plain_words(desk: Desk, words: str) -> None:
    key = str(desk.key("bob"))
    require_refused(desk, desk.run("sign", "--yes", "--statement", words, "--key", key), "statement")


def test_a_statement_holds_no_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKEN_API_SECRET", "kQH5HW/8p1uGOVjbgWA7")
    done = desk.run("sign", "--yes", "--statement", "it is kQH5HW/8p1uGOVjbgWA7", "--key", str(desk.key("bob")))
    require_refused(desk, done, "the statement holds a secret")
    assert "kQH5HW" not in done.output


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_a_key_that_others_can_read(desk: Desk) -> None:
    desk.key("alice").chmod(0o644)
    require_refused(desk, desk.sign(), "expected a file that only its owner can read", status=2)


def test_a_new_key_is_pasted_and_signs(desk: Desk) -> None:
    done = desk.run("sign", "--new-key", "keys/carol")
    assert done.exit_code == 0
    entry = yaml.safe_load(done.stdout[done.stdout.index("signers:") :])["signers"]["your_id"]
    text = (desk.root / "config/golive.yaml").read_text()
    desk.write("config/golive.yaml", f"{text}  carol: {json.dumps({**entry, 'roles': ['risk']})}\n")
    desk.finish()
    assert desk.run("sign", "--yes", "--statement", "x", "--key", "keys/carol").exit_code == 0
    inside = desk.key("carol").read_text().splitlines()[1]
    assert inside not in done.output
    done = desk.run("sign", "--new-key", "keys/carol")
    assert done.exit_code == 2
    assert "expected no file there, found one" in done.stderr
    assert desk.key("carol").read_text().splitlines()[1] == inside


def test_a_passphrase_comes_from_a_variable_or_a_private_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_PHRASE", "correct horse")
    done = desk.run("sign", "--new-key", "keys/carol", "--passphrase-env", "MY_PHRASE")
    key = yaml.safe_load(done.stdout[done.stdout.index("signers:") :])["signers"]["your_id"]["key"]
    desk.write_policy(f"  carol: {{name: Carol, key: {key}, roles: [risk]}}\n")
    desk.finish()
    signing = ["sign", "--yes", "--statement", "x", "--key", "keys/carol"]
    require_refused(desk, desk.run(*signing), "expected a passphrase for this key, found none", status=2)
    monkeypatch.delenv("MY_PHRASE")
    require_refused(desk, desk.run(*signing, "--passphrase-env", "MY_PHRASE"), "found none", status=2)
    phrase = desk.write("keys/phrase", "correct horse\n")
    phrase.chmod(0o644)
    done = desk.run(*signing, "--passphrase-file", "keys/phrase")
    require_refused(desk, done, "only its owner can read", status=2)
    phrase.chmod(0o600)
    done = desk.run(*signing, "--passphrase-file", "keys/phrase")
    assert done.exit_code == 0, done.output
    assert "correct horse" not in done.output


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_at_a_terminal_it_asks(desk: Desk, answer: str, status: int) -> None:
    words = ["sign", "--key", str(desk.key("bob"))]
    said, ended = at_terminal(desk.root, words, ["I looked.", answer])
    assert "Sign this?" in said
    assert said.index("bundle/manifest.json") < said.index("Sign this?"), "it is shown before it is asked"
    assert ended == status
    assert (desk.reports / "signatures/run/bob.risk.json").exists() == (status == 0)


def at_terminal(folder: Path, words: list[str], answers: list[str]) -> tuple[str, int]:
    """What a command says at a terminal where these lines are typed, each when it has asked; and its exit status."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "pytest_kraken_golive.cli", *words],
        cwd=folder,
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    said, until, waiting = "", time.monotonic() + 60, list(answers)
    try:
        while time.monotonic() < until:
            if not select.select([outer], [], [], 0.05)[0]:
                continue
            try:
                said += os.read(outer, 4096).decode()
            except OSError:  # the other end is closed
                break
            if waiting and said.rstrip().endswith((":", "[y/N]:")):
                os.write(outer, waiting.pop(0).encode() + b"\n")
                said += "\n"
        return said, process.wait(60)
    finally:
        process.kill()
        process.wait()
        os.close(outer)
