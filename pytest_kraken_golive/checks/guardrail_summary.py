"""`guardrails.summary` of the report is about this run, complete, and says nothing that the clean log does not."""

from __future__ import annotations

import json

from pytest_kraken_golive.contract import Evidence, Found, NotProven, Words
from pytest_kraken_golive.deployment.guardrail_line import Unparsed, read_line
from pytest_kraken_golive.deployment.instants import as_instant
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.section import not_below

SUMMARY = ("guardrails", "summary")
QUIET = ("debug", "info", "none", "ok")
TOTALS = (("rate_limit_wait_total", "rate_limit_wait_avg_seconds"), ("timeout_total", "timeout_avg_seconds"))


def require_quiet_summary(report: PaperReport, queues: Found, environments: Found, evidence: Evidence) -> None:
    """Judge the bot's own summary of its guardrails.

    Args:
        report: the bot's report.
        queues: the queues that the paper profiles name; each must be summed up.
        environments: those of the paper entrypoints; nothing else may be summed up.
        evidence: takes what was seen.

    Raises:
        NotProven: a key is absent, or a queue is not summed up.
        Fault: a key of another type.
        AssertionError: it is of another run, or says that something happened.
    """
    run = report.text(*SUMMARY, "run_id")
    assert run.value == report.text("run_id").value, run.unlike(
        report.text("run_id").value, "let the bot sum up this very run"
    )
    made = as_instant(report.at(*SUMMARY, "generated_at"))
    assert made.value >= as_instant(report.at("started_at")).value, made.unlike(
        Words("a time after the run's start"), "let the bot sum up this very run"
    )
    evidence.saw(report.names(*SUMMARY, "tags"))
    evidence.saw(_summed_up(report, queues, environments))
    _quiet_records(report)


def _summed_up(report: PaperReport, queues: Found, environments: Found) -> Found:
    summaries = report.document.items((*SUMMARY, "summaries"))
    known = []
    for place in map(str, range(len(summaries.value))):
        path = (*SUMMARY, "summaries", place)
        environment = report.text(*path, "environment")
        assert environment.value in environments.value, environment.unlike(
            Words(f"one of {', '.join(environments.value)} ({environments.where})"), "let the bot sum up its paper run"
        )
        known.append(report.text(*path, "queue").value)
        severity = report.text(*path, "severity")
        assert severity.value.casefold() in QUIET, severity.unlike("info", "look into the guardrail log")
        for total, average in TOTALS:
            count = not_below(report.number(*path, total), 0)
            assert count.value == 0, count.unlike(0, "remove the cause and repeat all tests")
            mean = report.at(*path, average)
            assert mean.value is None or (mean.value == 0 and mean.value is not False), mean.unlike(
                None, "nothing was measured: let the bot write null"
            )
    missing = [name for name in queues.value if name not in known]
    if missing:
        raise NotProven(
            f"{summaries.where}: the queue {missing[0]} ({queues.where}) is not summed up, found "
            f"{', '.join(known) or 'none'}. Next: let the bot sum up every queue that it uses."
        )
    return Found(known, summaries.where)


def _quiet_records(report: PaperReport) -> None:
    """Each record is a line of the log, as text or as JSON; what happened is in the log too, which is clean."""
    records = report.document.items((*SUMMARY, "log_records"))
    for place, item in enumerate(records.value):
        found = report.at(*SUMMARY, "log_records", str(place))
        text = item if isinstance(item, str) else json.dumps(item)
        record = read_line(text, found.where.source, found.where.line or 0)
        assert not isinstance(record, Unparsed), found.unlike(
            Words("a record with timestamp, severity and event"), "write it as a line of the guardrail log"
        )
        quiet = record.severity.casefold() in QUIET and record.kind not in {"rate_limit", "timeout"}
        assert quiet or record.kind in {"start", "stop"}, found.unlike(
            Words("start and stop alone, as in the log"), "remove the cause and repeat all tests"
        )
