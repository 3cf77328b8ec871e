"""The matching engine: places, fills, settles and cancels orders, and lets the invented market move.

Time is settled when somebody looks: before a request is handled, everything that had to happen since the last one
happens in its order (resting orders that the market reached, dead man's switches that ran out).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import Protocol

from . import fees
from .accounts import Account
from .books import Book, BookSide
from .market import Market, Pair
from .orders import (
    IMMEDIATE_OR_CANCEL,
    POST_ONLY_ORDER,
    SELF_TRADE,
    USER_REQUESTED,
    ZERO,
    Fill,
    Ids,
    Order,
)
from .prices import Prices
from .refusals import INSUFFICIENT_FUNDS, POST_ONLY, Refusal
from .settings import SandboxSettings

_ROUNDINGS = {"half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "up": ROUND_UP}
_USD_QUANTUM = Decimal("0.0001")


class Witness(Protocol):
    """Whoever keeps the books of what happened."""

    def ordered(self, order: Order) -> None:
        """An order was accepted."""
        ...

    def filled(self, fill: Fill) -> None:
        """An order was filled, in part or whole."""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """Two sides that meet; one of them may be the invented market (None)."""

    book: Book
    """Where."""
    price: Decimal
    """The maker's."""
    volume: Decimal
    """In base units."""
    taker: Order | None
    """Who came."""
    maker: Order | None
    """Who was there."""


