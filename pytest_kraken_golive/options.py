"""Command line and ini: what the user can ask for."""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from pathlib import Path

import pytest

AVAILABLE_MODES = ("sandbox", "record", "replay", "real")
"""What `--kraken` may be."""

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
        metavar="MODE",
        default="sandbox",
        help="the exchange: sandbox (the embedded one), record (the same, kept in cassettes/), replay (cassettes/), "
        "real (that of the deployment; reads and validated orders only, unless armed)",
    )
    group.addoption(
        "--golive-arm-orders",
        metavar="MAX_NOTIONAL_USD",
        default=None,
        help="with --kraken=real: real orders may leave, none larger than so many USD",
    )
    group.addoption(
        "--golive-arm-drills",
        action="store_true",
        help="with --golive-deployment: its commands are really run there: validate, bench, deploy, rollback, stop",
    )
    group.addoption("--golive-prove", action="store_true", help="run every line against its breaks: each must fail")
    group.addoption("--golive-checks", action="store_true", help="list the checks that lines can be bound to")
    group.addoption(
        "--golive-report-dir",
        metavar="DIR",
        default="reports",
        help="where the verdict and reports go (default: reports)",
    )
    parser.addini("golive_runbooks", f"runbooks of the gate (default: {DEFAULT_RUNBOOKS})", type="args", default=None)


def is_wanted(config: pytest.Config) -> bool:
    """Whether this run is a gate: `--golive` was given, and not only to ask for help."""
    known = getattr(config, "known_args_namespace", None) or config.option
    return bool(getattr(known, "golive", False) or getattr(known, "golive_checks", False))


def only_informs(config: pytest.Config) -> bool:
    """Whether the command line only asks for information, so that the last verdict stays as it is."""
    return informs(getattr(config, "known_args_namespace", None) or config.option)


def informs(known: Namespace) -> bool:
    """The same of options that were read in another way."""
    names = ("help", "version", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow", "golive_checks")
    return any(bool(getattr(known, name, False)) for name in names)


def known_beforehand(config: pytest.Config) -> Namespace | None:
    """Our options as they can be read before pytest itself reads them, which fails where other words are wrong.

    Returns:
        Also pytest's own options, as far as it has read them; None where this run is no gate, or only informs.
    """
    early = getattr(config, "known_args_namespace", None)
    if early is None:
        return None
    words = [*config.getini("addopts"), *shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))]
    words += map(str, config.invocation_params.args)
    if "--golive" not in words:
        return None
    parser = pytest.Parser(_ispytest=True)
    add_options(parser)
    try:
        ours = parser.parse_known_args(words)
    except pytest.UsageError:  # an option of ours without its value: the others are what they are by default
        ours = parser.parse_known_args(["--golive"])
    known = Namespace(**{**vars(early), **vars(ours)})
    return None if informs(known) else known


def mistaken_rootdir(config: pytest.Config, known: Namespace) -> tuple[str, Path] | None:
    """Notice that pytest took the value of one of our options for a test folder when it looked for its rootdir.

    It looks for it before it knows our options, so `--golive-deployment /srv/bot` can make it choose `/`, where neither
    policy nor runbooks are.

    Args:
        config: has the rootdir.
        known: our options, and pytest's own.

    Returns:
        The word that was mistaken, and the rootdir that was meant; None where all is well.
    """
    from _pytest.config.findpaths import determine_setup  # noqa: PLC0415 - only for a gate run

    given = [value for value in (known.golive_deployment, known.golive_report_dir, *known.golive_runbook) if value]
    apart = [value for value in given if value in config.invocation_params.args]
    if not apart or known.rootdir is not None or known.inifilename is not None:
        return None
    meant, *_ = determine_setup(
        inifile=None,
        override_ini=None,
        args=list(known.file_or_dir),
        rootdir_cmd_arg=None,
        invocation_dir=config.invocation_params.dir,
    )
    return None if meant == config.rootpath else (apart[0], meant)


def refuse_modes_without_gate(config: pytest.Config) -> None:
    """Recordings belong to lines, and so does everything that is done to a real exchange or deployment.

    Raises:
        pytest.UsageError: such an option without `--golive`.
    """
    option = config.option
    if is_wanted(config):
        return
    if option.kraken in {"record", "replay"}:
        raise pytest.UsageError(f"--kraken={option.kraken} needs --golive: recordings belong to runbook lines")
    for name, given in (
        ("--kraken=real", option.kraken == "real"),
        ("--golive-arm-orders", option.golive_arm_orders is not None),
        ("--golive-arm-drills", option.golive_arm_drills),
    ):
        if given:
            raise pytest.UsageError(f"{name} needs --golive: without a runbook nothing says what is to be done there")


def refuse_unknown_ini(config: pytest.Config) -> None:
    """A misspelt ini option would silently be ignored by pytest.

    Raises:
        pytest.UsageError: an ini option that begins with `golive` or `kraken` and does not exist.
    """
    unknown = sorted(key for key in config._get_unknown_ini_keys() if key.lower().startswith(("golive", "kraken")))
    if unknown:
        where = config.inipath or "the ini file"
        raise pytest.UsageError(f"{where}: unknown option {unknown[0]!r}; the plugin has: {', '.join(sorted(OWN_INI))}")
