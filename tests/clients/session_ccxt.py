"""A trading session by ccxt, unchanged but for its base URL."""

from __future__ import annotations

import itertools

import ccxt  # type: ignore[import-not-found]  # lives in the clients' own environment
from steps import Steps, raises
from trouble import explore, explore_threads

SYMBOL = "BTC/USD"


class Session:
    """The steps, in their order."""

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.kraken = ccxt.kraken({"apiKey": steps.key, "secret": steps.secret, "enableRateLimit": False})
        self.kraken.urls["api"] = {**self.kraken.urls["api"], "public": steps.url, "private": steps.url}
        self.kraken.session.trust_env = False
        self.bid = self.kraken.fetch_ticker(SYMBOL)["bid"]
        self.low = round(self.bid * 0.9, 1)

    def markets(self) -> None:
        markets = self.kraken.load_markets()
        assert {SYMBOL, "ETH/USD", "SOL/USD", "BTC/EUR"} <= set(markets)
        assert markets[SYMBOL]["limits"]["amount"]["min"] == 0.00005
        assert markets[SYMBOL]["precision"]["price"] == 0.1
        assert "BTC" in self.kraken.fetch_currencies()
        assert self.kraken.fetch_status()["status"] == "ok"
        assert self.kraken.fetch_time() > 0
        assert self.kraken.fetch_ticker(SYMBOL)["bid"] < self.kraken.fetch_ticker(SYMBOL)["ask"]
        assert {SYMBOL, "ETH/USD"} <= set(self.kraken.fetch_tickers([SYMBOL, "ETH/USD"]))
        assert len(self.kraken.fetch_order_book(SYMBOL, 5)["bids"]) == 5
        candles = self.kraken.fetch_ohlcv(SYMBOL, "1h", limit=10)
        assert len(candles) == 10
        since = self.kraken.fetch_ohlcv(SYMBOL, "1h", since=candles[-3][0])
        assert since[0][0] == candles[-3][0], (since[0][0], candles[-3][0])
        assert self.kraken.fetch_trades(SYMBOL, limit=10)

    def balance_and_fees(self) -> None:
        balance = self.kraken.fetch_balance()
        assert balance["USD"]["free"] == balance["USD"]["total"] > 0
        assert balance["BTC"]["total"] > 0
        fee = self.kraken.fetch_trading_fee(SYMBOL)
        assert (fee["maker"], fee["taker"]) == (0.004, 0.008), fee

    def limit_order_open_orders_cancel(self) -> None:
        placed = self.kraken.create_order(
            SYMBOL, "limit", "buy", 0.01, self.low, {"postOnly": True, "clientOrderId": "ccxt-1"}
        )
        (found,) = self.kraken.fetch_open_orders(SYMBOL)
        assert (found["id"], found["price"], found["clientOrderId"]) == (placed["id"], self.low, "ccxt-1"), found
        assert self.kraken.fetch_balance()["USD"]["used"] > 0
        assert self.kraken.fetch_order(placed["id"], SYMBOL)["status"] == "open"
        self.kraken.cancel_order(placed["id"], SYMBOL)
        assert self.kraken.fetch_order(placed["id"], SYMBOL)["status"] == "canceled"

    def market_order_closed_orders_trades(self) -> None:
        placed = self.kraken.create_order(SYMBOL, "market", "buy", 0.02)
        closed = {order["id"]: order for order in self.kraken.fetch_closed_orders(SYMBOL)}[placed["id"]]
        assert (closed["status"], closed["filled"], closed["symbol"]) == ("closed", 0.02, SYMBOL), closed
        assert abs(float(closed["fee"]["cost"]) / closed["cost"] - 0.008) < 1e-6
        trades = self.kraken.fetch_my_trades(SYMBOL)
        assert sum(trade["amount"] for trade in trades if trade["order"] == placed["id"]) == 0.02
        own = [trade["id"] for trade in trades if trade["order"] == placed["id"]]
        assert [t["id"] for t in self.kraken.fetch_order_trades(placed["id"], SYMBOL, params={"trades": own})] == own

    def ledger_and_positions(self) -> None:
        entries = self.kraken.fetch_ledger("USD")
        assert any(entry["type"] == "trade" for entry in entries)
        assert self.kraken.fetch_ledger_entry(entries[0]["id"])["id"] == entries[0]["id"]
        assert self.kraken.fetch_positions() == []

    def amend(self) -> None:
        placed = self.kraken.create_order(SYMBOL, "limit", "buy", 0.01, self.low)
        self.kraken.edit_order(placed["id"], SYMBOL, "limit", "buy", 0.02, self.low - 100)
        found = self.kraken.fetch_order(placed["id"], SYMBOL)
        assert (found["amount"], found["price"]) == (0.02, self.low - 100), found
        self.kraken.cancel_order(placed["id"], SYMBOL)

    def batch(self) -> None:
        orders = [
            {"symbol": SYMBOL, "type": "limit", "side": "buy", "amount": 0.01, "price": self.low - step}
            for step in (1, 2, 3)
        ]
        placed = [order["id"] for order in self.kraken.create_orders(orders)]
        assert set(placed) == {order["id"] for order in self.kraken.fetch_open_orders(SYMBOL)}
        self.kraken.cancel_orders(placed, SYMBOL)
        assert self.kraken.fetch_open_orders(SYMBOL) == []

    def stop_loss_trailing_stop_market_buy_by_cost(self) -> None:
        self.kraken.create_order(SYMBOL, "market", "sell", 0.01, None, {"stopLossPrice": self.low})
        self.kraken.create_order(SYMBOL, "limit", "sell", 0.01, self.low - 10, {"stopLossPrice": self.low})
        self.kraken.create_order(SYMBOL, "market", "sell", 0.01, None, {"trailingPercent": 5})
        assert len(self.kraken.fetch_open_orders(SYMBOL)) == 3
        self.kraken.create_market_buy_order_with_cost(SYMBOL, 100)

    def cancel_all_and_the_dead_mans_switch(self) -> None:
        self.kraken.create_order(SYMBOL, "limit", "buy", 0.01, self.low)
        self.kraken.cancel_all_orders(SYMBOL)
        assert self.kraken.fetch_open_orders() == []
        self.kraken.cancel_all_orders_after(60_000)
        self.kraken.cancel_all_orders_after(0)

    def errors_are_raised(self) -> None:
        with raises(ccxt.OrderNotFound):
            self.kraken.cancel_order("OAAAAA-BBBBB-CCCCCC", SYMBOL)
        with raises(ccxt.InsufficientFunds):
            self.kraken.create_order(SYMBOL, "limit", "buy", 1000, self.low)

    def in_trouble(self) -> None:
        explore(self.steps, lambda: self.kraken.create_order(SYMBOL, "limit", "buy", 0.001, self.low))

    def in_trouble_with_its_retries_and_a_client_id(self) -> None:
        self.kraken.options["maxRetriesOnFailure"] = 2
        numbers = itertools.count()

        def place() -> object:
            # Filled at once, and with that the id is free for the second try.
            return self.kraken.create_order(
                SYMBOL, "market", "buy", 0.001, None, {"clientOrderId": f"retry-{next(numbers)}"}
            )

        explore(self.steps, place)

    def in_threads(self) -> None:
        explore_threads(self.steps, self.kraken.fetch_balance)


if __name__ == "__main__":
    Steps().run(Session)
