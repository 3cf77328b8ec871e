"""`kraken-golive`: the commands beside pytest."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-kraken-golive")
def main() -> None:
    """Decide whether a Kraken trading bot may go live. The gate itself is `pytest --golive`."""


@main.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
    short_help="Run the reference bot.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bot(arguments: tuple[str, ...]) -> None:
    """Run the reference bot on paper; `kraken-golive bot --help` lists its options."""
    from pytest_kraken_golive.bot.main import main as run  # noqa: PLC0415 - each command imports what it needs

    sys.exit(run(list(arguments)))


@main.command(short_help="Write config, runbook and tests into a project.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
def init(directory: Path) -> None:
    """Write all that `pytest --golive` needs into DIRECTORY (default: here). Never overwrites a file."""
    from pytest_kraken_golive.scaffold import ScaffoldError, scaffold  # noqa: PLC0415 - each command imports its own

    try:
        written, kept = scaffold(directory)
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from error
    for name in written:
        click.echo(f"  + {name}")
    for name in kept:
        click.echo(f"  = {name} (kept as it is)")
    click.echo("Next: pytest --golive")
