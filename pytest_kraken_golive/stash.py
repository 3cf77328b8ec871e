"""Where the plugin keeps its state: typed stash keys on pytest's config, no globals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_kraken_golive.gate.guards import EnvironmentSnapshot
    from pytest_kraken_golive.gate.ledger import Ledger
    from pytest_kraken_golive.gate.people import People
    from pytest_kraken_golive.gate.plan import Plan
    from pytest_kraken_golive.gate.session import Gate
    from pytest_kraken_golive.gate.tapes import Tapes
    from pytest_kraken_golive.gate.worlds import Worlds
    from pytest_kraken_golive.reporting.allure.folder import AllureFolder
    from pytest_kraken_golive.reporting.verdict_file import VerdictFile

VERDICT_FILE: pytest.StashKey[VerdictFile] = pytest.StashKey()
"""The file that says NO-GO from the first moment."""

LAST_RUN: pytest.StashKey[Mapping[str, float]] = pytest.StashKey()
"""Seconds that each line took in the run before this one, by id."""

GATE: pytest.StashKey[Gate] = pytest.StashKey()
"""The run's verdict in the making; only in the process that was started by the user."""

PLAN: pytest.StashKey[Plan] = pytest.StashKey()
"""The runbooks' lines and what each is bound to."""

WORLDS: pytest.StashKey[Worlds] = pytest.StashKey()
"""The deployments and exchanges that the fixtures show."""

TAPES: pytest.StashKey[Tapes] = pytest.StashKey()
"""The recordings that this run makes or plays; only with `--kraken=record` and `--kraken=replay`."""

LEDGER: pytest.StashKey[Ledger] = pytest.StashKey()
"""What this process has seen of its own lines; the verdict's is the gate's."""

ENVIRONMENT: pytest.StashKey[EnvironmentSnapshot] = pytest.StashKey()
"""The process environment as it was before any conftest ran."""

QUIET: pytest.StashKey[list[str]] = pytest.StashKey()
"""Node ids of the lines of this process that measure; see `gate.quiet_tail`."""

ALLURE: pytest.StashKey[AllureFolder] = pytest.StashKey()
"""Where the run's results for Allure go; only in the process that was started by the user, and not without Allure."""

PEOPLE: pytest.StashKey[People] = pytest.StashKey()
"""Who may sign lines, and what they sign; from the first line on that asks for a signature."""

CANARY: pytest.StashKey[str] = pytest.StashKey()
"""How the canary came out in this process; see `gate.canary`."""
