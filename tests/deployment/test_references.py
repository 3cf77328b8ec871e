"""A name that leads nowhere is told where it is written, with the name that was probably meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_kraken_golive.checks.config import entrypoint_environment, entrypoint_risk_profile
from pytest_kraken_golive.checks.paper_copies import PaperCopies
from pytest_kraken_golive.contract import Evidence, Fault
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.policy import Policy

CONFIG = Path(__file__).parents[2] / "config"
DESK = "kraken_desktop_paper"
ENVIRONMENTS, PROFILES = " environments (", " risk_profiles ("
ENTRYPOINTS, QUEUES = " trading.entrypoints (", " io_queue.exchanges ("


def judge(root: Path) -> None:
    """What the lines about entrypoints, profiles and queues look at."""
    deployment, evidence = Deployment(root), Evidence()
    runtime, core = deployment.runtime, deployment.core
    entrypoint_environment(runtime, core, Policy(), evidence, entrypoint=DESK, environment="kraken_paper")
    entrypoint_risk_profile(runtime, core, Policy(), evidence, entrypoint=DESK, profile="balanced")
    everyone = PaperCopies(runtime, core, Policy(), evidence)
    everyone.profiles()
    everyone.queues()


@pytest.mark.parametrize(
    ("file", "right", "wrong", "there"),
    [
        ("runtime", " environment: kraken_paper", "kraken_papper", ENVIRONMENTS),
        ("runtime", " risk_profile: balanced", "balansed", PROFILES),
        ("runtime", " entrypoint: kraken_desktop_paper", "kraken_desktop_paer", ENTRYPOINTS),
        ("runtime", " default_entrypoint: kraken_desktop_paper", "kraken_desktop_papr", ENTRYPOINTS),
        ("runtime", " io_queue: kraken_spot", "kraken_sopt", QUEUES),
        ("runtime", " default_profile: balanced", "ballanced", PROFILES),
        ("core", "\n      environment: kraken_paper", "krakn_paper", ENVIRONMENTS),
        ("core", " risk_profile: balanced", "balance", PROFILES),
    ],
)
def test_a_name_that_leads_nowhere(tmp_path: Path, file: str, right: str, wrong: str, there: str) -> None:
    shutil.copytree(CONFIG, tmp_path / "config")
    judge(tmp_path)
    path = tmp_path / "config" / f"{file}.yaml"
    before, after = path.read_text("utf-8").split(right, 1)
    key, _, meant = right.rpartition(": ")
    path.write_text(f"{before}{key}: {wrong}{after}", "utf-8")
    with pytest.raises(Fault) as caught:
        judge(tmp_path)
    message = str(caught.value)
    line = (before + key).count("\n") + 1
    assert message.startswith(f"config/{file}.yaml:{line} ")
    assert f"{key.strip()}: {wrong!r} is not in " in message
    assert there in message
    assert f"Next: did you mean {meant}? Else add {wrong} to" in message
