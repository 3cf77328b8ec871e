from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from scripted_exchange import ScriptedExchange, ok, text_of

from pytest_kraken_golive.kraken import (
    Amendment,
    Edit,
    ExchangeClient,
    ExchangeError,
    KrakenClient,
    MalformedAnswerError,
    NewOrder,
    OutcomeUnknown,
    Relative,
    RequestRefused,
)
from pytest_kraken_golive.kraken.orders import new_cl_ord_id

DATA = Path(__file__).parents[1] / "data" / "kraken"
SAMPLES = json.loads((DATA / "openapi" / "spot_examples.json").read_text(encoding="utf-8"))["endpoints"]
ORDER = NewOrder(pair="XBTUSD", side="buy", ordertype="market", volume=Decimal("2.1234"))


def recorded(name: str) -> Any:
    """A recorded answer as bytes, so that numbers are read as they came."""
    answer = json.loads((DATA / "recorded" / f"{name}.json").read_text(encoding="utf-8"))
    answer.pop("_source", None)
    return answer


def ask(reply: httpx.Response, act: Callable[[KrakenClient], Any]) -> tuple[Any, ScriptedExchange]:
    exchange = ScriptedExchange(reply)
    with exchange.client() as client:
        return act(client), exchange


ENDPOINTS: dict[str, Callable[[KrakenClient], Any]] = {
    "/public/Time": lambda client: client.server_time(),
    "/public/SystemStatus": lambda client: client.system_status(),
    "/public/Assets": lambda client: client.assets(),
    "/public/AssetPairs": lambda client: client.asset_pairs(),
    "/public/Ticker": lambda client: client.ticker("XBTUSD"),
    "/public/OHLC": lambda client: client.ohlc("XBTUSD"),
    "/public/Depth": lambda client: client.depth("XBTUSD"),
    "/public/Trades": lambda client: client.trades("XBTUSD"),
    "/public/Spread": lambda client: client.spread("XBTUSD"),
    "/private/TradeBalance": lambda client: client.trade_balance(),
    "/private/Ledgers": lambda client: client.ledgers(),
    "/private/QueryLedgers": lambda client: client.query_ledgers("L"),
    "/private/QueryTrades": lambda client: client.query_trades("T"),
    "/private/OpenPositions": lambda client: client.open_positions(),
    "/private/AmendOrder": lambda client: client.amend_order(Amendment(txid="O", volume=Decimal(1))),
    "/private/EditOrder": lambda client: client.edit_order(Edit(txid="O", pair="XBTUSD", volume=Decimal(1))),
    "/private/AddOrderBatch": lambda client: client.place_orders([ORDER, ORDER]),
    "/private/CancelOrderBatch": lambda client: client.cancel_orders(["O", "P"]),
    "/private/CancelAllOrdersAfter": lambda client: client.cancel_all_orders_after(60),
    "/private/Balance": lambda client: client.get_account_balance(),
    "/private/BalanceEx": lambda client: client.balance_ex(),
    "/private/TradeVolume": lambda client: client.trade_volume("XBTUSD"),
    "/private/OpenOrders": lambda client: client.open_orders(),
    "/private/ClosedOrders": lambda client: client.closed_orders(),
    "/private/QueryOrders": lambda client: client.query_orders("O"),
    "/private/OrderAmends": lambda client: client.order_amends("O"),
    "/private/TradesHistory": lambda client: client.trades_history(),
    "/private/AddOrder": lambda client: client.place_order(ORDER, find_out=False),
    "/private/CancelOrder": lambda client: client.cancel_order("O"),
    "/private/CancelAll": lambda client: client.cancel_all(),
    "/private/GetWebSocketsToken": lambda client: client.get_websockets_token(),
}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_every_documented_sample_is_understood(path: str) -> None:
    samples = SAMPLES[path]["response_examples"]
    assert samples
    for sample in samples:
        found, exchange = ask(text_of(sample.get("response", sample)), ENDPOINTS[path])
        assert found
        assert exchange.asked[0].path == f"/0{path}"
        assert exchange.asked[0].method == SAMPLES[path]["method"]


@pytest.mark.parametrize("path", ENDPOINTS)
def test_whatever_is_wrong_in_an_answer_is_a_typed_error(path: str) -> None:
    sample = SAMPLES[path]["response_examples"][0]
    sample = sample.get("response", sample)["result"]
    for altered in alterations(sample):
        with contextlib.suppress(MalformedAnswerError, OutcomeUnknown, ExchangeError):
            ask(ok(altered), ENDPOINTS[path])


def alterations(value: Any) -> list[Any]:
    """The value with each part of it once replaced by every kind of wrong thing, or missing."""
    wrong: list[Any] = [None, True, 7, -1.5, "", "x", [], {}, [[]], {"x": {}}]
    found = list(wrong)
    if isinstance(value, dict):
        for key in list(value)[:12]:
            found.append({name: item for name, item in value.items() if name != key})
            found.extend({**value, key: item} for item in alterations(value[key]))
    elif isinstance(value, list) and value:
        found.extend([item, *value[1:]] for item in alterations(value[0]))
        found.append(value[:-1])
    return found


