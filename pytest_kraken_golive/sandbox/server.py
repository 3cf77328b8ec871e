"""The exchange on loopback ports: one per door and one for administration.

`build_servers` binds the ports, so that they are known before anything is served; whoever has an event loop awaits
`serve`. `SandboxServer` does both in a thread of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..clock import Clock
from .admin import admin_app
from .app import TRANSPORT, Application, Door, Receive, Scope, Send
from .exchange import Exchange
from .journal import Journal
from .settings import SandboxSettings

LOOPBACK = "127.0.0.1"
ADMIN = "admin"
"""Name under which the admin port is given and found; no door may have it."""
_START_TIMEOUT_S = 20.0
_KEEP_ALIVE_S = 75
_GRACE_S = 2


class _Protocol(H11Protocol):
    """uvicorn's HTTP protocol, which lets the application reach the connection's transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(transport)
        self.app = functools.partial(_with_transport, self.app, transport)


async def _with_transport(
    app: Application, transport: asyncio.Transport, scope: Scope, receive: Receive, send: Send
) -> None:
    scope.setdefault("extensions", {})[TRANSPORT] = transport
    await app(scope, receive, send)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to its host: several run in one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Servers:
    """Bound ports and the servers that will serve them."""

    def __init__(self, sockets: Mapping[str, socket.socket], servers: Mapping[str, uvicorn.Server]) -> None:
        self._sockets = dict(sockets)
        self._servers = dict(servers)
        self.ports: dict[str, int] = {name: sock.getsockname()[1] for name, sock in self._sockets.items()}
        """Port by door name, and under `admin` the admin port."""

    def url(self, door: str = "main") -> str:
        """Base URL of a door; KeyError if there is none of that name."""
        if door not in self.ports:
            raise KeyError(f"no door {door!r}; there are {', '.join(self.ports)}")
        return f"http://{LOOPBACK}:{self.ports[door]}"

    @property
    def admin_url(self) -> str:
        """Base URL of the admin port."""
        return self.url(ADMIN)

    @property
    def started(self) -> bool:
        """Whether all ports are served."""
        return all(server.started for server in self._servers.values())

    async def serve(self) -> None:
        """Serve all ports until `stop` is called or the task is cancelled; closes the ports."""
        try:
            await asyncio.gather(
                *(server.serve(sockets=[self._sockets[name]]) for name, server in self._servers.items())
            )
        finally:
            self.close()

    def stop(self) -> None:
        """Let `serve` come to an end; safe from any thread."""
        for server in self._servers.values():
            server.should_exit = True

    def close(self) -> None:
        """Give the ports back, served or not."""
        for sock in self._sockets.values():
            sock.close()


def build_servers(exchange: Exchange, ports: Mapping[str, int] | None = None) -> Servers:
    """Bind a loopback port for each door of the exchange and one for administration.

    Args:
        exchange: what is served.
        ports: port by door name or `admin`; 0 or absent takes a free one.

    Returns:
        Bound, not yet served: await `serve()`, end with `stop()`, or give the ports back with `close()`.

    Raises:
        OSError: a port is taken; the message names it.
        ValueError: a port for a door that there is not, or a door named `admin`.
    """
    wanted = dict(ports or {})
    names = [*exchange.doors, ADMIN]
    if ADMIN in exchange.doors:
        raise ValueError(f"a door cannot be called {ADMIN!r}; that is the admin port's name")
    if unknown := set(wanted) - set(names):
        raise ValueError(f"ports for unknown doors {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    sockets: dict[str, socket.socket] = {}
    try:
        for name in names:
            sockets[name] = bind(wanted.get(name, 0))
    except OSError:
        for sock in sockets.values():
            sock.close()
        raise
    servers = {name: _Server(_config(_application(exchange, name))) for name in exchange.doors}
    servers[ADMIN] = _Server(_config(admin_app(exchange)))
    return Servers(sockets, servers)


def _application(exchange: Exchange, door: str) -> Application:
    served = Door(exchange, door)
    return Journal(served, exchange, door) if exchange.settings.journal_calls else served


def asgi_server(app: Any) -> uvicorn.Server:
    """A server for another application beside the exchange, in the same process; leaves signals to its host."""
    return _Server(_config(app))


def bind(port: int) -> socket.socket:
    """A listening loopback socket on the port, or on a free one if it is 0.

    Raises:
        OSError: the port cannot be had; the message names it and says what to do.
    """
    # asyncio turns Nagle's algorithm off only on sockets that name their protocol; with it, answers wait 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let two processes listen on one port.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((LOOPBACK, port))
        sock.listen(2048)
    except (OSError, OverflowError) as error:
        sock.close()
        code = error.errno if isinstance(error, OSError) and error.errno is not None else errno.EINVAL
        raise OSError(
            code, f"port {port} on {LOOPBACK} cannot be used ({error}). Next: end what uses it, or take port 0"
        ) from None
    return sock


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


class SandboxServer:
    """An exchange served from a thread of this process, as a context manager.

    Example::

        with SandboxServer(SandboxSettings(seed=7)) as server:
            httpx.get(server.url() + "/0/public/Time", trust_env=False)
    """

    def __init__(
        self,
        settings: SandboxSettings | None = None,
        clock: Clock | None = None,
        ports: Mapping[str, int] | None = None,
    ) -> None:
        self.settings = SandboxSettings() if settings is None else settings
        self.exchange = Exchange(self.settings, clock)
        self._ports = ports
        self._servers: Servers | None = None
        self.thread: threading.Thread | None = None
        """The thread that serves, once started."""
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        """Bind the ports and serve them.

        Raises:
            OSError: a port is taken.
            RuntimeError: the servers did not come up.
        """
        servers = self._servers = build_servers(self.exchange, self._ports)
        self.thread = threading.Thread(target=self._run, args=(servers,), name="sandbox", daemon=True)
        self.thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not servers.started:
            if self._failure is not None or time.monotonic() > deadline:
                self._stop(servers)
                raise RuntimeError(f"the sandbox did not start: {self._failure or 'no answer'}")
            time.sleep(0.001)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving and give the ports back."""
        if self._servers is not None:
            self._stop(self._servers)

    def _run(self, servers: Servers) -> None:
        try:
            asyncio.run(servers.serve())
        except BaseException as failure:
            self._failure = failure

    def _stop(self, servers: Servers) -> None:
        servers.stop()
        if self.thread is not None:
            self.thread.join(_START_TIMEOUT_S)
        servers.close()

    @property
    def servers(self) -> Servers:
        """The servers; RuntimeError before the start."""
        if self._servers is None:
            raise RuntimeError("the sandbox is not started; use it in a with block")
        return self._servers

    def url(self, door: str = "main") -> str:
        """Base URL of a door, e.g. `http://127.0.0.1:40123`."""
        return self.servers.url(door)

    @property
    def admin_url(self) -> str:
        """Base URL of the admin port."""
        return self.servers.admin_url
