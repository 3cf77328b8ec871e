"""To whom a program speaks: its connections, looked at over and over, and a trap for those who ask a proxy.

Looking misses a connection that is shorter than the time between two looks; the trap misses a client that ignores
proxies. Each sees what the other may not: most libraries ask the proxy, and a connection that is tried in vain lasts.
"""

from __future__ import annotations

import socketserver
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, Self

import psutil

LOOK_EVERY_S = 0.02
FAMILY_EVERY_S = 0.5
"""How often it is asked anew who belongs to the program: that costs more than a look."""

FIRST_LINE_BYTES = 4096
KNOCK_S = 2.0
"""Longest time that the trap waits for what a client wants."""

HTTP_PORT = 80
"""What a request to a proxy means that names no port; one that is encrypted names it (RFC 9110, CONNECT)."""

DNS_PORT = 53

How = Literal["tcp", "udp", "proxy"]


@dataclass(frozen=True)
class Contact:
    """Somebody to whom a program spoke, or tried to."""

    host: str
    """Address; behind a proxy the name that was asked for."""
    port: int
    how: How
    """`tcp` or `udp`: seen among its connections; `proxy`: it asked for it at the trap."""
    pid: int | None
    """Who was seen first; None where only the trap knows."""
    samples: int
    """In how many looks it was seen, or how often it was asked for."""

    @property
    def stays_here(self) -> bool:
        """Whether it is this machine's loopback."""
        return self.how != "proxy" and is_loopback(self.host)

    @property
    def asks_for_a_name(self) -> bool:
        """Whether it is a question to a name server, such as servers ask about their own host when they start."""
        return self.how == "udp" and self.port == DNS_PORT


@dataclass(frozen=True)
class Network:
    """What was seen of a program's connections."""

    looks: int = 0
    """How often all of its processes could be looked at."""
    every_ms: int = int(LOOK_EVERY_S * 1000)
    """Time between two looks; what is shorter may have been missed."""
    contacts: list[Contact] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    """Processes of it that could not be looked at."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` made of one."""
        return cls(**{**data, "contacts": [Contact(**one) for one in data["contacts"]]})


def is_loopback(host: str) -> bool:
    """Whether an address is loopback, also where IPv6 wraps an IPv4 address; a name is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


class NetworkWatch:
    """Looks at a program's connections until it is stopped, in a thread of its own.

    Args:
        members: the processes that belong to the program now.
    """

    def __init__(self, members: Callable[[], list[psutil.Process]]) -> None:
        self._members = members
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._looks = 0
        self._contacts: dict[tuple[How, str, int], tuple[int, int]] = {}
        self._unseen: dict[str, None] = {}
        self._thread = threading.Thread(target=self._watch, name="network-watch", daemon=True)
        self._thread.start()

    def seen(self) -> Network:
        """What has been seen so far."""
        with self._lock:
            contacts = [Contact(host, port, how, *found) for (how, host, port), found in self._contacts.items()]
            return Network(looks=self._looks, contacts=contacts, unseen=list(self._unseen))

    def stop(self) -> None:
        """End the watch."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        family: list[psutil.Process] = []
        asked_s: float | None = None
        while not self._over.is_set():
            if asked_s is None or time.monotonic() - asked_s >= FAMILY_EVERY_S:
                family, asked_s = self._members(), time.monotonic()
            self._look(family)
            self._over.wait(LOOK_EVERY_S)

    def _look(self, family: list[psutil.Process]) -> None:
        found: dict[tuple[How, str, int], int] = {}
        looked = unseen = 0
        for process in family:
            try:
                found |= dict.fromkeys(outgoing(process), process.pid)
                looked += 1
            except psutil.AccessDenied:
                unseen += 1
                with self._lock:
                    self._unseen[f"process {process.pid}"] = None
            except psutil.Error:
                continue  # it has ended
        with self._lock:
            self._looks += bool(looked and not unseen)
            for key, pid in found.items():
                first, samples = self._contacts.get(key, (pid, 0))
                self._contacts[key] = first, samples + 1


def outgoing(process: psutil.Process) -> set[tuple[How, str, int]]:
    """To whom a process speaks or tries to: how, address and port. Who of this machine asks it is left out.

    Raises:
        psutil.Error: it is gone, or may not be looked at.
    """
    connections = process.net_connections("inet")
    served = {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}
    return {
        ("tcp" if one.type.name == "SOCK_STREAM" else "udp", one.raddr.ip, one.raddr.port)
        for one in connections
        if one.raddr and not (one.laddr.port in served and is_loopback(one.raddr.ip))
    }


class ProxyTrap:
    """A proxy on loopback that refuses everybody, and remembers whom they asked for.

    A client that leaves for another host, and that honours the usual variables, knocks here. Loopback is excepted by
    `NO_PROXY`, so a bot that speaks to its exchange on this machine never does.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[tuple[str, int], int] = {}
        trap = self

        class Knock(socketserver.StreamRequestHandler):
            timeout = KNOCK_S

            def handle(self) -> None:
                try:
                    line = self.rfile.readline(FIRST_LINE_BYTES)
                except OSError:
                    line = b""
                trap._note(line)
                self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        self._server = _QuietServer(("127.0.0.1", 0), Knock)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="proxy-trap", daemon=True).start()

    @property
    def environ(self) -> dict[str, str]:
        """The variables that lead a program's clients here, in both spellings that are in use."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        return {spelling: url for name in names for spelling in (name, name.lower())}

    def seen(self) -> list[Contact]:
        """Whom clients asked for."""
        with self._lock:
            return [Contact(host, port, "proxy", None, times) for (host, port), times in self._wanted.items()]

    def close(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def _note(self, line: bytes) -> None:
        wanted = wanted_of(line)
        with self._lock:
            self._wanted[wanted] = self._wanted.get(wanted, 0) + 1


class _QuietServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up has been noted, which is all that matters."""


def wanted_of(line: bytes) -> tuple[str, int]:
    """Host and port that the first line of a request to a proxy asks for; never more of it, which may be secret."""
    words = line.decode("latin-1").split()
    target = words[1] if len(words) > 1 else ""
    try:
        parts = urllib.parse.urlsplit(target if "://" in target else f"//{target}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    return host or "a host that it did not name", port or HTTP_PORT
