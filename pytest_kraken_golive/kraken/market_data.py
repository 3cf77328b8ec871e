"""What the public endpoints answer, as models. Source: Kraken: market data; the recorded answers of the exchange."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AwareDatetime, Field

from pytest_kraken_golive.kraken.errors import MalformedAnswerError
from pytest_kraken_golive.kraken.reading import Amount, KrakenModel, Seconds, Whole, as_type, first, sole


class ServerTime(KrakenModel):
    """Time."""

    unixtime: Whole
    """Seconds since the epoch."""
    rfc1123: str
    """The same as text."""


class SystemStatus(KrakenModel):
    """SystemStatus."""

    status: str
    """`online`, `maintenance`, `cancel_only` or `post_only`."""
    timestamp: AwareDatetime
    """UTC."""


class Asset(KrakenModel):
    """One entry of Assets."""

    altname: str
    """`XBT`."""
    aclass: str
    """`currency`."""
    decimals: Whole
    """Decimals of balances."""
    display_decimals: Whole
    """Decimals for show."""
    status: str | None = None
    """`enabled`, `deposit_only`, ...; None where the exchange does not say."""
    collateral_value: Amount | None = None
    """Share that counts as collateral, 0 to 1."""
    margin_rate: Amount | None = None
    """None where it cannot be lent."""


class FeeStep(NamedTuple):
    """A step of a pair's fee table."""

    volume: Amount
    """30-day volume from which it holds."""
    percent: Amount
    """Fee in percent."""


class AssetPair(KrakenModel):
    """One entry of AssetPairs. The fee tables have been empty since 2026: TradeVolume is the source of fees."""

    altname: str
    """`XBTUSD`."""
    wsname: str | None = None
    """`XBT/USD`, where there is one."""
    base: str
    """Asset id of what is traded: `XXBT`."""
    quote: str
    """Asset id of what is paid: `ZUSD`."""
    pair_decimals: Whole
    """Decimals of prices."""
    cost_decimals: Whole
    """Decimals of costs and fees."""
    lot_decimals: Whole
    """Decimals of volumes."""
    ordermin: Amount | None = None
    """Smallest volume; None where the exchange names none."""
    costmin: Amount | None = None
    """Smallest cost; None where the exchange names none."""
    tick_size: Amount | None = None
    """Step of prices; None where the exchange names none."""
    status: str | None = None
    """`online`, `cancel_only`, `post_only`, `limit_only`, `reduce_only`; None where the exchange does not say."""
    fees: tuple[Annotated[FeeStep, first(2)], ...] = ()
    """Taker fees."""
    fees_maker: tuple[Annotated[FeeStep, first(2)], ...] = ()
    """Maker fees."""
    fee_volume_currency: str | None = None
    """Asset id in which volume is counted."""


class Level(NamedTuple):
    """The best price of one side."""

    price: Amount
    """In the quote asset."""
    whole_lot_volume: Amount
    """Volume in whole lots."""
    volume: Amount
    """Volume."""


class LastTrade(NamedTuple):
    """The last trade."""

    price: Amount
    """In the quote asset."""
    volume: Amount
    """In the base asset."""


class Window(NamedTuple):
    """A figure over two windows."""

    today: Amount
    """Since midnight UTC."""
    last_24h: Amount
    """Over 24 hours."""


class TradeCount(NamedTuple):
    """A count over two windows."""

    today: Whole
    """Since midnight UTC."""
    last_24h: Whole
    """Over 24 hours."""


class Ticker(KrakenModel):
    """One pair of Ticker."""

    ask: Annotated[Level, first(3)] = Field(alias="a")
    """Best ask."""
    bid: Annotated[Level, first(3)] = Field(alias="b")
    """Best bid."""
    last: Annotated[LastTrade, first(2)] = Field(alias="c")
    """Last trade."""
    volume: Annotated[Window, first(2)] = Field(alias="v")
    """In the base asset."""
    vwap: Annotated[Window, first(2)] = Field(alias="p")
    """Volume-weighted average price."""
    trades: Annotated[TradeCount, first(2)] = Field(alias="t")
    """Number of trades."""
    low: Annotated[Window, first(2)] = Field(alias="l")
    """Lowest price."""
    high: Annotated[Window, first(2)] = Field(alias="h")
    """Highest price."""
    open: Amount = Field(alias="o")
    """Today's first price."""

    @property
    def mid(self) -> Decimal:
        """Half-way between the best ask and the best bid."""
        return (self.ask.price + self.bid.price) / 2


