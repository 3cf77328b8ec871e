"""The embedded exchange: a Kraken Spot look-alike on loopback, with its own signature check, books and limits."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .exchange import Exchange as Exchange
    from .recording import Recording as Recording
    from .recording import read_recording as read_recording
    from .server import SandboxServer as SandboxServer
    from .server import Servers as Servers
    from .server import build_servers as build_servers
    from .settings import AccountSettings as AccountSettings
    from .settings import FaultSettings as FaultSettings
    from .settings import Lockout as Lockout
    from .settings import PublicLimit as PublicLimit
    from .settings import SandboxSettings as SandboxSettings
    from .settings import new_credentials as new_credentials
    from .wire import Call as Call

_HOMES = {
    "AccountSettings": "settings",
    "Call": "wire",
    "Exchange": "exchange",
    "FaultSettings": "settings",
    "Lockout": "settings",
    "PublicLimit": "settings",
    "Recording": "recording",
    "SandboxServer": "server",
    "SandboxSettings": "settings",
    "Servers": "server",
    "build_servers": "server",
    "new_credentials": "settings",
    "read_recording": "recording",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: who only writes settings needs no web server."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
