"""One call from its fields to its typed result: pace, number, sign, send, read, and try again where that is safe."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pytest_kraken_golive.clock import Clock
from pytest_kraken_golive.kraken.calls import Call
from pytest_kraken_golive.kraken.catalogue import LOCKOUT, UNKNOWN_ORDER, is_about
from pytest_kraken_golive.kraken.credentials import Credentials
from pytest_kraken_golive.kraken.envelope import Answer, open_envelope
from pytest_kraken_golive.kraken.errors import (
    ClientClosedError,
    ExchangeError,
    KrakenError,
    LockoutError,
    NonceError,
    PermanentError,
)
from pytest_kraken_golive.kraken.limits import Pacer
from pytest_kraken_golive.kraken.lockout import Lockout
from pytest_kraken_golive.kraken.nonce import NonceSource
from pytest_kraken_golive.kraken.observation import CallRecord, describe
from pytest_kraken_golive.kraken.retry import NO_RETRY, RetryPolicy
from pytest_kraken_golive.kraken.signing import form_body, json_body
from pytest_kraken_golive.kraken.wire import RawAnswer, Wire

log = logging.getLogger(__name__)

T = TypeVar("T")
Fields = Callable[[], Mapping[str, Any]]
"""The parameters of a call, made anew for each attempt: a deadline counts from sending."""

_WARNINGS_KEPT: Final = 1000
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"


@dataclass
class _Progress:
    """What has happened to a call so far."""

    attempt: int = 0
    """HTTP attempts begun."""
    nonce_retry_left: bool = True
    """A nonce that was refused may be replaced once."""
    answer_lost: bool = False
    """True where an attempt may have acted without our having read the answer."""


@dataclass(slots=True)
class _Turn:
    """One attempt of a call."""

    attempt: int
    """Its number, from 1."""
    waited_s: float
    """Seconds that it waited for tokens."""
    record: CallRecord | None = None
    """What the observer is told, where there is one."""


class Dispatch:
    """Makes the calls of one client. Safe for threads."""

    def __init__(
        self,
        wire: Wire,
        credentials: Credentials,
        *,
        clock: Clock,
        pacer: Pacer,
        nonces: NonceSource,
        lockout: Lockout,
        retry: RetryPolicy,
        on_call: Callable[[CallRecord], None] | None,
    ) -> None:
        self._wire = wire
        self._credentials = credentials
        self._clock = clock
        self._pacer = pacer
        self._nonces = nonces
        self._lockout = lockout
        self._retry = retry
        self._on_call = on_call
        self._lock = threading.Lock()
        self._closed = False
        self.waited_s = 0.0
        """Seconds that calls have waited for tokens of our own buckets."""
        self._warnings: deque[tuple[str, str]] = deque(maxlen=_WARNINGS_KEPT)

    def call(self, call: Call, fields: Fields, read: Callable[[str, Any], T]) -> T:
        """Make a call.

        Args:
            call: the endpoint.
            fields: gives its parameters.
            read: turns the endpoint's name and the result into a model; raises MalformedAnswerError where it cannot.

        Raises:
            KrakenError: the typed error of the last attempt. Only what cannot place a second order is tried again;
                an invalid nonce, which means that nothing was executed, is replaced once for every call.
        """
        policy = NO_RETRY if call.effect == "places" else self._retry
        progress = _Progress()
        while True:
            progress.attempt += 1
            try:
                return self._attempt(call, fields, read, progress.attempt)
            except KrakenError as error:
                wait_s = self._next_wait_s(error, progress, policy)
                if wait_s is None:
                    raise _explained(error, progress) from None
                log.info("%s: attempt %d failed, next in %.3f s", call.name, progress.attempt, wait_s)
            self._clock.sleep(wait_s)

    def _next_wait_s(self, error: KrakenError, progress: _Progress, policy: RetryPolicy) -> float | None:
        if isinstance(error, NonceError):
            may, progress.nonce_retry_left = progress.nonce_retry_left, False
            return 0.0 if may else None
        wait_s = policy.wait_s(error, progress.attempt, self._clock.time())
        progress.answer_lost = progress.answer_lost or (wait_s is not None and error.may_have_acted)
        return wait_s

    def _attempt(self, call: Call, fields: Fields, read: Callable[[str, Any], T], attempt: int) -> T:
        self._demand_open(call)
        turn = _Turn(attempt, self._pacer.wait_for(call.buckets))
        if turn.waited_s:
            with self._lock:
                self.waited_s += turn.waited_s
        try:
            if call.private:
                with self._nonces.lend() as nonce:
                    return self._observed(call, read, turn, lambda: self._send_signed(call, fields, nonce))
            return self._observed(call, read, turn, lambda: self._send_public(call, fields))
        finally:
            # Only now, when the key's turn is over: an observer may make calls of its own.
            if turn.record is not None:
                self._report(turn.record)

    def _observed(self, call: Call, read: Callable[[str, Any], T], turn: _Turn, send: Callable[[], RawAnswer]) -> T:
        # Again, directly before sending: the exchange may have locked us out while this call waited for its turn.
        self._demand_open(call)
        started_at_s, started_s = self._clock.time(), self._clock.monotonic()
        answer: Answer | None = None
        failure: KrakenError | None = None
        try:
            answer = open_envelope(call.name, send())
            return read(call.name, answer.result)
        except KrakenError as error:
            failure = error
            if isinstance(error, LockoutError):
                self._lockout.begin()
            raise
        finally:
            if answer is not None or failure is not None:
                duration_s = self._clock.monotonic() - started_s
                warnings = _warnings_of(answer, failure)
                self._keep(call, warnings)
                if self._on_call is not None:
                    turn.record = _record(
                        call,
                        turn,
                        started_at_s=started_at_s,
                        duration_s=duration_s,
                        warnings=warnings,
                        failure=failure,
                    )

    def _send_public(self, call: Call, fields: Fields) -> RawAnswer:
        return self._wire.get(call.name, call.path, fields())

    def _send_signed(self, call: Call, fields: Fields, nonce: int) -> RawAnswer:
        numbered = {"nonce": str(nonce), **fields()}
        body = json_body(numbered) if call.as_json else form_body(numbered)
        headers = self._credentials.headers(call.path, str(nonce), body)
        headers["Content-Type"] = _JSON if call.as_json else _FORM
        return self._wire.post(call.name, call.path, body, headers)

    def _demand_open(self, call: Call) -> None:
        if self._closed:
            raise ClientClosedError(f"{call.name}: the client is closed. Next: make a new one.", endpoint=call.name)
        left_s = self._lockout.left_s()
        if left_s > 0:
            note = f"Not sent: this client keeps quiet for another {left_s:.0f} s after a lockout. "
            raise LockoutError(call.name, [LOCKOUT], note=note)

    def _keep(self, call: Call, warnings: tuple[str, ...]) -> None:
        for text in warnings:
            log.warning("%s: the exchange warns: %s", call.name, text)
            with self._lock:
                self._warnings.append((call.name, text))

    def _report(self, record: CallRecord) -> None:
        if self._on_call is None:
            return
        try:
            self._on_call(record)
        except Exception:
            # An order may have been placed: its answer must reach the caller whatever the observer does.
            log.exception("%s: the observer of calls failed", record.endpoint)

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Endpoint and text of the exchange's latest warnings, oldest first."""
        with self._lock:
            return tuple(self._warnings)

    def close(self) -> None:
        """Refuse further calls and close the connections."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            self._wire.close()


def _record(
    call: Call,
    turn: _Turn,
    *,
    started_at_s: float,
    duration_s: float,
    warnings: tuple[str, ...],
    failure: KrakenError | None,
) -> CallRecord:
    result, errors, kind, limited = describe(failure)
    return CallRecord(
        endpoint=call.name,
        attempt=turn.attempt,
        started_at_s=started_at_s,
        duration_s=duration_s,
        waited_s=turn.waited_s,
        result=result,
        errors=errors,
        warnings=warnings,
        kind=kind,
        rate_limited=limited,
    )


def _warnings_of(answer: Answer | None, failure: KrakenError | None) -> tuple[str, ...]:
    if answer is not None:
        return answer.warnings
    return failure.warnings if isinstance(failure, ExchangeError) else ()


def _explained(error: KrakenError, progress: _Progress) -> KrakenError:
    """The error, with what only the history of the call knows."""
    if (
        progress.answer_lost
        and isinstance(error, PermanentError)
        and any(is_about(text, UNKNOWN_ORDER) for text in error.errors)
    ):
        note = "The answer to an earlier attempt was lost, and that attempt may have cancelled the order itself. "
        return PermanentError(error.endpoint or "", error.errors, error.warnings, note)
    return error
