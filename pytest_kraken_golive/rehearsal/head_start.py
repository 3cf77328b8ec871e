"""What lines are going to ask a production rehearsal for, begun before they do: most of it waits for rate limits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from typing import NoReturn

import httpx

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.operations.records import DrillKind
from pytest_kraken_golive.rehearsal.commands import CommandsGone, LiveCommands
from pytest_kraken_golive.rehearsal.handle import HostError
from pytest_kraken_golive.rehearsal.live_service import LiveService
from pytest_kraken_golive.rehearsal.order import DEPLOYMENT, PAGE_DRILL, ROLLBACK_DRILL

BEGUN: dict[str, tuple[str, ...]] = {
    DEPLOYMENT: ("env", "validate", "bench", "deploy"),
    ROLLBACK_DRILL: ("rollback", "undo", "stop"),
    PAGE_DRILL: ("press-stop",),
}
"""What may begin before a line asks for it, by where it is done; in this order. After its drill a copy's service is
stopped: it would still trade while others are measured."""

_DRILLS: dict[str, tuple[DrillKind, str]] = {
    "rollback": ("rollback", "command"),
    "undo": ("undo", "command"),
    "press-stop": ("stop", "dashboard"),
}
"""Those that are drills: kind, and by whom."""


class HeadStart:
    """Runs commands and drills in threads, a copy's one after the other, the copies' side by side."""

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []

    def begin(
        self,
        place: str,
        wanted: Collection[str],
        connect: Callable[[], LiveCommands],
        doors: Callable[[], Collection[str]],
    ) -> None:
        """Begin those of `BEGUN` that are wanted; does not wait.

        Whoever asks for one of them later waits for its one run, and hears what went wrong.

        Args:
            place: in which copy.
            wanted: names, also those of other copies.
            connect: gives the commands of this copy, over a connection that is closed here.
            doors: gives the addresses of this rehearsal's exchange; where calls would go elsewhere, nothing is begun.
        """
        if steps := [name for name in BEGUN[place] if name in wanted]:
            thread = threading.Thread(target=_run, args=(connect, steps, doors), name=f"begin-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def settle(self) -> None:
        """Wait until nothing that was begun is under way."""
        while self._threads:
            self._threads.pop().join()


def _run(connect: Callable[[], LiveCommands], steps: Sequence[str], doors: Callable[[], Collection[str]]) -> None:
    with (
        contextlib.suppress(HostError, CommandsGone, NotProven, Fault, httpx.HTTPError),
        contextlib.closing(connect()) as commands,
    ):
        if LiveSettings.of(Deployment(commands.root, process={})).endpoint.url not in doors():
            return
        service = LiveService(commands.root, lambda: commands, _no_books, is_rehearsal=True)
        for step in steps:
            if step in _DRILLS:
                service.drill(*_DRILLS[step])
            else:
                commands.run(step)


def _no_books() -> NoReturn:
    """Whoever only begins a drill does not judge it."""
    raise HostError("nobody asks for the exchange's books here")
