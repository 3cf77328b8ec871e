"""Money: what a match moves between two sides, the fees that it leaves, and what orders hold meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import NamedTuple, Protocol

from . import fees
from .appraisal import needed
from .books import Book
from .market import Pair
from .orders import ZERO, Fill, Ids, Order
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


class Match(NamedTuple):
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

    @property
    def orders(self) -> list[Order]:
        """The sides that are clients' orders, the taker's first."""
        return [order for order in (self.taker, self.maker) if order is not None]


class Settlement:
    """Moves base against quote, so that nothing is ever made or lost."""

    def __init__(self, settings: SandboxSettings, ids: Ids, books: dict[str, Book], witness: Witness) -> None:
        self._rounding = _ROUNDINGS[settings.rounding]
        self._ids = ids
        self._books = books
        self._witness = witness
        self.market_money: dict[str, Decimal] = {}
        """What the invented market gained and lost, by asset."""
        self.fees_taken: dict[str, Decimal] = {}
        """Fees, by asset."""

    def trade(self, match: Match, now: float) -> None:
        """Exchange base against quote between the sides of a match."""
        pair, orders = match.book.pair, match.orders
        cost = self._rounded(match.price * match.volume, pair.cost_quantum)
        for order in orders:
            if order.side == "buy":
                # The roundings of many fills may add up to more than an account has that spends its last unit.
                cost = min(cost, order.held + order.account.available(pair.quote))
        trade_id = match.book.next_trade_id(now)
        for order in orders:
            fill = Fill("", order, trade_id, now, match.price, match.volume, cost, ZERO, order is match.maker)
            self._fill(fill, match.book)
        if len(orders) == 1:
            sign = 1 if orders[0].side == "sell" else -1
            _add(self.market_money, pair.base, sign * match.volume)
            _add(self.market_money, pair.quote, -sign * cost)
        match.book.traded(match.price)

    def _rounded(self, amount: Decimal, quantum: Decimal) -> Decimal:
        return amount.quantize(quantum, self._rounding)

    def _fill(self, fill: Fill, book: Book) -> None:
        order, pair = fill.order, book.pair
        account = order.account
        rate = order.taker_rate
        if fill.maker:
            # Volume may have run out of the 30 days since; the order holds no more than it was accepted with.
            rate = min(rate, fees.rate(account.volume_30d_usd(fill.at), maker=True))
        fill.txid = self._ids.next("T")
        fill.fee = self._rounded(fill.cost * rate, pair.cost_quantum)
        if order.fee_in_base:
            base_fee = self._rounded(fill.volume * rate, pair.fee_quantum)
            if order.side == "sell":
                base_fee = min(base_fee, order.held + account.available(pair.base) - fill.volume)
            self._move(fill, ZERO, base_fee)
        else:
            if order.side == "buy":
                fill.fee = min(fill.fee, order.held + account.available(pair.quote) - fill.cost)
            self._move(fill, fill.fee, ZERO)
        order.executed += fill.volume
        order.cost += fill.cost
        order.fee += fill.fee
        order.fills += (fill,)
        if order.showing is not None and fill.maker:
            order.showing -= fill.volume
        self._hold_the_rest(order, book)
        account.fills[fill.txid] = fill
        account.traded(fill.at, self.usd_value(pair, fill.cost))
        book.recent.append(fill)
        self._witness.filled(fill)

    def _hold_the_rest(self, order: Order, book: Book) -> None:
        """Let a part-filled order hold what its rest needs; a market order ends at once, whatever it holds."""
        if order.price is not None and order.remaining:
            asset, account = order.held_asset, order.account
            account.hold(order, min(needed(order, book), order.held + account.available(asset)))
        else:
            order.account.hold(order, ZERO)

    def _move(self, fill: Fill, quote_fee: Decimal, base_fee: Decimal) -> None:
        """Book both sides of a fill; its order's hold makes way first."""
        order, pair = fill.order, fill.order.pair
        sign = 1 if order.side == "buy" else -1
        spent = fill.cost + quote_fee if order.side == "buy" else fill.volume + base_fee
        order.account.hold(order, max(ZERO, order.held - spent))
        ledger = order.account.ledger
        fill.entries = (
            ledger.book("trade", pair.quote, -sign * fill.cost, fill.at, fee=quote_fee, refid=fill.txid),
            ledger.book("trade", pair.base, sign * fill.volume, fill.at, fee=base_fee, refid=fill.txid),
        )
        _add(self.fees_taken, pair.quote, quote_fee)
        _add(self.fees_taken, pair.base, base_fee)

    # --- values ---------------------------------------------------------------------------------------------------

    def usd_value(self, pair: Pair, cost: Decimal) -> Decimal:
        """A cost in USD, at the market's own rate between the quotes of XBTUSD and XBTEUR."""
        return (cost * self.usd_rate(pair.quote)).quantize(_USD_QUANTUM)

    def usd_rate(self, asset: str) -> Decimal:
        """USD for one unit of an asset, at the current mids."""
        if asset == "ZUSD":
            return Decimal(1)
        for book in self._books.values():
            if (book.pair.base, book.pair.quote) == (asset, "ZUSD"):
                return book.price(book.signals()["index"])
        for book in self._books.values():
            if book.pair.quote == asset:
                return self.usd_rate(book.pair.base) / book.price(book.signals()["index"])
        raise KeyError(f"no pair gives {asset} a price in USD")


def total(money: Iterable[dict[str, Decimal]]) -> dict[str, Decimal]:
    """Every asset's sum."""
    sums: dict[str, Decimal] = {}
    for amounts in money:
        for asset, amount in amounts.items():
            _add(sums, asset, amount)
    return sums


def _add(money: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    money[asset] = money.get(asset, ZERO) + amount
