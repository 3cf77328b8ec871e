"""What the bot reads from the environment: the deployment's `.env` below the process's own variables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RUN_S = "KRAKEN_GOLIVE_RUN_S"
WARM_UP_S = "KRAKEN_GOLIVE_WARM_UP_S"
HOLD = "KRAKEN_GOLIVE_HOLD"


class EnvironmentValueError(Exception):
    """A variable or the `.env` file cannot be used; the message says which, and what it should be."""


@dataclass(frozen=True)
class RunSettings:
    """How long a run takes and how it ends."""

    warm_up_s: float
    """Time before trading, in which market data flow and the metrics fill."""
    run_s: float
    """Trading time."""
    hold: bool
    """Keep the metrics endpoint open after the report is written."""


def merged_environ(root: Path, process: Mapping[str, str]) -> dict[str, str]:
    """The variables of `<root>/.env`, if there is one, below those of the process.

    The file is read as python-dotenv reads it; a name without `=` sets nothing.

    Raises:
        EnvironmentValueError: the file cannot be read or is not UTF-8.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 - not needed before there is a deployment to look at

    path = root / ".env"
    if not path.is_file():
        return dict(process)
    try:
        values = dotenv_values(path, encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise EnvironmentValueError(
            f".env: expected UTF-8 text, found another encoding at byte {error.start}. Next: save it as UTF-8."
        ) from error
    except OSError as error:
        raise EnvironmentValueError(f".env: cannot be read: {error.strerror}. Next: make it readable.") from error
    return {**{name: value for name, value in values.items() if value is not None}, **process}


def run_settings(environ: Mapping[str, str]) -> RunSettings:
    """How long the run takes, from `KRAKEN_GOLIVE_WARM_UP_S` (0.5), `_RUN_S` (2.0) and `_HOLD` (0).

    Raises:
        EnvironmentValueError: a value is not what it should be.
    """
    hold = environ.get(HOLD, "0")
    if hold not in {"0", "1"}:
        raise EnvironmentValueError(f"{HOLD}: expected 0 or 1, found {hold!r}. Next: set it to one of them.")
    return RunSettings(
        warm_up_s=_seconds(environ, WARM_UP_S, 0.5, at_least_zero=True),
        run_s=_seconds(environ, RUN_S, 2.0, at_least_zero=False),
        hold=hold == "1",
    )


def _seconds(environ: Mapping[str, str], name: str, default: float, *, at_least_zero: bool) -> float:
    text = environ.get(name)
    if text is None:
        return default
    expected = "seconds, 0 or more" if at_least_zero else "seconds, more than 0"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (value == 0 and not at_least_zero):
        raise EnvironmentValueError(f"{name}: expected {expected}, found {text!r}. Next: correct or unset it.")
    return value
