"""What a run has written is looked through at its very end: a credential in it is a NO-GO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

LEAKY = """
from pathlib import Path

@check("leaks")
def leaks(kraken_sandbox, evidence, request) -> None:
    secret = kraken_sandbox.credentials[1].get_secret_value()
    evidence.record("test", 1)
    folder = request.config.rootpath / "reports"
    (folder / "notes.txt").write_text(f"a\\n{secret}\\n", encoding="utf-8")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "worker"])
def test_a_credential_in_the_reports(project: Project, workers: tuple[str, ...]) -> None:
    project.deployment("keychain-key")
    project.conftest(LEAKY)
    project.runbook("a leaks")
    run = project.gate(*workers)
    run.require("NO-GO", 10, "reports/notes.txt:2: holds a credential")
    assert run.outcomes["a"] == "passed"
    secret = (project.root / "reports" / "notes.txt").read_text(encoding="utf-8").split()[1]
    assert secret not in run.said + str(run.verdict)
