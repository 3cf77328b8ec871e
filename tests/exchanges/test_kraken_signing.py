"""Private requests are signed as Kraken demands it: proven by published vectors and by an exchange that verifies.

The runbook's line `signing-test` runs this file's one test. The fixtures come with pytest-kraken-golive.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import pytest

from pytest_kraken_golive.kraken import KrakenClient, PermanentError, Unlimited, decode_secret, sign


class Vector(NamedTuple):
    """A request whose signature is public knowledge."""

    origin: str
    secret: str
    path: str
    nonce: str
    body: str
    signature: str


PUBLISHED = (
    Vector(
        origin="docs.kraken.com, guide to authentication",
        secret="kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==",
        path="/0/private/AddOrder",
        nonce="1616492376594",
        body="nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
        signature="4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
    ),
    Vector(
        origin="python-kraken-sdk, its unit tests",
        secret="cHl0aG9uLWtyYWtlbi1zZGsgdW5pdC10ZXN0IHNlY3JldCB2YWx1ZQ==",
        path="/0/private/AddOrder",
        nonce="1616492376594",
        body="nonce=1616492376594&ordertype=limit&pair=XBTUSD",
        signature="Fo+0Uhanvs3F1byZFCjVBMLsCcRE2xLQMDpoA3Q9hawoZ0ZL35AmbknAQBlOIs4baRx9UGhzQH+/CTl9qnyp1w==",
    ),
)


def test_spot_private_request_signature(kraken_client: Any, kraken_sandbox: Any) -> None:
    """Our signatures are the published ones, and an exchange with code of its own takes them and no others."""
    for vector in PUBLISHED:
        found = sign(vector.path, vector.nonce, vector.body.encode(), decode_secret(vector.secret))
        assert found == vector.signature, f"{vector.origin}: expected {vector.signature}, found {found}"

    assert kraken_client.get_account_balance(), "the exchange must accept a signed request and name a balance"

    api_key, api_secret = kraken_sandbox.credentials
    before = kraken_sandbox.books()["requests"]["signed_ok"]
    with connect(kraken_sandbox, api_key, api_secret) as client:
        client.api_key_info()
        client.open_orders(trades=True)
    assert kraken_sandbox.books()["requests"]["signed_ok"] == before + 2

    secret = decode_secret(api_secret)
    for position in (0, len(secret) // 2, len(secret) - 1):
        altered = bytes(byte ^ (index == position) for index, byte in enumerate(secret))
        with connect(kraken_sandbox, api_key, base64.b64encode(altered).decode()) as client:
            with pytest.raises(PermanentError) as refused:
                client.get_account_balance()
            assert refused.value.errors == ("EAPI:Invalid signature",)
    assert kraken_sandbox.books()["requests"]["signed_ok"] == before + 2


def connect(sandbox: Any, api_key: Any, api_secret: Any) -> KrakenClient:
    """A client of the sandbox with these credentials, whatever the environment says."""
    return KrakenClient(
        api_key, api_secret, base_url=sandbox.url, use_sandbox=True, environ={}, limits=Unlimited(), timeout_s=5.0
    )
