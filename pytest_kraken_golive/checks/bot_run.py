"""The bot really ran: it started, traded, reported about this run, spoke to nobody else, and ended well."""

from __future__ import annotations

import datetime as dt

from pytest_kraken_golive.checks.bot_conduct import require_good_conduct
from pytest_kraken_golive.checks.bot_network import require_loopback_only, require_own_calls
from pytest_kraken_golive.checks.bot_run_breaks import PAPER_RUN_BREAKS
from pytest_kraken_golive.checks.each_entrypoint import keys_of, paper_names
from pytest_kraken_golive.checks.limits import require_clean_log
from pytest_kraken_golive.contract import Evidence, NotProven, Words, check
from pytest_kraken_golive.deployment.instants import as_instant
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.deployment.misspelt import letters
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.rehearsal.bot_run import BotState
from pytest_kraken_golive.rehearsal.handle import PaperBot, SandboxHandle

CLOCK_SLACK = dt.timedelta(seconds=2)
"""Times in the report are rounded by some bots."""


@check(
    "paper_run",
    breaks=PAPER_RUN_BREAKS,
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
    lacking = report.lacking()
    if len(lacking) > 1:  # of a single one, whoever reads it says more
        raise NotProven(
            f"{report.document.shown}: expected the keys of a report, found none of {', '.join(lacking)}. "
            "Next: let the bot write them; `kraken-golive docs your-own-parts` has a whole one to copy."
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
    require_loopback_only(state.network, evidence)
    _really_traded(kraken_sandbox, evidence)
    require_own_calls(state.network, evidence)
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
    limits = runtime.io_queue(runtime.paper_profile_for(entrypoint).io_queue)
    for key, limit in (("concurrency_max", limits.max_concurrency), ("burst_max", limits.burst)):
        evidence.record("exchange", books[key], key=f"books.bot.{key}", note="at the bot's end")
        assert books[key] <= limit.value, (
            f"exchange: {key} was {books[key]} at the bot's end, expected at most {limit.value} ({limit.where}). "
            "Next: send every request through the queue, to the last."
        )
    require_good_conduct(books, evidence)
    keys = keys_of(paper_names(runtime, deployment.core), runtime, deployment.core)
    strangers = {book["name"] for book in books["keys"].values()} - {key.value for key in keys.values()}
    assert not strangers, (
        f"exchange: the bot signed with the keys {', '.join(sorted(strangers))}, expected those of paper entrypoints "
        f"alone ({', '.join(sorted({key.value for key in keys.values()}))}). Next: let it use no other."
    )


def _is_of_this_run(
    report: PaperReport, state: BotState, deployment: Deployment, entrypoint: str, evidence: Evidence
) -> None:
    require_success(report, deployment, entrypoint, evidence)
    began, ended = as_instant(report.at("started_at")), as_instant(report.at("finished_at"))
    started = dt.datetime.fromtimestamp(state.started_at or 0.0, dt.UTC) - CLOCK_SLACK
    for moment, earliest, latest in (
        (began, started, dt.datetime.now(dt.UTC) + CLOCK_SLACK),
        (ended, began.value, dt.datetime.now(dt.UTC) + CLOCK_SLACK),
    ):
        evidence.record(moment.where.source, moment.value.isoformat(), line=moment.where.line, key=moment.where.key)
        assert earliest <= moment.value <= latest, moment.unlike(
            Words(f"a time between {earliest.isoformat()} and {latest.isoformat()}"),
            "the report is of another run: run the bot again",
        )


def require_success(report: PaperReport, deployment: Deployment, entrypoint: str, evidence: Evidence) -> None:
    """The report says of itself that it is of a paper run of this entrypoint and configuration, which went well."""
    for key, expected, do in (
        ("mode", "paper", f"start the bot with --mode paper --entrypoint {entrypoint}"),
        ("entrypoint", entrypoint, f"start the bot with --mode paper --entrypoint {entrypoint}"),
        ("config_sha256", deployment.config_sha256, "let the bot run again, with this configuration"),
        ("errors", [], "remove the cause of each, and let the bot run again"),
        ("status", "success", "see the report's errors and warnings, remove the cause, and let the bot run again"),
    ):
        found = report.at(key)
        evidence.saw(found)
        assert found.value == expected, found.unlike(expected, do)
    evidence.saw(report.text("run_id"))
    evidence.saw(report.text("bot_version"))
    _validated_itself(report, deployment, entrypoint, evidence)


def _validated_itself(report: PaperReport, deployment: Deployment, entrypoint: str, evidence: Evidence) -> None:
    """What the bot says that it validated is what the configuration names, and it took decisions."""
    own = deployment.runtime.entrypoint(entrypoint)
    environment = deployment.core.environment(own.environment)
    for key, configured in (
        ("environment", own.environment),
        ("risk_profile", own.risk_profile),
        *([("strategy", own.strategy)] if own.given("strategy") else []),
        ("keychain_key", environment.keychain_key),
    ):
        found = report.text("validation", key)
        evidence.saw(found)
        assert found.value == configured.value, found.unlike(
            configured.value, f"let the bot validate what is configured at {configured.where}"
        )
    for key, expected in (("mode", "paper"), ("expected_environment", "paper"), ("credentials_validated", True)):
        found = report.at("validation", key)
        evidence.saw(found)
        same = type(found.value) is type(expected) and found.value == expected
        assert same, found.unlike(expected, "let the bot validate itself before it trades")
    symbols = report.names("validation", "symbols")
    evidence.saw(symbols)
    assert symbols.value, symbols.unlike(Words("the pairs that are traded"), "let the bot validate its pairs")
    if environment.given("adapter_settings") and environment.has("adapter_settings", "symbols"):
        traded = environment.symbols
        known = {letters(symbol) for symbol in symbols.value}
        assert known == {letters(symbol) for symbol in traded.value}, symbols.unlike(
            traded.value, f"let the bot validate the pairs that are configured at {traded.where}"
        )
    decisions = report.whole("decision_events")
    evidence.saw(decisions)
    assert decisions.value > 0, decisions.unlike(Words("at least one decision"), "let the strategy decide something")


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
