"""The exchange that a real deployment trades on, as checks see it: clients of the deployment, and what they were told.

A real exchange keeps no books for us. What stands in their place is every answer that came back to this run's own
clients, over a connection to the URL that the deployment's settings name, and what the exchange says of its orders.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from pydantic import SecretStr

from pytest_kraken_golive.bot.names import LIMIT_VARIABLES
from pytest_kraken_golive.bot.settings import LiveSettings
from pytest_kraken_golive.contract import Fault, NotProven
from pytest_kraken_golive.deployment.secrets import Credentials
from pytest_kraken_golive.kraken import calls
from pytest_kraken_golive.kraken.catalogue import UNKNOWN_ORDER, is_about
from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.endpoint import BASE_URL_VARIABLE, PRODUCTION_URL, USE_SANDBOX_VARIABLE
from pytest_kraken_golive.kraken.errors import ExchangeError, KrakenError
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.kraken.limits import Pacer, Unlimited
from pytest_kraken_golive.kraken.models import OrderInfo
from pytest_kraken_golive.kraken.observation import CallRecord
from pytest_kraken_golive.kraken.retry import NO_RETRY, RetryPolicy
from pytest_kraken_golive.rehearsal.handle import SandboxHandle
from pytest_kraken_golive.rehearsal.listening import ListeningConnections, Notes
from pytest_kraken_golive.rehearsal.permit import Permit
from pytest_kraken_golive.rehearsal.run_client import RunClient

REACHED_WITHIN_S = 5.0
_RETRY = RetryPolicy(attempts=3, longest_wait_s=10.0)
_ASKED_AT_ONCE = 50
_PRIVATE: Final = {call.name for call in vars(calls).values() if isinstance(call, calls.Call) and call.private}


class RealExchange:
    """One deployment's exchange.

    Args:
        settings: reads the deployment's variables.
        permit: what this run may do there.
    """

    def __init__(self, settings: Callable[[], LiveSettings], permit: Permit) -> None:
        self._settings = settings
        self.permit = permit
        self.calls: Counter[str] = Counter()
        """Answers of the exchange by endpoint, its refusals included."""
        self.accepted: Counter[str] = Counter()
        """Answers that hold a result, by endpoint."""
        self.errors: Counter[str] = Counter()
        """The exchange's error strings."""
        self.notes = Notes()
        """What is asked and answered word for word, while somebody listens."""
        self._refusal: list[str] | None = None
        self._unreachable: str | None = None
        self._reached = False

    def __repr__(self) -> str:
        return f"RealExchange({self._settings().endpoint.url})"

    @property
    def url(self) -> str:
        """Where the deployment's calls go; errors as of `LiveSettings.endpoint`."""
        return self._settings().endpoint.url

    @property
    def reason(self) -> str:
        """Which settings decided that."""
        return self._settings().endpoint.reason

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead a client there, and how fast; never credentials."""
        variables = self._settings().variables
        names = (BASE_URL_VARIABLE, USE_SANDBOX_VARIABLE, *LIMIT_VARIABLES)
        return {name: variables[name] for name in names if name in variables}

    @property
    def name(self) -> str:
        """For messages and evidence: `Kraken`, or that it is another."""
        return "Kraken" if self.url == PRODUCTION_URL else f"{self.url}, which is not Kraken"

    @property
    def arming(self) -> Arming | None:
        """The cap on this run's orders: the smaller of the run's and the deployment's; None: none leaves."""
        return self.permit.arming(self._settings().arming)

    def count(self, endpoint: str) -> int:
        """How often this run was answered."""
        return self.calls[endpoint]

    def source(self, url: str) -> str:
        """Where answers come from."""
        return url

    def as_books(self) -> dict[str, Any]:
        """What the exchange answered this run's clients, in the shape of the embedded exchange's books."""
        signed = sum(count for name, count in self.accepted.items() if name in _PRIVATE)
        keyed = {"signed_calls": signed, "orders": 0, "validated": 0}  # which are told by their endpoints
        return {"by_endpoint": dict(self.calls), "keys": {"this run": keyed}, "errors": dict(self.errors)}

    def refusal_of_another_secret(self) -> list[str]:
        """The error strings for a read that is signed with another secret; asked once, for an exchange locks out.

        Raises:
            NotProven: it was answered, so what the exchange says of signatures is worth nothing.
            Fault: as of `client`, or there was no answer.
        """
        if self._refusal is None:
            pair = self._settings().key_pair.credentials
            other = bytes(byte ^ 0xFF for byte in base64.b64decode(pair.api_secret.get_secret_value()))
            wrong = Credentials(pair.api_key, SecretStr(base64.b64encode(other).decode()))
            with self.client(account=wrong, retry=NO_RETRY) as client:
                try:
                    client.api_key_info()
                except ExchangeError as error:
                    self._refusal = list(error.errors)
                except KrakenError as error:
                    raise Fault(f"exchange {self.url}: {error}") from error
                else:
                    raise NotProven(
                        f"exchange {self.url}: it accepted a call that was signed with another secret, so its word "
                        "about signatures is worth nothing. Next: see where the calls go."
                    )
        return self._refusal

    def client(
        self,
        *,
        places: bool = False,
        account: Credentials | None = None,
        limits: Pacer | None = None,
        retry: RetryPolicy = _RETRY,
    ) -> RunClient:
        """A client of the deployment: its mode, URL, buckets and key; to be closed.

        Args:
            places: whether real orders may leave, within `arming`.
            account: another key pair than the one that goes live.
            limits: another pacer than the deployment's own buckets.
            retry: how often reads are repeated.

        Raises:
            Fault: the settings lead to no production exchange, the environment hides what `.env` says, or the exchange
                cannot be reached.
            NotProven: there are no credentials.
        """
        settings = self._settings()
        for hidden in settings.shadowed():
            raise Fault(
                f"{hidden.where}: expected the value of {hidden.shadows}, or none, found another, which hides it, so "
                f"nobody knows which of them goes live. Next: unset {hidden.name} in the environment, or make both the "
                "same."
            )
        endpoint, mode = settings.endpoint, settings.mode
        if endpoint.mode != "production":
            raise Fault(f"{mode.where}: expected production, found {mode.value}. Next: set KRAKEN_USE_SANDBOX=false.")
        pair = account or settings.key_pair.credentials
        self._require_reached(settings, pair)
        return RunClient(
            pair.api_key,
            pair.api_secret,
            environ=settings.variables,
            limits=limits,
            arming=self.arming if places else None,
            on_call=self._take,
            retry=retry,
            transport=ListeningConnections(endpoint.url, self.notes),
            prefix=self.permit.prefix,
        )

    def _require_reached(self, settings: LiveSettings, pair: Credentials) -> None:
        """One question without a key, once: lines that need an exchange which is away say so at once."""
        if not self._reached:
            self._reached = True
            with KrakenClient(
                pair.api_key,
                pair.api_secret,
                environ=settings.variables,
                limits=Unlimited(),
                timeout_s=REACHED_WITHIN_S,
                retry=NO_RETRY,
                transport=ListeningConnections(settings.endpoint.url, self.notes),
                on_call=self._take,
            ) as client:
                try:
                    client.server_time()
                except KrakenError as error:
                    self._unreachable = str(error)
        if self._unreachable is not None:
            raise Fault(
                f"exchange {settings.endpoint.url}: expected an answer, found none: {self._unreachable} "
                "Next: see whether this machine reaches it (network, name service, proxy), and run again."
            )

    def _take(self, record: CallRecord) -> None:
        if record.result in {"ok", "error"}:
            self.calls[record.endpoint] += 1
        if record.result == "ok":
            self.accepted[record.endpoint] += 1
        self.errors.update(record.errors)

    def orders(self, txids: Iterable[str]) -> dict[str, OrderInfo]:
        """What the exchange says of orders, by their ids; those that it does not know are not there.

        Raises:
            Fault: it cannot be asked.
        """
        wanted = list(dict.fromkeys(txids))
        found: dict[str, OrderInfo] = {}
        with self.client() as client:
            for first in range(0, len(wanted), _ASKED_AT_ONCE):
                try:
                    found |= client.query_orders(*wanted[first : first + _ASKED_AT_ONCE])
                except ExchangeError as error:
                    if not is_about(error.errors[0], UNKNOWN_ORDER):
                        raise Fault(f"exchange {self.url}: {error}") from error
                    return found  # of these one or more are not this account's
                except KrakenError as error:
                    raise Fault(f"exchange {self.url}: {error}") from error
        return found

    def booked(self, prefix: str, since_s: float) -> list[dict[str, Any]]:
        """The account's orders whose client ids begin so, open or closed since then, as the embedded books show them.

        Raises:
            Fault: it cannot be asked.
        """
        with self.client() as client:
            try:
                known = dict(client.open_orders())
                offset, count = 0, None
                while count is None or offset < count:
                    page = client.closed_orders(start=since_s, offset=offset)
                    if not page.closed:
                        break
                    known |= page.closed
                    offset, count = offset + len(page.closed), page.count
            except KrakenError as error:
                raise Fault(f"exchange {self.url}: {error}") from error
        return [booking(txid, one) for txid, one in known.items() if (one.cl_ord_id or "").startswith(prefix)]


Exchange = SandboxHandle | RealExchange
"""What the fixture `kraken_exchange` gives."""


def booking(txid: str, order: OrderInfo) -> dict[str, Any]:
    """An order as the embedded exchange's books show it."""
    return {
        "txid": txid,
        "cl_ord_id": order.cl_ord_id,
        "volume": str(order.vol),
        "executed": str(order.vol_exec),
        "status": order.status,
        "opened_s": float(order.opentm),
        "closed_s": None if order.closetm is None else float(order.closetm),
    }