class DepthLevel(NamedTuple):
    """A level of the order book."""

    price: Amount
    """In the quote asset."""
    volume: Amount
    """In the base asset."""
    time_s: Seconds
    """Unix time of its last change."""


class Depth(KrakenModel):
    """The order book of one pair."""

    pair: str
    """The pair as the exchange calls it."""
    asks: tuple[Annotated[DepthLevel, first(3)], ...]
    """Best first."""
    bids: tuple[Annotated[DepthLevel, first(3)], ...]
    """Best first."""


class Candle(NamedTuple):
    """A candle of OHLC."""

    time_s: Whole
    """Unix time of its beginning."""
    open: Amount
    """First price."""
    high: Amount
    """Highest price."""
    low: Amount
    """Lowest price."""
    close: Amount
    """Last price."""
    vwap: Amount
    """Volume-weighted average price."""
    volume: Amount
    """In the base asset."""
    trades: Whole
    """Number of trades."""


class Candles(KrakenModel):
    """OHLC of one pair; the last candle is still forming."""

    pair: str
    """The pair as the exchange calls it."""
    candles: tuple[Annotated[Candle, first(8)], ...]
    """Oldest first."""
    last: Whole
    """Unix time of the last closed candle: `since` of the next call."""


class PublicTrade(NamedTuple):
    """A trade of the market."""

    price: Amount
    """In the quote asset."""
    volume: Amount
    """In the base asset."""
    time_s: Seconds
    """Unix time."""
    side: Literal["b", "s"]
    """Taker's side: b(uy) or s(ell)."""
    ordertype: Literal["m", "l"]
    """Taker's order: m(arket) or l(imit)."""
    misc: str
    """Mostly empty."""
    trade_id: Whole
    """Rises with time."""


class PublicTrades(KrakenModel):
    """Trades of one pair."""

    pair: str
    """The pair as the exchange calls it."""
    trades: tuple[Annotated[PublicTrade, first(7)], ...]
    """Oldest first."""
    last: str
    """Nanoseconds since the epoch: `since` of the next call."""


class Quote(NamedTuple):
    """Best prices at one moment."""

    time_s: Whole
    """Unix time."""
    bid: Amount
    """Best bid."""
    ask: Amount
    """Best ask."""


class Quotes(KrakenModel):
    """Spread of one pair."""

    pair: str
    """The pair as the exchange calls it."""
    quotes: tuple[Annotated[Quote, first(3)], ...]
    """Oldest first."""
    last: Whole
    """Unix time: `since` of the next call."""


read_time = as_type(ServerTime)
read_status = as_type(SystemStatus)
read_assets = as_type(dict[str, Asset])
read_pairs = as_type(dict[str, AssetPair])
read_tickers = as_type(dict[str, Ticker])
_read_ticker = as_type(Ticker)
_read_depth = as_type(Depth)
_read_candles = as_type(Candles)
_read_trades = as_type(PublicTrades)
_read_quotes = as_type(Quotes)


def read_ticker(endpoint: str, result: Any) -> Ticker:
    """The ticker of the one pair in the result."""
    return _read_ticker(endpoint, sole(endpoint, result)[1])


def read_depth(endpoint: str, result: Any) -> Depth:
    """The order book of the one pair in the result."""
    pair, book = sole(endpoint, result)
    if not isinstance(book, dict):
        raise MalformedAnswerError(endpoint, f"result.{pair}: expected an object with asks and bids")
    return _read_depth(endpoint, {**book, "pair": pair})


def read_candles(endpoint: str, result: Any) -> Candles:
    """The candles of the one pair in the result."""
    pair, rows = sole(endpoint, result)
    return _read_candles(endpoint, {"pair": pair, "candles": rows, "last": result.get("last")})


def read_trades(endpoint: str, result: Any) -> PublicTrades:
    """The trades of the one pair in the result."""
    pair, rows = sole(endpoint, result)
    return _read_trades(endpoint, {"pair": pair, "trades": rows, "last": result.get("last")})


def read_quotes(endpoint: str, result: Any) -> Quotes:
    """The best prices of the one pair in the result."""
    pair, rows = sole(endpoint, result)
    return _read_quotes(endpoint, {"pair": pair, "quotes": rows, "last": result.get("last")})
