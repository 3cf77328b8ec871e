"""`kraken-golive env`: what people and programs see of an environment, and what they never see."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_kraken_golive.cli import main
from pytest_kraken_golive.deployment.secrets import key_fingerprint
from pytest_kraken_golive.operations.env import DONE, WRONG, summarise

KEY, SECRET = "K" * 56, base64.b64encode(bytes(range(64))).decode()
LINES = [f"KRAKEN_API_KEY={KEY}", f"KRAKEN_API_SECRET={SECRET}", "KRAKEN_USE_SANDBOX=false", "KRAKEN_RL_MD_CAP=9"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".env").write_text("\n".join(LINES), encoding="utf-8")
    return tmp_path


def test_people_see_every_value_with_its_place_and_no_secret(root: Path) -> None:
    summary = summarise(root / "config" / "runtime.yaml", {"KRAKEN_RL_MD_CAP": "8", "FF_EXECUTION_MODE": "legacy"})
    rows = {row.name: (row.value, row.places) for row in summary.rows}
    assert rows["mode"] == ("production", (".env:3 KRAKEN_USE_SANDBOX",))
    assert rows["base URL"] == ("https://api.kraken.com", ("default KRAKEN_BASE_URL",))
    assert rows["because"][0] == "production: KRAKEN_USE_SANDBOX=false; no KRAKEN_BASE_URL"
    assert rows["API key"] == (f"fingerprint {key_fingerprint(KEY)}", (".env:1 KRAKEN_API_KEY",))
    assert rows["API secret"] == ("*** (Base64 of 64 bytes)", (".env:2 KRAKEN_API_SECRET",))
    assert rows["kraken:market_data"] == (
        "8 tokens, 2 a second",
        ("process environment KRAKEN_RL_MD_CAP", "default KRAKEN_RL_MD_FR"),
    )
    assert rows["FF_EXECUTION_MODE"] == ("legacy", ("process environment FF_EXECUTION_MODE",))
    assert summary.hidden == ["process environment KRAKEN_RL_MD_CAP hides another value in .env:4 KRAKEN_RL_MD_CAP"]
    assert (summary.problems, summary.exit_status) == ([], DONE)
    for shown in (summary.text(), summary.as_json(), repr(summary)):
        assert KEY not in shown
        assert SECRET not in shown


def test_the_largest_real_order_has_its_place_too(root: Path) -> None:
    (root / ".env").write_text("\n".join([*LINES, "KRAKEN_MAX_ORDER_USD=25"]), encoding="utf-8")
    rows = {row.name: (row.value, row.places) for row in summarise(root / "config" / "runtime.yaml", {}).rows}
    assert rows["largest real order"] == ("25 USD", (".env:5 KRAKEN_MAX_ORDER_USD",))


def test_programs_get_the_same_as_json(root: Path) -> None:
    data = json.loads(summarise(root / "config" / "runtime.yaml", {}).as_json())
    assert data["mode"] == {"value": "production", "source": ".env:3 KRAKEN_USE_SANDBOX"}
    assert data["limits"]["kraken:order"] == {
        "capacity": 10.0,
        "fill_rate": 1.5,
        "sources": ["default KRAKEN_RL_ORDER_CAP", "default KRAKEN_RL_ORDER_FR"],
    }
    assert (data["largest_order_usd"], data["hidden"], data["problems"]) == (None, [], [])


def test_all_that_is_wrong_is_said_at_once_and_the_rest_is_shown(root: Path) -> None:
    text = "KRAKEN_USE_SANDBOX=\nKRAKEN_RL_ORDER_FR=nan\nKRAKEN_RL_MD_CAP=7\nFF_EXECUTION_MOD=legacy\n"
    (root / ".env").write_text(text, encoding="utf-8")
    summary = summarise(root / "config" / "runtime.yaml", {})
    starts = [problem.partition(": expected")[0] for problem in summary.problems]
    assert starts == [
        ".env:1 KRAKEN_USE_SANDBOX",
        ".env KRAKEN_API_KEY",
        ".env:2 KRAKEN_RL_ORDER_FR",
        ".env:4 FF_EXECUTION_MOD",
    ]
    assert all("Next: " in problem for problem in summary.problems)
    assert "7 tokens" in summary.text()
    data = json.loads(summary.as_json())
    assert (data["mode"], data["limits"]["kraken:order"], summary.exit_status) == (None, None, WRONG)


def test_a_broken_file_is_the_one_problem(root: Path) -> None:
    (root / ".env").write_bytes(b"A=1\nA=2\n")
    summary = summarise(root / "config" / "runtime.yaml", {})
    assert [problem[:9] for problem in summary.problems] == [".env:2 A:"]
    assert (summary.rows, summary.exit_status) == ([], WRONG)


def test_the_command_takes_the_deployment_from_its_configuration(root: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("KRAKEN_", "FF_"))}
    (root / "config").mkdir()
    (root / "config" / "runtime.yaml").write_text("trading: {}\n", encoding="utf-8")
    program = "from pytest_kraken_golive.cli import main; main()"
    words = [sys.executable, "-c", program, "env", "--config", str(root / "config" / "runtime.yaml")]
    done = subprocess.run(words, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout, "no colours where nobody sees them"
    assert done.stdout.splitlines()[0].split() == ["mode", "production", ".env:3", "KRAKEN_USE_SANDBOX"]


def test_a_configuration_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["env", "--config", str(tmp_path / "nowhere.yaml")])
    assert result.exit_code == WRONG
    assert "nowhere.yaml" in result.output
