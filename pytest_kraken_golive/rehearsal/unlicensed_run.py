"""Runs the bot a second time, in the copy without its licence, beside an exchange of its own; see `unlicensed`.

Only the process behind a rehearsal needs it, and with it the whole exchange.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from pytest_kraken_golive.rehearsal.bot_run import BotOrder, BotRun, BotState
from pytest_kraken_golive.rehearsal.order import BOT_DOOR
from pytest_kraken_golive.rehearsal.unlicensed import Contrast, said_only_there, without_paths
from pytest_kraken_golive.rehearsal.watched_door import WatchedDoor
from pytest_kraken_golive.sandbox.app import Application
from pytest_kraken_golive.sandbox.server import SandboxServer
from pytest_kraken_golive.sandbox.settings import SandboxSettings

LOOK_S = 0.1
MOST_LINES = 20


class UnlicensedRun:
    """Runs the bot until it ends, reports or uses its key; once, however many ask.

    Args:
        order: for the copy without licence.
        exchange: what the bot's exchange was started with; this run gets one of its own, in the same state.
        licensed: the bot with its licence; it has reported before this one starts, so that neither disturbs the other.
    """

    def __init__(self, order: BotOrder, exchange: SandboxSettings, licensed: BotRun) -> None:
        self._order = order
        self._settings = exchange.model_copy(update={"doors": [BOT_DOOR]})
        self._licensed = licensed
        self._lock = threading.Lock()
        self._bot: BotRun | None = None
        self.known: Contrast | None = None
        """The result, once there is one."""

    def to_its_end(self) -> Contrast:
        """Run it if it has not been run; how both runs went."""
        with self._lock:
            if self.known is None:
                self.known = self._run()
            return self.known

    def kill(self) -> None:
        """End it at once; for when nobody is there to ask it."""
        if self._bot is not None:
            self._bot.kill()

    def _run(self) -> Contrast:
        licensed = self._licensed.start()
        while not licensed.settled:
            licensed = self._licensed.wait(LOOK_S)

        def watched(door: Application) -> WatchedDoor:
            return WatchedDoor(door, lambda caller: bot.place(caller))  # noqa: PLW0108 - the bot comes after its door

        around = {BOT_DOOR: watched}
        with SandboxServer(self._settings, around=around) as server:
            ports = {server.servers.ports[BOT_DOOR]: "exchange"}
            bot = self._bot = BotRun(self._order.at(server.url(BOT_DOOR)), ports)

            def signed() -> int:
                return int(server.exchange.observed(BOT_DOOR)["requests"]["private"])

            state = bot.start()
            while not state.settled and not signed():
                state = bot.wait(LOOK_S)
            if signed():
                bot.kill()  # nothing it does from now on changes what that says
            state = bot.finish()
            books = server.exchange.observed(BOT_DOOR)
        licensed = self._licensed.state()
        with_it, without = (list(self._texts(run, one)) for run, one in ((self._licensed, licensed), (bot, state)))
        return Contrast(state, books, licensed, said_only_there(without, with_it)[:MOST_LINES])

    @staticmethod
    def _texts(run: BotRun, state: BotState) -> Iterator[str]:
        """The lines that a bot printed, and the errors of its report, without the paths of its run."""
        order = run.order
        places = {order.cwd, os.path.realpath(order.cwd)}
        if state.started_at is not None and (output := Path(order.output)).is_file():
            with output.open(encoding="utf-8", errors="replace") as lines:
                yield from (without_paths(line, places) for line in lines)
        if state.report is not None:
            report = json.loads(Path(state.report).read_bytes())
            errors = report.get("errors") if isinstance(report, dict) else None
            yield from (without_paths(str(one), places) for one in (errors if isinstance(errors, list) else [errors]))