def test_recorded_pairs() -> None:
    pairs, _ = ask(text_of(recorded("asset_pairs_2026-09-25")), lambda client: client.asset_pairs())
    bitcoin = pairs["XXBTZUSD"]
    assert (bitcoin.altname, bitcoin.quote, bitcoin.status) == ("XBTUSD", "ZUSD", "online")
    assert (bitcoin.ordermin, bitcoin.costmin, bitcoin.tick_size) == (
        Decimal("0.00005"),
        Decimal("0.5"),
        Decimal("0.1"),
    )
    assert bitcoin.fees == ()
    assert isinstance(bitcoin.ordermin, Decimal)


def test_recorded_assets() -> None:
    assets, _ = ask(text_of(recorded("assets_2026-09-25")), lambda client: client.assets())
    assert assets["XXBT"].decimals == 10
    assert assets["XXDG"].collateral_value == Decimal("0.925")


def test_recorded_candles_and_trades_come_under_a_name_of_their_own() -> None:
    candles, _ = ask(text_of(recorded("ohlc_btcusd_60_2026-09-25")), lambda client: client.ohlc("XBTUSD", 60))
    assert (candles.pair, candles.last) == ("BTC/USD", 1790355600)
    assert candles.candles[0].vwap == Decimal("83714.6")
    assert candles.candles[-2].time_s == candles.last
    trades, _ = ask(text_of(recorded("trades_btcusd_2026-09-25")), lambda client: client.trades("XBTUSD"))
    assert trades.last == "1790359841138228746"
    assert trades.trades[0].price == Decimal("83930.30000")
    assert trades.trades[0].side == "s"


def test_a_recorded_refusal() -> None:
    with pytest.raises(RequestRefused, match="EQuery:Unknown asset pair"):
        ask(text_of(recorded("error_unknown_pair_2026-09-25")), lambda client: client.ticker("NOPE"))


def test_recorded_orders() -> None:
    answers = recorded("ccxt_private_orders_2024")
    placed, _ = ask(text_of(answers["AddOrder_market"]), lambda client: client.place_order(ORDER))
    assert placed.txid == "OL7LNO-R4SAD-6UINEU"
    orders, _ = ask(text_of(answers["QueryOrders_closed_market"]), lambda client: client.query_orders("O"))
    closed = orders["OGMZCL-KC6MC-ZRBGM6"]
    assert (closed.cost, closed.fee, closed.price) == (Decimal("7.105741"), Decimal("0.018475"), Decimal("71.05741"))
    assert closed.trades == ("TWA6QJ-ZO4EM-6QIHQJ",)
    orders, _ = ask(text_of(answers["QueryOrders_open_limit"]), lambda client: client.query_orders("O"))
    waiting = orders["OR6EGN-KQSEG-AMI6CL"]
    assert (waiting.status, waiting.closetm, waiting.oflags) == ("open", None, "post,fciq")


def test_the_recorded_key_info() -> None:
    info, _ = ask(text_of(recorded("get_api_key_info_example")), lambda client: client.api_key_info())
    assert info.permissions == ("query-funds", "withdraw-funds", "query-open-trades", "modify-trades")
    assert (info.nonce_window, info.ip_allowlist) == (0, ())


def test_numbers_lose_nothing_on_the_way() -> None:
    body = b'{"error":[],"result":{"ZUSD":"0.10000000000000000000000001","XXBT":0.10000000000000000000000001}}'
    balance, _ = ask(httpx.Response(200, content=body), lambda client: client.get_account_balance())
    assert set(balance.values()) == {Decimal("0.10000000000000000000000001")}


def test_what_is_available() -> None:
    result = {
        "A": {"balance": "10", "hold_trade": "3"},
        "B": {"balance": "10", "hold_trade": "3", "credit": "5", "credit_used": "1"},
    }
    found, _ = ask(ok(result), lambda client: client.balance_ex())
    assert (found["A"].available, found["B"].available) == (7, 11)


def test_fee_names_of_both_spellings_and_rebates() -> None:
    result = {"currency": "ZUSD", "volume": "1", "fees": {"X": {"fee": "-0.0100", "min_fee": "0.1", "nextfee": None}}}
    found, _ = ask(ok(result), lambda client: client.trade_volume("X"))
    assert (found.fees["X"].fee, found.fees["X"].min_fee, found.fees["X"].next_fee) == (
        Decimal("-0.01"),
        Decimal("0.1"),
        None,
    )
    assert found.fees_maker is None


def test_the_word_none_is_nothing() -> None:
    found, _ = ask(text_of(SAMPLES["/private/OpenOrders"]["response_examples"][0]), lambda client: client.open_orders())
    assert found["OQCLML-BW3P3-BUCMWZ"].refid is None


def test_rows_may_grow() -> None:
    result = {"XXBTZUSD": {"asks": [["1", "2", 3, "new"]], "bids": []}}
    found, _ = ask(ok(result), lambda client: client.depth("XBTUSD"))
    assert found.asks[0].price == 1


