"""A deployment with one thing wrong: the right line is red, says where, and all other lines still run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from golive_project import GateRun, Project

pytest_plugins = ["rehearsal_project"]

LINES = (
    *("entrypoint-environment", "risk-profile", "environment-exchange", "keychain-key", "paper-profile"),
    *("trading-profile-queue", "licence-profiles", "licence-enforcement", "licence-fingerprint"),
    *("licence-revocations", "paper-thresholds"),
)
"""The stock lines that look at files alone."""

RUNTIME, CORE = "config/runtime.yaml", "config/core.yaml"


def line_of(project: Project, file: str, text: str, nth: int = 1) -> int:
    """The 1-based line of a file that holds a text for the n-th time."""
    lines = (project.root / file).read_bytes().decode("utf-8", errors="replace").splitlines()
    return [number for number, line in enumerate(lines, 1) if text in line][nth - 1]


def judge(project: Project) -> GateRun:
    """Run the gate; nothing below config/ is touched, everything runs, and nobody sees a trace-back."""
    before = project.state("config")
    run = project.gate()
    assert project.state("config") == before
    assert "Traceback" not in run.said
    assert run.outcomes.keys() == set(LINES)
    assert not {"not_run", "error", "unbound"} & set(run.outcomes.values()), run.outcomes
    return run


def test_the_stock_deployment_is_fine(project: Project) -> None:
    project.deployment(*LINES)
    judge(project).require("GO", 0)


def replaced(file: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(file, old, new)


def appended(file: str, text: str) -> Callable[[Project], None]:
    def act(project: Project) -> None:
        path = project.root / file
        path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")

    return act


def in_latin_1(file: str) -> Callable[[Project], None]:
    def act(project: Project) -> None:
        path = project.root / file
        path.write_bytes(b"# caf\xe9\n" + path.read_bytes())

    return act


def in_utf_16(file: str) -> Callable[[Project], None]:
    def act(project: Project) -> None:
        path = project.root / file
        path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16"))

    return act


@pytest.mark.parametrize(
    ("act", "first", "failing", "where", "key", "parts"),
    [
        (
            replaced(RUNTIME, "risk_profile: balanced #", "risk_profile: aggressive #"),
            "risk-profile",
            {"risk-profile"},
            (RUNTIME, "risk_profile: aggressive", 1),
            "trading.entrypoints.kraken_desktop_paper.risk_profile",
            ("expected 'balanced'", "found 'aggressive'"),
        ),
        (
            replaced(RUNTIME, "environment: kraken_paper #", "environment: [kraken_paper] #"),
            "entrypoint-environment",
            {"entrypoint-environment"},
            (RUNTIME, "environment: [kraken_paper]", 1),
            "trading.entrypoints.kraken_desktop_paper.environment",
            ("expected text", "['kraken_paper']"),
        ),
        (
            replaced(RUNTIME, "network_errors_max: 0 #", 'network_errors_max: "0" #'),
            "paper-thresholds",
            {"paper-thresholds"},
            (RUNTIME, 'network_errors_max: "0"', 1),
            "execution.paper_profiles.kraken_paper.metrics.thresholds.network_errors_max",
            ("expected a number", "'0'"),
        ),
        (
            replaced(CORE, "keychain_key: kraken_paper_trading", "keychain_key: kraken_live_trading"),
            "keychain-key",
            {"keychain-key"},
            (CORE, "keychain_key: kraken_live_trading", 1),
            "environments.kraken_paper.keychain_key",
            ("expected 'kraken_paper_trading'", "found 'kraken_live_trading'"),
        ),
        (
            replaced(RUNTIME, "  enforcement: true", "  enforcement: false"),
            "licence-enforcement",
            {"licence-enforcement"},
            (RUNTIME, "enforcement: false", 1),
            "licensing.enforcement",
            ("expected True", "found False"),
        ),
        (
            replaced(RUNTIME, "      io_queue: kraken_spot #", "      io_queue: kraken_spot\n      io_queue: other #"),
            "entrypoint-environment",
            {"entrypoint-environment", "risk-profile", "paper-profile", "paper-thresholds", "trading-profile-queue"},
            (RUNTIME, "io_queue: other", 1),
            "io_queue",
            ("expected the key once", "line 55"),
        ),
    ],
    ids=["value", "list", "text-for-number", "core-value", "flag", "key-twice"],
)
def test_one_wrong_value(
    project: Project,
    act: Callable[[Project], None],
    first: str,
    failing: set[str],
    where: tuple[str, str, int],
    key: str,
    parts: tuple[str, ...],
) -> None:
    project.deployment(*LINES)
    act(project)
    run = judge(project)
    run.require("NO-GO", 10, f"{first}: ")
    message = run.message(first)
    file, text, nth = where
    assert f"{file}:{line_of(project, file, text, nth)}" in message
    for part in (key, *parts, "Next:"):
        assert part in message, message
    not_passed = {name for name, outcome in run.outcomes.items() if outcome != "passed"}
    assert failing <= not_passed
    if "expected the key once" not in parts:  # a file that cannot be read as a whole fails every line that reads it
        assert not_passed - failing <= {"trading-profile-queue", "risk-profile", "paper-profile"}, run.outcomes
    assert run.verdict["blockers"][0] == first


@pytest.mark.parametrize(
    ("file", "act", "words"),
    [
        (RUNTIME, lambda project: (project.root / RUNTIME).unlink(), ("found none",)),
        (CORE, lambda project: (project.root / CORE).unlink(), ("found none",)),
        (RUNTIME, in_latin_1(RUNTIME), ("UTF-8",)),
        (CORE, in_utf_16(CORE), ("UTF-8",)),
        (RUNTIME, lambda project: project.write(RUNTIME, ""), ("empty",)),
        (RUNTIME, lambda project: project.write(RUNTIME, "- a\n- list\n"), ("mapping",)),
        (CORE, appended(CORE, "\nrisk_profiles: {}\n"), ("expected the key once",)),
        (RUNTIME, appended(RUNTIME, "\n  : [\n"), ("YAML", "expected")),
        (RUNTIME, appended(RUNTIME, "\nloop: &loop [*loop]\n"), ("loop", "alias", "anchor", "itself")),
    ],
    ids=["no-runtime", "no-core", "latin-1", "utf-16", "empty", "list", "core-twice", "torn", "recursive"],
)
def test_a_file_that_cannot_be_read(
    project: Project, file: str, act: Callable[[Project], object], words: tuple[str, ...]
) -> None:
    project.deployment(*LINES)
    act(project)
    run = judge(project)
    run.require("NO-GO", 10)
    reasons = [run.message(name) for name, outcome in run.outcomes.items() if outcome != "passed"]
    assert any(file in reason and any(word in reason for word in words) for reason in reasons), reasons
    assert file in run.last
    assert all("Next:" in reason for reason in reasons), reasons
    if file == CORE:
        assert run.outcomes["licence-enforcement"] in {"passed", "failed", "not_proven"}
        assert run.outcomes["paper-thresholds"] == "passed"


def test_no_configuration_at_all(project: Project) -> None:
    project.conftest()
    project.deployment(*LINES)
    for file in ("runtime.yaml", "core.yaml", "golive.yaml"):
        (project.root / "config" / file).unlink()
    run = judge(project)
    run.require("NO-GO", 10, RUNTIME)
    assert set(run.outcomes.values()) <= {"not_proven", "failed"}


def test_what_files_lead_to_is_named_before_what_it_leads_to(project: Project) -> None:
    """The bot cannot start with this configuration: the file's own line comes first, although the run's stands above."""
    project.deployment("paper-run", "summary-status", "environment-exchange", "paper-thresholds")
    project.edit(CORE, "exchange: kraken_spot #", "exchange: moon_spot #")
    run = project.gate()
    run.require("NO-GO", 10, "environment-exchange: ")
    assert run.verdict["blockers"][0] == "environment-exchange"
    assert run.outcomes["paper-thresholds"] == "passed"
    assert run.outcomes["paper-run"] in {"failed", "not_proven"}
    assert f"{CORE}:{line_of(project, CORE, 'moon_spot')}" in run.last
    assert "Traceback" not in run.out
