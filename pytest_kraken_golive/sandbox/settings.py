"""What an embedded exchange is started with: pydantic models that travel as JSON.

Key material shows as `***` in every repr and in an ordinary dump; `to_json` is the one explicit way to write it out.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    SerializationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

Tier = Literal["starter", "intermediate", "pro"]
"""Kraken's verification tiers, which set the limits."""

Status = Literal["online", "maintenance", "cancel_only", "post_only", "limit_only"]
"""Modes of the exchange. SystemStatus knows all but `limit_only`, which only the pairs show (Kraken: AssetPairs)."""

FaultKind = Literal[
    "latency",
    "http",
    "reset_before",
    "reset_after",
    "refused",
    "truncated",
    "truncated_chunk",
    "error",
    "throttled",
    "stale_nonce",
]
"""Kinds of trouble that can be ordered; see `FaultSettings`."""

Spread = Literal["none", "uniform", "exponential", "lognormal"]
"""How a fault's wait varies beyond `latency_s`; see `FaultSettings.spread_s`."""

_FIELDS_OF_KINDS = {
    "status": {"http"},
    "error": {"error"},
    "more_errors": {"error"},
    "handled": {"http", "error"},
    "refuse_s": {"refused"},
    "throttle_s": {"throttled"},
}
"""Which kinds a field of a fault belongs to; the other fields belong to all."""

PERMISSIONS = (
    "query-funds",
    "add-funds",
    "withdraw-funds",
    "earn-funds",
    "query-open-trades",
    "query-closed-trades",
    "modify-trades",
    "close-trades",
    "query-ledger",
    "export-data",
    "create-ws-token",
    "add-withdraw-address",
    "update-withdraw-address",
)
"""Permission names as GetApiKeyInfo gives them (Kraken: get API key info)."""

BOT_PERMISSIONS = ("query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades")
"""What a trading bot needs, and no more."""

Positive = Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

MOST_SKEW_S = 86_400.0
"""How wrong the exchange's clock can be."""

_ERROR = r"^[EW][A-Za-z]+:.+"
"""Grammar of an error string (Kraken: errors)."""


def new_credentials() -> tuple[SecretStr, SecretStr]:
    """A random API key and secret of Kraken's shape: 56 characters, and Base64 of 64 bytes."""
    key = base64.b64encode(secrets.token_bytes(42)).decode()
    secret = base64.b64encode(secrets.token_bytes(64)).decode()
    return SecretStr(key), SecretStr(secret)


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True, hide_input_in_errors=True)


