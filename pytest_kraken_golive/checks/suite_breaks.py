"""Ways in which a test suite looks green and is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_kraken_golive.contract import Break, sabotage


def _write(copy: Any, params: Mapping[str, Any], text: str) -> None:
    """Put other tests in the place of the line's own; `NAME` becomes the name of the test that the line names."""
    file, _, name = str(params["node"]).partition("::")
    copy.take_from_project(file, text.replace("NAME", name or "test_all"))


def _keep(copy: Any, params: Mapping[str, Any], conftest: str) -> None:
    """Keep the line's own tests, and put a conftest beside them."""
    copy.take_from_project(str(params["node"]).partition("::")[0])
    copy.take_from_project("conftest.py", conftest)


@sabotage("no such test file")
def file_gone(copy: Any) -> None:
    """There is nothing to run."""
    copy.take_from_project("conftest.py", "")


@sabotage("no test ran")
def nothing_collected(copy: Any, params: Mapping[str, Any]) -> None:
    """A file without tests ends well in many runners."""
    _write(copy, params, '"""Nothing here."""\n')


@sabotage("without a single call")
def trivial_test(copy: Any, params: Mapping[str, Any]) -> None:
    """A test that looks at nothing passes."""
    _write(copy, params, "def NAME():\n    pass\n")


@sabotage("without a single call")
def mocks_only(copy: Any, params: Mapping[str, Any]) -> None:
    """The tests play the exchange themselves, and it says whatever they want to hear."""
    _write(copy, params, _MOCK)


@sabotage("never saw: a wrong signature")
def refusal_on_order(copy: Any, params: Mapping[str, Any]) -> None:
    """The refusal that the test sees is one that it ordered: no signature was wrong."""
    _write(copy, params, _REFUSAL_ON_ORDER)


@sabotage("never saw: a read that fails and is then answered")
def trouble_without_retry(copy: Any, params: Mapping[str, Any]) -> None:
    """One test sees a read fail, and another sees one succeed: nobody tried again."""
    _write(copy, params, _NO_RETRY)


@sabotage("tests did not run: ")
def one_left_out(copy: Any, params: Mapping[str, Any]) -> None:
    """A hook takes a test out, and tells nobody."""
    _keep(copy, params, "def pytest_collection_modifyitems(items):\n    del items[-1]\n")


@sabotage("skipped")
def all_skipped(copy: Any, params: Mapping[str, Any]) -> None:
    """A skipped test is green in most reports."""
    _keep(copy, params, _SKIPPING)


@sabotage("failed")
def a_test_fails(copy: Any, params: Mapping[str, Any]) -> None:
    """They are red."""
    _keep(copy, params, _FAILING)


@sabotage("run again")
def tried_until_it_passes(copy: Any, params: Mapping[str, Any]) -> None:
    """A plugin calls a test again when it fails, and reports the last call."""
    _keep(copy, params, _AGAIN)


@sabotage("XPASS")
def passes_as_expected_failure(copy: Any, params: Mapping[str, Any]) -> None:
    """Marked as expected to fail, and passing: green in a lenient runner."""
    _keep(copy, params, _XFAIL)


@sabotage("failed")
def client_with_another_secret(copy: Any, params: Mapping[str, Any]) -> None:
    """A client that signs with another secret than the account's."""
    _keep(copy, params, _CLIENT)


@sabotage("a test that must fail")
def failures_swallowed(copy: Any, params: Mapping[str, Any]) -> None:
    """A conftest that no line sees lets every test pass."""
    file = str(params["node"]).partition("::")[0]
    copy.take_from_project(file)
    copy.take_from_project(f"{file.rpartition('/')[0]}/conftest.py", _SWALLOWING)


@sabotage("so the test says nothing about it")
def tests_of_the_reference(copy: Any, params: Mapping[str, Any]) -> None:
    """The project has a client of its own, and its tests, one comment richer, make reference clients."""
    file = str(params["node"]).partition("::")[0]
    copy.take_from_project(file)
    text = (copy.root.parent / "project" / file).read_text(encoding="utf-8")
    copy.take_from_project(file, f"{text}# ours\n")
    copy.take_from_project("conftest.py", _OWN_CLIENT)


@sabotage("a read that is answered with HTTP 502 is tried again and returns")
def read_again_by_hand(copy: Any, params: Mapping[str, Any]) -> None:
    """The tests expect the trouble, and read a second time: the client tries nothing again."""
    _write(copy, params, _BY_HAND)
    copy.take_from_project("conftest.py", _OWN_CLIENT)


