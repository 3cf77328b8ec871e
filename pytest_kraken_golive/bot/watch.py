"""Watches the calls to one exchange: counts what went wrong, each thing once, and says whether it is healthy."""

from __future__ import annotations

import threading

from pytest_kraken_golive.bot.metrics import SEVERITIES, ErrorSeverity, ExchangeMetrics
from pytest_kraken_golive.kraken import calls
from pytest_kraken_golive.kraken.catalogue import UNKNOWN_ORDER, is_about, meaning_of
from pytest_kraken_golive.kraken.observation import CallRecord

_PUBLIC = frozenset(
    call.name
    for call in (
        calls.TIME,
        calls.SYSTEM_STATUS,
        calls.ASSETS,
        calls.ASSET_PAIRS,
        calls.TICKER,
        calls.DEPTH,
        calls.OHLC,
        calls.TRADES,
    )
)

_ORDINARY = ("EOrder:Post only order", UNKNOWN_ORDER, "EOrder:Cancel pending")
"""Answers that belong to trading: the book moved, or the order is gone already. Nothing is wrong then."""

_FAILURES_TO_SICKNESS = 3
"""So many failed calls in a row, and the exchange no longer counts as healthy."""


class ExchangeWatch:
    """Feeds the counters and the health gauge of one exchange; safe to share between threads.

    The gauge is first set when it is known: 1 after the exchange said that it is online and a private call succeeded,
    0 when it is not online, refuses the key, or fails three times in a row.

    Args:
        exchange: the exchange's label in the metrics.
        metrics: what it feeds.
    """

    def __init__(self, exchange: str, metrics: ExchangeMetrics) -> None:
        self.exchange = exchange
        self._metrics = metrics
        self._lock = threading.Lock()
        self._online: bool | None = None
        self._key_accepted: bool | None = None
        self._failures = 0

    def on_call(self, record: CallRecord) -> None:
        """Take note of one HTTP attempt; the client calls this exactly once for each."""
        if record.rate_limited:
            self._metrics.rate_limited(self.exchange)
            return
        severity = severity_of(record)
        if severity is not None:
            self._metrics.error(self.exchange, severity)
        with self._lock:
            self._failures = 0 if severity is None else self._failures + 1
            if record.endpoint not in _PUBLIC:
                self._note_key(record)
            self._set_gauge()

    def on_status(self, online: bool) -> None:
        """Take note of what SystemStatus said."""
        with self._lock:
            self._online = online
            self._set_gauge()

    def on_silence(self) -> None:
        """Take note that the exchange does not answer as it should, whatever single calls said."""
        with self._lock:
            self._failures = max(self._failures, _FAILURES_TO_SICKNESS)
            self._set_gauge()

    def _note_key(self, record: CallRecord) -> None:
        if record.result == "ok":
            self._key_accepted = True
        elif any(_refuses_key(text) for text in record.errors):
            self._key_accepted = False

    def _set_gauge(self) -> None:
        sick = self._failures >= _FAILURES_TO_SICKNESS or self._online is False or self._key_accepted is False
        if sick or (self._online and self._key_accepted):
            self._metrics.health(self.exchange, not sick)


def severity_of(record: CallRecord) -> ErrorSeverity | None:
    """How bad an attempt was; None if nothing is wrong.

    `warning`: it failed and can be tried again. `error`: it failed again, or the request was refused. `critical`: the
    key or account is refused, or nobody knows whether an order stands.
    """
    repeated: ErrorSeverity = "warning" if record.attempt == 1 else "error"
    places = record.endpoint == calls.ADD_ORDER.name
    if record.network_error:
        return "critical" if places else repeated
    if record.result == "ok":
        return None
    found = [_severity_of_string(text, repeated, places) for text in record.errors]
    return max((item for item in found if item is not None), key=SEVERITIES.index, default=None)


def _severity_of_string(text: str, repeated: ErrorSeverity, places: bool) -> ErrorSeverity | None:
    if _is_ordinary(text):
        return None
    meaning = meaning_of(text)
    if _refuses_key(text) or (places and meaning.may_have_acted):
        return "critical"
    return repeated if meaning.retry in {"backoff", "new_nonce"} else "error"


def _refuses_key(text: str) -> bool:
    """Whether the exchange refuses the key or the account, and not only this call."""
    return meaning_of(text).retry in {"never", "slow"} and not _is_ordinary(text)


def _is_ordinary(text: str) -> bool:
    return any(is_about(text, known) for known in _ORDINARY)
