from __future__ import annotations

import base64
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox_user import User, Venue, account

from pytest_kraken_golive.sandbox import Lockout, new_credentials
from pytest_kraken_golive.sandbox.accounts import Nonces
from pytest_kraken_golive.sandbox.routes import PRIVATE_ENDPOINTS
from pytest_kraken_golive.sandbox.settings import PERMISSIONS
from pytest_kraken_golive.sandbox.wire import Call


def test_an_unknown_or_missing_key_is_refused() -> None:
    venue = Venue()
    stranger, _ = new_credentials()
    assert venue.private("Balance", api_key=stranger.get_secret_value())["error"] == ["EAPI:Invalid key"]
    assert venue.private("Balance", api_key="")["error"] == ["EAPI:Invalid key"]


@pytest.mark.parametrize("as_json", [False, True])
def test_form_and_json_bodies_are_accepted_and_any_altered_byte_is_not(as_json: bool) -> None:
    venue = Venue()
    assert venue.private("Balance", {"x": "+ %é"}, as_json=as_json)["error"] == []
    call = venue.users["trader"].call("Balance", as_json=as_json)
    altered = call.body.replace(b"nonce", b"nonc3")
    answer = venue.private("Balance", as_json=as_json, body=altered)
    assert answer["error"] == ["EAPI:Invalid signature"]


def test_one_wrong_byte_of_the_secret_is_refused() -> None:
    venue = Venue()
    secret = bytearray(base64.b64decode(venue.users["trader"].secret))
    secret[17] ^= 1
    answer = venue.private("Balance", secret=base64.b64encode(secret).decode())
    assert answer == {"error": ["EAPI:Invalid signature"]}


def test_checks_come_in_order_key_signature_nonce_permission() -> None:
    venue = Venue(accounts=[account(permissions=["query-ledger"])])
    bad: dict[str, Any] = {"api_sign": "AAAA", "nonce": "1"}
    assert venue.private("Balance", **bad, api_key="x")["error"] == ["EAPI:Invalid key"]
    assert venue.private("Balance", **bad)["error"] == ["EAPI:Invalid signature"]
    assert venue.private("Balance", nonce="0")["error"] == ["EAPI:Invalid nonce"]
    assert venue.private("Balance")["error"] == ["EGeneral:Permission denied"]


def test_a_nonce_is_used_up_by_a_refused_request_too() -> None:
    venue = Venue(accounts=[account(permissions=[])])
    assert venue.private("Balance", nonce="5000")["error"] == ["EGeneral:Permission denied"]
    assert venue.private("Balance", nonce="5000")["error"] == ["EAPI:Invalid nonce"]
    assert venue.private("Balance", nonce="5001")["error"] == ["EGeneral:Permission denied"]


@pytest.mark.parametrize("nonce", ["0", "-5", "+5", "1.5", "1e9", " 7", "٣", "", "x", str(2**64), "9" * 30])
def test_what_is_no_unsigned_64_bit_number_is_no_nonce(nonce: str) -> None:
    assert Nonces(0).take(nonce) is False


def test_the_largest_nonce_is_accepted_and_then_nothing_is() -> None:
    nonces = Nonces(0)
    assert nonces.take(str(2**64 - 1))
    assert not nonces.take(str(2**64 - 1))
    assert not nonces.take("5")


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(0, 15))
def test_nonces_against_their_rule(tried: list[int], window: int) -> None:
    nonces, highest, used = Nonces(window), 0, set()
    for nonce in tried:
        fresh = nonce not in used
        expected = nonce > highest or (nonce > highest - window and fresh)
        assert nonces.take(str(nonce)) is expected
        if expected:
            used.add(nonce)
            highest = max(highest, nonce)


def test_widening_the_window_lets_no_used_nonce_back_in() -> None:
    venue = Venue()
    for nonce in (2000, 2001, 2002):
        assert venue.private("Balance", nonce=nonce)["error"] == []
    venue.exchange.alter_account("trader", nonce_window=100)
    assert venue.private("Balance", nonce=2001)["error"] == ["EAPI:Invalid nonce"]
    assert venue.private("Balance", nonce=2010)["error"] == []
    assert venue.private("Balance", nonce=2005)["error"] == []
    assert venue.private("Balance", nonce=2005)["error"] == ["EAPI:Invalid nonce"]


PERMISSION_TABLE = {
    "Balance": [{"query-funds"}],
    "BalanceEx": [{"query-funds"}],
    "CreditLines": [{"query-funds"}],
    "TradeVolume": [{"query-funds"}],
    "TradeBalance": [{"query-funds"}, {"query-open-trades"}],
    "OpenOrders": [{"query-open-trades"}],
    "ClosedOrders": [{"query-closed-trades"}],
    "TradesHistory": [{"query-closed-trades"}],
    "QueryTrades": [{"query-closed-trades"}],
    "QueryOrders": [{"query-open-trades"}, {"query-closed-trades"}],
    "OrderAmends": [{"query-open-trades"}, {"query-closed-trades"}],
    "OpenPositions": [{"query-open-trades"}],
    "Ledgers": [{"query-ledger"}],
    "QueryLedgers": [{"query-ledger"}],
    "AddOrder": [{"modify-trades"}],
    "AddOrderBatch": [{"modify-trades", "close-trades"}],
    "EditOrder": [{"modify-trades", "close-trades"}],
    "AmendOrder": [{"modify-trades"}, {"close-trades"}],
    "CancelOrderBatch": [{"modify-trades"}, {"close-trades"}],
    "CancelOrder": [{"modify-trades"}, {"close-trades"}],
    "CancelAll": [{"modify-trades"}, {"close-trades"}],
    "CancelAllOrdersAfter": [{"modify-trades"}, {"close-trades"}],
    "GetWebSocketsToken": [{"create-ws-token"}],
}


