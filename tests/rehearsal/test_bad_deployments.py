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


def line_of(project: Project, file: str, text: str) -> int:
    """The first 1-based line of a file that holds a text."""
    lines = (project.root / file).read_bytes().decode("utf-8", errors="replace").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def judge(project: Project) -> GateRun:
    """Run the gate; nothing below config/ is touched, everything runs, and nobody sees a trace-back."""
    before = project.state("config")
    run = project.gate()
    assert project.state("config") == before
    assert "Traceback" not in run.said
    assert run.outcomes.keys() == set(LINES)
    assert not {"not_run", "error", "unbound"} & set(run.outcomes.values()), run.outcomes
    return run


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
        path.write_bytes(path.read_text(encoding="utf-8").encode("utf-16-le"))  # with a mark it would be YAML

    return act


@pytest.mark.parametrize(
    ("act", "first", "where", "words"),
    [
        (
            replaced(RUNTIME, "risk_profile: balanced #", "risk_profile: aggressive #"),
            "risk-profile",
            (RUNTIME, "risk_profile: aggressive"),
            ("trading.entrypoints.kraken_desktop_paper.risk_profile", "expected 'balanced'", "found 'aggressive'"),
        ),
        (
            replaced(RUNTIME, "      io_queue: kraken_spot #", "      io_queue: kraken_spot\n      io_queue: other #"),
            "entrypoint-environment",
            (RUNTIME, "io_queue: other"),
            ("execution.paper_profiles.kraken_paper.io_queue", "expected the key once", "line 55"),
        ),
    ],
    ids=["value", "key-twice"],
)
def test_one_wrong_value(
    project: Project, *, act: Callable[[Project], None], first: str, where: tuple[str, str], words: tuple[str, ...]
) -> None:
    project.deployment(*LINES)
    act(project)
    run = judge(project)
    run.require("NO-GO", 10, f"{first}: {where[0]}:{line_of(project, *where)}")
    assert run.verdict["blockers"][0] == first
    for word in (*words, "Next:"):
        assert word in run.message(first), run.message(first)
    if first == "risk-profile":
        assert [name for name, outcome in run.outcomes.items() if outcome != "passed"] == [first]


def test_several_wrong_values(project: Project) -> None:
    project.deployment(*LINES)
    project.edit(RUNTIME, "environment: kraken_paper #", "environment: [kraken_paper] #")
    project.edit(RUNTIME, "network_errors_max: 0 #", 'network_errors_max: "0" #')
    project.edit(RUNTIME, "  enforcement: true", "  enforcement: false")
    project.edit(CORE, "    exchange: kraken_spot #", "    exchange: moon_spot #")
    run = judge(project)
    run.require("NO-GO", 10)
    profile = "execution.paper_profiles.kraken_paper.metrics.thresholds"
    for name, file, text, words in (
        (
            "entrypoint-environment",
            RUNTIME,
            "environment: [kraken_paper]",
            ("trading.entrypoints.kraken_desktop_paper.environment", "expected text", "['kraken_paper']"),
        ),
        ("paper-thresholds", RUNTIME, 'network_errors_max: "0"', (f"{profile}.network_errors_max", "'0'")),
        ("licence-enforcement", RUNTIME, "enforcement: false", ("licensing.enforcement", "found false")),
        (
            "environment-exchange",
            CORE,
            "exchange: moon_spot",
            ("environments.kraken_paper.exchange", "expected 'kraken_spot'", "found 'moon_spot'"),
        ),
    ):
        for word in (f"{file}:{line_of(project, file, text)}", *words, "Next:"):
            assert word in run.message(name), run.message(name)
    assert {run.outcomes[name] for name in ("licence-fingerprint", "licence-revocations")} == {"passed"}


@pytest.mark.parametrize(
    ("file", "act", "word"),
    [
        (RUNTIME, lambda project: (project.root / RUNTIME).unlink(), "found none"),
        (RUNTIME, in_latin_1(RUNTIME), "UTF-8"),
        (RUNTIME, appended(RUNTIME, "\n  : [\n"), "expected YAML"),
        (RUNTIME, appended(RUNTIME, "\nloop: &loop [*loop]\n"), "contains itself"),
        (CORE, appended(CORE, "\nrisk_profiles: {}\n"), "expected the key once"),
        (CORE, in_utf_16(CORE), "U+0000"),
    ],
    ids=["gone", "latin-1", "torn", "recursive", "twice", "utf-16"],
)
def test_a_file_that_cannot_be_read(project: Project, file: str, act: Callable[[Project], object], word: str) -> None:
    project.deployment(*LINES)
    act(project)
    run = judge(project)
    run.require("NO-GO", 10, file)
    assert word in run.last
    reasons = [run.message(name) for name, outcome in run.outcomes.items() if outcome != "passed"]
    assert all("Next:" in reason for reason in reasons), reasons
    assert not any(str(project.temporary) in reason for reason in reasons), (
        reasons
    )  # a copy that is gone when the message is read
    if file == CORE:
        assert file in run.message("environment-exchange")
        assert run.outcomes["paper-thresholds"] == "passed"
    else:
        assert file in run.message("paper-thresholds")


def test_no_configuration_at_all(project: Project) -> None:
    project.conftest()
    project.deployment(*LINES)
    for file in ("runtime.yaml", "core.yaml", "golive.yaml"):
        (project.root / "config" / file).unlink()
    run = judge(project)
    run.require("NO-GO", 10, RUNTIME)
    assert set(run.outcomes.values()) <= {"not_proven", "failed"}


def test_what_files_lead_to_is_named_before_what_it_leads_to(project: Project) -> None:
    """The bot cannot start with this configuration: the file's line comes first, although the run's stands above."""
    project.deployment("paper-run", "summary-status", "environment-exchange", "paper-thresholds")
    project.edit(CORE, "exchange: kraken_spot #", "exchange: moon_spot #")
    run = project.gate()
    run.require("NO-GO", 10, "environment-exchange: ")
    assert run.verdict["blockers"][0] == "environment-exchange"
    assert run.outcomes["paper-thresholds"] == "passed"
    assert run.outcomes["paper-run"] in {"failed", "not_proven"}
    assert f"{CORE}:{line_of(project, CORE, 'moon_spot')}" in run.last
    assert "Traceback" not in run.out
