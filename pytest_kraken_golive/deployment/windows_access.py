"""Who may read a file on Windows: its owner and access list, as SIDs, which no language of the system translates."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TRUSTED = frozenset({"SY", "S-1-5-18", "BA", "S-1-5-32-544", "OW", "S-1-3-4"})
"""The system, administrators and the owner's own rights: who has these can take every file anyway."""

_DESCRIPTOR = re.compile(r"O:(?P<owner>S-[0-9-]+|[A-Z]{2})(?:G:(?:S-[0-9-]+|[A-Z]{2}))?(?P<list>D:.*)?", re.DOTALL)
_ENTRY = re.compile(r"\((?P<kind>[A-Z]+);(?P<flags>[A-Z]*);(?P<rights>[^;]*);[^;]*;[^;]*;(?P<who>[^;)]+)")
_EVERYONE = "everyone (there is no access list)"


def outsiders(descriptor: str, user: str) -> list[str]:
    """The SIDs that own a file or have any right on it, and are neither the user nor trusted.

    Args:
        descriptor: owner and access list in SDDL: `O:S-1-5-21-…D:PAI(A;;FA;;;SY)…`.
        user: SID of the user who may.
    """
    parts = _DESCRIPTOR.match(descriptor)
    if parts is None or parts["list"] is None or "NO_ACCESS_CONTROL" in parts["list"]:
        return [_EVERYONE]
    # Kinds with a D deny; entries that are only inherited (IO) give nothing on the file itself.
    who = [entry["who"] for entry in _ENTRY.finditer(parts["list"]) if _gives(entry["kind"], entry["flags"])]
    return sorted({one for one in (parts["owner"], *who) if one != user and one not in TRUSTED})


def _gives(kind: str, flags: str) -> bool:
    pairs = [flags[at : at + 2] for at in range(0, len(flags), 2)]
    return kind in {"A", "OA", "XA", "ZA"} and "IO" not in pairs


def current_user() -> str:
    """SID of the user who runs this.

    Raises:
        OSError: Windows does not say.
    """
    words = ["whoami", "/user", "/fo", "csv", "/nh"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own words
    found = re.search(r"S-1-[0-9-]+", done.stdout)
    if found is None:
        raise OSError(f"{' '.join(words)} does not name a SID (exit status {done.returncode})")
    return found[0]


def descriptor_of(path: Path) -> str:
    """Owner and access list of a file in SDDL.

    Raises:
        OSError: Windows does not tell them.
    """
    if sys.platform != "win32":
        raise OSError("only Windows has access lists of this kind")
    import ctypes  # noqa: PLC0415 - of use on Windows alone

    file_object, owner_and_list, revision = 1, 0x1 | 0x4, 1  # SE_FILE_OBJECT, OWNER | DACL, SDDL_REVISION_1
    security, kernel = ctypes.WinDLL("advapi32"), ctypes.WinDLL("kernel32")
    kernel.LocalFree.argtypes = [ctypes.c_void_p]
    kernel.LocalFree.restype = ctypes.c_void_p
    raw, text = ctypes.c_void_p(), ctypes.c_wchar_p()
    status = security.GetNamedSecurityInfoW(
        ctypes.c_wchar_p(str(path)), file_object, owner_and_list, None, None, None, None, ctypes.byref(raw)
    )
    if status != 0:
        raise ctypes.WinError(status)
    try:
        if not security.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            raw, revision, owner_and_list, ctypes.byref(text), None
        ):
            raise ctypes.WinError()
        return text.value or ""
    finally:
        kernel.LocalFree(raw)
        kernel.LocalFree(text)
