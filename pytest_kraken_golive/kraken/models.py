"""What the private endpoints answer, as models. Source: Kraken: account data, trading; the recorded answers.

Numbers keep Kraken's field names where those are words of the trade: `vol`, `vol_exec`, `cost`, `fee`.
"""

from __future__ import annotations

from decimal import Decimal

from pydantic import AliasChoices, Field, SecretStr

from pytest_kraken_golive.kraken.reading import Amount, KrakenModel, Reference, Seconds, Whole, as_type


class ApiKeyInfo(KrakenModel):
    """GetApiKeyInfo: what the exchange knows about the key that asks."""

    name: str = Field(alias="apiKeyName")
    """The name that its owner gave it."""
    api_key: SecretStr = Field(alias="apiKey")
    """The public half of the key; still nothing to print."""
    permissions: tuple[str, ...]
    """`query-funds`, `query-open-trades`, `modify-trades`, ..."""
    nonce: str | None = None
    """The last nonce that was accepted."""
    nonce_window: Whole | None = Field(default=None, alias="nonceWindow")
    """Nonce units within which lower nonces pass; 0 is strict."""
    iban: SecretStr | None = None
    """The account's public id."""
    valid_until: str | None = Field(default=None, alias="validUntil")
    """Unix time as text; `0`: no end."""
    query_from: str | None = Field(default=None, alias="queryFrom")
    """Unix time as text; `0`: no bound."""
    query_to: str | None = Field(default=None, alias="queryTo")
    """Unix time as text; `0`: no bound."""
    created_time: str | None = Field(default=None, alias="createdTime")
    """Unix time as text."""
    modified_time: str | None = Field(default=None, alias="modifiedTime")
    """Unix time as text."""
    ip_allowlist: tuple[str, ...] | None = Field(default=None, alias="ipAllowlist")
    """Addresses that may use it; empty: any. None where the exchange does not say."""
    last_used: str | None = Field(default=None, alias="lastUsed")
    """Unix time as text."""


class ExtendedBalance(KrakenModel):
    """One asset of BalanceEx."""

    balance: Amount
    """All of it."""
    hold_trade: Amount
    """Held by open orders."""
    credit: Amount | None = None
    """Credit line; None where the account has none."""
    credit_used: Amount | None = None
    """Used part of the credit line; None where the account has none."""

    @property
    def available(self) -> Decimal:
        """What can be spent: balance + credit - used credit - held (Kraken: Get extended balance)."""
        return self.balance + (self.credit or Decimal()) - (self.credit_used or Decimal()) - self.hold_trade


class FeeTier(KrakenModel):
    """The fee of one pair at the account's volume; all rates in percent, negative for a rebate."""

    fee: Amount
    """Fee now."""
    min_fee: Amount | None = Field(default=None, validation_alias=AliasChoices("minfee", "min_fee"))
    """Lowest fee of the ladder."""
    max_fee: Amount | None = Field(default=None, validation_alias=AliasChoices("maxfee", "max_fee"))
    """Highest fee of the ladder."""
    next_fee: Amount | None = Field(default=None, validation_alias=AliasChoices("nextfee", "next_fee"))
    """Fee of the next tier; None at the top."""
    next_volume: Amount | None = Field(default=None, validation_alias=AliasChoices("nextvolume", "next_volume"))
    """Volume of the next tier; None at the top."""
    tier_volume: Amount | None = Field(default=None, validation_alias=AliasChoices("tiervolume", "tier_volume"))
    """Volume of this tier."""


class TradeVolume(KrakenModel):
    """TradeVolume: the only source of the fees in force."""

    currency: str
    """Asset id in which volume is counted."""
    volume: Amount
    """30-day volume."""
    fees: dict[str, FeeTier] | None = None
    """Taker fees by pair id; None where no pair was asked for."""
    fees_maker: dict[str, FeeTier] | None = None
    """Maker fees by pair id; a pair without a split is missing."""


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
    validated_only: bool
    """True: checked, not placed."""


class CancelResult(KrakenModel):
    """CancelOrder and CancelAll."""

    count: Whole
    """Orders cancelled."""
    pending: bool | None = None
    """True: the cancellation is not final yet."""


class WebSocketsToken(KrakenModel):
    """GetWebSocketsToken."""

    token: SecretStr
    """Lets a socket act for the account."""
    expires: Whole
    """Seconds until it must have been used."""


read_key_info = as_type(ApiKeyInfo)
read_balance = as_type(dict[str, Amount])
read_balance_ex = as_type(dict[str, ExtendedBalance])
read_volume = as_type(TradeVolume)
read_open = as_type(OpenOrders)
read_closed = as_type(ClosedOrders)
read_orders = as_type(dict[str, OrderInfo])
read_history = as_type(TradesHistory)
read_placed = as_type(AddOrderResult)
read_cancelled = as_type(CancelResult)
read_token = as_type(WebSocketsToken)
