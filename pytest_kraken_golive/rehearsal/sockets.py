"""Which sockets a program's processes hold: on Linux from the kernel's tables, elsewhere by asking psutil."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Literal, Protocol

import psutil

Address = tuple[str, int]
"""IP address and port."""
Kind = Literal["tcp", "udp"]

TCP, UDP = ("tcp", "tcp6"), ("udp", "udp6")
TABLES: dict[str, Kind] = {**dict.fromkeys(TCP, "tcp"), **dict.fromkeys(UDP, "udp")}
"""Files below /proc/net, see proc_net_tcp(5)."""
LISTENS, CALLS = "0A", "02"
"""TCP_LISTEN and TCP_SYN_SENT of the kernel's include/net/tcp_states.h."""
UNSETTLED = frozenset({CALLS, "07"})
"""States in which a socket may yet be connected to somebody; TCP_CLOSE is the other one."""
READ_AGAIN_S = 0.5
"""How old the tables of TCP may be: a socket can be disconnected, and connected to somebody else."""


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


@dataclass(frozen=True)
class _Holder:
    """Who holds a socket."""

    pid: int
    place: str
    """Its entry below /proc/PID/fd."""


class KernelTables:
    """Lists what the members hold, which costs next to nothing, and reads the kernel's tables where that is not enough.

    Reading those of TCP takes milliseconds, however few sockets there are. A connection that stands, and a port that
    listens, stay what they are: their tables are read again where a socket is new or not yet connected, and from time
    to time.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._here = _namespace("self")
        self._monotonic = monotonic
        self._tcp: dict[str, _Row] = {}
        """The tables of TCP as they were read last, by inode."""
        self._read_at_s = float("-inf")
        self._others: set[str] = set()
        """Inodes of sockets that are in none of the tables, and never will be."""

    def look(self, members: Callable[[], Collection[int]]) -> Sight:
        """As `Sockets.look`."""
        sight = Sight()
        pids = set(members())
        held = _held(pids, sight)
        datagrams = _rows("self", UDP)
        self._others &= held.keys()
        now_s = self._monotonic()
        if now_s - self._read_at_s >= READ_AGAIN_S or not self._are_settled(held, datagrams):
            self._tcp, self._read_at_s = _rows("self", TCP), now_s
        rows = {**self._tcp, **datagrams}
        for pid in {_namespace(str(one)): one for one in pids}.values():
            if _namespace(str(pid)) not in {self._here, None}:
                rows |= _rows(str(pid), TCP + UDP)  # it has a network of its own, as in a container
        sight.sockets = [_socket(rows[inode], holder.pid) for inode, holder in held.items() if inode in rows]
        return sight

    def _are_settled(self, held: Mapping[str, _Holder], datagrams: Container[str]) -> bool:
        """Whether nothing that is held can have become another connection since the tables were read."""
        for inode, holder in held.items():
            if inode in datagrams or inode in self._others:
                continue
            row = self._tcp.get(inode)
            if row is None and not _may_call(holder.place):
                self._others.add(inode)
            elif row is None or row.state in UNSETTLED:
                return False
        return True

    def holder(self, local: Address) -> str | None:
        """As `Sockets.holder`."""
        inodes = {inode for inode, row in _rows("self", TCP).items() if _address(row.local) == local}
        if not inodes:
            return None
        for pid in psutil.pids():
            try:
                if _places(pid).keys() & inodes:
                    return _named(pid)
            except PermissionError:
                continue
        return "a process that may not be looked at"


def _rows(pid: str, names: Sequence[str]) -> dict[str, _Row]:
    """The sockets in these tables of a process's network that still belong to somebody, by inode."""
    rows = {}
    for name in names:
        try:
            text = Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii")
        except OSError:
            continue  # no IPv6 here, or the process has ended
        for line in text.splitlines()[1:]:
            words = line.split()
            if words[9] != "0":
                rows[words[9]] = _Row(TABLES[name], words[1], words[2], words[3])
    return rows


def _held(pids: Iterable[int], sight: Sight) -> dict[str, _Holder]:
    """Who of these holds which socket; whom one may not look at stands in the sight."""
    held = {}
    for pid in pids:
        try:
            held.update({inode: _Holder(pid, place) for inode, place in _places(pid).items()})
        except PermissionError:
            if not _has_ended(pid):
                sight.unseen.append(pid)
    return held


def _may_call(place: str) -> bool:
    """Whether a socket that stands in no table may yet appear in those of TCP: before it is connected it is in none."""
    try:
        return os.getxattr(place, "system.sockprotoname").startswith(b"TCP")
    except FileNotFoundError:
        return False  # closed meanwhile
    except OSError:
        return True  # this kernel does not tell


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


def _places(pid: int) -> dict[str, str]:
    """Where a process holds its sockets, by inode; PermissionError where it may not be looked at."""
    found = {}
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                try:
                    leads_to = os.readlink(entry.path)
                except FileNotFoundError:
                    continue  # closed meanwhile
                if leads_to.startswith("socket:["):
                    found[leads_to[8:-1]] = entry.path
    except (FileNotFoundError, ProcessLookupError):
        return {}
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
