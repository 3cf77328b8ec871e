"""The keys of a rehearsal are made up: they stay in a folder of its own, whatever store the configuration names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.secrets import DirectorySecretStore
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.build import rehearse

CONFIG = Path(__file__).resolve().parents[2] / "config"


@pytest.mark.parametrize(
    "section",
    [
        "secret_store:\n  kind: vault # the team's\n  url: https://vault.example.org\n",
        "secret_store: {'kind': 'keyring', service: bots}\r\n",
        "secret_store:\n  path: keys\n  kind: environment\n",
    ],
)
def test_no_key_goes_to_a_store_of_the_machine(tmp_path: Path, section: str) -> None:
    project, root = tmp_path / "project", tmp_path / "copy"
    shutil.copytree(CONFIG, project / "config")
    root.mkdir()
    runtime = project / "config" / "runtime.yaml"
    before = runtime.read_text(encoding="utf-8").partition("secret_store:")[0] + section
    runtime.write_bytes(before.encode())
    rehearse(project, root, Policy(), "kraken_desktop_paper")
    deployment = Deployment(root)
    assert isinstance(deployment.secrets, DirectorySecretStore)
    assert deployment.secrets.credentials("kraken_paper_trading").fingerprint
    changed = (root / "config" / "runtime.yaml").read_bytes().decode()
    assert [one for one in before.splitlines() if one not in changed.splitlines()] == [
        one for one in section.splitlines() if "kind" in one
    ]
