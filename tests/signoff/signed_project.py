"""A project with signers and a finished run, made of files alone; test modules name this file in `pytest_plugins`."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pytest_kraken_golive.cli import main
from pytest_kraken_golive.policy import Policy, load_policy
from pytest_kraken_golive.reporting.verdict_file import as_text, iso
from pytest_kraken_golive.signoff import bundle
from pytest_kraken_golive.signoff.digests import config_files, digest_files
from pytest_kraken_golive.signoff.places import discard
from pytest_kraken_golive.signoff.private_keys import SigningKey, new_key

SUBJECT = {part: hashlib.sha256(part.encode()).hexdigest() for part in ("line", "runbook", "config", "evidence")}
PEOPLE = {"alice": ("Alice Adams", "[trader, risk]"), "bob": ("Bob Brown", "[risk]")}

RUNBOOK = """\
---
stage: production
---
# Small

- The limits hold. <!-- golive: {id: limits, check: limits} -->
- Risk has looked. <!-- golive: {id: risk-reviewed, manual: true, roles: [risk]} -->
"""


@dataclass
class Desk:
    """The project."""

    root: Path
    keys: dict[str, SigningKey]
    document: dict[str, Any]
    """What `finish` writes as the verdict."""

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def bundle(self) -> Path:
        return self.reports / "bundle"

    @property
    def policy(self) -> Policy:
        policy = load_policy(self.root)
        assert policy is not None
        return policy

    def key(self, person: str) -> Path:
        return self.root / "keys" / person

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def write_policy(self, more: str = "", **people: tuple[str, str]) -> None:
        """`config/golive.yaml` with these signers, by default all that have a key."""
        rows = [
            f"  {one}:\n    name: {name}\n    key: {self.keys[one].public_text}\n    roles: {roles}\n"
            for one, (name, roles) in (people or PEOPLE).items()
        ]
        self.write("config/golive.yaml", "signers:\n" + "".join(rows) + more)

    def finish(self) -> None:
        """Write the verdict and its bundle, as the end of a run does; digests are those of the files as they are."""
        files = [*config_files([self.root / "config"]), self.root / ".env", self.root / "conftest.py"]
        digests = {Path(path).relative_to(self.root).as_posix(): one for path, one in digest_files(files).items()}
        self.document["scope"]["digests"] = digests
        for book in self.document["runbooks"]:
            book["sha256"] = digests[book["path"]]
            self.document["counts"] = {}
            for line in book["lines"]:
                self.document["counts"][line["outcome"]] = self.document["counts"].get(line["outcome"], 0) + 1
        self.put()
        discard(self.reports)
        bundle.build(self.reports, self.root, allure=self.reports / "allure-results")

    def put(self) -> None:
        """Write the verdict alone."""
        self.write("reports/verdict.json", as_text(self.document))

    def line(self, line_id: str) -> dict[str, Any]:
        lines = {line["id"]: line for book in self.document["runbooks"] for line in book["lines"]}
        found: dict[str, Any] = lines[line_id]
        return found

    def run(self, *words: str, **more: Any) -> Result:
        """A command, in the project's folder."""
        here = Path.cwd()
        os.chdir(self.root)
        try:
            done = CliRunner().invoke(main, list(words), **more)
        finally:
            os.chdir(here)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done

    def sign(self, *words: str, by: str = "alice", role: str = "risk") -> Result:
        """`kraken-golive sign`, as a script calls it."""
        return self.run("sign", *words, "--yes", "--role", role, "--statement", "I looked.", "--key", str(self.key(by)))

    def git(self) -> str:
        """Commit all but the reports; the run is of that commit."""
        self.write(".gitignore", "reports/\nkeys/\n")
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
            me = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
            subprocess.run(["git", "-C", str(self.root), *me, *words], check=True, capture_output=True)
        done = subprocess.run(
            ["git", "-C", str(self.root), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
        )
        self.document["commit"] = done.stdout.strip()
        return done.stdout.strip()


def document(now: dt.datetime, *, deployment: str) -> dict[str, Any]:
    """A GO for production, as far as a document can be one."""
    passed: dict[str, Any] = {
        "waiver": None,
        "manual": None,
        "signatures": [],
        "message": "",
        "section": ["Small"],
        "params": {},
        "line": 6,
        "unread": None,
        "follows_from": None,
        "duration_s": 0.1,
    }
    return {
        "schema_version": 1,
        "run_id": "0123456789abcdef",
        "verdict": "GO",
        "reason": "all 2 lines are proven",
        "blockers": [],
        "troubles": [],
        "production_signoff": True,
        "scope": {
            "name": "deployment, real",
            "deployment": deployment,
            "exchange": "real",
            "hosts": ["127.0.0.1", "api.kraken.com"],
            "overridden_fixtures": {},
            "replaced_checks": [],
            "own_checks": [],
            "not_asked": [],
            "answered": {"https://api.kraken.com": {"Balance": 2}},
        },
        "started_at": iso(now - dt.timedelta(minutes=2)),
        "finished_at": iso(now - dt.timedelta(minutes=1)),
        "valid_until": iso(now + dt.timedelta(hours=23)),
        "commit": None,
        "dirty": False,
        "counts": {},
        "waivers": [],
        "runbooks": [
            {
                "path": "config/runbooks/x.md",
                "stage": "production",
                "title": "Small",
                "owner": None,
                "lines": [
                    {
                        **passed,
                        "id": "limits",
                        "text": "The limits hold.",
                        "check": "limits",
                        "outcome": "passed",
                        "evidence": [{"source": "test", "value": 1}],
                    },
                    {
                        **passed,
                        "id": "risk-reviewed",
                        "text": "Risk has looked.",
                        "check": None,
                        "outcome": "passed",
                        "evidence": [{"source": "test", "value": 1}],
                        "manual": {"roles": ["risk"], "persons": 1, "subject": SUBJECT},
                    },
                ],
            }
        ],
    }


@pytest.fixture
def make_desk(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Desk]:
    """Makes projects."""

    def make() -> Desk:
        root = tmp_path_factory.mktemp("desk")
        (root / "keys").mkdir()
        keys = {person: new_key(root / "keys" / person, None) for person in (*PEOPLE, "mallory")}
        desk = Desk(root, keys, document(dt.datetime.now(dt.UTC), deployment=str(root)))
        desk.write("config/runbooks/x.md", RUNBOOK)
        desk.write("config/runtime.yaml", "core: {path: core.yaml}\n")
        desk.write("reports/bot.log", "started\nended\n")
        desk.write("reports/paper_report.json", "{}\n")
        desk.write("reports/logs/guardrails/guardrails.log", "quiet\n")
        desk.write("reports/allure-results/b-result.json", json.dumps({"name": "b"}))
        desk.write("reports/allure-results/a-result.json", json.dumps({"name": "a"}))
        desk.write_policy()
        return desk

    return make


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    """A project with a finished run and its bundle; nobody has signed."""
    made = make_desk()
    made.finish()
    return made
