"""A user of the exchange for tests: signs with code of its own, in this process or over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from pytest_kraken_golive.clock import VirtualClock
from pytest_kraken_golive.sandbox import AccountSettings, Exchange, SandboxSettings
from pytest_kraken_golive.sandbox.settings import PERMISSIONS
from pytest_kraken_golive.sandbox.wire import Call

DATA = Path(__file__).parent.parent / "data" / "kraken"
FORM = "application/x-www-form-urlencoded"


def signature(secret: str, path: str, nonce: str, body: bytes) -> str:
    inner = hashlib.sha256()
    inner.update(nonce.encode("ascii"))
    inner.update(body)
    mac = hmac.digest(base64.b64decode(secret), path.encode("ascii") + inner.digest(), "sha512")
    return base64.b64encode(mac).decode("ascii")


class User:
    """One key. Nonces count up from a start; any part of a call can be overridden to be wrong."""

    def __init__(self, account: AccountSettings, first_nonce: int = 1_000) -> None:
        self.key = account.api_key.get_secret_value()
        self.secret = account.api_secret.get_secret_value()
        self.nonce = first_nonce

    def call(self, name: str, params: Mapping[str, Any] | None = None, **override: Any) -> Call:
        """A signed call; `override` replaces parts after signing, `nonce` and `secret` before."""
        self.nonce += 1
        nonce = str(override.pop("nonce", self.nonce))
        secret = override.pop("secret", self.secret)
        as_json = override.pop("as_json", False)
        fields = {"nonce": nonce, **(params or {})}
        body = (json.dumps(fields) if as_json else urlencode(fields)).encode()
        path = f"/0/private/{name}"
        parts: dict[str, Any] = {
            "verb": "POST",
            "path": path,
            "body": body,
            "content_type": "application/json" if as_json else FORM,
            "api_key": self.key,
            "api_sign": signature(secret, path, nonce, body),
        }
        return Call(**parts | override)


class Venue:
    """An exchange in virtual time with a user for each account."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("accounts", [account()])
        settings.setdefault("volatility", 0.0)
        self.clock = VirtualClock()
        self.settings = SandboxSettings(seed=settings.pop("seed", 7), **settings)
        self.exchange = Exchange(self.settings, self.clock)
        self.users = {entry.name: User(entry) for entry in self.settings.accounts}

    def send(self, call: Call) -> Any:
        return json.loads(self.exchange.answer(call))

    def private(self, name: str, params: Mapping[str, Any] | None = None, user: str = "trader", **override: Any) -> Any:
        """The whole answer of a signed call."""
        return self.send(self.users[user].call(name, params, **override))

    def public(self, name: str, **params: Any) -> Any:
        """The whole answer of a public call."""
        return self.send(Call("GET", f"/0/public/{name}", urlencode(params)))

    def result(self, name: str, params: Mapping[str, Any] | None = None, user: str = "trader") -> Any:
        """The result of a signed call that must succeed."""
        answer = self.private(name, params, user)
        assert answer["error"] == []
        return answer["result"]

    def errors(self, name: str, params: Mapping[str, Any] | None = None, user: str = "trader") -> Any:
        return self.private(name, params, user)["error"]

    def add(self, user: str = "trader", **params: Any) -> str:
        """Place an order that must be accepted; its txid."""
        return str(self.result("AddOrder", order(**params), user)["txid"][0])

    def order(self, txid: str, user: str = "trader") -> Any:
        return self.result("QueryOrders", {"txid": txid, "trades": "true"}, user)[txid]

    def balance(self, asset: str, user: str = "trader") -> Decimal:
        return self.exchange.account(user).balances.get(asset, Decimal(0))

    def best(self, pair: str = "XBTUSD") -> tuple[Decimal, Decimal]:
        """Best bid and ask."""
        (entry,) = self.public("Ticker", pair=pair)["result"].values()
        return Decimal(entry["b"][0]), Decimal(entry["a"][0])


def account(name: str = "trader", **settings: Any) -> AccountSettings:
    settings.setdefault("permissions", list(PERMISSIONS))
    return AccountSettings(name=name, **settings)


def order(**params: Any) -> dict[str, Any]:
    """Parameters of a limit order far below the market, altered by `params`; None leaves a parameter out."""
    given = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000", "volume": "0.01", **params}
    if given["ordertype"] == "market":
        given.setdefault("price", None)
        if given["price"] == "50000":
            given["price"] = None
    return {name: value for name, value in given.items() if value is not None}


def post(client: httpx.Client, base_url: str, call: Call) -> httpx.Response:
    """Send a call over HTTP."""
    headers = {"API-Key": call.api_key, "API-Sign": call.api_sign, "Content-Type": call.content_type}
    return client.request(call.verb, base_url + call.path, content=call.body, headers=headers)


def recorded(name: str) -> Any:
    """A recorded answer, as parsed."""
    return json.loads((DATA / "recorded" / name).read_text(encoding="utf-8"))
