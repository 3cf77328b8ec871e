"""The desk: accepts, fires, matches, amends and ends orders of all pairs."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Literal

from ..clock import Clock
from . import fees
from .accounts import Account
from .appraisal import affordable, against, fillable, needed, reaches, would_take
from .books import Book, BookSide
from .followers import follower
from .orders import (
    FILL_OR_KILL,
    IMMEDIATE_OR_CANCEL,
    OUT_OF_FUNDS,
    POST_ONLY_ORDER,
    SELF_TRADE,
    USER_REQUESTED,
    ZERO,
    Amend,
    Ids,
    Order,
)
from .refusals import INSUFFICIENT_FUNDS, POST_ONLY, Refusal
from .settings import SandboxSettings
from .settlement import Match, Settlement, Witness
from .timers import Timers
from .triggers import renew


class Desk:
    """Everything that happens to orders. The books' prices and steps are the engine's."""

    def __init__(self, settings: SandboxSettings, books: dict[str, Book], witness: Witness, clock: Clock) -> None:
        self._reject_post_only = settings.post_only_crossing == "reject"
        self._books = books
        self._witness = witness
        self._clock = clock
        self.ids = Ids(settings.seed)
        self.money = Settlement(settings, self.ids, books, witness)
        self.timers = Timers()
        """What is due at a time of its own; the engine lets it happen."""
        self._closes: deque[tuple[Order, Decimal]] = deque()
        """Fills that an order is to follow: the filled order, and the volume."""

    def taker_rate(self, account: Account, now: float) -> Decimal:
        """What the account pays for taking, as a fraction of cost."""
        return fees.rate(account.volume_30d_usd(now), maker=False)

    def check_funds(self, order: Order, freed: Decimal = ZERO) -> None:
        """Refuse an order that its account cannot pay, even with what an order that it replaces holds."""
        if needed(order, self._books[order.pair.id]) > order.account.available(order.held_asset) + freed:
            raise Refusal(INSUFFICIENT_FUNDS)

    def check_posting(self, order: Order) -> None:
        """Refuse a post-only order that would take, if the exchange refuses rather than cancels such."""
        if order.post_only and self._reject_post_only and not order.is_waiting and self.crosses(order):
            raise Refusal(POST_ONLY)

    def place(self, order: Order, now: float) -> None:
        """Accept an order whose funds are checked, and let it wait, trade or rest.

        Raises:
            Refusal: a post-only order would take, and the exchange refuses rather than cancels such.
        """
        self.check_posting(order)
        self._accept(order)
        if order.status == "pending":
            self.timers.set(order.starts_at, lambda at: self._start(order, at))
        else:
            self._activate(order, now)
        if order.expires_at and order.is_open:
            self.timers.set(order.expires_at, lambda at: self._expire(order, at))
        self._react(self._books[order.pair.id], now)

    def _accept(self, order: Order) -> None:
        order.account.take_in(order)
        # A market order that need not wait is over before anybody could look at what it holds.
        if order.price is not None or order.is_waiting:
            order.account.hold(order, needed(order, self._books[order.pair.id]))
        self._witness.ordered(order)

    def _start(self, order: Order, now: float) -> None:
        """Begin with a scheduled order; where no trades occur it goes on waiting."""
        book = self._books[order.pair.id]
        if order.status != "pending":
            return
        if book.halted:
            book.delayed.append(order)
            return
        order.status = "open"
        if order.trigger is not None:
            renew(order.trigger, book.signals()[order.trigger.signal], order.pair)
        if order.budget is not None:
            order.volume = affordable(order.budget, order, book)
        if self._pays(order, now):
            self._activate(order, now)
        self._react(book, now)

    def start_delayed(self, book: Book, now: float) -> None:
        """Begin with the orders whose start fell into a halt."""
        delayed, book.delayed = book.delayed, []
        for order in delayed:
            self._start(order, now)

    def _expire(self, order: Order, now: float) -> None:
        if order.is_open:
            order.status = "expired"
            self._end(order, now)

    def _activate(self, order: Order, now: float) -> None:
        book = self._books[order.pair.id]
        if order.trigger is None:
            self._enter(order, now)
        else:
            book.triggers.watch(order, book.signals()[order.trigger.signal])
            order.account.hold(order, needed(order, book))

    def _fire(self, order: Order, now: float) -> None:
        assert order.trigger is not None  # only such orders fire
        order.trigger.fired = True
        if self._pays(order, now):
            self._enter(order, now)

    def _pays(self, order: Order, now: float) -> bool:
        """Whether its account can pay an order that waited, at today's fee and prices; if not, it ends."""
        order.taker_rate = self.taker_rate(order.account, now)
        need = needed(order, self._books[order.pair.id])
        if need > order.held + order.account.available(order.held_asset):
            self.cancel(order, OUT_OF_FUNDS, now)
            return False
        order.account.hold(order, need)
        return True

    def crosses(self, order: Order) -> bool:
        """Whether a limit order would be filled at once, at least in part."""
        return would_take(order, self._books[order.pair.id])

    def _enter(self, order: Order, now: float) -> None:
        """Match an order, and let rest what may."""
        book = self._books[order.pair.id]
        if order.post_only and self.crosses(order):
            self.cancel(order, POST_ONLY_ORDER, now)
            return
        if order.timeinforce == "FOK" and not fillable(order, book):
            self.cancel(order, FILL_OR_KILL, now)
            return
        self._match(order, now)
        if order.is_open:
            if order.price is None or order.timeinforce in {"IOC", "FOK"}:
                self.cancel(order, IMMEDIATE_OR_CANCEL, now)
            else:
                book.rest(order)

    def _match(self, order: Order, now: float) -> None:
        book, side, before = self._books[order.pair.id], against(order), order.executed
        while order.remaining and (offer := book.front(side)) is not None and reaches(order, book, offer.ticks):
            resting = offer.order
            if resting is not None and resting.account is order.account:
                if order.self_trade != "cancel-newest":
                    self.cancel(resting, SELF_TRADE, now)
                if order.self_trade != "cancel-oldest":
                    self.cancel(order, SELF_TRADE, now)
                    break
                continue
            amount = min(offer.volume, order.remaining)
            if resting is None:
                book.take_level(side, amount)
            self._trade(Match(book, book.price(offer.ticks), amount, order, resting), now)
        if order.close is not None and order.executed > before:
            # One order follows what was taken at once, from however many makers.
            self._closes.append((order, order.executed - before))

    def _trade(self, match: Match, now: float) -> None:
        self.money.trade(match, now)
        for order in match.orders:
            if order.close is not None and order is match.maker:
                self._closes.append((order, match.volume))
            if not order.remaining:
                order.status = "closed"
                self._end(order, now)
            elif order.showing == 0:
                match.book.rest(order)

    def _react(self, book: Book, now: float) -> None:
        """Fire what the last price reaches and place what fills call for, until nothing moves any more."""
        while not book.halted:
            if self._closes:
                self._follow(*self._closes.popleft(), now)
                continue
            concerned = book.triggers.reached(book.signals()) if book.triggers else None
            if concerned is None:
                return
            order, fires = concerned
            if fires:
                self._fire(order, now)
            else:
                order.account.hold(order, needed(order, book))

    def _follow(self, parent: Order, volume: Decimal, now: float) -> None:
        """Place the order that closes a fill; one that its account cannot pay, or without a price, comes to nothing."""
        book = self._books[parent.pair.id]
        order = follower(parent, volume, book, self.ids.next("O"))
        order.opened_at, order.touched_monotonic_s = now, self._clock.monotonic() - (self._clock.time() - now)
        order.taker_rate = self.taker_rate(order.account, now)
        # The trigger is in ticks, but only its sign matters.
        positive = (order.price is None or order.price > 0) and (order.trigger is None or order.trigger.level > 0)
        if positive and needed(order, book) <= order.account.available(order.held_asset):
            self._accept(order)
            self._activate(order, now)

    # --- changes ------------------------------------------------------------------------------------------------------

    def replace(self, old: Order, new: Order, now: float) -> None:
        """Cancel an order and place another one instead, whose funds are checked with what the first one holds.

        Raises:
            Refusal: as `place`; the first order is still there then.
        """
        self.check_posting(new)
        self.cancel(old, USER_REQUESTED, now)
        self.place(new, now)

    def amend(self, order: Order, terms: Order, now: float) -> str:
        """Let an order work on with other terms, which are checked; gives the amend's id.

        It keeps its place unless its price changes or its volume grows (Kraken: place kept where possible).
        """
        book = self._books[order.pair.id]
        if not order.amends:
            order.amends = (_state(order, "original", self.ids.next("T"), order.opened_at),)
        keeps_place = terms.price == order.price and terms.volume <= order.volume
        if terms.volume <= order.executed:
            self.cancel(order, USER_REQUESTED, now)
        else:
            order.volume, order.price, order.display = terms.volume, terms.price, terms.display
            order.trigger, order.post_only = terms.trigger, terms.post_only
            self._work_on(order, keeps_place=keeps_place, now=now)
        amend_id = self.ids.next("T")
        order.amends += (_state(order, "user", amend_id, now),)
        self._react(book, now)
        return amend_id

    def _work_on(self, order: Order, *, keeps_place: bool, now: float) -> None:
        """Hold what amended terms need, and stand where they belong."""
        book = self._books[order.pair.id]
        order.account.hold(order, needed(order, book))
        if order.status == "pending":
            return
        if order.is_waiting:
            self._activate(order, now)
        elif keeps_place:
            if order.showing is not None and order.display is not None:
                order.showing = min(order.showing, order.display, order.remaining)
        else:
            book.leave(order)
            self._enter(order, now)

    # --- the market ---------------------------------------------------------------------------------------------------

    def settle(self, book: Book, at: float) -> None:
        """Let the market take what it reached, at the orders' own prices, and fire what waited for such a price."""
        sides: tuple[tuple[BookSide, BookSide], ...] = (("bids", "asks"), ("asks", "bids"))
        for side, levels_side in sides:
            self._take_side(book, side, levels_side, at)
        self._react(book, at)

    def _take_side(self, book: Book, side: BookSide, levels_side: BookSide, at: float) -> None:
        while (order := book.first_resting(side)) is not None and (levels := book.levels(levels_side)):
            ticks, volume = levels[-1]
            limit = book.best_resting(side) or 0
            if ticks > limit if side == "bids" else ticks < limit:
                return
            amount = min(volume, order.offered)
            book.take_level(levels_side, amount)
            self._trade(Match(book, book.price(limit), amount, None, order), at)

    # --- ends -----------------------------------------------------------------------------------------------------

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

    def cancel_all_at(self, account: Account, at: float | None) -> None:
        """Set an account's dead man's switch to a Unix time, or turn it off."""
        account.cancel_all_at = at
        if at is not None:
            self.timers.set(at, lambda now: self._run_out(account, at, now))

    def _run_out(self, account: Account, at: float, now: float) -> None:
        # A switch that was set anew or turned off meanwhile has another time.
        if account.cancel_all_at == at:
            account.cancel_all_at = None
            self.cancel_all(account, now)

    def _end(self, order: Order, now: float) -> None:
        order.closed_at = now
        order.account.hold(order, ZERO)
        order.account.let_go(order)
        self._books[order.pair.id].leave(order)


def _state(order: Order, kind: Literal["original", "user"], amend_id: str, at: float) -> Amend:
    trigger = None if order.trigger is None else order.pair.tick * order.trigger.level
    remaining = order.volume if kind == "original" else order.remaining
    return Amend(amend_id, kind, order.volume, remaining, order.price, trigger, order.display, at)
