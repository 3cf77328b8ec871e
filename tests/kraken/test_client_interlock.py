from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_exchange import ScriptedExchange, error, ok

from pytest_kraken_golive.kraken import (
    Amendment,
    Arming,
    ConditionalClose,
    Edit,
    KrakenClient,
    LiveOrderRefused,
    NewOrder,
    Relative,
)
from pytest_kraken_golive.sandbox import SandboxServer, SandboxSettings

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
BOOK = {"bids": [["100", "1", 1], ["99", "9", 1]], "asks": [["101", "0.3", 1], ["110", "9", 1]]}


def exchange_of(quote: str = "ZUSD", book: dict[str, Any] = BOOK, close: str = "") -> ScriptedExchange:
    """Knows one pair, its book, and an open order; places whatever comes."""
    standing = {
        "status": "open",
        "opentm": 1.0,
        "vol": "0.4",
        "vol_exec": "0",
        "cost": "0",
        "fee": "0",
        "price": "0",
        "oflags": "",
        "cl_ord_id": "mine",
        "descr": {
            "pair": "XBTUSD",
            "type": "buy",
            "ordertype": "limit",
            "price": "100",
            "price2": "0",
            "order": "x",
            "close": close,
        },
    }
    return ScriptedExchange(
        PLACED,
        AssetPairs=[ok({"XXBTZUSD": {**PAIR, "quote": quote}})],
        Depth=[ok({"XXBTZUSD": book})],
        OpenOrders=[ok({"open": {"O1": standing}})],
        AmendOrder=[ok({"amend_id": "T1"})],
        EditOrder=[ok({"txid": "O2", "descr": {"order": "x"}})],
    )


def order(volume: str, price: str | None = None, side: str = "buy", **more: Any) -> NewOrder:
    amount = None if price is None else Decimal(price)
    settings = {"pair": "XBTUSD", "ordertype": "limit" if price else "market", "price": amount, "side": side}
    return NewOrder(volume=Decimal(volume), **{**settings, **more})


def refused(act: Callable[[KrakenClient], Any], exchange: ScriptedExchange, **options: Any) -> str:
    with exchange.client(use_sandbox=False, **options) as client, pytest.raises(LiveOrderRefused) as caught:
        act(client)
    assert set(exchange.endpoints()) <= {"AssetPairs", "Depth", "OpenOrders"}, "only reads have left"
    return str(caught.value)


TRADES: list[Callable[[KrakenClient], Any]] = [
    lambda client: client.place_order(order("0.0001", "100")),
    lambda client: client.place_orders([order("0.0001", "100")] * 2),
    lambda client: client.amend_order(Amendment(txid="O1", volume=Decimal("0.1"))),
    lambda client: client.edit_order(Edit(txid="O1", pair="XBTUSD", volume=Decimal("0.1"))),
    lambda client: client.cancel_order("O1"),
    lambda client: client.cancel_orders(["O1", "O2"]),
    lambda client: client.cancel_all(),
    lambda client: client.cancel_all_orders_after(60),
]


@pytest.mark.parametrize("act", TRADES, ids=range(len(TRADES)))
def test_unarmed_nothing_that_trades_leaves(act: Callable[[KrakenClient], Any]) -> None:
    exchange = exchange_of()
    assert "not armed" in refused(act, exchange)
    assert not exchange.asked


def test_unarmed_an_order_may_be_checked() -> None:
    exchange = ScriptedExchange(CHECKED)
    with exchange.client(use_sandbox=False) as client:
        assert client.place_order(order("9", "100000"), validate=True).validated_only
        client.edit_order(Edit(txid="O1", pair="XBTUSD", volume=Decimal(9)), validate=True)
    assert [asked.fields["validate"] for asked in exchange.asked] == ["true", "true"]


def test_in_sandbox_mode_orders_leave() -> None:
    exchange = ScriptedExchange(PLACED)
    with exchange.client() as client:
        assert client.place_order(order("9")).txid
    assert exchange.endpoints() == ["AddOrder"]


@pytest.mark.parametrize(
    "within",
    [
        order("0.5", "100"),
        order("0.49", "90", side="sell"),
        order("0.4", "125", side="sell"),
        order("0.49"),
        order("0.49", side="sell"),
        order("0.4", "90", ordertype="stop-loss-limit", price2=Decimal(125)),
        order("0.4", "125", ordertype="take-profit", side="sell"),
        order("0.4", "120", ordertype="iceberg", display_volume=Decimal("0.1")),
    ],
)
def test_an_armed_order_within_the_cap_leaves(within: NewOrder) -> None:
    book = {"bids": BOOK["bids"], "asks": [["100.9", "9", 1]]}
    exchange = exchange_of(book=book)
    with exchange.client(use_sandbox=False, arming=CAP) as client:
        for _ in range(2):
            assert client.place_order(within).txid
    assert exchange.endpoints().count("AddOrder") == 2
    assert exchange.endpoints().count("AssetPairs") == 1, "the quote asset is asked for once"


