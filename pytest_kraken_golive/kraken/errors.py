"""What can go wrong between us and the exchange: one class per way to react.

`ExchangeError` and below: the exchange answered with error strings; one class per retry class of Kraken's catalogue.
`AnswerError` and below: something else answered, or the answer is not what the endpoint promises.
`TransportError` and below: no whole answer came back.
`OutcomeUnknown` and below: an order may or may not stand; look it up before doing anything else.
`OrderNotPlaced`, `ChangeNotMade`: it has been looked up, and did not happen.

Every class carries the endpoint. No message holds a key, a secret, a signature or a request body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pytest_kraken_golive.kraken.catalogue import LOCKOUT, RetryClass, is_about, meaning_of, throttled_until_s
from pytest_kraken_golive.kraken.orders import Sent


class KrakenError(Exception):
    """Base of everything that the client raises about a call."""

    may_have_acted: bool = False
    """True where an order sent with this call may stand on the exchange."""

    def __init__(self, message: str, *, endpoint: str | None = None) -> None:
        super().__init__(message)
        self.endpoint = endpoint
        """Name of the endpoint (`AddOrder`), None where no call was involved."""


class ExchangeError(KrakenError):
    """The exchange answered with error strings."""

    retry: ClassVar[RetryClass]
    """The catalogue's retry class that this class stands for."""
    advice: ClassVar[str]
    """The next step, for the message."""

    def __init__(self, endpoint: str, errors: Sequence[str], warnings: Sequence[str] = (), note: str = "") -> None:
        said = "; ".join(errors)
        super().__init__(f"{endpoint}: {said}. {note}Next: {self.advice}.", endpoint=endpoint)
        self.errors = tuple(errors)
        """The error strings exactly as the exchange sent them."""
        self.warnings = tuple(warnings)
        """The warning strings that came with them."""
        self.may_have_acted = any(meaning_of(text).may_have_acted for text in errors)
        self.rate_limited = any(meaning_of(text).rate_limit for text in errors)
        """True where the exchange says that there were too many calls."""


class PermanentError(ExchangeError):
    """Retry class `never`: key, permission, account or target is wrong, and stays wrong."""

    retry = "never"
    advice = "do not repeat it; check key, permissions and the order's state on the exchange"


class RequestRefused(ExchangeError):
    """Retry class `fix`: the request is not acceptable as it is."""

    retry = "fix"
    advice = "change the request"


class NonceError(ExchangeError):
    """Retry class `new_nonce`: the nonce was not above the last one; the call was not executed."""

    retry = "new_nonce"
    advice = "use one nonce source per key, in one unit, and look for another process that uses the key"


class BackOffError(ExchangeError):
    """Retry class `backoff`: too many calls, or a service that is busy or away."""

    retry = "backoff"
    advice = "wait, then try again; an order needs a look at the open and closed orders first"

    def __init__(self, endpoint: str, errors: Sequence[str], warnings: Sequence[str] = (), note: str = "") -> None:
        super().__init__(endpoint, errors, warnings, note)
        times = [until for text in errors if (until := throttled_until_s(text)) is not None]
        self.retry_at_s = max(times, default=None)
        """Unix time (s) from which the exchange welcomes calls again; None where it named none."""


class AfterCheckError(ExchangeError):
    """Retry class `after_check`: what was asked for may have happened."""

    retry = "after_check"
    advice = "look at open and closed orders before sending anything again"


class SlowError(ExchangeError):
    """Retry class `slow`: authentication is being limited; leave it alone for minutes."""

    retry = "slow"
    advice = "stop calling for at least 15 minutes, each try prolongs it; then check key, secret and nonce"


class LockoutError(SlowError):
    """The exchange has locked this key or address out, or this client still keeps the pause that a lockout demands."""


class UnknownError(ExchangeError):
    """An error string that the catalogue does not know. What happened is not known either."""

    retry = "unknown"
    advice = "read the string; treat an order as possibly placed"


# Where an answer holds several strings, the one that demands most care decides.
_CARE: tuple[type[ExchangeError], ...] = (
    LockoutError,
    AfterCheckError,
    UnknownError,
    SlowError,
    PermanentError,
    RequestRefused,
    BackOffError,
    NonceError,
)
_BY_RETRY: dict[RetryClass, type[ExchangeError]] = {cls.retry: cls for cls in _CARE if cls is not LockoutError}


def class_of(text: str) -> type[ExchangeError]:
    """The exception class that one error string of the exchange belongs to."""
    return LockoutError if is_about(text, LOCKOUT) else _BY_RETRY[meaning_of(text).retry]


def exchange_error(endpoint: str, errors: Sequence[str], warnings: Sequence[str] = ()) -> ExchangeError:
    """The exception for the error strings of one answer (at least one)."""
    return min((class_of(text) for text in errors), key=_CARE.index)(endpoint, errors, warnings)


class AnswerError(KrakenError):
    """Something answered, but not what the endpoint promises."""

    may_have_acted = True
    kind: str = "malformed"
    """What failed, for counters: `http_502`, `not_json`, `malformed`."""
    repeatable: bool = False
    """True where the same call may well get a proper answer the next time."""


