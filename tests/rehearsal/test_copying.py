"""A copy of a deployment: links, loops, pipes and sockets, and no way back to the real one."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from pytest_kraken_golive.rehearsal.copying import copy_tree
from pytest_kraken_golive.rehearsal.unlicensed import copy_without_licence

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there, pipes lie elsewhere")


@pytest.fixture
def real(tmp_path: Path) -> Path:
    root = tmp_path / "real"
    (root / "config").mkdir(parents=True)
    (root / "config" / "runtime.yaml").write_text("a: 1\n", encoding="utf-8")
    return root


def test_links_lead_to_the_copy_or_become_what_they_lead_to(real: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "state.json").write_text("{}", encoding="utf-8")
    (real / "same").symlink_to("config")
    (real / "config" / "absolute.yaml").symlink_to(real / "config" / "runtime.yaml")
    (real / "shared").symlink_to("../shared")
    (real / "state.json").symlink_to(shared / "state.json")
    copy = tmp_path / "copy"
    assert copy_tree(real, copy) == []
    assert os.readlink(copy / "same") == "config"
    for name in ("same/runtime.yaml", "config/absolute.yaml"):
        assert (copy / name).resolve() == copy / "config" / "runtime.yaml"
    for name in ("state.json", "shared/state.json"):
        (copy / name).write_text("changed", encoding="utf-8")
    assert (shared / "state.json").read_text("utf-8") == "{}"


def test_what_leads_nowhere_or_around_stays_a_link(real: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, leads_to in ((one, other), (other, one)):
        folder.mkdir()
        (folder / "next").symlink_to(leads_to)
    for name, target in (("gone", "nowhere"), ("itself", "itself"), ("above", ".."), ("here", "."), ("one", one)):
        (real / name).symlink_to(target)
    copy = tmp_path / "copy"
    assert copy_tree(real, copy) == []
    assert {name: os.readlink(copy / name) for name in ("gone", "itself", "above", "here")} == {
        "gone": "nowhere",
        "itself": "itself",
        "above": "..",
        "here": ".",
    }
    assert (copy / "one" / "next" / "next").is_symlink()


def test_pipes_and_sockets_are_left_out(real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(real / "config" / "pipe")
    monkeypatch.chdir(real)  # a socket's path may not be long
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("bot.sock")
        assert copy_tree(real, tmp_path / "copy") == ["bot.sock", "config/pipe"]
    assert sorted(os.listdir(tmp_path / "copy")) == ["config"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_named(real: Path, tmp_path: Path) -> None:
    (real / "config" / "runtime.yaml").chmod(0)
    with pytest.raises(OSError, match=r"runtime\.yaml"):
        copy_tree(real, tmp_path / "copy")


def test_a_licence_behind_a_link_is_gone_from_the_copy_alone(real: Path, tmp_path: Path) -> None:
    (real / "licences").mkdir()
    (real / "licences" / "license.json").write_text("{}", encoding="utf-8")
    (real / "active").symlink_to(real / "licences")
    config = "licensing: {license: {license_path: active/license.json}}\n"
    (real / "config" / "runtime.yaml").write_text(config, encoding="utf-8")
    assert copy_without_licence(real, tmp_path / "copy")
    assert not (tmp_path / "copy" / "licences" / "license.json").exists()
    assert (real / "licences" / "license.json").exists()


def test_what_is_removed_meanwhile_is_left_out_of_a_living_folder(real: Path, tmp_path: Path) -> None:
    (real / "runtime.pid").write_text("1", encoding="utf-8")

    def removed(folder: str, names: list[str]) -> list[str]:
        (real / "runtime.pid").unlink(missing_ok=True)  # after the names were read
        return []

    assert copy_tree(real, tmp_path / "copy", removed, living=True) == []
    assert (tmp_path / "copy" / "config" / "runtime.yaml").is_file()
    (real / "runtime.pid").write_text("1", encoding="utf-8")
    with pytest.raises(FileNotFoundError):
        copy_tree(real, tmp_path / "other", removed)
