"""The strategy `top_of_book`: it looks at spread, book and prices, and decides on one small order at a time.

Nothing here talks to an exchange: a decision is a function of what is known, so that it can be tested as arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Literal

Side = Literal["buy", "sell"]

_WIDEST_SPREAD = Decimal("0.005")
"""Part of the mid; where the book is thinner than this, its top says nothing."""

_BEHIND_THE_TOP = Decimal("0.001")
"""Part of the price by which a resting order stays behind the top, so that it does not take."""

_ROOM_FOR_FEES = Decimal("1.02")
"""A buy needs its cost and the fee; Kraken's highest taker fee is 0.80 %, and the price may move meanwhile."""


@dataclass(frozen=True)
class PairRules:
    """What the exchange demands of an order (Kraken: AssetPairs)."""

    base: str
    """Asset id that is bought or sold."""
    quote: str
    """Asset id that it is paid in."""
    order_min: Decimal
    """Smallest volume, in base."""
    cost_min: Decimal
    """Smallest cost, in quote."""
    tick: Decimal
    """Step of the price."""
    lot_decimals: int
    """Digits of the volume."""
    id: str = ""
    """Kraken's id of the pair; where it is not needed, empty."""


@dataclass(frozen=True)
class MarketView:
    """What is known about a pair right now."""

    bid: Decimal
    """Best bid (Ticker)."""
    ask: Decimal
    """Best ask (Ticker)."""
    bid_depth: Decimal
    """Volume on the bid side of the book (Depth)."""
    ask_depth: Decimal
    """Volume on the ask side of the book (Depth)."""
    last_trade: Decimal
    """Price of the newest trade (Trades)."""
    last_close: Decimal
    """Close of the last finished candle (OHLC)."""

    @property
    def mid(self) -> Decimal:
        """Middle between best bid and best ask."""
        return (self.bid + self.ask) / 2


@dataclass(frozen=True)
class RiskLimits:
    """The risk profile, as far as a spot strategy without leverage can come near it."""

    max_position: Decimal
    """Largest cost of all own orders of the run, as a part of the equity."""
    max_open_positions: int
    """Most own orders and positions at once."""
    max_loss: Decimal
    """Loss at which trading stops, as a part of the equity."""


@dataclass(frozen=True)
class Book:
    """What the strategy owns and has already done in this run."""

    equity: Decimal
    """Worth of what the account held at the start, at the prices of now, in quote."""
    available: Mapping[str, Decimal]
    """Asset id to what is free for orders."""
    committed: Decimal
    """Cost of the run's own orders so far, in quote."""
    loss: Decimal
    """Loss of the run so far, in quote; negative is a gain."""
    positions: int
    """Own resting orders and positions."""
    rests: bool
    """A limit order for this pair has been placed."""
    took: bool
    """A market order for this pair has been placed, or is not wanted for it."""


@dataclass(frozen=True)
class Decision:
    """What to do about a pair now."""

    kind: Literal["limit", "market", "hold"]
    """`limit` rests in the book and never takes; `market` takes; `hold` does nothing."""
    reason: str
    """Why, in a few words."""
    side: Side = "buy"
    """Which way, for an order."""
    volume: Decimal = Decimal(0)
    """In base, for an order."""
    price: Decimal | None = None
    """In quote, for a limit order."""
    rule: str | None = None
    """Key of the risk profile that held it back."""


Strategy = Callable[[MarketView, PairRules, Book, RiskLimits], Decision]
"""Decides on one pair."""


def top_of_book(view: MarketView, rules: PairRules, book: Book, limits: RiskLimits) -> Decision:
    """Rest one small order behind the top of the book, then take once in the direction of the market.

    Args:
        view: the market.
        rules: the pair's minimums and steps.
        book: what is owned and done.
        limits: the risk profile.
    """
    if (wait := _reason_to_wait(view, book, limits)) is not None:
        return wait
    kind: Literal["limit", "market"] = "market" if book.rests else "limit"
    side = _affordable(_leaning(view), view, rules, book)
    if side is None:
        return Decision("hold", "nothing to pay with")
    reference = view.mid if kind == "market" else _behind(side, view, rules)
    volume = smallest_volume(reference, rules)
    held_back = _held_back(volume * reference, book, limits)
    if held_back is not None:
        return Decision("hold", "risk limit reached", rule=held_back)
    price = reference if kind == "limit" else None
    return Decision(kind, "rest" if kind == "limit" else "take", side, volume, price)


STRATEGIES: Mapping[str, Strategy] = {"top_of_book": top_of_book}
"""The strategies that an entrypoint can name."""


def smallest_volume(price: Decimal, rules: PairRules) -> Decimal:
    """The smallest volume that meets both minimums at this price, with a little room for a price that moves."""
    step = Decimal(1).scaleb(-rules.lot_decimals)
    for_cost = (rules.cost_min * _ROOM_FOR_FEES / price).quantize(step, rounding=ROUND_CEILING)
    return max(rules.order_min.quantize(step, rounding=ROUND_CEILING), for_cost)


def _reason_to_wait(view: MarketView, book: Book, limits: RiskLimits) -> Decision | None:
    if not 0 < view.bid < view.ask:
        return Decision("hold", "no sound top of book")
    if (view.ask - view.bid) / view.mid > _WIDEST_SPREAD:
        return Decision("hold", "spread too wide")
    if book.loss >= limits.max_loss * book.equity:
        return Decision("hold", "loss limit reached", rule="max_daily_loss_pct")
    if book.rests and book.took:
        return Decision("hold", "nothing left to do")
    return None


def _leaning(view: MarketView) -> Side:
    """Where book and last prices point: two of three votes."""
    votes = [view.bid_depth >= view.ask_depth, view.last_trade >= view.last_close, view.mid >= view.last_close]
    return "buy" if sum(votes) > len(votes) // 2 else "sell"


def _affordable(side: Side, view: MarketView, rules: PairRules, book: Book) -> Side | None:
    """The side if the account can pay for the smallest order, else the other one, else none."""
    volume = smallest_volume(view.mid, rules)
    can: dict[Side, bool] = {
        "buy": book.available.get(rules.quote, Decimal(0)) >= volume * view.ask * _ROOM_FOR_FEES,
        "sell": book.available.get(rules.base, Decimal(0)) >= volume * _ROOM_FOR_FEES,
    }
    other: Side = "sell" if side == "buy" else "buy"
    return side if can[side] else other if can[other] else None


def _behind(side: Side, view: MarketView, rules: PairRules) -> Decimal:
    """A price behind the own side's top, on the pair's price steps."""
    if side == "buy":
        return _on_step(view.bid * (1 - _BEHIND_THE_TOP), rules.tick, ROUND_FLOOR)
    return _on_step(view.ask * (1 + _BEHIND_THE_TOP), rules.tick, ROUND_CEILING)


def _on_step(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    steps = (price / tick).quantize(Decimal(1), rounding=rounding)
    return (steps * tick).quantize(tick, rounding=ROUND_HALF_EVEN)


def _held_back(cost: Decimal, book: Book, limits: RiskLimits) -> str | None:
    """The key of the risk profile that forbids a further order of this cost; None if none does."""
    if book.positions >= limits.max_open_positions:
        return "max_open_positions"
    if book.committed + cost > limits.max_position * book.equity:
        return "max_position_pct"
    return None
