"""Change one variable of a `.env` file and nothing else: comments, other lines, line ends and mode stay."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from ..contract import Fault
from .source import read_bytes
from .variables import ENV_FILE, read_env_file

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
_MARK = b"\xef\xbb\xbf"


def set_variable(path: Path, name: str, text: str | None, shown: str = ENV_FILE) -> str | None:
    """Let the file set a variable to this text, or not at all; what it was set to before, None if it was not.

    A link is followed: the file that it names is replaced, as a whole, by one of the same mode.

    Args:
        path: the file.
        name: the variable.
        text: letters, digits and `_.-`; None removes the variable.
        shown: what messages call the file.

    Raises:
        NotProven: the file is missing or cannot be read.
        Fault: it cannot be understood, before or after; then it is as it was.
        OSError: it cannot be written.
        ValueError: the text would need quotes.
    """
    if text is not None and not _PLAIN.fullmatch(text):
        raise ValueError(f"{name}: expected letters, digits and _.-, found {text!r}")
    target = Path(os.path.realpath(path))
    before = read_env_file(target, {}, shown)
    known = before.get(name)
    data = read_bytes(target, shown)
    changed = _changed(data, name, known.where.line if known else None, text)
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        _write(part, changed, stat.S_IMODE(target.stat().st_mode))
        after = read_env_file(part, {}, shown)
        others = {one: found.text for one, found in before.items() if one != name}
        new = None if name not in after else after[name].text
        on_one_line = known is None or "\n" not in known.text
        if not on_one_line or new != text or {one: found.text for one, found in after.items() if one != name} != others:
            where = known.where if known else f"{shown} {name}"
            raise Fault(f"{where}: cannot be changed without changing another variable. Next: write it on one line.")
        os.replace(part, target)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return known.text if known else None


def _changed(data: bytes, name: str, line: int | None, text: str | None) -> bytes:
    mark = _MARK if data.startswith(_MARK) else b""
    lines = data.removeprefix(mark).decode("utf-8").splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if line is None:
        if text is not None:
            if lines and not lines[-1].endswith(("\n", "\r")):
                lines[-1] += end
            lines.append(f"{name}={text}{end}")
    else:
        old = lines[line - 1]
        lines[line - 1] = "" if text is None else _line(old, name, text)
    return mark + "".join(lines).encode()


def _line(old: str, name: str, text: str) -> str:
    """The line with another value; an `export` before it and a comment behind it stay."""
    value = r"(?:'[^']*'|\"[^\"]*\"|[^\r\n#]*?)"
    return re.sub(
        rf"({re.escape(name)}['\"]?\s*=[ \t]*){value}(?=\s*(?:\s#[^\r\n]*)?[\r\n]*\Z)", rf"\g<1>{text}", old, count=1
    )


def _write(part: Path, data: bytes, mode: int) -> None:
    # On Windows the file takes its folder's rights over, as the old one did.
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(part, mode)
