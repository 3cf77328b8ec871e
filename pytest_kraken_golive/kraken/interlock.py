"""The interlock: in production nothing that trades leaves, unless armed, and then only within the cap.

An order's notional is what it can cost at worst. A limit bounds what a buy pays; what a sell fetches is bounded by its
own price or by the best bid, whichever is higher, for a sell far below the market fills at the market. A market buy
takes what the book asks. What has no such bound (a stop that buys at any price, a trailing or relative price) is not
let through. Source of the price rules: Kraken: Add order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final, Protocol

from pytest_kraken_golive.kraken.endpoint import Mode
from pytest_kraken_golive.kraken.errors import LiveOrderRefused
from pytest_kraken_golive.kraken.market_data import Depth
from pytest_kraken_golive.kraken.models import OrderInfo
from pytest_kraken_golive.kraken.order_prices import Price, Relative
from pytest_kraken_golive.kraken.orders import NewOrder

_USD: Final = frozenset({"ZUSD", "USD"})
# Twice Kraken's widest number: the product of price and volume must not be rounded down to the cap.
_DIGITS: Final = 60
_MOVED: Final = Decimal("1.01")
"""How much further the market may have gone by the time that an order arrives."""
_LEVELS: Final = 500


@dataclass(frozen=True)
class Arming:
    """Somebody's decision that real orders may leave, and how large each of them may be."""

    max_notional_usd: Decimal
    """Largest price times volume of one call's orders, in USD; 0: only cancellations leave."""

    def __post_init__(self) -> None:
        cap = self.max_notional_usd
        if not isinstance(cap, Decimal):
            raise TypeError(f"max_notional_usd: expected a Decimal, found {type(cap).__name__}.")
        if not cap.is_finite() or cap < 0:
            raise ValueError(f"max_notional_usd: expected a number from zero, found {cap}.")


@dataclass(frozen=True)
class Exposure:
    """What of an order decides how much it can cost."""

    pair: str
    """Altname or id."""
    side: str
    """`buy` or `sell`."""
    ordertype: str
    """As Kraken names it."""
    volume: Decimal
    """In the base asset."""
    prices: tuple[Price, ...]
    """Its price and secondary price, as far as it has them."""

    def __str__(self) -> str:
        return f"{self.side} {self.volume} {self.pair}, {self.ordertype}"


def exposures_of(orders: Iterable[NewOrder]) -> list[Exposure]:
    """What orders come to; the order that follows another's fills trades as much again, on the other side."""
    found = []
    for order in orders:
        prices = tuple(price for price in (order.price, order.price2) if price is not None)
        found.append(Exposure(order.pair, order.side, order.ordertype, order.volume, prices))
        if (close := order.close) is not None:
            prices = tuple(price for price in (close.price, close.price2) if price is not None)
            side = "sell" if order.side == "buy" else "buy"
            found.append(Exposure(order.pair, side, close.ordertype, order.volume, prices))
    return found


class Market(Protocol):
    """What the interlock asks the exchange."""

    def quote_of(self, pair: str) -> str | None:
        """The quote asset of a pair as the exchange names it; None where it does not know the pair."""
        ...

    def depth(self, pair: str, count: int | None = None) -> Depth:
        """The order book."""
        ...


