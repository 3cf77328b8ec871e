"""What a run of the paper bot reads from the environment beside `settings`: how long it takes, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.deployment.variables import Variables

RUN_S = "KRAKEN_GOLIVE_RUN_S"
WARM_UP_S = "KRAKEN_GOLIVE_WARM_UP_S"
HOLD = "KRAKEN_GOLIVE_HOLD"


@dataclass(frozen=True)
class RunSettings:
    """How long a run takes and how it ends."""

    warm_up_s: float
    """Time before trading, in which market data flow and the metrics fill."""
    run_s: float
    """Trading time."""
    hold: bool
    """Keep the metrics endpoint open after the report is written."""


def run_settings(variables: Variables) -> RunSettings:
    """How long the run takes, from `KRAKEN_GOLIVE_WARM_UP_S` (0.5), `_RUN_S` (2.0) and `_HOLD` (0).

    Raises:
        Fault: a value is not what it should be.
    """
    hold = variables.get(HOLD, "0")
    if hold not in {"0", "1"}:
        raise Fault(f"{variables.place(HOLD)}: expected 0 or 1, found {hold!r}. Next: set it to one of them.")
    return RunSettings(
        warm_up_s=variables.number(WARM_UP_S, may_be_zero=True).value if WARM_UP_S in variables else 0.5,
        run_s=variables.number(RUN_S).value if RUN_S in variables else 2.0,
        hold=hold == "1",
    )
