"""Ways in which a test suite looks green and is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_kraken_golive.contract import Break, sabotage


def _file(params: Mapping[str, Any]) -> str:
    return str(params["node"]).partition("::")[0]


@sabotage("no such test file")
def file_gone(copy: Any) -> None:
    """There is nothing to run."""
    copy.take_from_project("conftest.py", "")


@sabotage("no test ran")
def nothing_collected(copy: Any, params: Mapping[str, Any]) -> None:
    """A file without tests ends well in many runners."""
    copy.take_from_project(_file(params), '"""Nothing here."""\n')


@sabotage("skipped")
def all_skipped(copy: Any, params: Mapping[str, Any]) -> None:
    """A skipped test is green in most reports."""
    copy.take_from_project(_file(params))
    copy.take_from_project("conftest.py", _AUTOUSE.format(body='pytest.skip("no network")'))


@sabotage("failed")
def a_test_fails(copy: Any, params: Mapping[str, Any]) -> None:
    """One of them is red."""
    copy.take_from_project(_file(params))
    copy.take_from_project("conftest.py", _FAILING)


@sabotage("XPASS")
def passes_as_expected_failure(copy: Any, params: Mapping[str, Any]) -> None:
    """Marked as expected to fail, and passing: green in a lenient runner."""
    copy.take_from_project(_file(params))
    copy.take_from_project("conftest.py", _XFAIL)


@sabotage("failed")
def client_with_another_secret(copy: Any, params: Mapping[str, Any]) -> None:
    """A client that signs with another secret than the account's."""
    copy.take_from_project(_file(params))
    copy.take_from_project("conftest.py", _CLIENT)


_AUTOUSE = """import pytest

@pytest.fixture(autouse=True)
def altered():
    {body}
"""

_FAILING = """import pytest

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    result = yield
    raise AssertionError("sabotaged")
"""

_XFAIL = """import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail)
"""

_CLIENT = """import pytest
from pytest_kraken_golive.kraken.client import KrakenClient

@pytest.fixture
def kraken_client(kraken_sandbox, kraken_environment):
    key, _ = kraken_sandbox.credentials
    secret = "A" * 86 + "=="
    with KrakenClient(key, secret, environ=kraken_environment) as client:
        yield client
"""

SUITE_BREAKS: list[Break] = [file_gone, nothing_collected, all_skipped, a_test_fails, passes_as_expected_failure]
SIGNING_BREAKS: list[Break] = [*SUITE_BREAKS, client_with_another_secret]
SMOKE_BREAKS: list[Break] = [*SUITE_BREAKS, client_with_another_secret]
