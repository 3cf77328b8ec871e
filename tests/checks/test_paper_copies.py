"""The lines about files, called without the gate: what is wrong beside the entrypoint that goes live is found, too."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_kraken_golive.checks import config, profiles
from pytest_kraken_golive.contract import Evidence, Fault, NotProven
from pytest_kraken_golive.deployment.layout import Deployment
from pytest_kraken_golive.policy import Policy

CONFIG = Path(__file__).parents[2] / "config"
DESKTOP = "kraken_desktop_paper"
METRICS = {
    "rate_limit": "bot_exchange_rate_limited_total",
    "network_errors": "bot_exchange_errors_total",
    "health": "bot_exchange_health_status",
}
LINES: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {
    "entrypoint-environment": (config.entrypoint_environment, {"entrypoint": DESKTOP, "environment": "kraken_paper"}),
    "risk-profile": (config.entrypoint_risk_profile, {"entrypoint": DESKTOP, "profile": "balanced"}),
    "keychain-key": (
        config.environment_keychain_key,
        {"environment": "kraken_paper", "key": "kraken_paper_trading"},
    ),
    "paper-profile": (
        profiles.paper_profile,
        {
            "profile": "kraken_paper",
            "entrypoint": DESKTOP,
            "exchange": "kraken",
            "environment": "kraken_paper",
            "io_queue": "kraken_spot",
            "metrics": METRICS,
        },
    ),
    "trading-profile-queue": (
        profiles.trading_profile_queue,
        {"profile": "kraken_desktop", "entrypoint": DESKTOP},
    ),
}
"""Lines with their parameters."""

HEADLESS_PROFILE = "    kraken_headless:\n      entrypoint: kraken_headless_paper\n      exchange: kraken\n      "


TRADING = "    kraken_desktop:\n      entrypoint: kraken_desktop_paper\n"
SETTINGS = "    adapter_settings:\n"
ACCOUNTS = "exchange_accounts:\n"


def judge(root: Path, *edits: tuple[str, str, str]) -> dict[str, str]:
    """The messages of the lines that do not pass for the reference configuration with texts replaced in it."""
    (root / "config").mkdir()
    for name in ("runtime.yaml", "core.yaml"):
        shutil.copy(CONFIG / name, root / "config" / name)
    for name, old, new in edits:
        path = root / "config" / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
    deployment, messages = Deployment(root), {}
    for line, (check, params) in LINES.items():
        try:
            check(deployment.runtime, deployment.core, Policy(), Evidence(), **params)
        except (Fault, NotProven, AssertionError) as error:
            messages[line] = str(error)
    return messages


def test_the_reference_passes(tmp_path: Path) -> None:
    assert judge(tmp_path) == {}


R, C = "runtime.yaml", "core.yaml"


@pytest.mark.parametrize(
    ("edit", "first", "message"),
    [
        (
            (R, "paper trading on Kraken\n      environment: kraken_paper\n", "x\n      environment: kraken_live\n"),
            "entrypoint-environment",
            "expected a paper environment for kraken_headless_paper, as config/runtime.yaml:",
        ),
        (
            (R, f"{HEADLESS_PROFILE}environment: kraken_paper", f"{HEADLESS_PROFILE}environment: kraken_live"),
            "entrypoint-environment",
            "execution.paper_profiles.kraken_headless.environment",
        ),
        (
            (R, "tags: [headless, paper, kraken]", "tags: [headless, paper, kraken, LIVE]"),
            "entrypoint-environment",
            "kraken_headless_paper.tags.3: expected no tag that says live",
        ),
        (
            (R, "tags: [desktop, live, kraken]", "tags: [desktop, paper, kraken]"),
            "entrypoint-environment",
            "expected a paper environment for kraken_desktop_live, as",
        ),
        (
            (R, "    enabled: false", '    enabled: "false"'),
            "entrypoint-environment",
            "execution.live.enabled: expected",
        ),
        ((R, "trusted_auto_confirm: false", "trusted_auto_confrm: true"), "entrypoint-environment", "confrm"),
        ((C, "ip_allowlist: []", "ip_allowlist: any"), "entrypoint-environment", "ip_allowlist: expected a list"),
        (
            (R, "risk_profile: balanced\n", "risk_profile: aggressive\n"),
            "risk-profile",
            "trading.entrypoints.kraken_headless_paper.risk_profile",
        ),
        (
            (R, HEADLESS_PROFILE, HEADLESS_PROFILE.replace("exchange: kraken", "exchange: binance")),
            "paper-profile",
            "execution.paper_profiles.kraken_headless.exchange: expected one of the known exchanges",
        ),
        (
            (R, "entrypoint: kraken_headless_paper", "entrypoint: kraken_headles_paper"),
            "entrypoint-environment",
            "entrypoint: 'kraken_headles_paper' is not in config/runtime.yaml:14 trading.entrypoints (",
        ),
        (
            (R, "        rate_limit: bot_exchange_rate_limited_total", "        rate_limit: foo"),
            "paper-profile",
            "execution.paper_profiles.kraken_paper.metrics.rate_limit: expected 'bot_",
        ),
        (
            (
                R,
                "        health: bot_exchange_health_status\n        thresholds",
                "        helth: x\n        thresholds",
            ),
            "paper-profile",
            "kraken_headless.metrics.helth: expected the key health",
        ),
        (
            (R, "    enabled: true\n    host", "    enabled: no\n    host"),
            "paper-profile",
            "prometheus.enabled: expected",
        ),
        ((R, "    port: 0", '    port: "0"'), "paper-profile", "prometheus.port: expected a whole number"),
        (
            (R, "    path: /metrics", "    path: metrics"),
            "paper-profile",
            "prometheus.path: expected a path that begins",
        ),
        ((R, "  prometheus:", "  promtheus:"), "paper-profile", "did you mean promtheus?"),
        ((R, "  burst: 10", "  burst: ten"), "trading-profile-queue", "io_queue.burst: expected a whole number"),
        (
            (R, "warning_seconds: 0.75", "warning_seconds: .inf"),
            "trading-profile-queue",
            "io_queue.rate_limit_warning_seconds: expected a finite number",
        ),
    ],
)
def test_what_is_wrong_beside_the_runbook_is_named(
    tmp_path: Path, edit: tuple[str, str, str], first: str, message: str
) -> None:
    messages = judge(tmp_path, edit)
    assert messages, "nobody noticed"
    assert next(iter(messages)) == first, messages
    assert message in messages[first]
    assert "Next: " in messages[first]


R_MODE, R_DEFAULT = "default_mode: paper", "default_entrypoint: kraken_desktop_paper"


@pytest.mark.parametrize(
    "row",
    [
        (
            R,
            "core:\n",
            "backup: {entrypoint: kraken_desktop_paper, environment: kraken_live}\ncore:\n",
            0,
            "backup.env",
        ),
        (
            R,
            "core:\n",
            "jobs: [{entrypoint: kraken_desktop_paper, mode: live}]\ncore:\n",
            0,
            "jobs.0.mode: expected 'pa",
        ),
        (
            C,
            ACCOUNTS,
            f"{ACCOUNTS}  kraken_spot: {{paper: {{risk_profile: aggressive}}}}\n",
            1,
            "kraken_spot.paper.risk",
        ),
        (
            C,
            ACCOUNTS,
            f"{ACCOUNTS}  kraken_spot: {{live: {{environment: kraken_paper}}}}\n",
            0,
            "expected an environment",
        ),
        (
            C,
            ACCOUNTS,
            f"{ACCOUNTS}  other: {{live: {{environment: nope}}}}\n",
            0,
            "other.live.environment: 'nope' is not in config/core.yaml:5 environments (",
        ),
        (
            C,
            ACCOUNTS,
            f"{ACCOUNTS}  other: {{live: {{keychain_key: kraken_paper_trading}}}}\n",
            2,
            "that only live uses",
        ),
        (R, R_DEFAULT, "default_entrypoint: nope", 0, "'nope' is not in config/runtime.yaml:14 trading.entrypoints"),
        (R, R_DEFAULT, "default_entrypoint: kraken_desktop_live", 0, "which is live (config/core.yaml:"),
        (R, R_MODE, "default_mode: 'paper '", 0, "expected one of paper, live, testnet, found the text 'paper '"),
        (R, R_MODE, "default_mode: live", 0, "expected 'paper', found 'live'"),
        (
            R,
            "default_profile: balanced",
            "default_profile: nope",
            1,
            "risk.default_profile: 'nope' is not in config/core.yaml:29 risk_profiles (conservative",
        ),
        (C, "ip_allowlist: []", "ip_allowlist: [10.0.0.0/8, garbage]", 0, "ip_allowlist.1: expected an IP address"),
        (
            C,
            SETTINGS,
            f"{SETTINGS}      rest: {{api_url: api.kraken.com}}\n",
            0,
            "rest.api_url: expected an exchange to play",
        ),
        (C, SETTINGS, f"{SETTINGS}      sandbox: false\n", 0, "adapter_settings.sandbox: expected a switch"),
        (C, SETTINGS, f"{SETTINGS}      mode: Live\n", 0, "adapter_settings.mode: expected a mode that agrees"),
        (C, SETTINGS, f"{SETTINGS}      ws_url: wss://ws-auth.kraken.com/v2\n", 0, "adapter_settings.ws_url: expected"),
        (C, SETTINGS, f"{SETTINGS}      use_live: 'yes'\n", 0, "adapter_settings.use_live: expected a switch"),
        (C, SETTINGS, f"    required_permission: [withdraw]\n{SETTINGS}", 0, "expected the key required_permissions"),
        (R, "  live:\n", "  lives: {enabled: true}\n  live:\n", 0, "expected the key live, found 'lives'"),
        (R, "core:\n", "tradings: {}\ncore:\n", 0, "expected the key trading, found 'tradings'"),
        (R, "  burst: 10", "  burst: 10\n  bursts: 99", 0, "expected the key burst, found 'bursts'"),
        (R, "    port: 0", "    port: 0\n    post: 9100", 0, "which is not read"),
    ],
)
def test_every_copy_counts_and_every_name_refers(tmp_path: Path, row: tuple[str, str, str, int, str]) -> None:
    file, old, new, place, message = row
    messages, first = judge(tmp_path, (file, old, new)), list(LINES)[place]
    assert messages, "nobody noticed"
    assert next(iter(messages)) == first, messages
    assert message in messages[first]
    assert "Next: " in messages[first]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (
            R,
            "core:\n",
            "a: {entrypoint: kraken_desktop_paper, environment: paper, exchange: kraken, mode: loud}\ncore:\n",
        ),
        (R, "core:\n", "sentry: {environment: production}\ncore:\n"),
        (R, TRADING, f"{TRADING}      environment: kraken_paper\n      io_queue: kraken_spot\n"),
        (R, "    enabled: false", "    enabled: true"),
        (R, "      burst: 6", "      burst: 6\n      burst_s: 1\n      max_concurrency_per_pair: 1"),
        (R, "        health: bot", "        healthy: 1\n        health: bot"),
        (C, "ip_allowlist: []", "ip_allowlist: [203.0.113.7, 10.0.0.0/8, '::1']"),
        (
            C,
            SETTINGS,
            f"{SETTINGS}      sandbox: true\n      market_url: https://api.kraken.com\n      live_book: true\n",
        ),
        (C, SETTINGS, f"{SETTINGS}      base_url: https://demo-futures.kraken.com\n"),
        (C, ACCOUNTS, f"{ACCOUNTS}  kraken_spot: {{paper: {{environment: kraken_paper}}}}\n"),
    ],
)
def test_what_a_project_adds_and_means_is_left_alone(tmp_path: Path, file: str, old: str, new: str) -> None:
    assert judge(tmp_path, (file, old, new)) == {}


def test_an_exchange_that_the_policy_does_not_name_may_have_accounts(tmp_path: Path) -> None:
    other = "  other: {exchange: other_spot, environment: paper, keychain_key: o, risk_profile: balanced}\n"
    rows = (
        (C, "environments:\n", f"environments:\n{other}"),
        (C, ACCOUNTS, f"{ACCOUNTS}  other: {{paper: {{environment: other, keychain_key: o}}}}\n"),
    )
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.mkdir()
    wrong.mkdir()
    assert judge(right, *rows) == {}
    mixed = (C, "  other: {paper: {environment: other", "  other: {paper: {environment: kraken_paper")
    assert "expected an environment of other, paper" in judge(wrong, *rows, mixed)["entrypoint-environment"]


def test_a_paper_key_is_no_live_key_even_where_all_copies_agree(tmp_path: Path) -> None:
    swap = (C, "keychain_key: kraken_live_trading", "keychain_key: kraken_paper_trading")
    messages = judge(tmp_path, swap, swap)
    assert list(messages) == ["keychain-key"]
    assert "expected a keychain key that only live uses" in messages["keychain-key"]


def test_metrics_of_one_exchange_and_of_two_roles(tmp_path: Path) -> None:
    same = ("network_errors: bot_exchange_errors_total", "network_errors: bot_exchange_rate_limited_total")
    messages = judge(
        tmp_path, (R, "entrypoint: kraken_headless_paper", "entrypoint: kraken_headless_paper # "), (R, *same)
    )
    assert "metrics.network_errors: expected 'bot_exchange_errors_total'" in messages["paper-profile"]
    params = {**LINES["paper-profile"][1], "metrics": None}
    deployment = Deployment(tmp_path)
    with pytest.raises(Fault, match=r"expected another metric than config/runtime\.yaml"):
        profiles.paper_profile(deployment.runtime, deployment.core, Policy(), Evidence(), **params)
