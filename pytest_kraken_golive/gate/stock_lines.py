"""The lines of the stock runbooks that a run does not ask: a line that somebody deletes leaves no other trace.

A project may have runbooks of its own, so this is no fault; a reader of the verdict must see it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_kraken_golive.runbook.model import Stage

STOCK_LINES: dict[Stage, dict[str, str]] = {
    "paper": {
        "entrypoint-environment": "entrypoint_environment",
        "risk-profile": "entrypoint_risk_profile",
        "environment-exchange": "environment_exchange",
        "keychain-key": "environment_keychain_key",
        "credentials-available": "credentials_available",
        "paper-run": "paper_run",
        "summary-status": "summary_status",
        "entrypoint-status": "entrypoint_status",
        "entrypoint-breaches": "entrypoint_breaches",
        "breached-entrypoints": "summary_empty",
        "breached-thresholds": "summary_empty",
        "missing-metrics": "summary_empty",
        "breach-counts": "summary_empty",
        "threshold-breach-counts": "summary_empty",
        "missing-metric-counts": "summary_empty",
        "health-coverage": "summary_lists",
        "monitored-metrics": "monitored_metrics",
        "monitored-entrypoints": "monitored_entrypoints",
        "health-coverage-ratio": "summary_ratio",
        "metric-coverage-score": "summary_ratio",
        "threshold-coverage-score": "summary_ratio",
        "severity-totals": "summary_severities",
        "severity-coverage-warning": "summary_lists",
        "severity-coverage-error": "summary_lists",
        "severity-coverage-ratio": "summary_severities",
        "missing-severity-counts": "summary_empty",
        "missing-severity-entrypoints": "summary_empty",
        "report-consistent": "report_consistent",
        "no-limit-warnings": "no_limit_warnings",
        "guardrail-log": "guardrail_log_clean",
        "paper-profile": "paper_profile",
        "trading-profile-queue": "trading_profile_queue",
        "licence-profiles": "licence_profiles",
        "licence-enforcement": "licence_enforcement",
        "licence-fingerprint": "licence_fingerprint",
        "licence-revocations": "licence_revocations",
        "io-queue-limits": "io_queue",
        "paper-thresholds": "paper_thresholds",
        "report-confirmed": "report_confirmed",
        "key-permissions": "key_permissions",
        "signing-test": "signing_test",
        "health-gauge": "health_gauge",
        "trading-profile-tags": "trading_profile_tags",
        "smoke-test": "smoke_test",
    },
    "production": {
        "credentials-present": "credentials_present",
        "env-file-private": "env_file_private",
        "production-mode": "production_mode",
        "base-url": "base_url",
        "rate-limit-buckets": "rate_limit_buckets",
        "rate-limit-values": "rate_limit_values",
        "environment-summary": "environment_summary",
        "public-connection": "public_connection",
        "private-connection": "private_connection",
        "live-key-permissions": "live_key_permissions",
        "validation-file": "validation_file",
        "place-order-latency": "place_order_latency",
        "place-order-success": "place_order_success",
        "fee-accuracy": "fee_accuracy",
        "benchmark-file": "benchmark_file",
        "volume-ladder": "volume_ladder",
        "deploy-environment": "deploy_environment",
        "deploy-run": "deploy_run",
        "service-active": "service_active",
        "deploy-log": "deploy_log",
        "rollback-drill": "rollback_drill",
        "secret-store": "secret_store",
        "no-secret-leaks": "no_secret_leaks",
        "request-signature": "request_signature",
        "feature-toggles": "feature_toggles",
        "execution-mode": "execution_mode",
        "rollback-timeouts": "rollback_timeouts",
        "controlled-stop": "controlled_stop",
        "post-mortem-files": "post_mortem_files",
        "dashboard-page": "dashboard_page",
        "degradation-alerts": "degradation_alerts",
        "event-trends": "event_trends",
        "structured-log": "structured_log",
        "environment-switch": "environment_switch",
        "bucket-names": "bucket_names",
        "safe-validation": "safe_validation",
        "metrics-and-audit": "metrics_and_audit",
    },
}
"""The lines of the stock runbook of each stage, and their checks. A project may edit its copy; this one stays."""


def not_asked(stages: Iterable[Stage], asked: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The stock lines that no line of a run stands for, by name or under a name of its own.

    Args:
        stages: of the run's runbooks.
        asked: id and check of each bound line.
    """
    bound = dict(asked)
    stock = {line: check for stage in dict.fromkeys(stages) for line, check in STOCK_LINES.get(stage, {}).items()}
    renamed = Counter(check for line, check in bound.items() if stock.get(line) != check)
    missing = {line: check for line, check in stock.items() if bound.get(line) != check}
    wanted = Counter(missing.values())
    return [{"line": line, "check": check} for line, check in missing.items() if renamed[check] < wanted[check]]
