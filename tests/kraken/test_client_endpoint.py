from __future__ import annotations

import itertools

import pytest

from pytest_kraken_golive.kraken import PRODUCTION_URL, EndpointError, KrakenClient, KrakenError, resolve_endpoint

ONE, OTHER = "http://127.0.0.1:1001", "http://127.0.0.1:1002"
SECRET = "c2VjcmV0"


@pytest.mark.parametrize(
    ("base_url", "variable", "use_sandbox", "flag", "expected"),
    [
        (ONE, OTHER, None, None, (ONE, "sandbox")),
        (ONE, OTHER, False, "true", (ONE, "production")),
        (ONE, None, None, "false", (ONE, "production")),
        (None, OTHER, None, None, (OTHER, "sandbox")),
        (None, OTHER, True, "false", (OTHER, "sandbox")),
        (None, OTHER, False, None, (OTHER, "production")),
        (None, None, False, None, (PRODUCTION_URL, "production")),
        (None, None, False, "true", (PRODUCTION_URL, "production")),
        (None, None, None, "false", (PRODUCTION_URL, "production")),
        (None, None, None, "FALSE", (PRODUCTION_URL, "production")),
        (None, None, None, "0", (PRODUCTION_URL, "production")),
        (PRODUCTION_URL, None, False, None, (PRODUCTION_URL, "production")),
        (None, PRODUCTION_URL + "/", None, "false", (PRODUCTION_URL, "production")),
        ("https://127.0.0.1:8443", None, True, None, ("https://127.0.0.1:8443", "sandbox")),
        ("http://localhost:8910", None, None, None, ("http://localhost:8910", "sandbox")),
        ("http://[::1]:8910", None, None, None, ("http://[::1]:8910", "sandbox")),
        ("HTTP://LOCALHOST:8910", None, None, None, ("http://localhost:8910", "sandbox")),
    ],
)
def test_precedence(
    base_url: str | None,
    variable: str | None,
    use_sandbox: bool | None,
    flag: str | None,
    expected: tuple[str, str],
) -> None:
    environ = {
        name: value
        for name, value in (("KRAKEN_BASE_URL", variable), ("KRAKEN_USE_SANDBOX", flag))
        if value is not None
    }
    endpoint = resolve_endpoint(base_url=base_url, use_sandbox=use_sandbox, environ=environ)
    assert (endpoint.url, endpoint.mode) == expected
    decisive = "base_url" if base_url else "KRAKEN_BASE_URL"
    assert decisive in endpoint.reason
    assert ("use_sandbox" if use_sandbox is not None else "KRAKEN_USE_SANDBOX") in endpoint.reason


@pytest.mark.parametrize("use_sandbox", [None, True])
def test_sandbox_mode_without_a_url_is_an_error_and_never_kraken(use_sandbox: bool | None) -> None:
    with pytest.raises(EndpointError, match="running sandbox"):
        resolve_endpoint(use_sandbox=use_sandbox, environ={})


@pytest.mark.parametrize(
    "flag", ["", " ", " false", "false ", "False\n", "no", "off", "production", "2", "'false'", "f\u0430lse"]
)
@pytest.mark.parametrize("base_url", [None, ONE])
def test_an_unclear_flag_is_an_error_that_quotes_it(flag: str, base_url: str | None) -> None:
    with pytest.raises(EndpointError) as caught:
        resolve_endpoint(base_url=base_url, environ={"KRAKEN_USE_SANDBOX": flag})
    assert f"KRAKEN_USE_SANDBOX: expected true or false, found {flag!r}" in str(caught.value)


@pytest.mark.parametrize("value", ["false", 0, 1, ""])
def test_the_argument_is_a_flag_and_not_something_like_one(value: object) -> None:
    with pytest.raises(EndpointError, match="use_sandbox"):
        resolve_endpoint(use_sandbox=value, environ={})  # type: ignore[arg-type]  # the wrong type is the test


