"""The limits that the bot promises to keep, and what its guardrails saw."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import Field

from pytest_kraken_golive.checks.paper_copies import see_limit
from pytest_kraken_golive.contract import Copy, Evidence, NotProven, Words, check, sabotage, show
from pytest_kraken_golive.deployment.guardrail_line import Unparsed
from pytest_kraken_golive.deployment.guardrail_log import GuardrailLog
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.run_window import run_window
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.handle import PaperBot, SandboxHandle

RUNTIME = "config/runtime.yaml"
QUEUE = "io_queue.exchanges.kraken_spot"
REPORT = "reports/paper_report.json"
LOG = "logs/guardrails/guardrails.log"

STAMP_RESOLUTION_S = 1.0
"""Guardrail logs are written with whole seconds."""

AtLeastOne = Annotated[int, Field(ge=1)]


@sabotage("max_concurrency: expected 3, found 5")
def queue_limit_raised(copy: Copy) -> None:
    """The file promises less care."""
    copy.edit(RUNTIME, f"{QUEUE}.max_concurrency", 5)


@sabotage("burst: expected 6, found 60")
def burst_raised(copy: Copy) -> None:
    """The file allows bursts."""
    copy.edit(RUNTIME, f"{QUEUE}.burst", 60)


@sabotage("io_queue")
def queue_missing(copy: Copy) -> None:
    """There is no such queue."""
    copy.drop(RUNTIME, QUEUE)


@sabotage("inherited from io_queue, because config/runtime.yaml:")
def queue_limit_inherited(copy: Copy) -> None:
    """The queue leaves its limit to the global one, which is another."""
    copy.drop(RUNTIME, f"{QUEUE}.max_concurrency")


@sabotage("expected the key max_concurrency, found 'max_concurency'")
def queue_limit_misspelt(copy: Copy) -> None:
    """A misspelt limit beside the right one: the person who wrote it thinks that it holds."""
    copy.edit(RUNTIME, f"{QUEUE}.max_concurency", 99)


@sabotage("whole number")
def queue_limit_is_text(copy: Copy) -> None:
    """A number in quotes."""
    copy.edit(RUNTIME, f"{QUEUE}.max_concurrency", "3")


@sabotage("at once", before_run=True)
def bot_ignores_its_limits(copy: Any) -> None:
    """The file says 3 and the bot does as it likes."""
    copy.run_liar("reckless")


@sabotage("never reached", before_run=True)
def bot_never_under_load(copy: Any) -> None:
    """A bot that asks one thing at a time proves nothing about its limits."""
    copy.run_liar("lazy")


@sabotage("observed_concurrency_max")
def report_contradicts_exchange(copy: Copy) -> None:
    """The bot says that it stayed below what the exchange saw."""
    copy.edit(REPORT, "io_queue.kraken_spot.observed_concurrency_max", 1)


@sabotage("observed_concurrency_max: expected at most 3, found 99")
def report_admits_more(copy: Copy) -> None:
    """The bot itself counted more than it promises."""
    copy.edit(REPORT, "io_queue.kraken_spot.observed_concurrency_max", 99)


@sabotage("observed_burst_max: expected at least 1, found 0")
def report_counted_no_burst(copy: Copy) -> None:
    """Requests were sent, and the queue counted none."""
    copy.edit(REPORT, "io_queue.kraken_spot.observed_burst_max", 0)


@check(
    "io_queue",
    breaks=[
        queue_limit_raised,
        burst_raised,
        queue_missing,
        queue_limit_inherited,
        queue_limit_misspelt,
        queue_limit_is_text,
        bot_ignores_its_limits,
        bot_never_under_load,
        report_contradicts_exchange,
        report_admits_more,
        report_counted_no_burst,
    ],
)
def io_queue(
    runtime_config: RuntimeConfig,
    paper_report: PaperReport,
    kraken_sandbox: SandboxHandle,
    policy: Policy,
    evidence: Evidence,
    *,
    queue: str,
    max_concurrency: AtLeastOne,
    burst: AtLeastOne,
) -> None:
    """The queue keeps its limits on paper, and the bot obeyed them under a load that reached them."""
    limits = runtime_config.io_queue(queue)
    for found in (limits.max_concurrency, limits.burst):
        see_limit(evidence, found)
    evidence.require((limits.max_concurrency, max_concurrency), (limits.burst, burst))
    window_s = policy.paper.burst_window_s
    books = kraken_sandbox.books("bot", window_s=window_s)
    at_once, in_window = books["concurrency_max"], books["burst_max"]
    evidence.record("exchange", at_once, key="books.bot.concurrency_max")
    evidence.record("exchange", in_window, key="books.bot.burst_max", note=f"requests within any {window_s:g} s")
    said = paper_report.whole("io_queue", queue, "observed_concurrency_max")
    evidence.saw(said)
    assert at_once <= max_concurrency, (
        f"exchange: the bot had {at_once} requests under way at once, expected at most {max_concurrency} "
        f"({limits.max_concurrency.where}). Next: send every request through the queue."
    )
    assert in_window <= burst, (
        f"exchange: the bot sent {in_window} requests within {window_s:g} s, expected at most {burst} "
        f"({limits.burst.where}). Next: let the queue pace its bursts."
    )
    if at_once < max_concurrency:
        raise NotProven(
            f"exchange: the load never reached the limit: at most {at_once} of {max_concurrency} requests "
            "were under way at once. Next: let the bot run under enough load, or longer (paper.run_s)."
        )
    evidence.require(
        (paper_report.whole("io_queue", queue, "max_concurrency"), max_concurrency),
        (paper_report.whole("io_queue", queue, "burst"), burst),
        do="let the bot report the limits that it keeps",
    )
    most = paper_report.whole("io_queue", queue, "observed_burst_max")
    evidence.saw(most)
    assert most.value <= burst, most.unlike(Words(f"at most {burst}"), "let the queue pace its bursts")
    assert most.value >= 1, most.unlike(Words("at least 1"), "let the queue count its own work")
    assert said.value >= at_once, said.unlike(
        Words(f"at least {at_once}, as the exchange counted"), "let the queue count its own work"
    )
    assert said.value <= max_concurrency, said.unlike(
        Words(f"at most {max_concurrency}"), "send every request through the queue"
    )


@sabotage("logs/guardrails")
def log_gone(copy: Copy) -> None:
    """No log is no clean log."""
    copy.remove(LOG)


@sabotage("GUARDRAIL_STOP")
def stop_mark_gone(copy: Copy) -> None:
    """Nobody knows whether the bot logged to its end."""
    kept = [line for line in copy.read(LOG).splitlines(keepends=True) if "GUARDRAIL_STOP" not in line]
    copy.write(LOG, "".join(kept))


@sabotage("run_id")
def log_of_another_run(copy: Copy) -> None:
    """A clean log, of yesterday's run."""
    copy.edit(REPORT, "run_id", "0" * 32)


