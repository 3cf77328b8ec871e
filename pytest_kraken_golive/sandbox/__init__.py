"""The embedded exchange: a Kraken Spot look-alike on loopback, with its own signature check, books and limits."""

from __future__ import annotations

from .exchange import Exchange
from .recording import Recording, read_recording
from .server import SandboxServer, Servers, build_servers
from .settings import (
    AccountSettings,
    FaultSettings,
    Lockout,
    PublicLimit,
    SandboxSettings,
    new_credentials,
)
from .wire import Call

__all__ = [
    "AccountSettings",
    "Call",
    "Exchange",
    "FaultSettings",
    "Lockout",
    "PublicLimit",
    "Recording",
    "SandboxServer",
    "SandboxSettings",
    "Servers",
    "build_servers",
    "new_credentials",
    "read_recording",
]
