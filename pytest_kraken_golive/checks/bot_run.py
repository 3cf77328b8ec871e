"""The bot really ran: it started, traded, reported about this run, and ended well."""

from __future__ import annotations

import datetime as dt
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Protocol

from pytest_kraken_golive.checks.health_sample import Scrape, require_bots_own, scrape
from pytest_kraken_golive.checks.limits import require_clean_log
from pytest_kraken_golive.checks.report_breaks import WHOLE_REPORT
from pytest_kraken_golive.contract import Break, Copy, Evidence, NotProven, check, sabotage
from pytest_kraken_golive.deployment.instants import as_instant
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.bot_run import BotState
from pytest_kraken_golive.rehearsal.handle import PaperBot, SandboxHandle

REPORT = "reports/paper_report.json"
CLOCK_SLACK = dt.timedelta(seconds=2)
"""Times in the report are rounded by some bots."""


def _in_report(name: str, key: str, value: object, expect: str | None = None) -> Break:
    return Break(name, lambda copy: copy.edit(REPORT, key, value), expect or key)


@sabotage("config_sha256")
def another_configs_report(copy: Copy) -> None:
    """The configuration changed after the run."""
    copy.write("config/core.yaml", copy.read("config/core.yaml") + "\n# changed\n")


@sabotage("run_id")
def no_run_id(copy: Copy) -> None:
    """The report does not say which run it is about."""
    copy.drop(REPORT, "run_id")


@sabotage("no signed request", before_run=True)
def bot_does_nothing(copy: Any) -> None:
    """A fine report of a bot that never called the exchange."""
    copy.run_liar("idle")


@sabotage("exit status", before_run=True)
def bot_exits_1(copy: Any) -> None:
    """A fine report, and a crash behind it."""
    copy.run_liar("crashing")


@sabotage("no report", before_run=True)
def bot_without_report(copy: Any) -> None:
    """It runs, ends well, and leaves nothing."""
    copy.run_liar("silent")


@sabotage("no whole report", before_run=True)
def bot_with_half_a_report(copy: Any) -> None:
    """It dies while writing."""
    copy.run_liar("torn")


@sabotage("changed after", before_run=True)
def report_rewritten_at_the_end(copy: Any) -> None:
    """A fine report while others look, and the truth when nobody does."""
    copy.run_liar("rewriting")


@sabotage("after its report", before_run=True)
def trades_on(copy: Any) -> None:
    """It trades on after its report."""
    copy.run_liar("restless")


@sabotage("status", before_run=True)
def exchange_in_maintenance(copy: Any) -> None:
    """The exchange accepts nothing, so the bot cannot have traded."""
    copy.order_fault(kind="error", error="EService:Unavailable", endpoint="AddOrder", times=None)


