"""Real money: what a run needs before it calls a real exchange, and what a line may do there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_kraken_golive.contract import Check, Fault, NotProven
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.rehearsal.permit import NOTHING_REAL, Permit


def permit_of(options: Options) -> Permit:
    """What the options let this run do.

    Raises:
        pytest.UsageError: `--kraken=real`, and the deployment is not in production mode, or has no credentials that can
            be read; says where they were looked for.
    """
    if options.deployment is None:
        return NOTHING_REAL
    if options.kraken == "real":
        _require_production(options, options.deployment)
    return Permit(options.kraken == "real", options.cap_usd, options.drills)


def _require_production(options: Options, root: Path) -> None:
    from pytest_kraken_golive.bot.names import LARGEST_ORDER  # noqa: PLC0415 - these four are heavy, only when used
    from pytest_kraken_golive.bot.settings import LiveSettings  # noqa: PLC0415
    from pytest_kraken_golive.deployment.layout import Deployment  # noqa: PLC0415
    from pytest_kraken_golive.kraken.endpoint import USE_SANDBOX_VARIABLE  # noqa: PLC0415

    deployment = Deployment(root, process=os.environ)
    place = f"--kraken=real: the deployment {root}"
    try:
        settings = LiveSettings.of(deployment)
        mode = settings.mode
        if mode.value != "production":
            raise pytest.UsageError(
                f"{place} is not in production mode. {mode.where}: expected {USE_SANDBOX_VARIABLE}=false (looked for "
                f"in {deployment.shown(deployment.env_path)} and the process environment), found "
                f"{settings.variables.get(USE_SANDBOX_VARIABLE, 'nothing, which means a sandbox')}. Next: write "
                f"{USE_SANDBOX_VARIABLE}=false into its .env, or run without --kraken=real."
            )
        _ = settings.endpoint
        _ = settings.key_pair
        armed = settings.arming
    except (Fault, NotProven) as error:
        raise pytest.UsageError(f"{place} cannot be called as it stands. {error}") from error
    if options.cap_usd is not None and armed is None:
        raise pytest.UsageError(
            f"--golive-arm-orders {options.cap_usd}: the deployment {root} allows no real order. "
            f"{settings.variables.place(LARGEST_ORDER)}: expected the largest order in USD, found nothing. "
            f"Next: write {LARGEST_ORDER} into its .env; the smaller of both caps counts."
        )


def require_armed(check: Check, permit: Permit) -> None:
    """Do nothing if a line may be judged at a real exchange.

    Raises:
        NotProven: it would cancel other people's orders, or place orders that nobody armed; says how it can be proven.
    """
    does = check.touches
    if permit.cap_usd is None and check.unarmed is not None:
        does = check.unarmed
    if does == "cancels_all":
        raise NotProven(
            f"the check {check.name} cancels every order of the account, and is never run on a real exchange. "
            "Next: drill it on a copy with the same version and configuration, and put the drill record on file."
        )
    if does == "orders" and permit.cap_usd is None:
        raise NotProven(
            f"the check {check.name} places orders, and real orders are not armed. Next: arm them with "
            "--golive-arm-orders MAX_NOTIONAL_USD, or put a drill record of this version and configuration on file."
        )
