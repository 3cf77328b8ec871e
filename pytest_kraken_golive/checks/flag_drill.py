"""The bot's own flag board, drilled on a clock that is moved by hand: minutes pass in no time."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.telemetry.events import Event, EventType
from pytest_kraken_golive.telemetry.flags import Component, FlagSettings, read_flags
from pytest_kraken_golive.telemetry.rollback import FlagBoard

_MARGIN_S = 0.5
"""How long before the time-out's end the old path must still be taken."""


class FlagDrill:
    """A board with these variables, and a clock of its own; leaving the block removes its state file.

    Args:
        variables: the flags; whatever else is in them is passed over.

    Raises:
        Fault: a flag cannot be understood.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.clock = VirtualClock()
        self.events: list[Event] = []
        self._folder = tempfile.TemporaryDirectory(prefix="kraken-golive-flags-")
        self._flags = read_flags(variables)
        self._board = self._new_board()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def append(self, type: EventType, /, **payload: object) -> Event:
        """Take an event."""
        event = Event(self.clock.time(), type, payload)
        self.events.append(event)
        return event

    def path(self, component: Component, order_id: str) -> str:
        """The path of an order."""
        return self._board.decide(component, order_id).path

    def restart(self) -> None:
        """A new board, as after a restart: it knows what its state file says."""
        self._board = self._new_board()

    def order(self, component: Component, *, succeeded: bool) -> str:
        """One order with this outcome; the path that it took."""
        self._number += 1
        decision = self._board.decide(component, f"drill-{self._number}")
        self._board.settle(decision, succeeded=succeeded)
        return decision.path

    def _new_board(self) -> FlagBoard:
        return FlagBoard(self._flags, Path(self._folder.name) / "flags.json", self, self.clock)


def drill_roll_back(variables: Mapping[str, str], component: Component, settings: FlagSettings) -> dict[str, Any]:
    """Fail so often in a row, see the old path until the time-out is over, then one trial, then the new path again.

    Args:
        variables: the flags, with the mode `new` for this component.
        component: which one.
        settings: its flags.

    Raises:
        Fault: the component behaves otherwise.
    """
    timeout_s = settings.rollback_timeout_s
    if timeout_s is None:
        raise Fault(f"FF_{component.value.upper()}_ROLLBACK_TIMEOUT_S: expected a positive number, found none.")
    with FlagDrill(variables) as drill:
        steps = _steps(drill, component, settings.max_consec_fail, timeout_s)
    for when, found, expected in steps:
        if found != expected:
            raise Fault(
                f"FF_{component.value.upper()}: {when}: expected the path {expected[0]}, found {', '.join(found)}. "
                "Next: correct the flag board."
            )
    rolled = [event for event in drill.events if event.type == EventType.FF_ROLLBACK]
    return {
        "timeout_s": timeout_s,
        "max_consec_fail": settings.max_consec_fail,
        "paths": {when: found[0] for when, found, _ in steps},
        "ff_rollback": [event.payload["state"] for event in rolled],
    }


def _steps(
    drill: FlagDrill, component: Component, failures: int, timeout_s: float
) -> list[tuple[str, list[str], list[str]]]:
    """What is done, which paths the orders took, and which they should have taken."""
    steps = [
        ("before any failure", [drill.order(component, succeeded=True)], ["new"]),
        (
            f"{failures} failures in a row",
            [drill.order(component, succeeded=False) for _ in range(failures)],
            ["new"] * failures,
        ),
        ("after them", [drill.order(component, succeeded=True)], ["legacy"]),
    ]
    drill.restart()
    steps.append(("after a restart", [drill.order(component, succeeded=True)], ["legacy"]))
    drill.clock.advance(max(0.0, timeout_s - min(_MARGIN_S, timeout_s / 2)))
    steps.append(("shortly before the time-out", [drill.order(component, succeeded=True)], ["legacy"]))
    drill.clock.advance(min(_MARGIN_S, timeout_s / 2) + 0.001)
    steps.append(("after the time-out", [drill.order(component, succeeded=True)], ["new"]))
    steps.append(("after a trial that succeeded", [drill.order(component, succeeded=True)], ["new"]))
    return steps
