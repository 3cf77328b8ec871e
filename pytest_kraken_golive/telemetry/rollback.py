"""Which path each order takes, and the roll-back to the old path after failures of the new one.

::

    on trial ──failed──▶ rolled back ──time-out──▶ on trial ──succeeded──▶ in use ──N failures in a row──▶ rolled back

While a component is *on trial* one order takes the new path and all others the old one, until that order's outcome is
known; a trial without an outcome for a whole time-out counts as failed. The state is a small file, replaced as a whole,
so a restart forgets nothing. A state file that cannot be read means: rolled back from now on, for the old path is the
safe side; an event says so, and the file is kept.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from ..clock import Clock, SystemClock
from ..whole_file import replace_file
from .events import Event, EventType
from .flags import Component, Flags, FlagSettings, Mode

Path_ = Literal["legacy", "new"]


class EventSink(Protocol):
    """What takes events, such as `StructuredLogger`."""

    def append(self, type: EventType, /, **payload: object) -> Event:
        """Write one event."""
        ...


@dataclass(frozen=True)
class Decision:
    """The path of one order."""

    component: Component
    """Of which component."""
    order_id: str
    """Whose."""
    path: Path_
    """The old path or the new one."""
    reason: str
    """Why."""


@dataclass(frozen=True)
class State:
    """What a restart must not forget, of one component."""

    failures: int = 0
    """Of the new path, in a row."""
    rolled_back_at: float | None = None
    """Epoch seconds; None: the new path is in use."""
    trial: str | None = None
    """The order that tries the new path after a roll-back."""
    trial_at: float | None = None
    """Epoch seconds at which it began."""


class FlagBoard:
    """Decides, remembers and reports. Safe between threads; one process at a time.

    Args:
        flags: what the environment says.
        state_path: where the state is kept, such as `runtime/feature_flags.json`.
        events: takes `ff_decision` and `ff_rollback`.
        clock: time-outs run on its epoch seconds, since they must outlive the process.

    Raises:
        OSError: the state cannot be read or written.
    """

    def __init__(self, flags: Flags, state_path: Path, events: EventSink, clock: Clock | None = None) -> None:
        self._flags = flags
        self._path = state_path
        self._events = events
        self._clock = clock or SystemClock()
        self._mutex = threading.RLock()
        self._states = self._load()

    def decide(self, component: Component, order_id: str) -> Decision:
        """The path of this order: the same for the same order, as long as the component's state is the same."""
        with self._mutex:
            path, reason = self._choose(component, order_id)
            self._events.append(
                EventType.FF_DECISION, component=component.value, cl_ord_id=order_id, path=path, reason=reason
            )
            return Decision(component, order_id, path, reason)

    def settle(self, decision: Decision, *, succeeded: bool) -> None:
        """Say how the path of a decision did. Only the new path's outcomes count."""
        if decision.path == "legacy":
            return
        with self._mutex:
            component = decision.component
            state = self._states[component]
            if state.rolled_back_at is not None and state.trial != decision.order_id:
                return  # decided before the roll-back: says nothing about the time after it
            if succeeded:
                self._keep(component, State())
                if state.rolled_back_at is not None:
                    self._events.append(EventType.FF_ROLLBACK, component=component.value, state="returned")
                return
            failures = state.failures + 1
            if state.rolled_back_at is not None or failures >= self._settings(component).max_consec_fail:
                why = "the trial failed" if state.rolled_back_at is not None else "failures in a row"
                self._roll_back(component, failures, why)
            else:
                self._keep(component, replace(state, failures=failures))

    def state(self, component: Component) -> State:
        """What is remembered of a component."""
        with self._mutex:
            return self._states[component]

    def _choose(self, component: Component, order_id: str) -> tuple[Path_, str]:
        settings = self._settings(component)
        if not self._flags.enabled:
            return "legacy", "feature toggles are off"
        if settings.mode is Mode.LEGACY:
            return "legacy", "mode legacy"
        place = rollout_place(component, order_id)
        if settings.mode is Mode.AUTO and place >= settings.rollout_pct:
            return "legacy", f"place {place:.2f} is not below the rollout of {settings.rollout_pct:g} %"
        if self._states[component].rolled_back_at is not None:
            return self._after_roll_back(component, settings, order_id)
        return "new", f"mode {settings.mode.value}"

    def _after_roll_back(self, component: Component, settings: FlagSettings, order_id: str) -> tuple[Path_, str]:
        now = self._clock.time()
        state = self._states[component]
        if state.trial == order_id:
            return "new", "on trial after a roll-back"
        began = state.trial_at if state.trial is not None else state.rolled_back_at
        if began is None or now < began:  # the clock went back: what has passed is not known, so nothing has
            self._keep(component, replace(state, rolled_back_at=now, trial=None, trial_at=None))
            began = now
        left = math.inf if settings.rollback_timeout_s is None else began + settings.rollback_timeout_s - now
        if state.trial is not None:
            if left <= 0:
                self._roll_back(component, state.failures + 1, "the trial had no outcome")
            return "legacy", "another order is on trial"
        if left > 0:
            return "legacy", f"rolled back for another {left:.0f} s"
        self._keep(component, replace(state, trial=order_id, trial_at=now))
        return "new", "on trial after a roll-back"

    def _roll_back(self, component: Component, failures: int, reason: str) -> None:
        now = self._clock.time()
        self._keep(component, State(failures, rolled_back_at=now))
        self._events.append(
            EventType.FF_ROLLBACK,
            component=component.value,
            state="rolled_back",
            failures=failures,
            timeout_s=self._settings(component).rollback_timeout_s,
            reason=reason,
        )

    def _settings(self, component: Component) -> FlagSettings:
        return self._flags.components.get(component, FlagSettings())

    def _keep(self, component: Component, state: State) -> None:
        """Remember a state; before anything acts on it, so that a kill cannot undo it."""
        if self._states[component] == state:
            return
        states = {**self._states, component: state}
        data = {one.value: asdict(value) for one, value in states.items()}
        replace_file(self._path, json.dumps(data, indent=2).encode() + b"\n")
        self._states = states

    def _load(self) -> dict[Component, State]:
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return dict.fromkeys(Component, State())
        try:
            return _states(json.loads(data))
        except (ValueError, RecursionError):
            kept = self._path.with_name(f"{self._path.name}.unreadable")
            os.replace(self._path, kept)
            self._states = dict.fromkeys(Component, State())
            for component in Component:
                self._roll_back(component, 0, f"the state could not be read and is kept in {kept.name}")
            return self._states


def rollout_place(component: Component, order_id: str) -> float:
    """An order's place in the rollout, 0 to below 100: always the same, and evenly spread over orders."""
    digest = hashlib.sha256(f"{component.value}:{order_id}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 * 100


def _states(data: Any) -> dict[Component, State]:
    """The states in the file's data.

    Raises:
        ValueError: they are not what is written there.
    """
    if not isinstance(data, dict) or set(data) != set(Component):
        raise ValueError("expected every component once")
    return {component: _state(data[component.value]) for component in Component}


def _state(data: Any) -> State:
    if not isinstance(data, dict) or set(data) != set(asdict(State())):
        raise ValueError("expected a component's state")
    failures, trial = data["failures"], data["trial"]
    moments = [data["rolled_back_at"], data["trial_at"]]
    if type(failures) is not int or failures < 0 or not (trial is None or isinstance(trial, str)):
        raise ValueError("expected failures as a number and trial as text")
    if any(moment is not None and not _is_moment(moment) for moment in moments) or (trial is None) != (
        data["trial_at"] is None
    ):
        raise ValueError("expected times in epoch seconds")
    return State(**data)


def _is_moment(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf
