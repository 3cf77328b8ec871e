"""What the user asked for on the command line and in the ini file, read once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.options import AVAILABLE_MODES, DEFAULT_RUNBOOKS


@dataclass(frozen=True)
class Options:
    """The gate's part of the command line, read once."""

    rootdir: Path
    """pytest's rootdir: policy, runbooks and the reference config live below it."""
    report_dir: Path
    """Where the run writes."""
    runbooks: tuple[str, ...]
    """Absolute paths and patterns; relative ones of the ini file start at the rootdir."""
    default_runbooks: bool
    """Whether nobody named runbooks, so that all in the default folder are meant."""
    chosen_runbooks: bool
    """Whether the command line chose some of the project's runbooks, so that the others are not asked about."""
    deployment: Path | None
    """The deployment under judgement; None: a rehearsal."""
    kraken: str
    """One of `AVAILABLE_MODES`."""
    cap_usd: Decimal | None
    """How large a real order may be; None: none leaves."""
    drills: bool
    """Whether the deployment's commands may be run in place."""
    only_collects: bool
    """`--collect-only`, `--setup-only` or `--setup-plan`: nothing will run."""

    @classmethod
    def read(cls, config: pytest.Config) -> Options:
        """Read the options and refuse what makes no sense together.

        Raises:
            pytest.UsageError: names the option and what to do.
        """
        option = config.option
        started = config.invocation_params.dir
        patterns = option.golive_runbook or config.getini("golive_runbooks") or [DEFAULT_RUNBOOKS]
        base = started if option.golive_runbook else config.rootpath
        deployment = None if option.golive_deployment is None else (started / option.golive_deployment).resolve()
        if option.kraken not in AVAILABLE_MODES:
            raise pytest.UsageError(
                f"--kraken={option.kraken}: not in this version, which has: {', '.join(AVAILABLE_MODES)}"
            )
        if option.kraken == "record" and (deployment is not None or option.golive_prove):
            other = "--golive-prove" if option.golive_prove else "--golive-deployment"
            raise pytest.UsageError(
                f"--kraken=record with {other}: only a whole rehearsal is recorded. Next: drop one."
            )
        if deployment is not None and not deployment.is_dir():
            raise pytest.UsageError(
                f"--golive-deployment {option.golive_deployment}: no such directory. "
                "Give the root that holds config/, var/ and logs/."
            )
        _refuse_unsuitable(option, deployment)
        return cls(
            rootdir=config.rootpath,
            report_dir=config.rootpath / option.golive_report_dir,
            runbooks=tuple(str(base / pattern) for pattern in patterns),
            default_runbooks=patterns == [DEFAULT_RUNBOOKS],
            chosen_runbooks=bool(option.golive_runbook),
            deployment=deployment,
            kraken=option.kraken,
            cap_usd=cap_of(option.golive_arm_orders),
            drills=bool(option.golive_arm_drills),
            only_collects=bool(option.collectonly or option.setuponly or option.setupplan),
        )


def _refuse_unsuitable(option: Any, deployment: Path | None) -> None:
    """What real money asks for beside the option itself.

    Raises:
        pytest.UsageError: names what is missing, and what to do.
    """
    real = option.kraken == "real"
    if real and deployment is None:
        raise pytest.UsageError(
            "--kraken=real needs --golive-deployment=PATH: a rehearsal never calls a real exchange. "
            "Next: name the root of the deployment that goes live (it holds config/ and .env)."
        )
    if real and option.golive_prove:
        raise pytest.UsageError(
            "--kraken=real with --golive-prove: breaks act on copies of a rehearsal. Next: drop one of them."
        )
    if option.golive_arm_orders is not None and not real:
        raise pytest.UsageError(
            f"--golive-arm-orders {option.golive_arm_orders} needs --kraken=real: the embedded exchange takes orders "
            "without it. Next: add --kraken=real and --golive-deployment=PATH, or drop it."
        )
    if option.golive_arm_drills and deployment is None:
        raise pytest.UsageError(
            "--golive-arm-drills needs --golive-deployment=PATH: in a rehearsal everything is drilled anyway. "
            "Next: name the deployment whose commands may be run, or drop it."
        )


def cap_of(text: str | None) -> Decimal | None:
    """The largest real order in USD; None where real orders are not armed.

    Raises:
        pytest.UsageError: it is no positive finite number.
    """
    if text is None:
        return None
    try:
        cap = Decimal(text)
    except InvalidOperation:
        cap = Decimal(0)
    if not cap.is_finite() or cap <= 0 or not text.isascii() or text != text.strip():
        raise pytest.UsageError(
            f"--golive-arm-orders {text!r}: expected the largest real order in USD, a finite number above 0. "
            "Next: write it like --golive-arm-orders 20."
        )
    return cap
