"""A trading session by krakenex, unchanged but for its base URL."""

from __future__ import annotations

from typing import Any

import krakenex  # type: ignore[import-not-found]  # lives in the clients' own environment
from steps import Steps
from trouble import explore, explore_threads

PAIR = {"pair": "XBTUSD"}
REST = {**PAIR, "type": "buy", "ordertype": "limit", "volume": "0.01"}


def result(answer: Any) -> Any:
    """The result of an answer that must be good."""
    assert answer["error"] == [], answer
    return answer["result"]


class Session:
    """The steps, in their order."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.api = krakenex.API(steps.key, steps.secret)
        self.api.session.trust_env = False
        self.api.uri = steps.url
        self.bid = float(self.public("Ticker", **PAIR)["XXBTZUSD"]["b"][0])
        self.low = f"{self.bid * 0.9:.1f}"

    def public(self, method: str, **params: Any) -> Any:
        return result(self.api.query_public(method, params))

    def private(self, method: str, **params: Any) -> Any:
        return result(self.api.query_private(method, params))

    def markets(self) -> None:
        assert self.public("Time")["unixtime"] > 0
        assert self.public("SystemStatus")["status"] == "online"
        assert {"XXBT", "ZUSD"} <= set(self.public("Assets"))
        assert self.public("AssetPairs", pair="XBTUSD,ETHUSD")["XXBTZUSD"]["altname"] == "XBTUSD"
        assert set(self.public("Ticker", pair="XBTUSD,SOLUSD")) == {"XXBTZUSD", "SOLUSD"}
        assert len(self.public("Depth", **PAIR, count=5)["XXBTZUSD"]["asks"]) == 5
        candles = self.public("OHLC", **PAIR, interval=60)
        assert len(candles["XXBTZUSD"]) == 721
        later = self.public("OHLC", **PAIR, interval=60, since=candles["last"])
        assert [row[0] for row in later["XXBTZUSD"]] == [candles["last"] + 3600]
        trades = self.public("Trades", **PAIR, count=10)
        assert len(trades["XXBTZUSD"]) == 10
        assert all(
            row[2] * 1e9 > int(trades["last"]) - 1e3
            for row in self.public("Trades", **PAIR, since=trades["last"])["XXBTZUSD"]
        )
        assert self.public("Spread", **PAIR)["XXBTZUSD"]

    def balance_and_fees(self) -> None:
        assert float(self.private("Balance")["ZUSD"]) > 0
        assert self.private("BalanceEx")["ZUSD"]["hold_trade"] == "0.0000"
        assert float(self.private("TradeBalance", asset="ZUSD")["eb"]) > 0
        assert self.private("TradeVolume", **PAIR)["fees"]["XXBTZUSD"]["fee"] == "0.8000"

    def validate(self) -> None:
        assert "txid" not in self.private("AddOrder", **REST, price=self.low, validate="true")

    def limit_order_open_orders_cancel(self) -> None:
        (txid,) = self.private("AddOrder", **REST, price=self.low, userref=7)["txid"]
        assert self.private("OpenOrders", userref=7)["open"][txid]["descr"]["price"] == self.low
        assert self.private("QueryOrders", txid=txid)[txid]["status"] == "open"
        assert float(self.private("BalanceEx")["ZUSD"]["hold_trade"]) > 0
        assert self.private("CancelOrder", txid=txid)["count"] == 1
        assert self.private("QueryOrders", txid=txid)[txid]["status"] == "canceled"

    def market_order_closed_orders_trades(self) -> None:
        (txid,) = self.private("AddOrder", **PAIR, type="buy", ordertype="market", volume="0.01")["txid"]
        closed = self.private("ClosedOrders", trades="true")["closed"][txid]
        assert (closed["status"], closed["vol_exec"]) == ("closed", "0.01000000")
        assert abs(float(closed["fee"]) / float(closed["cost"]) - 0.008) < 1e-6
        history = self.private("TradesHistory")["trades"]
        assert set(closed["trades"]) <= set(history)
        assert set(self.private("QueryTrades", txid=",".join(closed["trades"]))) == set(closed["trades"])

    def ledgers_and_positions(self) -> None:
        ledger = self.private("Ledgers", asset="ZUSD")["ledger"]
        assert any(entry["type"] == "trade" for entry in ledger.values())
        assert set(self.private("QueryLedgers", id=next(iter(ledger)))) == {next(iter(ledger))}
        assert self.private("OpenPositions") in ({}, [])

    def edit(self) -> None:
        (txid,) = self.private("AddOrder", **REST, price=self.low)["txid"]
        edited = self.private("EditOrder", **PAIR, txid=txid, price=f"{self.bid * 0.8:.1f}")
        assert edited["originaltxid"] == txid
        assert set(self.private("OpenOrders")["open"]) == {edited["txid"]}

    def amend(self) -> None:
        (txid,) = self.private("AddOrder", **REST, price=self.low)["txid"]
        assert self.private("AmendOrder", txid=txid, limit_price=f"{self.bid * 0.8:.1f}")["amend_id"]
        assert self.private("OpenOrders")["open"][txid]["descr"]["price"] == f"{self.bid * 0.8:.1f}"

    def stop_loss_with_a_conditional_close(self) -> None:
        (txid,) = self.private(
            "AddOrder",
            **{**REST, "ordertype": "stop-loss", "type": "sell", "price": self.low},
            **{"close[ordertype]": "limit", "close[price]": f"{self.bid * 0.7:.1f}"},
        )["txid"]
        assert "stop loss" in self.private("QueryOrders", txid=txid)[txid]["descr"]["order"]

    def cancel_all_dead_mans_switch_token(self) -> None:
        assert self.private("CancelAll")["count"] > 0
        assert self.private("OpenOrders")["open"] == {}
        assert self.private("CancelAllOrdersAfter", timeout=60)["triggerTime"]
        assert self.private("CancelAllOrdersAfter", timeout=0)["triggerTime"] == "0"
        assert self.private("GetWebSocketsToken")["expires"] == 900

    def errors_are_shown(self) -> None:
        assert self.api.query_public("Ticker", {"pair": "NOPE"})["error"] == ["EQuery:Unknown asset pair"]
        assert self.api.query_private("CancelOrder", {"txid": "OAAAAA-BBBBB-CCCCCC"})["error"] == [
            "EOrder:Unknown order"
        ]

    def in_trouble(self) -> None:
        explore(self.steps, lambda: self.api.query_private("AddOrder", {**REST, "price": self.low, "volume": "0.001"}))

    def in_threads(self) -> None:
        explore_threads(self.steps, lambda: self.api.query_private("GetApiKeyInfo"))


if __name__ == "__main__":
    Steps().run(Session)
