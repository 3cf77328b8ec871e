"""What of a request and of an answer goes into a recording: nothing secret, and nothing that is new with each run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from pytest_kraken_golive.contract import Fault
from pytest_kraken_golive.recording.cassette import Answered, Asked
from pytest_kraken_golive.redact import MASK, SHORTEST_SECRET, Redactor

HEADERS_KEPT: Final = frozenset({"content-type", "retry-after"})
"""Of an answer; cookies, traces and whatever a server adds stay out."""
DEADLINE: Final = "set"
"""A deadline counts from sending, so only that there is one can be compared."""

_PATH: Final = re.compile(r"/0/(public|private)/\w+")
_EACH_TIME: Final = frozenset({"nonce", "otp"})
"""Fields of a request that are new with each."""
_SECRET: Final = re.compile(
    r"(api_?[kK]ey|api_?[sS]ign|nonce|otp|token|secret|password|signature|v?iban|account_?[iI]d|user_?[iI]d|email)"
)
"""Names of fields whose values are nobody's business; lower case: `TOKEN` may be an asset."""
_SECRET_HEADERS: Final = frozenset({"api-key", "api-sign", "authorization", "cookie"})
_BALANCES: Final = frozenset({"Balance", "BalanceEx", "TradeBalance"})


def is_exchange_call(uri: str) -> bool:
    """Whether this is a call of Kraken's REST interface, at whatever host."""
    return _PATH.fullmatch(urlsplit(uri).path) is not None


def asked_of(method: str, uri: str, body: object, redactor: Redactor) -> Asked:
    """A request as it is recorded and compared: parsed, without what is secret or new with each.

    Raises:
        Fault: its body is no text.
    """
    parts = urlsplit(uri)
    fields = _parsed(_text(body), parts.path)
    query = _mapping(parse_qsl(parts.query, keep_blank_values=True))
    if query:
        fields = {**query, **fields} if isinstance(fields, dict) else {**query, "body": fields}
    return Asked(method=method, path=parts.path, fields=redactor.data(_stable(fields)))


def secrets_of(headers: Mapping[str, Any]) -> list[str]:
    """What a request's headers hold that must be in no recording, should an answer repeat it."""
    found = []
    for name, value in headers.items():
        if str(name).lower() in _SECRET_HEADERS:
            found += [_text(one) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return found


def once_of(body: object, uri: str) -> list[str]:
    """The nonce of a request, which an answer may repeat as well."""
    parts = urlsplit(uri)
    fields = _parsed(_text(body), parts.path)
    values = [str(value) for name, value in fields.items() if name in _EACH_TIME] if isinstance(fields, dict) else []
    return [value for value in values if len(value) >= SHORTEST_SECRET]


def answered_of(
    response: Mapping[str, Any], endpoint: str, redactor: Redactor, once: Iterable[str], *, balances: bool
) -> Answered:
    """An answer as it is recorded.

    Args:
        response: as vcr gives it.
        endpoint: which call it answers.
        redactor: knows the secrets.
        once: texts that are masked where they are a whole value.
        balances: whether balances may be recorded.

    Raises:
        Fault: it is no text, so that nobody can tell what is in it.
    """
    status = int(response["status"]["code"])
    text = _text(_unpacked(response))
    headers = {
        str(name).lower(): redactor.text(", ".join([values] if isinstance(values, str) else [_text(v) for v in values]))
        for name, values in response["headers"].items()
        if str(name).lower() in HEADERS_KEPT
    }
    try:
        data = json.loads(text)
    except ValueError:
        return Answered(status=status, headers=headers, body=redactor.text(text))
    clean = redactor.data(_masked(data, frozenset(once), hide_balances=not balances))
    if not balances and endpoint in _BALANCES and isinstance(clean, dict):
        clean = {**clean, "result": _all_masked(clean.get("result"))}
    # As it came where there was nothing to hide: 1.10 must not become 1.1.
    body = text if clean == data else json.dumps(clean, separators=(",", ":"))
    return Answered(status=status, headers=headers, body=redactor.text(body))


def _unpacked(response: Mapping[str, Any]) -> bytes:
    packing = [value for name, value in response["headers"].items() if str(name).lower() == "content-encoding"]
    body: bytes = response["body"]["string"]
    if not packing:
        return body
    encoding = packing[0] if isinstance(packing[0], str) else ", ".join(packing[0])
    try:
        return httpx.Response(200, headers={"content-encoding": encoding}, content=body).content
    except httpx.DecodingError:
        raise Fault(f"a body that is said to be packed with {encoding} and is not cannot be recorded.") from None


def _text(body: object) -> str:
    if body is None:
        return ""
    if isinstance(body, str):
        return body
    if not isinstance(body, (bytes, bytearray)):
        raise Fault(f"a body of type {type(body).__name__} cannot be recorded. Next: send it as bytes.")
    try:
        return bytes(body).decode()
    except UnicodeDecodeError:
        raise Fault("a body that is no UTF-8 text cannot be recorded: nobody can tell what is in it.") from None


def _parsed(text: str, path: str) -> Any:
    """A body's fields: JSON, or else a form."""
    if not text:
        return {}
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text, object_pairs_hook=_mapping)
        except ValueError:
            raise Fault(f"{path}: a body that begins like JSON and is none cannot be recorded.") from None
    try:
        return _mapping(parse_qsl(text, keep_blank_values=True, strict_parsing=True))
    except ValueError:
        raise Fault(f"{path}: a body that is neither JSON nor a form cannot be recorded.") from None


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Fields by name; one that is given more than once has a list, so that nothing is passed over."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name not in found:
            found[name] = value
        else:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
    return found


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: DEADLINE if name == "deadline" else MASK if _SECRET.fullmatch(name) else _stable(one)
            for name, one in value.items()
            if name not in _EACH_TIME
        }
    return [_stable(one) for one in value] if isinstance(value, list) else value


def _masked(value: Any, once: frozenset[str], *, hide_balances: bool) -> Any:
    if isinstance(value, dict):
        return {
            name: MASK
            if one is not None and (_SECRET.fullmatch(name) or (hide_balances and name == "balance"))
            else _masked(one, once, hide_balances=hide_balances)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_masked(one, once, hide_balances=hide_balances) for one in value]
    return MASK if isinstance(value, (str, int)) and str(value) in once else value


def _all_masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _all_masked(one) for name, one in value.items()}
    return MASK
