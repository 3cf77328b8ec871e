"""The running bot says at its metrics endpoint that it is healthy, after the smoke test has passed."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Protocol

from pytest_kraken_golive.checks.health_sample import Scrape, require_bots_own, scrape
from pytest_kraken_golive.checks.paper_copies import see_served
from pytest_kraken_golive.checks.report_breaks import REPORT
from pytest_kraken_golive.contract import Copy, Evidence, NotProven, check, sabotage
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.policy import Policy
from pytest_kraken_golive.rehearsal.handle import PaperBot


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
    copy.edit(REPORT, "metrics_endpoint", _served_by(_SomebodyElse))


@sabotage("that leads to http://127.0.0.1:9/metrics")
def endpoint_leads_elsewhere(copy: Any) -> None:
    """It sends the reader on to another."""
    copy.edit(REPORT, "metrics_endpoint", _served_by(_Redirecting))


@sabotage("a URL on this machine")
def endpoint_on_another_machine(copy: Copy) -> None:
    """Metrics of a bot that runs elsewhere; the address is one for examples (RFC 5737), and nobody calls it."""
    copy.edit(REPORT, "metrics_endpoint", "http://198.51.100.7:9108/metrics")


def _served_by(handler: type[BaseHTTPRequestHandler]) -> str:
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/metrics"


class _SomebodyElse(BaseHTTPRequestHandler):
    """Serves the gauge that everybody wants to see."""

    def do_GET(self) -> None:
        """Any path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'bot_exchange_health_status{exchange="kraken"} 1\n')

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Redirecting(_SomebodyElse):
    """Knows where the gauge is."""

    def do_GET(self) -> None:
        """Any path."""
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:9/metrics")
        self.end_headers()


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
        endpoint_leads_elsewhere,
        endpoint_on_another_machine,
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
    if paper_report.at("metrics_endpoint").value is None:  # perhaps because the bot is told to serve none
        see_served(Deployment(paper_bot.root).runtime, evidence)
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
