"""Who can read a file of secrets: modes, owners, links, folders, and the access lists of Windows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.private_file import require_private
from pytest_kraken_golive.deployment.windows_access import outsiders

USER = "S-1-5-21-1-2-3-1001"
OTHER = "S-1-5-21-1-2-3-1002"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "deployment"
    folder.mkdir(mode=0o755)
    path = folder / ".env"
    path.write_text("A=1\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_the_owner_alone_is_private(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert require_private(file, ".env").access == f"mode {mode:04o}, owner {os.geteuid()}"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_any_right_of_others_is_a_fault(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(Fault, match=rf"found mode {mode:04o}. Next: chmod 600 \.env"):
        require_private(file, ".env")


def test_a_link_is_followed_and_its_target_judged(file: Path, tmp_path: Path) -> None:
    target = file.rename(tmp_path / "shared")
    file.symlink_to(target)
    assert require_private(file, ".env").target == target
    target.chmod(0o644)
    with pytest.raises(Fault, match=rf"^\.env \(a link to {target}\): .* found mode 0644"):
        require_private(file, ".env")


def test_a_folder_that_everybody_can_write_to_is_a_fault_unless_sticky(file: Path, tmp_path: Path) -> None:
    file.parent.chmod(0o777)
    with pytest.raises(Fault, match=r"where anybody can put another file in its place"):
        require_private(file, ".env")
    file.parent.chmod(0o1777)
    require_private(file, ".env")


def test_the_folder_behind_a_link_counts_too(file: Path, tmp_path: Path) -> None:
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    file.symlink_to(file.rename(open_folder / "env"))
    open_folder.chmod(0o777)
    with pytest.raises(Fault, match=r"found .*/open with mode 0777"):
        require_private(file, ".env")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_a_fault(file: Path) -> None:
    os.chown(file, 12345, -1)
    with pytest.raises(Fault, match="belongs to user 12345"):
        require_private(file, ".env")
    os.chown(file.parent, 12345, -1)  # root looks at the deployment of another user
    assert require_private(file, ".env").access == "mode 0600, owner 12345"


def test_what_is_no_file_is_not_proven(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    for name in ("absent", "dangling", "circle", "."):
        with pytest.raises(NotProven, match=r"Next: "):
            require_private(tmp_path / name, name)


@pytest.mark.parametrize(
    ("descriptor", "expected"),
    [
        (f"O:{USER}D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{USER})", []),
        (f"O:BAG:SYD:P(A;;FA;;;{USER})", []),
        (f"O:{USER}D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)", ["BU"]),
        (f"O:{USER}D:P(A;;FR;;;WD)(A;;FA;;;{USER})", ["WD"]),
        (f"O:{OTHER}D:P(A;;FA;;;{USER})", [OTHER]),
        (f"O:{USER}D:P(D;;FA;;;BU)(A;OICIIO;FA;;;WD)(A;;FA;;;{USER})", []),
        (f"O:{USER}D:P(XA;;FR;;;AU;(@User.Title==1))", ["AU"]),
        (f"O:{USER}", ["everyone (there is no access list)"]),
        (f"O:{USER}D:NO_ACCESS_CONTROL", ["everyone (there is no access list)"]),
    ],
)
def test_access_lists_of_windows(descriptor: str, expected: list[str]) -> None:
    assert outsiders(descriptor, USER) == expected