@check(
    "paper_run",
    breaks=[
        _in_report("yesterdays_report", "started_at", "2026-01-01T09:00:00+00:00", "started_at"),
        _in_report("finished_before_it_began", "finished_at", "2026-01-01T09:00:00+00:00", "finished_at"),
        _in_report("other_entrypoint", "entrypoint", "kraken_headless_paper"),
        _in_report("live_mode", "mode", "live"),
        _in_report("blocked", "status", "blocked"),
        _in_report("with_errors", "errors", ["it went wrong"]),
        _in_report("other_config", "config_sha256", "0" * 64),
        _in_report("validated_another_environment", "validation.environment", "kraken_live"),
        _in_report("validated_another_key", "validation.keychain_key", "kraken_live_trading"),
        _in_report("credentials_not_validated", "validation.credentials_validated", False),
        _in_report("no_decision", "decision_events", 0),
        another_configs_report,
        no_run_id,
        *[one for one in WHOLE_REPORT if one.name in {"no_metrics_at_all", "half_a_report", "no_report", "bare_nan"}],
        bot_does_nothing,
        bot_exits_1,
        bot_without_report,
        bot_with_half_a_report,
        report_rewritten_at_the_end,
        trades_on,
        exchange_in_maintenance,
    ],
    touches="orders",
    after=["health_gauge"],
)
def paper_run(
    paper_bot: PaperBot,
    paper_report: PaperReport,
    kraken_sandbox: SandboxHandle,
    deployment: Deployment,
    evidence: Evidence,
    *,
    entrypoint: str,
) -> None:
    """The bot ran on paper and ended well; its report is of this run, and the exchange's books bear it out."""
    state = paper_bot.finish()
    report = PaperReport.load(paper_bot.report_path(), paper_bot.root)
    if report.document.data != paper_report.document.data:
        raise AssertionError(
            f"{report.document.shown}: changed after the other lines had judged it. "
            "Next: let the bot write its report once, when its run is over."
        )
    evidence.record("command", state.command)
    evidence.record("command", state.exit_status, key="exit_status")
    _is_of_this_run(report, state, deployment, entrypoint, evidence)
    metrics = report.mapping("paper_exchange_metrics")
    evidence.record(metrics.where.source, sorted(metrics.value), line=metrics.where.line, key=metrics.where.key)
    assert state.exit_status == 0, (
        f"bot: expected exit status 0, found {state.exit_status} ({state.ended_by}). "
        f"It said: …{state.output[-400:].strip()} "
        "Next: start it by hand with the same command and correct what it says."
    )
    _really_traded(kraken_sandbox, evidence)
    _did_nothing_more(kraken_sandbox, report, deployment, entrypoint, evidence)
    require_clean_log(Deployment(paper_bot.root), state.started_at or 0.0, report, evidence)


def _did_nothing_more(
    exchange: SandboxHandle, report: PaperReport, deployment: Deployment, entrypoint: str, evidence: Evidence
) -> None:
    """Other lines looked while the bot still ran; now that it has ended, the books must say the same."""
    books = exchange.books("bot")
    ended = as_instant(report.at("finished_at")).value.timestamp() + CLOCK_SLACK.total_seconds()
    late = [order["txid"] for order in books["orders"] if order["opened_s"] > ended]
    assert not late, (
        f"exchange: the bot placed {len(late)} orders after its report said that the run was over, first {late[0]}. "
        "Next: stop trading before the report is written."
    )
    runtime = deployment.runtime
    limits = runtime.io_queue(runtime.paper_profile_for(entrypoint).io_queue.value)
    for key, limit in (("concurrency_max", limits.max_concurrency), ("burst_max", limits.burst)):
        evidence.record("exchange", books[key], key=f"books.bot.{key}", note="at the bot's end")
        assert books[key] <= limit.value, (
            f"exchange: {key} was {books[key]} at the bot's end, expected at most {limit.value} ({limit.where}). "
            "Next: send every request through the queue, to the last."
        )
    assert len(books["keys"]) == 1, (
        f"exchange: the bot signed with {len(books['keys'])} keys: {', '.join(books['keys'])}, expected one. "
        "Next: let it use the key of its environment alone."
    )


def _is_of_this_run(
    report: PaperReport, state: BotState, deployment: Deployment, entrypoint: str, evidence: Evidence
) -> None:
    for key, expected in (
        ("mode", "paper"),
        ("entrypoint", entrypoint),
        ("config_sha256", deployment.config_sha256),
        ("errors", []),
        ("status", "success"),
    ):
        found = report.at(key)
        evidence.saw(found)
        assert found.value == expected, found.unlike(expected, "let the bot run again, with this configuration")
    evidence.saw(report.text("run_id"))
    _validated_itself(report, deployment, entrypoint, evidence)
    began, ended = as_instant(report.at("started_at")), as_instant(report.at("finished_at"))
    started = dt.datetime.fromtimestamp(state.started_at or 0.0, dt.UTC) - CLOCK_SLACK
    for moment, earliest, latest in (
        (began, started, dt.datetime.now(dt.UTC) + CLOCK_SLACK),
        (ended, began.value, dt.datetime.now(dt.UTC) + CLOCK_SLACK),
    ):
        evidence.record(moment.where.source, moment.value.isoformat(), line=moment.where.line, key=moment.where.key)
        assert earliest <= moment.value <= latest, moment.unlike(
            f"a time between {earliest.isoformat()} and {latest.isoformat()}",
            "the report is of another run: run the bot again",
        )


