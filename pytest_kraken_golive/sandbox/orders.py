"""Orders and fills as the exchange keeps them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from .market import Pair
from .price_terms import PriceTerm

if TYPE_CHECKING:
    from .accounts import Account
    from .ledger import LedgerEntry

Side = Literal["buy", "sell"]
OrderType = Literal[
    "market",
    "limit",
    "iceberg",
    "stop-loss",
    "take-profit",
    "stop-loss-limit",
    "take-profit-limit",
    "trailing-stop",
    "trailing-stop-limit",
]
TimeInForce = Literal["GTC", "IOC", "GTD", "FOK"]
SelfTrade = Literal["cancel-newest", "cancel-oldest", "cancel-both"]
OrderStatus = Literal["pending", "open", "closed", "canceled", "expired"]
Signal = Literal["last", "index"]

LIMITED = frozenset({"limit", "iceberg", "stop-loss-limit", "take-profit-limit", "trailing-stop-limit"})
"""Order types that carry a limit price."""
TRIGGERED = frozenset(
    {"stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit", "trailing-stop", "trailing-stop-limit"}
)
"""Order types that wait for a price."""
TRAILING = frozenset({"trailing-stop", "trailing-stop-limit"})
"""Order types whose trigger follows the market."""

USER_REQUESTED = "User requested"
IMMEDIATE_OR_CANCEL = "Immediate or cancel"
FILL_OR_KILL = "Fill or kill"
POST_ONLY_ORDER = "Post only order"
SELF_TRADE = "Self trade prevention"
OUT_OF_FUNDS = "Insufficient funds"

ZERO = Decimal(0)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_TWO = [first + second for first in _LETTERS for second in _LETTERS]
_APART = [f"{first}-{second}" for first in _LETTERS for second in _LETTERS]


class Ids:
    """Ids of Kraken's shape: `OQCLML-BW3P3-BUCMWZ`, from a seed."""

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(f"ids/{seed}")  # noqa: S311 - ids are to be reproducible and guard nothing

    def next(self, prefix: str) -> str:
        """A new id that begins with the letter: `O` orders, `T` trades and amends, `L` ledger entries."""
        bits = self._random.getrandbits(80)
        low, high = bits & 0xFFFFFFFFFF, bits >> 40
        # Written out: an order that trades takes four of them.
        return (
            f"{prefix}{_TWO[low & 1023]}{_TWO[low >> 10 & 1023]}{_APART[low >> 20 & 1023]}{_TWO[low >> 30]}"
            f"{_TWO[high & 1023]}-{_TWO[high >> 10 & 1023]}{_TWO[high >> 20 & 1023]}{_TWO[high >> 30]}"
        )


@dataclass(slots=True, eq=False)
class Fill:
    """A trade of one order. Two orders of clients that meet have one each."""

    txid: str
    """Id of the trade, `T...`."""
    order: Order
    """The order that it belongs to."""
    trade_id: int
    """Number of the trade in its pair; the two sides of a trade share it."""
    at: float
    """Unix time in seconds."""
    price: Decimal
    """Price in quote units."""
    volume: Decimal
    """Volume in base units."""
    cost: Decimal
    """Price times volume, rounded to the pair's cost decimals."""
    fee: Decimal
    """Fee in quote units, as reports show it even where it was taken in base units."""
    maker: bool
    """Whether the order rested."""
    entries: tuple[LedgerEntry, ...] = ()
    """What it did to balances."""


@dataclass(slots=True)
class Trigger:
    """What a stop or take-profit order waits for. Prices in ticks."""

    signal: Signal
    """Whose price: the last trade's, or the index, which here is the mid."""
    falling: bool
    """Whether it fires at its level and below, rather than above."""
    level: int
    """Price at which it fires."""
    trail: PriceTerm | None = None
    """Distance kept to the best price since, of a trailing stop."""
    limit_offset: PriceTerm | None = None
    """Offset of the limit price from the trigger, of a trailing stop with a limit."""
    fired: bool = False
    """Whether it has."""


