"""The longest test of all goes first, so that no worker is left alone with it at the end.

The test's module names this file in `pytest_plugins`.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.name != "test_checks_notice_their_breaks")
