"""To whom a program speaks: what looks at it see, what the trap hears, and that this machine alone is no stranger."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
import psutil
import pytest

from pytest_kraken_golive.checks.bot_network import require_loopback_only, require_own_calls
from pytest_kraken_golive.contract import Evidence, NotProven
from pytest_kraken_golive.rehearsal.network import Contact, Network, is_loopback
from pytest_kraken_golive.rehearsal.network_watch import NetworkWatch
from pytest_kraken_golive.rehearsal.program import clean_environment
from pytest_kraken_golive.rehearsal.proxy_trap import ProxyTrap, wanted_of

PATIENCE_S = 20.0
EXAMPLE = "198.51.100.7"
"""An address for examples (RFC 5737); a connected UDP socket names it and sends nothing."""


def until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.01)


@contextmanager
def watched(script: str, *arguments: str) -> Iterator[NetworkWatch]:
    with subprocess.Popen([sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE) as process:
        watch = NetworkWatch(lambda _: [process.pid])
        watch.start()
        try:
            yield watch
        finally:
            process.communicate()
            watch.stop()


def test_a_connection_is_seen_while_it_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        script = (
            "import socket, sys\nkept = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nsys.stdin.read()"
        )
        with watched(script, str(port)) as watch:
            until(lambda: bool(watch.seen().contacts))
            (contact,) = watch.seen().contacts
    assert (contact.host, contact.port, contact.how, contact.stays_here) == ("127.0.0.1", port, "tcp", True)
    assert contact.samples >= 1


def test_who_asks_a_server_of_this_machine_is_no_contact_of_it() -> None:
    script = (
        "import socket, sys\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "asks = socket.create_connection(server.getsockname())\nserved, _ = server.accept()\nsys.stdin.read()"
    )
    with watched(script) as watch:
        until(lambda: bool(watch.seen().contacts))
        looks = watch.seen().looks
        until(lambda: watch.seen().looks > looks + 3)
        assert len(watch.seen().contacts) == 1


@pytest.fixture
def way_out() -> None:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((EXAMPLE, 443))
    except OSError:
        pytest.skip("this machine has no way out, so nobody can take it")


@pytest.mark.usefixtures("way_out")
def test_a_stranger_is_seen() -> None:
    script = (
        f"import socket, sys\nkept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"kept.connect(('{EXAMPLE}', 443))\nsys.stdin.read()"
    )
    with watched(script) as watch:
        until(lambda: bool(watch.seen().contacts))
        with pytest.raises(AssertionError, match=rf"{EXAMPLE}:443 \(udp of process \d+.*Next: "):
            require_loopback_only(watch.seen(), Evidence())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is asked twice a second who belongs to a program")
@pytest.mark.usefixtures("way_out")
@pytest.mark.parametrize("how", ["child", "daemon"])
def test_a_short_lived_child_is_seen_also_one_that_sheds_session_and_environment(how: str, tmp_path: Path) -> None:
    """In a process of its own, which takes in the orphans as the host of a rehearsal does."""
    speaks = f"import socket as s, time; a = s.socket(s.AF_INET, s.SOCK_DGRAM); a.connect(('{EXAMPLE}', 443)); "
    child = [sys.executable, "-S", "-c", speaks + ("time.sleep(0.2)" if how == "child" else "time.sleep(600)")]
    start = {
        "child": f"import subprocess, time\ntime.sleep(0.1)\nsubprocess.run({child})\n",
        "daemon": f"import os, subprocess, time\nif os.fork():\n    os.wait()\n    time.sleep(600)\n"
        f"subprocess.Popen({child}, env={{}}, start_new_session=True)\n",
    }
    (tmp_path / "script.py").write_text(start[how], encoding="utf-8")
    (tmp_path / "owner.py").write_text(OWNER, encoding="utf-8")
    environ = clean_environment(Path(__file__).parents[2], {})
    words = [sys.executable, str(tmp_path / "owner.py"), EXAMPLE]
    said = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=PATIENCE_S * 2, check=True).stdout
    pid = int(said.split()[-1])
    assert not psutil.pid_exists(pid)


OWNER = """
import os, sys, time
from pathlib import Path
from pytest_kraken_golive.rehearsal.descent import ORPHANAGE
from pytest_kraken_golive.rehearsal.network_watch import NetworkWatch
from pytest_kraken_golive.rehearsal.program import Program

ORPHANAGE.open()
here = Path(__file__).parent
words = [sys.executable, str(here / "script.py")]
program = Program(words, cwd=here, environ=dict(os.environ), output=here / "output")
watch = NetworkWatch(program.pids)
watch.start()
until = time.monotonic() + 60
while not (found := [one.pid for one in watch.seen().contacts if one.host == sys.argv[1]]) and time.monotonic() < until:
    time.sleep(0.01)
