"""The runbook is the test suite: a pytest gate that decides whether a Kraken trading bot may go live."""

from __future__ import annotations

from pytest_kraken_golive.contract import Break, Check, Evidence, Fault, Found, NotProven, Where, check, sabotage

__all__ = ["Break", "Check", "Evidence", "Fault", "Found", "NotProven", "Where", "check", "sabotage"]