def _validated_itself(report: PaperReport, deployment: Deployment, entrypoint: str, evidence: Evidence) -> None:
    """What the bot says that it validated is what the configuration names, and it took decisions."""
    own = deployment.runtime.entrypoint(entrypoint)
    environment = deployment.core.environment(own.environment.value)
    for key, configured in (
        ("environment", own.environment),
        ("risk_profile", own.risk_profile),
        ("keychain_key", environment.keychain_key),
    ):
        found = report.text("validation", key)
        evidence.saw(found)
        assert found.value == configured.value, found.unlike(
            configured.value, f"let the bot validate what is configured at {configured.where}"
        )
    for key, expected in (("mode", "paper"), ("credentials_validated", True)):
        found = report.at("validation", key)
        evidence.saw(found)
        same = type(found.value) is type(expected) and found.value == expected
        assert same, found.unlike(expected, "let the bot validate itself before it trades")
    decisions = report.whole("decision_events")
    evidence.saw(decisions)
    assert decisions.value > 0, decisions.unlike("at least one decision", "let the strategy decide something")


def _really_traded(exchange: SandboxHandle, evidence: Evidence) -> None:
    """The exchange's own books: signed requests, an order and a fill of the bot."""
    books = exchange.books("bot")
    signed, orders, fills = books["requests"]["signed_ok"], len(books["orders"]), len(books["fills"])
    seen = {"signed_requests": signed, "orders": orders, "fills": fills, "by_endpoint": books["by_endpoint"]}
    evidence.record("exchange", seen, key="books.bot")
    for count, what in ((signed, "signed request"), (orders, "order"), (fills, "fill")):
        if not count:
            raise NotProven(
                f"exchange: its books show no {what} of the bot: a run in which nothing happened proves nothing. "
                "Next: let the bot trade on the exchange that KRAKEN_BASE_URL names."
            )


class LinesSoFar(Protocol):
    """What the gate knows of the lines that have run."""

    def passed(self, check: str) -> list[tuple[str, float | None]]:
        """Lines bound to a check that have passed, with the epoch second at which they ended."""
        ...


@sabotage("bot_exchange_health_status", before_run=True)
def gauge_never_set(copy: Any) -> None:
    """The endpoint is there, the sample is not."""
    copy.run_liar("healthless")


@sabotage("expected 1, found 0", before_run=True)
def bot_unhealthy(copy: Any) -> None:
    """The gauge says 0."""
    copy.run_liar("unhealthy")


@sabotage("metrics_endpoint")
def no_endpoint(copy: Copy) -> None:
    """The report names no endpoint."""
    copy.edit(REPORT, "metrics_endpoint", None)


@sabotage("rate_limited_events")
def counters_contradict_report(copy: Copy) -> None:
    """The endpoint and the report disagree."""
    copy.edit(REPORT, "paper_exchange_metrics.kraken_desktop_paper.rate_limited_events", 9)


