"""The copy that a break alters: what it wants to alter must be there, and nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from pytest_kraken_golive.rehearsal.altered import AlteredCopy


@pytest.fixture
def copy(tmp_path: Path) -> AlteredCopy:
    root = tmp_path / "deployment"
    (root / "config").mkdir(parents=True)
    (root / "config" / "core.yaml").write_text("a:\n  b: {c: 1}\n  list: [x, {y: 2}]\n8: eight\n", encoding="utf-8")
    (root / "report.json").write_text('{"summary": {"status": "ok", "names": ["é"]}}', encoding="utf-8")
    project = tmp_path / "project"
    project.mkdir()
    return AlteredCopy(root, project)


def core(copy: AlteredCopy) -> object:
    return yaml.safe_load(copy.read("config/core.yaml"))


def test_edit_sets_a_key_and_keeps_the_rest(copy: AlteredCopy) -> None:
    copy.edit("config/core.yaml", "a.b.c", "NO")
    copy.edit("config/core.yaml", "a.list.1.y", [3])
    copy.edit("config/core.yaml", "a.new", None)
    assert core(copy) == {"a": {"b": {"c": "NO"}, "list": ["x", {"y": [3]}], "new": None}, 8: "eight"}
    copy.edit("report.json", "summary.names.0", "è")
    assert json.loads(copy.read("report.json")) == {"summary": {"status": "ok", "names": ["è"]}}


def test_drop_removes_a_key_and_keeps_the_rest(copy: AlteredCopy) -> None:
    copy.drop("config/core.yaml", "a.list.0")
    copy.drop("config/core.yaml", "a.b.c")
    assert core(copy) == {"a": {"b": {}, "list": [{"y": 2}]}, 8: "eight"}


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("edit", ("config/core.yaml", "none.c", 1)),
        ("edit", ("config/core.yaml", "a.b.c.d", 1)),
        ("edit", ("config/core.yaml", "a.list.9", 1)),
        ("edit", ("config/none.yaml", "a", 1)),
        ("drop", ("config/core.yaml", "a.none")),
        ("drop", ("config/core.yaml", "a.list.9")),
        ("replace", ("config/core.yaml", "not there", "x")),
        ("remove", ("config/none.yaml",)),
        ("read", ("config/none.yaml",)),
        ("files", ("*.none",)),
    ],
)
def test_what_is_not_there_cannot_be_broken(copy: AlteredCopy, method: str, arguments: tuple[object, ...]) -> None:
    before = copy.read("config/core.yaml")
    with pytest.raises((LookupError, TypeError, OSError)):
        getattr(copy, method)(*arguments)
    assert copy.read("config/core.yaml") == before


def test_replace_is_once_and_exact(copy: AlteredCopy) -> None:
    copy.write("text", b"one\r\ntwo\r\none\r\n")
    copy.replace("text", "one", "1")
    assert (copy.root / "text").read_bytes() == b"1\r\ntwo\r\none\r\n"


def test_lines_are_found_however_the_file_ends_them(copy: AlteredCopy) -> None:
    copy.write("text", b"one\r\ntwo\r\nthree\r\n")
    copy.replace("text", "one\ntwo", "1\n2\n2.5")
    assert (copy.root / "text").read_bytes() == b"1\r\n2\r\n2.5\r\nthree\r\n"


def test_write_makes_folders_and_remove_deletes(copy: AlteredCopy) -> None:
    copy.write("logs/deep/x.log", "é\n")
    copy.write("logs/deep/y.log", b"\xff")
    assert copy.read("logs/deep/x.log") == "é\n"
    assert copy.files("logs/**/*.log") == ["logs/deep/x.log", "logs/deep/y.log"]
    copy.remove("logs/deep/y.log")
    assert copy.files("logs/**/*.log") == ["logs/deep/x.log"]
