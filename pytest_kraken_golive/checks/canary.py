"""The check that must fail; see `gate.canary`. It stands among the checks, so that it is treated as they are."""

from __future__ import annotations

from pytest_kraken_golive.contract import Evidence

OBSERVED, EXPECTED = "a canary", "a canary that sings"


def canary(evidence: Evidence) -> None:
    """Compare two things that differ, as a stock check does."""
    evidence.record("canary", OBSERVED)
    assert OBSERVED == EXPECTED
