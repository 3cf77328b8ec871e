"""What a verdict is about, as observed: who was called, with what, and what could have changed the result."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_kraken_golive.rehearsal.network import Contact, Network

PACKAGE = Path(__file__).resolve().parents[1]

CONTRACT_FIXTURES = (
    "deployment",
    "runtime_config",
    "core_config",
    "kraken_environment",
    "kraken_sandbox",
    "kraken_exchange",
    "kraken_client",
    "kraken_order_ids",
    "kraken_witness",
    "live_commands",
    "live_service",
    "live_settings",
    "order_bench",
    "paper_bot",
    "paper_report",
    "evidence",
    "latency",
    "policy",
    "golive_world",
    "golive_written",
    "golive_project",
    "golive_ledger",
    "golive_overridden",
)
"""Fixtures that checks rely on; a project may override all but `evidence`, and the verdict says so."""

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders of what is installed, and so has a name and a version."""

NOT_NAMED = ("_pytest.", "pytest_kraken_golive.", "xdist.")
"""Modules of pytest, of this package and of xdist, which brings several."""


class HostWatch:
    """Records to which hosts this process opened connections, whichever library did it.

    An audit hook cannot be taken away again, so there is one for each process, and it only remembers.
    """

    def __init__(self) -> None:
        self.hosts: set[str] = set()

    def start(self) -> None:
        """Begin to watch."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect" and isinstance(arguments[1], tuple):
            self.hosts.add(str(arguments[1][0]))
        elif event == "socket.getaddrinfo" and arguments[0] is not None:
            host = arguments[0]
            self.hosts.add(host.decode() if isinstance(host, bytes) else str(host))


def spoken_to(network: Network) -> dict[str, Any]:
    """To whom the bot spoke, and how closely that was looked at: looks miss what is shorter than the time between.

    A peer on this machine that is `unwatched` may pass on to anybody what the bot tells it.
    """
    return {
        "hosts": [_host(one) | {"whose": one.whose} for one in network.contacts],
        "asked_by": [_host(one) for one in network.asked_by],
        "open_udp": [_host(one) for one in network.open_udp],
        "hosts_looked": {"times": network.looks, "every_ms": network.every_ms, "not_at": network.unseen},
        "callers": {
            "own": network.own_calls,
            "strangers": network.strangers,
            "vanished": network.vanished_calls,
        },
    }


def _host(one: Contact) -> dict[str, Any]:
    return {"host": one.host, "port": one.port, "how": one.how, "samples": one.samples}


def overridden_fixtures(items: Iterable[pytest.Item], package: Path) -> dict[str, str]:
    """Contract fixtures that are not the plugin's own, with the file that defines them."""
    found: dict[str, str] = {}
    infos = {id(info): info for item in items if (info := getattr(item, "_fixtureinfo", None)) is not None}
    for info in infos.values():  # lines of one check share theirs
        for name in CONTRACT_FIXTURES:
            definitions = info.name2fixturedefs.get(name, ())
            if definitions:
                file = Path(definitions[-1].func.__code__.co_filename)
                if not file.is_relative_to(package):
                    found[name] = str(file)
    return found


def around_lines(items: Iterable[pytest.Item], package: Path) -> dict[str, str]:
    """Fixtures that no check asks for and that run around lines all the same, of a conftest or a local plugin."""
    found: dict[str, str] = {}
    lines = [item for item in items if getattr(item, "planned", None) is not None]
    infos = {id(info): info for item in lines if (info := getattr(item, "_fixtureinfo", None)) is not None}
    for info in infos.values():
        for name in set(info.initialnames) - set(info.argnames):
            for definition in info.name2fixturedefs.get(name, ()):
                file = Path(definition.func.__code__.co_filename)
                if not file.is_relative_to(package) and INSTALLED.isdisjoint(file.parts):
                    found[name] = str(file)
    return found


def overridden_for(item: pytest.Item, package: Path) -> dict[str, str]:
    """The same for one item, including fixtures that it does not ask for itself."""
    manager = item.session._fixturemanager
    found: dict[str, str] = {}
    for name in CONTRACT_FIXTURES:
        definitions = manager.getfixturedefs(name, item)
        if definitions:
            file = Path(definitions[-1].func.__code__.co_filename)
            if not file.is_relative_to(package):
                found[name] = str(file)
    return found


def plugins_of(config: pytest.Config) -> list[str]:
    """Every installed or local plugin beside pytest's own and ours: any of them could change a result."""
    manager = config.pluginmanager
    names = {f"{dist.project_name} {dist.version}" for _, dist in manager.list_plugin_distinfo()}
    for name, plugin in manager.list_name_plugin():
        file = getattr(plugin, "__file__", None)
        if file and Path(file).name == "conftest.py":
            names.add(_shown(Path(file), config.rootpath))
        else:
            module = str(getattr(plugin, "__name__", ""))
            known = {name for plugin, _ in manager.list_plugin_distinfo() for name in [getattr(plugin, "__name__", "")]}
            if (
                module
                and module not in known
                and not module.startswith(("_pytest.", "pytest_kraken_golive.", "xdist."))
            ):
                names.add(module)
    return sorted(names)


def _shown(path: Path, rootdir: Path) -> str:
    return path.relative_to(rootdir).as_posix() if path.is_relative_to(rootdir) else str(path)
