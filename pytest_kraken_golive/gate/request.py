"""What the user asked for on the command line and in the ini file, read once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    deployment: Path | None
    """The deployment under judgement; None: a rehearsal."""
    kraken: str
    """One of `AVAILABLE_MODES`."""
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
        if option.golive_arm_orders is not None or option.golive_arm_drills:
            raise pytest.UsageError(
                "--golive-arm-orders and --golive-arm-drills need --kraken=real, not in this version"
            )
        return cls(
            rootdir=config.rootpath,
            report_dir=config.rootpath / option.golive_report_dir,
            runbooks=tuple(str(base / pattern) for pattern in patterns),
            default_runbooks=patterns == [DEFAULT_RUNBOOKS],
            deployment=deployment,
            kraken=option.kraken,
            only_collects=bool(option.collectonly or option.setuponly or option.setupplan),
        )