@pytest.mark.parametrize(
    "beyond",
    [
        order("0.5", "100.00000001"),
        order("0.500000000000000000000000000000000000000000001", "100"),
        order("1E+9", "1E-5"),
        order("1", "0.1", side="sell"),  # fills at the market, wherever its limit lies
        order("0.1", "501", side="sell"),
        order("0.5"),  # the book asks 110 for the last of it
        order("0.5", side="sell"),
        order("0.4", "90", ordertype="stop-loss-limit", price2=Decimal(126)),
        order("0.4", "126", ordertype="stop-loss", side="sell"),
    ],
)
def test_an_armed_order_above_the_cap_does_not_leave(beyond: NewOrder) -> None:
    assert "above the cap of 50 USD" in refused(lambda client: client.place_order(beyond), exchange_of(), arming=CAP)


@pytest.mark.parametrize(
    "boundless",
    [
        order("0.0001", "90", ordertype="stop-loss"),
        order("0.0001", "90", ordertype="take-profit"),
        order("20"),  # more than the book holds
        NewOrder(
            pair="XBTUSD",
            side="sell",
            ordertype="trailing-stop",
            volume=Decimal("0.0001"),
            price=Relative("+", Decimal(5), percent=True),
        ),
        NewOrder(
            pair="XBTUSD",
            side="buy",
            ordertype="limit",
            volume=Decimal("0.0001"),
            price=Relative("-", Decimal(5), percent=True),
        ),
    ],
)
def test_an_order_without_a_worst_price_does_not_leave(boundless: NewOrder) -> None:
    told = refused(lambda client: client.place_order(boundless), exchange_of(), arming=CAP)
    assert "has no worst price" in told


def closing(kind: str, price: str | Relative, price2: str | None = None) -> ConditionalClose:
    first = price if isinstance(price, Relative) else Decimal(price)
    second = None if price2 is None else Decimal(price2)
    return ConditionalClose(ordertype=kind, price=first, price2=second)  # type: ignore[arg-type]  # a name of a type


@pytest.mark.parametrize(
    ("with_close", "told"),
    [
        (order("0.2", "100", close=closing("limit", "140")), None),
        (order("0.2", "100", close=closing("limit", "160")), "52 USD is above the cap"),
        (order("0.3", "100", close=closing("stop-loss", "90")), "above the cap"),  # it sells at the market
        (order("0.2", "100", side="sell", close=closing("limit", "90")), None),
        (order("0.2", "100", side="sell", close=closing("stop-loss", "110")), "buy stop-loss order with such prices"),
        (order("0.2", "100", side="sell", close=closing("stop-loss-limit", "110", "140")), None),
        (order("0.2", "100", side="sell", close=closing("stop-loss-limit", "110", "160")), "above the cap"),
        (order("0.2", "100", close=closing("limit", Relative("+", Decimal(5)))), "has no worst price"),
    ],
)
def test_what_follows_the_fills_of_an_order_counts_too(with_close: NewOrder, told: str | None) -> None:
    if told is None:
        with exchange_of().client(use_sandbox=False, arming=CAP) as client:
            assert client.place_order(with_close).txid
    else:
        assert told in refused(lambda client: client.place_order(with_close), exchange_of(), arming=CAP)


def test_an_order_with_a_close_is_not_changed_under_a_cap() -> None:
    exchange = exchange_of(close="close position @ stop loss 90.0")
    change = Amendment(txid="O1", volume=Decimal("0.1"))
    assert "has no worst price" in refused(lambda client: client.amend_order(change), exchange, arming=CAP)


def test_the_orders_of_a_batch_add_up() -> None:
    both = [order("0.3", "100"), order("0.3", "100", cl_ord_id="b")]
    told = refused(lambda client: client.place_orders(both), exchange_of(), arming=CAP)
    assert "60 USD is above the cap" in told


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        (Amendment(txid="O1", volume=Decimal("0.5")), True),
        (Amendment(txid="O1", volume=Decimal("0.51")), False),
        (Amendment(cl_ord_id="mine", limit_price=Decimal(125)), True),
        (Amendment(cl_ord_id="mine", limit_price=Decimal(126)), False),
        (Amendment(cl_ord_id="mine", limit_price=Relative("+", Decimal(1))), False),
        (Amendment(txid="O9", volume=Decimal("0.0001")), False),
        (Edit(txid="O1", pair="XBTUSD", volume=Decimal("0.2"), price=Decimal(250)), True),
        (Edit(txid="O1", pair="XBTUSD", price=Decimal(126)), False),
    ],
)
def test_a_change_is_held_against_the_cap_with_what_it_leaves_as_it_is(change: Amendment | Edit, passes: bool) -> None:
    exchange = exchange_of()

    def act(client: KrakenClient) -> None:
        client.amend_order(change) if isinstance(change, Amendment) else client.edit_order(change)

    if passes:
        with exchange.client(use_sandbox=False, arming=CAP) as client:
            act(client)
    else:
        assert "live order refused" in refused(act, exchange, arming=CAP)


