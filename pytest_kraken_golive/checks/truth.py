"""The report is true: it follows from its own raw values, and the exchange and the guardrails say the same."""

from __future__ import annotations

from typing import Any

from pytest_kraken_golive.checks.derivation import contradictions
from pytest_kraken_golive.checks.each_entrypoint import keys_of, paper_names, require_each_traded
from pytest_kraken_golive.checks.guardrail_summary import require_quiet_summary
from pytest_kraken_golive.checks.report_breaks import CONTRADICTIONS
from pytest_kraken_golive.checks.truth_breaks import HEALTH_LIES, SUMMARY_LIES, UNTRUTHS
from pytest_kraken_golive.contract import Evidence, Found, check
from pytest_kraken_golive.deployment.core import CoreConfig
from pytest_kraken_golive.deployment.paper_report import PaperReport
from pytest_kraken_golive.deployment.runtime import RuntimeConfig
from pytest_kraken_golive.rehearsal.handle import SandboxHandle


@check("report_consistent", breaks=[*CONTRADICTIONS, *HEALTH_LIES, *SUMMARY_LIES, *UNTRUTHS])
def report_consistent(
    paper_report: PaperReport,
    runtime_config: RuntimeConfig,
    core_config: CoreConfig,
    kraken_sandbox: SandboxHandle,
    evidence: Evidence,
) -> None:
    """The summary is what its entries add up to, they are what was configured, and the exchange saw the same."""
    names = paper_names(runtime_config, core_config)
    summary = paper_report.mapping("paper_exchange_metrics", "summary")
    wrong = contradictions(paper_report, runtime_config, names)
    evidence.record(summary.where.source, {"entrypoints": names, "fields": len(summary.value)}, key=summary.where.key)
    assert not wrong, f"{wrong[0]} ({len(wrong)} in all)" if len(wrong) > 1 else wrong[0]
    books = kraken_sandbox.books("bot")
    _agrees_with_exchange(paper_report, names, books, evidence)
    require_each_traded(paper_report, keys_of(names, runtime_config, core_config), books, evidence)
    environments = environments_of(runtime_config, names)
    require_quiet_summary(paper_report, queues_of(runtime_config, names), environments, evidence)
    evidence.record(paper_report.document.shown, paper_report.at("checkpoint").value, key="checkpoint")


def queues_of(runtime: RuntimeConfig, names: list[str]) -> Found:
    """The queues of the paper entrypoints' profiles."""
    found = [runtime.paper_profile_for(name).io_queue for name in names]
    return Found(sorted({one.value for one in found}), found[0].where)


def environments_of(runtime: RuntimeConfig, names: list[str]) -> Found:
    """What the summary may call the environment: those of the paper entrypoints, and the kind that they all are."""
    found = [runtime.entrypoint(name).environment for name in names]
    return Found([*sorted({one.value for one in found}), "paper"], found[0].where)


def _agrees_with_exchange(report: PaperReport, names: list[str], books: dict[str, Any], evidence: Evidence) -> None:
    """What the exchange answered the bot with is what the bot counted: each rate limit and each fault once."""
    limited = sum(count for text, count in books["errors"].items() if "imit exceeded" in text or "Throttled" in text)
    faults = sum(count for kind, count in books["faults"].items() if kind not in {"latency", "stale_nonce"})
    evidence.record("exchange", {"rate_limited": limited, "faults": faults}, key="books.bot")
    for name in names:
        entry = report.entry(name)
        label = entry.text("exchange").value
        counted, errors = entry.number("rate_limited_events"), entry.number("network_errors")
        assert counted.value == limited, counted.unlike(
            limited, f"count every rate limit that {label} answers with, once"
        )
        assert errors.value == faults, errors.unlike(faults, f"count every fault of {label}, once")