class HttpStatusError(AnswerError):
    """An HTTP status other than 200. Kraken answers errors with 200, so this came from something in front of it."""

    def __init__(
        self, endpoint: str, status: int, content_type: str | None, length: int, retry_after_s: float | None = None
    ) -> None:
        super().__init__(
            f"{endpoint}: expected HTTP 200, found {status} ({content_type or 'no content type'}, {length} bytes). "
            "Next: check the base URL; a 5xx comes from the edge in front of the exchange and passes.",
            endpoint=endpoint,
        )
        self.kind = f"http_{status}"
        self.status = status
        """The HTTP status."""
        self.retry_after_s = retry_after_s
        """Seconds to wait, where the answer named them."""
        self.repeatable = status >= 500 or status in {408, 425, 429}  # noqa: PLR2004 - HTTP's own numbers


class NotJsonError(AnswerError):
    """HTTP 200 with a body that is not whole JSON: a page of HTML, or a cut answer."""

    kind = "not_json"
    repeatable = True

    def __init__(self, endpoint: str, content_type: str | None, length: int, problem: str) -> None:
        super().__init__(
            f"{endpoint}: expected JSON, found {length} bytes of {content_type or 'no content type'} ({problem}). "
            "Next: check that the base URL is an exchange and not a page.",
            endpoint=endpoint,
        )


class MalformedAnswerError(AnswerError):
    """JSON, but without a result, or with a result of another shape."""

    def __init__(self, endpoint: str, problem: str) -> None:
        super().__init__(
            f"{endpoint}: {problem}. Next: compare the answer with Kraken's documentation of {endpoint}.",
            endpoint=endpoint,
        )


class TransportError(KrakenError):
    """No whole answer came back."""

    repeatable: bool = True
    """True where the same call may well get an answer the next time."""

    def __init__(self, endpoint: str, kind: str, problem: str, *, repeatable: bool = True) -> None:
        super().__init__(f"{endpoint}: {problem}.", endpoint=endpoint)
        self.kind = kind
        """What failed: `connect_error`, `read_timeout`, ..."""
        self.repeatable = repeatable


class NotSentError(TransportError):
    """No connection, so the request never left."""


class AnswerLostError(TransportError):
    """The request left, wholly or in part; what became of it is not known."""

    may_have_acted = True


class OutcomeUnknown(KrakenError):
    """Something that trades was sent, and nothing says whether it happened. The message says what to look for."""

    may_have_acted = True

    def __init__(self, endpoint: str, what: str, reason: KrakenError, step: str) -> None:
        super().__init__(
            f"{endpoint}: the outcome of {what} is unknown ({reason}) Next: do not send it again; {step}.",
            endpoint=endpoint,
        )
        self.reason = reason
        """The failure that hid the outcome."""
        self.errors: tuple[str, ...] = reason.errors if isinstance(reason, ExchangeError) else ()
        """The exchange's own strings, where it sent any."""


class OrderOutcomeUnknown(OutcomeUnknown):
    """An order was sent and nothing says whether it stands. `KrakenClient.find_out` looks again.

    Kraken: after a time-out or a 5xx the order may still appear; wait past its deadline, then read OpenOrders,
    ClosedOrders and TradesHistory.
    """

    def __init__(self, endpoint: str, sent: Sent, reason: KrakenError, looked: KrakenError | None = None) -> None:
        step = (
            f"look for cl_ord_id {sent.cl_ord_id} in the open orders, the closed orders and the trades after its "
            f"deadline (find_out does that)"
        )
        why = f"; looking for it failed too: {looked}" if looked is not None else ""
        super().__init__(endpoint, f"order {sent.cl_ord_id}", reason, step + why)
        self.sent = sent
        """All that is needed to find it."""
        self.cl_ord_id = sent.cl_ord_id
        """The order's client id, by which it can be found."""
        self.deadline_s = sent.deadline_at_s
        """Unix time (s) after which the exchange no longer accepts it."""
        self.looked = looked
        """What the search for it failed with; None where nobody has looked."""


class OrderNotPlaced(KrakenError):
    """An order whose answer was lost has been looked for, past its deadline, and does not stand: it never will."""

    def __init__(self, endpoint: str, sent: Sent, reason: KrakenError) -> None:
        super().__init__(
            f"{endpoint}: order {sent.cl_ord_id} was not placed ({reason}) It is in no book, and its deadline is over. "
            "Next: decide anew; it may be sent again.",
            endpoint=endpoint,
        )
        self.cl_ord_id = sent.cl_ord_id
        """The order's client id."""
        self.reason = reason
        """The failure that hid the outcome at first."""


class ChangeNotMade(KrakenError):
    """A change of an order whose answer was lost has not been made, and its deadline is over: it never will."""

    def __init__(self, endpoint: str, name: str, reason: KrakenError) -> None:
        super().__init__(
            f"{endpoint}: order {name} was not changed ({reason}) It has been looked at, and the deadline of the "
            "change is over. Next: decide anew; the change may be sent again.",
            endpoint=endpoint,
        )
        self.reason = reason
        """The failure that hid the outcome at first."""


class LiveOrderRefused(KrakenError):
    """The interlock kept an order from leaving for production. Nothing was sent."""


class ClientClosedError(KrakenError):
    """The client has been closed. Nothing was sent."""