def test_a_cap_of_nothing_still_lets_orders_be_cancelled() -> None:
    nothing = Arming(max_notional_usd=Decimal(0))
    exchange = ScriptedExchange(ok({"count": 1}))
    with exchange.client(use_sandbox=False, arming=nothing) as client:
        assert client.cancel_all().count == 1
    assert "above the cap" in refused(lambda client: client.place_order(order("1", "1")), exchange_of(), arming=nothing)


@settings(deadline=None)
@given(
    volume=st.decimals("0.00000001", "1000", places=8),
    price=st.decimals("0.1", "100000", places=1),
    cap=st.decimals("0.01", "1000", places=2),
)
def test_what_leaves_is_within_the_cap(volume: Decimal, price: Decimal, cap: Decimal) -> None:
    exchange = exchange_of()
    buy = NewOrder(pair="XBTUSD", side="buy", ordertype="limit", volume=volume, price=price)
    with exchange.client(use_sandbox=False, arming=Arming(max_notional_usd=cap)) as client:
        try:
            client.place_order(buy)
        except LiveOrderRefused:
            assert volume * price > cap
            assert "AddOrder" not in exchange.endpoints()
        else:
            assert volume * price <= cap


@pytest.mark.parametrize("quote", ["ZEUR", "USDT", "XXBT", "PYUSD", "ZUSDX"])
def test_a_notional_in_another_currency_is_not_known(quote: str) -> None:
    told = refused(lambda client: client.place_order(order("0.0001", "1")), exchange_of(quote), arming=CAP)
    assert f"quote asset: {quote}" in told


def test_an_unknown_pair_does_not_leave() -> None:
    for known in (error("EQuery:Unknown asset pair"), ok({"A": PAIR, "B": {**PAIR, "quote": "ZEUR"}})):
        exchange = ScriptedExchange(PLACED, AssetPairs=[known])
        told = refused(lambda client: client.place_order(order("0.0001", "1", pair="A,B")), exchange, arming=CAP)
        assert "quote asset: unknown" in told


@pytest.mark.parametrize("act", TRADES, ids=range(len(TRADES)))
def test_no_unarmed_path_reaches_the_books_of_production(
    production: SandboxServer, act: Callable[[KrakenClient], Any]
) -> None:
    before = production.exchange.observed()
    account = production.settings.accounts[0]
    with KrakenClient(
        account.api_key, account.api_secret, base_url=production.url(), use_sandbox=False, environ={}
    ) as client:
        with pytest.raises(LiveOrderRefused):
            act(client)
        assert client.place_order(order("0.001", "30000"), validate=True).validated_only
    after = production.exchange.observed()
    assert (after["orders"], after["fills"]) == (before["orders"], before["fills"]) == ([], [])
    assert set(after["by_endpoint"]) <= {"AddOrder"}, "of what trades, only the check was asked for"


@pytest.fixture(scope="module")
def production() -> Iterator[SandboxServer]:
    """An exchange that plays production."""
    with SandboxServer(SandboxSettings(limits=False)) as server:
        yield server


@pytest.mark.parametrize("cap", [Decimal(-1), Decimal("NaN"), Decimal("Infinity")])
def test_a_cap_is_a_number_from_zero(cap: Decimal) -> None:
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
        {"ordertype": "stop-loss-limit"},
        {"ordertype": "settle-position"},
        {"ordertype": "trailing-stop"},
        {"ordertype": "trailing-stop", "price": Relative("-", Decimal(1))},
        {"ordertype": "iceberg"},
        {"ordertype": "iceberg", "display_volume": Decimal("0.06")},
        {"ordertype": "iceberg", "display_volume": Decimal("1.1")},
        {"display_volume": Decimal("0.5")},
        {"price2": Decimal(1)},
        {"trigger": "last"},
        {"expires_in_s": 60},
        {"time_in_force": "GTD", "expires_in_s": 4},
        {"self_trade": "never"},
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
    with pytest.raises(ValueError, match=r"expected|only|price|order is"):
        NewOrder(**{**good, **change})


def test_amounts_are_decimals() -> None:
    with pytest.raises(TypeError, match="volume: expected a Decimal, found float"):
        NewOrder(pair="XBTUSD", side="buy", ordertype="market", volume=0.1)  # type: ignore[arg-type]  # the test


@pytest.mark.parametrize(
    ("written", "sent"), [("0.00005", "0.00005"), ("5E-8", "0.00000005"), ("1E+2", "100"), ("1.10", "1.10")]
)
def test_amounts_are_sent_without_exponent(written: str, sent: str) -> None:
    assert order(written, written).fields("x", 1.0, validate=False)["volume"] == sent
