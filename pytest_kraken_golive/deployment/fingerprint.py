"""The fingerprint of a machine: what is collected now, and the signed record of what was collected before.

Components are few and stable: a restart, an update or another network must not change them. Identifiers of the machine
go in as hashes, since a licence file travels.
"""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..contract import Fault, Found
from .instants import as_instant
from .licence import bound_fingerprint
from .signed import SignedDocument, canonical_json

VERSION = 1
"""Of the record's format and of what is collected."""

_MACHINE_ID_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Fingerprint:
    """A machine's components."""

    components: Mapping[str, str]
    """Names and values; `machine_id` is absent where the machine has none, as in some containers."""

    @cached_property
    def value(self) -> str:
        """SHA-256 (hex) over the components in canonical JSON."""
        return fingerprint_value(self.components)


def fingerprint_value(components: Mapping[str, object]) -> str:
    """SHA-256 (hex) over components in canonical JSON."""
    return hashlib.sha256(canonical_json(components)).hexdigest()


def collect() -> Fingerprint:
    """The fingerprint of the machine that this runs on."""
    components = {
        "architecture": platform.machine().lower(),
        "hostname": platform.node().lower(),
        "system": platform.system().lower(),
    }
    machine_id = _machine_id()
    if machine_id:
        # machine-id(5): it must not leave the machine in clear; hash it for the application that uses it.
        components["machine_id"] = hashlib.sha256(f"kraken-golive:{machine_id.lower()}".encode()).hexdigest()
    return Fingerprint(components)


class FingerprintRecord(SignedDocument):
    """`fingerprint.json`. A property raises `NotProven` where the key is absent and `Fault` where it is wrong."""

    @property
    def version(self) -> Found:
        """Of the record's format."""
        return self.payload.whole("version")

    @property
    def collected_at(self) -> Found:
        """When it was collected; aware UTC."""
        return as_instant(self.payload.at("collected_at"))

    @property
    def components(self) -> Found:
        """What was collected."""
        return self.payload.mapping("components")

    @property
    def fingerprint(self) -> Found:
        """The fingerprint, as lower-case hex."""
        return bound_fingerprint(self, "fingerprint")


def derived(record: FingerprintRecord) -> Found:
    """The record's fingerprint, if it is the one of the record's own components.

    Raises:
        Fault: it is another one.
    """
    found = record.fingerprint
    components = record.components
    expected = fingerprint_value(components.value)
    if found.value != expected:
        raise Fault(
            f"{found.where}: expected the SHA-256 of the components ({components.where}), {expected[:16]}…, found "
            f"{found.value[:16]}…. Next: collect the fingerprint on the bot's machine again."
        )
    return found


def _machine_id() -> str | None:
    if sys.platform == "win32":
        return _windows_machine_guid()
    if sys.platform == "darwin":
        return _mac_platform_uuid()
    for name in _MACHINE_ID_FILES:
        try:
            text = Path(name).read_text("ascii").strip()
        except (OSError, ValueError):
            continue
        if re.fullmatch(r"[0-9a-fA-F]{32}", text):  # "uninitialized" is what an image has before its first start
            return text
    return None


def _windows_machine_guid() -> str | None:
    if sys.platform != "win32":
        return None
    import winreg  # noqa: PLC0415 - exists on Windows only

    try:
        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE,
            r"SOFTWARE\Microsoft\Cryptography",
            access=winreg.KEY_READ | winreg.KEY_WOW64_64KEY,
        ) as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    except OSError:
        return None


def _mac_platform_uuid() -> str | None:
    command = ["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)  # noqa: S603 - a fixed command
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'"IOPlatformUUID"\s*=\s*"([^"]+)"', answer.stdout)
    return match.group(1) if match else None
