"""`kraken-golive docs`: what messages point to is there, wherever the package is installed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_kraken_golive.cli import main

ROOT = Path(__file__).parents[2]
POINTED_TO = sorted(
    {
        name
        for folder in ("pytest_kraken_golive", "config")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in {".py", ".yaml", ".md"} and "stock" not in file.parts
        for name in re.findall(r"kraken-golive docs ([a-z-]+)", file.read_text(encoding="utf-8"))
    }
)


def docs(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["docs", *words])
    return done.exit_code, done.output


def test_messages_point_to_pages() -> None:
    assert POINTED_TO == ["production", "sandbox", "sign-off", "your-own-parts"]


@pytest.mark.parametrize("name", POINTED_TO)
def test_a_page_is_shown_as_it_stands(name: str) -> None:
    status, said = docs(name)
    assert status == 0
    assert said.strip() == (ROOT / f"docs/{name}.md").read_text(encoding="utf-8").strip()


def test_all_pages_are_listed() -> None:
    status, said = docs()
    assert status == 0
    assert [row.split()[0] for row in said.splitlines()] == sorted(path.stem for path in (ROOT / "docs").iterdir())
    assert "sign-off            Sign-off\n" in said


def test_another_name_is_refused_with_those_that_there_are() -> None:
    status, said = docs("signoff")
    assert status == 2
    assert "there is no page 'signoff'" in said
    assert "sign-off" in said


def test_no_message_points_to_a_file_that_an_installed_package_has_not() -> None:
    files = [*(ROOT / "pytest_kraken_golive").rglob("*.py"), ROOT / "config/golive.yaml"]
    assert [file for file in files if re.search(r"docs/[a-z-]+\.md", file.read_text(encoding="utf-8"))] == []
