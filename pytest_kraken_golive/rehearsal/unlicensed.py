"""The bot once more, in a copy of the deployment without its licence: it must refuse to start."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.rehearsal.bot_run import BotRun, BotState

LONGEST_S = 60.0
"""A bot that has neither ended nor traded by then is ended."""
LOOK_S = 0.1

NO_COPY = (
    "there is no copy of the deployment without its licence: the licence lies elsewhere, or runtime.yaml does not say "
    "where. Next: name it in licensing.license.license_path, relative to the deployment's root."
)


class UnlicensedRun:
    """Runs the bot until it ends, reports or trades; once, however many ask.

    Args:
        bot: in the copy without licence.
        orders: how many orders it has placed so far.
        beside: the bot with its licence, whose run is not to be disturbed: it has reported before this one starts.
    """

    def __init__(self, bot: BotRun, orders: Callable[[], int], *, beside: BotRun | None = None) -> None:
        self.bot = bot
        self._orders = orders
        self._beside = beside
        self._lock = threading.Lock()

    def to_its_end(self) -> BotState:
        """Run it if need be; its last state."""
        with self._lock:
            self._wait_for_the_other()
            state = self.bot.start()
            while not state.settled and not self._orders():
                state = self.bot.wait(LOOK_S)
            if self._orders():
                self.bot.kill()  # nothing it does from now on changes what that says
            return self.bot.finish()

    def _wait_for_the_other(self) -> None:
        while self._beside is not None and (state := self._beside.state()).started_at is not None:
            if state.settled:
                return
            self._beside.wait(LOOK_S)


def copy_without_licence(root: Path, place: Path) -> bool:
    """Copy a deployment but for its licence; False, and no copy, where the licence is not below the root."""
    try:
        licence = Deployment(root).license_path
    except (Fault, NotProven):
        return False
    if not licence.is_relative_to(root):
        return False
    shutil.copytree(root, place)
    (place / licence.relative_to(root)).unlink(missing_ok=True)
    return True
