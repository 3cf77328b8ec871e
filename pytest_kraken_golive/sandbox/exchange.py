"""The exchange as a state machine: a call goes in, an answer comes out, and nothing here knows HTTP.

Time comes from the clock that it is given: wall time stamps and deadlines, monotonic time limits and ages.
"""

from __future__ import annotations

import logging
import threading
from decimal import Decimal
from typing import Any, get_args

from ..clock import Clock, SystemClock
from . import endpoints_public, refusals
from .accounts import Account, known_asset
from .faults import Faults, Hit
from .history import History
from .limits import Lockouts, PublicLimits
from .market import Market
from .matching import Engine
from .observed import DoorBook
from .orders import ZERO, Fill, Order
from .recording import Recording
from .refusals import Refusal
from .routes import HISTORY, MONEY_OUT, PRIVATE_ENDPOINTS, PrivateEndpoint, Session
from .settings import MOST_SKEW_S, PERMISSIONS, AccountSettings, FaultSettings, SandboxSettings, Status
from .settlement import total
from .skew import SkewedClock
from .transcript import Transcript
from .wire import Call, failure, read_body, read_query, success

_log = logging.getLogger(__name__)

PAIR_STATUSES = ("online", "cancel_only", "post_only", "limit_only", "reduce_only")
"""What a pair's `status` can say (Kraken: AssetPairs)."""
_WITHOUT_TRADES = {"cancel_only", "post_only"}
_KNOWN = PRIVATE_ENDPOINTS.keys() | endpoints_public.ENDPOINTS.keys() | MONEY_OUT
_OPEN_IN_MAINTENANCE = {"Time", "SystemStatus"}
_COUNTED_AS_BAD_LOGIN = {refusals.INVALID_KEY, refusals.INVALID_SIGNATURE, refusals.INVALID_NONCE}


