"""Whether git holds a file: asked of real repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from pydantic import SecretStr

from pytest_kraken_golive.contract import NotProven
from pytest_kraken_golive.deployment.git_files import files_with, look_up


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    (root / ".gitignore").write_text("# keep out\n.env\n", encoding="utf-8")
    git(root, "add", ".gitignore")
    git(root, "commit", "-q", "-m", "first")
    (root / ".env").write_text("A=1\n", encoding="utf-8")
    return root


def test_an_ignored_file_that_was_never_committed(repository: Path) -> None:
    found = look_up(repository / ".env", ".env")
    assert (found.tracked, found.ignored_by, found.commits) == (False, ".gitignore:2:.env", [])


def test_a_file_added_by_force_is_tracked_although_a_rule_names_it(repository: Path) -> None:
    git(repository, "add", "-f", ".env")
    found = look_up(repository / ".env", ".env")
    assert (found.tracked, found.ignored_by) == (True, ".gitignore:2:.env")


def test_a_commit_long_ago_on_a_branch_that_is_gone_is_found(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "old")
    git(repository, "add", "-f", ".env")
    git(repository, "commit", "-q", "-m", "oops")
    commit = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "checkout", "-q", "main")
    git(repository, "branch", "-q", "-D", "old")
    assert look_up(repository / ".env", ".env").commits == [commit]


def test_a_file_in_the_stash_is_found(repository: Path) -> None:
    git(repository, "add", "-f", ".env")
    git(repository, "stash", "-q")
    assert look_up(repository / ".env", ".env").commits


@pytest.mark.parametrize("rules", ["", "/other/.env\n", ".env\n!.env\n"])
def test_a_file_that_no_rule_keeps_out(repository: Path, rules: str) -> None:
    (repository / ".gitignore").write_text(rules, encoding="utf-8")
    assert look_up(repository / ".env", ".env").ignored_by is None


def test_a_deployment_in_a_subfolder(repository: Path) -> None:
    (repository / "bot").mkdir()
    found = look_up(repository / "bot" / ".env", ".env")
    assert found.ignored_by == ".gitignore:2:.env"
    assert Path(found.repository).samefile(repository)


def test_no_repository_is_not_proven(tmp_path: Path) -> None:
    with pytest.raises(NotProven, match=r"\.env: git cannot tell.*Next: keep the deployment in a git repository"):
        look_up(tmp_path / ".env", ".env")


def test_a_shallow_clone_is_not_proven(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", repository.as_uri(), "shallow")
    with pytest.raises(NotProven, match="git fetch --unshallow"):
        look_up(tmp_path / "shallow" / ".env", ".env")


def test_without_git_it_is_not_proven(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotProven, match="no program git"):
        look_up(repository / ".env", ".env")


def test_variables_that_point_git_elsewhere_are_not_heard(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    assert look_up(repository / ".env", ".env").ignored_by


def test_a_secret_in_a_tracked_file_is_found_whatever_its_name(repository: Path) -> None:
    texts = [SecretStr("pub+lic/half="), SecretStr("secret.half")]
    (repository / ".env").write_text("S=secret.half\n", encoding="utf-8")
    assert files_with(repository, texts, "key", tracked=True) == []
    (repository / "notes").mkdir()
    (repository / "notes" / "a b.bin").write_bytes(b"\0pub+lic/half=\0")
    (repository / "other.txt").write_text("secretXhalf\n", encoding="utf-8")
    assert files_with(repository, texts, "key", tracked=False) == ["notes/a b.bin"], ".env is ignored"
    git(repository, "add", ".")
    assert files_with(repository / "notes", texts, "key", tracked=True) == ["notes/a b.bin"]


def test_a_rule_of_the_user_alone_keeps_nothing_out_for_others(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".gitignore").write_text("reports/\n", encoding="utf-8")
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "ignore").write_text(".env\n", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert ".env" not in git(repository, "status", "--porcelain"), "git itself follows the user's rule"
    assert look_up(repository / ".env", ".env").ignored_by is None
