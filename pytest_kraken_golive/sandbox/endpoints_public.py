"""The public endpoints (Kraken: market data)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .books import Book
from .history import Candle, volume_weighted
from .market import Pair, answer_key
from .orders import ZERO
from .refusals import UNKNOWN_PAIR, Refusal, invalid
from .reports import market_price, market_volume
from .wire import Params, choice, integer, iso_time, names, places, rfc1123

if TYPE_CHECKING:
    from .exchange import Exchange

ASSET_CLASSES = ("currency", "tokenized_asset")
"""Values of `aclass`, `aclass_base` and `asset_class`; this exchange has currencies alone."""
INTERVALS_MIN = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle lengths in minutes."""
_MOST_CANDLES = 721
_MOST_QUOTES = 200
_MAX_TIME = 2**62
_COUNTRY = re.compile(r"[A-Za-z]{2}(:[A-Za-z0-9-]{1,6})?")
_NANOSECONDS_FROM = 10**12

_INFO_FIELDS = {
    "leverage": ("leverage_buy", "leverage_sell"),
    "fees": ("fees", "fees_maker", "fee_volume_currency"),
    "margin": ("margin_call", "margin_stop"),
}


def _one_pair(exchange: Exchange, params: Params) -> tuple[str, Pair]:
    """The key of an answer about one pair, and the pair that the call names."""
    name = params.get("pair", "")
    if not name:
        raise invalid("pair")
    pair = exchange.market.pair(name)
    if choice(params, "asset_class", ASSET_CLASSES, pair.facts["aclass_base"]) != pair.facts["aclass_base"]:
        raise Refusal(UNKNOWN_PAIR)
    return answer_key(name, pair), pair


def _time(_exchange: Exchange, _params: Params, now: float) -> object:
    return {"unixtime": int(now), "rfc1123": rfc1123(int(now))}


def _system_status(exchange: Exchange, _params: Params, now: float) -> object:
    # Kraken's list of statuses has no limit_only for the exchange; only its pairs show it.
    status = "online" if exchange.status == "limit_only" else exchange.status
    return {"status": status, "timestamp": iso_time(now)}


def _assets(exchange: Exchange, params: Params, _now: float) -> object:
    market = exchange.market
    if params.get("asset"):
        wanted = [market.asset(name) for name in names(params, "asset")]
    else:
        wanted = list(market.assets.values())
    aclass = choice(params, "aclass", ASSET_CLASSES, "currency")
    return {asset.id: asset.facts for asset in wanted if asset.facts["aclass"] == aclass}


def _named_pairs(exchange: Exchange, params: Params) -> dict[str, Pair]:
    """The pairs that a call lists, or all, by the key of the answer."""
    market = exchange.market
    if params.get("pair"):
        return {answer_key(name, market.pair(name)): market.pair(name) for name in names(params, "pair")}
    return dict(market.pairs)


def _asset_pairs(exchange: Exchange, params: Params, _now: float) -> object:
    info = choice(params, "info", ("info", *_INFO_FIELDS), "info")
    aclass = choice(params, "aclass_base", ASSET_CLASSES, "currency")
    if "country_code" in params and _COUNTRY.fullmatch(params["country_code"]) is None:
        raise invalid("country_code")
    shown: dict[str, Any] = {}
    for key, pair in _named_pairs(exchange, params).items():
        if pair.facts["aclass_base"] != aclass:
            continue
        facts = {**pair.facts, "status": exchange.shown_pair_status(pair.id)}
        shown[key] = facts if info == "info" else {name: facts[name] for name in _INFO_FIELDS[info]}
    return shown


def _ticker(exchange: Exchange, params: Params, now: float) -> object:
    return {key: _ticker_entry(exchange, pair, now) for key, pair in _named_pairs(exchange, params).items()}


def _ticker_entry(exchange: Exchange, pair: Pair, now: float) -> dict[str, Any]:
    book = exchange.engine.books[pair.id]
    last = exchange.history.last_trade(book, now)
    today, day = exchange.history.day(book, now)
    (volume_today, average_today), (volume_day, average_day) = volume_weighted(today), volume_weighted(day)
    last_ticks = book.ticks(last.price)

    def price(ticks: Any) -> str:
        return market_price(pair.tick * ticks, pair)

    return {
        "a": _front(book, "asks"),
        "b": _front(book, "bids"),
        "c": [market_price(last.price, pair), places(last.volume, 8)],
        "v": [places(volume_today, 8), places(volume_day, 8)],
        "p": [price(average_today), price(average_day)],
        "t": [sum(candle.count for candle in today), sum(candle.count for candle in day)],
        "l": [price(min(last_ticks, *(candle.low for candle in candles))) for candles in (today, day)],
        "h": [price(max(last_ticks, *(candle.high for candle in candles))) for candles in (today, day)],
        "o": price(today[0].first),
    }