def _inside(copy: Copy, line: str) -> None:
    """Put a line between the marks, with the time of the start mark."""
    lines = copy.read(LOG).splitlines(keepends=True)
    stamp = lines[0].split(" ", 1)[0]
    copy.write(LOG, "".join([lines[0], f"{stamp} {line}\n", *lines[1:]]))


@sabotage("RATE_LIMIT")
def rate_limit_logged(copy: Copy) -> None:
    """The queue had to wait."""
    _inside(copy, "WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2")


@sabotage("TIMEOUT")
def timeout_logged(copy: Copy) -> None:
    """A call never came back."""
    _inside(copy, "ERROR TIMEOUT queue=kraken_spot duration=10.2s exception=ReadTimeout streak=1")


@sabotage("cannot be read")
def line_without_severity(copy: Copy) -> None:
    """A line that a search for severity words does not find."""
    _inside(copy, "something went very wrong")


@sabotage("RATE_LIMIT")
def rotated_away(copy: Copy) -> None:
    """The warning stands in a rotated file."""
    lines = copy.read(LOG).splitlines(keepends=True)
    stamp = lines[0].split(" ", 1)[0]
    copy.write(f"{LOG}.1", lines[0] + f"{stamp} WARNING RATE_LIMIT queue=kraken_spot waited=2.0s streak=1\n")
    copy.write(LOG, "".join(lines[1:]))


@sabotage("io_timeout")
def json_line(copy: Copy) -> None:
    """The same trouble in the other format, in a file beside."""
    stamp = copy.read(LOG).split(" ", 1)[0]
    entry = {"timestamp": stamp, "event": "io_timeout", "severity": "error", "source": "q"}
    copy.write("logs/guardrails/events.jsonl", json.dumps({**entry, "environment": "e", "payload": {}}) + "\n")


@sabotage("TIMEOUT")
def trouble_before_the_mark(copy: Copy) -> None:
    """The start mark was written when the trouble was over."""
    lines = copy.read(LOG).splitlines(keepends=True)
    stamp = lines[0].split(" ", 1)[0]
    copy.write(LOG, f"{stamp} ERROR TIMEOUT queue=kraken_spot duration=9s exception=X streak=1\n" + "".join(lines))


