"""`kraken-golive`: the commands beside pytest."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

_PORT = click.IntRange(0, 65_535)


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


@main.command(short_help="Show mode, URL, limits and key, each with its source.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="runtime.yaml; the folder above its own is the deployment's root  [default: config/runtime.yaml]",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def env(config: Path | None, as_json: bool) -> None:
    """Show what a bot would read from .env and the environment: mode, base URL and why, limits, key (never the secret).

    Exit status: 0 all can be read; 2 something is missing or wrong.
    """
    from pytest_kraken_golive.operations.env import summarise  # noqa: PLC0415 - each command imports what it needs

    looks: dict[str, dict[str, Any]] = {"name": {"bold": True}, "value": {"fg": "cyan"}, "place": {"dim": True}}
    summary = summarise(Path(os.path.abspath(config or "config/runtime.yaml")), os.environ)
    click.echo(summary.as_json() if as_json else summary.text(lambda role, text: click.style(text, **looks[role])))
    for problem in summary.problems:
        click.echo(f"{click.style('wrong:', fg='red', bold=True)} {problem}", err=True)
    sys.exit(summary.exit_status)


@main.command(short_help="Write config, runbook and tests into a project.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--with-production", is_flag=True, help="Also write the runbook of the production cutover.")
def init(directory: Path, with_production: bool) -> None:
    """Write all that `pytest --golive` needs into DIRECTORY (default: here). Never overwrites a file."""
    from pytest_kraken_golive.scaffold import ScaffoldError, scaffold  # noqa: PLC0415 - each command imports its own

    try:
        written, kept = scaffold(directory, production=with_production)
    except ScaffoldError as error:
        raise click.ClickException(str(error)) from error
    for name in written:
        click.echo(f"  + {name}")
    for name in kept:
        click.echo(f"  = {name} (kept as it is)")
    click.echo("Next: pytest --golive")


@main.command(short_help="Serve the embedded exchange.")
@click.option("--port", type=_PORT, default=8910, show_default=True, help="Port of the exchange; 0 takes a free one.")
@click.option("--admin-port", type=_PORT, default=0, help="Port of the admin interface; a free one by default.")
@click.option("--tier", type=click.Choice(["starter", "intermediate", "pro"]), default="pro", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Of prices, books and ids; never of keys.")
@click.option("--prices", multiple=True, metavar="[PAIR=]FILE", help="Replay recorded candles or trades; repeatable.")
@click.option("--latency-s", type=click.FloatRange(0, 3600), default=0.0, help="Seconds that every call takes.")
@click.option("--no-limits", is_flag=True, help="Count no calls: for sessions longer than the limits allow.")
@click.option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Gets URLs and keys as JSON.")
def sandbox(
    *,
    port: int,
    admin_port: int,
    tier: Any,
    seed: int,
    prices: tuple[str, ...],
    latency_s: float,
    no_limits: bool,
    ready_file: Path | None,
) -> None:
    """Serve a Kraken Spot look-alike on loopback until Ctrl-C. docs/sandbox.md tells all of it."""
    from pytest_kraken_golive.sandbox import standalone  # noqa: PLC0415 - each command imports what it needs

    try:
        settings = {"seed": seed, "tier": tier, "latency_s": latency_s, "limits": not no_limits}
        exchange = standalone.open_exchange(prices, **settings)
        standalone.run(exchange, {"main": port, "admin": admin_port}, ready_file, click.echo)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error.strerror if isinstance(error, OSError) else error)) from error


if __name__ == "__main__":
    main()
