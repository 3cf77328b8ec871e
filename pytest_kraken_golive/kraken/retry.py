"""When a call is tried again, and after how long."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_kraken_golive.kraken.catalogue import is_about
from pytest_kraken_golive.kraken.errors import (
    AfterCheckError,
    AnswerError,
    BackOffError,
    HttpStatusError,
    KrakenError,
    TransportError,
)

_ENOUGH_DOUBLINGS = 60


@dataclass(frozen=True)
class RetryPolicy:
    """Bounded attempts with doubling waits (Kraken: API errors: 1 s, doubling to 60 s)."""

    attempts: int = 5
    """Attempts of one call in all, the first one included."""
    first_wait_s: float = 1.0
    """Seconds before the second attempt."""
    longest_wait_s: float = 60.0
    """Seconds beyond which it is not waited; a later time that the exchange names ends the call instead."""

    def wait_s(self, error: KrakenError, attempt: int, now_s: float) -> float | None:
        """Seconds to wait before the next attempt of a call that may be repeated; None where there is to be none.

        Args:
            error: what the attempt ended in.
            attempt: its number, from 1.
            now_s: Unix time (s).
        """
        if attempt >= self.attempts or not _passes(error):
            return None
        wait_s = min(self.first_wait_s * 2.0 ** min(attempt - 1, _ENOUGH_DOUBLINGS), self.longest_wait_s)
        if isinstance(error, BackOffError) and error.retry_at_s is not None:
            wait_s = max(wait_s, error.retry_at_s - now_s)
        if isinstance(error, HttpStatusError) and error.retry_after_s is not None:
            wait_s = max(wait_s, error.retry_after_s)
        return wait_s if wait_s <= self.longest_wait_s else None


NO_RETRY = RetryPolicy(attempts=1)
"""One attempt."""


def _passes(error: KrakenError) -> bool:
    if isinstance(error, (AnswerError, TransportError)):
        return error.repeatable
    if isinstance(error, AfterCheckError):
        # A read has no outcome to check: a time-out behind the exchange is then a service that is busy.
        return all(is_about(text, "EService") for text in error.errors)
    return isinstance(error, BackOffError)
