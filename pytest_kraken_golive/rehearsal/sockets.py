"""Which sockets a program's processes hold: on Linux from the kernel's tables, elsewhere by asking psutil."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Literal, Protocol

import psutil

Address = tuple[str, int]
"""IP address and port."""
Kind = Literal["tcp", "udp"]

TABLES: dict[str, Kind] = {"tcp": "tcp", "tcp6": "tcp", "udp": "udp", "udp6": "udp"}
"""Files below /proc/net, see proc_net_tcp(5)."""
LISTENS, CALLS = "0A", "02"
"""TCP_LISTEN and TCP_SYN_SENT of the kernel's include/net/tcp_states.h."""
LOOKED_FOR = 3
"""A socket that no process of the program was found to hold in so many looks is somebody else's."""


@dataclass(frozen=True)
class Socket:
    """A socket of a program."""

    kind: Kind
    local: Address
    remote: Address | None
    """None: it has no peer, listens, or sends to whom it likes."""
    pid: int
    listens: bool = False
    calls: bool = False
    """Whether it is a connection that is being opened from here."""


@dataclass
class Sight:
    """What one look saw."""

    sockets: list[Socket] = field(default_factory=list)
    unseen: list[int] = field(default_factory=list)
    """Processes that could not be looked at."""


class Sockets(Protocol):
    """Looks at sockets."""

    def look(self, members: Callable[[], Collection[int]]) -> Sight:
        """The sockets that the members hold now; they are asked for when it is time."""
        ...

    def holder(self, local: Address) -> str | None:
        """Who holds the socket with this address, for people; None where there is no such socket any more."""
        ...


def sockets_here() -> Sockets:
    """What looks at sockets on this system."""
    return KernelTables() if sys.platform == "linux" else AskedProcesses()


class AskedProcesses:
    """Asks the system for the sockets of one process after the other."""

    def look(self, members: Callable[[], Collection[int]]) -> Sight:
        """As `Sockets.look`."""
        sight = Sight()
        for pid in members():
            try:
                sight.sockets += _asked(psutil.Process(pid))
            except psutil.AccessDenied:
                sight.unseen.append(pid)
            except psutil.Error:
                continue  # it has ended
        return sight

    def holder(self, local: Address) -> str | None:
        """As `Sockets.holder`, as far as this user may look."""
        for process in psutil.process_iter():
            try:
                if any(one.local == local for one in _asked(process)):
                    return _named(process.pid)
            except psutil.Error:
                continue
        return "a process that may not be looked at"


def _asked(process: psutil.Process) -> list[Socket]:
    return [
        Socket(
            kind="tcp" if one.type.name == "SOCK_STREAM" else "udp",
            local=(plain_address(one.laddr.ip), one.laddr.port),
            remote=(plain_address(one.raddr.ip), one.raddr.port) if one.raddr else None,
            pid=process.pid,
            listens=one.status == psutil.CONN_LISTEN,
            calls=one.status == psutil.CONN_SYN_SENT,
        )
        for one in process.net_connections("inet")
        if one.laddr
    ]


@dataclass(frozen=True)
class _Row:
    """A line of a table, as it stands there."""

    kind: Kind
    local: str
    remote: str
    state: str
    inode: str


class KernelTables:
    """Reads all sockets at once, which is cheap, and asks who holds them only where there are new ones.

    A connection is seen although the process that opens it has just been started: the tables are read first, and the
    members are asked for afterwards.
    """

    def __init__(self) -> None:
        self._here = _namespace("self")
        self._holders: dict[str, int] = {}
        """Inode to process id."""
        self._searched: dict[str, int] = {}
        """Inode to how often nobody of the program held it."""
        self._known: set[int] = set()

    def look(self, members: Callable[[], Collection[int]]) -> Sight:
        """As `Sockets.look`."""
        rows = _rows("self")
        pids = set(members())
        for pid in {_namespace(str(one)): one for one in pids}.values():
            if _namespace(str(pid)) not in {self._here, None}:
                rows += _rows(str(pid))  # it has a network of its own, as in a container
        there = {row.inode for row in rows}
        self._holders = {inode: pid for inode, pid in self._holders.items() if inode in there}
        self._searched = {inode: times for inode, times in self._searched.items() if inode in there}
        sight = Sight()
        if pids - self._known:
            self._searched.clear()  # what was somebody else's may be theirs
        new = {one for one in there - self._holders.keys() if self._searched.get(one, 0) < LOOKED_FOR}
        if new or pids - self._known:
            self._search(pids, new, sight)
        self._known = pids - set(sight.unseen)
        sight.sockets = [_socket(row, self._holders[row.inode]) for row in rows if row.inode in self._holders]
        return sight

    def _search(self, pids: Iterable[int], new: set[str], sight: Sight) -> None:
        for pid in pids:
            try:
                held = _inodes(pid)
            except PermissionError:
                if not _has_ended(pid):
                    sight.unseen.append(pid)
                continue
            self._holders.update(dict.fromkeys(held & new, pid))
        for inode in new - self._holders.keys():
            self._searched[inode] = self._searched.get(inode, 0) + 1

    def holder(self, local: Address) -> str | None:
        """As `Sockets.holder`."""
        inodes = {row.inode for row in _rows("self") if row.kind == "tcp" and _address(row.local) == local}
        if not inodes:
            return None
        for pid in psutil.pids():
            try:
                if _inodes(pid) & inodes:
                    return _named(pid)
            except PermissionError:
                continue
        return "a process that may not be looked at"


def _rows(pid: str) -> list[_Row]:
    """All sockets of a process's network that still belong to somebody."""
    rows = []
    for name, kind in TABLES.items():
        try:
            text = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii")
        except OSError:
            continue  # no IPv6 here, or the process has ended
        for line in text.splitlines()[1:]:
            words = line.split()
            if words[9] != "0":
                rows.append(_Row(kind, words[1], words[2], words[3], words[9]))
    return rows


def _socket(row: _Row, pid: int) -> Socket:
    remote = _address(row.remote)
    is_tcp = row.kind == "tcp"
    return Socket(
        kind=row.kind,
        local=_address(row.local),
        remote=remote if remote[1] or not ip_address(remote[0]).is_unspecified else None,
        pid=pid,
        listens=is_tcp and row.state == LISTENS,
        calls=is_tcp and row.state == CALLS,
    )


def _address(text: str) -> Address:
    """`0100007F:1F90`: each 32-bit word of the address in this machine's byte order, the port as a number."""
    words, _, port = text.partition(":")
    raw = bytes.fromhex(words)
    step = 4 if sys.byteorder == "little" else len(raw)
    order = -1 if sys.byteorder == "little" else 1
    raw = b"".join(raw[at : at + step][::order] for at in range(0, len(raw), step))
    return plain_address(str(ip_address(raw))), int(port, 16)


def plain_address(text: str) -> str:
    """An address; IPv4 also where IPv6 wraps it."""
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _inodes(pid: int) -> set[str]:
    """The inodes of a process's sockets; PermissionError where it may not be looked at."""
    found = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                try:
                    leads_to = os.readlink(entry.path)
                except FileNotFoundError:
                    continue  # closed meanwhile
                if leads_to.startswith("socket:["):
                    found.add(leads_to[8:-1])
    except (FileNotFoundError, ProcessLookupError):
        return set()
    return found


def _namespace(pid: str) -> str | None:
    """Which network a process has; None where that cannot be asked."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True


def _named(pid: int) -> str:
    try:
        return f"process {pid} ({psutil.Process(pid).name()})"
    except psutil.Error:
        return f"process {pid}"