program.kill("the test is over")
watch.stop()
print(*found)
"""


def test_a_socket_that_may_send_to_anybody_is_named() -> None:
    script = (
        "import socket, sys\nopen_ = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nopen_.bind(('0.0.0.0', 0))\n"
        "here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nhere.bind(('127.0.0.1', 0))\nsys.stdin.read()"
    )
    with watched(script) as watch:
        until(lambda: any(one.samples > 1 for one in watch.seen().open_udp))
        seen = watch.seen()
        assert [one.host for one in seen.open_udp] == ["0.0.0.0"]
        with pytest.raises(NotProven, match=r"UDP socket 0\.0\.0\.0:\d+ .*Next: "):
            require_loopback_only(seen, Evidence())
    require_loopback_only(Network(looks=3, open_udp=[Contact("0.0.0.0", 5, "udp", 1, 1)]), Evidence())


def test_who_calls_at_a_port_of_the_program_is_nobody_to_whom_it_speaks() -> None:
    script = (
        "import socket, sys\nserver = socket.create_server(('127.0.0.1', 0))\n"
        "print(server.getsockname()[1], flush=True)\n"
        "served, _ = server.accept()\nsys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        watch = NetworkWatch(lambda _: [process.pid])
        watch.start()
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)):
            until(lambda: bool(watch.seen().asked_by))
        process.communicate()
        watch.stop()
    assert [(one.host, one.port) for one in watch.seen().asked_by] == [("127.0.0.1", port)]
    assert watch.seen().contacts == []


CALLS = "import socket, sys\nkept = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\nsys.stdin.read()"


def test_who_calls_at_the_exchange_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as exchange, watched(CALLS, str(exchange.getsockname()[1])) as watch:
        kept, bot = exchange.accept()
        watch.place(bot).result(PATIENCE_S)
        require_own_calls(watch.seen(), Evidence())
        with socket.create_connection(exchange.getsockname()) as other:
            watch.place(other.getsockname()).result(PATIENCE_S)
        with pytest.raises(NotProven, match=r"process \d+ \(.+\) called at its exchange.*Next: "):
            require_own_calls(watch.seen(), Evidence())
        watch.place(("127.0.0.1", 1)).result(PATIENCE_S)
        assert (watch.seen().own_calls, watch.seen().vanished_calls) == (1, 1)
    assert watch.seen().strangers == [f"process {os.getpid()} ({psutil.Process().name()})"]
    kept.close()
    assert watch.place(bot).done()  # also when it is over


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_that_fails_proves_nothing() -> None:
    def members(_: bool) -> list[int]:
        raise RuntimeError

    watch = NetworkWatch(members)
    watch.start()
    until(lambda: bool(watch.seen().unseen))
    with pytest.raises(NotProven, match=r"could not be looked at"):
        require_loopback_only(watch.seen(), Evidence())
    watch.stop()


def test_a_bot_that_does_not_call_is_not_proven() -> None:
    with pytest.raises(NotProven, match=r"none of its processes.*Next: "):
        require_own_calls(Network(looks=9, vanished_calls=2), Evidence())


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_trap_hears_whom_a_client_asks_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = ProxyTrap()
    try:
        assert name in trap.environ
        for variable, value in trap.environ.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost,::1")
        with httpx.Client() as client:
            assert client.get("http://exchange.invalid/a?key=secret").status_code == httpx.codes.FORBIDDEN
            with pytest.raises(httpx.ProxyError):
                client.get("https://exchange.invalid:8443/a?key=secret")
            with pytest.raises(httpx.ConnectError):  # loopback is excepted, so nobody is asked
                client.get("http://127.0.0.1:9/")
        until(lambda: len(trap.seen()) == 2)
    finally:
        trap.close()
    assert {(one.host, one.port, one.how, one.samples) for one in trap.seen()} == {
        ("exchange.invalid", 80, "proxy", 1),
        ("exchange.invalid", 8443, "proxy", 1),
    }
    assert not any(one.stays_here for one in trap.seen())


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"CONNECT api.kraken.com:443 HTTP/1.1\r\n", ("api.kraken.com", 443)),
        (b"GET http://user:word@api.kraken.com/0/x?nonce=1 HTTP/1.1\r\n", ("api.kraken.com", 80)),
        (b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n", ("2001:db8::1", 443)),
        (b"CONNECT a:b:c HTTP/1.1\r\n", ("a host that it did not name", 80)),
        (b"\x16\x03\x01\x02\x00", ("a host that it did not name", 80)),
        (b"", ("a host that it did not name", 80)),
    ],
)
def test_whom_a_request_asks_for(line: bytes, wanted: tuple[str, int]) -> None:
    assert wanted_of(line) == wanted


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "0.0.0.0", "::ffff:192.0.2.1", "fe80::1%eth0", "localhost.evil.example", "", "169.254.169.254"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_what_nobody_could_look_at_is_not_proven() -> None:
    for network in (Network(), Network(looks=9, unseen=["process 7"])):
        with pytest.raises(NotProven, match=r"could not be looked at.*Next: "):
            require_loopback_only(network, Evidence())


@pytest.mark.parametrize(
    ("contact", "good"),
    [
        (Contact("203.0.113.9", 53, "udp", 1, 1), True),
        (Contact("203.0.113.9", 53, "tcp", 1, 1), False),
        (Contact("203.0.113.9", 443, "udp", 1, 1), False),
        (Contact("127.0.0.1", 443, "proxy", None, 1), False),
    ],
)
def test_a_question_for_a_name_is_no_talk(contact: Contact, good: bool) -> None:
    network = Network(looks=3, contacts=[contact])
    if good:
        require_loopback_only(network, Evidence())
        return
    with pytest.raises(AssertionError, match=r"Next: "):
        require_loopback_only(network, Evidence())


def test_what_was_seen_travels_between_processes() -> None:
    network = Network(looks=3, contacts=[Contact("127.0.0.1", 80, "tcp", 1, 2)], unseen=["process 7"])
    assert Network.from_json(asdict(network)) == network
    require_loopback_only(Network(looks=3, contacts=network.contacts), Evidence())
