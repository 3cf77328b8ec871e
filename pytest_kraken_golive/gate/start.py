"""A run's life: what the plugin's hooks call, in the order in which pytest calls them."""

from __future__ import annotations

import gc
import logging
import os
import subprocess
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.gate import quiet_tail
from pytest_kraken_golive.gate.arming import permit_of
from pytest_kraken_golive.gate.canary import release
from pytest_kraken_golive.gate.guards import EnvironmentSnapshot, refuse_silent_assertions
from pytest_kraken_golive.gate.idle_plugins import dismiss_idle, leave_no_empty_storage
from pytest_kraken_golive.gate.last_word import proof_without_secrets
from pytest_kraken_golive.gate.latency import ThisMachine
from pytest_kraken_golive.gate.ledger import Excused, Ledger, ReportListener
from pytest_kraken_golive.gate.nodes import RunbookFile, RunbookLine
from pytest_kraken_golive.gate.plan import Plan, PlannedLine
from pytest_kraken_golive.gate.progress import Teller
from pytest_kraken_golive.gate.proof import NextBroken, ProofLine, UnprovenLine
from pytest_kraken_golive.gate.quiet_tail import put_last
from pytest_kraken_golive.gate.request import Options
from pytest_kraken_golive.gate.scrub import Scrubber, scrub
from pytest_kraken_golive.gate.session import Gate, load_checks, read_plan, worker_output
from pytest_kraken_golive.gate.tapes import Remote, Tapes
from pytest_kraken_golive.gate.told import Told
from pytest_kraken_golive.gate.worlds import Worlds
from pytest_kraken_golive.options import mistaken_rootdir, only_informs
from pytest_kraken_golive.policy import Policy, load_policy
from pytest_kraken_golive.recording.offline import go_offline, go_online
from pytest_kraken_golive.rehearsal.order import DEFAULT_ENTRYPOINTS
from pytest_kraken_golive.reporting.progress import last_durations
from pytest_kraken_golive.reporting.terminal import kill_table, summary
from pytest_kraken_golive.reporting.verdict_file import VerdictFile
from pytest_kraken_golive.runbook.model import Stage
from pytest_kraken_golive.signoff.places import VERDICT, discard
from pytest_kraken_golive.stash import ENVIRONMENT, GATE, LAST_RUN, LEDGER, PLAN, TAPES, VERDICT_FILE, WORLDS

UNFINISHED = "the run did not reach its end"
PYTESTS_SUMMARY = "fE"
"""pytest's default for `-r`: a list of what failed, cut to the terminal's width."""

