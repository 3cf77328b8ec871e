"""Orders and fills as the exchange keeps them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from .market import Pair

if TYPE_CHECKING:
    from .accounts import Account

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit"]
TimeInForce = Literal["GTC", "IOC"]
SelfTrade = Literal["cancel-newest", "cancel-oldest", "cancel-both"]
OrderStatus = Literal["pending", "open", "closed", "canceled", "expired"]

USER_REQUESTED = "User requested"
IMMEDIATE_OR_CANCEL = "Immediate or cancel"
POST_ONLY_ORDER = "Post only order"
SELF_TRADE = "Self trade prevention"

ZERO = Decimal(0)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Ids:
    """Ids of Kraken's shape: `OQCLML-BW3P3-BUCMWZ`, from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"ids/{seed}")  # noqa: S311 - ids are to be reproducible and guard nothing

    def next(self, prefix: str) -> str:
        """A new id that begins with the letter: `O` orders, `T` trades."""
        text = "".join(self._random.choices(_LETTERS, k=16))
        return f"{prefix}{text[:5]}-{text[5:10]}-{text[10:]}"


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
    """Fee in quote units."""
    maker: bool
    """Whether the order rested."""


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
    """Market or limit."""
    volume: Decimal
    """Wanted volume in base units."""
    price: Decimal | None
    """Limit price; None for market orders."""
    opened_at: float
    """Unix time of acceptance in seconds."""
    opened_monotonic_s: float
    """Monotonic time of acceptance; ages count from it."""
    post_only: bool = False
    """Whether it may only make."""
    timeinforce: TimeInForce = "GTC"
    """How long it may rest."""
    self_trade: SelfTrade = "cancel-newest"
    """What happens when it meets an order of its own account."""
    oflags: str = "fciq"
    """Flags as reports show them."""
    userref: int | None = 0
    """Reference of the client; None beside a `cl_ord_id`."""
    cl_ord_id: str | None = None
    """Id of the client, as given."""
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
    """Sum of its fills' fees."""
    held: Decimal = ZERO
    """What it still holds: quote units of a buy, base units of a sell."""
    taker_rate: Decimal = ZERO
    """Fee rate of a taker when it was accepted; its hold is reckoned with it."""
    fills: list[Fill] = field(default_factory=list)
    """Its trades, oldest first."""

    @property
    def remaining(self) -> Decimal:
        """Volume that is not filled."""
        return self.volume - self.executed

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled or cancelled."""
        return self.status in {"open", "pending"}

    @property
    def held_asset(self) -> str:
        """The asset of which it holds some."""
        return self.pair.quote if self.side == "buy" else self.pair.base
