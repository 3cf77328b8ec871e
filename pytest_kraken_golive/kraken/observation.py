"""What an observer of the client learns about each HTTP attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_kraken_golive.kraken.errors import AnswerError, ExchangeError, KrakenError, TransportError

Result = Literal["ok", "error", "broken", "transport"]
"""ok: a result; error: the exchange's error strings; broken: no proper answer; transport: no whole answer."""


@dataclass(frozen=True)
class CallRecord:
    """One HTTP attempt. Each attempt is reported exactly once, so its errors can be counted without care."""

    endpoint: str
    """Kraken's name of the endpoint: `AddOrder`."""
    attempt: int
    """1 for the first attempt of a call."""
    started_at_s: float
    """Unix time (s) at which it was sent."""
    duration_s: float
    """Seconds from sending to the read answer; waiting for a bucket or for the key's turn is not in it."""
    waited_s: float
    """Seconds that it waited for tokens of the client's own buckets."""
    result: Result
    """How it came out."""
    errors: tuple[str, ...] = ()
    """The exchange's error strings."""
    warnings: tuple[str, ...] = ()
    """The exchange's warning strings."""
    kind: str | None = None
    """What failed where there was no proper answer: `read_timeout`, `http_502`, `not_json`, `malformed`."""
    rate_limited: bool = False
    """True where the exchange says that there were too many calls."""

    @property
    def network_error(self) -> bool:
        """True where no proper answer of the exchange came back."""
        return self.result in {"broken", "transport"}


def describe(error: KrakenError | None) -> tuple[Result, tuple[str, ...], str | None, bool]:
    """Result, error strings, kind and rate limit of an attempt that ended in `error` (None: in an answer)."""
    if isinstance(error, ExchangeError):
        return "error", error.errors, None, error.rate_limited
    if isinstance(error, TransportError):
        return "transport", (), error.kind, False
    if isinstance(error, AnswerError):
        return "broken", (), error.kind, False
    return "ok", (), None, False