@pytest.mark.parametrize("endpoint", sorted(PERMISSION_TABLE))
def test_each_right_opens_exactly_its_endpoints(endpoint: str) -> None:
    venue = Venue(limits=False)
    for right in PERMISSIONS:
        venue.exchange.alter_account("trader", permissions=[right])
        denied = venue.errors(endpoint) == ["EGeneral:Permission denied"]
        assert denied is ({right} not in PERMISSION_TABLE[endpoint]), right
    for rights in PERMISSION_TABLE[endpoint]:
        venue.exchange.alter_account("trader", permissions=list(rights))
        assert venue.errors(endpoint) != ["EGeneral:Permission denied"]


def test_the_table_of_rights_is_complete() -> None:
    assert set(PRIVATE_ENDPOINTS) == set(PERMISSION_TABLE) | {"GetApiKeyInfo"}


def test_query_orders_asks_for_the_right_of_the_orders_state() -> None:
    venue = Venue()
    resting, taken = venue.add(), venue.add(ordertype="market")
    for right, visible, hidden in (
        ("query-open-trades", resting, taken),
        ("query-closed-trades", taken, resting),
    ):
        venue.exchange.alter_account("trader", permissions=[right])
        assert list(venue.result("QueryOrders", {"txid": visible})) == [visible]
        assert venue.errors("QueryOrders", {"txid": hidden}) == ["EGeneral:Permission denied"]


def test_one_account_never_sees_or_ends_anothers_orders() -> None:
    venue = Venue(accounts=[account(), account("other")])
    txid = venue.add(cl_ord_id="mine-1")
    assert venue.errors("QueryOrders", {"txid": txid}, "other") == ["EOrder:Unknown order"]
    assert venue.errors("CancelOrder", {"txid": txid}, "other") == ["EOrder:Unknown order"]
    assert venue.errors("CancelOrder", {"cl_ord_id": "mine-1"}, "other") == ["EOrder:Unknown order"]
    assert venue.result("CancelAll", user="other") == {"count": 0}
    assert venue.order(txid)["status"] == "open"


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "HEAD"])
def test_private_endpoints_are_posts(verb: str) -> None:
    assert Venue().private("Balance", verb=verb)["error"] == ["EGeneral:Unknown method"]


@pytest.mark.parametrize(
    "path", ["/0/private/Withdraw", "/0/private/AddExport", "/0/private/", "/0/public/Nope", "/1/public/Time", "/"]
)
def test_what_is_not_there_is_an_unknown_method(path: str) -> None:
    for verb in ("GET", "POST"):
        assert Venue().send(Call(verb, path))["error"] == ["EGeneral:Unknown method"]


def test_public_endpoints_are_gets() -> None:
    assert Venue().send(Call("POST", "/0/public/Time"))["error"] == ["EGeneral:Unknown method"]


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b'{"nonce": NaN}', b"\xff", b"[" * 100_000])
def test_a_broken_json_body_is_a_bad_request(body: bytes) -> None:
    answer = Venue().private("Balance", body=body, content_type="application/json")
    assert answer["error"] == ["EAPI:Bad request"]


def test_an_ended_key_an_otp_and_a_foreign_address() -> None:
    venue = Venue(accounts=[account(valid_until_s=int(Venue().clock.time()) + 60, ip_allowlist=["10.0.0.0/8"])])
    assert venue.private("Balance", peer="10.1.2.3")["error"] == []
    assert venue.private("Balance", peer="127.0.0.1")["error"] == ["EGeneral:Permission denied"]
    assert venue.private("Balance", {"otp": "123456"}, peer="10.1.2.3")["error"] == ["EAPI:Invalid key"]
    venue.clock.advance(60)
    assert venue.private("Balance", peer="10.1.2.3")["error"] == ["EAPI:Invalid key"]


def test_key_info_tells_about_the_key_that_asks() -> None:
    venue = Venue(accounts=[account(permissions=["query-funds", "modify-trades"], nonce_window=10)])
    info = venue.result("GetApiKeyInfo")
    user: User = venue.users["trader"]
    assert info["apiKey"] == user.key
    assert info["permissions"] == ["query-funds", "modify-trades"]
    assert info["nonceWindow"] == 10
    assert info["nonce"] == str(user.nonce)
    assert info["validUntil"] == "0"
    assert user.secret not in str(info)


def test_bad_logins_lock_an_address_out_and_each_try_starts_anew() -> None:
    venue = Venue(lockout=Lockout(failures=3, within_s=60, duration_s=900))
    for _ in range(3):
        assert venue.private("Balance", api_sign="x")["error"] == ["EAPI:Invalid signature"]
    assert venue.errors("Balance") == ["EGeneral:Temporary lockout"]
    venue.clock.advance(899)
    assert venue.errors("Balance") == ["EGeneral:Temporary lockout"]
    venue.clock.advance(899)
    assert venue.errors("Balance") == ["EGeneral:Temporary lockout"]
    assert venue.private("Balance", peer="10.0.0.1")["error"] == []
    venue.clock.advance(900)
    assert venue.errors("Balance") == []


def test_failures_that_lie_apart_lock_nobody_out() -> None:
    venue = Venue(lockout=Lockout(failures=2, within_s=10))
    for _ in range(5):
        venue.private("Balance", api_sign="x")
        venue.clock.advance(10)
    assert venue.errors("Balance") == []


def test_credentials_have_krakens_shape_and_never_repeat() -> None:
    made = [new_credentials() for _ in range(20)]
    for key, secret in made:
        assert len(key.get_secret_value()) == 56
        assert len(base64.b64decode(secret.get_secret_value(), validate=True)) == 64
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in pairwise(made))
