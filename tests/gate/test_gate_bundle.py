"""The whole way with the real gate: run, sign, verify, verdict; and what a new run makes of the old one's bundle."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pytest_kraken_golive.signoff.private_keys import new_key

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]


def command(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest_kraken_golive.cli", *words],
        cwd=project.root,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def with_a_signer(project: Project) -> None:
    key = new_key(project.root / "key", None).public_text
    project.write("config/golive.yaml", f"signers:\n  alice: {{name: Alice, key: {key}, roles: [risk]}}\n")


SIGN = ("sign", "--yes", "--statement", "I looked.", "--key", "key")


@pytest.mark.parametrize("workers", ["", "-n2"])
def test_run_sign_verify_verdict(project: Project, workers: str) -> None:
    with_a_signer(project)
    project.small(a="yes", b="yes")
    project.gate(*[workers] * bool(workers)).require("GO", 0)
    assert command(project, "verify").returncode == 3
    done = command(project, *SIGN)
    assert done.returncode == 0, done.stderr
    done = command(project, "verify")
    assert done.returncode == 0, done.stderr
    assert "Alice (alice) as risk" in done.stdout
    assert command(project, "verdict", "--require", "rehearsal", "--max-age", "1h").returncode == 0
    done = command(project, "verdict", "--require", "production")
    assert done.returncode == 1
    assert "a rehearsal was judged, no deployment" in done.stderr
    project.edit("reports/bundle/project/config/runbooks/x.md", "true", "trve")
    done = command(project, "verify")
    assert done.returncode == 1
    assert "project/config/runbooks/x.md: was altered" in done.stderr


def test_a_no_go_has_a_bundle_and_is_not_signed(project: Project) -> None:
    with_a_signer(project)
    project.small(a="no")
    project.gate().require("NO-GO", 10)
    assert command(project, "verify").returncode == 3
    done = command(project, *SIGN)
    assert done.returncode == 1
    assert "only a GO is signed" in done.stderr
    assert command(project, "verdict").returncode == 10


def test_a_killed_run_leaves_no_bundle_of_the_run_before(project: Project) -> None:
    with_a_signer(project)
    project.small("import time\n", a="yes")
    project.gate().require("GO", 0)
    assert command(project, *SIGN).returncode == 0
    project.small('import time\n@check("waits")\ndef waits(evidence: Evidence) -> None:\n    time.sleep(600)\n')
    project.runbook("a waits")
    of_the_run = ("reports/bundle", "reports/signatures/run")
    run = project.start()
    try:
        until = time.monotonic() + 60
        while any((project.root / old).exists() for old in of_the_run) and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        run.kill()
        run.wait()
        project.end_all()
    assert not any((project.root / old).exists() for old in of_the_run)
    assert command(project, "verify").returncode == 2
    assert command(project, "verdict", "--require", "rehearsal").returncode == 1


def test_a_run_that_could_not_start_leaves_none_either(project: Project) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    project.write("config/golive.yaml", "signers: 3\n")
    project.gate().require_refusal("config/golive.yaml:1 signers")
    assert not (project.root / "reports/bundle").exists()


def test_help_leaves_the_bundle_alone(project: Project) -> None:
    project.small(a="yes")
    project.gate().require("GO", 0)
    before = project.state("reports/bundle")
    project.pytest("--golive", "--help")
    assert project.state("reports/bundle") == before


def test_a_secret_in_the_policy_makes_no_bundle_and_is_not_shown(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_TOKEN", "kQH5HW8p1uGOVjbg")
    project.small(a="yes")
    project.write("config/golive.yaml", "# kQH5HW8p1uGOVjbg\npaper: {run_s: 2.0}\n")
    run = project.gate()
    run.require("GO", 0)
    assert "no bundle: config/golive.yaml:1 holds a secret" in run.out
    assert "kQH5HW8p1uGOVjbg" not in run.said
    assert not (project.root / "reports/bundle").exists()
