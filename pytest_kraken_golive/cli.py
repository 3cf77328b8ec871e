"""`kraken-golive`: the commands beside pytest."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from pytest_kraken_golive import cli_signoff

_Command = TypeVar("_Command", bound=Callable[..., Any])
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


_config = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="runtime.yaml; the folder above its own is the deployment's root  [default: config/runtime.yaml]",
)


def _runtime_yaml(config: Path | None) -> Path:
    return Path(os.path.abspath(config or "config/runtime.yaml"))


def _say_wrong(problems: Sequence[str]) -> None:
    for problem in problems:
        click.echo(f"{click.style('wrong:', fg='red', bold=True)} {problem}", err=True)


@main.command(short_help="Show mode, URL, limits and key, each with its source.")
@_config
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def env(config: Path | None, as_json: bool) -> None:
    """Show what a bot would read from .env and the environment: mode, base URL and why, limits, key (never the secret).

    Exit status: 0 all can be read; 2 something is missing or wrong.
    """
    from pytest_kraken_golive.operations.env import summarise  # noqa: PLC0415 - each command imports what it needs

    looks: dict[str, dict[str, Any]] = {"name": {"bold": True}, "value": {"fg": "cyan"}, "place": {"dim": True}}
    summary = summarise(_runtime_yaml(config), os.environ)
    click.echo(summary.as_json() if as_json else summary.text(lambda role, text: click.style(text, **looks[role])))
    _say_wrong(summary.problems)
    sys.exit(summary.exit_status)


@main.command(short_help="Try the connections without an order.")
@_config
def validate(config: Path | None) -> None:
    """Ask for Depth and Balance once each, and write runtime/kraken_prod_validation.json. Sends no order.

    Exit status: 0 both answered; 1 one did not; 2 the configuration is missing or wrong.
    """
    from pytest_kraken_golive.operations import validate as trying  # noqa: PLC0415 - each command imports its own

    try:
        found = trying.validate(_runtime_yaml(config), os.environ)
    except OSError as error:
        raise click.ClickException(f"{trying.FILE} cannot be written: {error}") from error
    click.echo(found.text())
    click.echo(f"written to {trying.FILE}")
    _say_wrong([found.problem] if found.problem is not None else [])
    sys.exit(found.exit_status)


@main.command(short_help="Measure latency, fills, fees and progressive volume.")
@_config
@click.option("--samples", type=click.IntRange(1, 1000), default=2, show_default=True, help="Orders before the ladder.")
def bench(config: Path | None, samples: int) -> None:
    """Send the smallest orders there are, and write runtime/benchmark_results.json.

    Orders are real where KRAKEN_MAX_ORDER_USD says how large they may be; else they are only validated.
    SMC_BENCH_MAX_WAIT bounds the wait for a fill, in seconds.

    Exit status: 0 all well; 1 an order failed, or a rung of the ladder degraded; 2 the configuration is wrong.
    """
    from pytest_kraken_golive.operations import bench as measuring  # noqa: PLC0415 - each command imports its own

    try:
        found = measuring.bench(_runtime_yaml(config), os.environ, samples=samples)
    except OSError as error:
        raise click.ClickException(f"{measuring.FILE} cannot be written: {error}") from error
    if found.wrong is None:
        click.echo(found.text())
        click.echo(f"written to {measuring.FILE}")
    _say_wrong(found.problems if found.wrong is None else [found.wrong])
    sys.exit(found.exit_status)


def _service_options(timeout_s: float) -> Callable[[_Command], _Command]:
    """The options that deploy, rollback and stop share."""
    entrypoint = click.option("--entrypoint", help="By default the one that runs, or the only live one.")
    seconds = click.FloatRange(0, 3600, min_open=True)
    timeout = click.option("--timeout-s", type=seconds, default=timeout_s, show_default=True, help="Time limit.")
    as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")

    def add(command: _Command) -> _Command:
        return _config(entrypoint(timeout(as_json(command))))

    return add


def _carry_out(act: Callable[[], Mapping[str, Any]], done: str, as_json: bool) -> NoReturn:
    """Do it, tell the outcome, and end with a status: 0 done, 1 it failed, 2 something is missing or wrong."""
    from pytest_kraken_golive.operations.failure import CommandError  # noqa: PLC0415 - each command imports its own

    try:
        outcome = act()
    except CommandError as error:
        if as_json:
            click.echo(json.dumps({"exit_status": error.status, "problems": list(error.messages)}, indent=2))
        for message in error.messages:
            click.echo(f"{click.style('failed:', fg='red', bold=True)} {message}", err=True)
        sys.exit(error.status)
    if as_json:
        click.echo(json.dumps({"exit_status": 0, **outcome}, indent=2))
    else:
        click.echo(f"{click.style('done:', fg='green', bold=True)} {done.format_map(outcome)}")
    sys.exit(0)


@main.command(short_help="Start the live service, and prove that it is healthy.")
@_service_options(30.0)
def deploy(*, config: Path | None, entrypoint: str | None, timeout_s: float, as_json: bool) -> None:
    """Start the live service on its own; one that runs is stopped first. Leaves runtime/deploy.json.

    Exit status: 0 it is healthy; 1 it is not; 2 something is missing or wrong, and nothing was done.
    """
    from pytest_kraken_golive.operations.deploy import deploy as run  # noqa: PLC0415 - each command imports its own

    _carry_out(
        lambda: asdict(run(_runtime_yaml(config), os.environ, entrypoint=entrypoint, timeout_s=timeout_s)),
        "{entrypoint} {version} runs as process {pid}; health: {health_url}; config {config_sha256}",
        as_json,
    )


@main.command(short_help="Go back to the old execution path, and prove it.")
@click.option("--undo", is_flag=True, help="Bring back the mode that the last rollback replaced.")
@_service_options(60.0)
def rollback(*, undo: bool, config: Path | None, entrypoint: str | None, timeout_s: float, as_json: bool) -> None:
    """Set FF_EXECUTION_MODE=legacy in .env, restart the service, and wait for an order on the old path.

    Exit status: 0 proven; 1 not proven in time; 2 something is missing or wrong.
    """
    from pytest_kraken_golive.operations.rollback import rollback as run  # noqa: PLC0415 - each command imports its own

    _carry_out(
        lambda: run(_runtime_yaml(config), os.environ, undo=undo, entrypoint=entrypoint, timeout_s=timeout_s).data(),
        "the execution mode is {mode_in_force} (before: {former_mode}), proven by order {order[cl_ord_id]} "
        "on the path {order[path]} after {took_s:.1f} s",
        as_json,
    )


@main.command(short_help="Stop the live service, and prove that no order is left.")
@_service_options(30.0)
@click.option("--by", type=click.Choice(["command", "dashboard"]), default="command", hidden=True)
def stop(*, config: Path | None, entrypoint: str | None, timeout_s: float, as_json: bool, by: str) -> None:
    """Suspend trading: no new order, the service's own orders cancelled, dead man's switch off; then ask the exchange.

    Exit status: 0 no order of its own is open; 1 one is, or that is not known; 2 something is missing or wrong.
    """
    from pytest_kraken_golive.operations.deploy import live_entrypoint_of  # noqa: PLC0415 - each command imports its own
    from pytest_kraken_golive.operations.stop import stop as run  # noqa: PLC0415 - each command imports its own

    path = _runtime_yaml(config)

    def act() -> Mapping[str, Any]:
        name = entrypoint or live_entrypoint_of(path, os.environ)
        return run(path, os.environ, entrypoint=name, by=by, timeout_s=timeout_s).data()

    _carry_out(act, "{entrypoint} is stopped (it ran: {was_running}); open orders of its own: {orders_left}", as_json)


@main.command(short_help="Serve the page that compares exchanges, with a stop button.")
@click.option("--port", type=_PORT, default=8501, show_default=True, help="Port of the page; 0 takes a free one.")
@click.option("--address", default="127.0.0.1", show_default=True, help="IP address to listen at.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("config/runtime.yaml"),
    show_default=True,
    help="runtime.yaml of the deployment to watch.",
)
def dashboard(*, port: int, address: str, config: Path) -> None:
    """Serve the page "Exchanges" until Ctrl-C; needs the extra `dashboard`. It shows files, and stops on request."""
    from pytest_kraken_golive.operations.dashboard import serve  # noqa: PLC0415 - each command imports what it needs

    sys.exit(serve(config, address, port, click.echo))


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


@main.command(short_help="Make a deployment to practise the production cutover on.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--exchange",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `kraken-golive sandbox --ready-file` wrote.",
)
def practice(directory: Path, exchange: Path) -> None:
    """Make DIRECTORY/deployment from this project's config/, with the running sandbox as its production exchange.

    Its licence is signed by a key that was made up for it: no live service trades on another machine with it, and no
    verdict is a sign-off while that key counts. `kraken-golive docs production` walks through it.
    """
    from pytest_kraken_golive.contract import Fault, NotProven  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.rehearsal.practice import practise  # noqa: PLC0415 - each command imports its own

    try:
        made = practise(Path.cwd(), directory, exchange)
    except (NotProven, Fault) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}. Next: check the folder.") from error
    click.echo(made.text())


@main.command(short_help="Show the documentation of this version.")
@click.argument("name", required=False)
def docs(name: str | None) -> None:
    """Print a page of the documentation, in Markdown. Without NAME, list them all.

    Exit status: 0; 2 there is no such page.
    """
    from pytest_kraken_golive.scaffold import guides  # noqa: PLC0415 - each command imports what it needs

    known = guides()
    if name is None:
        for one, text in known.items():
            click.echo(f"{one:20}{text.partition(chr(10))[0].lstrip('# ')}")
    elif name in known:
        click.echo_via_pager(known[name])
    else:
        raise click.UsageError(f"there is no page {name!r}. Next: choose one of {', '.join(known)}")


@main.command(short_help="Build Allure's page of the last run.")
@click.option(
    "--report-dir",
    type=click.Path(path_type=Path),
    default=Path("reports"),
    show_default=True,
    help="Where the run wrote its verdict.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="[default: allure-report.html beside the verdict]"
)
def report(report_dir: Path, output: Path | None) -> None:
    """Build one HTML file from the run's results for Allure, with an Allure 3 or 2 that is installed. Calls nobody.

    Exit status: 0 it is written; 1 Allure failed, or its page was refused; 2 no Allure, or no results.
    """
    from pytest_kraken_golive.reporting.allure.page import build  # noqa: PLC0415 - each command imports what it needs
    from pytest_kraken_golive.reporting.allure.tool import PageError  # noqa: PLC0415 - each command imports its own

    try:
        page = build(report_dir, output, os.environ)
    except PageError as error:
        click.echo(f"{click.style('failed:', fg='red', bold=True)} {error}", err=True)
        sys.exit(error.exit_status)
    click.echo(page.verdict)
    click.echo(f"written to {page.path} with Allure {page.allure.version}")


@main.command(short_help="Answer for lines that are new or have changed.")
@click.argument("lines", nargs=-1, metavar="[LINE]...")
@click.option("--all", "everything", is_flag=True, help="Every line that is new, changed or gone.")
@click.option("--by", help="Who answers for it.  [default: git's user.name]")
def accept(lines: tuple[str, ...], everything: bool, by: str | None) -> None:
    """Write into config/golive.lock.yaml that you have looked at these lines, their parameters and their checks.

    Without LINE, shows what nobody has accepted yet.

    Exit status: 0 nothing waits; 1 something does; 2 runbooks, checks or ids are wrong.
    """
    from pytest_kraken_golive.gate.accepting import accept_here, git_user  # noqa: PLC0415 - each command imports its own

    name = by or git_user()
    if name is None and (lines or everything):
        raise click.UsageError("git has no user.name to put under it. Next: --by 'Your Name'")
    done = accept_here(lines, everything=everything, by=name or "")
    if done is None:
        sys.exit(2)
    for row in done.accepted:
        click.echo(f"  {click.style('accepted', fg='green')} {row}")
    for row in done.waiting:
        click.echo(f"  {click.style('waits', fg='yellow')}    {row}")
    click.echo(f"{len(done.accepted)} accepted, {len(done.waiting)} waiting")
    sys.exit(1 if done.waiting else 0)


@main.command(short_help="Show what the stock runbooks have that yours lack.")
def diff() -> None:
    """Compare config/runbooks with the stock runbooks of this version: lines that are lacking, other, or your own.

    Exit status: 0 the stock lines are all there as they are; 1 they are not; 2 a runbook cannot be read.
    """
    from pytest_kraken_golive.scaffold import compare_runbooks  # noqa: PLC0415 - each command imports what it needs

    found, problems = compare_runbooks(Path())
    for row in found:
        click.echo(row)
    _say_wrong(problems)
    sys.exit(2 if problems else bool(found))


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
    """Serve a Kraken Spot look-alike on loopback until Ctrl-C. `kraken-golive docs sandbox` tells all of it."""
    from pytest_kraken_golive.sandbox import standalone  # noqa: PLC0415 - each command imports what it needs

    try:
        settings = {"seed": seed, "tier": tier, "latency_s": latency_s, "limits": not no_limits}
        exchange = standalone.open_exchange(prices, **settings)
        standalone.run(exchange, {"main": port, "admin": admin_port}, ready_file, click.echo)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error.strerror if isinstance(error, OSError) else error)) from error


for _command in cli_signoff.COMMANDS:
    main.add_command(_command)


if __name__ == "__main__":
    main()
