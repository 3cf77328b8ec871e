"""A trap for those who ask a proxy: it hears for whom a program asks that leaves this machine."""

from __future__ import annotations

import socketserver
import threading
import urllib.parse
from typing import Any

from pytest_kraken_golive.rehearsal.network import Contact

FIRST_LINE_BYTES = 4096
KNOCK_S = 2.0
"""Longest time that the trap waits for what a client wants."""

HTTP_PORT = 80
"""What a request to a proxy means that names no port; one that is encrypted names it (RFC 9110, CONNECT)."""


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
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def environ(self) -> dict[str, str]:
        """The variables that lead a program's clients here, in both spellings that are in use."""
        url = f"http://127.0.0.1:{self.port}"
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
