"""The Kraken Spot REST client: signing, nonces, limits, typed errors, models."""

from __future__ import annotations

from pytest_kraken_golive.kraken.client import KrakenClient
from pytest_kraken_golive.kraken.endpoint import PRODUCTION_URL, Endpoint, EndpointError, resolve_endpoint
from pytest_kraken_golive.kraken.errors import (
    AfterCheckError,
    AnswerError,
    AnswerLostError,
    BackOffError,
    ChangeNotMade,
    ClientClosedError,
    ExchangeError,
    HttpStatusError,
    KrakenError,
    LiveOrderRefused,
    LockoutError,
    MalformedAnswerError,
    NonceError,
    NotJsonError,
    NotSentError,
    OrderNotPlaced,
    OrderOutcomeUnknown,
    OutcomeUnknown,
    PermanentError,
    RequestRefused,
    SlowError,
    TransportError,
    UnknownError,
)
from pytest_kraken_golive.kraken.interlock import Arming
from pytest_kraken_golive.kraken.limits import BucketLimit, RateLimits, SharedPacer, TokenPacer, Unlimited
from pytest_kraken_golive.kraken.nonce import NonceSource, RisingNonces, SharedNonces
from pytest_kraken_golive.kraken.observation import CallRecord
from pytest_kraken_golive.kraken.order_prices import ConditionalClose, Relative
from pytest_kraken_golive.kraken.orders import Amendment, Edit, NewOrder
from pytest_kraken_golive.kraken.protocol import ExchangeClient
from pytest_kraken_golive.kraken.retry import NO_RETRY, RetryPolicy
from pytest_kraken_golive.kraken.shared import SharedStateError
from pytest_kraken_golive.kraken.signing import decode_secret, sign

__all__ = [
    "NO_RETRY",
    "PRODUCTION_URL",
    "AfterCheckError",
    "Amendment",
    "AnswerError",
    "AnswerLostError",
    "Arming",
    "BackOffError",
    "BucketLimit",
    "CallRecord",
    "ChangeNotMade",
    "ClientClosedError",
    "ConditionalClose",
    "Edit",
    "Endpoint",
    "EndpointError",
    "ExchangeClient",
    "ExchangeError",
    "HttpStatusError",
    "KrakenClient",
    "KrakenError",
    "LiveOrderRefused",
    "LockoutError",
    "MalformedAnswerError",
    "NewOrder",
    "NonceError",
    "NonceSource",
    "NotJsonError",
    "NotSentError",
    "OrderNotPlaced",
    "OrderOutcomeUnknown",
    "OutcomeUnknown",
    "PermanentError",
    "RateLimits",
    "Relative",
    "RequestRefused",
    "RetryPolicy",
    "RisingNonces",
    "SharedNonces",
    "SharedPacer",
    "SharedStateError",
    "SlowError",
    "TokenPacer",
    "TransportError",
    "UnknownError",
    "Unlimited",
    "decode_secret",
    "resolve_endpoint",
    "sign",
]
