"""`reports/signoff.html`: the page that a person signs and an auditor reads, made from the verdict document alone."""

from pytest_kraken_golive.reporting.signoff.render import render, root_seen_from, write

__all__ = ["render", "root_seen_from", "write"]
