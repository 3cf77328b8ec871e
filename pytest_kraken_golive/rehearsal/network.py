"""To whom a program spoke: what was seen of its connections, in a form that travels between processes.

Looking misses a connection that is shorter than the time between two looks; a trap for proxies, see `proxy_trap`,
misses a client that ignores proxies. Each sees what the other may not: most libraries ask the proxy, and a connection
that is tried in vain lasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any, Literal, Self

LOOK_EVERY_S = 0.02

DNS_PORT = 53

UNWATCHED = "unwatched"
"""Somebody on this machine whose own connections nobody looks at."""

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
    whose: str | None = None
    """On this machine: `exchange`, `own` or another part of the rehearsal, or `unwatched`; None for other hosts."""

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
    """To whom it spoke."""
    asked_by: list[Contact] = field(default_factory=list)
    """Who spoke to it: address of the caller and port of its own."""
    open_udp: list[Contact] = field(default_factory=list)
    """UDP sockets of its own, by their own address and port, that can send to anybody: nobody sees to whom."""
    unseen: list[str] = field(default_factory=list)
    """Processes of it that could not be looked at."""
    own_calls: int = 0
    """How many connections to its exchange were opened by its own processes."""
    strangers: list[str] = field(default_factory=list)
    """Who else opened connections to its exchange."""
    vanished_calls: int = 0
    """How many of them were closed before anybody could look whose they were, and got no answer while they were."""

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` made of one."""
        kinds = ("contacts", "asked_by", "open_udp")
        return cls(**{**data, **{kind: [Contact(**one) for one in data[kind]] for kind in kinds}})


def is_loopback(host: str) -> bool:
    """Whether an address is loopback, also where IPv6 wraps an IPv4 address; a name is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