class Engine:
    """Books and money of all pairs."""

    def __init__(
        self, settings: SandboxSettings, market: Market, accounts: Iterable[Account], witness: Witness, now: float
    ) -> None:
        self.step_s = settings.step_s
        self.seed = settings.seed
        self._rounding = _ROUNDINGS[settings.rounding]
        self._reject_post_only = settings.post_only_crossing == "reject"
        self._accounts = list(accounts)
        self._witness = witness
        self.ids = Ids(settings.seed)
        self.step = self.step_of(now)
        starts = {market.pair(name).id: price for name, price in settings.prices.items()}
        self.books: dict[str, Book] = {}
        for pair in market.pairs.values():
            prices = Prices(pair, settings.seed, starts.get(pair.id, pair.reference), settings.volatility)
            self.books[pair.id] = Book(pair, prices, self.step)
            if pair.id in starts:
                prices.set_mid(self.step, starts[pair.id], hold=settings.volatility == 0)
        self.offline = False
        """Whether the engine is down; a dead man's switch that runs out meanwhile fires when it returns."""
        self.market_money: dict[str, Decimal] = {}
        """What the invented market gained and lost, by asset."""
        self.fees_taken: dict[str, Decimal] = {}
        """Fees, by asset."""

    def enrol(self, account: Account) -> None:
        """Take in an account that was opened later."""
        self._accounts.append(account)

    def step_of(self, at: float) -> int:
        """The market's step at a Unix time."""
        return math.floor(at / self.step_s)

    def time_of(self, step: int) -> float:
        """Unix time at which a step begins."""
        return step * self.step_s

    # --- time -----------------------------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let happen what had to happen until a Unix time."""
        due = [(account.cancel_all_at, account) for account in self._accounts if account.cancel_all_at is not None]
        for at, account in sorted(due, key=lambda entry: entry[0]):
            if at <= now and not self.offline:
                self._advance_market(self.step_of(at))
                account.cancel_all_at = None
                self.cancel_all(account, at)
        self._advance_market(self.step_of(now))

    def _advance_market(self, target: int) -> None:
        """Let the market take resting orders, step by step over all pairs, and go to the target step."""
        if target <= self.step:
            return
        pending = {name: self._next_taken(book, self.step + 1, target) for name, book in self.books.items()}
        while hits := [(step, name) for name, step in pending.items() if step is not None]:
            step, name = min(hits)
            book = self.books[name]
            self._go_to(step)
            self._market_takes(book, self.time_of(step))
            pending[name] = self._next_taken(book, step + 1, target)
        self._go_to(target)

    def _go_to(self, step: int) -> None:
        self.step = step
        for book in self.books.values():
            # A book that is there already keeps what was taken from it in this step.
            if book.step != step:
                book.move_to(step)

    @staticmethod
    def _next_taken(book: Book, low: int, high: int) -> int | None:
        bid, ask = book.best_resting("bids"), book.best_resting("asks")
        if book.halted or (bid is None and ask is None):
            return None
        return book.prices.first_step(low, high, bid, ask)

    def _market_takes(self, book: Book, at: float) -> None:
        """Fill resting orders that the market's levels have reached; they make, at their own price."""
        for side, against in (("bids", "asks"), ("asks", "bids")):
            self._take_side(book, side, against, at)  # type: ignore[arg-type]  # the literals above are book sides

    def _take_side(self, book: Book, side: BookSide, against: BookSide, at: float) -> None:
        while (order := book.first_resting(side)) is not None and (levels := book.levels(against)):
            ticks, volume = levels[-1]
            limit = book.best_resting(side) or 0
            if ticks > limit if side == "bids" else ticks < limit:
                return
            amount = min(volume, order.remaining)
            book.take_level(against, amount)
            self._trade(Match(book, book.price(limit), amount, None, order), at)

    def set_price(self, pair: Pair, mid: Decimal, *, hold: bool) -> None:
        """Set the mid of a pair at the current step; whatever rests within the new market's reach is filled."""
        book = self.books[pair.id]
        book.prices.set_mid(self.step, mid, hold=hold)
        book.move_to(self.step)

    def settle_prices(self, pair: Pair, now: float) -> None:
        """Fill what rests within the market's reach now."""
        if not self.books[pair.id].halted:
            self._market_takes(self.books[pair.id], now)

    # --- orders ---------------------------------------------------------------------------------------------------

    def needed(self, order: Order) -> Decimal:
        """What an order would hold: quote with the taker's fee for a buy, base for a sell."""
        if order.side == "sell":
            return order.remaining
        if order.price is not None:
            gross = order.remaining * order.price * (1 + order.taker_rate)
            return gross.quantize(order.pair.cost_quantum, ROUND_UP)
        total = ZERO
        left = order.volume
        book = self.books[order.pair.id]
        for offer in book.offers("asks"):
            amount = min(left, offer.volume)
            cost = self._rounded(book.price(offer.ticks) * amount, order.pair)
            total += cost + self._rounded(cost * order.taker_rate, order.pair)
            left -= amount
            if not left:
                break
        return total

    def taker_rate(self, account: Account, now: float) -> Decimal:
        """What the account pays for taking, as a fraction of cost."""
        return fees.rate(account.volume_30d_usd(now), maker=False)

    def check_funds(self, order: Order) -> None:
        """Refuse an order that its account cannot pay."""
        if self.needed(order) > order.account.available(order.held_asset):
            raise Refusal(INSUFFICIENT_FUNDS)

    def would_take(self, order: Order) -> bool:
        """Whether a limit order would be filled at once, at least in part."""
        book = self.books[order.pair.id]
        best = book.best("asks" if order.side == "buy" else "bids")
        return best is not None and self._reaches(order, book, best)

    def place(self, order: Order, now: float) -> None:
        """Accept an order whose funds are checked, and match it.

        Raises:
            Refusal: a post-only order would take, and the exchange refuses rather than cancels such.
        """
        crossing = order.post_only and self.would_take(order)
        if crossing and self._reject_post_only:
            raise Refusal(POST_ONLY)
        account = order.account
        account.orders[order.txid] = account.open[order.txid] = order
        account.remember_client_id(order)
        account.hold(order, self.needed(order))
        self._witness.ordered(order)
        if crossing:
            self.cancel(order, POST_ONLY_ORDER, now)
            return
        self._match(order, now)
        if order.is_open:
            if order.ordertype == "market" or order.timeinforce == "IOC":
                self.cancel(order, IMMEDIATE_OR_CANCEL, now)
            else:
                self.books[order.pair.id].rest(order)

    @staticmethod
    def _reaches(order: Order, book: Book, ticks: int) -> bool:
        if order.price is None:
            return True
        limit = book.ticks(order.price)
        return ticks <= limit if order.side == "buy" else ticks >= limit

    def _match(self, order: Order, now: float) -> None:
        book = self.books[order.pair.id]
        side: BookSide = "asks" if order.side == "buy" else "bids"
        while order.remaining and (offer := book.front(side)) is not None and self._reaches(order, book, offer.ticks):
            resting = offer.order
            if resting is not None and resting.account is order.account:
                if order.self_trade != "cancel-newest":
                    self.cancel(resting, SELF_TRADE, now)
                if order.self_trade != "cancel-oldest":
                    self.cancel(order, SELF_TRADE, now)
                    return
                continue
            amount = min(offer.volume, order.remaining)
            if resting is None:
                book.take_level(side, amount)
            self._trade(Match(book, book.price(offer.ticks), amount, order, resting), now)

    def cancel(self, order: Order, reason: str, now: float) -> None:
        """End an open order before it is filled."""
        order.status, order.reason = "canceled", reason
        self._end(order, now)

    def cancel_all(self, account: Account, now: float) -> int:
        """Cancel every open order of an account; how many there were."""
        orders = list(account.open.values())
        for order in orders:
            self.cancel(order, USER_REQUESTED, now)
        return len(orders)

    def _end(self, order: Order, now: float) -> None:
        order.closed_at = now
        order.account.hold(order, ZERO)
        order.account.open.pop(order.txid, None)
        order.account.forget_client_id(order)
        self.books[order.pair.id].leave(order)

    # --- money ----------------------------------------------------------------------------------------------------

    def _rounded(self, amount: Decimal, pair: Pair) -> Decimal:
        return amount.quantize(pair.cost_quantum, self._rounding)

    def _trade(self, match: Match, now: float) -> None:
        """Exchange base against quote."""
        book, taker, maker = match.book, match.taker, match.maker
        cost = self._rounded(match.price * match.volume, book.pair)
        trade_id = book.next_trade_id(now)
        for order in (taker, maker):
            if order is not None:
                fill = Fill("", order, trade_id, now, match.price, match.volume, cost, ZERO, order is maker)
                self._fill(order, fill)
        if taker is None or maker is None:
            known = taker or maker
            sign = 1 if known is not None and known.side == "sell" else -1
            self._add(self.market_money, book.pair.base, sign * match.volume)
            self._add(self.market_money, book.pair.quote, -sign * cost)
        for order in (taker, maker):
            if order is not None and not order.remaining:
                order.status = "closed"
                self._end(order, now)

    @staticmethod
    def _add(money: dict[str, Decimal], asset: str, amount: Decimal) -> None:
        money[asset] = money.get(asset, ZERO) + amount

    def _fill(self, order: Order, fill: Fill) -> None:
        account, pair = order.account, order.pair
        rate = order.taker_rate
        if fill.maker:
            # Volume may have run out of the 30 days since; the order holds no more than it was accepted with.
            rate = min(rate, fees.rate(account.volume_30d_usd(fill.at), maker=True))
        fee = self._rounded(fill.cost * rate, pair)
        fill.txid = self.ids.next("T")
        if order.side == "buy":
            # Rounding each of many fills may add up to a few units of the last decimal more than was held.
            fee = min(fee, order.held + account.available(pair.quote) - fill.cost)
            held = max(order.held - fill.cost - fee, ZERO)
            account.change(pair.base, fill.volume)
            account.change(pair.quote, -fill.cost - fee)
        else:
            held = order.held - fill.volume
            account.change(pair.base, -fill.volume)
            account.change(pair.quote, fill.cost - fee)
        self._add(self.fees_taken, pair.quote, fee)
        fill.fee = fee
        order.executed += fill.volume
        order.cost += fill.cost
        order.fee += fee
        order.fills.append(fill)
        account.hold(order, min(held, self.needed(order)) if order.price is not None else held)
        account.fills.append(fill)
        account.traded(fill.at, self.usd_value(pair, fill.cost))
        self.books[pair.id].recent.append(fill)
        self._witness.filled(fill)

    def usd_value(self, pair: Pair, cost: Decimal) -> Decimal:
        """A cost in USD, at the market's own rate between the quotes of XBTUSD and XBTEUR."""
        return (cost * self.usd_rate(pair.quote)).quantize(_USD_QUANTUM)

    def usd_rate(self, asset: str) -> Decimal:
        """USD for one unit of an asset, at the current mids."""
        if asset == "ZUSD":
            return Decimal(1)
        for book in self.books.values():
            if (book.pair.base, book.pair.quote) == (asset, "ZUSD"):
                return self.mid(book)
        for book in self.books.values():
            if book.pair.quote == asset:
                return self.usd_rate(book.pair.base) / self.mid(book)
        raise KeyError(f"no pair gives {asset} a price in USD")

    def mid(self, book: Book) -> Decimal:
        """The mid of a pair now."""
        return book.price(book.prices.mid(self.step))