CHATTY_LOGGERS = ("vcr", "httpx", "httpcore")
"""They log whole URLs, headers and bodies."""


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is an xdist worker."""
    return hasattr(config, "workerinput")


def before_other_plugins(config: pytest.Config, known: Namespace) -> None:
    """Let no verdict of an earlier run stand while pytest reads its command line and loads other plugins.

    Where there is none nothing is written: a command line that cannot be read is no run yet.

    Args:
        config: knows its rootdir already.
        known: see `options.known_beforehand`.

    Raises:
        pytest.UsageError: the verdict cannot be written.
    """
    mistaken = mistaken_rootdir(config, known)
    rootdir = config.rootpath if mistaken is None else mistaken[1]
    report_dir = rootdir / known.golive_report_dir
    if os.path.lexists(report_dir / VERDICT):
        say_no_go(config, report_dir, rootdir)


def before_conftests(config: pytest.Config, is_worker_process: bool) -> None:
    """Say NO-GO before anything can fail, and remember the environment before anything can change it.

    Raises:
        pytest.UsageError: assertions would not assert, or the verdict cannot be written.
    """
    config.stash[ENVIRONMENT] = EnvironmentSnapshot.take()
    mistaken = mistaken_rootdir(config, config.known_args_namespace)
    rootdir = config.rootpath if mistaken is None else mistaken[1]
    if not is_worker_process and not only_informs(config):
        say_no_go(config, rootdir / config.known_args_namespace.golive_report_dir, rootdir)
    if mistaken is not None:
        raise pytest.UsageError(
            f"pytest took {mistaken[0]} for a folder of tests, and so {config.rootpath} for the project's root instead "
            f"of {rootdir}. Next: write the option and its value as one word, with '=', or add --rootdir={rootdir}."
        )
    refuse_silent_assertions(config)


def say_no_go(config: pytest.Config, report_dir: Path, root: Path) -> None:
    """Write the first moment's NO-GO, unless this run has done so there.

    Raises:
        pytest.UsageError: the verdict cannot be written.
    """
    file = VerdictFile(report_dir, root)
    if VERDICT_FILE in config.stash and config.stash[VERDICT_FILE].path == file.path:
        return
    config.stash[VERDICT_FILE] = file
    config.stash[LAST_RUN] = last_durations(file.path)
    try:
        file.say_no_go(UNFINISHED)
        discard(file.path.parent)
    except OSError as error:
        raise pytest.UsageError(
            f"{file.path}: cannot be written ({error.strerror}). Next: choose another --golive-report-dir."
        ) from error


def configure(config: pytest.Config) -> None:
    """Set what must be set before other plugins look: the reports' folder, the loggers."""
    options = Options.read(config)
    if hasattr(config.option, "allure_report_dir"):
        if config.option.allure_report_dir is None:
            config.option.allure_report_dir = str(options.report_dir / "allure-results")
            config.option.clean_alluredir = True
        if is_worker(config):
            config.option.clean_alluredir = False  # a worker that starts late would wipe what others wrote
    if not is_worker(config):
        leave_no_empty_storage(config)
    if getattr(config.option, "reportchars", None) == PYTESTS_SUMMARY:
        config.option.reportchars = ""  # the gate's own summary says more
    for name in CHATTY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def open_gate(session: pytest.Session) -> None:
    """Read policy and runbooks, and hold up the rehearsal.

    Raises:
        pytest.UsageError: a fault of policy or runbooks; names file and line.
    """
    config = session.config
    options = Options.read(config)
    policy = policy_of(config)
    plan, lock = read_plan(options, load_checks(config), config.args)
    config.stash[PLAN] = plan
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args[:] = [str(book.path) for book in plan.runbooks]
    remote = Remote.of(os.environ, policy) if options.kraken == "record" else None
    if is_worker(config):
        _listen(config, Ledger(plan))
        _join(config, policy)
        _take_over_allure(config)
        _thread_tapes(config, options, remote)
        return
    permit = permit_of(options)
    gate = config.stash[GATE] = Gate(options, policy, plan, config.stash[VERDICT_FILE], lock=lock, permit=permit)
    gate.watch.start()
    _listen(config, gate.ledger)
    _take_over_allure(config)
    config.pluginmanager.register(Told(gate), "golive-told")
    config.pluginmanager.register(Excused(gate.excuses), "golive-excused")
    config.pluginmanager.register(ThisMachine(), "golive-machine")
    if (teller := Teller.of(config)) is not None:
        config.pluginmanager.register(teller, "golive-progress")
    worlds = config.stash[WORLDS] = Worlds(
        options.rootdir, policy, entrypoints=_entrypoints(plan), deployment=options.deployment, permit=permit
    )
    config.pluginmanager.register(Scrubber(config, worlds.redactor), "golive-scrubber")
    _thread_tapes(config, options, remote)
    spreads = config.pluginmanager.hasplugin("dsession")
    if spreads:
        from pytest_kraken_golive.gate.xdist import ControllerSide  # noqa: PLC0415 - only where xdist is present

        config.pluginmanager.register(ControllerSide(config), "golive-xdist")
    if not options.only_collects:
        # Who asks for another stage, waits for it; but workers share what other tests may ask for, and the secrets of a
        # deployment are known from the beginning.
        everything = options.deployment is not None or (spreads and not _judges_lines_alone(config, plan))
        _hold_up(worlds, plan.stages if everything else plan.worldly_stages)


