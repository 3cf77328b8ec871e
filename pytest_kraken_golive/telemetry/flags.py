"""Feature flags as the environment sets them: `FEATURE_TOGGLES_ENABLED` and `FF_<COMPONENT>_…`.

Per component (EXECUTION, POLLER, FEES):

- `_MODE`: `legacy` (the old path), `new` (the new one for every order), `auto` (the new one for a share of the orders);
- `_ROLLOUT_PCT`: that share, 0 to 100;
- `_MAX_CONSEC_FAIL`: after so many failures of the new path in a row the component rolls back to the old one;
- `_ROLLBACK_TIMEOUT_S`: for so many seconds, then one order tries the new path again.

The old path is the safe side: what is not set means the old path, and is listed as absent, so that a check can say that
it is not proven. A value that is set and not understood is a fault, never a default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..contract import Fault

ENABLED = "FEATURE_TOGGLES_ENABLED"


class Component(StrEnum):
    """What has two paths."""

    EXECUTION = "execution"
    POLLER = "poller"
    FEES = "fees"


class Mode(StrEnum):
    """Which path a component takes."""

    AUTO = "auto"
    LEGACY = "legacy"
    NEW = "new"


@dataclass(frozen=True)
class FlagSettings:
    """One component's flags."""

    mode: Mode = Mode.LEGACY
    """Which path."""
    rollout_pct: float = 0.0
    """With `auto`: the share of orders that takes the new path, 0 to 100."""
    max_consec_fail: int = 1
    """So many failures in a row roll back."""
    rollback_timeout_s: float | None = None
    """How long a roll-back lasts at least; None: until the process is told otherwise."""


@dataclass(frozen=True)
class Flags:
    """All of them."""

    enabled: bool = False
    """False: the old path everywhere."""
    components: Mapping[Component, FlagSettings] = field(default_factory=dict)
    """Every component's settings."""
    absent: tuple[str, ...] = ()
    """The variables that are not set."""


Shown = Callable[[str], str]
"""How messages call a variable: with file and line, where it comes from one."""

_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")


def read_flags(variables: Mapping[str, str], shown: Shown = str) -> Flags:
    """The flags in a mapping of variables, such as the environment.

    Raises:
        Fault: a value is empty, padded, misspelt or out of range, or a mode other than `legacy` lacks what it needs;
            quotes the value.
    """
    reader = _Reader(variables, shown)
    enabled = reader.flag(ENABLED)
    components = {component: _settings(reader, component) for component in Component}
    return Flags(enabled, components, tuple(reader.absent))


def _settings(reader: _Reader, component: Component) -> FlagSettings:
    prefix = f"FF_{component.value.upper()}"
    mode = reader.mode(f"{prefix}_MODE")
    rollout = reader.number(f"{prefix}_ROLLOUT_PCT", "a share from 0 to 100", lambda value: value <= 100)  # noqa: PLR2004 - per cent
    fails = reader.number(
        f"{prefix}_MAX_CONSEC_FAIL", "a whole number from 1 on", lambda value: value >= 1 and value.is_integer()
    )
    timeout = reader.number(f"{prefix}_ROLLBACK_TIMEOUT_S", "a positive number of seconds", lambda value: value > 0)
    needed = {"_MAX_CONSEC_FAIL": fails, "_ROLLBACK_TIMEOUT_S": timeout}
    if mode is Mode.AUTO:
        needed["_ROLLOUT_PCT"] = rollout
    missing = [prefix + name for name, value in needed.items() if value is None]
    if mode is not Mode.LEGACY and missing:
        raise Fault(
            f"{reader.shown(prefix + '_MODE')}: expected {', '.join(missing)} to be set with the mode {mode.value!r}, "
            f"found {'it' if len(missing) == 1 else 'them'} absent. Next: set {', '.join(missing)}, or the mode legacy."
        )
    return FlagSettings(mode, rollout or 0.0, int(fails or 1), timeout)


class _Reader:
    """Reads variables and notes those that are absent."""

    def __init__(self, variables: Mapping[str, str], shown: Shown) -> None:
        self._variables = variables
        self.shown = shown
        self.absent: list[str] = []

    def flag(self, name: str) -> bool:
        text = self._text(name)
        if text is None:
            return False
        if text.lower() not in ("true", "false"):
            raise self._fault(name, text, "true or false")
        return text.lower() == "true"

    def mode(self, name: str) -> Mode:
        text = self._text(name)
        if text is None:
            return Mode.LEGACY
        if text not in list(Mode):
            raise self._fault(name, text, "auto, legacy or new")
        return Mode(text)

    def number(self, name: str, expected: str, fits: Callable[[float], bool]) -> float | None:
        text = self._text(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text) or not fits(float(text)):
            raise self._fault(name, text, expected)
        return float(text)

    def _text(self, name: str) -> str | None:
        text = self._variables.get(name)
        if text is None:
            self.absent.append(name)
        return text

    def _fault(self, name: str, text: str, expected: str) -> Fault:
        return Fault(
            f"{self.shown(name)}: expected {expected}, found {text!r}. "
            "Next: write it without spaces, quotes or sign, or remove the variable: the old path is taken then."
        )
