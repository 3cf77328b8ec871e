"""A trading session by python-kraken-sdk, unchanged but for its base URL."""

from __future__ import annotations

from kraken.exceptions import KrakenUnknownOrderError  # type: ignore[import-not-found]  # the clients' own environment
from kraken.spot import Market, Trade, User  # type: ignore[import-not-found]  # likewise
from steps import Steps, raises
from trouble import explore, explore_threads

PAIR = "XBTUSD"


class Session:
    """The steps, in their order."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.market = Market(url=steps.url)
        self.user = User(key=steps.key, secret=steps.secret, url=steps.url)
        self.trade = Trade(key=steps.key, secret=steps.secret, url=steps.url)
        self.bid = float(self.market.get_ticker(pair=PAIR)["XXBTZUSD"]["b"][0])
        self.low = round(self.bid * 0.9, 1)

    def markets(self) -> None:
        assert self.market.get_system_status()["status"] == "online"
        assert set(self.market.get_assets(assets=["XBT", "USD"])) == {"XXBT", "ZUSD"}
        assert self.market.get_asset_pairs(pair=[PAIR, "ETHUSD"])["XXBTZUSD"]["altname"] == PAIR
        assert self.market.get_asset_pairs(pair=PAIR, info="fees")["XXBTZUSD"]["fees"] == []
        assert set(self.market.get_ticker(pair=PAIR)) == {"XXBTZUSD"}
        assert len(self.market.get_order_book(pair=PAIR, count=5)["XXBTZUSD"]["bids"]) == 5
        assert len(self.market.get_ohlc(pair=PAIR, interval=5)["XXBTZUSD"]) == 721
        assert len(self.market.get_recent_trades(pair=PAIR, count=7)["XXBTZUSD"]) == 7
        assert self.market.get_recent_spreads(pair=PAIR)["XXBTZUSD"]

    def balance_and_fees(self) -> None:
        assert float(self.user.get_account_balance()["ZUSD"]) > 0
        assert float(self.user.get_balances()["ZUSD"]["balance"]) > 0
        assert self.user.get_balance(currency="USD")["available_balance"] > 0
        assert float(self.user.get_trade_balance()["eb"]) > 0
        volume = self.user.get_trade_volume(pair=PAIR, fee_info=True)
        assert volume["fees_maker"]["XXBTZUSD"]["fee"] == "0.4000"

    def validate(self) -> None:
        checked = self.trade.create_order(
            ordertype="limit", side="buy", pair=PAIR, volume=0.01, price=self.low, validate=True, oflags=["post"]
        )
        assert "txid" not in checked

    def limit_order_open_orders_cancel(self) -> None:
        (txid,) = self.trade.create_order(
            ordertype="limit",
            side="buy",
            pair=PAIR,
            volume="0.01",
            price=self.low,
            oflags="post",
            timeinforce="GTC",
            userref=9,
        )["txid"]
        assert float(self.user.get_open_orders(trades=True, userref=9)["open"][txid]["descr"]["price"]) == self.low
        assert self.user.get_orders_info(txid=txid)[txid]["status"] == "open"
        assert self.trade.cancel_order(txid=txid)["count"] == 1
        assert self.user.get_orders_info(txid=txid)[txid]["status"] == "canceled"

    def client_order_id(self) -> None:
        self.trade.create_order(
            ordertype="limit", side="buy", pair=PAIR, volume="0.01", price=self.low, cl_ord_id="sdk-1"
        )
        assert [o["cl_ord_id"] for o in self.user.get_open_orders()["open"].values()] == ["sdk-1"]
        assert self.trade.cancel_order(cl_ord_id="sdk-1")["count"] == 1

    def market_order_closed_orders_trades(self) -> None:
        (txid,) = self.trade.create_order(ordertype="market", side="buy", pair=PAIR, volume="0.02")["txid"]
        closed = self.user.get_closed_orders(trades=True)["closed"][txid]
        assert closed["status"] == "closed"
        history = self.user.get_trades_history()["trades"]
        assert set(closed["trades"]) <= set(history)
        assert set(self.user.get_trades_info(txid=closed["trades"])) == set(closed["trades"])

    def ledgers_and_positions(self) -> None:
        ledger = self.user.get_ledgers_info(asset="ZUSD")["ledger"]
        first = next(iter(ledger))
        assert set(self.user.get_ledgers(id_=first)) == {first}
        assert self.user.get_open_positions() in ({}, [])

    def edit_and_amend(self) -> None:
        (txid,) = self.trade.create_order(ordertype="limit", side="buy", pair=PAIR, volume="0.01", price=self.low)[
            "txid"
        ]
        edited = self.trade.edit_order(txid=txid, pair=PAIR, price=self.low - 100, volume="0.02")
        assert edited["originaltxid"] == txid
        assert self.trade.amend_order(txid=edited["txid"], limit_price=str(self.low - 200))["amend_id"]
        amends = self.user.get_order_amends(order_id=edited["txid"])["amends"]
        assert [entry["amend_type"] for entry in amends] == ["original", "user"]
        self.trade.cancel_order(txid=edited["txid"])

    def batch(self) -> None:
        orders = [
            {
                "ordertype": "limit",
                "type": "buy",
                "volume": "0.01",
                "price": str(self.low - step),
                "cl_ord_id": f"b-{step}",
            }
            for step in (1, 2, 3)
        ]
        placed = self.trade.create_order_batch(orders=orders, pair=PAIR)["orders"]
        txids = [entry["txid"] for entry in placed]
        assert set(txids) == set(self.user.get_open_orders()["open"])
        assert self.trade.cancel_order_batch(orders=txids)["count"] == 3

    def stop_loss_take_profit_trailing_stop_iceberg_conditional_close(self) -> None:
        common = {"pair": PAIR, "volume": "0.01"}
        self.trade.create_order(ordertype="stop-loss", side="sell", price=self.low, **common)
        self.trade.create_order(
            ordertype="stop-loss-limit", side="sell", price=self.low, price2=self.low - 10, **common
        )
        self.trade.create_order(ordertype="take-profit", side="sell", price=round(self.bid * 1.2, 1), **common)
        self.trade.create_order(ordertype="trailing-stop", side="sell", price="+5%", **common)
        self.trade.create_order(
            ordertype="iceberg", side="buy", price=self.low, pair=PAIR, volume="0.05", displayvol="0.01"
        )
        self.trade.create_order(
            ordertype="limit",
            side="buy",
            price=self.low,
            close_ordertype="limit",
            close_price=round(self.bid * 1.1, 1),
            **common,
        )
        assert len(self.user.get_open_orders()["open"]) == 6

    def cancel_all_and_the_dead_mans_switch(self) -> None:
        assert self.trade.cancel_all_orders()["count"] > 0
        assert self.trade.cancel_all_orders_after_x(60)["triggerTime"]
        assert self.trade.cancel_all_orders_after_x(0)["triggerTime"] == "0"

    def errors_are_raised(self) -> None:
        with raises(KrakenUnknownOrderError):
            self.trade.cancel_order(txid="OAAAAA-BBBBB-CCCCCC")

    def in_trouble(self) -> None:
        order = {"ordertype": "limit", "side": "buy", "pair": PAIR, "volume": "0.001", "price": self.low}
        explore(self.steps, lambda: self.trade.create_order(**order))

    def in_threads(self) -> None:
        explore_threads(self.steps, lambda: self.user.request("POST", "/0/private/GetApiKeyInfo"))


if __name__ == "__main__":
    Steps().run(Session)