@sabotage("not the bot's own")
def endpoint_of_another_process(copy: Any) -> None:
    """A healthy endpoint, of somebody else."""
    server = HTTPServer(("127.0.0.1", 0), _SomebodyElse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    copy.edit(REPORT, "metrics_endpoint", f"http://127.0.0.1:{server.server_port}/metrics")


class _SomebodyElse(BaseHTTPRequestHandler):
    """Serves the gauge that everybody wants to see."""

    def do_GET(self) -> None:
        """Any path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'bot_exchange_health_status{exchange="kraken"} 1\n')

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@sabotage("does not answer")
def endpoint_closed(copy: Copy) -> None:
    """Nobody is there any more."""
    copy.edit(REPORT, "metrics_endpoint", "http://127.0.0.1:9/metrics")


@check(
    "health_gauge",
    breaks=[
        gauge_never_set,
        bot_unhealthy,
        no_endpoint,
        endpoint_closed,
        endpoint_of_another_process,
        counters_contradict_report,
    ],
    touches="reads",
    after=["smoke_test"],
)
def health_gauge(
    paper_bot: PaperBot,
    paper_report: PaperReport,
    golive_ledger: LinesSoFar | None,
    policy: Policy,
    evidence: Evidence,
    *,
    exchange: str,
    metric: str = "bot_exchange_health_status",
) -> None:
    """After the smoke test has passed, the running bot's own endpoint says that it is healthy."""
    smoke = [] if golive_ledger is None else golive_ledger.passed("smoke_test")
    if not smoke:
        raise NotProven(
            "health is judged after the smoke test, and no line bound to smoke_test has passed in this run. "
            "Next: see the line about the smoke test, and run everything again."
        )
    line, ended = smoke[-1]
    evidence.record("this run", ended, key=f"{line}.finished_at")
    endpoint = paper_report.text("metrics_endpoint")
    evidence.saw(endpoint)
    page, value = _wait_for_sample(endpoint.value, metric, exchange, policy.paper.warm_up_s)
    state = paper_bot.state()
    require_bots_own(endpoint.value, state.pid)
    evidence.record(endpoint.value, value, key=f'{metric}{{exchange="{exchange}"}}')
    evidence.record("this run", page.scraped_at, key="scraped_at")
    assert value == 1, (
        f'{endpoint.value} {metric}{{exchange="{exchange}"}}: expected 1, found {value:g}. '
        "Next: look at the bot's log for what makes it unhealthy."
    )
    _counts_as_reported(page, paper_report, exchange, evidence)
    if state.exit_status is not None:
        raise NotProven(
            f"the bot had ended (exit status {state.exit_status}) when its health was read. Next: keep it running."
        )


def _wait_for_sample(url: str, metric: str, exchange: str, warm_up_s: float) -> tuple[Scrape, float]:
    """A missing sample is waited out for the warm-up; at decision time it is not proven."""
    until = time.monotonic() + warm_up_s
    while (value := (page := scrape(url)).sample(metric, exchange=exchange)) is None:
        if time.monotonic() >= until:
            raise NotProven(
                f'{url}: no sample of {metric}{{exchange="{exchange}"}} within the warm-up of {warm_up_s:g} s. '
                "Next: let the bot set the gauge for this exchange."
            )
        time.sleep(0.05)
    return page, value


def _counts_as_reported(page: Scrape, report: PaperReport, exchange: str, evidence: Evidence) -> None:
    """The running bot's counters say what its report says, for every entrypoint on this exchange."""
    for name in report.entrypoint_names:
        entry = report.entry(name)
        if entry.text("exchange").value != exchange:
            continue
        limited = entry.text("metric_names", "rate_limit").value
        errors = entry.text("metric_names", "network_errors").value
        counts = {(limited, None): entry.number("rate_limited_events")}
        for severity in entry.mapping("network_errors_by_severity").value:
            counts[errors, severity] = entry.number("network_errors_by_severity", severity)
        for (metric, severity), found in counts.items():
            labels = {"exchange": exchange} | ({"severity": severity} if severity else {})
            value = page.sample(metric, **labels)
            if value is None:
                raise NotProven(f"{page.url}: no sample of {metric} {labels}. Next: let the bot start it at 0.")
            evidence.record(page.url, value, key=f"{metric} {labels}")
            assert found.value == value, found.unlike(value, f"{page.url} says so: let the bot report what it counts")
