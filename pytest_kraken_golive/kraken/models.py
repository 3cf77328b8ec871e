"""What the endpoints about orders and fills answer, as models. Source: Kraken: account data, trading; recorded answers.

Numbers keep Kraken's field names where those are words of the trade: `vol`, `vol_exec`, `cost`, `fee`.
"""

from __future__ import annotations

from pydantic import AwareDatetime, Field, field_validator

from pytest_kraken_golive.kraken.reading import Amount, KrakenModel, Reference, Seconds, Whole, as_type


class OrderDescription(KrakenModel):
    """What an order says."""

    pair: str
    """Altname."""
    type: str
    """`buy` or `sell`."""
    ordertype: str
    """`market`, `limit`, ..."""
    price: str
    """As text: stops write distances such as `+50.0000%`."""
    price2: str
    """As text."""
    order: str
    """The order in one line."""
    leverage: str | None = None
    """`none` or `5:1`."""
    close: str | None = None
    """Conditional close order in one line."""


class OrderInfo(KrakenModel):
    """An order as OpenOrders, ClosedOrders and QueryOrders show it."""

    status: str
    """`pending`, `open`, `closed`, `canceled` or `expired`."""
    descr: OrderDescription
    """What it says."""
    opentm: Seconds
    """Unix time of its placing."""
    vol: Amount
    """Volume ordered."""
    vol_exec: Amount
    """Volume filled."""
    cost: Amount
    """Paid or received so far, in the quote asset."""
    fee: Amount
    """Fees so far."""
    price: Amount
    """Average price of the fills; 0 without one."""
    oflags: str
    """Flags, separated by commas: `post,fciq`."""
    misc: str = ""
    """`stopped`, `touched`, `partial`, ... separated by commas."""
    limitprice: Amount | None = None
    """Triggered limit price."""
    stopprice: Amount | None = None
    """Stop price."""
    starttm: Seconds | None = None
    """Unix time at which it begins; 0: at once."""
    expiretm: Seconds | None = None
    """Unix time at which it ends; 0: never."""
    closetm: Seconds | None = None
    """Unix time at which it was closed; None while open."""
    reason: str | None = None
    """Why it was cancelled."""
    refid: Reference = None
    """The order that this one belongs to."""
    userref: Whole | None = None
    """The owner's number; None with a client id."""
    cl_ord_id: str | None = None
    """The owner's client id."""
    trades: tuple[str, ...] = ()
    """Ids of its fills, where they were asked for."""


class OpenOrders(KrakenModel):
    """OpenOrders."""

    open: dict[str, OrderInfo]
    """By order id, in no order."""


class ClosedOrders(KrakenModel):
    """A page of ClosedOrders (at most 50)."""

    closed: dict[str, OrderInfo]
    """By order id, in no order."""
    count: Whole | None = None
    """Orders on all pages."""


class TradeInfo(KrakenModel):
    """A fill of the account."""

    ordertxid: str
    """Id of its order."""
    pair: str
    """Pair id: `XXBTZUSD`."""
    time: Seconds
    """Unix time."""
    type: str
    """`buy` or `sell`."""
    ordertype: str
    """`market`, `limit`, ..."""
    price: Amount
    """In the quote asset."""
    cost: Amount
    """In the quote asset."""
    fee: Amount
    """Its fee."""
    vol: Amount
    """In the base asset."""
    margin: Amount | None = None
    """Initial margin."""
    misc: str = ""
    """Flags."""
    postxid: str | None = None
    """Position id."""
    trade_id: Whole | None = None
    """The market's number of the trade."""
    maker: bool | None = None
    """True where the order rested; None where the exchange does not say."""


class TradesHistory(KrakenModel):
    """A page of TradesHistory (at most 50)."""

    trades: dict[str, TradeInfo]
    """By trade id, in no order."""
    count: Whole | None = None
    """Trades on all pages."""


class PlacedDescription(KrakenModel):
    """How the exchange understood an order."""

    order: str
    """The order in one line."""
    close: str | None = None
    """Conditional close order in one line."""


