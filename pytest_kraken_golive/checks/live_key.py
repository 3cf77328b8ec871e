"""The key that goes live: what the exchange itself says that it may do."""

from __future__ import annotations

from typing import Any

from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.checks import real_breaks as real
from pytest_kraken_golive.checks.client_shape import granted_by
from pytest_kraken_golive.checks.connection_breaks import LIVE_ACCOUNT
from pytest_kraken_golive.checks.rights import PERMISSIONS, Words, require_rights
from pytest_kraken_golive.contract import Copy, Evidence, check, sabotage
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.limits import Unlimited
from pytest_kraken_golive.rehearsal.real_exchange import Exchange, RealExchange

_NEEDED = (*PERMISSIONS["read"], *PERMISSIONS["trade"])


def _may(copy: Any, *rights: str) -> None:
    copy.account(LIVE_ACCOUNT).permissions = list(rights)


@sabotage("without modify-trades (Orders and trades - Create & modify orders)", before_run=True)
def may_not_place(copy: Any) -> None:
    """Somebody withdrew the right to trade: all that only reads still works."""
    _may(copy, *(right for right in _NEEDED if right != "modify-trades"))


@sabotage("without close-trades (Orders and trades - Cancel & close orders)", before_run=True)
def may_not_cancel(copy: Any) -> None:
    """The key opens what it cannot close."""
    _may(copy, *(right for right in _NEEDED if right != "close-trades"))


@sabotage("found withdraw-funds (Funds permissions - Withdraw)", before_run=True)
def may_take_the_money(copy: Any) -> None:
    """Who finds this key can empty the account."""
    _may(copy, *_NEEDED, "withdraw-funds")


@sabotage("found add-withdraw-address", before_run=True)
def may_add_addresses(copy: Any) -> None:
    """The key can say where money may go."""
    _may(copy, *_NEEDED, "add-withdraw-address")


@sabotage("EAPI:Invalid key")
def live_key_unknown(copy: Copy) -> None:
    """The key in `.env` is none of the exchange's."""
    lines = copy.read(".env").splitlines(keepends=True)
    copy.write(
        ".env", "".join(f"KRAKEN_API_KEY={'B' * 56}\n" if one.startswith("KRAKEN_API_KEY=") else one for one in lines)
    )


@check(
    "live_key_permissions",
    breaks=[may_not_place, may_not_cancel, may_take_the_money, may_add_addresses, live_key_unknown, *real.SIGNED],
    touches="reads",
    judges="account",
    waivable=False,
)
def live_key_permissions(
    live_settings: LiveSettings, kraken_exchange: Exchange, evidence: Evidence, *, required: Words, forbidden: Words
) -> None:
    """The exchange itself says that the key which goes live may do what is required and nothing that is forbidden."""
    key = live_settings.key_pair.key
    with _client_of(live_settings, kraken_exchange) as client:
        granted = granted_by(client)
    evidence.record(kraken_exchange.url, granted, key="GetApiKeyInfo.permissions", note=f"of the key in {key}")
    require_rights(granted, required, forbidden, f"exchange GetApiKeyInfo.permissions of the key in {key}")


def _client_of(settings: LiveSettings, exchange: Exchange) -> KrakenClient:
    """A client with the key that goes live."""
    if isinstance(exchange, RealExchange):
        return exchange.client()
    pair = settings.key_pair.credentials
    return KrakenClient(
        pair.api_key, pair.api_secret, base_url=exchange.url, use_sandbox=True, environ={}, limits=Unlimited()
    )