@pytest.mark.parametrize(
    "url",
    [
        PRODUCTION_URL,
        "https://API.kraken.com",
        "https://api.kraken.com:443",
        "https://sandbox.example",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com:80",
        "http://10.0.0.1:8910",
        "http://0.0.0.0:8910",
        "http://127.1:8910",
        "http://2130706433",
        "http://[::]:8910",
        "http://[2001:db8::1]",
    ],
)
def test_sandbox_mode_refuses_what_is_neither_loopback_nor_listed(url: str) -> None:
    for given in ({"base_url": url}, {"environ": {"KRAKEN_BASE_URL": url}}):
        with pytest.raises(EndpointError, match="sandbox mode"):
            resolve_endpoint(**{"environ": {}, **given})  # type: ignore[arg-type]  # mixed keyword types


@pytest.mark.parametrize("host", ["sandbox.example", "api.uat.kraken.com"])
def test_a_listed_host_is_a_sandbox(host: str) -> None:
    endpoint = resolve_endpoint(base_url=f"https://{host}", environ={}, sandbox_hosts=[host.upper()])
    assert endpoint.mode == "sandbox"


@pytest.mark.parametrize("host", ["api.kraken.com", "API.KRAKEN.COM", "api.vip.kraken.com", "kraken.com"])
def test_where_kraken_trades_for_real_is_no_sandbox_whatever_is_listed(host: str) -> None:
    with pytest.raises(EndpointError, match="sandbox mode"):
        resolve_endpoint(base_url=f"https://{host}", environ={}, sandbox_hosts=[host, host.lower()])


@pytest.mark.parametrize(
    "url",
    [
        "",
        " ",
        f" {ONE}",
        f"{ONE} ",
        "127.0.0.1:8910",
        "ftp://127.0.0.1",
        "http://",
        "http://:8910",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:0",
        "http://127.0.0.1:x",
        "http://127.0.0.1@api.kraken.com",
        "http://127.0.0.1\\@api.kraken.com",
        "http://127.0.0.1/0/public",
        "http://127.0.0.1?x=1",
        "http://127.0.0.1?",
        "http://127.0.0.1#x",
        "http://127.0.0.1/\n",
        "http://127.0.0.1\t.example.com",
        "http://höst",
        "http://a_b",
        "https://api.kraken.com./",
        "http://[::1",
    ],
)
@pytest.mark.parametrize("use_sandbox", [True, False])
def test_an_unusable_url_is_an_error_that_names_its_setting(url: str, use_sandbox: bool) -> None:
    with pytest.raises(EndpointError, match="argument base_url"):
        resolve_endpoint(base_url=url, use_sandbox=use_sandbox, environ={})
    with pytest.raises(EndpointError, match="KRAKEN_BASE_URL"):
        resolve_endpoint(use_sandbox=use_sandbox, environ={"KRAKEN_BASE_URL": url})


def test_a_login_in_a_url_is_not_shown() -> None:
    with pytest.raises(EndpointError) as caught:
        resolve_endpoint(base_url="http://canary:canary@127.0.0.1:1", environ={})
    assert "canary" not in str(caught.value)


def test_production_demands_tls_beyond_loopback() -> None:
    with pytest.raises(EndpointError, match="https"):
        resolve_endpoint(base_url="http://api.kraken.com", use_sandbox=False, environ={})


def test_production_is_reached_only_where_somebody_said_so() -> None:
    for base_url, variable, use_sandbox, flag in itertools.product(
        (None, ONE, PRODUCTION_URL), (None, ONE, PRODUCTION_URL), (None, True, False), (None, "true", "false", "", "x")
    ):
        pairs = (("KRAKEN_BASE_URL", variable), ("KRAKEN_USE_SANDBOX", flag))
        environ = {name: value for name, value in pairs if value is not None}
        try:
            endpoint = resolve_endpoint(base_url=base_url, use_sandbox=use_sandbox, environ=environ)
        except EndpointError:
            continue
        said = use_sandbox is False or (use_sandbox is None and flag == "false")
        assert (endpoint.mode == "production") == said
        assert said or endpoint.url == ONE


def test_the_client_shows_its_endpoint() -> None:
    with KrakenClient("key", SECRET, environ={"KRAKEN_BASE_URL": ONE}) as client:
        assert (client.base_url, client.endpoint.mode) == (ONE, "sandbox")
        assert "KRAKEN_BASE_URL" in client.endpoint.reason
    with pytest.raises(KrakenError, match="running sandbox"):
        KrakenClient("key", SECRET, environ={})
