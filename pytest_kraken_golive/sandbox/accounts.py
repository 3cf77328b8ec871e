"""Accounts: the key with its permissions and nonces, balances and holds, orders and traded volume."""

from __future__ import annotations

import hashlib
import ipaddress
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable
from decimal import Decimal

from .ledger import Ledger
from .limits import EngineLimit, RestLimit
from .market import Market
from .orders import ZERO, Fill, Order
from .refusals import Refusal
from .settings import AccountSettings, Tier
from .signature import Verifier

VOLUME_WINDOW_S = 30 * 86_400
"""Fees look back over 30 days (Kraken: fee schedule)."""
NONCE_LIMIT = 2**64
_NONCE_DIGITS = 20
_SWEEP_AT = 4096


def fingerprint(api_key: str) -> str:
    """What stands for a key where the key itself must not show: 12 hex digits of its SHA-256."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:12]


def cl_ord_id_key(cl_ord_id: str) -> str:
    """The form in which client order ids are compared: a UUID is the same with and without dashes."""
    return cl_ord_id.replace("-", "").lower() if len(cl_ord_id) in {32, 36} else cl_ord_id


class Nonces:
    """The nonces that a key has used (Kraken: API key nonce window)."""

    __slots__ = ("_floor", "_used", "last", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.last = 0
        self._floor = 0
        self._used: set[int] = set()

    def take(self, text: str) -> bool:
        """Use a nonce: it must be above the last, or, within the window below it, never used."""
        if not (text.isascii() and text.isdigit() and len(text) <= _NONCE_DIGITS):
            return False
        nonce = int(text)
        if nonce >= NONCE_LIMIT or nonce <= self._floor or nonce in self._used:
            return False
        if nonce <= self.last - self.window:
            return False
        self.last = max(self.last, nonce)
        if self.window:
            self._used.add(nonce)
            if len(self._used) > _SWEEP_AT:
                self._used = {used for used in self._used if used > self.last - self.window}
        return True

    def widen(self, window: int) -> None:
        """Change the window; nonces up to now are over, since a strict key keeps no list of those it used."""
        self.window, self._floor = window, self.last
        self._used.clear()


class Account:
    """An account in service. Money moves only through `settlement`."""

    def __init__(self, settings: AccountSettings, market: Market, default_tier: Tier, now: float) -> None:
        """Open the account.

        Raises:
            ValueError: a balance of an asset that is not in the market.
        """
        self.name = settings.name
        self.api_key = settings.api_key.get_secret_value()
        self.fingerprint = fingerprint(self.api_key)
        self.verifier = Verifier(settings.api_secret.get_secret_value())
        self.permit(settings.permissions)
        self.nonces = Nonces(settings.nonce_window)
        self.tier: Tier = settings.tier or default_tier
        self.limited = settings.limits
        self.valid_until_s = settings.valid_until_s
        self.ip_allowlist = list(settings.ip_allowlist)
        self._networks = [ipaddress.ip_network(entry, strict=False) for entry in settings.ip_allowlist]
        self.created_s = self.modified_s = int(now)
        self.last_used_s: int | None = None
        self.ledger = Ledger(self.name)
        self.holds: dict[str, Decimal] = {}
        for name, amount in settings.balances.items():
            self.ledger.book("deposit", known_asset(market, name), amount, now)
        self.orders: dict[str, Order] = {}
        self.open: dict[str, Order] = {}
        self.closed: list[Order] = []
        """Oldest end first."""
        self.open_client_ids: dict[str, Order] = {}
        self.open_in_pair: Counter[str] = Counter()
        self.fills: dict[str, Fill] = {}
        """By id, oldest first."""
        self._by_userref: defaultdict[int, dict[str, Order]] = defaultdict(dict)
        self._by_client_id: defaultdict[str, list[Order]] = defaultdict(list)
        self.rest = RestLimit(self.tier)
        self._engines: dict[str, EngineLimit] = {}
        self.base_volume_usd = settings.volume_30d_usd
        self._traded: deque[tuple[float, Decimal]] = deque()
        self._traded_usd = ZERO
        self.cancel_all_at: float | None = None

    def __repr__(self) -> str:
        return f"Account({self.name!r}, key {self.fingerprint})"

    def permit(self, permissions: Iterable[str]) -> None:
        """Give its key these rights, and no others."""
        self.permissions = list(permissions)
        self._rights = frozenset(permissions)

    def may(self, sufficient: tuple[frozenset[str], ...]) -> bool:
        """Whether its key has all rights of one of these sets; where there is no set, any key will do."""
        for rights in sufficient:
            if rights <= self._rights:
                return True
        return not sufficient

    def engine(self, pair_id: str) -> EngineLimit:
        """The engine's counter of this account in a pair."""
        found = self._engines.get(pair_id)
        if found is None:
            found = self._engines[pair_id] = EngineLimit(self.tier)
        return found

    def admits(self, peer: str) -> bool:
        """Whether the key may be used from that address."""
        if not self._networks:
            return True
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    # --- money ----------------------------------------------------------------------------------------------------

    @property
    def balances(self) -> dict[str, Decimal]:
        """Balance by asset id; changed through the ledger only."""
        return self.ledger.balances

    def available(self, asset: str) -> Decimal:
        """Balance that no order holds."""
        return self.balances.get(asset, ZERO) - self.holds.get(asset, ZERO)

    def hold(self, order: Order, amount: Decimal) -> None:
        """Let an order hold this much instead of what it held."""
        if amount != order.held:
            asset = order.held_asset
            self.holds[asset] = self.holds.get(asset, ZERO) + amount - order.held
            order.held = amount

    # --- orders ---------------------------------------------------------------------------------------------------

    def take_in(self, order: Order) -> None:
        """Keep an accepted order, and its client's id reserved while it is open."""
        self.orders[order.txid] = self.open[order.txid] = order
        self.open_in_pair[order.pair.id] += 1
        if order.userref:
            self._by_userref[order.userref][order.txid] = order
        if order.cl_ord_id is not None:
            key = cl_ord_id_key(order.cl_ord_id)
            self.open_client_ids[key] = order
            self._by_client_id[key].append(order)

    def let_go(self, order: Order) -> None:
        """Count an order as ended; its client's id is free for another one."""
        del self.open[order.txid]
        self.closed.append(order)
        self.open_in_pair[order.pair.id] -= 1
        if order.userref:
            del self._by_userref[order.userref][order.txid]
        if order.cl_ord_id is not None:
            del self.open_client_ids[cl_ord_id_key(order.cl_ord_id)]

    def open_with_userref(self, userref: int) -> list[Order]:
        """Open orders that carry a reference; 0 stands for none."""
        return list(self._by_userref[userref].values()) if userref in self._by_userref else []

    def with_client_id(self, cl_ord_id: str) -> Collection[Order]:
        """All orders, open and ended, that carried a client's id."""
        return self._by_client_id.get(cl_ord_id_key(cl_ord_id), [])

    # --- volume ---------------------------------------------------------------------------------------------------

    def volume_30d_usd(self, now: float) -> Decimal:
        """Volume that counts for the fee tier at a Unix time."""
        while self._traded and self._traded[0][0] <= now - VOLUME_WINDOW_S:
            self._traded_usd -= self._traded.popleft()[1]
        return self.base_volume_usd + self._traded_usd

    def traded(self, now: float, usd: Decimal) -> None:
        """Count a trade for the fee tier."""
        self._traded.append((now, usd))
        self._traded_usd += usd


def known_asset(market: Market, name: str) -> str:
    """The id of an asset named in settings.

    Raises:
        ValueError: the market does not have it.
    """
    try:
        return market.asset(name).id
    except Refusal:
        known = ", ".join(sorted(market.assets))
        raise ValueError(f"balances: unknown asset {name!r}; this exchange has {known}") from None
