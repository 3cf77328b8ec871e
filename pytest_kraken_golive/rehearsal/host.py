"""The process that holds a rehearsal up: the exchange, the central list of revocations, and the bot.

Started by the controller (`python -m pytest_kraken_golive.rehearsal.host`) with its order on standard input, which
then is its leash: when that closes, whatever the reason, the bot is ended, the ports are closed and the folder of the
rehearsal is removed.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pytest_kraken_golive.clock import SystemClock
from pytest_kraken_golive.rehearsal.bot_run import BotOrder, BotRun, BotState, as_json
from pytest_kraken_golive.rehearsal.commands import CommandRun, Commands, CommandsOrder
from pytest_kraken_golive.rehearsal.descent import ORPHANAGE
from pytest_kraken_golive.rehearsal.order import (
    BOT_DOOR,
    EXCHANGE,
    LONGEST_WAIT_S,
    TOKEN_HEADER,
    HostOrder,
)
from pytest_kraken_golive.rehearsal.sockets import Address
from pytest_kraken_golive.rehearsal.unlicensed import NO_COPY, Contrast
from pytest_kraken_golive.rehearsal.unlicensed_run import UnlicensedRun
from pytest_kraken_golive.rehearsal.watched_door import WatchedDoor
from pytest_kraken_golive.sandbox.app import Application
from pytest_kraken_golive.sandbox.exchange import Exchange
from pytest_kraken_golive.sandbox.server import Servers, asgi_server, bind, build_servers
from pytest_kraken_golive.sandbox.settings import SandboxSettings

Handler = Callable[[Request], Awaitable[Response]]


class Host:
    """A rehearsal that is up."""

    def __init__(self, order: HostOrder) -> None:
        self._order = order
        self._settings = SandboxSettings.from_json(order.sandbox)
        self._token = secrets.token_urlsafe(24)
        self._bot: BotRun | None = None
        self._unlicensed: UnlicensedRun | None = None
        self._commands: dict[str, Commands] = {}
        self._let_go = asyncio.Event()

    async def run(self) -> None:
        """Serve until the leash is dropped."""
        exchange = Exchange(self._settings, SystemClock())
        servers = build_servers(exchange, around=self._watched())
        for place, data in self._order.commands.items():
            order = CommandsOrder(**data)
            self._commands[place] = Commands(order, functools.partial(exchange.observed, order.door, 1.0))
        control_socket = bind(0)
        control = asgi_server(self._control())
        if self._order.bot is not None:
            neighbours = dict.fromkeys(servers.ports.values(), "exchange")
            neighbours[control_socket.getsockname()[1]] = "central list"
            self._bot = BotRun(BotOrder(**self._order.bot).at(servers.url(BOT_DOOR)), neighbours)
            if self._order.unlicensed is not None:
                self._unlicensed = UnlicensedRun(BotOrder(**self._order.unlicensed), self._settings, self._bot)
        loop = asyncio.get_running_loop()
        self._hold_leash(loop)
        if sys.platform == "linux":  # who waits for a daemon's end must not wait for a corpse
            loop.add_signal_handler(signal.SIGCHLD, ORPHANAGE.orphans)
        tasks = [asyncio.create_task(servers.serve()), asyncio.create_task(control.serve(sockets=[control_socket]))]
        try:
            while not (servers.started and control.started):
                await asyncio.sleep(0.005)
            for file, door in self._order.fill.items():
                _fill(Path(file), servers.url(door))
            self._say_ready(servers, control_socket.getsockname()[1])
            await self._let_go.wait()
        finally:
            await asyncio.gather(*(asyncio.to_thread(commands.kill) for commands in self._commands.values()))
            if self._unlicensed is not None:
                await asyncio.to_thread(self._unlicensed.kill)
            if self._bot is not None:
                await asyncio.to_thread(self._bot.kill)
            servers.stop()
            control.should_exit = True
            await asyncio.gather(*tasks)

    def _watched(self) -> dict[str, Callable[[Application], Application]]:
        """Where there is a bot, whoever calls at its door is looked at."""
        if self._order.bot is None:
            return {}

        def place(caller: Address) -> Future[None]:
            assert self._bot is not None  # made before the door is opened
            return self._bot.place(caller)

        return {BOT_DOOR: lambda door: WatchedDoor(door, place)}

    def _hold_leash(self, loop: asyncio.AbstractEventLoop) -> None:
        def wait_for_the_end() -> None:
            while sys.stdin.buffer.read(4096):
                pass
            loop.call_soon_threadsafe(self._let_go.set)

        threading.Thread(target=wait_for_the_end, name="leash", daemon=True).start()

    def _say_ready(self, servers: Servers, control_port: int) -> None:
        ready = {
            "pid": os.getpid(),
            "token": self._token,
            "control_url": f"http://127.0.0.1:{control_port}",
            "admin_url": servers.admin_url,
            "admin_token": self._settings.admin_token.get_secret_value(),
            "urls": {door: servers.url(door) for door in self._settings.doors},
        }
        path = Path(self._order.ready_file)
        new = path.with_suffix(".new")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            json.dump(ready, target)
        os.replace(new, path)

    def _control(self) -> Starlette:
        async def start(request: Request) -> Response:
            return JSONResponse(await asyncio.to_thread(self._of_bot, BotRun.start))

        async def unlicensed(request: Request) -> Response:
            if self._unlicensed is None:
                return JSONResponse(Contrast(BotState(problem=NO_COPY)).as_json())
            return JSONResponse((await asyncio.to_thread(self._unlicensed.to_its_end)).as_json())

        async def unlicensed_so_far(request: Request) -> Response:
            known = None if self._unlicensed is None else self._unlicensed.known
            return JSONResponse(None if known is None else known.as_json())

        async def wait(request: Request) -> Response:
            seconds = min(float(request.query_params.get("wait_s", "0")), LONGEST_WAIT_S)
            return JSONResponse(await asyncio.to_thread(self._of_bot, lambda bot: bot.wait(seconds)))

        async def finish(request: Request) -> Response:
            return JSONResponse(await asyncio.to_thread(self._of_bot, BotRun.finish))

        async def command(request: Request) -> Response:
            commands = self._commands.get(request.path_params["place"])
            if commands is None:
                return JSONResponse(asdict(CommandRun(problem="there are no commands in this rehearsal")))
            asked = await request.json()
            run = functools.partial(commands.run, request.path_params["name"], asked["arguments"])
            return JSONResponse(asdict(await asyncio.to_thread(run, again=asked["again"])))

        async def central(request: Request) -> Response:
            return PlainTextResponse(self._order.central, media_type="application/json")

        return Starlette(
            routes=[
                Route("/bot/start", self._guarded(start), methods=["POST"]),
                Route("/bot", self._guarded(wait), methods=["GET"]),
                Route("/bot/finish", self._guarded(finish), methods=["POST"]),
                Route("/bot/unlicensed", self._guarded(unlicensed), methods=["POST"]),
                Route("/bot/unlicensed", self._guarded(unlicensed_so_far), methods=["GET"]),
                Route("/commands/{place}/{name}", self._guarded(command), methods=["POST"]),
                Route("/revocations.json", central, methods=["GET"]),
            ]
        )

    def _of_bot(self, ask: Any) -> dict[str, Any]:
        return as_json(BotState(problem="no bot") if self._bot is None else ask(self._bot))

    def _guarded(self, handler: Handler) -> Handler:
        """Only whoever read the ready file may give orders."""

        async def checked(request: Request) -> Response:
            if not secrets.compare_digest(request.headers.get(TOKEN_HEADER, ""), self._token):
                return JSONResponse({"problem": "wrong token"}, status_code=403)
            return await handler(request)

        return checked


def _fill(path: Path, url: str) -> None:
    """Write the exchange's address into a file; it stays as private as it was."""
    if path.is_file():  # a break may have taken it away
        path.write_bytes(path.read_bytes().replace(EXCHANGE.encode(), url.encode()))


def main() -> int:
    """Read the order, serve, clean up."""
    line = sys.stdin.buffer.readline()
    if not line.strip():
        return 2
    order = HostOrder(**json.loads(line))
    ORPHANAGE.open()  # before the first program: none of what it starts gets away
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the leash says when to end
    try:
        asyncio.run(Host(order).run())
    finally:
        shutil.rmtree(order.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
