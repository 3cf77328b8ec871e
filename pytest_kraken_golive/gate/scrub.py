"""Mask secrets in pytest's own reports, before terminal, junit, Allure or another process sees them."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_kraken_golive.redact import Redactor


def scrub(report: pytest.TestReport, redactor: Redactor) -> None:
    """Mask known secrets in a report's trace-back, sections and properties, in place."""
    if report.longrepr is None and not report.sections and not report.user_properties:
        return
    report.sections = [(redactor.text(name), redactor.text(text)) for name, text in report.sections]
    if report.user_properties:
        report.user_properties = [(name, redactor.data(value)) for name, value in report.user_properties]
    if isinstance(report.longrepr, str):
        report.longrepr = redactor.text(report.longrepr)
    elif isinstance(report.longrepr, tuple):
        path, line, reason = report.longrepr
        report.longrepr = (path, line, redactor.text(reason))
    elif report.longrepr is not None:
        scrub_tree(report.longrepr, redactor)


def scrub_tree(part: Any, redactor: Redactor) -> None:
    """Mask known secrets in all texts that an object and the objects and lists below it hold, in place."""
    _walk(part, redactor, set())


def _walk(part: Any, redactor: Redactor, seen: set[int]) -> None:
    """Pytest's trace-backs are trees of small objects with texts at the leaves."""
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, list):
        for place, item in enumerate(part):
            if isinstance(item, str):
                part[place] = redactor.text(item)
            else:
                part[place] = _tuple(item, redactor) if isinstance(item, tuple) else item
                _walk(part[place], redactor, seen)
        return
    for name, value in list(getattr(part, "__dict__", {}).items()):
        if isinstance(value, str):
            setattr(part, name, redactor.text(value))
        elif isinstance(value, tuple):
            setattr(part, name, _tuple(value, redactor))
        elif not isinstance(value, (int, float, bool, type(None))):
            _walk(value, redactor, seen)


def _tuple(value: tuple[Any, ...], redactor: Redactor) -> tuple[Any, ...]:
    for item in value:
        _walk(item, redactor, set())
    return tuple(redactor.text(item) if isinstance(item, str) else item for item in value)
