"""One variable of `.env` is changed, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.deployment.env_edit import set_variable

NAME = "FF_EXECUTION_MODE"


@pytest.mark.parametrize(
    ("before", "after", "former"),
    [
        (b"A=1\nFF_EXECUTION_MODE=auto\nB=2\n", b"A=1\nFF_EXECUTION_MODE=legacy\nB=2\n", "auto"),
        (b"A=1\r\nFF_EXECUTION_MODE=auto\r\nB=2\r\n", b"A=1\r\nFF_EXECUTION_MODE=legacy\r\nB=2\r\n", "auto"),
        (b"\xef\xbb\xbfFF_EXECUTION_MODE=auto # why\n", b"\xef\xbb\xbfFF_EXECUTION_MODE=legacy # why\n", "auto"),
        (b"export FF_EXECUTION_MODE = 'new'\n#x\n", b"export FF_EXECUTION_MODE = legacy\n#x\n", "new"),
        (b'FF_EXECUTION_MODE="new" # c\n', b"FF_EXECUTION_MODE=legacy # c\n", "new"),
        (
            b"# FF_EXECUTION_MODE=auto\nA='x\ny'\n",
            b"# FF_EXECUTION_MODE=auto\nA='x\ny'\nFF_EXECUTION_MODE=legacy\n",
            None,
        ),
        (b"A='x\ny'\nFF_EXECUTION_MODE=auto", b"A='x\ny'\nFF_EXECUTION_MODE=legacy", "auto"),
        (b"A=1", b"A=1\nFF_EXECUTION_MODE=legacy\n", None),
        (b"FF_EXECUTION_MODE=\nA=1\n", b"FF_EXECUTION_MODE=legacy\nA=1\n", ""),
        (b"", b"FF_EXECUTION_MODE=legacy\n", None),
    ],
)
def test_everything_else_stays_as_it_is(tmp_path: Path, before: bytes, after: bytes, former: str | None) -> None:
    path = tmp_path / ".env"
    path.write_bytes(before)
    path.chmod(0o600)
    assert set_variable(path, NAME, "legacy") == former
    assert path.read_bytes() == after
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == [".env"]


def test_a_variable_is_taken_out(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes(b"A=1\nFF_EXECUTION_MODE=legacy\nB=2\n")
    assert set_variable(path, NAME, None) == "legacy"
    assert path.read_bytes() == b"A=1\nB=2\n"


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege on Windows")
def test_a_link_stays_one(tmp_path: Path) -> None:
    target = tmp_path / "real"
    target.write_bytes(b"A=1\n")
    link = tmp_path / ".env"
    link.symlink_to(target)
    set_variable(link, NAME, "legacy")
    assert link.is_symlink()
    assert target.read_bytes() == b"A=1\nFF_EXECUTION_MODE=legacy\n"


def test_what_cannot_be_changed_alone_is_left(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    data = b"FF_EXECUTION_MODE='auto\nmore'\nA=1\n"
    path.write_bytes(data)
    with pytest.raises(Fault):
        set_variable(path, NAME, "legacy")
    assert path.read_bytes() == data
    with pytest.raises(ValueError, match="expected letters"):
        set_variable(path, NAME, "a b")
