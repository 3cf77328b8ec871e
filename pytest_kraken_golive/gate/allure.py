"""Allure in a gate run: allure-pytest keeps what is told to it, and the results of lines are written by the gate.

allure-pytest writes a result when a test ends, in the process that ran it: what dies with a worker is lost, and what is
decided later is not known yet. So its results of lines are held back. What a check told Allure itself is kept as the
line's part, and `reporting.allure` writes the line's result when the verdict is decided. Results of other tests are
written as they come. All of it is masked before it is written.

Imported only where allure-pytest is present.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from allure_commons import hookimpl, plugin_manager
from allure_commons.logger import AllureFileLogger

from pytest_kraken_golive.deployment.checkout import git
from pytest_kraken_golive.gate.nodes import RunbookLine
from pytest_kraken_golive.gate.proof import ProofLine, UnprovenLine
from pytest_kraken_golive.gate.scrub import scrub_tree
from pytest_kraken_golive.reporting.allure.folder import AllureFolder, Run
from pytest_kraken_golive.reporting.allure.forge import Links, repository
from pytest_kraken_golive.reporting.allure.line_result import full_name, identity, uuid_of
from pytest_kraken_golive.stash import ALLURE, GATE, WORLDS

if TYPE_CHECKING:
    from pytest_kraken_golive.redact import Redactor

PYTESTS_LABELS = frozenset({"suite", "parentSuite", "subSuite", "host", "thread", "framework", "language", "package"})
"""Labels that allure-pytest gives to every test."""

LARGEST_TEXT = 20_000_000
"""Bytes of an attached file that is masked; a larger one is only looked through at the end."""


class LineKeeper(AllureFileLogger):
    """Takes the place of allure-pytest's logger for a run."""

    def __init__(self, config: pytest.Config, folder: AllureFolder) -> None:
        super().__init__(folder.path)
        self._config = config
        self._folder = folder
        self._item: pytest.Item | None = None
        self._uuids: dict[str, str] = {}
        """Those that allure-pytest gave to tests that have ended, and those under which their results are written."""
        self._others: set[str] = set()
        """The latter, of tests that are no lines."""

    @property
    def _redactor(self) -> Redactor:
        return self._config.stash[WORLDS].redactor

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Around allure-pytest, which reports a result at the end of it."""
        self._item = item
        try:
            return (yield)
        finally:
            self._item = None

    @hookimpl
    def report_result(self, result: Any) -> None:
        """The result of a test: of a line, what its check told is kept."""
        item = self._item
        if isinstance(item, RunbookLine):
            self._uuids[result.uuid] = _uuid(item)
            if told := _told(result, item):
                scrub_tree(result, self._redactor)
                self._folder.keep(item.planned.id, json.dumps(told, default=_filled, ensure_ascii=False))
            return
        if isinstance(item, (ProofLine, UnprovenLine)):  # of a line, but not its result
            named = full_name(item.planned.runbook.shown, item.name)
            result.parameters = []  # the broken world
            given = result.uuid
            for name, value in identity(named).items():
                setattr(result, name, value)
            self._uuids[given] = result.uuid
        self._others.add(result.uuid)
        scrub_tree(result, self._redactor)
        super().report_result(result)

    @hookimpl
    def report_container(self, container: Any) -> None:
        """What fixtures did: for lines only where they told Allure more than that they ran."""
        item = self._item
        current = _uuid(item) if isinstance(item, RunbookLine) else None
        told = any(fixture.steps or fixture.attachments for fixture in (*container.befores, *container.afters))
        children = [self._uuids.get(uuid) or current or uuid for uuid in container.children]
        is_of_others = not self._others.isdisjoint(children) or (item is not None and current is None)
        if not told and not is_of_others:
            return
        container.children = children
        scrub_tree(container, self._redactor)
        super().report_container(container)

    @hookimpl
    def report_attached_data(self, body: Any, file_name: str) -> None:
        """A text or bytes that a test attached."""
        super().report_attached_data(self._masked(body), file_name)

    @hookimpl
    def report_attached_file(self, source: Any, file_name: str) -> None:
        """A file that a test attached."""
        path = Path(source)
        if path.stat().st_size > LARGEST_TEXT:
            super().report_attached_file(source, file_name)
        else:
            super().report_attached_data(self._masked(path.read_bytes()), file_name)

    @hookimpl
    def report_globals(self, globals_item: Any) -> None:
        """What belongs to the run as a whole."""
        scrub_tree(globals_item, self._redactor)
        super().report_globals(globals_item)

    def _masked(self, body: Any) -> Any:
        if isinstance(body, str):
            return self._redactor.text(body)
        try:
            text = bytes(body).decode()
        except UnicodeDecodeError:  # a picture, say; the sweep looks at it
            return body
        return self._redactor.text(text).encode()


def take_over(config: pytest.Config, unfinished: str, *, is_worker: bool) -> None:
    """Put ourselves in the place of allure-pytest's logger until pytest is done.

    Args:
        config: of a run whose option `--alluredir` is set.
        unfinished: what the results say until they are written.
        is_worker: whether another process writes the results.
    """
    option = config.option
    folder = AllureFolder(Path(option.allure_report_dir).absolute())
    if not is_worker:  # pytest has cleaned already, but not where it only collects
        folder.begin(unfinished, clean=option.collectonly and option.clean_alluredir)
        config.stash[ALLURE] = folder
    (*_, theirs) = (one for _, one in plugin_manager.list_name_plugin() if type(one) is AllureFileLogger)
    keeper = LineKeeper(config, folder)
    plugin_manager.unregister(theirs)
    plugin_manager.register(keeper)
    config.pluginmanager.register(keeper, "golive-allure")

    def give_back() -> None:  # before allure-pytest tidies up what it registered
        plugin_manager.unregister(keeper)
        plugin_manager.register(theirs)

    config.add_cleanup(give_back)


def write_results(config: pytest.Config, document: dict[str, Any]) -> bool:
    """Write the results of a decided run; what cannot be written speaks against it. Whether all is written."""
    folder, gate = config.stash[ALLURE], config.stash[GATE]
    root = gate.options.rootdir
    page = repository(git(root, "config", "--get", "remote.origin.url"), os.environ)
    commit = document["commit"] if document["dirty"] is False else None  # else its lines may stand elsewhere
    links = Links(page, commit, git(root, "rev-parse", "--show-prefix") or "")
    ended_at = {line_id: record.finished_at for line_id, record in gate.ledger.records.items()}
    try:
        folder.write(document, Run(root, config.stash[WORLDS].redactor, links, os.environ, ended_at))
    except OSError as error:
        gate.ledger.trouble(
            f"{error.filename}: Allure's results cannot be written ({error.strerror}). Next: free space or "
            "permissions, or choose another --alluredir"
        )
        return False
    return True


def _uuid(item: RunbookLine) -> str:
    return uuid_of(full_name(item.planned.runbook.shown, item.planned.id))


def _told(result: Any, item: RunbookLine) -> dict[str, Any]:
    """What allure-pytest knows of a line that the verdict does not."""
    found: Mapping[str, Any] = {
        "steps": result.steps,
        "attachments": result.attachments,
        "links": result.links,
        "labels": [one for one in result.labels if one.name not in PYTESTS_LABELS and one.value != "golive"],
        "parameters": [one for one in result.parameters if one.name != "golive_world"],
        "description": None if result.description == item.obj.__doc__ else result.description,
        "trace": result.statusDetails.trace if result.statusDetails is not None else None,
    }
    return {name: value for name, value in found.items() if value}


def _filled(part: Any) -> dict[str, Any]:
    """One of Allure's objects as data, without what is not set."""
    return {name: value for name, value in vars(part).items() if value or value is False}