def _judges_lines_alone(config: pytest.Config, plan: Plan) -> bool:
    books = {book.path for book in plan.runbooks}
    return all(
        (config.invocation_params.dir / argument.partition("::")[0]).resolve() in books for argument in config.args
    )


def _thread_tapes(config: pytest.Config, options: Options, remote: Remote | None) -> None:
    """Make recordings ready to be made or played; while they are played, nothing leaves this machine."""
    if options.kraken not in {"record", "replay"}:
        return
    worlds, plays = config.stash[WORLDS], options.kraken == "replay"
    config.stash[TAPES] = Tapes(plays, options.rootdir, worlds.policy, worlds.redactor, remote)
    if plays:
        go_offline()
        config.add_cleanup(go_online)


def _take_over_allure(config: pytest.Config) -> None:
    if getattr(config.option, "allure_report_dir", None):
        from pytest_kraken_golive.gate.allure import take_over  # noqa: PLC0415 - only where allure-pytest is present

        take_over(config, UNFINISHED, is_worker=is_worker(config))


def _listen(config: pytest.Config, ledger: Ledger) -> None:
    config.stash[LEDGER] = ledger
    config.pluginmanager.register(ReportListener(ledger), "golive-reports")
    if config.option.golive_prove:
        config.pluginmanager.register(NextBroken(), "golive-proof")


def _hold_up(worlds: Worlds, stages: Iterable[Stage]) -> None:
    try:
        for stage in stages:
            worlds.of(stage)
    except (OSError, subprocess.CalledProcessError) as error:
        raise pytest.UsageError(f"the rehearsal cannot be built: {error}. Next: free space or permissions.") from error


def _join(config: pytest.Config, policy: Policy) -> None:
    given: dict[str, Any] = config.workerinput  # type: ignore[attr-defined]
    config.stash[ENVIRONMENT] = EnvironmentSnapshot(given["golive_environment"])
    config.stash[WORLDS] = Worlds(config.rootpath, policy, tickets=given["golive_worlds"])
    config.pluginmanager.register(Scrubber(config, config.stash[WORLDS].redactor), "golive-scrubber")
    from pytest_kraken_golive.gate.xdist import WorkerSide  # noqa: PLC0415 - only where xdist is present

    config.pluginmanager.register(WorkerSide(config), "golive-xdist")


def policy_of(config: pytest.Config) -> Policy:
    """The project's policy.

    Raises:
        pytest.UsageError: it cannot be taken at its word.
    """
    try:
        return load_policy(config.rootpath) or Policy()
    except Fault as error:
        raise pytest.UsageError(str(error)) from error


def _entrypoints(plan: Plan) -> dict[Stage, str]:
    """Who goes live in each stage: what the line that starts the bot says."""
    starts = {"paper_run": "paper", "deploy_run": "production"}
    found = dict(DEFAULT_ENTRYPOINTS)
    for planned in plan.lines.values():
        stage = planned.runbook.stage
        if planned.check is not None and starts.get(planned.check.name) == stage and "entrypoint" in planned.params:
            found[stage] = str(planned.params["entrypoint"])
    return found


def ensure_worlds(config: pytest.Config) -> Worlds:
    """The worlds of this process; without a gate, for ordinary tests, they are made when first asked for."""
    worlds = config.stash.get(WORLDS, None)
    if worlds is None:
        worlds = config.stash[WORLDS] = Worlds(
            config.rootpath, load_policy(config.rootpath) or Policy(), for_tests=True
        )
        config.add_cleanup(worlds.close)
    return worlds


def collect_file(file_path: Path, parent: pytest.Collector) -> RunbookFile | None:
    """A runbook of the plan becomes a module of lines."""
    plan = parent.config.stash.get(PLAN, None)
    if plan is None or not any(book.path == file_path.resolve() for book in plan.runbooks):
        return None
    return RunbookFile.from_parent(parent, path=file_path)


