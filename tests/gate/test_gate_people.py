"""Lines that people judge: pending until those have signed who must, and again when what they signed is no more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import yaml

from pytest_kraken_golive.signoff.private_keys import new_key

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

READ = "The limits are read. <!-- golive: {id: limits-read, manual: true, roles: [risk, trading], persons: 2} -->"
SEEN = "The figure is right. <!-- golive: {id: seen, check: holds, value: yes, manual: true, roles: [risk]} -->"


def with_signers(project: Project) -> None:
    roles = {"alice": ["risk", "trading"], "bob": ["trading"]}
    signers = {
        name: {"name": name.title(), "key": new_key(project.root / f"{name}.key", None).public_text, "roles": held}
        for name, held in roles.items()
    }
    project.write("config/golive.yaml", yaml.safe_dump({"signers": signers}))


def sign(project: Project, line: str, by: str, role: str) -> None:
    words = [
        "sign",
        line,
        "--signer",
        by,
        "--role",
        role,
        "--key",
        f"{by}.key",
        "--statement",
        "I have read it",
        "--yes",
    ]
    status, said = project.command(*words)
    assert status == 0, said


def test_a_line_is_pending_until_everybody_has_signed_who_must(project: Project) -> None:
    project.conftest()
    project.runbook("a holds value=yes", READ, SEEN)
    with_signers(project)
    run = project.gate()
    run.require("NO-GO", 10, "limits-read: nobody has signed as risk; nobody has signed as trading; 0 of 2 needed")
    assert run.outcomes == {"a": "passed", "limits-read": "pending", "seen": "pending"}
    assert "kraken-golive sign limits-read --role risk" in run.message("limits-read")
    sign(project, "limits-read", "alice", "risk")
    assert "kraken-golive sign limits-read --role trading" in project.gate().message("limits-read")
    sign(project, "limits-read", "alice", "trading")
    sign(project, "seen", "alice", "risk")
    run = project.gate()
    run.require("NO-GO", 10, "limits-read: 1 of 2 needed persons have signed")  # one person in two roles is no two
    assert "signed so far: Alice as risk, Alice as trading" in run.message("limits-read")
    assert run.outcomes["seen"] == "signed"
    sign(project, "limits-read", "bob", "trading")
    for run in (project.gate(), project.gate("-n", "1")):
        run.require("GO", 0, "1 of 3 lines are proven, 2 signed")
        assert [one["name"] for one in run.lines["limits-read"]["signatures"]] == ["Alice", "Alice", "Bob"]
        assert {one["source"] for one in run.lines["seen"]["evidence"]} == {
            "test",
            "signatures/lines/seen/alice.risk.json",
        }
    project.edit("config/golive.yaml", "name: Bob", "name: Robert")
    run = project.gate()
    run.require("NO-GO", 10, "alice signed another configuration than there is now")
    assert run.outcomes == {"a": "passed", "limits-read": "pending", "seen": "pending"}


def test_what_a_check_finds_comes_before_what_people_say(project: Project) -> None:
    project.conftest()
    project.runbook(SEEN.replace("value: yes", "value: no"), READ)
    run = project.gate()
    assert run.outcomes == {"seen": "failed", "limits-read": "pending"}
    assert "name somebody who signs as risk and as trading under signers" in run.message("limits-read")
    waiver = {
        "line": "seen",
        "reason": "r",
        "approver": "Carol",
        "ticket": "T-1",
        "digest": run.lines["seen"]["digest"],
    }
    expires = (dt.datetime.now(dt.UTC) + dt.timedelta(days=9)).date().isoformat()
    project.write("config/golive.yaml", yaml.safe_dump({"waivers": [waiver | {"expires": expires}]}))
    run = project.gate()
    assert run.outcomes["seen"] == "failed"
    run.require("NO-GO", 10, "the waiver for 'seen' does not count: people must sign that line")


def test_who_must_sign_is_part_of_the_line(project: Project) -> None:
    project.conftest()
    project.runbook(SEEN)
    project.gate()
    project.accepts = False
    project.edit("config/runbooks/x.md", "manual: true, roles: [risk]", "manual: true, roles: [risk], persons: 1")
    assert project.gate().outcomes == {"seen": "pending"}
    project.edit("config/runbooks/x.md", ", manual: true, roles: [risk], persons: 1", "")
    run = project.gate()
    assert run.outcomes == {"seen": "suspect"}
    assert run.message("seen").startswith("its binding (check, parameters, signers) changed since")


def test_a_bot_of_another_version_needs_another_signature(project: Project) -> None:
    project.conftest()
    project.runbook("a holds value=yes", SEEN)
    with_signers(project)
    project.write("bot.py", "VERSION = 1\n")
    policy = yaml.safe_load((project.root / "config/golive.yaml").read_text(encoding="utf-8"))
    project.write("config/golive.yaml", yaml.safe_dump(policy | {"commands": {"bot": {"run": ["python", "bot.py"]}}}))
    project.gate().require("NO-GO", 10, "seen: nobody has signed as risk")
    sign(project, "seen", "alice", "risk")
    for arguments in ((), ("-n", "2")):
        project.gate(*arguments).require("GO", 0, "1 signed")
    project.write("bot.py", "VERSION = 2\n")
    project.gate().require("NO-GO", 10, "alice signed another configuration than there is now")
