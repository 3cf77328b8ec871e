"""Kraken's envelope ``{"error": [...], "result": ...}``: from a raw answer to a result, or to a typed error.

Kraken: REST introduction. Errors come with HTTP 200; `error` is a list (once seen as a bare string); an entry that
begins with W is a warning; every other entry is an error, known or not; on success there is a result.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NoReturn

from pytest_kraken_golive.kraken.errors import (
    HttpStatusError,
    MalformedAnswerError,
    NotJsonError,
    exchange_error,
)
from pytest_kraken_golive.kraken.wire import RawAnswer

_OK = 200


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    result: Any = field(repr=False)
    """JSON data, never None; numbers with a fraction are `Decimal`."""
    warnings: tuple[str, ...] = ()
    """The warning strings that came with it."""


def open_envelope(endpoint: str, raw: RawAnswer) -> Answer:
    """The result of an answer.

    Raises:
        HttpStatusError: the status is not 200.
        NotJsonError: the body is not whole JSON.
        MalformedAnswerError: it is JSON but not the envelope, or success without a result.
        ExchangeError: the exchange named errors; the subclass says what to do.
    """
    if raw.status != _OK:
        raise HttpStatusError(endpoint, raw.status, raw.content_type, len(raw.body), raw.retry_after_s)
    envelope = _json(endpoint, raw)
    if not isinstance(envelope, dict):
        raise MalformedAnswerError(endpoint, f"expected an object with error and result, found {_kind(envelope)}")
    entries = _entries(endpoint, envelope)
    warnings = tuple(text for text in entries if text.startswith("W"))
    errors = [text for text in entries if not text.startswith("W")]
    if errors:
        raise exchange_error(endpoint, errors, warnings)
    result = envelope.get("result")
    if result is None:
        raise MalformedAnswerError(endpoint, "expected a result beside an empty error list, found none")
    return Answer(result, warnings)


def _json(endpoint: str, raw: RawAnswer) -> Any:
    problem = ""
    try:
        return _DECODER.decode(raw.body.decode("utf-8"))
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except (ValueError, ArithmeticError, RecursionError) as error:
        problem = type(error).__name__
    # Raised here without the decoder's own exception, which holds the whole body.
    raise NotJsonError(endpoint, raw.content_type, len(raw.body), problem)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant)


def _entries(endpoint: str, envelope: dict[str, Any]) -> list[str]:
    if "error" not in envelope:
        raise MalformedAnswerError(endpoint, "expected an error list, found none")
    entries = envelope["error"]
    if isinstance(entries, str):
        entries = [entries]
    if not isinstance(entries, list) or not all(isinstance(text, str) and text for text in entries):
        raise MalformedAnswerError(endpoint, f"expected a list of error strings, found {_kind(envelope['error'])}")
    return entries


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a flag", type(None): "null"}
    return names.get(type(value), "a number")
