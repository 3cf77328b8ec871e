"""Whether nobody but its owner can read a file that holds secrets, or put another in its place."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from ..contract import Fault, NotProven
from . import windows_access

OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The mode's bits of everybody but the owner; an access list of POSIX shows in those of the group."""


@dataclass(frozen=True)
class PrivateFile:
    """A file that was found to be private."""

    target: Path
    """The file itself, behind all links."""
    access: str
    """Who can read it: `mode 0600, owner 1000`."""


def require_private(path: Path, shown: str) -> PrivateFile:
    """Find a file private: only its owner has rights on it, the owner is the user, and its folder is not everybody's.

    Links are followed, and what they lead to is judged; the folders of link and file both count. The user is the one
    who runs this; for root also the owner of the folder, whose bot reads the file.

    Args:
        path: the file.
        shown: how messages call it.

    Raises:
        NotProven: it is missing, no file, or its access cannot be told.
        Fault: somebody else has rights on it or owns it, or anybody can put another file in its place.
    """
    try:
        target = path.resolve(strict=True)
        about = target.stat()
    except FileNotFoundError as error:
        raise NotProven(f"{shown}: expected a file, found none. Next: create it, mode 0600.") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise NotProven(f"{shown}: its access cannot be told: {error}. Next: make it a plain file.") from error
    if not stat.S_ISREG(about.st_mode):
        raise NotProven(f"{shown}: expected a file, found something else. Next: put a file there, mode 0600.")
    name = shown if not path.is_symlink() else f"{shown} (a link to {target})"
    if sys.platform == "win32":
        return PrivateFile(target, _windows(target, name))
    require_private_mode(about, name)
    owners = {os.geteuid()} | ({path.parent.stat().st_uid} if os.geteuid() == 0 else set())
    if about.st_uid not in owners:
        raise Fault(
            f"{name}: expected a file of the user who runs the bot, found one that belongs to user {about.st_uid}, who "
            f"can read and change it. Next: chown {min(owners)} {target}."
        )
    for folder in {path.parent.resolve(), target.parent}:
        _require_own_folder(folder, name)
    return PrivateFile(target, f"mode {stat.S_IMODE(about.st_mode):04o}, owner {about.st_uid}")


def require_private_mode(about: os.stat_result, shown: str) -> None:
    """Do nothing if the mode of a file gives nobody but its owner any right; on Windows modes say nothing.

    Raises:
        Fault: it gives somebody else one.
    """
    if os.name == "posix" and about.st_mode & OTHERS:
        raise Fault(
            f"{shown}: expected a file that only its owner can read (mode 0600), found mode "
            f"{stat.S_IMODE(about.st_mode):04o}. Next: chmod 600 {shown}, and replace the key if others saw it."
        )


def _require_own_folder(folder: Path, shown: str) -> None:
    """Who can write to a folder can put another file in the place of one; in a sticky one only its owner can."""
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise Fault(
            f"{shown}: expected a folder that not everybody can write to, found {folder} with mode "
            f"{stat.S_IMODE(mode):04o}, where anybody can put another file in its place. Next: chmod o-w {folder}."
        )


def _windows(path: Path, shown: str) -> str:
    try:
        user = windows_access.current_user()
        others = windows_access.outsiders(windows_access.descriptor_of(path), user)
    except OSError as error:
        raise NotProven(f"{shown}: its access list cannot be read: {error}. Next: icacls {path}.") from error
    if others:
        raise Fault(
            f"{shown}: expected a file that only its owner can read, found rights of {', '.join(others)} in its access "
            f'list. Next: icacls "{path}" /inheritance:r /grant:r "*{user}:F", and replace the key if others saw it.'
        )
    return f"access list: {user}, system and administrators"
