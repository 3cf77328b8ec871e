from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_exchange import ScriptedExchange, error, ok

from pytest_kraken_golive.kraken import Arming, LiveOrderRefused, NewOrder

PAIR = {
    "altname": "XBTUSD",
    "base": "XXBT",
    "quote": "ZUSD",
    "pair_decimals": 1,
    "cost_decimals": 5,
    "lot_decimals": 8,
}
PLACED = ok({"txid": ["OUF4EM-FRGI2-MQMWZD"], "descr": {"order": "x"}})
CHECKED = ok({"descr": {"order": "x"}})
CAP = Arming(max_notional_usd=Decimal("50"))


def limit(volume: str, price: str, pair: str = "XBTUSD") -> NewOrder:
    return NewOrder(pair=pair, side="buy", ordertype="limit", volume=Decimal(volume), price=Decimal(price))


def market(volume: str, reference: str | None = None) -> NewOrder:
    price = None if reference is None else Decimal(reference)
    return NewOrder(pair="XBTUSD", side="sell", ordertype="market", volume=Decimal(volume), reference_price=price)


def refused(order: NewOrder, exchange: ScriptedExchange, **options: Any) -> str:
    with exchange.client(use_sandbox=False, **options) as client, pytest.raises(LiveOrderRefused) as caught:
        client.place_order(order)
    assert "AddOrder" not in [asked.path.rpartition("/")[2] for asked in exchange.asked]
    return str(caught.value)


def test_an_unarmed_order_does_not_leave() -> None:
    exchange = ScriptedExchange(PLACED)
    assert "not armed" in refused(limit("0.0001", "100"), exchange)
    assert not exchange.asked


def test_an_unarmed_order_may_be_checked() -> None:
    exchange = ScriptedExchange(CHECKED)
    with exchange.client(use_sandbox=False) as client:
        assert client.place_order(limit("9", "100000"), validate=True).validated_only
    assert exchange.asked[0].fields["validate"] == "true"


def test_in_sandbox_mode_orders_leave() -> None:
    exchange = ScriptedExchange(PLACED)
    with exchange.client() as client:
        assert client.place_order(market("9")).txid


def test_an_armed_order_within_the_cap_leaves() -> None:
    exchange = ScriptedExchange(ok({"XXBTZUSD": PAIR}), PLACED)
    with exchange.client(use_sandbox=False, arming=CAP) as client:
        for order in (limit("0.5", "100"), market("0.5", "100")):
            assert client.place_order(order).txid
    names = [asked.path.rpartition("/")[2] for asked in exchange.asked]
    assert names == ["AssetPairs", "AddOrder", "AddOrder"], "the quote asset is asked for once"
    assert "reference_price" not in exchange.asked[-1].fields


@pytest.mark.parametrize(
    "order",
    [
        limit("0.5", "100.00000001"),
        limit("0.500000000000000000000000000000000000000000001", "100"),
        market("0.5", "100.1"),
        limit("1E+9", "1E-5"),
    ],
)
def test_an_armed_order_above_the_cap_does_not_leave(order: NewOrder) -> None:
    assert "above the cap of 50 USD" in refused(order, ScriptedExchange(ok({"XXBTZUSD": PAIR}), PLACED), arming=CAP)


@settings(deadline=None)
@given(
    volume=st.decimals("0.00000001", "1000", places=8),
    price=st.decimals("0.1", "100000", places=1),
    cap=st.decimals("0.01", "1000", places=2),
)
def test_what_leaves_is_within_the_cap(volume: Decimal, price: Decimal, cap: Decimal) -> None:
    exchange = ScriptedExchange(ok({"XXBTZUSD": PAIR}), PLACED)
    order = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=volume, price=price)
    with exchange.client(use_sandbox=False, arming=Arming(max_notional_usd=cap)) as client:
        try:
            client.place_order(order)
        except LiveOrderRefused:
            assert volume * price > cap
            assert len(exchange.asked) == 1
        else:
            assert volume * price <= cap


def test_a_market_order_without_a_known_price_does_not_leave() -> None:
    exchange = ScriptedExchange(PLACED)
    assert "no known price" in refused(market("0.00001"), exchange, arming=CAP)
    assert not exchange.asked


@pytest.mark.parametrize("quote", ["ZEUR", "USDT", "XXBT", "PYUSD", "ZUSDX"])
def test_a_notional_in_another_currency_is_not_known(quote: str) -> None:
    exchange = ScriptedExchange(ok({"X": {**PAIR, "quote": quote}}), PLACED)
    assert f"quote asset: {quote}" in refused(limit("0.0001", "1", pair="XBTUSD"), exchange, arming=CAP)


def test_an_unknown_pair_does_not_leave() -> None:
    exchange = ScriptedExchange(error("EQuery:Unknown asset pair"))
    assert "quote asset: unknown" in refused(limit("0.0001", "1", pair="NOPE"), exchange, arming=CAP)
    exchange = ScriptedExchange(ok({"A": PAIR, "B": {**PAIR, "quote": "ZEUR"}}), PLACED)
    assert "quote asset: unknown" in refused(limit("0.0001", "1", pair="A,B"), exchange, arming=CAP)


@pytest.mark.parametrize("cap", [Decimal(0), Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_a_cap_is_a_positive_number(cap: Decimal) -> None:
    with pytest.raises(ValueError, match="max_notional_usd"):
        Arming(max_notional_usd=cap)


def test_a_cap_is_a_decimal() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        Arming(max_notional_usd=50.0)  # type: ignore[arg-type]  # the wrong type is the test


@pytest.mark.parametrize(
    "change",
    [
        {"volume": Decimal(0)},
        {"volume": Decimal("NaN")},
        {"volume": Decimal(-1)},
        {"price": None},
        {"price": Decimal("Infinity")},
        {"ordertype": "market"},
        {"ordertype": "stop-loss"},
        {"side": "BUY"},
        {"pair": " "},
        {"post_only": True, "time_in_force": "IOC"},
        {"time_in_force": "GTD"},
        {"deadline_s": 1.9},
        {"deadline_s": 60.1},
        {"deadline_s": float("nan")},
        {"cl_ord_id": ""},
        {"cl_ord_id": "a" * 19},
        {"cl_ord_id": "a b"},
        {"cl_ord_id": "ü"},
        {"cl_ord_id": "6d1b345e-2821-40e2-ad83-4ecb18a0687"},
    ],
)
def test_an_order_that_cannot_be_meant_is_not_made(change: dict[str, Any]) -> None:
    good = {"pair": "XBTUSD", "side": "buy", "ordertype": "limit", "volume": Decimal(1), "price": Decimal(1)}
    with pytest.raises(ValueError, match=r"expected|only|price"):
        NewOrder(**{**good, **change})


def test_amounts_are_decimals() -> None:
    with pytest.raises(TypeError, match="volume: expected a Decimal, found float"):
        NewOrder(pair="XBTUSD", side="buy", ordertype="market", volume=0.1)  # type: ignore[arg-type]  # the test


@pytest.mark.parametrize(
    ("written", "sent"), [("0.00005", "0.00005"), ("5E-8", "0.00000005"), ("1E+2", "100"), ("1.10", "1.10")]
)
def test_amounts_are_sent_without_exponent(written: str, sent: str) -> None:
    assert limit(written, written).fields("x", 1.0, validate=False)["volume"] == sent
