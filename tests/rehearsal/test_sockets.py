"""Whose a socket is, and what the kernel's tables say of it."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

import pytest

from pytest_kraken_golive.rehearsal.sockets import (
    READ_AGAIN_S,
    AskedProcesses,
    KernelTables,
    Socket,
    Sockets,
    plain_address,
)


@pytest.fixture(params=["asked", "tables"])
def sockets(request: pytest.FixtureRequest) -> Sockets:
    if request.param == "asked":
        return AskedProcesses()
    if sys.platform != "linux":
        pytest.skip("only Linux has these tables")
    return KernelTables()


def mine() -> list[int]:
    return [os.getpid()]


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["v4", "v6"])
def test_each_end_of_a_connection(sockets: Sockets, family: socket.AddressFamily) -> None:
    loopback = "127.0.0.1" if family is socket.AF_INET else "::1"
    try:
        server = socket.create_server((loopback, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    here = (loopback, server.getsockname()[1])
    with server, socket.socket(family) as client:
        client.connect(here)
        there = (loopback, client.getsockname()[1])
        served, _ = server.accept()
        with served:
            found = sockets.look(mine).sockets
            assert Socket("tcp", here, None, os.getpid(), listens=True) in found
            assert Socket("tcp", there, here, os.getpid()) in found
            assert Socket("tcp", here, there, os.getpid()) in found
            name = sockets.holder(there)
    assert name is not None
    assert name.startswith(f"process {os.getpid()} (")


def test_datagrams(sockets: Sockets) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound,
    ):
        connected.connect(("127.0.0.1", 9))
        bound.bind(("0.0.0.0", 0))
        found = {one.local: one for one in sockets.look(mine).sockets}
        assert found[connected.getsockname()] == Socket("udp", connected.getsockname(), ("127.0.0.1", 9), os.getpid())
        assert found[bound.getsockname()] == Socket("udp", bound.getsockname(), None, os.getpid())


def test_of_others_nothing_is_seen(sockets: Sockets) -> None:
    with socket.create_server(("127.0.0.1", 0)):
        for _ in range(5):
            assert sockets.look(list).sockets == []


def test_a_socket_is_seen_from_when_its_process_is_known(sockets: Sockets) -> None:
    """A process that belongs to the program and is found late."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        for _ in range(5):
            sockets.look(list)
        assert server.getsockname() in [one.local for one in sockets.look(mine).sockets]


def test_a_socket_is_followed_from_its_making_to_its_connection(sockets: Sockets) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        for _ in range(3):
            assert server.getsockname() in [one.local for one in sockets.look(mine).sockets]
        client.connect(server.getsockname())
        assert client.getsockname() in [one.local for one in sockets.look(mine).sockets if one.remote]


def test_a_socket_that_is_connected_anew_is_seen_soon() -> None:
    """Its number stays the same, and nothing tells that it leads elsewhere now."""
    if sys.platform != "linux":
        pytest.skip("only Linux has these tables")
    now_s = [100.0]
    sockets = KernelTables(lambda: now_s[0])
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
        socket.socket() as client,
    ):
        client.connect(first.getsockname())
        assert first.getsockname() in [one.remote for one in sockets.look(mine).sockets]
        disconnected = struct.pack("H14x", socket.AF_UNSPEC)
        assert ctypes.CDLL(None).connect(client.fileno(), disconnected, len(disconnected)) == 0
        client.connect(second.getsockname())
        now_s[0] += READ_AGAIN_S
        assert second.getsockname() in [one.remote for one in sockets.look(mine).sockets]


def test_where_nothing_is_new_the_tables_of_tcp_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has these tables")
    read: list[str] = []
    real = Path.read_text

    def noted(path: Path, encoding: str) -> str:
        read.append(path.name)
        return real(path, encoding=encoding)

    monkeypatch.setattr(Path, "read_text", noted)
    sockets = KernelTables(lambda: 100.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        sockets.look(mine)
        read.clear()
        for _ in range(3):
            sockets.look(mine)
        assert "tcp" not in read
        with socket.create_connection(server.getsockname()) as client:
            assert client.getsockname() in [one.local for one in sockets.look(mine).sockets]
        assert "tcp" in read


@pytest.mark.parametrize(
    ("text", "plain"), [("::ffff:127.0.0.1", "127.0.0.1"), ("fe80::1%eth0", "fe80::1"), ("10.0.0.1", "10.0.0.1")]
)
def test_addresses_are_written_in_one_way(text: str, plain: str) -> None:
    assert plain_address(text) == plain
