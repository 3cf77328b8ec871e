"""`kraken-golive init`: what it writes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_kraken_golive.cli import main
from pytest_kraken_golive.scaffold import scaffold

PRODUCTION = "config/runbooks/production_cutover.md"


def init(folder: Path, *options: str) -> str:
    done = CliRunner().invoke(main, ["init", str(folder), *options])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_production_runbook_comes_only_where_it_is_wanted(tmp_path: Path) -> None:
    said = init(tmp_path)
    assert not (tmp_path / PRODUCTION).exists()
    assert "+ config/runbooks/paper_go_live.md" in said
    said = init(tmp_path, "--with-production")
    assert f"+ {PRODUCTION}" in said
    assert "= config/runbooks/paper_go_live.md (kept as it is)" in said
    assert (tmp_path / PRODUCTION).read_text(encoding="utf-8").startswith("---\nstage: production\n")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "conftest.py"
    mine.write_text("# mine\n", encoding="utf-8")
    assert "= conftest.py (kept as it is)" in init(tmp_path)
    assert mine.read_text(encoding="utf-8") == "# mine\n"


def test_a_new_project_tells_pytest_where_its_root_is(tmp_path: Path) -> None:
    written, kept = scaffold(tmp_path)
    assert "pytest.ini" in written
    assert kept == []
    assert (tmp_path / "pytest.ini").read_text("utf-8").startswith("[pytest]\n")
    again, kept = scaffold(tmp_path)
    assert again == []
    assert set(kept) == set(written) - {"pytest.ini"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.toml", ""),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("tox.ini", "[pytest]\n"),
        ("setup.cfg", "[tool:pytest]\n"),
    ],
)
def test_a_project_that_has_told_pytest_is_left_alone(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert "pytest.ini" not in scaffold(tmp_path)[0]


def test_a_file_for_other_tools_tells_pytest_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert "pytest.ini" in scaffold(tmp_path)[0]
