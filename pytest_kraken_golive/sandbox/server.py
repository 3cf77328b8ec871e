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
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import uvicorn

from ..clock import Clock
from .admin import admin_app
from .app import Application, Door
from .exchange import Exchange
from .journal import Journal
from .protocol import Protocol
from .settings import SandboxSettings

LOOPBACK = "127.0.0.1"
ADMIN = "admin"
"""Name under which the admin port is given and found; no door may have it."""
_START_TIMEOUT_S = 20.0
_KEEP_ALIVE_S = 75
_GRACE_S = 1
_BACKLOG = 2048
_TICK_S = 0.002


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to its host: several run in one loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Port:
    """A loopback port and what is served there. It can refuse connections for a while, and then serve again."""

    def __init__(self, number: int, app: Any, clock: Clock) -> None:
        """Bind the port, or a free one if it is 0; OSError if it cannot be had."""
        self._sock = bind(number)
        self.number: int = self._sock.getsockname()[1]
        self._config = _config(app)
        self._server = _Server(self._config)
        self._clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opens_at = 0.0
        self._stopping = False

    @property
    def started(self) -> bool:
        """Whether it is served."""
        return self._server.started

    async def serve(self) -> None:
        """Serve until `stop` is called."""
        self._loop = asyncio.get_running_loop()
        while True:
            await self._server.serve(sockets=[self._sock])
            if self._stopping:
                return
            # Bound and not listening: the port stays ours, and who comes is refused.
            self._sock = bind(self.number, listen=False)
            while not self._stopping and self._clock.monotonic() < self._opens_at:
                await asyncio.sleep(_TICK_S)
            self._sock.listen(_BACKLOG)
            self._server = _Server(self._config)
            self._server.should_exit = self._stopping

    def refuse(self, seconds: float) -> None:
        """Refuse connections for so long on the exchange's clock, and close those that are open; for any thread."""
        self._opens_at = self._clock.monotonic() + seconds
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._close_down)

    def _close_down(self) -> None:
        self._server.should_exit = True
        if self._server.started:
            # The server would do so too, but only at its next look around.
            for listener in self._server.servers:
                listener.close()
            for connection in list(self._server.server_state.connections):
                connection.shutdown()

    def stop(self) -> None:
        """Let `serve` come to an end; for any thread."""
        self._stopping = True
        self._server.should_exit = True

    def close(self) -> None:
        """Give the port back, served or not."""
        self._sock.close()


class Servers:
    """Bound ports and what will be served there."""

    def __init__(self, ports: Mapping[str, _Port]) -> None:
        self._ports = dict(ports)
        self.ports: dict[str, int] = {name: port.number for name, port in self._ports.items()}
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
        return all(port.started for port in self._ports.values())

    def refuse(self, door: str, seconds: float) -> None:
        """Let a door refuse connections for so long on the exchange's clock; KeyError if there is no such door."""
        self.url(door)
        self._ports[door].refuse(seconds)

    async def serve(self) -> None:
        """Serve all ports until `stop` is called or the task is cancelled; closes the ports."""
        try:
            await asyncio.gather(*(port.serve() for port in self._ports.values()))
        finally:
            self.close()

    def stop(self) -> None:
        """Let `serve` come to an end; safe from any thread."""
        for port in self._ports.values():
            port.stop()

    def close(self) -> None:
        """Give the ports back, served or not."""
        for port in self._ports.values():
            port.close()


def build_servers(
    exchange: Exchange,
    ports: Mapping[str, int] | None = None,
    around: Mapping[str, Callable[[Application], Application]] | None = None,
) -> Servers:
    """Bind a loopback port for each door of the exchange and one for administration.

    Args:
        exchange: what is served.
        ports: port by door name or `admin`; 0 or absent takes a free one.
        around: by door name, what is put around the door's application.

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
    bound: dict[str, _Port] = {}

    def refuse(door: str, seconds: float) -> None:
        bound[door].refuse(seconds)

    apps: dict[str, Any] = {name: _application(exchange, name, refuse) for name in exchange.doors}
    apps |= {name: wrap(apps[name]) for name, wrap in (around or {}).items()}
    apps[ADMIN] = admin_app(exchange, refuse)
    try:
        for name in names:
            bound[name] = _Port(wanted.get(name, 0), apps[name], exchange.clock)
    except OSError:
        for port in bound.values():
            port.close()
        raise
    return Servers(bound)


def _application(exchange: Exchange, door: str, refuse: Callable[[str, float], None]) -> Application:
    served = Door(exchange, door, functools.partial(refuse, door))
    return Journal(served, exchange, door) if exchange.settings.journal_calls else served


def asgi_server(app: Any) -> uvicorn.Server:
    """A server for another application beside the exchange, in the same process; leaves signals to its host."""
    return _Server(_config(app))


def bind(port: int, *, listen: bool = True) -> socket.socket:
    """A loopback socket on the port, or on a free one if it is 0; one that does not listen only keeps the port.

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
        if listen:
            sock.listen(_BACKLOG)
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
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # a caller does not say itself who it is
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
        around: Mapping[str, Callable[[Application], Application]] | None = None,
    ) -> None:
        self.settings = SandboxSettings() if settings is None else settings
        self.exchange = Exchange(self.settings, clock)
        self._ports = ports
        self._around = around
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
        servers = self._servers = build_servers(self.exchange, self._ports, self._around)
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

    def refuse(self, seconds: float, door: str = "main") -> None:
        """Let a door refuse connections for so long on the exchange's clock; KeyError if there is no such door."""
        self.servers.refuse(door, seconds)

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
