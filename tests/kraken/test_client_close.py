"""The conditional close, from the order as it is meant to the order that follows its fill on the exchange's books."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from scripted_exchange import ScriptedExchange, ok

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.kraken import (
    Amendment,
    ConditionalClose,
    KrakenClient,
    KrakenError,
    NewOrder,
    Relative,
    Unlimited,
)
from pytest_kraken_golive.kraken.models import PlacedOrder
from pytest_kraken_golive.sandbox import SandboxServer, SandboxSettings

STOP = ConditionalClose(
    ordertype="stop-loss-limit", price=Relative("#", Decimal(5), percent=True), price2=Decimal("20000.5")
)
TRAIL = ConditionalClose(ordertype="trailing-stop", price=Relative("+", Decimal(100)))


def order(**more: Any) -> NewOrder:
    settings = {"pair": "XBTUSD", "side": "buy", "ordertype": "market", "volume": Decimal("0.01")}
    return NewOrder(**{**settings, **more})


@pytest.fixture(scope="module")
def client() -> Iterator[KrakenClient]:
    clock = VirtualClock()
    with SandboxServer(SandboxSettings(limits=False, volatility=0.0), clock) as server:
        account = server.settings.accounts[0]
        with KrakenClient(
            account.api_key, account.api_secret, base_url=server.url(), environ={}, clock=clock, limits=Unlimited()
        ) as made:
            yield made


def test_a_form_carries_it_in_brackets_and_a_batch_nested() -> None:
    exchange = ScriptedExchange(
        ok({"txid": ["O1"], "descr": {"order": "x", "close": "y"}}),
        AddOrderBatch=[ok({"orders": [{"txid": "O1", "descr": {"order": "x"}, "close": "y"}] * 2})],
    )
    with exchange.client() as client:
        assert client.place_order(order(close=STOP)).close == "y"
        first, second = client.place_orders([order(close=STOP), order()])
    single, batch = (asked.fields for asked in exchange.asked)
    wanted = {"ordertype": "stop-loss-limit", "price": "#5%", "price2": "20000.5"}
    assert {name: value for name, value in single.items() if name.startswith("close")} == {
        f"close[{name}]": value for name, value in wanted.items()
    }
    assert batch["orders"][0]["close"] == wanted
    assert "close" not in batch["orders"][1]
    assert isinstance(first, PlacedOrder)
    assert isinstance(second, PlacedOrder)
    assert first.close == "y"


def followers(client: KrakenClient, txid: str | None) -> list[tuple[str, str]]:
    """Side and type of the orders that followed fills of an order."""
    shown = client.open_orders().values()
    return [(info.descr.type, info.descr.ordertype) for info in shown if info.refid == txid]


def test_the_exchange_places_it_when_the_order_is_filled(client: KrakenClient) -> None:
    placed = client.place_order(order(close=STOP))
    assert placed.close == "close position @ stop loss #5.0000% -> limit 20000.5"
    assert followers(client, placed.txid) == [("sell", "stop-loss-limit")]
    resting = client.place_order(order(ordertype="limit", price=Decimal(20_000), close=STOP))
    assert followers(client, resting.txid) == []
    items = client.place_orders([order(close=TRAIL), order(side="sell")])
    assert [item.close for item in items if isinstance(item, PlacedOrder)] == [
        "close position @ trailing stop +100.0",
        None,
    ]
    assert isinstance(items[0], PlacedOrder)
    assert followers(client, items[0].txid) == [("sell", "trailing-stop")]


def test_it_is_checked_with_the_order(client: KrakenClient) -> None:
    checked = client.place_order(order(close=STOP), validate=True)
    assert checked.close == "close position @ stop loss #5.0000% -> limit 20000.5"
    too_fine = ConditionalClose(ordertype="limit", price=Decimal("60000.123"))
    with pytest.raises(KrakenError, match="Invalid price"):
        client.place_order(order(close=too_fine))


def test_the_changes_of_an_order_can_be_read(client: KrakenClient) -> None:
    placed = client.place_order(order(ordertype="limit", price=Decimal(20_000)))
    assert placed.txid is not None
    assert client.order_amends(placed.txid).amends == ()
    made = client.amend_order(Amendment(txid=placed.txid, limit_price=Decimal(19_000)))
    original, latest = client.order_amends(placed.txid).amends
    assert (original.amend_type, original.limit_price) == ("original", Decimal(20_000))
    assert (latest.amend_type, latest.limit_price, latest.amend_id) == ("user", Decimal(19_000), made.amend_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ordertype": "market", "price": Decimal(1)},
        {"ordertype": "iceberg", "price": Decimal(1)},
        {"ordertype": "limit", "price": Decimal(0)},
        {"ordertype": "limit", "price": Decimal("NaN")},
        {"ordertype": "limit", "price": Decimal(1), "price2": Decimal(1)},
        {"ordertype": "stop-loss-limit", "price": Decimal(1)},
        {"ordertype": "trailing-stop", "price": Decimal(1)},
        {"ordertype": "trailing-stop-limit", "price": Relative("+", Decimal(1)), "price2": Decimal(1)},
        {"ordertype": "limit", "price": None},
    ],
)
def test_a_close_that_cannot_be_meant_is_not_made(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^close\.(ordertype|price|price2): "):
        ConditionalClose(**wrong)


def test_a_close_is_one() -> None:
    with pytest.raises(TypeError, match="close: expected a ConditionalClose, found dict"):
        order(close={"ordertype": "limit", "price": "1"})
