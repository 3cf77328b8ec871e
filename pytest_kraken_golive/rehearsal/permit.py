"""What a run may do to a real exchange, and to a deployment that is no copy."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

from pytest_kraken_golive.kraken.interlock import Arming


@dataclass(frozen=True)
class Permit:
    """Somebody's decision, by options of the command line. By default nothing real is touched."""

    real: bool = False
    """`--kraken=real`: the exchange is the deployment's own."""
    cap_usd: Decimal | None = None
    """`--golive-arm-orders`: how large a real order may be; None: none leaves."""
    drills: bool = False
    """`--golive-arm-drills`: the deployment's commands may be run in place."""
    prefix: str = field(default_factory=lambda: f"kgr{secrets.token_hex(3)}")
    """How the client ids of this run's orders begin: no other order is ever cancelled."""

    def arming(self, of_the_deployment: Arming | None) -> Arming | None:
        """The smaller of the two caps; None unless both arm.

        Args:
            of_the_deployment: what its own settings allow (`KRAKEN_MAX_ORDER_USD`).
        """
        if self.cap_usd is None or of_the_deployment is None:
            return None
        return Arming(min(self.cap_usd, of_the_deployment.max_notional_usd))

    def data(self) -> dict[str, Any]:
        """As it travels to workers."""
        cap = None if self.cap_usd is None else str(self.cap_usd)
        return {"real": self.real, "cap_usd": cap, "drills": self.drills, "prefix": self.prefix}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read what `data` gave."""
        cap = None if data["cap_usd"] is None else Decimal(data["cap_usd"])
        return cls(data["real"], cap, data["drills"], data["prefix"])


NOTHING_REAL = Permit(prefix="")
"""A rehearsal's, and that of a deployment which is only looked at."""
