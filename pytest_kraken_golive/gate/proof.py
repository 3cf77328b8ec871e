"""The proof that lines can fail: each line against each of its breaks, in broken copies of the rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_kraken_golive.contract import Break


@dataclass(frozen=True, eq=False)
class Alteration:
    """What makes a world a broken one. Each is a world of its own."""

    sabotage: Break
    """What acts."""
    params: Mapping[str, Any]
    """The parameters of the line that must notice it."""
    needs_run: bool
    """Whether the line looks at the bot's run."""
