"""Keys that were meant to be another one, beside it or in its place, in the sections of which all depends.

A section that nobody reads because its name is misspelt says nothing, and the person who wrote it thinks that it holds.
Keys that are other words are kept: a project's own belong beside ours.
"""

from __future__ import annotations

from collections.abc import Mapping

from .core import CoreConfig
from .io_queue import SECONDS, WHOLE_LIMITS
from .references import accounts
from .runtime import RuntimeConfig
from .section import Section

_RUNTIME: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("core", "trading", "execution", "io_queue", "licensing", "observability", "risk", "secret_store"),
    ("trading",): ("default_entrypoint", "entrypoints"),
    ("execution",): ("default_mode", "force_paper_when_offline", "paper_profiles", "trading_profiles", "live"),
    ("execution", "live"): ("enabled",),
    ("io_queue",): (*WHOLE_LIMITS, *SECONDS, "log_directory", "exchanges"),
    ("observability", "prometheus"): ("enabled", "host", "port", "path"),
    ("risk",): ("default_profile",),
}

_CORE: Mapping[tuple[str, ...], tuple[str, ...]] = {
    (): ("environments", "risk_profiles", "exchange_accounts", "license"),
}

_ACCOUNT = ("environment", "keychain_key", "risk_profile")


def refuse_slips(runtime: RuntimeConfig, core: CoreConfig) -> None:
    """Do nothing if no key of these sections must have been meant to be another one.

    Raises:
        Fault: one must; the message names it and the key that it looks like.
    """
    for config, sections in ((runtime, _RUNTIME), (core, _CORE)):
        for path, known in sections.items():
            if config.has(*path):
                Section(config.document, *path).refuse_slips(*known)
    for account in accounts(core):
        account.refuse_slips(*_ACCOUNT)
