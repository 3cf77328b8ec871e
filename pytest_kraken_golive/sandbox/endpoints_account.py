"""The private endpoints that tell about a key and its money (Kraken: account data)."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING, Any

from . import fees
from .accounts import Account
from .market import answer_key
from .orders import ZERO
from .wire import Params, choice, names, places

if TYPE_CHECKING:
    from .exchange import Exchange
    from .routes import Session

_TOKEN_LIFE_S = 900


def api_key_info(_exchange: Exchange, session: Session) -> object:
    """GetApiKeyInfo: the key that asks, with its rights and its last nonce."""
    account = session.account
    return {
        "apiKeyName": account.name,
        "apiKey": account.api_key,
        "nonce": str(account.nonces.last),
        "nonceWindow": account.nonces.window,
        "permissions": account.permissions,
        "iban": _iban(account),
        "validUntil": str(account.valid_until_s),
        "queryFrom": "0",
        "queryTo": "0",
        "createdTime": str(account.created_s),
        "modifiedTime": str(account.modified_s),
        "ipAllowlist": account.ip_allowlist,
        "lastUsed": None if account.last_used_s is None else str(account.last_used_s),
    }


def _iban(account: Account) -> str:
    """An invented account number of Kraken's shape, the same for the same account name."""
    letters = base64.b32encode(hashlib.sha256(account.name.encode()).digest()).decode()
    return "AA88 N84G " + " ".join(letters[index : index + 4] for index in (0, 4))


def _floor(amount: Decimal, decimals: int) -> str:
    """An amount at an asset's precision. Never rounded up: nobody is shown more than there is."""
    return f"{amount.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN):f}"


def _shown_balances(exchange: Exchange, account: Account) -> list[tuple[str, Decimal, int]]:
    return [(name, amount, exchange.market.assets[name].decimals) for name, amount in account.balances.items()]


def _check_rebase(params: Params) -> None:
    """Only tokenized assets, of which there are none, look different when rebased."""
    choice(params, "rebase_multiplier", ("rebased", "base"), "rebased")


def balance(exchange: Exchange, session: Session) -> object:
    """Balance: asset id to amount."""
    _check_rebase(session.params)
    return {name: _floor(amount, decimals) for name, amount, decimals in _shown_balances(exchange, session.account)}


def balance_ex(exchange: Exchange, session: Session) -> object:
    """BalanceEx: balance and what orders hold of it."""
    _check_rebase(session.params)
    holds = session.account.holds
    return {
        name: {
            "balance": _floor(amount, decimals),
            "credit": _floor(ZERO, decimals),
            "credit_used": _floor(ZERO, decimals),
            "hold_trade": _floor(holds.get(name, ZERO), decimals),
        }
        for name, amount, decimals in _shown_balances(exchange, session.account)
    }


def credit_lines(_exchange: Exchange, session: Session) -> None:
    """CreditLines: nothing, as of every account to which no credit is extended (Kraken: credit lines, for VIPs)."""
    _check_rebase(session.params)


def trade_balance(exchange: Exchange, session: Session) -> object:
    """TradeBalance: everything in one asset at current mids; without margin most of it is zero, and `ml` is absent."""
    asset = exchange.market.asset(session.params.get("asset", "ZUSD"))
    money = exchange.desk.money
    usd = sum((money.usd_rate(name) * amount for name, amount in session.account.balances.items()), ZERO)
    equity, nothing = places(usd / money.usd_rate(asset.id), 4), places(ZERO, 4)
    return {
        "eb": equity,
        "tb": equity,
        "m": nothing,
        "n": nothing,
        "c": nothing,
        "v": nothing,
        "e": equity,
        "mf": equity,
        "uv": nothing,
    }


def trade_volume(exchange: Exchange, session: Session) -> object:
    """TradeVolume: 30-day volume, and the fee of each pair that is named."""
    volume = session.account.volume_30d_usd(session.now)
    result: dict[str, Any] = {"currency": "ZUSD", "volume": places(volume, 4)}
    wanted = _volume_pairs(session.params)
    if wanted:
        keys = [answer_key(name, exchange.market.pair(name)) for name in wanted]
        result["fees"] = {key: fees.fee_answer(volume, maker=False) for key in keys}
        result["fees_maker"] = {key: fees.fee_answer(volume, maker=True) for key in keys}
    return result


def _volume_pairs(params: Params) -> list[str]:
    """Pairs as a list of names, or since June 2026 as a list of `{asset, aclass}`."""
    listed = [value for name, value in params.items() if re.fullmatch(r"pair\[[0-9]+\]\[asset\]", name)]
    return listed or [name for name in names(params, "pair") if name]


def websockets_token(exchange: Exchange, session: Session) -> object:
    """GetWebSocketsToken: a token of Kraken's shape; there is no WebSocket to use it on."""
    text = f"{exchange.settings.seed}/{session.account.fingerprint}/{session.account.nonces.last}"
    token = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").replace("/", "w")
    return {"token": token, "expires": _TOKEN_LIFE_S}
