"""Without `--golive` the plugin costs nothing and its fixtures work in ordinary tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from golive_project import Project

pytest_plugins = ["golive_project"]

HEAVY = [
    *("httpx", "httpcore", "vcr", "pydantic", "markdown_it", "mdit_py_plugins", "starlette", "uvicorn", "yaml"),
    *(
        "allure_commons",
        "allure_pytest",
        "cryptography",
        "prometheus_client",
        "psutil",
        "xdist",
        "asyncio",
        "subprocess",
    ),
    *("pytest_kraken_golive.gate.start", "pytest_kraken_golive.rehearsal", "pytest_kraken_golive.sandbox"),
]

LOOK = f"""
import sys
import pytest
before = set(sys.modules)
import pytest_kraken_golive.plugin
heavy = {HEAVY!r}
found = [name for name in heavy if name in sys.modules and name not in before]
print("HEAVY:", found)
"""


def test_the_plugin_imports_nothing_heavy(project: Project, pytester: pytest.Pytester) -> None:
    done = pytester.run(sys.executable, "-c", LOOK)
    done.stdout.fnmatch_lines(["HEAVY: []"])


def test_a_plain_run_imports_nothing_heavy(
    project: Project, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From start to end, with no other plugin that could be the one who imports."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.write("pytest.ini", "[pytest]\n")
    ours = [name for name in HEAVY if name not in {"asyncio", "subprocess"}]
    project.write(
        "tests/test_plain.py",
        f"import sys\n\ndef test_plain():\n    assert [name for name in {ours!r} if name in sys.modules] == []\n",
    )
    done = pytester.run(sys.executable, "-m", "pytest", "-p", "pytest_kraken_golive.plugin")
    assert done.ret == 0
    assert not (project.root / "reports").exists()


ORDINARY = """
import httpx

def test_client(kraken_client, kraken_sandbox, evidence):
    balance = kraken_client.get_account_balance()
    evidence.record("exchange", balance)
    assert balance
    assert kraken_client.base_url == kraken_sandbox.url

def test_environment(kraken_environment, kraken_sandbox):
    assert kraken_environment["KRAKEN_BASE_URL"] == kraken_sandbox.url

def test_policy(policy):
    assert policy.paper.timeout_s > 0
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "workers"])
def test_fixtures_in_ordinary_tests(project: Project, arguments: tuple[str, ...]) -> None:
    project.write("tests/test_ordinary.py", ORDINARY)
    run = project.pytest("-W", "error", *arguments)
    assert run.exit_status == 0
    assert "3 passed" in run.out
    assert "GO" not in run.out
    assert run.verdict == {}


def test_fixtures_in_ordinary_tests_beside_a_gate(project: Project) -> None:
    project.small(a="yes")
    project.write("tests/test_ordinary.py", "def test_one(kraken_sandbox):\n    assert kraken_sandbox.url\n")
    project.gate("config", "tests").require("GO", 0)


def test_a_runbook_is_no_test_file_without_golive(project: Project) -> None:
    project.small(a="no")
    run = project.pytest()
    assert run.exit_status == 5
    run = project.pytest("config/runbooks/x.md")
    assert run.exit_status == 4
    assert run.verdict == {}


def test_a_gate_does_not_import_hypothesis_for_its_summary(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = -p no:randomly -p no:anyio\n")
    project.conftest(
        "import sys\n\n\ndef pytest_unconfigure():\n    print('HYPOTHESIS', 'hypothesis' in sys.modules)\n"
    )
    project.runbook("a holds value=yes")
    run = project.gate("-s")
    run.require("GO", 0)
    assert "HYPOTHESIS False" in run.said