_SKIPPING = """import pytest

@pytest.fixture(autouse=True)
def altered():
    pytest.skip("no network")
"""

_FAILING = """import pytest

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    result = yield
    raise AssertionError("sabotaged")
"""

_AGAIN = """import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    try:
        return (yield)
    finally:
        item.runtest()
"""

_XFAIL = """import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail(strict=False))
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

_MOCK = """import httpx

def NAME():
    says = {"error": ["EAPI:Invalid signature"]}
    exchange = httpx.MockTransport(lambda request: httpx.Response(200, json=says))
    with httpx.Client(transport=exchange, trust_env=False) as client:
        assert client.post("https://example.invalid/0/private/Balance").json() == says
"""

_REFUSAL_ON_ORDER = """import pytest

def NAME(kraken_client, kraken_sandbox):
    assert kraken_client.get_account_balance()
    kraken_sandbox.fault("error", "Balance", error="EAPI:Invalid signature")
    with pytest.raises(Exception, match="Invalid signature"):
        kraken_client.get_account_balance()
"""

_NO_RETRY = """import pytest
from pytest_kraken_golive.kraken import KrakenClient, RetryPolicy

def read(sandbox, environ, secret=None):
    key, right = sandbox.credentials
    with KrakenClient(key, secret or right, environ=environ, retry=RetryPolicy(attempts=1)) as client:
        return client.get_account_balance()

@pytest.mark.parametrize("fault", [{"kind": "http"}, {"kind": "error", "error": "EAPI:Rate limit exceeded"}])
def test_trouble(kraken_sandbox, kraken_environment, fault):
    kraken_sandbox.fault(endpoint="Balance", **fault)
    with pytest.raises(Exception):
        read(kraken_sandbox, kraken_environment)

def test_wrong_signature(kraken_sandbox, kraken_environment):
    with pytest.raises(Exception, match="Invalid signature"):
        read(kraken_sandbox, kraken_environment, "AAAA")

def test_no_trouble(kraken_sandbox, kraken_environment):
    assert read(kraken_sandbox, kraken_environment)
"""

_SWALLOWING = """import pytest

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    try:
        yield
    except Exception:
        pass
    return True
"""

_OWN_CLIENT = """import base64, hashlib, hmac, json, time, types, urllib.parse
import httpx, pytest

class OwnClient:
    def __init__(self, base_url, key, secret):
        self.base_url, self.key, self.secret = base_url, key, secret

    def call(self, name):
        nonce, path = str(time.time_ns()), f"/0/private/{name}"
        body = urllib.parse.urlencode({"nonce": nonce})
        digest = path.encode() + hashlib.sha256((nonce + body).encode()).digest()
        sign = base64.b64encode(hmac.digest(base64.b64decode(self.secret), digest, "sha512")).decode()
        headers = {"API-Key": self.key, "API-Sign": sign, "Content-Type": "application/x-www-form-urlencoded"}
        answer = httpx.post(self.base_url + path, content=body, headers=headers, trust_env=False).raise_for_status()
        if answer.json()["error"]:
            raise RuntimeError(answer.json()["error"])
        return answer.json()["result"]

    def api_key_info(self):
        return types.SimpleNamespace(permissions=self.call("GetApiKeyInfo")["permissions"])

    def get_account_balance(self):
        return self.call("Balance")

@pytest.fixture
def kraken_client(kraken_sandbox):
    key, secret = kraken_sandbox.credentials
    return OwnClient(kraken_sandbox.url, key.get_secret_value(), secret.get_secret_value())
"""

_BY_HAND = """import pytest

def NAME(kraken_client, kraken_sandbox):
    for fault in ({"kind": "http", "status": 502}, {"kind": "error", "error": "EAPI:Rate limit exceeded"}):
        kraken_sandbox.fault(endpoint="Balance", **fault)
        with pytest.raises(Exception):
            kraken_client.get_account_balance()
        assert kraken_client.get_account_balance()
    kraken_client.secret = "AAAA"
    with pytest.raises(RuntimeError, match="Invalid signature"):
        kraken_client.get_account_balance()
"""

SIGNING_BREAKS: list[Break] = [
    file_gone,
    trivial_test,
    refusal_on_order,
    all_skipped,
    tests_of_the_reference,
    passes_as_expected_failure,
    client_with_another_secret,
]
SMOKE_BREAKS: list[Break] = [
    nothing_collected,
    mocks_only,
    trouble_without_retry,
    failures_swallowed,
    read_again_by_hand,
    one_left_out,
    a_test_fails,
    tried_until_it_passes,
]
