"""Command line and ini: what the user can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

KRAKEN_MODES = ("sandbox", "record", "replay", "real")
"""What `kraken_client` talks to."""

AVAILABLE_MODES = ("sandbox",)
"""The modes that this version has."""

DEFAULT_RUNBOOKS = "config/runbooks/*.md"

OWN_INI = frozenset({"golive_runbooks"})


def add_options(parser: pytest.Parser) -> None:
    """Declare the options; other programs rely on their names."""
    group = parser.getgroup("golive", "go-live gate for Kraken trading bots")
    group.addoption(
        "--golive", action="store_true", help="run the runbooks and give a verdict: GO, NO-GO or INCOMPLETE"
    )
    group.addoption(
        "--golive-runbook",
        action="append",
        metavar="PATH",
        default=[],
        help="a runbook to run (repeatable; default: the ini option golive_runbooks)",
    )
    group.addoption(
        "--golive-deployment",
        metavar="PATH",
        default=None,
        help="gate the deployment at PATH as it stands, instead of a rehearsal copy of config/",
    )
    group.addoption(
        "--kraken",
        choices=KRAKEN_MODES,
        default="sandbox",
        help="the exchange: the embedded sandbox (default), recorded, replayed or the real one",
    )
    group.addoption(
        "--golive-arm-orders",
        type=float,
        metavar="MAX_NOTIONAL_USD",
        default=None,
        help="allow real orders up to this notional (only with --kraken=real)",
    )
    group.addoption("--golive-arm-drills", action="store_true", help="allow drills that change a real deployment")
    group.addoption("--golive-prove", action="store_true", help="run every line against its breaks: each must fail")
    group.addoption("--golive-checks", action="store_true", help="list the checks that lines can be bound to")
    group.addoption(
        "--golive-report-dir",
        metavar="DIR",
        default="reports",
        help="where the verdict and reports go (default: reports)",
    )
    parser.addini("golive_runbooks", f"runbooks of the gate (default: {DEFAULT_RUNBOOKS})", type="args", default=None)


@dataclass(frozen=True)
class Options:
    """The gate's part of the command line, read once."""

    rootdir: Path
    """pytest's rootdir: policy, runbooks and the reference config live below it."""
    report_dir: Path
    """Where the run writes."""
    runbooks: tuple[str, ...]
    """Absolute paths and patterns; relative ones of the ini file start at the rootdir."""
    deployment: Path | None
    """The deployment under judgement; None: a rehearsal."""
    kraken: str
    """One of `KRAKEN_MODES`."""
    arm_orders: float | None
    arm_drills: bool
    prove: bool
    list_checks: bool
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
            deployment=deployment,
            kraken=option.kraken,
            arm_orders=option.golive_arm_orders,
            arm_drills=option.golive_arm_drills,
            prove=option.golive_prove,
            list_checks=option.golive_checks,
            only_collects=bool(option.collectonly or option.setuponly or option.setupplan),
        )


def is_wanted(config: pytest.Config) -> bool:
    """Whether this run is a gate: `--golive` was given, and not only to ask for help."""
    known = getattr(config, "known_args_namespace", None) or config.option
    return bool(getattr(known, "golive", False) or getattr(known, "golive_checks", False))


def only_informs(config: pytest.Config) -> bool:
    """Whether the command line only asks for information, so that the last verdict stays as it is."""
    known = getattr(config, "known_args_namespace", None) or config.option
    names = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow", "golive_checks")
    return any(bool(getattr(known, name, False)) for name in names)


def refuse_unknown_ini(config: pytest.Config) -> None:
    """A misspelt ini option would silently be ignored by pytest.

    Raises:
        pytest.UsageError: an ini option that begins with `golive` or `kraken` and does not exist.
    """
    unknown = sorted(key for key in config._get_unknown_ini_keys() if key.lower().startswith(("golive", "kraken")))
    if unknown:
        where = config.inipath or "the ini file"
        raise pytest.UsageError(f"{where}: unknown option {unknown[0]!r}; the plugin has: {', '.join(sorted(OWN_INI))}")