@sabotage("RATE_LIMIT")
def quiet_rate_limit(copy: Copy) -> None:
    """The same trouble under a harmless word."""
    _inside(copy, "INFO RATE_LIMIT queue=kraken_spot waited=0.912s streak=2")


@sabotage("nobody has read it")
def log_nobody_reads(copy: Copy) -> None:
    """Trouble goes to another file."""
    copy.write("logs/guardrails/network.txt", "ERROR everything\n")


@sabotage("rate_limit_warning_seconds: a wait is logged from 999 s on")
def waits_are_never_logged(copy: Copy) -> None:
    """A log that stays clean whatever happens."""
    copy.edit(RUNTIME, "io_queue.rate_limit_warning_seconds", 999)


@sabotage("NETWORK_ERROR")
def quiet_network_error(copy: Copy) -> None:
    """A network error under a harmless word, and of a name of its own."""
    _inside(copy, "INFO NETWORK_ERROR exchange=kraken error=ConnectionResetError")


@sabotage("HTTP_RATE_LIMITED")
def quiet_refusal(copy: Copy) -> None:
    """A rate limit under another name."""
    _inside(copy, "INFO HTTP_RATE_LIMITED exchange=kraken status=429")


@sabotage("between the marks of this run")
def clock_set_back(copy: Copy) -> None:
    """A handler of another time zone: by its own time, the wait was an hour before the run."""
    lines = copy.read(LOG).splitlines(keepends=True)
    stamp = dt.datetime.fromisoformat(lines[0].split(" ", 1)[0]) - dt.timedelta(hours=1)
    late = f"{stamp:%Y-%m-%dT%H:%M:%S%z} WARNING RATE_LIMIT queue=kraken_spot waited=0.912s streak=2\n"
    copy.write(LOG, "".join([lines[0], late, *lines[1:]]))


@sabotage("nobody has read it")
def linked_folder_nobody_reads(copy: Any) -> None:
    """Trouble goes to a folder elsewhere, through a link."""
    copy.write("logs/elsewhere/network.log", "ERROR everything\n")
    (copy.root / "logs/guardrails/network").symlink_to(copy.root / "logs/elsewhere")


@sabotage("guardrails.log_directory: expected")
def report_logs_elsewhere(copy: Copy) -> None:
    """The bot itself says that its guardrails log to another folder."""
    copy.edit(REPORT, "guardrails.log_directory", "/var/log/other")


@sabotage("trading_profiles.kraken_desktop.guardrails")
def nothing_is_watched(copy: Copy) -> None:
    """The profile of this run names no guardrail."""
    copy.edit(RUNTIME, "execution.trading_profiles.kraken_desktop.guardrails", [])


@sabotage("timeout_total")
def summary_with_waits(copy: Copy) -> None:
    """The report sums up trouble that the log does not have."""
    copy.edit(REPORT, "guardrails.summary.summaries.0.timeout_total", 17)


@check(
    "guardrail_log_clean",
    breaks=[
        log_gone,
        stop_mark_gone,
        log_of_another_run,
        rate_limit_logged,
        timeout_logged,
        line_without_severity,
        rotated_away,
        json_line,
        trouble_before_the_mark,
        quiet_rate_limit,
        log_nobody_reads,
        waits_are_never_logged,
        quiet_network_error,
        quiet_refusal,
        clock_set_back,
        linked_folder_nobody_reads,
        report_logs_elsewhere,
        nothing_is_watched,
        summary_with_waits,
    ],
)
def guardrail_log_clean(
    paper_bot: PaperBot, paper_report: PaperReport, evidence: Evidence, *, folder: str = "logs/guardrails"
) -> None:
    """During this run the guardrail logs hold no rate limit, no time-out and nothing that cannot be read."""
    run = Deployment(paper_bot.root)
    configured = run.runtime.log_directory
    evidence.saw(configured)
    assert PurePosixPath(configured.value) == PurePosixPath(folder), configured.unlike(folder)
    _require_same_folder(run, paper_report, evidence)
    _require_watched(run, evidence)
    require_clean_log(run, paper_bot.run().started_at or 0.0, paper_report, evidence)
    _require_waits_are_logged(run, paper_report, evidence)


