"""Mask secrets in what pytest tells, before terminal, junit, Allure, a log or another process sees them."""

from __future__ import annotations

import linecache
import logging
import warnings
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_kraken_golive.gate.masked_output import mask_output
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


class Scrubber:
    """Masks what leaves a process on other ways than in a report: warnings, logs, junit's head, output."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self._config = config
        self._redactor = redactor
        logs = config.pluginmanager.get_plugin("logging-plugin")
        for name in ("log_cli_handler", "log_file_handler", "caplog_handler", "report_handler"):
            handler = getattr(logs, name, None)
            if isinstance(handler, logging.Handler) and handler.formatter is not None:
                handler.setFormatter(_Masking(handler.formatter, redactor))
        mask_output(config, redactor)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """Before the terminal keeps it, or a worker hands it over."""
        told = self._redactor.text(str(warning_message.message))
        if told != str(warning_message.message):
            warning_message.message = UserWarning(told)
        line = linecache.getline(warning_message.filename, warning_message.lineno)
        if self._redactor.text(line) != line:
            warning_message.line = self._redactor.text(line)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Before junit's file is written."""
        if (xml := self._config.stash.get(xml_key, None)) is not None:
            xml.global_properties[:] = [
                (self._redactor.text(name), self._redactor.text(value)) for name, value in xml.global_properties
            ]


class _Masking(logging.Formatter):
    """What another formatter makes of a record, without secrets."""

    def __init__(self, formatter: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._formatter = formatter
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        return self._redactor.text(self._formatter.format(record))