@dataclass(frozen=True, slots=True)
class CloseTerms:
    """The order that follows each fill of another (Kraken: conditional close)."""

    ordertype: OrderType
    """Its type."""
    price: PriceTerm
    """As in the field `close[price]`."""
    price2: PriceTerm | None
    """As in the field `close[price2]`."""


@dataclass(frozen=True, slots=True)
class Amend:
    """A state that an order was in from an amend on (Kraken: order amends)."""

    amend_id: str
    """Id of the amend, `T...`."""
    kind: Literal["original", "user"]
    """How it came about."""
    volume: Decimal
    """Wanted volume in base units."""
    remaining: Decimal
    """Of it what was not filled then."""
    price: Decimal | None
    """Limit price."""
    trigger: Decimal | None
    """Trigger price."""
    display: Decimal | None
    """Volume that shows."""
    at: float
    """Unix time in seconds."""


@dataclass(slots=True, eq=False)
class Order:
    """An order from its acceptance on."""

    txid: str
    """Id of the order, `O...`."""
    account: Account
    """Whose it is."""
    pair: Pair
    """What it trades."""
    side: Side
    """Buy or sell."""
    ordertype: OrderType
    """As stated."""
    volume: Decimal
    """Wanted volume in base units; of an order with a budget what the budget buys."""
    price: Decimal | None
    """Limit price; None takes any price."""
    opened_at: float
    """Unix time of acceptance in seconds."""
    touched_monotonic_s: float
    """Monotonic time of acceptance or of the last amend; ages count from it."""
    trigger: Trigger | None = None
    """What it waits for."""
    budget: Decimal | None = None
    """Quote units to spend, where the volume was given so (`viqc`)."""
    display: Decimal | None = None
    """Most volume that an iceberg shows at once."""
    showing: Decimal | None = None
    """What an iceberg shows now."""
    post_only: bool = False
    """Whether it may only make."""
    fee_in_base: bool = False
    """Whether its fees are taken in base units (`fcib`)."""
    timeinforce: TimeInForce = "GTC"
    """How long it may rest."""
    starts_at: float = 0.0
    """Unix time before which it is pending; 0 is at once."""
    expires_at: float = 0.0
    """Unix time of its expiry; 0 is never."""
    self_trade: SelfTrade = "cancel-newest"
    """What happens when it meets an order of its own account."""
    userref: int | None = 0
    """Reference of the client; None beside a `cl_ord_id`."""
    cl_ord_id: str | None = None
    """Id of the client, as given."""
    close: CloseTerms | None = None
    """The order that follows each of its fills."""
    refid: str | None = None
    """Id of the order that it follows."""
    door: str = "main"
    """Door through which it came."""
    status: OrderStatus = "open"
    """Where it stands."""
    reason: str | None = None
    """Why it was cancelled."""
    closed_at: float | None = None
    """Unix time of its end in seconds."""
    executed: Decimal = ZERO
    """Filled volume."""
    cost: Decimal = ZERO
    """Sum of its fills' costs."""
    fee: Decimal = ZERO
    """Sum of its fills' fees in quote units."""
    held: Decimal = ZERO
    """What it still holds of `held_asset`."""
    taker_rate: Decimal = ZERO
    """Fee rate of a taker when it became active; its hold is reckoned with it."""
    fills: tuple[Fill, ...] = ()
    """Its trades, oldest first."""
    amends: tuple[Amend, ...] = ()
    """Its states, oldest first; empty if it was never amended."""

    @property
    def remaining(self) -> Decimal:
        """Volume that is not filled."""
        return self.volume - self.executed

    @property
    def offered(self) -> Decimal:
        """Volume that shows in the book."""
        return self.remaining if self.showing is None else self.showing

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in {"open", "pending"}

    @property
    def is_waiting(self) -> bool:
        """Whether its start or its trigger is still ahead."""
        return self.status == "pending" or (self.trigger is not None and not self.trigger.fired)

    @property
    def held_asset(self) -> str:
        """The asset of which it holds some."""
        return self.pair.quote if self.side == "buy" else self.pair.base

    def show_next(self) -> None:
        """Let an iceberg show its next part."""
        if self.display is not None:
            self.showing = min(self.display, self.remaining)
