"""The runbook is the test suite: a pytest gate that decides whether a Kraken trading bot may go live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_kraken_golive.contract import Break as Break
    from pytest_kraken_golive.contract import Check as Check
    from pytest_kraken_golive.contract import Copy as Copy
    from pytest_kraken_golive.contract import Evidence as Evidence
    from pytest_kraken_golive.contract import Fault as Fault
    from pytest_kraken_golive.contract import Found as Found
    from pytest_kraken_golive.contract import NotProven as NotProven
    from pytest_kraken_golive.contract import Where as Where
    from pytest_kraken_golive.contract import check as check
    from pytest_kraken_golive.contract import sabotage as sabotage

__all__ = ["Break", "Check", "Copy", "Evidence", "Fault", "Found", "NotProven", "Where", "check", "sabotage"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: pytest loads this package at every start, wanted or not."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pytest_kraken_golive import contract  # noqa: PLC0415 - see above

    return getattr(contract, name)