class Interlock:
    """Stands before every call that trades.

    Args:
        mode: in sandbox mode everything passes.
        arming: the permission, if there is one.
        market: asked for quote asset and book where the cap needs them.
    """

    def __init__(self, mode: Mode, arming: Arming | None, market: Market) -> None:
        self._arming = arming
        self._market = market
        self.guards = mode == "production"
        """Whether anything is held back at all."""

    def demand_arming(self, endpoint: str) -> None:
        """Let a call that cancels pass, or refuse it before anything of it is sent.

        Raises:
            LiveOrderRefused: production, and not armed.
        """
        if self.guards and self._arming is None:
            raise _refused(endpoint, "", "the client is not armed", "arm the client with a cap on purpose")

    def demand_cap(self, endpoint: str, exposures: Sequence[Exposure | None]) -> None:
        """Let real orders pass, or refuse them before anything of them is sent.

        Args:
            endpoint: Kraken's name of the call.
            exposures: what each order comes to; None: an order that is to be changed, and is not open.

        Raises:
            LiveOrderRefused: production, and not armed, or their notional in USD is unknown or above the cap.
        """
        if not self.guards:
            return
        if self._arming is None:
            step = "use validate=True where there is one, or arm the client with a cap on purpose"
            raise _refused(endpoint, _shown(exposures), "the client is not armed", step)
        with localcontext(prec=_DIGITS):
            notional_usd = sum((self._notional(endpoint, one) for one in exposures), Decimal(0))
        cap = self._arming.max_notional_usd
        if notional_usd > cap:
            why = f"its notional of {notional_usd.normalize():f} USD is above the cap of {cap} USD"
            raise _refused(endpoint, _shown(exposures), why, "make it smaller, or raise the cap on purpose")

    def _notional(self, endpoint: str, one: Exposure | None) -> Decimal:
        if one is None:
            why = "the order to change is not open, so its notional is not known"
            raise _refused(endpoint, "", why, "look at the open orders")
        quote = self._market.quote_of(one.pair)
        if quote not in _USD:
            why = f"its notional in USD is not known (quote asset: {quote or 'unknown'})"
            raise _refused(endpoint, str(one), why, "use a pair that is quoted in USD")
        price = self._worst_price(one)
        if price is None:
            why = f"a {one.side} {one.ordertype} order with such prices has no worst price to hold against the cap"
            raise _refused(endpoint, str(one), why, "use an order with a fixed limit")
        return price * one.volume

    def _worst_price(self, one: Exposure) -> Decimal | None:
        """The highest price at which it can trade; None where nothing bounds it."""
        fixed = [price for price in one.prices if isinstance(price, Decimal)]
        if len(fixed) < len(one.prices):
            return None
        if one.side == "sell":
            bids = self._market.depth(one.pair, 1).bids
            return max(*fixed, bids[0].price * _MOVED, Decimal(0)) if bids else None
        if one.ordertype == "market":
            return self._price_of_taking(one)
        limited = {"limit": 1, "iceberg": 1, "stop-loss-limit": 2, "take-profit-limit": 2}
        return fixed[-1] if fixed and len(fixed) == limited.get(one.ordertype) else None

    def _price_of_taking(self, one: Exposure) -> Decimal | None:
        left = one.volume
        for level in self._market.depth(one.pair, _LEVELS).asks:
            left -= level.volume
            if left <= 0:
                return level.price * _MOVED
        return None


def exposure_of_change(info: OrderInfo, volume: Decimal | None, changed: Sequence[Price | None]) -> Exposure:
    """What an open order comes to by a change.

    Args:
        info: the order as it stands.
        volume: its new volume; None leaves the old one.
        changed: its new price and secondary price; None leaves the old one.
    """
    prices: list[Price] = []
    for old, new in zip((info.descr.price, info.descr.price2), changed, strict=True):
        if new is not None:
            prices.append(new)
        elif not old.replace(".", "", 1).isdecimal():
            prices.append(Relative("#", Decimal(1)))  # it is written like +5.0%: nothing bounds it
        elif Decimal(old):
            prices.append(Decimal(old))
    descr = info.descr
    if descr.close:
        prices.append(Relative("#", Decimal(1)))  # nor what follows its fills, of which only words are known
    return Exposure(descr.pair, descr.type, descr.ordertype, volume or info.vol, tuple(prices))


def _shown(exposures: Sequence[Exposure | None]) -> str:
    return "; ".join(str(one) for one in exposures if one is not None)


def _refused(endpoint: str, what: str, why: str, step: str) -> LiveOrderRefused:
    of_what = f" ({what})" if what else ""
    return LiveOrderRefused(
        f"{endpoint}: live order refused before sending{of_what}: {why}. Next: {step}.", endpoint=endpoint
    )
