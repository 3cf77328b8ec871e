"""The public endpoints. Source: Kraken: market data."""

from __future__ import annotations

from pytest_kraken_golive.kraken import calls, market_data
from pytest_kraken_golive.kraken.caller import Caller, listed, text
from pytest_kraken_golive.kraken.market_data import (
    Asset,
    AssetPair,
    Candles,
    Depth,
    PublicTrades,
    Quotes,
    ServerTime,
    SystemStatus,
    Ticker,
)


class MarketCalls(Caller):
    """What everybody may ask."""

    def server_time(self) -> ServerTime:
        """The exchange's clock."""
        return self._call(calls.TIME, market_data.read_time)

    def system_status(self) -> SystemStatus:
        """Whether the exchange trades."""
        return self._call(calls.SYSTEM_STATUS, market_data.read_status)

    def assets(self, *names: str) -> dict[str, Asset]:
        """Assets by id; all of them without names."""
        return self._call(calls.ASSETS, market_data.read_assets, asset=listed(names))

    def asset_pairs(self, *names: str) -> dict[str, AssetPair]:
        """Pairs by id; all of them (some 1,500) without names."""
        return self._call(calls.ASSET_PAIRS, market_data.read_pairs, pair=listed(names))

    def ticker(self, pair: str) -> Ticker:
        """Prices and volumes of one pair."""
        return self._call(calls.TICKER, market_data.read_ticker, pair=pair)

    def tickers(self, *names: str) -> dict[str, Ticker]:
        """Prices and volumes by pair id; of all pairs without names."""
        return self._call(calls.TICKER, market_data.read_tickers, pair=listed(names))

    def depth(self, pair: str, count: int | None = None) -> Depth:
        """The order book of one pair, `count` (1 to 500) levels a side; the exchange's default is 100."""
        return self._call(calls.DEPTH, market_data.read_depth, pair=pair, count=text(count))

    def ohlc(self, pair: str, interval_min: int | None = None, since: int | None = None) -> Candles:
        """Candles of one pair: at most 720 closed ones and the forming one.

        Args:
            pair: altname or id.
            interval_min: minutes: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600; the exchange's default is 1.
            since: Unix time (s) after which candles are wanted.
        """
        read = market_data.read_candles
        return self._call(calls.OHLC, read, pair=pair, interval=text(interval_min), since=text(since))

    def trades(self, pair: str, since: str | None = None, count: int | None = None) -> PublicTrades:
        """Trades of one pair, at most `count` (1 to 1000); `since` is the `last` of an earlier answer."""
        return self._call(calls.TRADES, market_data.read_trades, pair=pair, since=since, count=text(count))

    def spread(self, pair: str, since: int | None = None) -> Quotes:
        """Recent best prices of one pair; `since` is the `last` of an earlier answer."""
        return self._call(calls.SPREAD, market_data.read_quotes, pair=pair, since=text(since))
