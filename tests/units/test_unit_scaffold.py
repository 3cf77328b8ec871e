"""`kraken-golive init`: what it writes, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from pytest_kraken_golive.cli import main

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