def test_status_has_an_aware_time() -> None:
    found, _ = ask(ok({"status": "online", "timestamp": "2026-11-20T09:31:05Z"}), lambda client: client.system_status())
    assert found.timestamp == datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)


def test_models_are_frozen() -> None:
    found, _ = ask(ok({"unixtime": 1, "rfc1123": "x"}), lambda client: client.server_time())
    with pytest.raises(ValidationError):
        found.unixtime = 2


@pytest.mark.parametrize("result", [{}, {"last": 1}, {"A": [], "B": [], "last": 1}, [], "x"])
def test_market_data_holds_one_pair(result: Any) -> None:
    with pytest.raises(MalformedAnswerError, match=r"one pair|expected a result"):
        ask(ok(result), lambda client: client.ohlc("XBTUSD"))


def test_parameters_reach_the_exchange() -> None:
    _, exchange = ask(
        ok({"closed": {}, "count": 0}),
        lambda client: client.closed_orders(trades=True, cl_ord_id="a+b", start=1.5, end="OABC", offset=50),
    )
    fields = dict(exchange.asked[0].fields)
    assert fields.pop("nonce")
    assert fields == {"trades": "true", "cl_ord_id": "a+b", "start": "1.5", "end": "OABC", "ofs": "50"}
    _, exchange = ask(ok({"XXBTZUSD": {"asks": [], "bids": []}}), lambda client: client.depth("XBT/USD", 5))
    assert exchange.asked[0].fields == {"pair": "XBT/USD", "count": "5"}


def test_an_order_reaches_the_exchange_in_full() -> None:
    order = NewOrder(
        pair="XBTUSD",
        side="sell",
        ordertype="limit",
        volume=Decimal("0.10"),
        price=Decimal("5E+4"),
        post_only=True,
        time_in_force="GTC",
        cl_ord_id="my+order",
    )
    _, exchange = ask(ok({"txid": ["O"], "descr": {"order": "x"}}), lambda client: client.place_order(order))
    fields = dict(exchange.asked[0].fields)
    assert fields.pop("nonce")
    assert fields.pop("deadline").endswith("Z")
    assert fields == {
        "pair": "XBTUSD",
        "type": "sell",
        "ordertype": "limit",
        "volume": "0.10",
        "price": "50000",
        "oflags": "post",
        "timeinforce": "GTC",
        "cl_ord_id": "my+order",
    }


@pytest.mark.parametrize("target", [{}, {"txid": "O", "cl_ord_id": "x"}])
def test_a_cancellation_names_one_order(target: dict[str, str]) -> None:
    exchange = ScriptedExchange(ok({"count": 1}))
    with exchange.client() as client, pytest.raises(ValueError, match="either txid or cl_ord_id"):
        client.cancel_order(**target)
    assert not exchange.asked


def test_the_client_is_what_the_gate_needs() -> None:
    with ScriptedExchange(ok({})).client() as client:
        needed: ExchangeClient = client
        assert isinstance(needed, ExchangeClient)


def test_a_client_id_of_our_own_is_a_uuid4() -> None:
    made = {new_cl_ord_id() for _ in range(200)}
    assert len(made) == 200
    for text in made:
        assert str(uuid.UUID(text)) == text
        assert (uuid.UUID(text).version, uuid.UUID(text).variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("more", "sent"),
    [
        (
            {"ordertype": "stop-loss-limit", "price": Decimal(90), "price2": Decimal("89.5"), "trigger": "index"},
            {"ordertype": "stop-loss-limit", "price": "90", "price2": "89.5", "trigger": "index"},
        ),
        (
            {"ordertype": "take-profit", "price": Relative("+", Decimal("2.50"), percent=True)},
            {"ordertype": "take-profit", "price": "+2.50%"},
        ),
        (
            {
                "ordertype": "trailing-stop-limit",
                "price": Relative("+", Decimal(5)),
                "price2": Relative("-", Decimal(1)),
            },
            {"ordertype": "trailing-stop-limit", "price": "+5", "price2": "-1"},
        ),
        (
            {"ordertype": "iceberg", "price": Decimal(100), "display_volume": Decimal("0.2"), "post_only": True},
            {"ordertype": "iceberg", "price": "100", "displayvol": "0.2", "oflags": "post"},
        ),
        (
            {"ordertype": "limit", "price": Decimal(100), "time_in_force": "GTD", "expires_in_s": 60},
            {"ordertype": "limit", "price": "100", "timeinforce": "GTD", "expiretm": "+60"},
        ),
        (
            {"ordertype": "market", "self_trade": "cancel-both", "time_in_force": "IOC"},
            {"ordertype": "market", "stptype": "cancel-both", "timeinforce": "IOC"},
        ),
    ],
    ids=range(6),
)
def test_every_kind_of_order_is_written_as_kraken_names_it(more: dict[str, Any], sent: dict[str, str]) -> None:
    order = NewOrder(pair="XBTUSD", side="sell", volume=Decimal("1.5"), **more)
    named = {"pair": "XBTUSD", "cl_ord_id": "x", "deadline": "1970-01-01T00:00:01.000Z"}
    assert order.fields("x", 1.0, validate=False) == {"type": "sell", "volume": "1.5", **named, **sent}