class AddOrderResult(KrakenModel):
    """AddOrder's result as it stands on the wire."""

    descr: PlacedDescription
    """How the exchange understood the order."""
    txid: tuple[str, ...] | None = None
    """Order ids; None where it was only checked."""


class PlacedOrder(KrakenModel):
    """An order that the exchange has accepted."""

    cl_ord_id: str
    """Its client id."""
    txid: str | None
    """Its order id; None where it was only checked (`validate`)."""
    order: str
    """The order in one line, as the exchange understood it."""
    close: str | None = None
    """The order that follows each of its fills, in one line; None: nothing follows."""
    validated_only: bool
    """True: checked, not placed."""
    found: bool = False
    """True: the answer to it was lost, and it was found on the exchange's books."""


class BatchEntry(KrakenModel):
    """One order of AddOrderBatch's result as it stands on the wire."""

    descr: PlacedDescription | None = None
    """How the exchange understood the order; None where it refused it."""
    txid: str | None = None
    """Order id; None where it was refused or only checked."""
    close: str | None = None
    """Conditional close order in one line; in a batch it stands here, not in `descr`."""
    error: str | None = None
    """Why it was refused."""


class BatchResult(KrakenModel):
    """AddOrderBatch."""

    orders: tuple[BatchEntry, ...]
    """In the order of the request."""


class AmendResult(KrakenModel):
    """AmendOrder."""

    amend_id: str = Field(min_length=1)
    """Id of the change."""
    found: bool = False
    """True: the answer to it was lost, and it was found among the order's changes."""


class OrderAmend(KrakenModel):
    """A state that an order was in from a change on."""

    amend_id: str
    """Id of the change."""
    amend_type: str
    """`original`, `user`, or `restated` by the exchange."""
    order_qty: Amount
    """Whole volume."""
    remaining_qty: Amount
    """Of it what was not filled then."""
    limit_price: Amount | None = None
    """Limit."""
    trigger_price: Amount | None = None
    """Trigger."""
    display_qty: Amount | None = None
    """Shown volume of an iceberg."""
    timestamp: Whole
    """Nanoseconds since the Unix epoch."""


class OrderAmends(KrakenModel):
    """OrderAmends."""

    amends: tuple[OrderAmend, ...]
    """Oldest first; empty where the order was never changed."""


class EditResult(KrakenModel):
    """EditOrder."""

    txid: str | None = None
    """Id of the new order; None where it was only checked."""
    original_txid: str | None = Field(default=None, alias="originaltxid")
    """Id of the old one; None where the exchange does not say."""
    orders_cancelled: Whole | None = None
    """How many orders it replaced; None where the exchange does not say."""
    descr: PlacedDescription
    """How the exchange understood the new order."""
    status: str | None = None
    """`ok` or `err`; None where the exchange does not say."""
    error_message: str | None = None
    """Why it failed."""


class DeadMansSwitch(KrakenModel):
    """CancelAllOrdersAfter."""

    current_time: AwareDatetime = Field(alias="currentTime")
    """When the exchange answered."""
    trigger_time: AwareDatetime | None = Field(alias="triggerTime")
    """When it cancels every order; None: it is off."""

    @field_validator("trigger_time", mode="before")
    @classmethod
    def _off(cls, value: object) -> object:
        return None if str(value) == "0" else value


class CancelResult(KrakenModel):
    """CancelOrder and CancelAll."""

    count: Whole
    """Orders cancelled."""
    pending: bool | None = None
    """True: the cancellation is not final yet."""


read_open = as_type(OpenOrders)
read_closed = as_type(ClosedOrders)
read_orders = as_type(dict[str, OrderInfo])
read_history = as_type(TradesHistory)
read_trades = as_type(dict[str, TradeInfo])
read_placed = as_type(AddOrderResult)
read_cancelled = as_type(CancelResult)
read_batch = as_type(BatchResult)
read_amended = as_type(AmendResult)
read_amends = as_type(OrderAmends)
read_edited = as_type(EditResult)
read_switch = as_type(DeadMansSwitch)
