"""The wire: requests as the exchange takes them, parameters of query, form and JSON, answers in Kraken's envelope."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_to_bytes

from .refusals import BAD_REQUEST, Refusal, invalid

Params = dict[str, str]
"""Parameters as text. Nested JSON takes the names of the form encoding: `close[price]`, `pair[0][asset]`."""

PUBLIC = "/0/public/"
PRIVATE = "/0/private/"

_NUMBER = re.compile(r"[0-9]{1,15}(\.[0-9]{0,20})?|\.[0-9]{1,20}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}")
_compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(slots=True)
class Call:
    """A request, free of HTTP machinery."""

    verb: str
    """HTTP method, upper case."""
    path: str
    """Path as sent, still escaped, without query."""
    query: str = ""
    """Query string without the question mark."""
    body: bytes = b""
    """Body as received."""
    content_type: str = ""
    """Content-Type header; JSON bodies say so."""
    api_key: str = ""
    """API-Key header, empty if absent."""
    api_sign: str = field(default="", repr=False)
    """API-Sign header, empty if absent."""
    door: str = "main"
    """Door through which it came."""
    peer: str = "127.0.0.1"
    """Address of the sender."""
    arrived_at: float | None = None
    """Unix time of its arrival in seconds; None is the moment of handling."""
    is_private: bool = field(init=False)
    """Whether the path is one of the signed ones."""
    endpoint: str = field(init=False)
    """Name of the endpoint, e.g. `AddOrder`; the whole path where there is none."""

    def __post_init__(self) -> None:
        self.is_private = self.path.startswith(PRIVATE)
        self.endpoint = self.path.removeprefix(PRIVATE if self.is_private else PUBLIC)

    @property
    def is_public(self) -> bool:
        """Whether the path is one of those that take no signature."""
        return self.path.startswith(PUBLIC)


def read_query(text: str) -> Params:
    """Parameters of a query string or a form; the last of equal names counts."""
    params: Params = {}
    for part in text.split("&"):
        name, _, value = part.partition("=")
        if "%" in part or "+" in part:
            name, value = _unescaped(name), _unescaped(value)
        if part:
            params[name] = value
    return params


def _unescaped(text: str) -> str:
    # First what a deadline has. What comes out of it ends no other escape, so that their order is of no account.
    text = text.replace("+", " ").replace("%3A", ":").replace("%2B", "+")
    return unquote_to_bytes(text).decode(errors="replace") if "%" in text else text


def read_body(body: bytes, content_type: str) -> Params:
    """Parameters of a form or JSON body.

    Raises:
        Refusal: `EAPI:Bad request`, the body is not what its content type says.
    """
    try:
        if not content_type.lower().startswith("application/json"):
            return read_query(body.decode())
        data = json.loads(body, parse_float=str, parse_int=str, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal(BAD_REQUEST) from None
    if not isinstance(data, dict):
        raise Refusal(BAD_REQUEST)
    params: Params = {}
    for name, value in data.items():
        _flatten(name, value, params)
    return params


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _flatten(name: str, value: Any, into: Params) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _flatten(f"{name}[{key}]", item, into)
    elif isinstance(value, list):
        if all(isinstance(item, str) for item in value):
            into[name] = ",".join(value)
        else:
            for index, item in enumerate(value):
                _flatten(f"{name}[{index}]", item, into)
    elif isinstance(value, bool):
        into[name] = "true" if value else "false"
    elif value is not None:
        into[name] = value


def number(params: Params, name: str) -> Decimal:
    """A plain decimal number that is not negative; refused if absent, signed, in exponent form or not a number."""
    text = params.get(name, "")
    if _NUMBER.fullmatch(text) is None:
        raise invalid(name)
    return Decimal(text)


def integer(params: Params, name: str, default: int, low: int, high: int) -> int:
    """A whole number in a range; `default` if absent."""
    text = params.get(name)
    if text is None:
        return default
    if _INTEGER.fullmatch(text) is None or not low <= int(text) <= high:
        raise invalid(name)
    return int(text)


def flag(params: Params, name: str, default: bool = False) -> bool:
    """A truth value: true, false, 1 or 0; `default` if absent."""
    text = params.get(name)
    if text is None:
        return default
    value = _FLAGS.get(text.lower())
    if value is None:
        raise invalid(name)
    return value


def choice(params: Params, name: str, values: tuple[str, ...], default: str) -> str:
    """One of the values; `default` if absent."""
    text = params.get(name, default)
    if text not in values:
        raise invalid(name)
    return sys.intern(text)  # an order keeps it: one text for all


def names(params: Params, name: str) -> list[str]:
    """A comma-separated list, blanks around its entries allowed; empty if absent."""
    text = params.get(name)
    return [] if text is None else [part.strip() for part in text.split(",")]


def success(result: object) -> bytes:
    """The envelope around a result."""
    return _NO_ERROR + b',"result":' + _compact(result).encode() + b"}"


def failure(*errors: str, null_result: bool) -> bytes:
    """The envelope of errors; recorded public answers carry `"result":null`, private ones leave it out."""
    head = b'{"error":' + _error_array(errors)
    return head + (b',"result":null}' if null_result else b"}")


def with_warnings(answer: bytes, warnings: Sequence[str]) -> bytes:
    """An answer that carries warnings beside its result; one that already is an error stays as it is."""
    if not answer.startswith(_NO_ERROR):
        return answer
    return b'{"error":' + _error_array(warnings) + answer[len(_NO_ERROR) :]


_NO_ERROR = b'{"error":[]'


def _error_array(errors: Sequence[str]) -> bytes:
    return _compact(errors).encode()


def places(value: Decimal, decimals: int) -> str:
    """A value with so many decimals; what lies beyond is rounded half-even."""
    return f"{value:.{decimals}f}"


def iso_time(unix_s: float) -> str:
    """A time as in SystemStatus: `2023-07-06T18:52:00Z`."""
    return datetime.fromtimestamp(int(unix_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc1123(unix_s: float) -> str:
    """A time as Time gives it: `Tue, 11 Nov 25 00:17:04 +0000` (English in every locale, year in two digits)."""
    day, date, month, year, clock = formatdate(unix_s, usegmt=False).split()[:5]
    return f"{day} {date} {month} {year[2:]} {clock} +0000"
