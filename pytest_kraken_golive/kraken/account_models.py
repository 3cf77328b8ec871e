"""What the endpoints about key and money answer, as models. Source: Kraken: account data; the recorded answers."""

from __future__ import annotations

from decimal import Decimal

from pydantic import AliasChoices, Field, SecretStr

from pytest_kraken_golive.kraken.reading import Amount, KrakenModel, Seconds, Whole, as_type


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


class TradeBalance(KrakenModel):
    """TradeBalance: everything in one asset. Source: Kraken: Get trade balance."""

    equivalent_balance: Amount = Field(alias="eb")
    """All assets together."""
    trade_balance: Amount = Field(alias="tb")
    """What of it can serve for trades."""
    margin: Amount = Field(alias="m")
    """Margin of open positions."""
    unrealized: Amount = Field(alias="n")
    """Net profit or loss of open positions."""
    cost_basis: Amount = Field(alias="c")
    """Cost of open positions."""
    valuation: Amount = Field(alias="v")
    """Value of open positions."""
    equity: Amount = Field(alias="e")
    """Trade balance and unrealized profit or loss."""
    free_margin: Amount = Field(alias="mf")
    """Equity without margin."""
    margin_level: Amount | None = Field(default=None, alias="ml")
    """In percent; None without open positions."""
    unexecuted_value: Amount | None = Field(default=None, alias="uv")
    """Value of orders that are not filled; None where the exchange does not say."""


class LedgerEntry(KrakenModel):
    """A booking of one asset."""

    refid: str
    """What it belongs to, such as a trade."""
    time: Seconds
    """Unix time."""
    type: str
    """`trade`, `deposit`, ..."""
    subtype: str = ""
    """More about the type."""
    aclass: str
    """`currency`."""
    asset: str
    """Asset id."""
    amount: Amount
    """Signed."""
    fee: Amount
    """Its fee."""
    balance: Amount
    """Balance after it."""


class Ledgers(KrakenModel):
    """A page of Ledgers (at most 50)."""

    ledger: dict[str, LedgerEntry]
    """By ledger id, in no order."""
    count: Whole | None = None
    """Bookings on all pages."""


class Position(KrakenModel):
    """A margin position. This client opens none, but an account may have some."""

    ordertxid: str
    """Id of the order that opened it."""
    pair: str
    """Pair id."""
    time: Seconds
    """Unix time of its opening."""
    type: str
    """`buy` or `sell`."""
    ordertype: str
    """`market`, `limit`, ..."""
    cost: Amount
    """In the quote asset."""
    fee: Amount
    """Fees so far."""
    vol: Amount
    """Volume."""
    vol_closed: Amount
    """Closed part of the volume."""
    margin: Amount
    """Initial margin."""


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
read_positions = as_type(dict[str, Position])
read_trade_balance = as_type(TradeBalance)
read_ledgers = as_type(Ledgers)
read_bookings = as_type(dict[str, LedgerEntry])
read_token = as_type(WebSocketsToken)