class AccountSettings(_Settings):
    """An account with its one API key."""

    name: str = "trader"
    """Unique among the accounts; the admin interface knows the account by it."""
    api_key: SecretStr = Field(default_factory=lambda: new_credentials()[0])
    """Public part of the key; random by default."""
    api_secret: SecretStr = Field(default_factory=lambda: new_credentials()[1])
    """Base64 secret; random by default, never derived from the seed."""
    permissions: list[str] = list(BOT_PERMISSIONS)
    """Names as GetApiKeyInfo gives them."""
    nonce_window: int = Field(default=0, ge=0)
    """In nonce units; 0 demands strictly rising nonces."""
    balances: dict[str, NotNegative] = {
        "ZUSD": Decimal(100_000),
        "ZEUR": Decimal(100_000),
        "XXBT": Decimal(2),
        "XETH": Decimal(20),
        "SOL": Decimal(200),
    }
    """Starting balances by asset id or altname."""
    volume_30d_usd: NotNegative = Decimal(0)
    """Traded volume that counts for the fee tier besides the fills made here."""
    tier: Tier | None = None
    """Tier of this account; None takes the exchange's."""
    limits: bool = True
    """False frees this account of REST and engine limits."""
    ip_allowlist: list[str] = []
    """Addresses or networks that may use the key; empty allows all."""
    valid_until_s: int = Field(default=0, ge=0)
    """Unix second at which the key ends; 0 is never."""

    @field_validator("permissions")
    @classmethod
    def _known_permissions(cls, names: list[str]) -> list[str]:
        for name in names:
            if name not in PERMISSIONS:
                raise ValueError(f"unknown permission {name!r}; Kraken's are {', '.join(PERMISSIONS)}")
        return names

    @field_validator("api_key")
    @classmethod
    def _usable_key(cls, key: SecretStr) -> SecretStr:
        if not key.get_secret_value().strip("*"):
            raise ValueError("the API key is empty or masked; write settings with to_json() to keep it")
        return key

    @field_validator("api_secret")
    @classmethod
    def _base64_secret(cls, secret: SecretStr) -> SecretStr:
        try:
            decoded = base64.b64decode(secret.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("the API secret is not Base64 (its value is not shown)") from None
        if not decoded:
            raise ValueError("the API secret is empty")
        return secret

    @field_serializer("api_key", "api_secret")
    def _masked(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if (info.context or {}).get("reveal") is True else "***"


class FaultSettings(_Settings):
    """Trouble that is served to the next matching requests.

    Kinds:
        latency: the request waits, and is then handled as ever.
        http: an HTML page as Cloudflare's, with `status`; nothing handled unless `handled`.
        reset_before: the connection is reset, nothing handled.
        reset_after: handled, then the connection is reset without an answer.
        refused: the connection is reset, nothing handled, and for `refuse_s` the door refuses connections.
        truncated: handled; half the body arrives, less than its Content-Length says.
        truncated_chunk: handled; the body comes chunked and ends in the middle of its chunk.
        error: an error array of `error` and `more_errors`; nothing handled unless `handled`. An array of warnings
            (`W...`) alone comes with the result, so it needs `handled`.
        throttled: `EService: Throttled: <Unix second>`, nothing handled, `throttle_s` ahead.
        stale_nonce: `EAPI:Invalid nonce`, nothing handled.
    """

    kind: FaultKind
    endpoint: str = "*"
    """Endpoint name such as `AddOrder`; `*` is every one."""
    door: str = "*"
    """Door through which the request comes; `*` is every one."""
    times: int | None = Field(default=1, ge=1)
    """How many requests it hits; None is without end."""
    skip: int = Field(default=0, ge=0)
    """Matching requests that pass before the first is hit."""
    probability: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    """Share of the matching requests that are hit, drawn from the seed; the others go on to the next fault."""
    latency_s: Seconds = 0.0
    """Wait before the request is handled; any kind may carry one."""
    spread: Spread = "none"
    """Shape of a further wait, drawn from the seed for each request."""
    spread_s: Seconds = 0.0
    """Size of the further wait: `uniform` from 0 to it, `exponential` with it as mean, `lognormal` (sigma 1) with it
    as median."""
    status: int = Field(default=502, ge=400, le=599)
    """HTTP status of kind `http`."""
    error: str = Field(default="EService:Busy", pattern=_ERROR)
    """Error string of kind `error`."""
    more_errors: list[Annotated[str, Field(pattern=_ERROR)]] = []
    """Further strings of its array."""
    handled: bool = False
    """For `http` and `error`: True handles the request first: the order is placed, the answer says trouble."""
    refuse_s: Seconds = 1.0
    """For `refused`: how long, on the exchange's clock."""
    throttle_s: Seconds = 5.0
    """For `throttled`: how far ahead the named second lies."""

    @property
    def errors(self) -> list[str]:
        """The error array of kind `error`."""
        return [self.error, *self.more_errors]

    @property
    def only_warns(self) -> bool:
        """Whether that array holds warnings alone."""
        return all(text.startswith("W") for text in self.errors)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, kinds in _FIELDS_OF_KINDS.items():
            # By value: settings that travelled as JSON name every field.
            if self.kind not in kinds and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name}: belongs to kind {' and '.join(sorted(kinds))}, not to {self.kind}")
        if (self.spread == "none") != (self.spread_s == 0):
            raise ValueError(f"spread and spread_s go together; found {self.spread} and {self.spread_s}")
        if self.kind == "latency" and not (self.latency_s or self.spread_s):
            raise ValueError("latency_s: a latency without latency_s or spread_s does nothing")
        if self.kind == "error" and self.only_warns and not self.handled:
            raise ValueError("handled: warnings alone come with a result; set it to true")
        return self


class PublicLimit(_Settings):
    """Bucket of public calls of one address at one door. Kraken publishes no number; the default is generous."""

    capacity: float = Field(default=600, gt=0)
    """Calls that may come at once."""
    per_s: float = Field(default=50, gt=0)
    """Calls per second that it takes for long."""


class Lockout(_Settings):
    """`EGeneral:Temporary lockout` after bad keys, signatures and nonces from one address at one door."""

    failures: int = Field(default=100, ge=1)
    """Failures that bring it about."""
    within_s: Seconds = 60.0
    """Time in which they must fall."""
    duration_s: Seconds = 900.0
    """Its length; every try starts it anew (Kraken support: about 15 minutes)."""


class SandboxSettings(_Settings):
    """Everything that an exchange is made of."""

    seed: int = 1
    """Of prices, books and ids; never of credentials."""
    tier: Tier = "pro"
    """Tier of accounts that do not name one."""
    latency_s: Seconds = 0.0
    """Service time of every call; calls overlap."""
    accounts: list[AccountSettings] = Field(default_factory=lambda: [AccountSettings()])
    """Accounts; names and keys are unique."""
    doors: list[str] = ["main"]
    """Names of the ports; behind all is the same exchange, and each request is booked under its door."""
    limits: bool = True
    """False turns off every rate limit."""
    public_limit: PublicLimit = PublicLimit()
    """Limit of public calls."""
    history_cost: Literal[2, 4] = 2
    """What a ledger or trade-history call costs (Kraken's pages have said both)."""
    lockout: Lockout = Lockout()
    """When bad authentication locks an address out."""
    status: Status = "online"
    """Mode at the start."""
    clock_skew_s: float = Field(default=0.0, ge=-MOST_SKEW_S, le=MOST_SKEW_S, allow_inf_nan=False)
    """How far the exchange's clock is ahead of the true time; negative is behind."""
    faults: list[FaultSettings] = []
    """Faults installed at the start."""
    prices: dict[str, Positive] = {}
    """Mid price at the start by pair name; the pair's reference price by default."""
    volatility: float = Field(default=1.0, ge=0, le=5, allow_inf_nan=False)
    """Factor on the price process; 1 moves about 2 % a day, 0 keeps prices still."""
    step_s: float = Field(default=1.0, gt=0, le=60)
    """Time after which mid and book change."""
    post_only_crossing: Literal["reject", "cancel"] = "reject"
    """A post-only order that would take: refused with an error, or accepted and at once cancelled (both are seen)."""
    wording: Literal["live", "documented"] = "live"
    """Whose words the refusals of minimum and decimals use: the running exchange's or the documents'."""
    accept_wsname: bool = False
    """Whether `XBT/USD` is a pair name (refused in 2026 recordings, listed in older documents)."""
    rounding: Literal["half_even", "half_up", "up"] = "half_even"
    """How cost and fee are rounded to the pair's cost decimals (Kraken does not say)."""
    journal_calls: int = Field(default=0, ge=0)
    """How many calls of each door are booked one by one; see `journal.Journal`."""
    admin_token: SecretStr = Field(default_factory=lambda: SecretStr(secrets.token_urlsafe(24)))
    """Value of the header `X-Sandbox-Token` at the admin port."""

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if not self.doors or len(set(self.doors)) != len(self.doors) or "" in self.doors:
            raise ValueError(f"doors must be distinct names, at least one; found {self.doors}")
        if len({account.name for account in self.accounts}) != len(self.accounts):
            raise ValueError("two accounts have the same name")
        if len({account.api_key.get_secret_value() for account in self.accounts}) != len(self.accounts):
            raise ValueError("two accounts have the same API key")
        return self

    @field_serializer("admin_token")
    def _masked(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if (info.context or {}).get("reveal") is True else "***"

    @field_validator("admin_token")
    @classmethod
    def _usable_token(cls, token: SecretStr) -> SecretStr:
        if not token.get_secret_value().strip("*"):
            raise ValueError("the admin token is empty or masked; write settings with to_json() to keep it")
        return token

    def to_json(self) -> str:
        """The settings as JSON **with** key material, for a process that starts the exchange."""
        return self.model_dump_json(context={"reveal": True})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            pydantic.ValidationError: the text is not such settings; input values are not shown.
        """
        return cls.model_validate_json(text)

    def account(self, name: str) -> AccountSettings:
        """The settings of the account of that name; KeyError if there is none."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise KeyError(f"no account {name!r}; there are {', '.join(account.name for account in self.accounts)}")