def order_items(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Lines in the order of the plan, each with its breaks behind it; other tests stay where they are."""
    plan = config.stash[PLAN]
    places: list[int] = []
    by_line: dict[str, list[pytest.Item]] = {}
    for place, item in enumerate(items):
        if isinstance(item.parent, RunbookFile):
            places.append(place)
            of_line = by_line.setdefault(item.planned.id, [])  # type: ignore[attr-defined]
            of_line.insert(
                0 if isinstance(item, RunbookLine) else len(of_line), item
            )  # unbroken first, whoever shuffles
    ordered = [item for line_id in plan.in_order(by_line) for item in by_line[line_id]]
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
    put_last(config, items, drop=is_worker(config))
    if not Options.read(config).only_collects:
        _begin(config.stash[WORLDS], [plan.lines[line_id] for line_id in by_line])
    gate = config.stash.get(GATE, None)
    if gate is not None:
        gate.take_items(config, items)


def _begin(worlds: Worlds, wanted: Iterable[PlannedLine]) -> None:
    """Begin what takes its time, and lines are going to ask for."""
    loud = [planned for planned in wanted if planned.depends_on_run and not planned.is_quiet]
    if any(planned.runbook.stage == "paper" for planned in loud):
        worlds.of("paper").start_bot_soon()
    steps = {step for one in loud if one.runbook.stage == "production" and one.check for step in one.check.begins}
    if steps and worlds.of("production").is_rehearsal:
        worlds.of("production").begin(steps)


def release_canary(session: pytest.Session) -> None:
    """Before the first line of a process."""
    first = next((item for item in session.items if isinstance(item, RunbookLine)), None)
    if first is not None and not session.config.option.collectonly:
        # What was collected stays to the end: looking it through for garbage all the time costs half as much as a line.
        gc.freeze()
        release(session, first)


def run_quiet_tail(session: pytest.Session) -> None:
    """After the workers have ended: what they left to the process that started them."""
    gate = session.config.stash.get(GATE, None)
    if gate is not None and gate.quiet:
        quiet_tail.run(session, gate.quiet)


def take_report(item: pytest.Item, call: pytest.CallInfo[Any], report: pytest.TestReport) -> None:
    """Put what this process knows of a line beside pytest's own report, and mask secrets in it."""
    error = None if call.excinfo is None else call.excinfo.value
    if isinstance(item, RunbookLine) and (call.when == "call" or error is not None):
        report.golive = item.report_of(call.when, error)  # type: ignore[attr-defined]
        if call.when != "call" and error is not None:  # pytest asks the item only about the call itself
            report.longrepr = item.plain_words(error) or report.longrepr
    elif isinstance(item, (ProofLine, UnprovenLine)) and call.when == "call":
        report.golive_proof = item.seen  # type: ignore[attr-defined]
    scrub(report, item.config.stash[WORLDS].redactor)


def print_summary(config: pytest.Config, reporter: Any) -> None:
    """The lines by section, and what is in the way."""
    gate = config.stash[GATE]
    told: Told | None = config.pluginmanager.get_plugin("golive-told")
    reporter.section("go-live", sep="=", bold=True)
    summary(gate.preview(config), config.get_terminal_writer(), told=told is not None and told.put_back())
    if left := gate.observed.get("left"):
        reporter.write_line(f"{gate.options.deployment} was left like this: {left}")
    if config.option.golive_prove:
        kill_table(proof_without_secrets(config, gate), config.get_terminal_writer())


def finish(session: pytest.Session) -> None:
    """Hand over what a worker saw; in the controller, look at the world a last time before it is closed."""
    config = session.config
    if is_worker(config):
        config.stash[WORLDS].settle()  # else it would still run while the controller measures
        config.workeroutput["golive"] = worker_output(session)  # type: ignore[attr-defined]
    elif (gate := config.stash.get(GATE, None)) is not None:
        gate.observe(config.stash[WORLDS])
        dismiss_idle(config)
        gate.tests_failed = session.testsfailed