class Exchange:
    """Accounts, books, limits and observations behind all doors. Safe to use from several threads."""

    def __init__(self, settings: SandboxSettings, clock: Clock | None = None) -> None:
        """Open the exchange.

        Args:
            settings: what it is made of.
            clock: its time; the machine's by default.

        Raises:
            ValueError: settings name an asset or pair that it does not have.
        """
        self.settings = settings
        self.clock = SkewedClock(SystemClock() if clock is None else clock, settings.clock_skew_s)
        self.lock = threading.RLock()
        self.market = Market(accept_wsname=settings.accept_wsname)
        now = self.clock.time()
        self.accounts = [Account(entry, self.market, settings.tier, now) for entry in settings.accounts]
        self._by_key = {account.api_key: account for account in self.accounts}
        for name in settings.prices:
            if self.market.find_pair(name) is None:
                raise ValueError(f"prices: unknown pair {name!r}; there are {', '.join(sorted(self.market.pairs))}")
        self.engine = Engine(settings, self.market, self, self.clock)
        self.desk = self.engine.desk
        self.history = History(self.engine)
        self.status: Status = settings.status
        self.pair_status = {pair.id: str(pair.facts["status"]) for pair in self.market.pairs.values()}
        self.faults = Faults(settings.faults, settings.seed)
        self.doors = {door: DoorBook() for door in settings.doors}
        self._public_limits = PublicLimits(settings.public_limit)
        self._lockouts = Lockouts(settings.lockout)
        self._halt_and_resume()

    # --- calls ----------------------------------------------------------------------------------------------------

    def arrive(self, door: str) -> float:
        """Book the arrival of a request; gives its Unix time. Each must `leave` again."""
        with self.lock:
            now = self.clock.time()
            self.doors[door].arrive(now, self.clock.monotonic())
            return now

    def leave(self, door: str) -> None:
        """Book that a request's answer is about to go out."""
        with self.lock:
            self.doors[door].leave()

    def take_up(self, call: Call) -> Hit | None:
        """Book which endpoint a call asks for; gives the fault that hits it, booked as served."""
        with self.lock:
            book = self.doors[call.door]
            if call.is_private:
                book.private += 1
            elif call.is_public:
                book.public += 1
            # Made-up names share one entry, so that a caller cannot fill the books with them.
            book.by_endpoint[call.endpoint if call.endpoint in _KNOWN else "(unknown)"] += 1
            hit = self.faults.pick(call.door, call.endpoint)
            if hit is not None:
                book.faults[hit.order.kind] += 1
            return hit

    def answer(self, call: Call) -> bytes:
        """Handle a call and give the body of its answer; the HTTP status is always 200."""
        with self.lock:
            try:
                return success(self._result(call))
            except Refusal as refusal:
                return self.refused(call, refusal.error)
            except Exception:
                # As Kraken would: the caller learns nothing of the inside, the log has it all.
                _log.exception("the exchange failed at %s", call.endpoint)
                return self.refused(call, refusals.INTERNAL_ERROR)

    def refused(self, call: Call, *errors: str) -> bytes:
        """Book errors and give the body that carries them."""
        with self.lock:
            self.doors[call.door].errors.update(errors)
            return failure(*errors, null_result=not call.is_private)

    def _result(self, call: Call) -> object:
        now = self.clock.time()
        self.engine.advance(now)
        name = call.endpoint
        if call.is_private and call.verb == "POST" and name in PRIVATE_ENDPOINTS:
            return self._private(call, PRIVATE_ENDPOINTS[name], now)
        if call.is_public and call.verb == "GET" and name in endpoints_public.ENDPOINTS:
            return self._public(call, now)
        raise Refusal(refusals.UNKNOWN_METHOD)

    def _public(self, call: Call, now: float) -> object:
        limited = self.settings.limits
        if limited and not self._public_limits.take(call.door, call.peer, self.clock.monotonic()):
            raise Refusal(refusals.RATE_LIMIT)
        if self.status == "maintenance" and call.endpoint not in _OPEN_IN_MAINTENANCE:
            raise Refusal(refusals.UNAVAILABLE)
        return endpoints_public.ENDPOINTS[call.endpoint](self, read_query(call.query), now)

    def _private(self, call: Call, endpoint: PrivateEndpoint, now: float) -> object:
        monotonic_s = self.clock.monotonic()
        if self._lockouts.locked(call.door, call.peer, monotonic_s):
            raise Refusal(refusals.TEMPORARY_LOCKOUT)
        try:
            session = self._authenticated(call, now, monotonic_s)
        except Refusal as refusal:
            if refusal.error in _COUNTED_AS_BAD_LOGIN:
                self._lockouts.failed(call.door, call.peer, monotonic_s)
            raise
        account = session.account
        if not account.may(endpoint.permissions):
            raise Refusal(refusals.PERMISSION_DENIED)
        cost = self.settings.history_cost if endpoint.cost == HISTORY else endpoint.cost
        if cost and self.is_limited(account) and not account.rest.take(cost, monotonic_s):
            raise Refusal(refusals.RATE_LIMIT)
        if self.status == "maintenance":
            raise Refusal(refusals.UNAVAILABLE)
        return endpoint.handle(self, session)

    def _authenticated(self, call: Call, now: float, monotonic_s: float) -> Session:
        """Key, then signature, then nonce; a good nonce is used up whatever comes after."""
        account = self._by_key.get(call.api_key)
        if account is None or 0 < account.valid_until_s <= now:
            raise Refusal(refusals.INVALID_KEY)
        params = read_body(call.body, call.content_type)
        nonce = params.get("nonce", "")
        if not account.verifier.accepts(call.api_sign, call.path.encode(), nonce, call.body):
            # Beside the error, which ordered trouble books too, and which a call without any signature meets.
            self.doors[call.door].signed_wrong += bool(call.api_sign)
            raise Refusal(refusals.INVALID_SIGNATURE)
        door = self.doors[call.door]
        book = door.key(account.fingerprint, account.name)
        door.signed_ok += 1
        book.signed_calls += 1
        if not account.nonces.take(nonce):
            raise Refusal(refusals.INVALID_NONCE)
        book.nonces_accepted += 1
        account.last_used_s = int(now)
        # A one-time password with a key that has none set is answered so (npm-kraken-api#64).
        if "otp" in params:
            raise Refusal(refusals.INVALID_KEY)
        if not account.admits(call.peer):
            raise Refusal(refusals.PERMISSION_DENIED)
        arrived_at = now if call.arrived_at is None else call.arrived_at
        return Session(account, params, call.door, now, arrived_at, monotonic_s)

    def is_limited(self, account: Account) -> bool:
        """Whether rate limits hold for the account."""
        return self.settings.limits and account.limited

    # --- books ----------------------------------------------------------------------------------------------------

    def ordered(self, order: Order) -> None:
        """Book an accepted order under its door and key."""
        door = self.doors[order.door]
        door.orders.append(order)
        door.key(order.account.fingerprint, order.account.name).orders += 1

    def filled(self, fill: Fill) -> None:
        """Book a fill under its order's door and key."""
        door = self.doors[fill.order.door]
        door.fills.append(fill)
        door.key(fill.order.account.fingerprint, fill.order.account.name).fills += 1

    def observed(self, door: str = "main", window_s: float = 0.1) -> dict[str, Any]:
        """What came through a door, as JSON data.

        Keys: `requests` (total, public, private, signed_ok), `signed_wrong` (calls), `by_endpoint`, `errors` (error
        string to count), `faults` (kind to count), `concurrency_max`, `in_service`, `burst_max` (most arrivals in any
        half-open window of `window_s` seconds), `first_arrival_s` and `last_arrival_s` (Unix time), `keys` (fingerprint
        to name, signed_calls, nonces_accepted, orders, validated, fills), `calls` (see `journal.Journal`), `orders`,
        `fills`.

        Raises:
            KeyError: there is no such door.
        """
        with self.lock:
            self.engine.advance(self.clock.time())
            if door not in self.doors:
                raise KeyError(f"no door {door!r}; there are {', '.join(self.doors)}")
            return self.doors[door].shown(door, window_s)

    def totals(self) -> dict[str, Decimal]:
        """Every asset's sum over accounts, the invented market and the fees taken: it never changes."""
        with self.lock:
            money = self.desk.money
            return total([*(account.balances for account in self.accounts), money.market_money, money.fees_taken])

    def take_down(self, door: str, *, begin: bool) -> dict[str, Any] | None:
        """Begin to take down a door's calls word for word, or end it.

        Returns:
            What was taken down up to now, see `Transcript.shown`; None if nothing was.

        Raises:
            KeyError: there is no such door.
        """
        with self.lock:
            if door not in self.doors:
                raise KeyError(f"no door {door!r}; there are {', '.join(self.doors)}")
            before = self.doors[door].transcript
            self.doors[door].transcript = Transcript(self.clock.monotonic) if begin else None
        return None if before is None else before.shown()

    # --- administration -------------------------------------------------------------------------------------------

    def account(self, name: str) -> Account:
        """The account of that name; KeyError if there is none."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise KeyError(f"no account {name!r}; there are {', '.join(account.name for account in self.accounts)}")

    def add_account(self, settings: AccountSettings) -> Account:
        """Open another account.

        Raises:
            ValueError: its name or key is taken, or it holds an unknown asset.
        """
        with self.lock:
            account = Account(settings, self.market, self.settings.tier, self.clock.time())
            if account.api_key in self._by_key or any(other.name == account.name for other in self.accounts):
                raise ValueError(f"account {account.name!r}: its name or key is taken")
            self.accounts.append(account)
            self._by_key[account.api_key] = account
            return account

    def alter_account(
        self,
        name: str,
        *,
        permissions: list[str] | None = None,
        nonce_window: int | None = None,
        balances: dict[str, Decimal] | None = None,
    ) -> None:
        """Change an account; what is None stays. Balances are set, not added.

        Raises:
            KeyError: no such account.
            ValueError: unknown permission or asset, a negative window, or a balance below what open orders hold.
        """
        with self.lock:
            self.engine.advance(self.clock.time())
            account = self.account(name)
            for permission in permissions or []:
                if permission not in PERMISSIONS:
                    raise ValueError(f"unknown permission {permission!r}; Kraken's are {', '.join(PERMISSIONS)}")
            if nonce_window is not None and nonce_window < 0:
                raise ValueError(f"nonce_window: expected 0 or more, found {nonce_window}")
            amounts = {known_asset(self.market, asset): amount for asset, amount in (balances or {}).items()}
            for asset, amount in amounts.items():
                if not amount.is_finite() or amount < account.holds.get(asset, ZERO):
                    held = account.holds.get(asset, ZERO)
                    raise ValueError(f"balances.{asset}: expected at least the {held} held by orders, found {amount}")
            if permissions is not None:
                account.permit(permissions)
            if nonce_window is not None:
                account.nonces.widen(nonce_window)
            now = self.clock.time()
            for asset, amount in amounts.items():
                account.ledger.book("adjustment", asset, amount - account.balances.get(asset, ZERO), now)
            account.modified_s = int(now)

    def set_status(self, status: str, pair: str | None = None) -> None:
        """Set the exchange's mode, or that of one pair.

        Raises:
            ValueError: unknown mode or pair.
        """
        with self.lock:
            found = self.market.find_pair(pair)
            known = get_args(Status) if pair is None else PAIR_STATUSES
            if status not in known or (pair is not None and found is None):
                raise ValueError(f"expected one of {', '.join(known)} (and a known pair); found {status!r}, {pair!r}")
            self.engine.advance(self.clock.time())
            if found is None:
                self.status = status  # type: ignore[assignment]  # one of them, as checked
            else:
                self.pair_status[found.id] = status
            self._halt_and_resume()

    def shown_pair_status(self, pair_id: str) -> str:
        """The status that AssetPairs shows: the pair's own, or else the exchange's `limit_only`."""
        own = self.pair_status[pair_id]
        return self.status if (own, self.status) == ("online", "limit_only") else own

    def _halt_and_resume(self) -> None:
        """Stop trades where the modes say so, and let happen what waited where they no longer do."""
        self.engine.offline = self.status == "maintenance"
        now = self.clock.time()
        self.engine.advance(now)
        for book in self.engine.books.values():
            book.halted = (
                self.status not in {"online", "limit_only"} or self.pair_status[book.pair.id] in _WITHOUT_TRADES
            )
            self.engine.settle_prices(book.pair, now)

    def set_price(self, pair: str, mid: Decimal, *, hold: bool = False) -> None:
        """Set the mid of a pair, rounded to its tick; it moves on from there, or stays if `hold`.

        Raises:
            ValueError: unknown pair, or a price that is not positive.
        """
        with self.lock:
            found = self.market.find_pair(pair)
            if found is None or not mid.is_finite() or mid < found.tick * 4:
                raise ValueError(f"expected a pair and a price of at least four ticks; found {pair!r}, {mid}")
            now = self.clock.time()
            self.engine.advance(now)
            self.engine.set_price(found, mid, hold=hold)
            self.engine.settle_prices(found, now)
            self.history.forget(found.id)

    def replay(self, recording: Recording) -> None:
        """Let the mid of the recording's pair follow it from now on; after its end the price stands still.

        Raises:
            ValueError: unknown pair, or a price below four of its ticks.
        """
        with self.lock:
            found = self.market.find_pair(recording.pair)
            if found is None:
                known = ", ".join(sorted(pair.altname for pair in self.market.pairs.values()))
                raise ValueError(f"{recording.source}: no pair {recording.pair!r} here; there are {known}")
            if recording.lowest < found.tick * 4:
                raise ValueError(f"{recording.source}: {recording.lowest} is below four ticks of {found.altname}")
            now = self.clock.time()
            self.engine.advance(now)
            self.engine.replay(found, recording)
            self.engine.settle_prices(found, now)
            self.history.forget(found.id)

    def set_clock_skew(self, seconds: float) -> None:
        """Let the exchange's wall time be so far ahead of the true time; negative is behind.

        Raises:
            ValueError: more than a day.
        """
        if not abs(seconds) <= MOST_SKEW_S:
            raise ValueError(f"skew_s: expected seconds within {MOST_SKEW_S:.0f} of 0, found {seconds}")
        with self.lock:
            self.engine.advance(self.clock.time())
            self.clock.skew_s = seconds

    def install_fault(self, fault: FaultSettings) -> None:
        """Install a fault behind those already there."""
        with self.lock:
            self.faults.install(fault)

    def clear_faults(self) -> None:
        """Remove all faults."""
        with self.lock:
            self.faults.clear()
