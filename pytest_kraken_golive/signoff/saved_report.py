"""A saved report of a bot, judged alone: by the rules of the gate's lines, without what only a run can show."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_kraken_golive.checks import report as lines
from pytest_kraken_golive.checks.bot_run import require_success
from pytest_kraken_golive.checks.derivation import KNOWN_THRESHOLDS, contradictions
from pytest_kraken_golive.checks.each_entrypoint import paper_names
from pytest_kraken_golive.checks.guardrail_summary import require_quiet_summary
from pytest_kraken_golive.checks.truth import environments_of, queues_of
from pytest_kraken_golive.contract import Evidence, Fault, NotProven, Words
from pytest_kraken_golive.deployment.instants import as_instant
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.paper_report import PaperReport

NOT_SHOWN = (
    "that the bot wrote this file, and when: a report has no signature",
    "that the bot ran, traded, and spoke to nobody else: the gate runs it, and reads the exchange's own books",
    "that its counters say what happened: the gate holds them against its metrics, its logs and the exchange",
    "licence, keys, limits and the other lines of the runbook",
)
"""What a report alone cannot prove."""


class Unreadable(Exception):
    """There is nothing to judge: the report or the configuration cannot be read."""


@dataclass(frozen=True)
class Judgement:
    """What a report shows."""

    entrypoint: str
    """The entrypoint that the run started."""
    entrypoints: list[str]
    """Every paper entrypoint of the configuration: the report must speak of each."""
    problems: tuple[str, ...]
    """What is wrong or absent, with file, line and key; none: the report bears out a good run."""


def judge(file: Path, config: Path, entrypoint: str | None, now: dt.datetime) -> Judgement:
    """Judge a report.

    Args:
        file: the report.
        config: runtime.yaml; the folder above its own is the deployment's root.
        entrypoint: who was started; None: who the report says.
        now: the present, aware UTC.

    Raises:
        Unreadable: the report or the configuration cannot be read, or assertions are switched off.
    """
    if not __debug__:
        raise Unreadable("python -O switches off what judges. Next: run it without -O and PYTHONOPTIMIZE.")
    deployment = Deployment(config.parent.parent, config)
    try:
        report = PaperReport.load(file, Path.cwd())
        runtime, core = deployment.runtime, deployment.core
        names = paper_names(runtime, core)
        started = report.text("entrypoint").value if entrypoint is None else entrypoint
    except (Fault, NotProven) as error:
        raise Unreadable(str(error)) from error
    if lacking := report.lacking():
        needed = f"{report.document.shown}: expected the keys of a report, found none of {', '.join(lacking)}."
        return Judgement(started, names, (f"{needed} Next: let the bot write them.",))
    evidence = Evidence()
    asked: list[Callable[[], None]] = [
        lambda: require_success(report, deployment, started, evidence),
        lambda: _require_order(report, now),
        lambda: lines.report_confirmed(report, runtime, core, evidence, entrypoint=started),
        lambda: lines.no_limit_warnings(report, evidence, thresholds=sorted(KNOWN_THRESHOLDS)),
        lambda: lines.monitored_metrics(report, runtime, core, evidence),
        lambda: lines.monitored_entrypoints(report, runtime, core, evidence),
        lambda: require_quiet_summary(report, queues_of(runtime, names), environments_of(runtime, names), evidence),
    ]
    found = [problem for ask in asked for problem in _said(ask)]
    found += _contradictions(lambda: contradictions(report, runtime, names))
    return Judgement(started, names, tuple(dict.fromkeys(found)))


def _said(ask: Callable[[], None]) -> Iterator[str]:
    try:
        ask()
    except (AssertionError, Fault, NotProven) as error:
        yield str(error)


def _contradictions(derive: Callable[[], list[str]]) -> list[str]:
    try:
        return derive()
    except (Fault, NotProven) as error:
        return [str(error)]


def _require_order(report: PaperReport, now: dt.datetime) -> None:
    """The run began before it ended, and both are past."""
    began, ended = as_instant(report.at("started_at")), as_instant(report.at("finished_at"))
    assert began.value <= ended.value, ended.unlike(Words("a time after started_at"), "let the bot run again")
    assert ended.value <= now, ended.unlike(Words("a time in the past"), "correct the clock of the bot's machine")
