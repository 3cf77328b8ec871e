"""The command line of the reference bot."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_kraken_golive.bot.ending import Ending, signals_ask
from pytest_kraken_golive.clock import SystemClock

_EPILOG = (
    "Exit status: 0 the run came to its end within its thresholds; 2 configuration missing, cut short or failed; "
    "3 validation failed; 4 a threshold is breached or a metric is not known. With --mode live: "
    "0 after a controlled stop; 2 configuration missing, or the stop left something behind; 3 not allowed to start."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bot once; gives the exit status.

    Args:
        argv: the arguments without the program's name; by default those of the process.
    """
    arguments = _parser().parse_args(argv)
    config = Path(os.path.abspath(arguments.config))
    ending = Ending()
    if arguments.mode == "live":
        return _serve(config, arguments.entrypoint, ending)
    report = arguments.report or report_path(config.parent.parent, arguments.entrypoint)
    # Whatever needs time to be imported comes after the arguments are known to be good.
    from pytest_kraken_golive.bot.runner import PaperRun, RunRequest  # noqa: PLC0415

    request = RunRequest(arguments.mode, arguments.entrypoint, config, Path(os.path.abspath(report)))
    with signals_ask(ending):
        run = PaperRun(request, environ=os.environ, clock=SystemClock(), ending=ending, say=_say)
        return run.execute()


def _serve(config: Path, entrypoint: str, ending: Ending) -> int:
    from pytest_kraken_golive.bot.service import LiveService  # noqa: PLC0415 - as above

    with signals_ask(ending):
        service = LiveService(config, entrypoint, environ=os.environ, clock=SystemClock(), ending=ending, say=_say)
        return service.execute()


def report_path(root: Path, entrypoint: str) -> Path:
    """Where the report of an entrypoint goes by default: `reports/paper_<entrypoint>.json` below the root."""
    safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in entrypoint)
    return root / "reports" / f"paper_{safe}.json"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kraken-golive bot", description=__doc__, epilog=_EPILOG)
    parser.add_argument(
        "--mode", choices=["paper", "live"], required=True, help="paper: a run on a sandbox; live: a service"
    )
    parser.add_argument("--entrypoint", required=True, help="a name in trading.entrypoints of the configuration")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("config/runtime.yaml"),
        help="runtime.yaml; the folder above its own is the deployment's root (default: %(default)s)",
    )
    parser.add_argument(
        "--report", type=Path, help="of a paper run; default: reports/paper_<entrypoint>.json below the root"
    )
    return parser


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
