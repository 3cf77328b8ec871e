"""The embedded exchange: a Kraken Spot look-alike on loopback, with its own signature check, books and limits."""

from __future__ import annotations

from .exchange import Exchange
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
    "SandboxServer",
    "SandboxSettings",
    "Servers",
    "build_servers",
    "new_credentials",
]