def _require_same_folder(run: Deployment, paper_report: PaperReport, evidence: Evidence) -> None:
    """What the bot calls its log folder is the one that is read here."""
    said = paper_report.text("guardrails", "log_directory")
    evidence.saw(said)
    same = (run.root / said.value).resolve() == run.guardrail_directory.resolve()
    assert same, said.unlike(run.shown(run.guardrail_directory), "let the bot log where it is told to (io_queue)")


def _require_watched(run: Deployment, evidence: Evidence) -> None:
    """Trading profiles that list their guardrails list some."""
    for name in run.runtime.trading_profile_names.value:
        profile = run.runtime.trading_profile(name)
        if profile.given("guardrails"):
            evidence.saw(profile.guardrails)
            if not profile.guardrails.value:
                raise NotProven(
                    f"{profile.guardrails.where}: expected the guardrails that watch {name}, found none, so that a "
                    "clean log proves nothing. Next: name them (io_rate_limit_wait, io_timeout)."
                )


def _require_waits_are_logged(run: Deployment, paper_report: PaperReport, evidence: Evidence) -> None:
    """A queue that logs a wait only when it is longer than the whole run has a clean log whatever happens."""
    window = run_window(run.guardrail_log, paper_report.text("run_id").value)
    lasted_s = (window.stop.timestamp - window.start.timestamp).total_seconds()
    for name in run.runtime.paper_profile_names.value:
        queue = run.runtime.io_queue(run.runtime.paper_profile(name).io_queue)
        logged = see_limit(evidence, queue.rate_limit_warning_seconds)
        if logged.value > lasted_s + STAMP_RESOLUTION_S:
            raise NotProven(
                f"{logged.where}: a wait is logged from {logged.value:g} s on, but the run lasted {lasted_s:g} s, so "
                "that a clean log proves nothing. Next: lower it, or let the bot run longer (paper.run_s)."
            )


def require_clean_log(run: Deployment, started_at: float, paper_report: PaperReport, evidence: Evidence) -> None:
    """Everything that was logged since the bot's process began, marks or not, and what the bot says about it.

    Args:
        run: the deployment that the bot runs in.
        started_at: epoch second at which its process began.
        paper_report: names the run, and sums its guardrails up.
        evidence: takes what was seen.
    """
    folder = run.guardrail_directory
    log = GuardrailLog(folder, run.shown(folder))
    window = run_window(log, paper_report.text("run_id").value)
    evidence.record(
        window.start.file, f"{window.start.event} at {window.start.timestamp.isoformat()}", line=window.start.line
    )
    evidence.record(
        window.stop.file, f"{window.stop.event} at {window.stop.timestamp.isoformat()}", line=window.stop.line
    )
    records = 0
    for record in window:
        if isinstance(record, Unparsed):
            raise AssertionError(
                f"{record.place}: cannot be read ({record.reason}): {show(record.text, 120)}. "
                "Next: find out who wrote it; what cannot be read is not clean."
            )
        records += 1
    began = dt.datetime.fromtimestamp(int(started_at), dt.UTC)
    for record in log:
        if isinstance(record, Unparsed):
            continue  # judged above
        if record.timestamp < began:  # of another run, unless the file says otherwise
            assert not window.between_marks(record), (
                f"{record.place}: expected a time from {window.start.timestamp.isoformat()} on, for it stands between "
                f"the marks of this run, found {record.timestamp.isoformat()}. "
                "Next: let all that write this log go by one clock, with its time zone."
            )
            continue
        loud = record.severity in {"WARNING", "ERROR", "CRITICAL"} and record.kind not in {"start", "stop"}
        trouble = loud or record.kind in {"rate_limit", "timeout", "network"}
        assert not trouble, (
            f"{record.place}: {record.severity} {record.event} {show(dict(record.fields), 160)}. "
            "Next: remove the cause and repeat all tests."
        )
    strangers = sorted(
        path for path in folder.rglob("*") if (path.is_file() or path.is_symlink()) and path not in log.files
    )
    if strangers:
        raise NotProven(
            f"{run.shown(strangers[0])}: a file among the guardrail logs that is no log, so nobody has read it. "
            "Next: move it away, or write .log or .jsonl files."
        )
    for place in range(len(paper_report.document.items("guardrails.summary.summaries").value)):
        for key in ("rate_limit_wait_total", "timeout_total"):
            total = paper_report.number("guardrails", "summary", "summaries", str(place), key)
            assert total.value == 0, total.unlike(0, "the log has none of it: let the bot sum up its own run")
    evidence.record(log.shown, {"files": len(log.files), "records_in_window": records, "warnings": 0})