def _front(book: Book, side: Any) -> list[str]:
    """Best price of a side, its volume in whole lots, and its volume; zeros if the side is empty."""
    offer = book.front(side)
    if offer is None:
        return [market_price(book.price(0), book.pair), "0", "0.000"]
    volume = sum((other.volume for other in book.at_front(side)), ZERO)
    return [market_price(book.price(offer.ticks), book.pair), str(max(1, int(volume))), places(volume, 3)]


def _ohlc(exchange: Exchange, params: Params, now: float) -> object:
    key, pair = _one_pair(exchange, params)
    interval = integer(params, "interval", 1, 1, INTERVALS_MIN[-1])
    if interval not in INTERVALS_MIN:
        raise invalid("interval")
    since = integer(params, "since", 0, 0, _MAX_TIME)
    book = exchange.engine.books[pair.id]
    candles = exchange.history.candles(book, interval * 60, since, _MOST_CANDLES, now)
    latest = int(now // (interval * 60)) * interval * 60
    return {key: [_candle_row(candle, pair) for candle in candles], "last": latest - interval * 60}


def _candle_row(candle: Candle, pair: Pair) -> list[Any]:
    prices = (candle.first, candle.high, candle.low, candle.last, candle.average)
    shown = [places(pair.tick * ticks, pair.price_decimals) for ticks in prices]
    return [candle.start_s, *shown, places(candle.volume, 8), candle.count]


def _depth(exchange: Exchange, params: Params, now: float) -> object:
    key, pair = _one_pair(exchange, params)
    count = integer(params, "count", 100, 1, 500)
    book = exchange.engine.books[pair.id]
    begun = int(exchange.engine.time_of(book.step))
    sides: dict[str, list[list[Any]]] = {}
    for side in ("asks", "bids"):
        rows: list[list[Any]] = []
        for ticks, volume, at in book.depth(side, count):
            rows.append([market_price(book.price(ticks), pair), market_volume(volume), int(at or begun)])
        sides[side] = rows
    return {key: sides}


def _trades(exchange: Exchange, params: Params, now: float) -> object:
    key, pair = _one_pair(exchange, params)
    count = integer(params, "count", 1000, 1, 1000)
    given = integer(params, "since", -1, 0, _MAX_TIME)
    # `since` is the `last` of an earlier answer, in nanoseconds; seconds are understood as well.
    since_ns = given if given >= _NANOSECONDS_FROM else given * 10**9
    after_id = None if given < 0 else since_ns // 1000
    trades = exchange.history.trades(exchange.engine.books[pair.id], after_id, count, now)
    rows = [
        [
            market_price(trade.price, pair),
            places(trade.volume, 8),
            trade.at,
            trade.side[0],
            trade.ordertype[0],
            "",
            trade.trade_id,
        ]
        for trade in trades
    ]
    # A trade's number is its microsecond, so the cursor is exact even among trades of one moment.
    last = trades[-1].trade_id * 1000 if trades else int(now * 1e9) if given < 0 else since_ns
    return {key: rows, "last": str(last)}


def _spread(exchange: Exchange, params: Params, now: float) -> object:
    key, pair = _one_pair(exchange, params)
    since = integer(params, "since", 0, 0, _MAX_TIME)
    engine = exchange.engine
    book = engine.books[pair.id]
    rows = []
    for step in range(engine.step - _MOST_QUOTES + 1, engine.step + 1):
        at = int(engine.time_of(step))
        if at >= since:
            bid, ask = book.prices.best(step)
            if step == engine.step:
                bid, ask = book.best("bids") or bid, book.best("asks") or ask
            rows.append([at, market_price(book.price(bid), pair), market_price(book.price(ask), pair)])
    return {key: rows, "last": rows[-1][0] if rows else int(now)}


ENDPOINTS: dict[str, Callable[[Exchange, Params, float], object]] = {
    "Time": _time,
    "SystemStatus": _system_status,
    "Assets": _assets,
    "AssetPairs": _asset_pairs,
    "Ticker": _ticker,
    "OHLC": _ohlc,
    "Depth": _depth,
    "Trades": _trades,
    "Spread": _spread,
}
"""Public endpoints by name; each takes the exchange, the parameters and the Unix time."""
